"""Options that several commands have, worded once."""

from __future__ import annotations

import argparse
from pathlib import PurePath

from interplay.commands._types import dataset
from interplay.defaults import DATASETS
from interplay.errors import InputError


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


def distinct_names(paths: list[str]) -> dict[str, str]:
    """A short name for every result file: its file name where that is enough to tell them apart.

    Raises:
        InputError: a file is given twice.
    """
    if len(set(paths)) < len(paths):
        raise InputError(f"a result file is given twice: {', '.join(paths)}")
    short = [PurePath(path).name for path in paths]
    return dict(zip(short if len(set(short)) == len(short) else paths, paths, strict=True))
