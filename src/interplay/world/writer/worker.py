"""What a worker process does: make one scene, render, label and write it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from interplay.datasets.generated.files import CONTACT, DEPTH, IMAGES, MASKS, SCENES, scene_name
from interplay.world.objects import ObjectModel

from .files import depth_to_millimetres, pack_contacts, png_bytes, record_of, to_line, write_bytes

PARTS = ".parts"
"""Folder of the records of finished scenes while a run lasts; each is written after the scene's other files."""

_library: Mapping[str, ObjectModel] = {}


def start(meshes: dict[str, str]) -> None:
    """Prepare a worker process: the body model and the user's meshes."""
    from interplay.body.model import load_body_model
    from interplay.world.objects.user_meshes import load_user_meshes

    global _library
    load_body_model()
    _library = load_user_meshes(meshes) if meshes else {}


def make_scene(
    folder: str, index: int, seed: int, size: int, acts: tuple[str, ...] | None, extras: dict[str, Any]
) -> int:
    """Write all files of a scene; returns its index."""
    import numpy as np

    from interplay.vocabulary import Vocabulary
    from interplay.world.labels import label
    from interplay.world.rendering.image import encode_jpeg, render
    from interplay.world.sampler import sample_scene

    out, name = Path(folder), scene_name(index)
    scene = sample_scene(seed, index, size, library=_library or None, acts=acts)
    rendering = render(scene, np.random.default_rng([seed, index, 1]))
    labels = label(scene, rendering, Vocabulary.load("generated"))
    image = encode_jpeg(rendering.image)
    write_bytes(out / IMAGES / f"{name}.jpg", image)
    if extras.get("labels", "all") == "all":
        write_bytes(out / MASKS / f"{name}.png", png_bytes(labels.mask))
        write_bytes(out / DEPTH / f"{name}.png", png_bytes(depth_to_millimetres(labels.depth)))
        write_bytes(out / CONTACT / f"{name}.npz", pack_contacts(labels.contacts))
    if extras.get("glb"):
        from .glb import glb_bytes

        write_bytes(out / SCENES / f"{name}.glb", glb_bytes(scene))
    line = to_line(record_of(index, scene, labels, image))
    json.loads(line)  # never leave a line behind that cannot be read
    write_bytes(out / PARTS / f"{name}.json", line.encode())
    return index
