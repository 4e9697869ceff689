"""Relations in clips as VidVRD and VidOR have them: a triplet, a duration in frames, and two trajectories.

Annotations are one JSON file a clip (Shang et al., ACM MM 2017 and ICMR 2019): ``subject/objects`` (``tid``,
``category``), ``trajectories`` (for every frame a list of ``tid`` and ``bbox``), ``relation_instances``
(``subject_tid``, ``predicate``, ``object_tid``, ``begin_fid``, ``end_fid``). Results are one JSON file: ``results`` ->
clip -> a list of ``triplet``, ``score``, ``duration``, ``sub_traj``, ``obj_traj``. Durations are half open, and boxes
are x1, y1, x2, y2.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from interplay.containers.guard import brief, locating
from interplay.containers.json_files import read_json
from interplay.errors import InputError, MissingFileError
from interplay.files import atomic_path
from interplay.interactions import Interactions
from interplay.ops.numbers import whole_number
from interplay.table import InteractionTable
from interplay.video.segments import Segment

_MOST_FRAMES = 10_000_000


@dataclass(frozen=True)
class ClipRelation:
    """A relation in a clip.

    Attributes:
        triplet: subject's class, predicate, object's class.
        begin, end: frames, from `begin` to before `end`.
        subject, object: (end - begin, 4) float64 boxes in these frames.
        score: of a prediction; 1 of an annotation.
    """

    triplet: tuple[str, str, str]
    begin: int
    end: int
    subject: NDArray[np.float64]
    object: NDArray[np.float64]
    score: float = 1.0


def read_clip_annotations(folder: str | os.PathLike[str]) -> dict[str, list[ClipRelation]]:
    """Relations by clip from a folder of annotation files (or one with such a folder ``annotations``), or a single one.

    Raises:
        MissingFileError: nothing there, or a folder without such files.
        InputError: a field is missing or does not fit; names file and field.
    """
    path = Path(folder)
    if (path / "annotations").is_dir():  # generated clips, beside other files
        path /= "annotations"
    files = sorted(path.rglob("*.json")) if path.is_dir() else [path]
    if not files:
        raise MissingFileError(f"no .json file in {path}: expected VidVRD's or VidOR's annotations, one a clip")
    found: dict[str, list[ClipRelation]] = {}
    for file in files:
        content = read_json(file, "a clip's annotations")
        with locating(str(file)):
            name, relations = _annotated(content)
        if name in found:
            raise InputError(f"{file}: the clip {name!r} is annotated in another file, too")
        found[name] = relations
    return found


def _annotated(content: Any) -> tuple[str, list[ClipRelation]]:
    classes = {whole_number(one["tid"], "tid"): str(one["category"]) for one in content["subject/objects"]}
    frames: list[dict[int, list[float]]] = [
        {whole_number(one["tid"], "tid"): [float(one["bbox"][side]) for side in _SIDES] for one in frame}
        for frame in content["trajectories"]
    ]
    relations = []
    for one in content["relation_instances"]:
        subject, other, begin, end = (
            whole_number(one[name], name) for name in ("subject_tid", "object_tid", "begin_fid", "end_fid")
        )
        if not 0 <= begin < end <= len(frames):
            raise InputError(f"a relation lasts from {begin} to {end}, and the clip has {len(frames):,} frames")
        boxes = [np.array([frame[tid] for frame in frames[begin:end]], np.float64) for tid in (subject, other)]
        triplet = (classes[subject], str(one["predicate"]), classes[other])
        relations.append(ClipRelation(triplet, begin, end, boxes[0], boxes[1]))
    return str(content["video_id"]), relations


_SIDES = ("xmin", "ymin", "xmax", "ymax")


def clip_annotation(name: str, frames: Sequence[Interactions], rate: float) -> dict[str, Any]:
    """A clip in VidVRD's form: what can be seen in every frame, and the runs of frames in which something is done.

    Args:
        name: of the clip.
        frames: with tracks.
        rate: frames a second.
    """
    categories: dict[int, str] = {}
    trajectories = []
    runs: dict[tuple[int, str, int], list[list[int]]] = {}
    for number, frame in enumerate(frames):
        assert frame.track is not None
        tracks, objects = frame.track.tolist(), frame.vocabulary.objects
        categories |= {t: objects[i] for t, i in zip(tracks, frame.labels.tolist(), strict=True)}
        trajectories.append(
            [
                {"tid": t, "bbox": dict(zip(_SIDES, map(int, box), strict=True)), "generated": 0, "tracker": "none"}
                for t, box in zip(tracks, frame.boxes.tolist(), strict=True)
            ]
        )
        for h, o, v in zip(frame.human.tolist(), frame.object.tolist(), frame.verb.tolist(), strict=True):
            if o < 0:
                continue
            known = runs.setdefault((tracks[h], frame.vocabulary.verbs[v], tracks[o]), [])
            if known and known[-1][1] == number:
                known[-1][1] = number + 1
            else:
                known.append([number, number + 1])
    return {
        "version": "interplay",
        "video_id": name,
        "frame_count": len(frames),
        "fps": rate,
        "width": frames[0].width,
        "height": frames[0].height,
        "subject/objects": [{"tid": t, "category": c} for t, c in sorted(categories.items())],
        "trajectories": trajectories,
        "relation_instances": [
            {"subject_tid": h, "predicate": verb, "object_tid": o, "begin_fid": begin, "end_fid": end}
            for (h, verb, o), spans in sorted(runs.items())
            for begin, end in spans
        ],
    }


def read_clip_results(path: str | os.PathLike[str]) -> dict[str, list[ClipRelation]]:
    """Predicted relations by clip.

    Raises:
        MissingFileError: no such file.
        InputError: a field is missing or does not fit; names it.
    """
    found = {}
    content = read_json(path, "results of clips")
    with locating(str(path)):
        for name, rows in content.get("results", content).items():
            found[str(name)] = [_result(row) for row in rows]
    return found


def _result(row: Any) -> ClipRelation:
    subject, predicate, other = map(str, row["triplet"])
    begin, end = (whole_number(value, "duration") for value in row["duration"])
    if not 0 <= begin < end <= _MOST_FRAMES:
        raise InputError(f"'duration' holds {brief(row['duration'])}, expected a first frame and one after the last")
    boxes = [np.asarray(row[name], np.float64) for name in ("sub_traj", "obj_traj")]
    for name, values in zip(("sub_traj", "obj_traj"), boxes, strict=True):
        if values.shape != (end - begin, 4) or not np.isfinite(values).all():
            raise InputError(f"{name!r} must be {end - begin} boxes, one for each frame, got shape {values.shape}")
    score = float(row["score"])
    if not np.isfinite(score):
        raise InputError(f"'score' holds {row['score']!r}, expected a finite number")
    return ClipRelation((subject, predicate, other), begin, end, boxes[0], boxes[1], score)


def write_clip_results(found: Mapping[str, Sequence[ClipRelation]], path: str | os.PathLike[str]) -> None:
    """Write predicted relations as one JSON file."""
    results = {
        name: [
            {
                "triplet": list(one.triplet),
                "score": one.score,
                "duration": [one.begin, one.end],
                "sub_traj": one.subject.tolist(),
                "obj_traj": one.object.tolist(),
            }
            for one in relations
        ]
        for name, relations in found.items()
    }
    with atomic_path(path) as temporary:
        temporary.write_text(json.dumps({"version": "VERSION 1.0", "results": results}), encoding="utf-8")


def relations_of_segments(
    table: InteractionTable, segments: Sequence[Segment], rate: float, person: str = "person"
) -> list[ClipRelation]:
    """Segments as relations; boxes of frames between those that were looked at lie between theirs.

    Args:
        table: the frames, with the columns `time` and `track`.
        segments: of the table; those without an object are left out, since these forms have none.
        rate: frames a second of the clip, in which durations count.
        person: what the data set calls people.

    Raises:
        InputError: a rate that is not above 0, or columns are missing.
    """
    if not rate > 0:
        raise InputError(f"the rate must be above 0 frames a second, got {rate}")
    if table.time is None or table.track is None:
        raise InputError("expected frames with the columns 'time' and 'track'")
    image = np.repeat(np.arange(len(table)), np.diff(table.box_offsets))
    found = []
    for segment in segments:
        if segment.object is None:
            continue
        begin, end = round(segment.start * rate), round(segment.end * rate) + 1
        frames = np.arange(begin, end)
        boxes = []
        for number in (segment.person, segment.object_track):
            rows = np.flatnonzero(table.track == number)
            when = table.time[image[rows]] * rate
            sides = table.boxes[rows].astype(np.float64).T
            boxes.append(np.stack([np.interp(frames, when, side) for side in sides], axis=1))
        found.append(
            ClipRelation((person, segment.verb, segment.object), begin, end, boxes[0], boxes[1], segment.score)
        )
    return found


def clips_of(table: InteractionTable) -> Iterator[tuple[str, InteractionTable]]:
    """The clips in a table of frames, each with its name (without folder and suffix) and its frames."""
    names = [Path(file.rpartition("#t=")[0] or file).stem for file in table.files]
    for name in dict.fromkeys(names):
        yield name, table.select(np.flatnonzero(np.array(names) == name))
