"""Objects as points that afford something: what the data sets of affordance have in common."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from interplay.containers.text import read_lines
from interplay.datasets.finding import Finding, try_reading
from interplay.errors import InputError


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


@dataclass(frozen=True)
class PointForm:
    """How a data set writes an object's points: a line each, position and one number per affordance.

    Attributes:
        dataset: its name.
        affordances: in the order of the columns, which differs between data sets.
        named: whether each line begins with the shape's id and the object's class.
    """

    dataset: str
    affordances: tuple[str, ...]
    named: bool

    @property
    def columns(self) -> int:
        """Of a line."""
        return 2 * self.named + 3 + len(self.affordances)

    def read(self, path: str | os.PathLike[str]) -> PointAffordance:
        """An object's points with their affordances.

        Raises:
            MissingFileError: no such file.
            InputError: other columns, as another data set's, or numbers that are no positions or scores.
        """
        lines = [line.split() for line in read_lines(path) if line.strip()]
        if not lines:
            raise InputError(f"{path}: holds no points")
        for number, line in enumerate(lines, 1):
            if len(line) != self.columns:
                raise InputError(f"{path}: line {number}: expected {self.columns} columns, got {len(line)}. {_COLUMNS}")
        try:
            values = np.array([line[2 * self.named :] for line in lines], dtype=np.float64)
        except ValueError:
            raise InputError(f"{path}: some columns are not numbers. {_COLUMNS}") from None
        scores = values[:, 3:]
        if not np.isfinite(values).all() or scores.min() < 0 or scores.max() > 1:
            raise InputError(f"{path}: expected finite positions and affordances of 0..1")
        shape, thing = lines[0][:2] if self.named else ("", "")
        if self.named and any(line[:2] != lines[0][:2] for line in lines):
            raise InputError(f"{path}: expected the points of one shape, got several")
        return PointAffordance(values[:, :3], scores, self.affordances, thing, shape)

    def fits(self, path: Path) -> bool:
        """Whether a file's first line has these columns."""
        try:
            with path.open("rb") as stream:
                line = stream.readline(4096).split()
            [float(each) for each in line[2 * self.named :]]
        except (OSError, ValueError):
            return False
        return len(line) == self.columns

    def files(self, root: Path) -> list[Path]:
        """The files of points in a folder and below, in order of their names."""
        return sorted(file for file in root.rglob("*.txt") if file.is_file() and self.fits(file))

    def check(self, root: Path) -> list[Finding]:
        """What each file of points in a folder and below holds."""

        def describe(path: Path) -> str:
            cloud = self.read(path)
            thing = f"{cloud.object}, " if cloud.object else ""
            return f"{thing}{len(cloud.points):,} points; {', '.join(cloud.present) or 'no affordance'}"

        return [try_reading(self.dataset, file, root, lambda file=file: describe(file)) for file in self.files(root)]  # type: ignore[misc]


_COLUMNS = (
    "PIAD's lines have the shape's id, the object, x, y, z and 17 affordances; LEMON's have x, y, z and 17 affordances "
    "that are others in another order"
)
