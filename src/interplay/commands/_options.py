"""Options that several commands have, worded once."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from pathlib import PurePath

from interplay.commands._types import dataset, option
from interplay.defaults import DATASETS
from interplay.errors import InputError
from interplay.systems import System, decoding_examples


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


def add_outputs(parser: argparse.ArgumentParser) -> None:
    """Add ``--json`` and ``--table``."""
    parser.add_argument(
        "--json", metavar="OUT", help="write all metrics (fractions, 0..1; distances in metres) as JSON"
    )
    parser.add_argument("--table", metavar="OUT", help="write the means as a table: .md (Markdown) or .tex (LaTeX)")


def add_keypoints(parser: argparse.ArgumentParser) -> None:
    """Add ``--keypoints``."""
    parser.add_argument(
        "--keypoints",
        metavar="FILE_OR_DIR",
        help="COCO's person_keypoints_*.json, or a folder with them: gives annotated people COCO's keypoints",
    )


def add_split(parser: argparse.ArgumentParser) -> None:
    """Add ``--split``."""
    parser.add_argument("--split", default="test", help="split to read from a folder of annotations (default: test)")


def add_protocol(parser: argparse.ArgumentParser, note: str) -> None:
    """Add ``--protocol`` and ``--setting``."""
    parser.add_argument("--protocol", metavar="NAME", help=f"rules to score by ({note})")
    parser.add_argument("--setting", choices=["default", "known-object"], default="default")


def add_scoring(parser: argparse.ArgumentParser) -> None:
    """Add what says how predictions are scored."""
    add_dataset(parser, " (default: told by the content)")
    add_split(parser)
    add_protocol(parser, "see interplay evaluate --help")
    add_allow_partial(parser)
    add_numbering(parser)
    parser.add_argument(
        "--vocabulary", metavar="V", help="what names and numbers mean: built-in name or JSON file (see evaluate)"
    )


def add_decoding(parser: argparse._ActionsContainer, systems: Iterable[System]) -> None:
    """Add ``--decoding``, with examples of some systems."""
    parser.add_argument(
        "--decoding",
        type=option,
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help=f"change how outputs become interactions, such as {decoding_examples(systems)}; may be given several "
        "times",
    )


def add_device(parser: argparse._ActionsContainer) -> None:
    """Add ``--device``."""
    parser.add_argument("--device", metavar="NAME", help="cpu, cuda, cuda:1 or mps (default: the fastest there is)")


def add_pose(parser: argparse._ActionsContainer, default: str | None = None) -> None:
    """Add ``--pose``."""
    usual = "" if default is None else f" (default: {default})"
    parser.add_argument(
        "--pose",
        default=default,
        metavar="NAME",
        help=f"find people's keypoints: movenet, keypointrcnn-resnet50-fpn, or AlphaPose's or COCO's .json file{usual}",
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
