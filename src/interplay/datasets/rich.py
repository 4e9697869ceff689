"""RICH: contact of people with the scene around them, as vertices of SMPL (Huang et al., CVPR 2022).

Here in the form that InteractVLM trains on: ``img_list_SPLIT.pkl``, ``contact_vertices_SPLIT.pkl`` and, where body
parts are wanted, ``body_parts_SPLIT.pkl``, which follow one order or have the images' names as keys.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from interplay.containers.pickles import load_plain_pickle
from interplay.datasets.contact_labels import BodyContact, part_names, vertices_of
from interplay.datasets.damon import SCENE
from interplay.datasets.finding import Finding, try_reading
from interplay.errors import InputError


def read_rich(folder: str | os.PathLike[str], split: str) -> list[BodyContact]:
    """The contact of a split's people with the scene.

    Raises:
        MissingFileError: the list of images or the contact is not there.
        InputError: a file does not fit.
    """
    root = Path(folder)
    images_file, contact_file = root / f"img_list_{split}.pkl", root / f"contact_vertices_{split}.pkl"
    images = load_plain_pickle(images_file)
    if not isinstance(images, Sequence) or not images or not all(isinstance(image, str) for image in images):
        raise InputError(f"{images_file}: expected the names of images")
    contacts = _by_image(load_plain_pickle(contact_file), images, contact_file)
    parts_file = root / f"body_parts_{split}.pkl"
    parts = _by_image(load_plain_pickle(parts_file), images, parts_file) if parts_file.is_file() else [()] * len(images)
    return [
        BodyContact(
            image,
            SCENE,
            vertices_of(contact, f"{contact_file}: {image}"),
            parts=part_names(named, f"{parts_file}: {image}"),
        )
        for image, contact, named in zip(images, contacts, parts, strict=True)
    ]


def check(folder: str | os.PathLike[str]) -> list[Finding]:
    """What there is of RICH in a folder, and whether it can be read; nothing where there is nothing."""
    root = Path(folder)
    findings = []
    for path in sorted(root.rglob("img_list_*.pkl")):

        def describe(path: Path = path) -> str:
            return f"{len(read_rich(path.parent, path.stem.removeprefix('img_list_'))):,} images"

        findings.append(try_reading("rich", path, root, describe))
    return findings


def _by_image(content: Any, images: Sequence[str], file: Path) -> list[Any]:
    """One entry per image, of a list in their order or of a dict with their names."""
    if isinstance(content, Mapping):
        missing = [image for image in images if image not in content and Path(image).stem not in content]
        if missing:
            raise InputError(f"{file}: {len(missing):,} of {len(images):,} images are missing, such as {missing[0]}")
        return [content[image] if image in content else content[Path(image).stem] for image in images]
    if not hasattr(content, "__len__") or len(content) != len(images):
        raise InputError(f"{file}: expected one entry for each of {len(images):,} images")
    return list(content)
