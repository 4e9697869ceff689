"""Score people and objects reconstructed together in 3D: Chamfer distances, contact, penetration."""

from __future__ import annotations

import argparse

from interplay.commands._options import add_allow_partial, add_outputs, distinct_names

EXAMPLE = "interplay evaluate reconstruction --predictions fits --annotations scenes"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument(
        "--predictions",
        required=True,
        nargs="+",
        metavar="DIR",
        help="scenes, NAME.npz with human_vertices, human_faces, object_vertices and object_faces, or NAME_human.obj "
        "and NAME_object.obj; several folders are compared",
    )
    parser.add_argument("--annotations", required=True, metavar="DIR", help="the true scenes in the same form")
    parser.add_argument(
        "--align",
        choices=["both", "human"],
        default="both",
        help="by whose vertices a scene is moved, turned and scaled before distances are taken (default: both)",
    )
    add_allow_partial(parser)
    add_outputs(parser)


def run(arguments: argparse.Namespace) -> int:
    """Evaluate, print, and write what was asked for."""
    from rich.console import Console
    from rich.progress import track

    from interplay.commands._scores import check_outputs, score_all
    from interplay.metrics.reconstruction_evaluation import ReconstructionEvaluation, evaluate_reconstruction

    names = distinct_names(arguments.predictions)
    check_outputs(arguments)
    console = Console()

    def score(folder: str) -> ReconstructionEvaluation:
        return evaluate_reconstruction(
            folder,
            arguments.annotations,
            arguments.align,
            arguments.allow_partial,
            lambda scenes: track(scenes, "scoring", console=console, transient=True),
        )

    score_all(names, score, arguments, console)
    return 0
