"""Optional columns: what a box, a triplet or an image may have beside what it always has.

Keypoints, track ids, interactiveness ... are all the same to `Interactions`, `InteractionTable` and
`interplay.formats`: a registered `Column` with a name, a shape and a fill value. A new one is registered once and is
then an argument, an attribute and a field of every file.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, overload

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray
from typing_extensions import Self

from interplay.errors import InputError, near_matches

Per = Literal["box", "triplet", "image"]
Geometry = Literal["points", "pixels"]

_KINDS = {"b": "biu", "i": "iu", "u": "iu", "f": "fiub", "U": "U"}
"""Kind of a column's dtype -> kinds of dtype that are converted to it."""

FILE_FIELDS = ("file", "width", "height", "boxes", "labels", "scores", "interactions", "image_labels")
"""The fields of an image's record in a file that are no columns."""
INTERACTION_FIELDS = ("human", "verb", "object", "score")
"""The fields of an interaction in a file that are no columns."""
SUPERVISION_FIELDS = ("class_name", "box")
"""What `Interactions.to_supervision` keeps beside the columns."""


@dataclass(frozen=True)
class Column:
    """One optional column; on an object that may have it, the attribute of its name.

    Attributes:
        name: of the attribute, the argument and the field in files.
        per: what has a value: each box (N rows), each triplet (T rows) or the image (one row).
        dtype: bool, a whole or a floating-point number, or str.
        fill: the value that stands for "not known": of an image that lacks the column beside images that have it, and
            null in files. False for bool, None where rows have different lengths.
        shape: of one row, ``()`` for a single value. If it begins with None, each row has its own length: the column is
            an array of objects, each an array or None. Only per box or triplet, and of numbers.
        doc: meaning, units and range, one sentence.
        geometry: how the values depend on the pixels. ``"points"``: the last axis begins with x, y in pixels of the
            image. ``"pixels"``: in another way. None: not at all. Drawing scales points and drops "pixels"; training's
            changes of an image drop both.

    Raises:
        InputError: the name is no identifier, or dtype, fill value or shape do not fit.

    Example:
        >>> import numpy as np
        >>> from interplay import Column
        >>> Column("age", per="box", dtype=np.float32, fill=np.nan, doc="In years.").shape
        ()
    """

    name: str
    per: Per
    dtype: DTypeLike
    fill: bool | int | float | str | None
    shape: tuple[int | None, ...] = ()
    doc: str = ""
    geometry: Geometry | None = None

    def __post_init__(self) -> None:
        where = f"column {self.name!r}"
        if not self.name.isidentifier() or self.name.startswith("_"):
            raise InputError(f"{where}: the name must be a Python identifier without leading underscore")
        if self.per not in ("box", "triplet", "image"):
            raise InputError(f"{where}: per must be 'box', 'triplet' or 'image', got {self.per!r}")
        if self.geometry not in ("points", "pixels", None):
            raise InputError(f"{where}: geometry must be 'points', 'pixels' or None, got {self.geometry!r}")
        object.__setattr__(self, "shape", tuple(self.shape))
        if any(not isinstance(size, int) or size < 1 for size in self.shape[self.ragged :]):
            raise InputError(f"{where}: shape must be whole numbers from 1 on, or begin with None, got {self.shape}")
        if self.ragged and (self.per == "image" or self.geometry is not None):
            raise InputError(f"{where}: rows of different lengths are per box or triplet, and have no geometry")
        if self.geometry == "points" and (not self.shape or self.row_shape[-1] < 2):
            raise InputError(f"{where}: points need a shape that ends in 2 or more, got {self.shape}")
        dtype = np.dtype(self.dtype)
        if dtype.kind not in _KINDS or (dtype.kind == "f" and dtype not in (np.float32, np.float64)):
            raise InputError(f"{where}: dtype must be bool, whole numbers, float32, float64 or str, got {dtype}")
        if self.ragged or self.fill is None:
            if not self.ragged or self.fill is not None or dtype.kind not in "iuf":
                raise InputError(f"{where}: fill None is for rows of numbers of different lengths, and nothing else is")
            object.__setattr__(self, "dtype", dtype)
            return
        fill = np.asarray(self.fill)
        fits = fill.ndim == 0 and fill.dtype.kind in _KINDS[dtype.kind]
        if not fits or (dtype.kind == "b" and fill) or (dtype.kind in "iu" and fill.astype(dtype) != fill):
            wanted = "False" if dtype.kind == "b" else f"a value of {dtype}"
            raise InputError(f"{where}: fill must be {wanted}, got {self.fill!r}")
        object.__setattr__(self, "dtype", dtype)
        if self.fill_is_nan:
            object.__setattr__(self, "fill", math.nan)  # always the same object, so that equal columns are equal

    @property
    def kind(self) -> str:
        """Of the dtype: ``b``, ``i``, ``u``, ``f`` or ``U``."""
        return np.dtype(self.dtype).kind

    @property
    def ragged(self) -> bool:
        """Whether each row has its own length."""
        return bool(self.shape) and self.shape[0] is None

    @property
    def row_shape(self) -> tuple[int, ...]:
        """`shape` without the length that differs."""
        return tuple(size for size in self.shape if size is not None)

    @property
    def fill_is_nan(self) -> bool:
        """Whether NaN stands for "not known"."""
        return isinstance(self.fill, (float, np.floating)) and math.isnan(self.fill)

    def filled(self, rows: int | None) -> NDArray[Any]:
        """(rows, *shape) of the fill value; *shape* alone where `rows` is None (one image)."""
        if self.ragged:
            return np.full(() if rows is None else rows, None, object)
        shape = self._shape(rows)
        return np.full(shape, self.fill) if self.kind == "U" else np.full(shape, self.fill, self.dtype)

    def as_array(self, values: ArrayLike, rows: int | None) -> NDArray[Any]:
        """`values` as an array of this column's dtype.

        Args:
            rows: number of boxes, triplets or images that must be there; None for the value of one image.

        Raises:
            InputError: another shape or kind of values; gives expected and actual.
        """
        if self.ragged:
            return self._as_rows(values, rows)
        shape = self._shape(rows)
        try:
            array = np.asarray(values)
        except ValueError as error:
            raise InputError(f"{self.name} must have shape {shape}: {error}") from None
        if array.size == 0 and 0 in shape:
            return self.filled(rows)
        if array.shape != shape:
            each = "" if rows is None else f", one row per {self.per}"
            raise InputError(f"{self.name} must have shape {shape}{each}, got {array.shape}")
        if array.dtype.kind not in _KINDS[self.kind]:
            raise InputError(f"{self.name} must be {self.value_name}, got {array.dtype}")
        if self.kind == "U":
            return array
        converted = array.astype(self.dtype, copy=False)
        if self.kind in "iu" and not np.array_equal(converted, array):
            raise InputError(f"{self.name} holds numbers that {self.dtype} cannot hold")
        return converted

    def is_fill(self, values: NDArray[Any]) -> NDArray[np.bool_]:
        """(R,) whether each row of (R, *shape) is the fill value throughout."""
        if self.ragged:
            return np.array([row is None for row in values], bool)
        same = np.isnan(values) if self.fill_is_nan else values == self.fill
        return np.asarray(np.asarray(same).all(axis=tuple(range(1, values.ndim))))

    @property
    def value_name(self) -> str:
        """What one value is, in plain English."""
        return {"b": "true or false", "f": "numbers", "U": "text"}.get(self.kind, "whole numbers")

    def _shape(self, rows: int | None) -> tuple[int, ...]:
        return self.row_shape if rows is None else (rows, *self.row_shape)

    def _as_rows(self, values: Any, rows: int | None) -> NDArray[Any]:
        """`as_array` for rows of different lengths; with `rows` None it is one of them."""
        if rows is None:
            return self.filled(None) if _is_none(values) else self._row(values)
        if not hasattr(values, "__len__") or len(values) != rows:
            got = f"{len(values)} of them" if hasattr(values, "__len__") else type(values).__name__
            raise InputError(f"{self.name} must have {rows} rows, one per {self.per}, got {got}")
        array = self.filled(rows)
        for index, row in enumerate(values):
            if not _is_none(row):
                array[index] = self._row(row)
        return array

    def _row(self, values: Any) -> NDArray[Any]:
        """One row of its own length."""
        try:
            row = np.asarray(values)
        except ValueError as error:
            raise InputError(f"{self.name}: a row must have shape {self._any_shape}: {error}") from None
        if not row.size and row.ndim < 2:
            return np.zeros((0, *self.row_shape), self.dtype)
        if row.ndim != len(self.shape) or row.shape[1:] != self.row_shape:
            raise InputError(f"{self.name}: a row must have shape {self._any_shape}, got {row.shape}")
        if row.dtype.kind not in _KINDS[self.kind]:
            raise InputError(f"{self.name} must be {self.value_name}, got {row.dtype}")
        converted = row.astype(self.dtype, copy=False)
        if not np.isfinite(converted).all():
            raise InputError(f"{self.name}: numbers must be finite")
        if self.kind in "iu" and not np.array_equal(converted, row):
            raise InputError(f"{self.name} holds numbers that {self.dtype} cannot hold")
        return converted

    @property
    def _any_shape(self) -> str:
        return f"({', '.join(['any', *map(str, self.row_shape)])})"

    @overload
    def __get__(self, holder: None, owner: type) -> Column: ...
    @overload
    def __get__(self, holder: HasColumns, owner: type) -> NDArray[Any] | None: ...
    def __get__(self, holder: HasColumns | None, owner: type) -> Column | NDArray[Any] | None:
        return self if holder is None else holder.columns.get(self.name)

    def __set__(self, holder: HasColumns, values: ArrayLike | None) -> None:
        columns = dict(holder.columns)  # a copy: a shallow copy of the holder shares the dictionary
        columns.pop(self.name, None)
        if values is not None:
            columns[self.name] = self.as_array(values, holder._count(self.per))
        holder.columns = columns


class HasColumns(ABC):
    """What `Interactions` and `InteractionTable` share: `columns`, and one attribute for every registered one.

    The attribute is None where the column is not there; what is assigned is checked.

    Attributes:
        columns: the arrays that are there, by name.
    """

    columns: dict[str, NDArray[Any]]

    interactiveness = Column(
        "interactiveness",
        per="triplet",
        dtype=np.float32,
        fill=math.nan,
        doc="Probability that the pair interacts at all, 0..1; NaN where nobody judged it.",
    )
    keypoints = Column(
        "keypoints",
        per="box",
        dtype=np.float32,
        fill=math.nan,
        shape=(17, 3),
        doc="x, y in pixels of COCO's 17 keypoints, in its order, and the score 0..1 of a predicted one, or COCO's "
        "visibility of an annotated one: 0 not labelled, 1 hidden, 2 seen. NaN for a box without pose.",
        geometry="points",
    )
    area = Column(
        "area",
        per="box",
        dtype=np.float64,
        fill=math.nan,
        doc="Pixels that a person or object covers, as COCO's segments do; NaN where only the box is known.",
        geometry="pixels",
    )
    crowd = Column(
        "crowd",
        per="box",
        dtype=bool,
        fill=False,
        doc="Boxes around a group (COCO's iscrowd). Poses in them neither count for nor against a prediction.",
    )
    unlabelled = Column(
        "unlabelled",
        per="box",
        dtype=bool,
        fill=False,
        doc="People of whom not everything they do is annotated, or nothing. What is annotated of them counts; what is "
        "not is unknown: training does not learn that they do not do it, and evaluation does not punish it.",
    )
    coco_id = Column(
        "coco_id",
        per="box",
        dtype=np.int64,
        fill=-1,
        doc="COCO's id of the annotation, by which COCO's keypoints are found; -1 where there is none.",
    )
    track = Column(
        "track",
        per="box",
        dtype=np.int64,
        fill=-1,
        doc="Number of the person or object through a video, from 0; -1 for a box without track.",
    )
    time = Column(
        "time",
        per="image",
        dtype=np.float64,
        fill=math.nan,
        doc="Seconds from the first frame of a clip; NaN for an image that is no frame.",
    )
    left_out = Column(
        "left_out",
        per="image",
        dtype=str,
        fill="",
        doc="The best interaction in plain English where all were below the smallest score, else nothing.",
    )
    left_out_score = Column(
        "left_out_score",
        per="image",
        dtype=np.float32,
        fill=math.nan,
        doc="Score of `left_out`; NaN where there is none.",
    )

    body_contact = Column(
        "body_contact",
        per="triplet",
        dtype=np.float32,
        fill=None,
        shape=(None, 2),
        doc="The body's vertices that touch the object: each one's index, and its probability 0..1. No row: nothing "
        "touches; None: nobody looked.",
    )
    object_contact = Column(
        "object_contact",
        per="triplet",
        dtype=np.float32,
        fill=None,
        shape=(None, 2),
        doc="The same of the vertices of the object's mesh that the person touches.",
    )
    contact_object = Column(
        "contact_object",
        per="triplet",
        dtype=str,
        fill="",
        doc="What was asked about: the object whose contact is given, also where it has no box.",
    )
    contact_parts = Column(
        "contact_parts",
        per="triplet",
        dtype=str,
        fill="",
        doc="The body parts that touch in plain English: `right hand, left hand`.",
    )
    contact_body = Column(
        "contact_body",
        per="image",
        dtype=str,
        fill="",
        doc="Whose vertices `body_contact` counts: `anny` (12,272 of them), `smpl`, `smplh` or `smplx`.",
    )

    @abstractmethod
    def _count(self, per: Per) -> int | None:
        """Number of boxes, triplets or images; None for the one image of `Interactions`."""

    def __init_subclass__(cls) -> None:
        for name in (*FILE_FIELDS, *INTERACTION_FIELDS, *SUPERVISION_FIELDS, *cls.__annotations__, *vars(cls)):
            if name in _registry():
                raise InputError(f"the column {name!r} has the name of something that {cls.__name__} has already")

    def _set_columns(self, columns: Mapping[str, ArrayLike | None]) -> None:
        """Check and keep these columns alone.

        Raises:
            InputError: a column that is not registered, or values that do not fit.
        """
        self.columns = {}
        for name, values in columns.items():
            column = get_column(name)
            if values is not None:
                self.columns[name] = column.as_array(values, self._count(column.per))

    def with_columns(self, **columns: ArrayLike | None) -> Self:
        """A copy with these columns beside its others; None takes one away.

        Raises:
            InputError: a column that is not registered, or values that do not fit.
        """
        return replace(self, columns={**self.columns, **columns})  # type: ignore[type-var]  # subclasses are dataclasses


def register_column(column: Column) -> Column:
    """Make a column known to `Interactions`, `InteractionTable` and every format.

    To be called before data with it are made or read, in every process. The same column may be registered again.

    Returns:
        The column.

    Raises:
        InputError: the name is taken, by another column or otherwise.
    """
    known = _registry().get(column.name)
    if known == column:
        return column
    if known is not None:
        raise InputError(f"the name {column.name!r} is taken by another column: {known}")
    attributes = {*FILE_FIELDS, *INTERACTION_FIELDS, *SUPERVISION_FIELDS}
    for kind in HasColumns.__subclasses__():  # one that is defined later looks by itself
        attributes |= {*dir(kind), *kind.__annotations__}
    if column.name in attributes:
        raise InputError(f"the name {column.name!r} is taken: interactions have it already, and it is no column")
    setattr(HasColumns, column.name, column)
    return column


def registered_columns(per: Per | None = None) -> list[Column]:
    """All columns in the order in which they were registered, or those per box, triplet or image."""
    return [column for column in _registry().values() if per is None or column.per == per]


def get_column(name: str) -> Column:
    """A registered column.

    Raises:
        InputError: no column has this name; gives the nearest ones.
    """
    column = vars(HasColumns).get(name)
    if not isinstance(column, Column):
        registry = _registry()
        raise InputError(
            f"no column {name!r}: expected one of {', '.join(registry)}, or one that register_column made known."
            f"{near_matches(name, registry)}"
        )
    return column


def take_rows(columns: Mapping[str, NDArray[Any]], **rows: Any) -> dict[str, NDArray[Any]]:
    """The columns with only some rows.

    Args:
        rows: an index (indices, mask, slice) for ``box``, ``triplet`` or ``image``; all rows where there is none.
    """
    return {name: np.asarray(values[rows.get(get_column(name).per, ...)]) for name, values in columns.items()}


def gather_columns(parts: Iterable[HasColumns]) -> dict[str, list[NDArray[Any]]]:
    """The values of every part for each column that any of them has, with the fill value where one lacks it."""
    parts = list(parts)
    return {
        column.name: [
            part.columns[column.name] if column.name in part.columns else column.filled(part._count(column.per))
            for part in parts
        ]
        for column in registered_columns()
        if any(column.name in part.columns for part in parts)
    }


def scale_points(columns: Mapping[str, NDArray[Any]], x: float, y: float) -> dict[str, NDArray[Any]]:
    """The columns for a picture whose sides are `x` and `y` times as long; those that cannot be scaled are left out."""
    scaled = {}
    for name, values in columns.items():
        column = get_column(name)
        if column.geometry == "points":
            factors = np.ones(column.row_shape[-1], column.dtype)
            factors[:2] = x, y
            scaled[name] = values * factors
        elif column.geometry is None:
            scaled[name] = values
    return scaled


def _is_none(row: Any) -> bool:
    """Whether a row says "not known"; None in an array of objects without a shape does too."""
    return row is None or (isinstance(row, np.ndarray) and row.dtype == object and row.shape == () and row[()] is None)


def _registry() -> dict[str, Column]:
    return {name: value for name, value in vars(HasColumns).items() if isinstance(value, Column)}
