"""The files of one generated scene as bytes, and its record in ``annotations.jsonl``."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from interplay.body.contact import Contact
from interplay.datasets.generated.files import IMAGES, scene_name
from interplay.files import atomic_path
from interplay.world.labels import SceneLabels
from interplay.world.scene import Scene


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file whole or not at all."""
    with atomic_path(path) as temporary:
        temporary.write_bytes(content)


def record_of(index: int, scene: Scene, labels: SceneLabels, image: bytes) -> dict[str, Any]:
    """A scene's line in ``annotations.jsonl``: interplay's JSON Lines form with more fields.

    ``keypoints`` have COCO's visibility (0, 1, 2) as third number; ``unlabelled`` are the boxes of people who also do
    something with an object that cannot be seen. More: ``amodal`` boxes, ``visible`` shares, per
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
    assert found.unlabelled is not None
    camera = labels.camera
    return {
        "file": f"{IMAGES}/{scene_name(index)}.jpg",
        "width": camera.width,
        "height": camera.height,
        "boxes": [[int(v) for v in box] for box in found.boxes],
        "labels": [words.objects[i] for i in found.labels],
        "interactions": triplets,
        "unlabelled": np.flatnonzero(found.unlabelled).tolist(),
        "keypoints": [
            None if np.isnan(pose).any() else [[_round(x, 2), _round(y, 2), int(v)] for x, y, v in pose]
            for pose in found.keypoints
        ],
        "amodal": [[_round(v, 1) for v in box] for box in labels.amodal],
        "visible": [_round(v, 3) for v in labels.visible],
        "contact": [
            {"human": c.human, "object": c.object, "parts": list(c.parts), "vertices": len(c.body_vertices)}
            for c in labels.contacts
        ],
        "camera": {
            "focal": _round(camera.focal, 4),
            "position": [_round(v, 6) for v in camera.position],
            "rotation": [[_round(v, 8) for v in row] for row in camera.rotation],
        },
        "scene": {
            "index": index,
            "setting": scene.place,
            "people": people,
            "things": [t.category for t in scene.objects],
            "relations": [[r.human, r.verb, r.object] for r in scene.relations],
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

    ``pairs`` (K, 2) are box numbers of person and object, -1 for the ground; ``nearest`` (K,) metres; ``body`` and
    ``object`` hold all pairs' indices one after the other, pair k's from ``body_offsets[k]`` to ``body_offsets[k+1]``.
    Written without time stamps: the same contacts give the same bytes.
    """
    arrays: dict[str, NDArray[Any]] = {
        "pairs": np.array([(c.human, -1 if c.object is None else c.object) for c in contacts], np.int32).reshape(-1, 2),
        "nearest": np.array([c.nearest for c in contacts], np.float32),
    }
    touching = {"body": [c.body_vertices for c in contacts], "object": [c.object_vertices for c in contacts]}
    for name, parts in touching.items():
        arrays[name] = np.concatenate([np.zeros(0, np.int64), *parts]).astype(np.int32)
        arrays[f"{name}_offsets"] = np.cumsum([0, *(len(p) for p in parts)]).astype(np.int32)
    return _npz_bytes(arrays)


def pack_body() -> bytes:
    """An ``.npz`` file that tells what the indices of body vertices mean; see `BodyNumbering`."""
    from interplay.body.model import PARTS, load_body_model, plain_anny_vertices

    model = load_body_model()
    return _npz_bytes(
        {
            "vertices": model.template.vertices.astype(np.float32),
            "faces": model.faces.astype(np.int32),
            "part": model.part.astype(np.int32),
            "part_names": np.array(PARTS),
            "anny": plain_anny_vertices().astype(np.int32),
        }
    )


def _npz_bytes(arrays: Mapping[str, NDArray[Any]]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, array in arrays.items():
            content = io.BytesIO()
            np.save(content, array, allow_pickle=False)
            archive.writestr(zipfile.ZipInfo(f"{name}.npy", (1980, 1, 1, 0, 0, 0)), content.getvalue())
    return stream.getvalue()
