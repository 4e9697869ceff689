"""What the data sets of contact and affordance have in common."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from interplay.containers.guard import brief
from interplay.containers.pickles import load_plain_pickle
from interplay.containers.text import read_lines
from interplay.errors import InputError

SMPL_VERTICES = 6890
"""Vertices of the body models SMPL and SMPL-H, which all of these data sets label."""


@dataclass(frozen=True)
class BodyContact:
    """Where one person touches one object.

    Attributes:
        image: name of the image.
        object: name of what is touched, as the data set spells it; ``scene`` is the ground and what carries people.
        vertices: (K,) indices of the vertices in contact, ascending.
        num_vertices: how many the body has.
        parts: names of the body parts in contact, where the data set has them.
    """

    image: str
    object: str
    vertices: NDArray[np.int64]
    num_vertices: int = SMPL_VERTICES
    parts: tuple[str, ...] = ()

    @property
    def mask(self) -> NDArray[np.bool_]:
        """(num_vertices,) whether each vertex is in contact."""
        mask = np.zeros(self.num_vertices, bool)
        mask[self.vertices] = True
        return mask


@dataclass(frozen=True)
class PointAffordance:
    """What an object's points afford.

    Attributes:
        points: (P, 3) positions, as the data set has them.
        scores: (P, A) 0..1.
        names: A affordances, the columns of `scores`.
        object, shape: the object's class and the shape's own id; empty where the file does not tell.
    """

    points: NDArray[np.float64]
    scores: NDArray[np.float64]
    names: tuple[str, ...]
    object: str = ""
    shape: str = ""

    def of(self, affordance: str) -> NDArray[np.float64]:
        """(P,) scores of one affordance.

        Raises:
            InputError: not one of the data set's.
        """
        if affordance not in self.names:
            raise InputError(f"unknown affordance {affordance!r}: expected one of {', '.join(self.names)}")
        return self.scores[:, self.names.index(affordance)]

    @property
    def present(self) -> tuple[str, ...]:
        """The affordances that any point has."""
        return tuple(name for column, name in enumerate(self.names) if self.scores[:, column].any())

    @property
    def normalised(self) -> NDArray[np.float64]:
        """(P, 3) points as InteractVLM's views see them: about their mean, the farthest at distance 1."""
        centred = self.points - self.points.mean(0)
        return centred / max(float(np.linalg.norm(centred, axis=1).max()), 1e-12)


def read_points(path: str | os.PathLike[str], names: Sequence[str], named: bool) -> PointAffordance:
    """A file of points with affordances: a line each, position and one number per affordance.

    Args:
        names: the affordances in the order of the file's columns.
        named: whether each line begins with the shape's id and the object's class.

    Raises:
        MissingFileError: no such file.
        InputError: other columns, or numbers that are no positions or scores.
    """
    lines = [line.split() for line in read_lines(path) if line.strip()]
    if not lines:
        raise InputError(f"{path}: holds no points")
    leading, wanted = (2 if named else 0), 3 + len(names)
    for number, line in enumerate(lines, 1):
        if len(line) != leading + wanted:
            raise InputError(f"{path}: line {number}: expected {leading + wanted} columns, got {len(line)}. {_COLUMNS}")
    try:
        values = np.array([line[leading:] for line in lines], dtype=np.float64)
    except ValueError:
        raise InputError(f"{path}: some columns are not numbers. {_COLUMNS}") from None
    scores = values[:, 3:]
    if not np.isfinite(values).all() or scores.min() < 0 or scores.max() > 1:
        raise InputError(f"{path}: expected finite positions and affordances of 0..1")
    shape, thing = (lines[0][0], lines[0][1]) if named else ("", "")
    if named and any(line[:2] != lines[0][:2] for line in lines):
        raise InputError(f"{path}: expected the points of one shape, got several")
    return PointAffordance(values[:, :3], scores, tuple(names), thing, shape)


def looks_like_points(path: Path, named: bool) -> bool:
    """Whether a file's first line has the columns of `read_points`, with 17 affordances."""
    try:
        with path.open("rb") as stream:
            line = stream.readline(4096).split()
    except OSError:
        return False
    leading = 2 if named else 0
    if len(line) != leading + 20:
        return False
    try:
        [float(each) for each in line[leading:]]
    except ValueError:
        return False
    return True


_COLUMNS = (
    "PIAD's lines have the shape's id, the object, x, y, z and 17 affordances; LEMON's have x, y, z and 17 affordances "
    "that are others in another order"
)


def read_paths(path: str | os.PathLike[str]) -> list[str]:
    """The paths that a list names, one a line, with forward slashes.

    Raises:
        MissingFileError: no such file.
        InputError: it names none.
    """
    found = [line.strip().replace("\\", "/") for line in read_lines(path) if line.strip()]
    if not found:
        raise InputError(f"{path}: names no file")
    return found


def vertices_of(value: Any, where: str, count: int = SMPL_VERTICES) -> NDArray[np.int64]:
    """Indices of vertices, ascending, from a list of them or from `count` numbers of which those above 0 are contact.

    Args:
        where: for errors.

    Raises:
        InputError: neither.
    """
    try:
        array = np.asarray(value if len(value) else np.zeros(0, np.int64))
    except (TypeError, ValueError):
        raise InputError(f"{where}: expected indices of vertices, got {brief(value)}") from None
    array = array.reshape(-1)
    if array.dtype.kind not in "biuf" or (array.dtype.kind == "f" and not np.isfinite(array).all()):
        raise InputError(f"{where}: expected numbers, got {brief(value)}")
    if len(array) == count:
        return np.nonzero(array > 0)[0]
    if (array != np.floor(array)).any() or (len(array) and not 0 <= array.min() <= array.max() < count):
        raise InputError(
            f"{where}: expected indices of {count} vertices, or {count} numbers; got {brief(array.tolist())}"
        )
    return np.unique(array.astype(np.int64))


def read_mapping(path: str | os.PathLike[str]) -> dict[str, Any]:
    """A pickled dict with names as keys.

    Raises:
        MissingFileError: no such file.
        InputError: holds anything else.
    """
    content = load_plain_pickle(path)
    if not isinstance(content, Mapping) or not all(isinstance(key, str) for key in content):
        raise InputError(f"{path}: expected a dict with names as keys, got {brief(content)}")
    return dict(content)


def part_names(value: Any, where: str) -> tuple[str, ...]:
    """Names of body parts: a list of them, or one text with commas.

    Raises:
        InputError: neither.
    """
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    if isinstance(value, (list, tuple, np.ndarray)) and all(isinstance(part, str) for part in value):
        return tuple(str(part) for part in value)
    raise InputError(f"{where}: expected names of body parts, got {brief(value)}")
