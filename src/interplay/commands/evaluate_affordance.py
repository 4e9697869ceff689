"""Score affordance of objects' points on PIAD or LEMON: SIM, MAE, AUC, aIoU."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import TYPE_CHECKING

from interplay.commands._options import add_compared

if TYPE_CHECKING:
    from rich.console import Console

    from interplay.metrics.contact_evaluation import ContactEvaluation

EXAMPLE = "interplay evaluate affordance --predictions affordance.npz --annotations PIAD"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    add_compared(
        parser,
        ".npz with image, object, scores and, where no list pairs them, points, or a folder of such files; several "
        "are compared",
        "PIAD or LEMON: files of points, and lists of images",
        split=True,
    )


def run(arguments: argparse.Namespace) -> int:
    """Evaluate, print, and write what was asked for."""
    from interplay.commands._scores import score_all
    from interplay.datasets.affordance_truth import read_affordance_truth
    from interplay.formats.contact_results import read_contact_results
    from interplay.metrics.affordance_evaluation import evaluate_affordance

    def prepare(console: Console) -> Callable[[str], ContactEvaluation]:
        with console.status("reading annotations"):
            truth = read_affordance_truth(arguments.annotations, arguments.split)
        return lambda file: evaluate_affordance(read_contact_results(file), truth, arguments.allow_partial)

    score_all(arguments, prepare)
    return 0
