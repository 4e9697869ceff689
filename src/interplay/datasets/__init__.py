"""Data sets: reading them in every form in circulation, checking, counting and showing them."""

from interplay.datasets.load import DATASETS, detect_dataset, load_annotations

__all__ = ["DATASETS", "detect_dataset", "load_annotations"]
