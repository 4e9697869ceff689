"""Score affordance of objects' points on PIAD or LEMON: SIM, MAE, AUC, aIoU."""

from __future__ import annotations

import argparse

from interplay.commands._options import add_allow_partial, add_outputs, add_split, distinct_names

EXAMPLE = "interplay evaluate affordance --predictions affordance.npz --annotations PIAD"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument(
        "--predictions",
        required=True,
        nargs="+",
        metavar="P",
        help=".npz with image, object, scores and, where no list pairs them, points, or a folder of such files; "
        "several are compared",
    )
    parser.add_argument(
        "--annotations", required=True, metavar="DIR", help="PIAD or LEMON: files of points, and lists of images"
    )
    add_split(parser)
    add_allow_partial(parser)
    add_outputs(parser)


def run(arguments: argparse.Namespace) -> int:
    """Evaluate, print, and write what was asked for."""
    from rich.console import Console

    from interplay.commands._scores import check_outputs, score_all
    from interplay.datasets.affordance_truth import read_affordance_truth
    from interplay.formats.contact_results import read_contact_results
    from interplay.metrics.affordance_evaluation import evaluate_affordance

    names = distinct_names(arguments.predictions)
    check_outputs(arguments)
    console = Console()
    with console.status("reading annotations"):
        truth = read_affordance_truth(arguments.annotations, arguments.split)
    score_all(
        names,
        lambda file: evaluate_affordance(read_contact_results(file), truth, arguments.allow_partial),
        arguments,
        console,
    )
    return 0
