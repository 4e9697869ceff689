"""Which boxes of successive frames are the same person or object: ByteTrack's association (Zhang et al., ECCV 2022).

Every track carries a Kalman filter with constant velocity. A frame's sure boxes are assigned to tracks first, by the
overlap with where each track should be; what is left of the tracks is then offered the doubtful boxes, which are often
people who are partly hidden. Sure boxes and tracks that are left then are compared once more, both grown on every side
(C-BIoU, Yang et al., WACV 2023), as small and fast things do not overlap with where they were. A sure box that no track
wants begins a track, which counts once the next frame has it,
too: most false boxes are gone by then. Tracks that nobody continues for a while end. Boxes of different objects are
never the same.
"""

from __future__ import annotations

from dataclasses import dataclass, field

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
        grown: by what share of their size boxes grow on every side, where what is left is compared once more.
        patience: seconds for which a track may be unseen.
    """

    sure: float = 0.5
    overlap: float = 0.2
    doubtful_overlap: float = 0.4
    grown: float = 0.5
    patience: float = 1.5

    def __post_init__(self) -> None:
        for name in ("sure", "overlap", "doubtful_overlap"):
            if not 0 <= getattr(self, name) <= 1:
                raise InputError(f"{name} must be within 0..1, got {getattr(self, name)}")
        for name, unit in (("grown", ""), ("patience", " seconds")):
            if not 0 <= getattr(self, name) < np.inf:
                raise InputError(f"{name} must be 0{unit} or more, got {getattr(self, name)}")


@dataclass
class _Tracks:
    """Live tracks: K of them.

    Attributes:
        number: (K,) their numbers; -1 of one that began in the frame before and does not count yet.
        origin: (K,) the box of that frame with which such a one began.
        label: (K,) what each is.
        seen: (K,) seconds when each was seen last.
        mean: (K, 8) centre, width, height, and their changes a second.
        spread: (K, 8, 8) covariance.
    """

    number: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    origin: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    label: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    seen: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    mean: NDArray[np.float64] = field(default_factory=lambda: np.zeros((0, 8)))
    spread: NDArray[np.float64] = field(default_factory=lambda: np.zeros((0, 8, 8)))

    def take(self, rows: NDArray) -> _Tracks:
        return _Tracks(
            self.number[rows],
            self.origin[rows],
            self.label[rows],
            self.seen[rows],
            self.mean[rows],
            self.spread[rows],
        )


class Tracker:
    """Gives the boxes of successive frames numbers of tracks, the same for the same person or object.

    Args:
        options: see `TrackerOptions`.

    Attributes:
        before: (N,) numbers of the frame before the last one, see `follow`.

    Example:
        >>> import numpy as np
        >>> tracker = Tracker()
        >>> box = np.array([[10.0, 10, 50, 90]])
        >>> print(*(tracker.follow(box + 3 * t, np.zeros(1, int), np.ones(1), t / 5).item() for t in range(3)))
        0 0 0
    """

    def __init__(self, options: TrackerOptions | None = None) -> None:
        self.options = options or TrackerOptions()
        self.before = np.zeros(0, np.int64)
        self._tracks = _Tracks()
        self._next = 0
        self._time: float | None = None
        self._numbers = np.zeros(0, np.int64)
        self._held: Interactions | None = None

    def track(self, image: Interactions, time: float) -> Interactions | None:
        """Take the next frame, and give back the one before with its boxes' `track`; None after the first.

        Only the next frame tells which boxes began a track, so each is given back late. `last` gives the last one.

        Args:
            image: may have tracks already, which the tracker takes over.
            time: seconds, later than the frame before.
        """
        self.follow(image.boxes, image.labels, image.box_scores, time, image.track)
        held, self._held = self._held, image
        return None if held is None else held.with_columns(track=self.before)

    def last(self) -> Interactions | None:
        """The last frame with its boxes' `track`; None if there was none since this was called."""
        held, self._held = self._held, None
        return None if held is None else held.with_columns(track=self._numbers)

    def follow(
        self,
        boxes: NDArray[np.floating],
        labels: NDArray[np.integer],
        scores: NDArray[np.floating],
        time: float,
        given: NDArray[np.int64] | None = None,
    ) -> NDArray[np.int64]:
        """Numbers (N,) of the tracks of the next frame's boxes; -1 for a box that belongs to none, or to none yet.

        Those that begin with the first frame count at once. `before` has the numbers of the frame before, where boxes
        that begin a track which this frame continues have its number, too.

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
        kinds: NDArray[np.int64] = np.asarray(labels, np.int64)
        first = self._time is None
        self._predict(time)
        self.before = self._numbers.copy()
        if given is not None:
            self._numbers = self._take_over(boxes, kinds, np.asarray(given, np.int64), time)
        else:
            self._numbers = self._continue(boxes, kinds, np.asarray(scores) >= self.options.sure, time, first)
        return self._numbers.copy()

    def _continue(
        self, boxes: NDArray[np.float64], labels: NDArray[np.int64], sure: NDArray[np.bool_], time: float, first: bool
    ) -> NDArray[np.int64]:
        chosen_by = np.full(len(boxes), -1, np.int64)  # row of the track
        free = np.arange(len(self._tracks.number))
        options = self.options
        steps = (
            (sure, options.overlap, 0.0),
            (~sure, options.doubtful_overlap, 0.0),
            (sure, options.overlap, options.grown),
        )
        for chosen, least, grown in steps:
            rows = np.flatnonzero(chosen & (chosen_by < 0))
            boxed, tracked = self._assign(boxes[rows], labels[rows], free, least, grown)
            chosen_by[rows[boxed]] = free[tracked]
            self._update(free[tracked], boxes[rows[boxed]], time)
            free = np.delete(free, tracked)
        tracks = self._tracks
        counted = np.flatnonzero((tracks.number < 0) & (tracks.seen == time))
        tracks.number[counted] = self.before[tracks.origin[counted]] = self._new_numbers(len(counted))
        numbers = np.where(chosen_by >= 0, np.append(tracks.number, -1)[chosen_by], -1)
        new = np.flatnonzero(sure & (chosen_by < 0))
        if first:
            numbers[new] = self._new_numbers(len(new))
        self._end(time, tracks.number >= 0)
        self._begin(boxes, labels, time, new, numbers[new])
        return numbers

    def _take_over(
        self, boxes: NDArray[np.float64], labels: NDArray[np.int64], numbers: NDArray[np.int64], time: float
    ) -> NDArray[np.int64]:
        known = {number: row for row, number in enumerate(self._tracks.number.tolist()) if number >= 0}
        old = np.array([i for i, number in enumerate(numbers.tolist()) if number in known], np.int64)
        self._update(np.array([known[n] for n in numbers[old].tolist()], np.int64), boxes[old], time)
        self._end(time, self._tracks.number >= 0)
        new = np.setdiff1d(np.flatnonzero(numbers >= 0), old)
        self._begin(boxes, labels, time, new, numbers[new])
        self._next = max(self._next, int(numbers.max(initial=-1)) + 1)
        return numbers

    def _end(self, time: float, counted: NDArray[np.bool_]) -> None:
        """Tracks that were not seen for too long end, and those that do not count after all."""
        self._tracks = self._tracks.take(counted & (time - self._tracks.seen <= self.options.patience))

    def _new_numbers(self, count: int) -> NDArray[np.int64]:
        self._next += count
        return np.arange(self._next - count, self._next)

    def _assign(
        self,
        boxes: NDArray[np.float64],
        labels: NDArray[np.integer],
        free: NDArray[np.int64],
        least: float,
        grown: float,
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Rows of `boxes` and of `free` that belong together, with the largest sum of overlaps."""
        tracks = self._tracks.take(free)
        overlap = box_iou(_grown(boxes, grown), _grown(_corners(tracks.mean), grown))
        overlap[(np.asarray(labels)[:, None] != tracks.label) | (overlap < least)] = 0.0
        rows, columns = linear_sum_assignment(-overlap)
        good = overlap[rows, columns] > 0
        return rows[good].astype(np.int64), columns[good].astype(np.int64)

    def _begin(
        self,
        boxes: NDArray[np.float64],
        labels: NDArray[np.int64],
        time: float,
        rows: NDArray[np.int64],
        numbers: NDArray[np.int64],
    ) -> None:
        place = _centres(boxes[rows])
        side = np.maximum(place[:, 3], 1.0)
        deviation = np.concatenate([np.tile(side[:, None] * _PLACE, 4), np.tile(side[:, None] * _SPEED * 5, 4)], axis=1)
        old = self._tracks
        self._tracks = _Tracks(
            np.concatenate([old.number, numbers]),
            np.concatenate([old.origin, rows]),
            np.concatenate([old.label, labels[rows]]),
            np.concatenate([old.seen, np.full(len(rows), time)]),
            np.concatenate([old.mean, np.concatenate([place, np.zeros_like(place)], axis=1)]),
            np.concatenate([old.spread, deviation[:, :, None] ** 2 * np.eye(8)]),
        )

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


def _grown(boxes: NDArray[np.float64], share: float) -> NDArray[np.float64]:
    more = share * (boxes[:, 2:] - boxes[:, :2])
    return np.concatenate([boxes[:, :2] - more, boxes[:, 2:] + more], axis=1)


def _corners(mean: NDArray[np.float64]) -> NDArray[np.float64]:
    half = mean[:, 2:4] / 2
    return np.concatenate([mean[:, :2] - half, mean[:, :2] + half], axis=1)
