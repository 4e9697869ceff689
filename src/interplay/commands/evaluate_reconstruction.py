"""Score people and objects reconstructed together in 3D: Chamfer distances, contact, penetration."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import TYPE_CHECKING

from interplay.commands._options import add_compared

if TYPE_CHECKING:
    from rich.console import Console

    from interplay.metrics.reconstruction_evaluation import ReconstructionEvaluation

EXAMPLE = "interplay evaluate reconstruction --predictions fits --annotations scenes"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    add_compared(
        parser,
        "scenes, NAME.npz with human_vertices, human_faces, object_vertices and object_faces, or NAME_human.obj "
        "and NAME_object.obj; several folders are compared",
        "the true scenes in the same form",
        metavar="DIR",
    )
    parser.add_argument(
        "--align",
        choices=["both", "human"],
        default="both",
        help="by whose vertices a scene is moved, turned and scaled before distances are taken (default: both)",
    )


def run(arguments: argparse.Namespace) -> int:
    """Evaluate, print, and write what was asked for."""
    from rich.progress import track

    from interplay.commands._scores import score_all
    from interplay.metrics.reconstruction_evaluation import evaluate_reconstruction

    def prepare(console: Console) -> Callable[[str], ReconstructionEvaluation]:
        return lambda folder: evaluate_reconstruction(
            folder,
            arguments.annotations,
            arguments.align,
            arguments.allow_partial,
            lambda scenes: track(scenes, "scoring", console=console, transient=True),
        )

    score_all(arguments, prepare)
    return 0
