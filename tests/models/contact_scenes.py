"""A folder in the form of generated scenes, made up: a body of 146 vertices holds a cup with the hand beside it."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from interplay.body.contact import Contact
from interplay.body.model import PARTS
from interplay.world.writer.files import pack_contacts

RINGS, AROUND = 12, 12
SIDE = 64


def body() -> dict[str, Any]:
    """A tube with two ends, 1.7 m high, 0.4 m wide; its left half is the left hand, as it were."""
    heights = np.linspace(0.05, 1.65, RINGS)
    angles = np.arange(AROUND) * 2 * np.pi / AROUND
    ring = np.stack([np.cos(angles), np.sin(angles)], 1) * 0.2
    vertices = [np.c_[ring, np.full(AROUND, z)] for z in heights]
    points = np.concatenate([*vertices, [[0, 0, 0]], [[0, 0, 1.7]]]).astype(np.float32)
    faces = []
    for row in range(RINGS - 1):
        for k in range(AROUND):
            a, b = row * AROUND + k, row * AROUND + (k + 1) % AROUND
            faces += [[a, b, b + AROUND], [a, b + AROUND, a + AROUND]]
    last = (RINGS - 1) * AROUND
    for k in range(AROUND):
        following = (k + 1) % AROUND
        faces += [[following, k, RINGS * AROUND], [last + k, last + following, RINGS * AROUND + 1]]
    left, right = PARTS.index("left hand"), PARTS.index("right hand")
    part = np.where(points[:, 0] > 0, left, right).astype(np.int32)
    return {
        "vertices": points,
        "faces": np.array(faces, np.int32),
        "part": part,
        "part_names": np.array(PARTS),
        "anny": np.arange(len(points), dtype=np.int32),
    }


def write_scenes(folder: Path, count: int = 8) -> Path:
    """Scenes in which a person, always in the middle, holds a cup on the left or right, high or low; the last one lies
    farther off and is not touched."""
    for name in ("images", "contact"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    shape = body()
    np.savez(folder / "body.npz", **shape)
    lines = []
    for number in range(count):
        left, high = number % 2 == 0, number // 2 % 2 == 0
        touches = number != count - 1
        x = 40.0 if left else 20.0  # the person faces us
        y = 20.0 if high else 40.0
        if not touches:
            x = 60.0
        boxes = [[24.0, 8.0, 40.0, 60.0], [x - 3, y - 3, x + 3, y + 3]]
        keypoints = np.zeros((17, 3))
        keypoints[:] = [32, 30, 2]
        keypoints[9 if left else 10] = [x, y, 2]
        pixels = np.full((SIDE, SIDE, 3), 90, np.uint8)
        pixels[8:60, 24:40] = [200, 120, 60]
        pixels[int(y) - 3 : int(y) + 3, int(x) - 3 : int(x) + 3] = [20, 220, 220]
        file = f"images/{number:06d}.png"
        Image.fromarray(pixels).save(folder / file)
        p = shape["vertices"]
        mine = np.flatnonzero(((p[:, 0] > 0.01) == left) & ((p[:, 2] > 0.85) == high) & (np.abs(p[:, 0]) > 0.01))
        theirs = np.flatnonzero((p[:, 2] > 0.85) == high)
        found = [Contact(0, 1, mine, theirs, ("left hand" if left else "right hand",), 0.0)]
        found = found if touches else []
        (folder / "contact" / f"{number:06d}.npz").write_bytes(pack_contacts(found))
        verbs = [{"human": 0, "verb": "hold", "object": 1}] if touches else []
        lines.append(
            {
                "file": file, "width": SIDE, "height": SIDE, "boxes": boxes, "labels": ["person", "cup"],
                "interactions": verbs, "unlabelled": [], "keypoints": [keypoints.tolist(), None],
                "contact": [{"human": 0, "object": 1, "parts": list(each.parts)} for each in found],
                "scene": {"index": number, "setting": "park", "people": 1, "instances": [0, 1]},
                "sha256": hashlib.sha256((folder / file).read_bytes()).hexdigest(),
            }
        )  # fmt: skip
    (folder / "annotations.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return folder


def write_in_3d(folder: Path, name: str = "thing 0 cup") -> None:
    """The scenes' objects: the body's shape, a tenth as large."""
    import trimesh

    (folder / "scenes").mkdir(exist_ok=True)
    shape = body()
    upright = np.array([[1.0, 0, 0, 0], [0, 0, 1, 0], [0, -1, 0, 0], [0, 0, 0, 1]])
    for line in (folder / "annotations.jsonl").read_text().splitlines():
        scene = trimesh.Scene()
        mesh = trimesh.Trimesh(shape["vertices"] / 10, shape["faces"], process=False)
        scene.add_geometry(mesh, node_name=name, geom_name=name, transform=upright)
        target = folder / "scenes" / f"{json.loads(line)['scene']['index']:06d}.glb"
        target.write_bytes(bytes(scene.export(file_type="glb")))
