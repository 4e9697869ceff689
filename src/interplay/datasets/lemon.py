"""LEMON: contact of people and affordance of objects in photographs (Yang et al., CVPR 2024).

Lists of images (``txt_scripts/{train,val}.txt``: ``Images/OBJECT/AFFORDANCE/FILE``), contact of each person
(``smplh_contact_pkl``, vertices of SMPL-H), and files of 2048 points per object.
"""

from __future__ import annotations

import os
from pathlib import Path, PurePosixPath

from interplay.containers.pickles import load_plain_pickles
from interplay.datasets.affordance import PointAffordance, PointForm
from interplay.datasets.contact_labels import BodyContact, part_names, read_mapping, read_paths, vertices_of
from interplay.datasets.finding import Finding, try_reading
from interplay.errors import InputError, MissingFileError

AFFORDANCES = (
    *("grasp", "lift", "open", "lay", "sit", "support", "wrapgrasp", "pour", "move"),
    *("pull", "listen", "press", "cut", "stab", "ride", "play", "carry"),
)
"""In the order of the columns, which is not PIAD's."""

POINTS = PointForm("lemon", AFFORDANCES, named=False)
"""The files of objects' points."""


def read_lemon_points(path: str | os.PathLike[str]) -> PointAffordance:
    """An object's points with their affordances.

    Raises:
        MissingFileError: no such file.
        InputError: not such a file; PIAD's have other columns.
    """
    return POINTS.read(path)


def affordance_of(image: str) -> str:
    """The affordance of an image, the second word of its name.

    Raises:
        InputError: none of LEMON's.

    Example:
        >>> affordance_of("Images/Backpack/carry/Backpack_carry_1090.jpg")
        'carry'
    """
    words = PurePosixPath(image).name.split("_")
    if len(words) < 2 or words[1] not in AFFORDANCES:
        raise InputError(
            f"{image}: expected a name such as Backpack_carry_1090.jpg with one of {', '.join(AFFORDANCES)}"
        )
    return words[1]


def object_of(image: str) -> str:
    """The object of an image, which its name begins with.

    Example:
        >>> object_of("Images/Backpack/carry/Backpack_carry_1090.jpg")
        'Backpack'
    """
    return PurePosixPath(image).name.split("_")[0]


def read_lemon(folder: str | os.PathLike[str], split: str = "train") -> list[BodyContact]:
    """The contact of the people of a split.

    Args:
        folder: holds ``txt_scripts`` and ``smplh_contact_pkl``, whose files are found by the image's name; body parts
            are read from ``body_parts_SPLIT.pkl`` where it is there.
        split: ``train`` or ``val``.

    Raises:
        MissingFileError: the list, or the contact of an image on it, is not there.
        InputError: a file does not fit.
    """
    root = Path(folder)
    images = read_paths(root / "txt_scripts" / f"{split}.txt")
    contacts = {file.stem: file for file in sorted((root / "smplh_contact_pkl").rglob("*.pkl"))}
    parts_file = root / f"body_parts_{split}.pkl"
    parts = read_mapping(parts_file) if parts_file.is_file() else {}
    stems = [PurePosixPath(image).stem for image in images]
    for image, stem in zip(images, stems, strict=True):
        if stem not in contacts:
            raise MissingFileError(f"{root / 'smplh_contact_pkl'} holds no {stem}.pkl, the contact of {image}")
    files = [contacts[stem] for stem in stems]
    return [
        BodyContact(
            image,
            object_of(image),
            vertices_of(content, str(file)),
            parts=part_names(parts[stem], f"{parts_file}: {stem}") if stem in parts else (),
        )
        for image, stem, file, content in zip(images, stems, files, load_plain_pickles(files), strict=True)
    ]


def check(folder: str | os.PathLike[str]) -> list[Finding]:
    """What there is of LEMON in a folder, and whether it can be read; nothing where there is nothing."""
    root = Path(folder)
    findings = []
    for path in sorted(root.rglob("txt_scripts/*.txt")):
        findings.append(try_reading("lemon", path, root, lambda p=path: f"{len(read_paths(p)):,} images"))  # type: ignore[misc]
    return findings + POINTS.check(root)
