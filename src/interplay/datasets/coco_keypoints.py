"""COCO's keypoints of people (``person_keypoints_*.json``), and giving them to the annotations of a data set.

V-COCO's people are COCO's: they are found by the annotation's id where the annotations still know it (V-COCO's own
form), and by overlap otherwise.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from interplay.containers.guard import brief, locating
from interplay.datasets.builder import TableBuilder, check_box, id_number, image_name, side_length
from interplay.datasets.sources import Source, open_source, sources_in
from interplay.errors import InputError, MissingFileError
from interplay.keypoints import KEYPOINT_NAMES
from interplay.ops.boxes import distinct_boxes, match_boxes, xywh_to_xyxy
from interplay.ops.image_names import ImageNames
from interplay.ops.numbers import finite_number, finite_rows
from interplay.table import InteractionTable
from interplay.vocabulary import Vocabulary

MIN_IOU = 0.5
"""Least overlap of an annotated person's box with the box in COCO's file, where the ids do not tell."""

SAME_PERSON = 0.7
"""Boxes of people that overlap by more are one person's, who may be annotated once for each interaction (HICO-DET)."""

_WHAT = "COCO's person_keypoints_*.json"
_VALUES = 3 * len(KEYPOINT_NAMES)


@dataclass(frozen=True)
class CocoPeople:
    """The people of an image in COCO's file.

    Attributes:
        file, width, height: the image; 0 where a side is not given.
        ids: (P,) COCO's annotation ids.
        boxes: (P, 4) float64 x1, y1, x2, y2 in pixels.
        keypoints: (P, 17, 3) float32 x, y in pixels and visibility 0, 1, 2.
        areas: (P,) float64 pixels of the segment, NaN where the file has none.
        crowd: (P,) bool.
    """

    file: str
    width: int
    height: int
    ids: NDArray[np.int64]
    boxes: NDArray[np.float64]
    keypoints: NDArray[np.float32]
    areas: NDArray[np.float64]
    crowd: NDArray[np.bool_]


@dataclass(frozen=True)
class KeypointMatch:
    """Which annotated people got keypoints from COCO's file.

    Attributes:
        people: annotated people.
        by_id, by_overlap: those found by the annotation's id, and by an overlap of at least `MIN_IOU`.
        not_found: those in listed images whom nobody in the file overlaps enough.
        not_listed: those in images that the file does not list.
        without_labels: those found of whom the file labels no keypoint (COCO has none of small people and crowds).
        left_over: people in the file, in annotated images and with labelled keypoints, whom nobody took.
    """

    people: int = 0
    by_id: int = 0
    by_overlap: int = 0
    not_found: int = 0
    not_listed: int = 0
    without_labels: int = 0
    left_over: int = 0

    @property
    def found(self) -> int:
        """People with an entry in the file."""
        return self.by_id + self.by_overlap

    @property
    def complete(self) -> bool:
        """Whether everybody was found."""
        return self.found == self.people

    def __add__(self, other: KeypointMatch) -> KeypointMatch:
        return KeypointMatch(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(self)))

    def __str__(self) -> str:
        parts = [
            f"{self.found:,} of {self.people:,} people have an entry ({self.by_id:,} by id, {self.by_overlap:,} by an "
            f"overlap of at least {MIN_IOU})"
        ]
        for count, what in (
            (self.without_labels, "of these without a labelled keypoint"),
            (self.not_found, "whom nobody in the file overlaps enough"),
            (self.not_listed, "in images that the file does not list"),
            (self.left_over, "with keypoints in the file whom nobody took"),
        ):
            if count:
                parts.append(f"{count:,} {what}")
        return "; ".join(parts)


def read_coco_people(path: str | os.PathLike[str]) -> list[CocoPeople]:
    """The people of ``person_keypoints_*.json``, or of every such file of a folder, by image.

    Raises:
        MissingFileError: nothing there.
        InputError: not such a file, or a record in it is broken; says which.
    """
    place = Path(path)
    sources = list(keypoint_files(place)) if place.is_dir() else [open_source(place)]
    if not sources:
        raise MissingFileError(f"no keypoints in {path}: expected {_WHAT}")
    images: dict[str, CocoPeople] = {}
    for source in sources:
        for image in _read(source):
            images.setdefault(image.file, image)
    return list(images.values())


def keypoint_files(folder: Path) -> Iterator[Source]:
    """COCO's keypoint files below a folder, told by their names and first bytes."""
    return (s for s in sources_in(folder, {".json"}) if "keypoints" in s.path.stem and s.mentions("images"))


def _read(source: Source) -> Iterator[CocoPeople]:
    content: Any = source.content
    if not isinstance(content, dict) or not all(isinstance(content.get(k), list) for k in ("images", "annotations")):
        raise InputError(f"{source.path}: expected {_WHAT} with images and annotations, got {brief(content)}")
    with locating(f"{source.path}: 'images'"):
        images = {id_number(image["id"], "id"): image for image in content["images"]}
    person = _person(content, source.path)
    records: dict[int, list[tuple[int, Mapping[str, Any]]]] = {number: [] for number in images}
    posed = False
    for i, record in enumerate(content["annotations"]):
        with locating(f"{source.path}: annotations[{i}]"):
            if not isinstance(record, Mapping):
                raise InputError(f"expected an object, got {brief(record)}")
            number = id_number(record["image_id"], "image_id")
            if number not in records:
                raise InputError(f"'image_id' is {number}, which is none of 'images'")
            if record.get("category_id", person) == person:
                posed |= "keypoints" in record
                records[number].append((i, record))
    if not posed:
        raise InputError(f"{source.path}: nobody in it has keypoints; expected {_WHAT}")
    for number, image in images.items():
        with locating(f"{source.path}: image {number}"):
            name = image_name(image["file_name"])
            sides = [side_length(image.get(side), side) for side in ("width", "height")]
        yield _people(source.path, (name, sides[0], sides[1]), records[number])


def _person(content: Mapping[str, Any], path: Path) -> int:
    """COCO's number of the class of people."""
    categories = content.get("categories")
    if not isinstance(categories, list) or not categories:
        return 1
    with locating(f"{path}: 'categories'"):
        named = [category["id"] for category in categories if category["name"] == "person"]
        if len(named) != 1:
            raise InputError(f"expected one class 'person', got {brief([c['name'] for c in categories])}")
        return id_number(named[0], "id")


def _people(path: Path, image: tuple[str, int, int], records: list[tuple[int, Mapping[str, Any]]]) -> CocoPeople:
    def where(row: int) -> str:
        return f"{path}: annotations[{records[row][0]}]"

    nobody = [0] * _VALUES  # as COCO has people of whom nothing is labelled
    keypoints = finite_rows([r.get("keypoints", nobody) for _, r in records], _VALUES, lambda row: where(row))
    boxes = finite_rows([r.get("bbox") for _, r in records], 4, lambda row: f"{where(row)}: 'bbox'")
    for row, (_, record) in enumerate(records):
        with locating(where(row)):
            check_box(record["bbox"])
    poses = keypoints.reshape(-1, len(KEYPOINT_NAMES), 3)
    strange = np.argwhere(~np.isin(poses[..., 2], (0, 1, 2)))
    if len(strange):
        row, point = strange[0].tolist()
        raise InputError(
            f"{where(row)}: the visibility of the {KEYPOINT_NAMES[point]} must be 0, 1 or 2, got "
            f"{poses[row, point, 2]:.4g}; poses that a program found are given as --pose FILE"
        )
    if (negative := np.flatnonzero((boxes[:, 2:] < 0).any(1))).size:
        raise InputError(f"{where(int(negative[0]))}: 'bbox' has a negative width or height")
    ids, areas, crowd = [], [], []
    for row, (_, record) in enumerate(records):
        with locating(where(row)):
            ids.append(id_number(record["id"], "id"))
            area = record.get("area")
            areas.append(np.nan if area is None else finite_number(area, "'area'"))
            crowd.append(bool(id_number(record.get("iscrowd", 0), "iscrowd")))
            if areas[-1] < 0:
                raise InputError(f"'area' must be 0 or more, got {areas[-1]}")
    return CocoPeople(
        *image,
        ids=np.array(ids, np.int64),
        boxes=np.asarray(xywh_to_xyxy(boxes), np.float64),
        keypoints=poses,
        areas=np.array(areas, np.float64),
        crowd=np.array(crowd, bool),
    )


def people_table(images: Iterable[CocoPeople]) -> InteractionTable:
    """COCO's people as annotations without interactions, in V-COCO's vocabulary."""
    vocabulary = Vocabulary.load("v-coco")
    builder = TableBuilder(vocabulary, columns=["keypoints", "area", "crowd", "coco_id"])
    for image in images:
        builder.image(image.file, (image.width, image.height))
        for row, box in enumerate(image.boxes.tolist()):
            builder.instance(box, vocabulary.person, **_columns(image, row))
    return builder.build()


def with_keypoints(
    table: InteractionTable, keypoints: str | os.PathLike[str] | Iterable[CocoPeople]
) -> tuple[InteractionTable, KeypointMatch]:
    """Annotations with COCO's keypoints, areas and crowds of their people; keypoints that they had are replaced.

    In each image people are found by ``coco_id``, where the table has it, and the others by overlap: the best overlaps
    first, each entry of the file once, from `MIN_IOU` on. Somebody whose box is another copy of a found person's
    (`SAME_PERSON`) has the same keypoints. Whoever is not found is NaN.

    Args:
        table: annotations.
        keypoints: a file or a folder, as for `read_coco_people`, or what that gave.

    Raises:
        MissingFileError, InputError: see `read_coco_people`; or the file lists none of the images.
    """
    given = isinstance(keypoints, (str, os.PathLike))
    entries = read_coco_people(keypoints) if isinstance(keypoints, (str, os.PathLike)) else list(keypoints)
    names = ImageNames(entry.file for entry in entries)
    poses = np.full((len(table.boxes), len(KEYPOINT_NAMES), 3), np.nan, np.float32)
    areas, crowd = np.full(len(table.boxes), np.nan), np.zeros(len(table.boxes), bool)
    match, listed = KeypointMatch(), 0
    for i, file in enumerate(table.files):
        start, stop = table.box_offsets[i : i + 2].tolist()
        people = start + np.flatnonzero(table.labels[start:stop] == table.vocabulary.person)
        place = names.find(file)
        listed += place >= 0
        if place < 0:
            match += KeypointMatch(people=len(people), not_listed=len(people))
            continue
        entry = entries[place]
        ids = None if table.coco_id is None else table.coco_id[people]
        taken, found = _match(table.boxes[people], ids, entry)
        rows, chosen = people[taken >= 0], taken[taken >= 0]
        poses[rows], areas[rows], crowd[rows] = entry.keypoints[chosen], entry.areas[chosen], entry.crowd[chosen]
        match += found
    if len(table) and not listed:
        place_name = f"{keypoints}: " if given else ""
        shown = ", ".join(repr(file) for file in table.files[:2])
        raise InputError(
            f"{place_name}none of the {len(table):,} annotated images is in it (such as {shown}); expected {_WHAT} of "
            f"the same images, and it has {', '.join(repr(entry.file) for entry in entries[:2])}"
        )
    return table.with_columns(keypoints=poses, area=areas, crowd=crowd), match


def _match(
    boxes: NDArray[np.float32], ids: NDArray[np.int64] | None, entry: CocoPeople
) -> tuple[NDArray[np.int64], KeypointMatch]:
    """(P,) the row of the file's people that each person is, -1 for nobody, and how they were found."""
    taken = np.full(len(boxes), -1)
    free = np.ones(len(entry.ids), bool)
    if ids is not None:
        place = {number: row for row, number in enumerate(entry.ids.tolist())}
        taken = np.array([place.get(number, -1) for number in ids.tolist()], np.int64).reshape(-1)
        free[taken[taken >= 0]] = False
    by_id = int((taken >= 0).sum())
    rest, open_rows = np.flatnonzero(taken < 0), np.flatnonzero(free)
    if len(rest) and len(open_rows):
        pairs = match_boxes(boxes[rest], entry.boxes[open_rows], np.full(len(open_rows), MIN_IOU))
        for person, row in pairs:
            taken[rest[person]] = open_rows[row]
    first = distinct_boxes(boxes, np.zeros(len(boxes), np.int64), (taken >= 0).astype(np.float32), SAME_PERSON)
    taken = np.where(taken < 0, taken[first], taken)
    used = taken[taken >= 0]
    labelled = np.asarray((entry.keypoints[..., 2] > 0).any(1))
    return taken, KeypointMatch(
        people=len(boxes),
        by_id=by_id,
        by_overlap=len(used) - by_id,
        not_found=len(boxes) - len(used),
        without_labels=int((~labelled[used]).sum()),
        left_over=int(np.delete(labelled, used).sum()),
    )


def _columns(image: CocoPeople, row: int) -> dict[str, Any]:
    return {
        "keypoints": image.keypoints[row],
        "area": image.areas[row],
        "crowd": image.crowd[row],
        "coco_id": image.ids[row],
    }
