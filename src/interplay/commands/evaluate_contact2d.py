"""Score masks of contact in photographs: IoU per mask (gIoU), and of all pixels together (cIoU)."""

from __future__ import annotations

import argparse

from interplay.commands._options import add_allow_partial, add_outputs, distinct_names

EXAMPLE = "interplay evaluate contact2d --predictions masks --annotations damon/test/contact_render_2d"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument(
        "--predictions",
        required=True,
        nargs="+",
        metavar="DIR",
        help="masks, OBJECT/IMAGE_contact_mask.png, black where there is no contact, or .npy files of logits; several "
        "folders are compared",
    )
    parser.add_argument(
        "--annotations",
        required=True,
        metavar="DIR",
        help="annotated masks in the same form; .npy files hold 0, 1, and -1 for what does not count",
    )
    add_allow_partial(parser)
    add_outputs(parser)


def run(arguments: argparse.Namespace) -> int:
    """Evaluate, print, and write what was asked for."""
    from rich.console import Console

    from interplay.commands._scores import check_outputs, score_all
    from interplay.metrics.affordance_evaluation import evaluate_masks

    names = distinct_names(arguments.predictions)
    check_outputs(arguments)
    score_all(
        names,
        lambda folder: evaluate_masks(folder, arguments.annotations, arguments.allow_partial),
        arguments,
        Console(),
    )
    return 0
