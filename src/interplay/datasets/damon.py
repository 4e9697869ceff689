"""DAMON: contact of people with named objects in photographs, as vertices of SMPL (Tripathi et al., ICCV 2023)."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from interplay.containers.arrays import read_npy
from interplay.containers.pickles import load_plain_npz, load_plain_pickle
from interplay.datasets.contact_labels import BodyContact, part_names, read_mapping, vertices_of
from interplay.datasets.finding import Finding, try_reading
from interplay.errors import InputError, MissingFileError

CATEGORIES: dict[str, tuple[str, ...]] = {
    category: tuple(names.split(", "))
    for category, names in {
        "transport": "motorcycle, bicycle, boat, car, truck, bus, train, airplane",
        "accessory": "backpack, tie, handbag, baseball_glove",
        "furniture": "bench, chair, couch, bed, toilet, dining_table",
        "everyday-objects": (
            "book, umbrella, cell_phone, laptop, kite, suitcase, bottle, remote, toothbrush, teddy_bear, scissors, "
            "keyboard, hair drier, traffic light, fire_hydrant, stop sign, tv, vase, parking meter, clock, "
            "potted plant, mouse"
        ),
        "sports": ("frisbee, sports_ball, tennis_racket, baseball_bat, skateboard, snowboard, skis, surfboard"),
        "food": "banana, cake, apple, carrot, pizza, donut, hot_dog, sandwich, broccoli, orange",
        "kitchen": "knife, spoon, cup, wine_glass, oven, fork, bowl, refrigerator, toaster, sink, microwave",
    }.items()
}
"""Objects by category, as the published evaluation spells them: five names have a blank where DAMON has an underline,
so that the evaluation never finds them. ``supporting``, what people stand or lie on, belongs to none."""

SUPPORT = "supporting"
"""What objects' names contain that people stand, sit or lie on."""
SCENE = "scene"
"""What contact of feet with the ground is called."""
_FEET = ("left foot", "right foot")
_LEAST_COVERAGE = 0.1
_ARRAYS = ("imgname", "contact_label_objectwise")


def read_damon(
    folder: str | os.PathLike[str],
    parts: Mapping[str, NDArray[np.integer]] | None = None,
    foot_ground: bool = False,
) -> list[BodyContact]:
    """The contact of a split, one entry per image and object.

    Args:
        folder: holds ``imgname.npy``, ``contact_label_objectwise.npy`` or ``.pkl`` and, where body parts are wanted,
            ``body_parts_objectwise.pkl`` or ``.json``. Or an ``.npz`` file of a split with the arrays ``imgname`` and
            ``contact_label_objectwise``, as DECO's authors give DAMON out.
        parts: vertices of named body parts; gives the body parts of each contact where there is no file of them.
        foot_ground: name the contact of feet with what carries people ``scene``, and leave out all other contact with
            it. Needs ``parts`` with "left foot" and "right foot".

    Raises:
        MissingFileError: a file is not there.
        InputError: a file does not fit, or ``parts`` has no feet.
    """
    if foot_ground and not all(foot in (parts or {}) for foot in _FEET):
        raise InputError(f"foot_ground needs the vertices of {' and '.join(_FEET)} in parts")
    file, images, labels = _labels(Path(folder))
    stored_file = file.with_name("body_parts_objectwise.pkl")
    if file.with_name("body_parts_objectwise.json").is_file():
        stored_file = stored_file.with_suffix(".json")
    stored = read_mapping(stored_file) if stored_file.is_file() else {}
    found = []
    for index, (image, objects) in enumerate(zip(images, labels, strict=True)):
        if not isinstance(objects, Mapping):
            raise InputError(f"{file}: {index}: expected a dict, object -> vertices")
        for name, value in objects.items():
            where = f"{file}: {index}: {name}"
            vertices = vertices_of(value, where)
            thing = str(name)
            if foot_ground and SUPPORT in thing:
                assert parts is not None  # checked above
                feet = [v for foot in _FEET if len(v := np.intersect1d(vertices, parts[foot])) >= _least(parts[foot])]
                if not feet:
                    continue
                thing, vertices = SCENE, np.unique(np.concatenate(feet))
            key = f"{Path(image).stem}_{name}"
            if key in stored and thing != SCENE:
                named = part_names(stored[key], f"{stored_file}: {key}")
            else:
                named = parts_of(vertices, parts) if parts else ()
            found.append(BodyContact(image, thing, vertices, parts=named))
    return found


def parts_of(vertices: NDArray[np.integer], parts: Mapping[str, NDArray[np.integer]]) -> tuple[str, ...]:
    """Names of the body parts of which at least a tenth of the vertices are in contact, in the order of `parts`."""
    return tuple(
        name for name, members in parts.items() if len(members) and np.isin(members, vertices).sum() >= _least(members)
    )


def check(folder: str | os.PathLike[str]) -> list[Finding]:
    """What there is of DAMON in a folder, and whether it can be read; nothing where there is nothing."""
    root = Path(folder)
    findings = []
    for path in sorted(root.rglob("contact_label_objectwise.*")):
        if path.suffix in (".npy", ".pkl") and not (path.suffix == ".pkl" and path.with_suffix(".npy").is_file()):

            def describe(folder: Path = path.parent) -> str:
                found = read_damon(folder)
                images = len({each.image for each in found})
                return (
                    f"{images:,} images, {len(found):,} contacts with {len({each.object for each in found}):,} objects"
                )

            findings.append(try_reading("damon", path, root, describe))
    return findings


def _least(members: NDArray[np.integer]) -> float:
    return _LEAST_COVERAGE * len(members)


def _labels(source: Path) -> tuple[Path, list[str], list[Any]]:
    """The file of the labels, the images' names, and per image a dict of objects."""
    if source.is_file():
        stored = load_plain_npz(source, _ARRAYS)
        missing = [name for name in _ARRAYS if name not in stored]
        if missing:
            raise InputError(f"{source}: expected the arrays {' and '.join(_ARRAYS)}, {' and '.join(missing)} missing")
        file, names, labels = source, stored["imgname"], stored["contact_label_objectwise"]
        names = names.tolist() if isinstance(names, np.ndarray) else names
    else:
        places = [source / f"contact_label_objectwise.{end}" for end in ("npy", "pkl")]
        there = next((place for place in places if place.is_file()), None)
        if there is None:
            raise MissingFileError(f"{source} holds no contact_label_objectwise.npy or .pkl")
        file, names = there, _names(source / "imgname.npy")
        labels = load_plain_pickle(file)
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise InputError(f"{file}: imgname: expected the names of images")
    if not isinstance(labels, list) or len(labels) != len(names):
        raise InputError(f"{file}: expected a list of {len(names):,} dicts, one per image of imgname.npy")
    return file, names, labels


def _names(path: Path) -> Any:
    """The names in an ``.npy`` file of texts, which numpy stores as such or as objects."""
    try:
        return read_npy(path).tolist()
    except InputError:
        return load_plain_pickle(path)
