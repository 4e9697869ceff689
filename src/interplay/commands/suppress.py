"""Remove or reduce, in any model's predictions, the pairs that do not interact (TIN's non-interaction suppression)."""

from __future__ import annotations

import argparse
from pathlib import Path

from interplay.commands._options import add_allow_partial, add_dataset, add_numbering, add_split
from interplay.commands._types import fraction
from interplay.defaults import DEFAULT_MODEL
from interplay.errors import InputError

EXAMPLE = "interplay suppress predictions.parquet -o suppressed.parquet --remove-below 0.1"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument(
        "predictions",
        metavar="PREDICTIONS",
        help="any model's predictions: .jsonl, .parquet, .csv, a query detector's .json, a V-COCO .pkl, or a folder of "
        "HICO-DET detections_XX.mat",
    )
    parser.add_argument(
        "-o", "--output", required=True, metavar="OUT", help="the .jsonl, .parquet or .csv file to write"
    )
    parser.add_argument(
        "--model",
        default=DEFAULT_MODEL,
        metavar="NAME",
        help="model that tells whether a pair interacts: a name or a .safetensors file (default: %(default)s)",
    )
    parser.add_argument("--weights", metavar="FILE", help="weights of your own for the named model")
    parser.add_argument(
        "--remove-below",
        type=fraction,
        metavar="T",
        help="remove interactions of pairs whose interactiveness is below T (0..1; tin-spatial-vcoco itself uses 0.03)",
    )
    parser.add_argument("--rescore", action="store_true", help="multiply scores by the pair's interactiveness")
    parser.add_argument("--images", metavar="DIR", help="the images, for models that look at them")
    parser.add_argument("--annotations", metavar="FILE_OR_DIR", help="score before and after with these annotations")
    add_dataset(parser)
    add_allow_partial(parser)
    add_split(parser)
    add_numbering(parser)
    parser.add_argument(
        "--vocabulary",
        metavar="V",
        help="what names and numbers in the predictions mean: built-in name or JSON file (a .json of numbers needs it)",
    )


def run(arguments: argparse.Namespace) -> int:
    """Suppress, and say what it did."""
    if arguments.remove_below is None and not arguments.rescore:
        raise InputError("nothing to do: give --remove-below T, --rescore, or both")

    from interplay.files import check_other
    from interplay.pipeline.results import check_output

    output = Path(arguments.output)
    check_output(output)
    check_other(output, arguments.predictions, "the file of the predictions")
    from rich.console import Console

    from interplay.locks import locked
    from interplay.models.interactiveness import SuppressionRule
    from interplay.pipeline.screen import say
    from interplay.pipeline.suppress import SuppressJob, print_report, suppress_file
    from interplay.vocabulary import Vocabulary

    console = Console()
    job = SuppressJob(
        predictions=arguments.predictions,
        output=arguments.output,
        rule=SuppressionRule(arguments.remove_below, arguments.rescore),
        model=arguments.model,
        weights=arguments.weights,
        images=arguments.images,
        annotations=arguments.annotations,
        dataset=arguments.dataset,
        split=arguments.split,
        allow_partial=arguments.allow_partial,
        numbering=arguments.numbering,
        vocabulary=Vocabulary.load(arguments.vocabulary) if arguments.vocabulary else None,
    )
    with locked(output):
        report = suppress_file(job, progress=console.is_terminal)
    print_report(report, console)
    say(console, f"written: {arguments.output}")
    return 0
