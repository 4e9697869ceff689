"""Options that several commands have, worded once."""

from __future__ import annotations

import argparse

from interplay.commands._types import dataset
from interplay.defaults import DATASETS


def add_dataset(parser: argparse.ArgumentParser, note: str = "") -> None:
    """Add ``--dataset``."""
    parser.add_argument("--dataset", type=dataset, choices=DATASETS, help=f"whose annotations{note}")


def add_numbering(parser: argparse.ArgumentParser) -> None:
    """Add ``--numbering``."""
    parser.add_argument(
        "--numbering",
        choices=["verbs", "classes"],
        help="what interaction numbers of a .json count (QPIC, CDN: verbs; GEN-VLKT: classes), where it does not tell",
    )


def add_allow_partial(parser: argparse.ArgumentParser) -> None:
    """Add ``--allow-partial``."""
    parser.add_argument(
        "--allow-partial",
        action="store_true",
        help="score what fits where result files are missing or images have other names (default: an error)",
    )


def add_keypoints(parser: argparse.ArgumentParser) -> None:
    """Add ``--keypoints``."""
    parser.add_argument(
        "--keypoints",
        metavar="FILE_OR_DIR",
        help="COCO's person_keypoints_*.json, or a folder with them: gives annotated people COCO's keypoints",
    )
