"""Find interactions in very many images, on several processes or a Ray cluster.

OUT is a folder of Parquet files, one per shard of images; interplay reads it like one file. A run that was stopped, or
lost its machines, continues when the same command is given again, and takes up images that have come since. Images
that cannot be done are named in OUT/failures.jsonl.

Images may lie in an object store (s3://..., gs://..., ...; install fsspec's package for it), or in Parquet files, as
bytes or by name.
"""

from __future__ import annotations

import argparse
import os

from interplay.commands._options import add_model, add_text_classes, model_options
from interplay.commands._types import positive, score
from interplay.errors import InputError

EXAMPLE = "interplay batch photos/ -o results/ --workers 8"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("inputs", nargs="+", metavar="INPUT", help="images, folders, patterns or Parquet files")
    parser.add_argument("-o", "--output", required=True, metavar="OUT", help="folder for the results, or its address")
    parser.add_argument("--overwrite", action="store_true", help="start over instead of continuing")
    parser.add_argument("--retry-failed", action="store_true", help="do shards with broken images again")
    parser.add_argument("--column", metavar="NAME", help="column of the images in Parquet files (default: a usual one)")
    parser.add_argument(
        "--min-score", type=score, metavar="S", help="leave out interactions below this score (default: the model's)"
    )
    parser.add_argument("--top-k", type=positive, metavar="K", help="keep the best K interactions of each image")
    ray = parser.add_argument_group("processes")
    ray.add_argument(
        "--workers", type=positive, default=os.cpu_count() or 1, metavar="N", help="processes (default: %(default)s)"
    )
    ray.add_argument("--cpus", type=positive, default=1, metavar="N", help="cores of each (default: %(default)s)")
    ray.add_argument(
        "--gpus", type=_share, default=0.0, metavar="N", help="graphics cards of each, 0.5 for half of one (default: 0)"
    )
    ray.add_argument("--address", metavar="A", help="Ray cluster: auto, HOST:PORT or ray://... (default: this machine)")
    ray.add_argument(
        "--shard-size",
        type=positive,
        default=256,
        metavar="N",
        help="images of a shard; what is lost when a process dies is done again (default: %(default)s)",
    )
    add_model(parser, boxes=False)
    add_text_classes(parser)


def _share(text: str) -> float:
    number = float(text)
    if not 0 <= number < float("inf"):
        raise argparse.ArgumentTypeError("expected 0 or more")
    return number


def run(arguments: argparse.Namespace) -> int:
    """Do the batch; 1 if some images could not be done."""
    from importlib.util import find_spec

    from rich.console import Console

    from interplay.errors import MissingExtraError
    from interplay.pipeline import chosen_min_score

    if find_spec("ray") is None:
        raise MissingExtraError("batch", "ray")
    from interplay.batch import BatchJob, run_batch

    model = model_options(arguments)
    if arguments.address is not None and arguments.address.strip() == "":
        raise InputError("--address is empty: expected auto, HOST:PORT or ray://HOST:PORT")
    model.check()
    job = BatchJob(
        arguments.inputs,
        arguments.output,
        model,
        min_score=chosen_min_score(arguments.model, arguments.weights, arguments.min_score),
        top_k=arguments.top_k,
        batch_size=arguments.batch_size,
        shard_size=arguments.shard_size,
        workers=arguments.workers,
        cpus=arguments.cpus,
        gpus=arguments.gpus,
        address=arguments.address,
        column=arguments.column,
        overwrite=arguments.overwrite,
        retry_failed=arguments.retry_failed,
    )
    return 1 if run_batch(job, Console(stderr=True)) else 0
