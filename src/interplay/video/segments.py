"""Who does what with which object from when to when: tracks and scores over time become segments."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from interplay.containers.json_files import read_json
from interplay.errors import InputError
from interplay.files import atomic_path
from interplay.table import InteractionTable, offsets
from interplay.vocabulary import Vocabulary

SUFFIXES = (".json", ".csv")

_KINDS: dict[str, tuple[type, ...]] = {
    "verb": (str,),
    "person": (int,),
    "object": (str, type(None)),
    "object_track": (int,),
    "start": (int, float),
    "end": (int, float),
    "score": (int, float),
}


@dataclass(frozen=True)
class SegmentOptions:
    """How scores over time become segments.

    Attributes:
        begin: a segment begins where the smoothed score reaches this.
        keep: it goes on while the score is at least this share of `begin`.
        smoothing: standard deviation in seconds of the Gaussian that smooths scores.
        gap: seconds for which one of the tracks may be out of sight within a segment.
        shortest: seconds from the first to the last frame of the shortest segment that counts.
    """

    begin: float = 0.2
    keep: float = 0.6
    smoothing: float = 0.4
    gap: float = 1.0
    shortest: float = 0.3

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            if not value >= 0:
                raise InputError(f"{name} must be 0 or more, got {value}")


@dataclass(frozen=True)
class Segment:
    """An interaction from its first to its last frame.

    Attributes:
        verb: its name.
        person: number of the person's track.
        object: the object's name, None where none takes part.
        object_track: number of its track, -1 where none takes part.
        start, end: seconds of the first and the last frame.
        score: mean of the smoothed scores.
    """

    verb: str
    person: int
    object: str | None
    object_track: int
    start: float
    end: float
    score: float

    def phrase(self, vocabulary: Vocabulary) -> str:
        """What the person does, in plain English: ``"looking at a sports ball"``."""
        label = None if self.object is None else vocabulary.find_object(self.object)
        return vocabulary.phrase(vocabulary.verb_index(self.verb), label)


def find_segments(table: InteractionTable, options: SegmentOptions | None = None) -> list[Segment]:
    """The segments of a clip, by their beginning.

    Args:
        table: the clip's frames in order, with the columns `time` and `track`.

    Raises:
        InputError: a column is missing, or the frames are not in order.
    """
    return [segment for segment, _, _ in _segments(table, options or SegmentOptions())]


def smoothed(table: InteractionTable, options: SegmentOptions | None = None) -> InteractionTable:
    """The frames with the interactions of segments only, at their smoothed scores: what a drawn clip shows.

    Args:
        table: as for `find_segments`.
    """
    verbs = {name: i for i, name in enumerate(table.vocabulary.verbs)}
    rows: list[tuple[int, int, int, int, float]] = []
    place = _places(table)
    for segment, frames, scores in _segments(table, options or SegmentOptions()):
        for frame, score in zip(frames.tolist(), scores.tolist(), strict=True):
            other = -1 if segment.object_track < 0 else place[frame, segment.object_track]
            rows.append((frame, place[frame, segment.person], other, verbs[segment.verb], score))
    rows.sort(key=lambda row: (row[0], -row[4]))
    found = np.array([row[:4] for row in rows], np.int64).reshape(-1, 4)
    columns = {name: values for name, values in table.columns.items() if name in ("time", "track", "keypoints")}
    return replace_triplets(table, found, np.array([row[4] for row in rows], np.float32), columns)


def replace_triplets(
    table: InteractionTable, rows: NDArray[np.int64], scores: NDArray[np.float32], columns: dict[str, Any]
) -> InteractionTable:
    """The table with other triplets: (T, 4) image, person, object, verb, by image."""
    return InteractionTable(
        vocabulary=table.vocabulary,
        files=table.files,
        sizes=table.sizes,
        box_offsets=table.box_offsets,
        boxes=table.boxes,
        labels=table.labels,
        box_scores=table.box_scores,
        triplet_offsets=offsets(np.bincount(rows[:, 0], minlength=len(table))),
        human=rows[:, 1],
        object=rows[:, 2],
        verb=rows[:, 3],
        score=scores,
        columns=columns,
    )


def _segments(
    table: InteractionTable, options: SegmentOptions
) -> list[tuple[Segment, NDArray[np.int64], NDArray[np.float64]]]:
    """Segments with their frames (rows of the table), and the smoothed score in each."""
    time, track = table.time, table.track
    if time is None or track is None:
        raise InputError("expected frames with the columns 'time' and 'track', as 'interplay detect CLIP' writes them")
    if (np.diff(time) <= 0).any():
        raise InputError("the frames of a clip must be in order of their times")
    names = table.vocabulary
    image = np.repeat(np.arange(len(table)), np.diff(table.box_offsets))
    visible: dict[int, list[int]] = {}
    label: dict[int, int] = {}
    for frame, number, what in zip(image.tolist(), track.tolist(), table.labels.tolist(), strict=True):
        if number >= 0:
            visible.setdefault(number, []).append(frame)
            label[number] = what
    said: dict[tuple[int, int, int], dict[int, float]] = {}
    human = track[table.human_rows]
    other = np.where(table.object >= 0, np.append(track, -1)[table.object_rows], -2)
    for frame, h, o, verb, score in zip(
        table.image_index.tolist(),
        human.tolist(),
        other.tolist(),
        table.verb.tolist(),
        table.score.tolist(),
        strict=True,
    ):
        if h >= 0 and o != -1:  # an object without track is nobody's that could be followed
            scores = said.setdefault((h, max(o, -1), verb), {})
            scores[frame] = max(score, scores.get(frame, 0.0))
    found = []
    for (h, o, verb), scores in said.items():
        frames = np.array(visible[h]) if o < 0 else np.intersect1d(visible[h], visible[o])
        series = np.array([scores.get(frame, 0.0) for frame in frames.tolist()])
        when = time[frames]
        smooth = _smooth(when, series, options.smoothing)
        for first, last in _runs(when, smooth, options):
            rows = slice(first, last + 1)
            segment = Segment(
                verb=names.verbs[verb],
                person=h,
                object=None if o < 0 else names.objects[label[o]],
                object_track=o,
                start=float(when[first]),
                end=float(when[last]),
                score=float(smooth[rows].mean()),
            )
            found.append((segment, frames[rows], smooth[rows]))
    return sorted(found, key=lambda one: (one[0].start, one[0].person, -one[0].score))


def _smooth(time: NDArray[np.float64], values: NDArray[np.float64], deviation: float) -> NDArray[np.float64]:
    """Means with Gaussian weights in time; a window bounds the work for long clips."""
    if not deviation or len(values) < 2:
        return values
    smooth = np.empty(len(values))
    starts = np.searchsorted(time, time - 3 * deviation)
    ends = np.searchsorted(time, time + 3 * deviation, "right")
    for i, (start, end) in enumerate(zip(starts.tolist(), ends.tolist(), strict=True)):
        weight = np.exp(-0.5 * ((time[start:end] - time[i]) / deviation) ** 2)
        smooth[i] = weight @ values[start:end] / weight.sum()
    return smooth


def _runs(time: NDArray[np.float64], scores: NDArray[np.float64], options: SegmentOptions) -> Iterator[tuple[int, int]]:
    """First and last place of every run that reaches `begin` and stays above its share."""
    above = np.flatnonzero(scores >= options.keep * options.begin)
    if not len(above):
        return
    breaks = np.flatnonzero((np.diff(above) > 1) | (np.diff(time[above]) > options.gap))
    for run in np.split(above, breaks + 1):
        reached = run[scores[run] >= options.begin]
        # a run of one frame is as long as the clip allows to say
        if len(reached) and (time[run[-1]] - time[run[0]] >= options.shortest or len(time) == 1):
            yield int(run[0]), int(run[-1])


def _places(table: InteractionTable) -> dict[tuple[int, int], int]:
    """(frame, track) -> box inside the frame."""
    assert table.track is not None  # checked by the caller
    image = np.repeat(np.arange(len(table)), np.diff(table.box_offsets))
    inside = np.arange(len(table.boxes)) - table.box_offsets[image]
    rows = zip(image.tolist(), table.track.tolist(), inside.tolist(), strict=True)
    return {(frame, number): place for frame, number, place in rows if number >= 0}


def write_segments(segments: Iterable[Segment], path: str | os.PathLike[str], clip: str = "") -> None:
    """Write segments as ``.json`` (a list, with the clip's name) or ``.csv``.

    Raises:
        InputError: another suffix.
    """
    target = Path(path)
    rows = [asdict(segment) for segment in segments]
    if target.suffix == ".json":
        with atomic_path(target) as temporary:
            temporary.write_text(json.dumps({"clip": clip, "segments": rows}, indent=1), encoding="utf-8")
        return
    if target.suffix != ".csv":
        raise InputError(f"{path}: expected a name ending in {' or '.join(SUFFIXES)}, got {target.suffix!r}")
    with atomic_path(target) as temporary, temporary.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, list(Segment.__dataclass_fields__))
        writer.writeheader()
        writer.writerows(rows)


def read_segments(path: str | os.PathLike[str]) -> list[Segment]:
    """Segments from a ``.json`` that `write_segments` wrote.

    Raises:
        InputError: something else; names the field.
    """
    content = read_json(path, "segments of a clip")
    found = []
    try:
        for number, row in enumerate(content["segments"]):
            for name, kinds in _KINDS.items():
                if not isinstance(row[name], kinds) or isinstance(row[name], bool):
                    raise InputError(f"{path}: segment {number}: {name!r} holds {row[name]!r}")
            found.append(Segment(**{name: row[name] for name in Segment.__dataclass_fields__}))
    except (KeyError, TypeError) as error:
        raise InputError(f"{path}: expected segments as 'interplay detect CLIP' writes them; missing {error}") from None
    return found
