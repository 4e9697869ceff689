"""VidHOI: who does what with which object at one keyframe a second of VidOR's clips.

Chiou et al., "ST-HOI: A Spatial-Temporal Baseline for Human-Object Interaction Detection in Videos", ICDAR workshop
at ICMR 2021. ``train_frame_annots.json`` and ``val_frame_annots.json`` are lists with a row for each predicate between
a person and an object (or another person) at a keyframe, the middle frame of every second::

    {"video_folder": "0085", "video_id": "7002697331", "frame_id": "000015", "video_fps": 30, "height": 360,
     "width": 640, "middle_frame_timestamp": 1, "person_box": {"xmin": 54, "ymin": 128, "xmax": 96, "ymax": 244},
     "object_box": {...}, "person_id": 2, "object_id": 0, "object_class": 0, "action_class": 1}

``frame_id`` counts a clip's frames from 1, ``person_id`` and ``object_id`` are VidOR's tracks, and classes are places
in ``obj_categories.json`` and ``pred_categories.json``. The authors' files also hold a few rows whose box is that of
the row before, as a track was not there in the frame; as their code does, the first box of a track in a frame counts.
"""

from __future__ import annotations

import json
import math
import os
import re
import warnings
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from interplay.containers.guard import brief, locating
from interplay.datasets.builder import TableBuilder, id_number, pick
from interplay.datasets.sources import Source
from interplay.errors import InputError
from interplay.files import atomic_path
from interplay.formats.vidhoi_results import is_vidhoi_results_text, read_vidhoi_annotations, write_vidhoi_results
from interplay.table import InteractionTable
from interplay.vocabulary import Vocabulary

_SIDES = ("xmin", "ymin", "xmax", "ymax")
_KEYS = ("video_folder", "video_id", "frame_id", "person_box", "object_box", "action_class")
_FRAME = re.compile(r"(?P<clip>.+)_(?P<number>\d{1,9})")
NEAREST = 0.11
"""Seconds: a frame of a clip further from a keyframe does not stand for it. Half a step of five frames a second."""


def is_vidhoi(source: Source) -> bool:
    """Whether this is the form of ``val_frame_annots.json``."""
    return source.mentions(*_KEYS)


def is_vidhoi_results(source: Source) -> bool:
    """Whether this is a result file of the published code, which holds the annotations, too."""
    return source.kind == "json" and is_vidhoi_results_text(source.head)


def read_vidhoi(source: Source, vocabulary: Vocabulary) -> InteractionTable:
    """Keyframes as images called ``FOLDER/CLIP/CLIP_000015.jpg``, as the published script extracts them.

    Tables have the columns ``time`` (seconds from the clip's first frame) and ``track`` (VidOR's). A predicate that a
    file lists twice for a pair in a frame is one, as for the published code.

    Raises:
        InputError: a field is missing or does not fit; names file, row and field.
    """
    rows = source.content
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise InputError(f"{source.path}: expected a list with an object for each predicate at a keyframe")
    frames: dict[tuple[str, str, int], list[tuple[int, dict[str, Any]]]] = {}
    for number, row in enumerate(rows):
        with locating(f"{source.path}: row {number}"):
            key = (_text(row, "video_folder"), _text(row, "video_id"), id_number(row["frame_id"], "frame_id"))
            frames.setdefault(key, []).append((number, row))
    builder = TableBuilder(vocabulary, columns=["track", "time"])
    moved = 0
    for (folder, clip, frame), there in frames.items():
        first = there[0][1]
        with locating(f"{source.path}: row {there[0][0]}"):
            rate = first["video_fps"]
            if isinstance(rate, bool) or not isinstance(rate, (int, float)) or not 0 < rate < 1000:
                raise InputError(f"'video_fps' holds {brief(rate)}, expected frames a second")
            if frame < 1:
                raise InputError(f"'frame_id' holds {frame}, expected a number from 1")
            size = (first.get("width"), first.get("height"))
            builder.image(frame_file(folder, clip, frame), size, time=(frame - 1) / rate)
        places: dict[int, int] = {}
        boxes: dict[int, tuple[list[float], int]] = {}
        said: set[tuple[int, int, int]] = set()
        for number, row in there:
            with locating(f"{source.path}: row {number}"):
                verb = pick(range(len(vocabulary.verbs)), row["action_class"], "action_class")
                label = pick(range(len(vocabulary.objects)), row["object_class"], "object_class")
                ends = (("person_id", "person_box", vocabulary.person), ("object_id", "object_box", label))
                pair = []
                for id_name, box_name, kind in ends:
                    track = id_number(row[id_name], id_name)
                    box = [row[box_name][side] for side in _SIDES]
                    if track not in places:
                        places[track] = builder.instance(box, kind, track=track)
                        boxes[track] = box, kind
                    moved += boxes[track] != (box, kind)
                    pair.append(places[track])
                if (pair[0], verb, pair[1]) not in said:
                    said.add((pair[0], verb, pair[1]))
                    builder.triplet(pair[0], verb, pair[1])
    if moved:
        warnings.warn(
            f"{source.path}: {moved:,} boxes or classes differ from those that their track has in the same frame; the "
            "first of each track counts, as for the published code",
            stacklevel=4,
        )
    return builder.build()


def read_vidhoi_result_annotations(source: Source, vocabulary: Vocabulary) -> InteractionTable:
    """The annotations in a result file of the published code, whose boxes are in pixels of pictures made smaller."""
    return read_vidhoi_annotations(source.path, vocabulary)


def frame_file(folder: str, clip: str, frame: int) -> str:
    """What the published script calls a frame, counted from 1."""
    return f"{folder}/{clip}/{clip}_{frame:06d}.jpg"


def at_keyframes(predictions: InteractionTable, annotations: InteractionTable) -> tuple[InteractionTable, list[str]]:
    """Results of clips as results of keyframes: of each keyframe the nearest frame that was looked at.

    ``interplay detect CLIP`` calls frames ``CLIP.mp4#t=0.400``; a table of images comes back as it is.

    Returns:
        The predictions for keyframes, called as the annotations call them, and what the user should know.
    """
    if predictions.time is None or annotations.time is None:
        return predictions, []
    by_clip: dict[str, list[int]] = {}
    for row, file in enumerate(predictions.files):
        source, mark, _ = file.rpartition("#t=")
        if mark:
            by_clip.setdefault(PurePosixPath(source).stem, []).append(row)
    if not by_clip:
        return predictions, []
    chosen, names, far = [], [], 0.0
    missed = 0
    for name, time in zip(annotations.files, annotations.time.tolist(), strict=True):
        match = _FRAME.fullmatch(PurePosixPath(name).stem)
        rows = by_clip.get(match["clip"], []) if match else []
        if not rows:
            continue
        distances = np.abs(predictions.time[rows] - time)
        nearest = int(np.argmin(distances))
        if distances[nearest] > NEAREST:
            missed += 1
            continue
        far = max(far, float(distances[nearest]))
        chosen.append(rows[nearest])
        names.append(name)
    notes = [f"keyframes take the frame of their clip that is nearest in time, at most {far:.3f} s away"]
    if missed:
        notes.append(
            f"{missed:,} keyframes have no frame of their clip within {NEAREST} s: look at five a second or more"
        )
    return _images(predictions, chosen, names), notes


def _images(table: InteractionTable, rows: list[int], names: list[str]) -> InteractionTable:
    images = [replace(table[row], file=name) for row, name in zip(rows, names, strict=True)]
    return InteractionTable.from_list(images, table.vocabulary)


def write_vidhoi(table: InteractionTable, path: Path) -> None:
    """Write annotations as ``val_frame_annots.json``, and predictions as a result file of the published code.

    Raises:
        InputError: another vocabulary than VidHOI's, or annotations of images that are not called as keyframes.
    """
    known = Vocabulary.load("vidhoi")
    if table.vocabulary != known:
        raise InputError(
            f"this form has only VidHOI's classes, and the table is of the vocabulary {table.vocabulary.name!r}: read "
            "it with --vocabulary vidhoi"
        )
    if table.scored:
        write_vidhoi_results(table, path)
        return
    rows = [row for image in range(len(table)) for row in _rows(table, image)]
    with atomic_path(path) as temporary:
        temporary.write_text(json.dumps(rows), encoding="utf-8")


def _rows(table: InteractionTable, number: int) -> list[dict[str, Any]]:
    image = table[number]
    place = PurePosixPath(image.file or "")
    match = _FRAME.fullmatch(place.stem)
    if match is None:
        raise InputError(
            f"{image.file!r} is no keyframe of VidHOI: expected a name such as {frame_file('0085', '7002697331', 15)}"
        )
    frame = int(match["number"])
    time = math.nan if image.time is None else float(image.time)
    rate = round((frame - 1) / time) if time > 0 else 30
    tracks = np.arange(len(image.boxes)) if image.track is None else image.track
    boxes = [dict(zip(_SIDES, map(_short, box), strict=True)) for box in image.boxes.tolist()]
    return [
        {
            "video_folder": place.parent.parent.name,
            "video_id": match["clip"],
            "frame_id": f"{frame:06d}",
            "video_fps": rate,
            "height": image.height or 0,
            "width": image.width or 0,
            "middle_frame_timestamp": (frame - 1) // rate + 1,
            "person_box": boxes[human],
            "object_box": boxes[target],
            "person_id": int(tracks[human]),
            "object_id": int(tracks[target]),
            "object_class": int(image.labels[target]),
            "action_class": verb,
        }
        for human, target, verb in zip(image.human.tolist(), image.object.tolist(), image.verb.tolist(), strict=True)
        if target >= 0
    ]


def _short(value: float) -> float:
    return int(value) if value == int(value) else value


def _text(row: dict[str, Any], field: str) -> str:
    value = row[field]
    if not isinstance(value, str) or not value or "/" in value or os.sep in value:
        raise InputError(f"{field!r} holds {brief(value)}, expected a name")
    return value
