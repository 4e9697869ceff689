"""Interactions in very many images: shards of work on Ray, from two processes to a cluster (extra ``batch``)."""

from interplay.batch.job import BatchJob, run_batch

__all__ = ["BatchJob", "run_batch"]
