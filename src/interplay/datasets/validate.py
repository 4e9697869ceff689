"""Checking one's own annotations: every problem of a JSON Lines file, with its line and field.

Whatever `load_annotations` refuses is an error here. Files in other forms are read as a whole: what reading them says,
and what is wrong with their boxes and images, is told by image.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import numpy as np

from interplay.containers.json_files import parse_json
from interplay.containers.text import decode
from interplay.datasets import forms
from interplay.datasets.box_check import (
    NORMALISED,
    OUTSIDE_TOLERANCE,
    SIZES_FOR_CORNERS,
    box_faults,
    is_normalised,
)
from interplay.datasets.coco_keypoints import KeypointMatch
from interplay.datasets.images import ImageFinder
from interplay.datasets.load import load_with_keypoints, raise_if_only_boxes, split_of
from interplay.datasets.sources import Source, open_source
from interplay.datasets.validate_table import Severity, whole_problems
from interplay.errors import InputError, InterplayError, MissingFileError, near_matches
from interplay.formats.records import interaction_fields, is_box, record_fields, record_problems
from interplay.images import image_size
from interplay.vocabulary import Vocabulary, normalise

_RARE, _MUCH_MORE = 2, 10
"""A name that occurs at most `_RARE` times is doubted if a similar one occurs `_MUCH_MORE` times as often."""

_MOST_COMPARED = 200_000
"""Pairs of names beyond which none is compared: names that differ from line to line are no slips."""


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong.

    Attributes:
        file: the annotation file.
        line: counted from 1; 0 when it is about the whole file.
        field: such as ``interactions[2].verb``.
        message: what was expected and what came.
        severity: an ``error`` makes the file unusable or wrong; a ``warning`` may be on purpose.
    """

    file: str
    line: int
    field: str
    message: str
    severity: Severity = "error"

    def __str__(self) -> str:
        where = f", line {self.line}" if self.line else ""
        what = f", {self.field}" if self.field else ""
        return f"{self.file}{where}{what}: {self.severity}: {self.message}"


@dataclass
class ValidationReport:
    """Every problem of a file, in order of its lines."""

    path: Path
    images: int = 0
    interactions: int = 0
    keypoints: KeypointMatch | None = None
    problems: list[Problem] = field(default_factory=list)

    @property
    def errors(self) -> int:
        """Number of errors."""
        return sum(problem.severity == "error" for problem in self.problems)

    @property
    def warnings(self) -> int:
        """Number of warnings."""
        return len(self.problems) - self.errors


def validate(
    path: str | os.PathLike[str],
    vocabulary: Vocabulary | str | None = None,
    image_root: str | os.PathLike[str] | None = None,
    keypoints: str | os.PathLike[str] | None = None,
) -> ValidationReport:
    """Check a file of annotations and collect all its problems.

    Errors: a line that is not a JSON object, or not UTF-8; a field that is missing, of another type or there twice; a
    number that is not finite; an index that names no box; a box that is reversed, empty, outside the image or not in
    pixels (`interplay.datasets.box_check`); scores (annotations have none); a name that the vocabulary does not have; a
    vocabulary without ``person``; an image that is listed twice, missing, unreadable or of another size; an interaction
    listed twice. Warnings: unknown fields, the same box twice, a human that is not a person, somebody who interacts
    with their own box, an interaction that the vocabulary does not list, a name that looks like a slip of a frequent
    one, no width and height, keypoints with scores in place of visibilities.

    Args:
        vocabulary: the names that are allowed (a `Vocabulary`, a built-in name or a JSON file); without it every
            name is.
        image_root: folder of the images; without it they are not looked for.
        keypoints: COCO's keypoints for the people, as for `load_annotations`; `ValidationReport.keypoints` says who was
            found, and who was not is a warning.

    Raises:
        MissingFileError: no such file or folder.
        InputError: not a file of annotations at all.
    """
    path = Path(path)
    if not path.is_file():
        raise MissingFileError(f"no file {path}: expected a .jsonl file of annotations")
    source = open_source(path)
    if source.kind == "parquet":
        raise InputError(f"{path} is a Parquet file, which cannot hold such mistakes; validate reads JSON Lines")
    if isinstance(vocabulary, str):
        vocabulary = Vocabulary.load(vocabulary)
    report = _validate(path, source, vocabulary, image_root)
    if keypoints is not None:
        _find_people(report, source, vocabulary, keypoints)
    return report


def _find_people(
    report: ValidationReport, source: Source, vocabulary: Vocabulary | None, keypoints: str | os.PathLike[str]
) -> None:
    """Note in a report who has keypoints in COCO's file."""
    form = forms.recognise(source)
    dataset = "own" if form is None or form is forms.OWN else form.datasets[0]
    path = source.path
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the report has them already
            _, match = load_with_keypoints(dataset, path, split_of(path) or "test", vocabulary, keypoints)
    except InterplayError as error:
        if not report.errors:  # else the annotations could not be read, as the report says
            report.problems.append(Problem(str(path), 0, "keypoints", str(error)))
        return
    report.keypoints = match
    if not match.complete:
        report.problems.append(Problem(str(path), 0, "keypoints", str(match), "warning"))


def _validate(
    path: Path, source: Source, vocabulary: Vocabulary | None, image_root: str | os.PathLike[str] | None
) -> ValidationReport:
    finder = ImageFinder(image_root) if image_root is not None else None
    report = ValidationReport(path)
    form = forms.recognise(source)
    if form is None:
        raise_if_only_boxes(source)
    if form is not None and form is not forms.OWN and form is not forms.GENERATED:
        table, problems = whole_problems(path, form, vocabulary, finder)
        if table is not None:
            report.images, report.interactions = len(table), len(table.verb)
        report.problems = [Problem(str(path), 0, *problem) for problem in problems]
        return report
    if vocabulary is not None:
        try:
            vocabulary.require_person("every model")
        except InputError as error:
            report.problems.append(Problem(str(path), 0, "", str(error)))
    first_line: dict[str, int] = {}
    names = {"object": _NameCounts("object"), "verb": _NameCounts("verb")}
    boxes = _BoxSurvey()
    estimated: list[int] = []
    for number, record, problem in _lines(path):
        if problem:
            report.problems.append(Problem(str(path), number, "", problem))
            continue
        found: list[tuple[str, str, Severity]] = [(f, m, "error") for f, m in record_problems(record, vocabulary)]
        if isinstance(record, Mapping):
            report.images += 1
            report.interactions += len(_list(record.get("interactions")))
            found += _image_problems(record, number, first_line, finder)
            found += _box_problems(record)
            found += _interaction_problems(record, vocabulary)
            found += _field_problems(record)
            boxes.add(record)
            estimated += [number] if _has_scored_keypoints(record) else []
            if vocabulary is None:
                _note_names(record, number, names["object"], names["verb"])
        report.problems += [Problem(str(path), number, *item) for item in found]
    if estimated:
        report.problems.append(Problem(str(path), estimated[0], "keypoints", _scored_keypoints(estimated), "warning"))
    if boxes.hold_sizes():
        report.problems.append(Problem(str(path), 0, "boxes", SIZES_FOR_CORNERS))
    for seen in names.values():
        report.problems += [Problem(str(path), *slip, "warning") for slip in seen.slips()]
    if not report.images and not report.problems:
        report.problems.append(Problem(str(path), 0, "", "no annotations in it"))
    report.problems.sort(key=lambda p: p.line)
    return report


Found = Iterator[tuple[str, str, Severity]]


def _lines(path: Path) -> Iterator[tuple[int, Any, str]]:
    """Line number, record, and what keeps the line from being JSON."""
    with path.open("rb") as stream:
        for number, line in enumerate(stream, start=1):
            if not line.strip():
                continue
            try:
                yield number, parse_json(decode(line, "it", number), "it"), ""
            except InputError as error:
                problem = str(error).removeprefix("it: ").removeprefix(f"line {number}, ")
                whole = "; every line must be one whole record" if problem.startswith("not JSON") else ""
                yield number, None, f"{problem}{whole}"


def _image_problems(record: Mapping, number: int, first_line: dict[str, int], finder: ImageFinder | None) -> Found:
    file, size = record.get("file"), (record.get("width"), record.get("height"))
    if not isinstance(file, str) or not file:
        return
    if file in first_line:
        yield "file", f"{file!r} is already on line {first_line[file]}; put all of an image on one line", "error"
    first_line.setdefault(file, number)
    if finder is None:
        if None in size:
            yield "width", "width and height are not given, so boxes cannot be checked against the image", "warning"
        return
    path = finder.find(file)
    if path is None:
        yield "file", f"no image {file!r} below {finder.root}", "error"
        return
    try:
        actual = image_size(path)
    except InterplayError as error:
        yield "file", f"no readable image: {error}", "error"
        return
    if None not in size and size not in (actual, actual[::-1]):
        yield "width", f"{size[0]} x {size[1]} given, but {path} has {actual[0]} x {actual[1]} pixels", "error"


def _box_problems(record: Mapping) -> Found:
    width, height = record.get("width"), record.get("height")
    labels = _list(record.get("labels"))
    seen: dict[tuple, int] = {}
    good = [box for box in _list(record.get("boxes")) if is_box(box)]
    if is_normalised(good):
        yield "boxes", NORMALISED, "error"
    for i, box in enumerate(_list(record.get("boxes"))):
        if not is_box(box):
            continue  # reported with the record
        x1, y1, x2, y2 = box
        if x2 <= x1 or y2 <= y1:
            kind = "empty" if x2 >= x1 and y2 >= y1 else "reversed"
            yield f"boxes[{i}]", f"{kind}: expected x1 < x2 and y1 < y2, got {box}", "error"
        elif isinstance(width, int) and isinstance(height, int):
            beyond = max(-x1, -y1, x2 - width, y2 - height)
            if beyond > OUTSIDE_TOLERANCE:
                message = f"{box} reaches {beyond:g} px outside the image of {width} x {height}"
                yield f"boxes[{i}]", message, "error"
        label = labels[i] if i < len(labels) and isinstance(labels[i], str) else None
        key = (*box, label)
        if key in seen:
            message = f"the same box and label as boxes[{seen[key]}]; let both interactions name one box"
            yield f"boxes[{i}]", message, "warning"
        seen.setdefault(key, i)


def _interaction_problems(record: Mapping, vocabulary: Vocabulary | None) -> Found:
    labels = _list(record.get("labels"))
    seen: dict[tuple, int] = {}
    for i, item in enumerate(_list(record.get("interactions"))):
        if not isinstance(item, Mapping):
            continue
        human, verb, target = item.get("human"), item.get("verb"), item.get("object")
        if not isinstance(human, int) or not isinstance(verb, str):
            continue
        key = (human, normalise(verb), target if isinstance(target, int) else None)
        if key in seen:
            yield f"interactions[{i}]", f"the same as interactions[{seen[key]}]", "error"
        seen.setdefault(key, i)
        if human == target:
            yield f"interactions[{i}].object", "the human and the object are the same box", "warning"
        label = labels[human] if 0 <= human < len(labels) else None
        expected = "person" if vocabulary is None or vocabulary.person < 0 else vocabulary.objects[vocabulary.person]
        if isinstance(label, str) and not _same_object(label, expected, vocabulary):
            message = f"the human is labelled {label!r}, not {expected!r}, as people must be"
            yield f"interactions[{i}].human", message, "warning"
        name = labels[target] if isinstance(target, int) and 0 <= target < len(labels) else None
        resolved = target is None or name is not None
        if vocabulary is not None and resolved and not _is_class(vocabulary, verb, name):
            message = f"{verb!r} with {name!r} is none of the interactions that {vocabulary.name!r} lists"
            yield f"interactions[{i}]", message, "warning"


def _is_class(vocabulary: Vocabulary, verb: str, name: Any) -> bool:
    """Whether the vocabulary scores this interaction; names that it does not know are somebody else's problem."""
    if not len(vocabulary.interactions) or not (name is None or isinstance(name, str)):
        return True
    verb_index, object_index = vocabulary.find_verb(verb), -1 if name is None else vocabulary.find_object(name)
    unknown = verb_index < 0 or (name is not None and object_index < 0)
    return unknown or vocabulary.interaction_index(verb_index, object_index) >= 0


def _field_problems(record: Mapping) -> Found:
    known, known_inside = record_fields(), interaction_fields()
    for key in record:
        if key not in known:
            yield str(key), f"unknown field, ignored.{near_matches(str(key), known)}", "warning"
    for i, item in enumerate(_list(record.get("interactions"))):
        for key in item if isinstance(item, Mapping) else ():
            if key not in known_inside:
                hint = near_matches(str(key), known_inside)
                yield f"interactions[{i}].{key}", f"unknown field, ignored.{hint}", "warning"
    if record.get("scores") is not None:
        yield "scores", _SCORED, "error"
    for i, item in enumerate(_list(record.get("interactions"))):
        if isinstance(item, Mapping) and item.get("score") is not None:
            yield f"interactions[{i}].score", _SCORED, "error"


def _has_scored_keypoints(record: Mapping) -> bool:
    """Whether the third value of a keypoint is no visibility."""
    points = [point for pose in _list(record.get("keypoints")) for point in _list(pose)]
    third = (point[2] for point in points if isinstance(point, list) and len(point) == 3)
    return any(isinstance(value, (int, float)) and value not in (0, 1, 2) for value in third)


def _scored_keypoints(lines: list[int]) -> str:
    return (
        f"on {len(lines):,} lines the third value is a score and not a visibility (0 not labelled, 1 hidden, 2 seen): "
        "poses of a program, which pose AP does not take for annotations"
    )


_SCORED = "annotations have no scores; with them a file is read as predictions"


def _same_object(label: str, name: str, vocabulary: Vocabulary | None) -> bool:
    if vocabulary is None:
        return normalise(label) == normalise(name)
    return vocabulary.find_object(label) == vocabulary.find_object(name) or normalise(label) == normalise(name)


class _BoxSurvey:
    """The boxes of all records, to see what their numbers stand for."""

    def __init__(self) -> None:
        self.boxes: list[list[float]] = []
        self.images: list[int] = []
        self.sizes: list[tuple[int, int]] = []

    def add(self, record: Mapping) -> None:
        """Take note of a record's boxes."""
        good = [box for box in _list(record.get("boxes")) if is_box(box)]
        self.boxes += good
        self.images += [len(self.sizes)] * len(good)
        width, height = (record.get(name) for name in ("width", "height"))
        known = all(isinstance(side, int) and 0 < side < 2**31 for side in (width, height))
        self.sizes.append((width, height) if known else (0, 0))  # type: ignore[arg-type]

    def hold_sizes(self) -> bool:
        """Whether they seem to be x, y, width, height."""
        boxes = np.array(self.boxes, np.float64).reshape(-1, 4)
        sizes = np.array(self.sizes, np.int64).reshape(-1, 2)
        return box_faults(boxes, np.array(self.images, np.int64), sizes).sizes_for_corners


class _NameCounts:
    """How often each name of a kind occurs, and where the rare ones do."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.counts: dict[str, int] = {}
        self.places: dict[str, list[tuple[int, str]]] = {}

    def add(self, name: Any, line: int, field: str) -> None:
        if isinstance(name, str):
            name = normalise(name)
            self.counts[name] = self.counts.get(name, 0) + 1
            if self.counts[name] <= _RARE:
                self.places.setdefault(name, []).append((line, field))

    def slips(self) -> Iterator[tuple[int, str, str]]:
        """Line, field and message of rare names that look like a frequent one."""
        rare = {name: count for name, count in self.counts.items() if count <= _RARE}
        frequent = {count: [n for n, c in self.counts.items() if c >= _MUCH_MORE * count] for count in (1, _RARE)}
        if len(rare) * len(frequent[1]) > _MOST_COMPARED:
            return
        for name, count in rare.items():
            similar = get_close_matches(name, frequent[count], n=1, cutoff=0.7)
            for line, where in self.places[name] if similar else ():
                times = f"the {self.kind} {name!r} occurs {count} x, {similar[0]!r} {self.counts[similar[0]]} x"
                yield line, where, f"{times}; a slip?"


def _note_names(record: Mapping, number: int, objects: _NameCounts, verbs: _NameCounts) -> None:
    for i, label in enumerate(_list(record.get("labels"))):
        objects.add(label, number, f"labels[{i}]")
    for i, item in enumerate(_list(record.get("interactions"))):
        if isinstance(item, Mapping):
            verbs.add(item.get("verb"), number, f"interactions[{i}].verb")


def _list(value: Any) -> list:
    return value if isinstance(value, list) else []
