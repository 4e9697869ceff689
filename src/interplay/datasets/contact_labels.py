"""What the data sets of contact have in common; of affordance see `interplay.datasets.affordance`."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from interplay.containers.guard import brief
from interplay.containers.json_files import read_json
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
        human_box, object_box: (4,) x1, y1, x2, y2 in pixels, where the data set has them.
    """

    image: str
    object: str
    vertices: NDArray[np.int64]
    num_vertices: int = SMPL_VERTICES
    parts: tuple[str, ...] = ()
    human_box: NDArray[np.float64] | None = None
    object_box: NDArray[np.float64] | None = None

    @property
    def mask(self) -> NDArray[np.bool_]:
        """(num_vertices,) whether each vertex is in contact."""
        mask = np.zeros(self.num_vertices, bool)
        mask[self.vertices] = True
        return mask


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
    """A dict with names as keys, pickled or in a ``.json`` file.

    Raises:
        MissingFileError: no such file.
        InputError: holds anything else.
    """
    content = read_json(path) if str(path).endswith(".json") else load_plain_pickle(path)
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
