"""Score contact of people with named objects on DAMON, by InteractVLM's or DECO's rules."""

from __future__ import annotations

import argparse

from interplay.commands.evaluate_contact import add_contact_options, score_contact

EXAMPLE = "interplay evaluate damon --predictions contact.npz --annotations damon --geodesic smpl_geodesic.npy"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    add_contact_options(parser, "DAMON: a folder with contact_label_objectwise.npy or .pkl, or DECO's .npz of a split")


def run(arguments: argparse.Namespace) -> int:
    """Evaluate, print, and write what was asked for."""
    from interplay.datasets.contact_truth import ContactTruth, read_contact_truth
    from interplay.errors import InputError

    def read_truth() -> ContactTruth:
        truth = read_contact_truth(arguments.annotations, arguments.split)
        if truth.dataset == "damon":
            return truth
        raise InputError(
            f"{arguments.annotations}: expected DAMON, got {truth.dataset}; score it with 'interplay evaluate contact'"
        )

    return score_contact(arguments, read_truth)
