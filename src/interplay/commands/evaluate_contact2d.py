"""Score masks of contact in photographs: IoU per mask (gIoU), and of all pixels together (cIoU)."""

from __future__ import annotations

import argparse

from interplay.commands._options import add_compared

EXAMPLE = "interplay evaluate contact2d --predictions masks --annotations damon/test/contact_render_2d"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    add_compared(
        parser,
        "masks, OBJECT/IMAGE_contact_mask.png, black where there is no contact, or .npy files of logits; several "
        "folders are compared",
        "annotated masks in the same form; .npy files hold 0, 1, and -1 for what does not count",
        metavar="DIR",
    )


def run(arguments: argparse.Namespace) -> int:
    """Evaluate, print, and write what was asked for."""
    from interplay.commands._scores import score_all
    from interplay.metrics.affordance_evaluation import evaluate_masks

    score_all(
        arguments, lambda _: lambda folder: evaluate_masks(folder, arguments.annotations, arguments.allow_partial)
    )
    return 0
