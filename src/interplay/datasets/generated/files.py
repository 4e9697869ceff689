"""The files of a generated data set: their names, and how they are read.

==========================  ===========================================================================================
``images/000000.jpg``       the picture
``masks/000000.png``        8 bit: number of the box that a pixel shows, counted from 1; 0 for everything else
``depth/000000.png``        16 bit: millimetres along the view axis; 0 for the sky and what is beyond 65.5 m
``contact/000000.npz``      int32 vertex indices, see `interplay.world.writer.files.pack_contacts`
``scenes/000000.glb``       the scene in 3D, where asked for
==========================  ===========================================================================================
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from interplay.body.camera import Camera
from interplay.body.contact import Contact
from interplay.errors import InputError

SETTINGS_FILE = "generated.json"
ANNOTATIONS = "annotations.jsonl"
IMAGES, MASKS, DEPTH, CONTACT, SCENES = "images", "masks", "depth", "contact", "scenes"


def scene_name(index: int) -> str:
    """Stem of a scene's files."""
    return f"{index:06d}"


def changed_pictures(folder: Path) -> list[str]:
    """Names of the pictures of a finished data set that are missing or not what was written.

    Raises:
        InputError: a line of the annotations is not the record of a generated scene.
    """
    changed = []
    annotations = folder / ANNOTATIONS
    for number, line in enumerate(annotations.read_text(encoding="utf-8").splitlines(), 1):
        try:
            record = json.loads(line)
            name, expected = record["file"], record["sha256"]
        except (json.JSONDecodeError, KeyError, TypeError) as error:
            raise InputError(f"{annotations}, line {number}: not the record of a generated scene ({error})") from None
        path = folder / name
        if not path.is_file() or hashlib.sha256(path.read_bytes()).hexdigest() != expected:
            changed.append(name)
    return changed


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
    try:
        with np.load(path, allow_pickle=False) as stored:
            pairs, nearest = stored["pairs"], stored["nearest"]
            body = np.split(stored["body"].astype(np.int64), stored["body_offsets"][1:-1])
            touched = np.split(stored["object"].astype(np.int64), stored["object_offsets"][1:-1])
    except (OSError, ValueError, KeyError, EOFError) as error:
        raise InputError(f"{path}: not a contact file of a generated scene: {error}") from None
    if len(described) != len(pairs):
        raise InputError(f"{path}: holds {len(pairs)} contacts, {ANNOTATIONS} says {len(described)}; make it anew")
    return [
        Contact(int(human), None if object < 0 else int(object), mine, theirs, tuple(words["parts"]), float(distance))
        for (human, object), mine, theirs, words, distance in zip(
            pairs, body, touched, described, nearest, strict=False
        )
    ]
