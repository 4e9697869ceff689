"""What must hold of a file that a reader accepted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from interplay import Interactions, InteractionTable, read, write
from interplay.datasets.validate import validate
from interplay.errors import InterplayError
from interplay.metrics import VcocoDetections

ARRAYS = (
    "sizes",
    "box_offsets",
    "boxes",
    "labels",
    "box_scores",
    "triplet_offsets",
    "human",
    "object",
    "verb",
    "score",
)


class Different(Exception):
    """A file was read, but not as what it says."""


def check_table(table: InteractionTable, folder: Path) -> None:
    """Finite numbers, indices within their ranges, and the same after writing and reading again.

    Raises:
        Different: says what does not hold.
    """
    for name in ("boxes", "box_scores", "score"):
        _finite(getattr(table, name), name)
    for name, values in table.columns.items():
        if values.dtype.kind == "f" and np.isinf(values).any():  # NaN stands for what is not there
            raise Different(f"{name} is infinite")
    if any(not isinstance(file, str) for file in table.files):
        raise Different("a name of an image is no text")
    for image in table:
        _within(image)
    if not len(table) or len(set(table.files)) < len(table):
        return
    for suffix in (".jsonl", ".parquet"):
        path = folder / f"again{suffix}"
        write(table, path)
        again = read(path, table.vocabulary)
        path.unlink()
        if again.files != table.files:
            raise Different(f"written as {suffix} and read again, other images: {again.files[:3]}")
        for name in ARRAYS if table.scored else ARRAYS[:-1]:
            if name == "box_scores" and not table.scored:
                continue
            if not np.array_equal(getattr(again, name), getattr(table, name)):
                raise Different(f"written as {suffix} and read again, {name} is another")
        for name, values in table.columns.items():
            theirs = again.columns.get(name)
            empty = values.dtype.kind == "f" and np.isnan(values).all()
            if theirs is None and (empty or not values.size or not values.any()):
                continue
            if theirs is None or not np.array_equal(theirs, values, equal_nan=values.dtype.kind == "f"):
                raise Different(f"written as {suffix} and read again, {name} is another")


def check_detections(found: VcocoDetections, folder: Path) -> None:
    """As `check_table`, for V-COCO's own scores."""
    for name in ("person_box", "agent_score", "role_score"):  # NaN means that there is none
        if np.isinf(getattr(found, name)).any():
            raise Different(f"{name} is infinite")


def check_numbers(values: dict[str, Any], folder: Path) -> None:
    """Finite numbers by name.

    Raises:
        Different: says which are not.
    """
    for name, value in values.items():
        _finite(np.asarray(value), name)


def check_shapes(values: dict[str, Any], folder: Path) -> None:
    """Tensors that are no larger than 100 MB.

    Raises:
        Different: says which is.
    """
    for name, value in values.items():
        if value.numel() > 25_000_000:
            raise Different(f"{name} has {value.numel():,} numbers")


def nothing(value: Any, folder: Path) -> None:
    """For readers whose result says nothing."""


def agree(path: Path, refusal: InterplayError | None) -> None:
    """Whether `validate` finds something in what `read` refuses.

    Raises:
        Different: it finds nothing.
    """
    try:
        errors = validate(path).errors
    except InterplayError:
        errors = 1
    if refusal is not None and not errors:
        raise Different(f"validate finds no error in what read refuses: {refusal}")


def _finite(values: Any, name: str) -> None:
    if not np.isfinite(values).all():
        raise Different(f"{name} is not finite")


def _within(image: Interactions) -> None:
    boxes, vocabulary = len(image.boxes), image.vocabulary
    limits = (
        ("labels", image.labels, 0, len(vocabulary.objects)), ("human", image.human, 0, boxes),
        ("object", image.object, -1, boxes), ("verb", image.verb, 0, len(vocabulary.verbs)),
    )  # fmt: skip
    for name, values, least, count in limits:
        if len(values) and not (values.min() >= least and values.max() < count):
            raise Different(f"{name} goes from {values.min()} to {values.max()}, of {count}")
    if min(image.width or 1, image.height or 1) < 1:
        raise Different(f"an image of {image.width} x {image.height}")
