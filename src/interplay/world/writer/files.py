"""The files of one generated scene, and its record in ``annotations.jsonl``.

==========================  ===========================================================================================
``images/000000.jpg``       the picture
``masks/000000.png``        8 bit: number of the box that a pixel shows, counted from 1; 0 for everything else
``depth/000000.png``        16 bit: millimetres along the view axis; 0 for the sky and what is beyond 65.5 m
``contact/000000.npz``      int32 vertex indices, see `pack_contacts`
``scenes/000000.glb``       the scene in 3D, where asked for
==========================  ===========================================================================================
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from interplay.body.camera import Camera
from interplay.errors import InputError
from interplay.files import atomic_path
from interplay.world.labels import Contact, SceneLabels
from interplay.world.scene import Scene

ANNOTATIONS = "annotations.jsonl"
IMAGES, MASKS, DEPTH, CONTACT, SCENES = "images", "masks", "depth", "contact", "scenes"


def scene_name(index: int) -> str:
    """Stem of a scene's files."""
    return f"{index:06d}"


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file whole or not at all."""
    with atomic_path(path) as temporary:
        temporary.write_bytes(content)


def record_of(index: int, scene: Scene, labels: SceneLabels, image: bytes) -> dict[str, Any]:
    """A scene's line in ``annotations.jsonl``: interplay's JSON Lines form with more fields.

    ``keypoints`` have COCO's visibility (0, 1, 2) as third number. More: ``amodal`` boxes, ``visible`` shares, per
    interaction ``affordance`` and ``sentence``, ``contact`` in words, ``camera``, ``scene`` (everything there is, seen
    or not, and by how many metres hands, feet and seats missed their goals) and the picture's ``sha256``.
    """
    found = labels.interactions
    words = found.vocabulary
    people = len(scene.people)
    triplets = [
        {
            "human": int(h),
            "verb": words.verbs[v],
            "object": None if o < 0 else int(o),
            "affordance": affordance or None,
            "sentence": sentence,
        }
        for h, v, o, affordance, sentence in zip(
            found.human, found.verb, found.object, labels.affordances, labels.sentences, strict=True
        )
    ]
    assert found.keypoints is not None
    camera = labels.camera
    return {
        "file": f"{IMAGES}/{scene_name(index)}.jpg",
        "width": camera.width,
        "height": camera.height,
        "boxes": [[int(v) for v in box] for box in found.boxes],
        "labels": [words.objects[i] for i in found.labels],
        "interactions": triplets,
        "keypoints": [
            None if np.isnan(pose).any() else [[_round(x, 2), _round(y, 2), int(v)] for x, y, v in pose]
            for pose in found.keypoints
        ],
        "amodal": [[_round(v, 1) for v in box] for box in labels.amodal],
        "visible": [_round(v, 3) for v in labels.visible],
        "contact": [
            {"human": c.person, "object": c.thing, "parts": list(c.parts), "vertices": len(c.body)}
            for c in labels.contacts
        ],
        "camera": {
            "focal": _round(camera.focal, 4),
            "position": [_round(v, 6) for v in camera.position],
            "rotation": [[_round(v, 8) for v in row] for row in camera.rotation],
        },
        "scene": {
            "index": index,
            "setting": scene.setting,
            "people": people,
            "things": [t.category for t in scene.things],
            "relations": [[r.human, r.verb, r.thing] for r in scene.relations],
            "instances": [int(i) for i in labels.instances],
            "residuals": {name: _round(metres, 4) for name, metres in sorted(scene.residuals.items())},
        },
        "sha256": hashlib.sha256(image).hexdigest(),
    }


def _round(value: float, digits: int) -> float:
    return round(float(value), digits) + 0.0  # no negative zero


def to_line(record: dict[str, Any]) -> str:
    """The record as one line without its end."""
    return json.dumps(record, separators=(",", ":"))


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


def png_bytes(array: NDArray[np.uint8] | NDArray[np.uint16]) -> bytes:
    """A picture of 8 or 16 bits."""
    from PIL import Image

    stream = io.BytesIO()
    Image.fromarray(array).save(stream, "PNG", compress_level=4)
    return stream.getvalue()


def depth_to_millimetres(depth: NDArray[np.float32]) -> NDArray[np.uint16]:
    """Metres as whole millimetres, 0 where they do not fit."""
    millimetres = np.round(np.where(np.isfinite(depth), depth, 0.0) * 1000.0)
    return np.where(millimetres > 65535, 0, millimetres).astype(np.uint16)


def pack_contacts(contacts: Sequence[Contact]) -> bytes:
    """An ``.npz`` file of vertex indices.

    ``pairs`` (K, 2) are box numbers of person and thing, -1 for the ground; ``nearest`` (K,) metres; ``body`` and
    ``object`` hold all pairs' indices one after the other, pair k's from ``body_offsets[k]`` to ``body_offsets[k+1]``.
    Written without time stamps: the same contacts give the same bytes.
    """
    import zipfile

    arrays = {
        "pairs": np.array([(c.person, -1 if c.thing is None else c.thing) for c in contacts], np.int32).reshape(-1, 2),
        "nearest": np.array([c.nearest for c in contacts], np.float32),
    }
    for name, parts in (("body", [c.body for c in contacts]), ("object", [c.object for c in contacts])):
        arrays[name] = np.concatenate([np.zeros(0, np.int64), *parts]).astype(np.int32)
        arrays[f"{name}_offsets"] = np.cumsum([0, *(len(p) for p in parts)]).astype(np.int32)
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, array in arrays.items():
            content = io.BytesIO()
            np.save(content, array, allow_pickle=False)
            archive.writestr(zipfile.ZipInfo(f"{name}.npy", (1980, 1, 1, 0, 0, 0)), content.getvalue())
    return stream.getvalue()


def unpack_contacts(path: Path, part_of_vertex: NDArray[np.int64]) -> list[Contact]:
    """The contacts in a file that `pack_contacts` made.

    Args:
        path: the file.
        part_of_vertex: (V,) the body model's parts, which name what touches.

    Raises:
        InputError: not such a file.
    """
    from interplay.world.labels.contact import part_names

    try:
        with np.load(path, allow_pickle=False) as stored:
            pairs, nearest = stored["pairs"], stored["nearest"]
            body = np.split(stored["body"].astype(np.int64), stored["body_offsets"][1:-1])
            thing = np.split(stored["object"].astype(np.int64), stored["object_offsets"][1:-1])
    except (OSError, ValueError, KeyError, EOFError) as error:
        raise InputError(f"{path}: not a contact file of a generated scene: {error}") from None
    return [
        Contact(int(p), None if t < 0 else int(t), b, o, part_names(part_of_vertex[b]), float(d))
        for (p, t), d, b, o in zip(pairs, nearest, body, thing, strict=False)
    ]
