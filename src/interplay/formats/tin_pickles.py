"""TIN's published data files: detections with poses, and training pairs with poses.

Python 2 pickles of nested lists. What the fields are, as far as TIN's loaders read them:

- detections (``Test_Faster_RCNN_R-50-PFN_2x_HICO_DET_with_pose.pkl``): image id -> records of [image id, "Human" or
  "Object", box, -, class 1..80, score, pose or None, part boxes];
- positive pairs (``Trainval_GT_HICO_with_pose.pkl``): a list of [image id, class numbers, human box, object box, body
  motions (V-COCO), pose or None];
- negative pairs (``Trainval_Neg_HICO_with_pose.pkl``): image id -> [-, class number, human box, object box, -, -, -,
  pose or None];
- the extension's pairs (``Train_GT_10w_new.pkl``): image -> [file, class numbers, human box, object box, source, -, -,
  pose, part boxes, interacting parts], negatives with the pose in field 6.

Part boxes are left out: they follow from the pose.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from interplay.containers.guard import brief
from interplay.containers.pickles import load_plain_pickle
from interplay.errors import InputError, MissingFileError
from interplay.formats.tin_pairs import PairRecord, collect_pairs, vcoco_with_unknown_object
from interplay.interactions import Interactions
from interplay.ops.numbers import finite_rows, whole_number, whole_rows
from interplay.table import InteractionTable
from interplay.vocabulary import Vocabulary

_MOST_IMAGES = 10**12
_FILE_NAMES = {
    ("hico-det", True): "HICO_test2015_{:08d}.jpg",
    ("hico-det", False): "HICO_train2015_{:08d}.jpg",
    ("v-coco", True): "COCO_val2014_{:012d}.jpg",
    ("v-coco", False): "COCO_train2014_{:012d}.jpg",
}
"""Data set, and whether it is a test file -> the name of an image by its number."""


def read_tin_pickle(path: str | os.PathLike[str], vocabulary: Vocabulary | str | None = None) -> InteractionTable:
    """One of TIN's published data files as a table.

    Detections become boxes with scores and without interactions, pairs become annotations; both with keypoints, NaN
    where the file has no pose. V-COCO's pairs do not say what the object is: theirs is called ``"object"``.

    Args:
        path: the pickle.
        vocabulary: ``"hico-det"`` or ``"v-coco"``; by default what the file's name says.

    Raises:
        MissingFileError: no such file.
        InputError: more than plain data, another form, or records that do not fit; says which.
    """
    source = Path(path)
    if not source.is_file():
        raise MissingFileError(f"no file {source}")
    if isinstance(vocabulary, Vocabulary):
        known = vocabulary
    else:
        known = Vocabulary.load(vocabulary or _name_of_vocabulary(source))
    content = load_plain_pickle(source)
    try:
        if isinstance(content, Mapping) and _is_detections(content):
            return _detections(content, known, str(source))
        pairs = list(_pairs(content, known, str(source)))
    except InputError:
        raise
    except (TypeError, ValueError, IndexError, KeyError, AttributeError, OverflowError) as error:
        raise InputError(f"{source}: not one of TIN's data files: {error}") from None
    if known.name == "v-coco":
        known = vcoco_with_unknown_object()
    return collect_pairs(pairs, known)


def _name_of_vocabulary(path: Path) -> str:
    name = path.name.upper().replace("-", "").replace("_", "")
    for mark, vocabulary in (("VCOCO", "v-coco"), ("HICO", "hico-det"), ("10W", "hico-det")):
        if mark in name:
            return vocabulary
    raise InputError(f"{path}: its name does not say the data set; give --vocabulary hico-det or v-coco")


def _is_detections(content: Mapping[Any, Any]) -> bool:
    first = next((record for records in content.values() for record in records), None)
    return first is not None and len(first) > 5 and first[1] in ("Human", "Object")


def _detections(content: Mapping[Any, Any], vocabulary: Vocabulary, where: str) -> InteractionTable:
    vocabulary = Vocabulary.load("coco") if len(vocabulary.objects) != 80 else vocabulary
    images = []
    for key, records in content.items():
        at = f"{where}: image {brief(key)}"
        labels = whole_rows([record[4] for record in records], _record(at, "the class")) - 1
        if labels.size and not 0 <= labels.min() <= labels.max() < 80:
            raise InputError(f"{at}: classes must be 1..80, got {brief(sorted({*(labels + 1).tolist()}))}")
        empty = Interactions.empty(vocabulary, file=_file_name(key, vocabulary, test=True))
        boxes = [_box(record[2], at) for record in records]
        poses = [read_pose(record[6] if len(record) > 6 else None, at) for record in records]
        scores = finite_rows([record[5] for record in records], 1, _record(at, "the score"))
        images.append(
            replace(
                empty,
                boxes=np.array(boxes, np.float32).reshape(-1, 4),
                labels=labels,
                box_scores=scores[:, 0],
                columns={"keypoints": np.array(poses, np.float32).reshape(-1, 17, 3)},
            )
        )
    return InteractionTable.from_list(images, vocabulary)


def _record(where: str, what: str) -> Callable[[int], str]:
    return lambda index: f"{where}: record {index}: {what}"


@dataclass(frozen=True)
class _Layout:
    """Which field of a record holds what."""

    pose: int
    named: bool = False
    motions: int | None = None


def _pairs(content: Any, vocabulary: Vocabulary, where: str) -> Iterator[PairRecord]:
    vcoco = vocabulary.name == "v-coco"
    for key, record, layout in _records(content, where):
        image = record[0] if layout.named and isinstance(record[0], str) else key
        classes, at = record[1], f"{where}: image {brief(image)}"
        if vcoco and not isinstance(classes, (list, tuple, np.ndarray)):
            raise InputError(f"{where}: V-COCO's negative pairs have no interaction; only positive ones can be read")
        motions = record[layout.motions] if vcoco and layout.motions is not None else ()
        yield PairRecord(
            file=_file_name(image, vocabulary, test=False),
            classes=_whole(classes, f"{at}: a class"),
            motions=_whole(motions, f"{at}: a body motion"),
            human=_box(record[2], at),
            object=_box(record[3], at, nan=True),
            pose=read_pose(record[layout.pose] if len(record) > layout.pose else None, at),
        )


def _records(content: Any, where: str) -> Iterator[tuple[Any, Sequence[Any], _Layout]]:
    """Every pair with its image and its layout."""
    if isinstance(content, (list, tuple)):
        for record in content:
            yield record[0], record, _Layout(pose=5, motions=4)
    elif isinstance(content, Mapping):
        for key, records in content.items():
            for record in records:
                several = isinstance(record[1], (list, tuple, np.ndarray))
                if isinstance(key, str) or isinstance(record[0], str):  # the extension's, by file name
                    yield key, record, _Layout(pose=7 if several else 6, named=several)
                else:
                    yield key, record, _Layout(pose=7)
    else:
        raise InputError(f"{where}: expected a list or a dict, got {type(content).__name__}")


def _file_name(image: Any, vocabulary: Vocabulary, test: bool) -> str:
    if isinstance(image, str):
        return image
    form = _FILE_NAMES.get((vocabulary.name, test))
    number = whole_number(image, f"the image {brief(image)}", _MOST_IMAGES)
    return form.format(number) if form else str(number)


def _box(values: Any, where: str, nan: bool = False) -> NDArray[np.float32]:
    """Corners (4,); NaN, where it may be, says that there is no object."""
    box = np.asarray(values).reshape(-1)
    if box.shape != (4,):
        raise InputError(f"{where}: a box must be x1, y1, x2, y2, got {box.size} numbers")
    return finite_rows([box], 4, lambda _: f"{where}: a box", nan)[0]


def _whole(values: Any, where: str) -> tuple[int, ...]:
    return tuple(whole_rows(np.atleast_1d(np.asarray(values)).tolist(), lambda _: where).tolist())


def read_pose(values: Any, where: str = "a pose") -> NDArray[np.float32]:
    """Keypoints (17, 3) from 51 numbers; NaN for None and for any other number of them, as TIN takes it.

    Raises:
        InputError: a number is not finite; says `where`.
    """
    if isinstance(values, (list, tuple, np.ndarray)) and np.size(values) == 51:
        return finite_rows([np.ravel(values)], 51, lambda _: f"{where}: a pose").reshape(17, 3)
    return np.full((17, 3), np.nan, np.float32)


def convert_tin_pickle(
    path: str | os.PathLike[str], output: str | os.PathLike[str], vocabulary: Vocabulary | str | None = None
) -> InteractionTable:
    """Write what `read_tin_pickle` reads as ``.jsonl`` or ``.parquet``, and return it."""
    from interplay.formats import write

    table = read_tin_pickle(path, vocabulary)
    write(table, output)
    return table
