"""Options that several commands have, worded once."""

from __future__ import annotations

import argparse
import gc
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

from interplay.commands._types import dataset, fraction, names, option, positive, scores_by_name
from interplay.defaults import (
    DATASETS,
    DEFAULT_BATCH_SIZE,
    DEFAULT_DETECTION_SCORE,
    DEFAULT_DETECTOR,
    DEFAULT_MODEL,
)
from interplay.errors import InputError
from interplay.systems import SYSTEMS, System, decoding_examples, text_systems

if TYPE_CHECKING:
    from interplay.pipeline import ModelOptions


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


def add_compared(
    parser: argparse.ArgumentParser,
    predictions: str,
    annotations: str,
    metavar: str = "P",
    annotations_metavar: str = "DIR",
    split: bool = False,
) -> None:
    """Add what all scores of result files need; `_scores.score_all` reads it.

    Args:
        parser: of the command.
        predictions, annotations: what they are, for the help.
        metavar, annotations_metavar: what stands for them there.
        split: whether annotations have splits.
    """
    parser.add_argument("--predictions", required=True, nargs="+", metavar=metavar, help=predictions)
    parser.add_argument("--annotations", required=True, metavar=annotations_metavar, help=annotations)
    if split:
        add_split(parser)
    add_allow_partial(parser)
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


def add_model(parser: argparse.ArgumentParser, boxes: bool) -> None:
    """Add what chooses a model, its detector and its pose estimator; `model_options` reads it.

    Args:
        parser: of the command.
        boxes: whether boxes may come from a file.
    """
    model = parser.add_argument_group("model")
    model.add_argument("--model", default=DEFAULT_MODEL, metavar="NAME", help="see 'interplay models' (%(default)s)")
    model.add_argument("--weights", type=Path, metavar="FILE", help="weights of your own for the model")
    add_decoding(model, SYSTEMS.values())
    people = model.add_mutually_exclusive_group()
    people.add_argument(
        "--detector",
        metavar="NAME",
        help=f"what finds people and objects, for a model that does not itself (default: {DEFAULT_DETECTOR})",
    )
    if boxes:
        people.add_argument(
            "--boxes", type=Path, metavar="FILE", help="people and objects from a .jsonl, .parquet or .json file"
        )
        model.add_argument(
            "--annotations",
            type=Path,
            metavar="FILE",
            help="COCO file whose 'images' say which images the numbers in --boxes or --pose are, for COCO results",
        )
    model.add_argument(
        "--detector-score",
        type=scores_by_name,
        metavar="S",
        help="use boxes from this score on; or by object, and for the others: 0.1,person=0.4 (default: "
        f"{DEFAULT_DETECTION_SCORE}, and all boxes of a file)",
    )
    model.add_argument(
        "--same-box",
        type=fraction,
        metavar="IOU",
        help="of objects whose boxes overlap more than this keep the surest, whatever they are called; 0.9 for "
        "near-equal boxes (default: keep all)",
    )
    model.add_argument(
        "--same-person",
        type=fraction,
        metavar="IOU",
        help="people whose boxes overlap more than this are one (default: what the detector does)",
    )
    add_pose(model)
    add_device(model)
    model.add_argument(
        "--batch-size",
        type=positive,
        default=DEFAULT_BATCH_SIZE,
        metavar="N",
        help="images at once (default: %(default)s)",
    )


def add_text_classes(parser: argparse.ArgumentParser) -> None:
    """Add what a model with text classifiers shall find; `model_options` reads it."""
    text = parser.add_argument_group(f"other verbs and objects, as text ({text_systems()})")
    text.add_argument("--verbs", type=names, metavar="A,B", help="verbs to find: ride,feed,paint (default: its own)")
    text.add_argument("--objects", type=names, metavar="A,B", help="objects to find: horse,dog (default: its own)")
    text.add_argument("--vocabulary", metavar="FILE", help="a vocabulary's .json file with both, instead")
    text.add_argument(
        "--text-encoder", metavar="FOLDER", help="where the text encoder is that the model was trained with"
    )


def model_options(arguments: argparse.Namespace) -> ModelOptions:
    """The choices of `add_model` and `add_text_classes`.

    Raises:
        InputError: two that exclude each other.
    """
    from interplay.pipeline import DetectorOptions, ModelOptions, TextClasses

    if arguments.vocabulary and (arguments.verbs or arguments.objects):
        raise InputError("give --vocabulary, or --verbs and --objects, not both")
    return ModelOptions(
        arguments.model,
        weights=arguments.weights,
        decoding=dict(arguments.decoding),
        classes=TextClasses(arguments.verbs, arguments.objects, arguments.vocabulary, arguments.text_encoder),
        detector=arguments.detector,
        boxes=getattr(arguments, "boxes", None),
        annotations=getattr(arguments, "annotations", None),
        detector_options=DetectorOptions(arguments.detector_score, arguments.same_box, arguments.same_person),
        pose=arguments.pose,
        device=arguments.device,
    )


@contextmanager
def without_collection() -> Iterator[None]:
    """Load what stays to the end without looking for garbage in it: with PyTorch, that takes a quarter of a second."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


def distinct_names(paths: list[str]) -> dict[str, str]:
    """A short name for every result file: its file name where that is enough to tell them apart.

    Raises:
        InputError: a file is given twice.
    """
    if len(set(paths)) < len(paths):
        raise InputError(f"a result file is given twice: {', '.join(paths)}")
    short = [PurePath(path).name for path in paths]
    return dict(zip(short if len(set(short)) == len(short) else paths, paths, strict=True))
