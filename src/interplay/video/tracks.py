"""Which boxes of successive frames are the same person or object: ByteTrack's association (Zhang et al., ECCV 2022).

Every track carries a Kalman filter with constant velocity. A frame's sure boxes are assigned to tracks first, by the
overlap with where each track should be; what is left of the tracks is then offered the doubtful boxes, which are often
people who are partly hidden. A sure box that no track wants begins a track; tracks that nobody continues for a while
end. Boxes of different objects are never the same.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from interplay.errors import InputError
from interplay.interactions import Interactions
from interplay.ops.boxes import box_iou


@dataclass(frozen=True)
class TrackerOptions:
    """How boxes become tracks.

    Attributes:
        sure: boxes from this score on are assigned first, and may begin a track.
        overlap: smallest IoU of a sure box with the place where a track should be.
        doubtful_overlap: the same of other boxes.
        patience: seconds for which a track may be unseen.
    """

    sure: float = 0.4
    overlap: float = 0.2
    doubtful_overlap: float = 0.4
    patience: float = 1.5

    def __post_init__(self) -> None:
        for name in ("sure", "overlap", "doubtful_overlap"):
            if not 0 <= getattr(self, name) <= 1:
                raise InputError(f"{name} must be within 0..1, got {getattr(self, name)}")
        if not self.patience >= 0:
            raise InputError(f"patience must be 0 seconds or more, got {self.patience}")


@dataclass
class _Tracks:
    """Live tracks: K of them.

    Attributes:
        number: (K,) their numbers.
        label: (K,) what each is.
        seen: (K,) seconds when each was seen last.
        mean: (K, 8) centre, width, height, and their changes a second.
        spread: (K, 8, 8) covariance.
    """

    number: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    label: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    seen: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    mean: NDArray[np.float64] = field(default_factory=lambda: np.zeros((0, 8)))
    spread: NDArray[np.float64] = field(default_factory=lambda: np.zeros((0, 8, 8)))

    def take(self, rows: NDArray) -> _Tracks:
        return _Tracks(self.number[rows], self.label[rows], self.seen[rows], self.mean[rows], self.spread[rows])


class Tracker:
    """Gives the boxes of successive frames numbers of tracks, the same for the same person or object.

    Args:
        options: see `TrackerOptions`.

    Example:
        >>> import numpy as np
        >>> tracker = Tracker()
        >>> box = np.array([[10.0, 10, 50, 90]])
        >>> print(*(tracker.follow(box + 3 * t, np.zeros(1, int), np.ones(1), t / 5).item() for t in range(3)))
        0 0 0
    """

    def __init__(self, options: TrackerOptions | None = None) -> None:
        self.options = options or TrackerOptions()
        self._tracks = _Tracks()
        self._next = 0
        self._time: float | None = None

    def track(self, image: Interactions, time: float) -> Interactions:
        """The next frame, with its boxes' `track`; it may have tracks already, which the tracker takes over.

        Args:
            time: seconds, later than the frame before.
        """
        given = image.track
        numbers = self.follow(image.boxes, image.labels, image.box_scores, time, given)
        return replace(image, columns={**image.columns, "track": numbers})

    def follow(
        self,
        boxes: NDArray[np.floating],
        labels: NDArray[np.integer],
        scores: NDArray[np.floating],
        time: float,
        given: NDArray[np.int64] | None = None,
    ) -> NDArray[np.int64]:
        """Numbers (N,) of the tracks of the next frame's boxes; -1 for a doubtful box that belongs to none.

        Args:
            boxes, labels, scores: (N, 4), (N,), (N,).
            time: seconds, later than the frame before.
            given: (N,) the numbers, where they are known from an earlier run: the tracker goes on from them.

        Raises:
            InputError: the time does not go on.
        """
        if self._time is not None and not time > self._time:
            raise InputError(f"frames must come in order: {time:.3f} s follows {self._time:.3f} s")
        boxes = np.asarray(boxes, np.float64).reshape(-1, 4)
        self._predict(time)
        found = np.full(len(boxes), -1, np.int64)
        if given is not None:
            self._take_over(boxes, labels, given, time)
            return np.asarray(given, np.int64)
        sure = np.asarray(scores) >= self.options.sure
        free = np.arange(len(self._tracks.number))
        for chosen, least in ((sure, self.options.overlap), (~sure, self.options.doubtful_overlap)):
            rows = np.flatnonzero(chosen)
            boxed, tracked = self._assign(boxes[rows], labels[rows], free, least)
            found[rows[boxed]] = self._tracks.number[free[tracked]]
            self._update(free[tracked], boxes[rows[boxed]], time)
            free = np.delete(free, tracked)
        new = np.flatnonzero(sure & (found < 0))
        found[new] = self._begin(boxes[new], np.asarray(labels)[new], time)
        self._tracks = self._tracks.take(time - self._tracks.seen <= self.options.patience)
        return found

    def _take_over(
        self, boxes: NDArray[np.float64], labels: NDArray[np.integer], given: NDArray[np.int64], time: float
    ) -> None:
        known = {number: row for row, number in enumerate(self._tracks.number.tolist())}
        numbers = np.asarray(given, np.int64)
        old = np.array([i for i, number in enumerate(numbers.tolist()) if number in known], np.int64)
        self._update(np.array([known[n] for n in numbers[old].tolist()], np.int64), boxes[old], time)
        new = np.setdiff1d(np.flatnonzero(numbers >= 0), old)
        self._begin(boxes[new], np.asarray(labels)[new], time, numbers[new])
        self._tracks = self._tracks.take(time - self._tracks.seen <= self.options.patience)

    def _assign(
        self, boxes: NDArray[np.float64], labels: NDArray[np.integer], free: NDArray[np.int64], least: float
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Rows of `boxes` and of `free` that belong together, with the largest sum of overlaps."""
        tracks = self._tracks.take(free)
        overlap = box_iou(boxes, _corners(tracks.mean))
        overlap[(np.asarray(labels)[:, None] != tracks.label) | (overlap < least)] = 0.0
        rows, columns = linear_sum_assignment(-overlap)
        good = overlap[rows, columns] > 0
        return rows[good].astype(np.int64), columns[good].astype(np.int64)

    def _begin(
        self,
        boxes: NDArray[np.float64],
        labels: NDArray[np.integer],
        time: float,
        numbers: NDArray[np.int64] | None = None,
    ) -> NDArray[np.int64]:
        if numbers is None:
            numbers = np.arange(self._next, self._next + len(boxes))
        self._next = max(self._next, int(numbers.max(initial=-1)) + 1)
        place = _centres(boxes)
        side = np.maximum(place[:, 3], 1.0)
        deviation = np.concatenate([np.tile(side[:, None] * _PLACE, 4), np.tile(side[:, None] * _SPEED * 5, 4)], axis=1)
        old = self._tracks
        self._tracks = _Tracks(
            np.concatenate([old.number, numbers]),
            np.concatenate([old.label, np.asarray(labels, np.int64)]),
            np.concatenate([old.seen, np.full(len(boxes), time)]),
            np.concatenate([old.mean, np.concatenate([place, np.zeros_like(place)], axis=1)]),
            np.concatenate([old.spread, deviation[:, :, None] ** 2 * np.eye(8)]),
        )
        return numbers

    def _predict(self, time: float) -> None:
        step = 0.0 if self._time is None else time - self._time
        self._time = time
        tracks = self._tracks
        if not len(tracks.number) or not step:
            return
        move = np.eye(8)
        move[:4, 4:] = step * np.eye(4)
        side = np.maximum(tracks.mean[:, 3], 1.0)
        wander = np.concatenate([np.tile(side[:, None] * _PLACE, 4), np.tile(side[:, None] * _SPEED, 4)], axis=1)
        tracks.mean = tracks.mean @ move.T
        tracks.mean[:, 2:4] = np.maximum(tracks.mean[:, 2:4], 1.0)
        tracks.spread = move @ tracks.spread @ move.T + wander[:, :, None] ** 2 * step * np.eye(8)

    def _update(self, rows: NDArray[np.int64], boxes: NDArray[np.float64], time: float) -> None:
        if not len(rows):
            return
        tracks = self._tracks
        mean, spread, measured = tracks.mean[rows], tracks.spread[rows], _centres(boxes)
        noise = (np.maximum(mean[:, 3], 1.0) * _PLACE)[:, None, None] ** 2 * np.eye(4)
        gain = spread[:, :, :4] @ np.linalg.inv(spread[:, :4, :4] + noise)
        tracks.mean[rows] = mean + (gain @ (measured - mean[:, :4])[:, :, None])[:, :, 0]
        tracks.spread[rows] = spread - gain @ spread[:, :4, :]
        tracks.seen[rows] = time


_PLACE, _SPEED = 1 / 20, 1 / 4
"""Standard deviations in shares of the box's height: of a place that is measured, and of the change of speed within a
second. ByteTrack's, which counts in frames, is 1/20 and 1/160 a frame at about 30 frames a second."""


def _centres(boxes: NDArray[np.float64]) -> NDArray[np.float64]:
    size = boxes[:, 2:] - boxes[:, :2]
    return np.concatenate([boxes[:, :2] + size / 2, size], axis=1)


def _corners(mean: NDArray[np.float64]) -> NDArray[np.float64]:
    half = mean[:, 2:4] / 2
    return np.concatenate([mean[:, :2] - half, mean[:, :2] + half], axis=1)
