"""The files of a generated data set: their names, and how they are read.

==========================  ===========================================================================================
``images/000000.jpg``       the picture
``masks/000000.png``        8 bit: number of the box that a pixel shows, counted from 1; 0 for everything else
``depth/000000.png``        16 bit: millimetres along the view axis; 0 for the sky and what is beyond 65.5 m
``contact/000000.npz``      int32 vertex indices, see `interplay.world.writer.files.pack_contacts`
``scenes/000000.glb``       the scene in 3D, where asked for
``body.npz``                the numbering of the bodies' vertices, see `BodyNumbering`
==========================  ===========================================================================================
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from interplay.body.cameras import Camera
from interplay.body.contact import Contact
from interplay.containers.arrays import read_npz
from interplay.containers.guard import brief, reading
from interplay.containers.json_files import iterate_lines, parse_json, read_json
from interplay.errors import InputError

SETTINGS_FILE = "generated.json"
ANNOTATIONS = "annotations.jsonl"
IMAGES, MASKS, DEPTH, CONTACT, SCENES = "images", "masks", "depth", "contact", "scenes"
BODY = "body.npz"


def scene_name(index: int) -> str:
    """Stem of a scene's files."""
    return f"{index:06d}"


def read_records(annotations: Path) -> list[dict[str, Any]]:
    """The scenes' records: JSON objects with at least the picture's name and the scene's index and settings.

    Raises:
        MissingFileError: no such file.
        InputError: a line is not the record of a generated scene; names it.
    """
    return [record for _, record in iterate_records(annotations)]


def iterate_records(annotations: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each scene's line, without its end, and the record that it holds.

    Raises:
        MissingFileError, InputError: as for `read_records`.
    """
    for number, line in iterate_lines(annotations):
        record = parse_json(line, f"{annotations}: line {number}")
        scene = record.get("scene") if isinstance(record, dict) else None
        if not isinstance(scene, dict) or type(scene.get("index")) is not int or not _is_file_name(record.get("file")):
            raise InputError(f"{annotations}: line {number}: not the record of a generated scene, got {brief(record)}")
        yield line, record


def read_settings(described: Path) -> dict[str, Any]:
    """What a generated data set was made with, from its ``generated.json``.

    Raises:
        InputError: not readable.
    """
    content = read_json(described, "the description of a generated data set")
    if not isinstance(content, dict):
        raise InputError(f"{described}: expected a JSON object, got {brief(content)}; remove the folder to start over")
    return content


def _is_file_name(name: Any) -> bool:
    """A name below the data set's own folder, never one that leads out of it."""
    return isinstance(name, str) and not Path(name).is_absolute() and ".." not in Path(name).parts


def changed_pictures(folder: Path) -> list[str]:
    """Names of the pictures of a finished data set that are missing or not what was written.

    Raises:
        InputError: a line of the annotations is not the record of a generated scene.
    """
    changed = []
    annotations = folder / ANNOTATIONS
    for record in read_records(annotations):
        name, expected = record["file"], record.get("sha256")
        path = folder / name
        if not path.is_file() or hashlib.sha256(path.read_bytes()).hexdigest() != expected:
            changed.append(name)
    return changed


@dataclass(frozen=True)
class BodyNumbering:
    """What the indices of body vertices mean; all people have the same V vertices, dressed or not.

    Attributes:
        vertices: (V, 3) of an average adult at rest, metres, z up, facing -y, left at +x.
        faces: (F, 3) triangles.
        part: (V,) index into `part_names`.
        part_names: names of the body parts.
        anny: (V,) the nearest vertex of plain Anny's mesh (13,718 vertices).
    """

    vertices: NDArray[np.float32]
    faces: NDArray[np.int64]
    part: NDArray[np.int64]
    part_names: tuple[str, ...]
    anny: NDArray[np.int64]


def read_body(path: Path) -> BodyNumbering:
    """The numbering that a generated data set was written with.

    Raises:
        MissingFileError: no such file.
        InputError: not such a file.
    """
    with reading(path, "the body of a generated data set"):
        stored = read_npz(path)
        numbers = (stored[name].astype(np.int64) for name in ("faces", "part", "anny"))
        faces, part, plain = numbers
        names = tuple(str(name) for name in stored["part_names"])
        return BodyNumbering(stored["vertices"].astype(np.float32), faces, part, names, plain)


def camera_of(record: dict[str, Any]) -> Camera:
    """The camera that a record describes."""
    c = record["camera"]
    return Camera(np.array(c["position"]), np.array(c["rotation"]), c["focal"], record["width"], record["height"])


def unpack_contacts(path: Path, described: Sequence[Mapping[str, Any]]) -> list[Contact]:
    """The contacts in a file that `interplay.world` wrote.

    Args:
        path: the file.
        described: the scene's contacts in words, from its record.

    Raises:
        InputError: not such a file, or one of another scene.
    """
    with reading(path, "a contact file of a generated scene"):
        stored = read_npz(path)
        pairs, nearest = stored["pairs"], stored["nearest"]
        body = np.split(stored["body"].astype(np.int64), stored["body_offsets"][1:-1])
        touched = np.split(stored["object"].astype(np.int64), stored["object_offsets"][1:-1])
    if len(described) != len(pairs):
        raise InputError(f"{path}: holds {len(pairs)} contacts, {ANNOTATIONS} says {len(described)}; make it anew")
    return [
        Contact(int(human), None if object < 0 else int(object), mine, theirs, tuple(words["parts"]), float(distance))
        for (human, object), mine, theirs, words, distance in zip(
            pairs, body, touched, described, nearest, strict=False
        )
    ]
