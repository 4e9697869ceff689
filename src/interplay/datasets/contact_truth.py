"""Annotated contact of any data set in one form, as scores need it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np

from interplay.body.geodesics import SurfaceDistances
from interplay.datasets.contact_labels import BodyContact
from interplay.datasets.damon import SCENE, SUPPORT, read_damon
from interplay.datasets.generated.contacts import labelled_contacts
from interplay.datasets.generated.files import (
    ANNOTATIONS,
    BODY,
    CONTACT,
    read_body,
    read_records,
    scene_name,
    unpack_contacts,
)
from interplay.datasets.lemon import read_lemon
from interplay.datasets.rich import read_rich
from interplay.errors import InputError, MissingFileError
from interplay.formats.contact_results import read_contact_results

Side = Literal["human", "object"]
"""Whose vertices: the body's, or those of the mesh of what it touches."""


@dataclass(frozen=True)
class ContactTruth:
    """Annotated contact.

    Attributes:
        dataset: its name.
        side: whose vertices.
        contacts: one for each person and object that touch, or that the data set asks about.
        images: names of all annotated images, also of those without contact.
        surface: distances over the body, where the data set brings its body.
    """

    dataset: str
    side: Side
    contacts: list[BodyContact]
    images: list[str]
    surface: SurfaceDistances | None = None

    def without_ground(self) -> ContactTruth:
        """The same without contact with what people stand, sit or lie on, where that is no object with a name."""
        kept = [each for each in self.contacts if each.object != SCENE and SUPPORT not in each.object]
        return replace(self, contacts=kept)


def read_contact_truth(source: str | os.PathLike[str], split: str = "test", side: Side = "human") -> ContactTruth:
    """The annotations in a folder or file.

    Args:
        source: a generated data set; DAMON (a folder, or DECO's ``.npz`` of a split); LEMON; RICH; or an ``.npz`` of
            one's own in the form of predictions (`interplay.formats.contact_results`), with 0 and 1 as scores. A folder
            may have a folder for each split.
        split: which split.
        side: whose vertices; only generated data sets and one's own have those of objects.

    Raises:
        MissingFileError: nothing of the kind is there.
        InputError: a file does not fit, or the data set has no contact of objects.
    """
    given = Path(source)
    root = given / split if (given / split).is_dir() else given
    if not root.exists():
        raise MissingFileError(f"no file {source}")
    if (root / ANNOTATIONS).is_file():
        return _generated(root, side)
    if root.suffix == ".npz" and not _is_decos(root):
        return _own(root, side)
    if side == "object":
        raise InputError(f"{source}: only generated data sets and files of your own have the contact of objects")
    if root.is_file() or any((root / f"contact_label_objectwise.{end}").is_file() for end in ("npy", "pkl")):
        return _truth("damon", read_damon(root))
    if (root / "txt_scripts").is_dir():
        return _truth("lemon", read_lemon(root, "val" if split == "test" else split))
    if (root / f"img_list_{split}.pkl").is_file():
        return _truth("rich", read_rich(root, split))
    raise InputError(
        f"{source}: expected annotated contact: {ANNOTATIONS} (generated), contact_label_objectwise.npy or .pkl "
        f"(DAMON), txt_scripts (LEMON), img_list_{split}.pkl (RICH), or an .npz file"
    )


def _generated(folder: Path, side: Side) -> ContactTruth:
    records = read_records(folder / ANNOTATIONS)
    body = read_body(folder / BODY) if side == "human" else None
    contacts = []
    for record in records:
        found = unpack_contacts(folder / CONTACT / f"{scene_name(record['scene']['index'])}.npz", record["contact"])
        if body is None:
            touched = [each for each in found if each.object is not None]
            bodies = labelled_contacts(record, touched, 0)
            contacts += [
                replace(label, vertices=each.object_vertices, parts=())
                for label, each in zip(bodies, touched, strict=True)
            ]
        else:
            contacts += labelled_contacts(record, found, len(body.vertices))
    surface = None if body is None else SurfaceDistances(body.vertices, body.faces)
    return ContactTruth("generated", side, contacts, [record["file"] for record in records], surface)


def _own(file: Path, side: Side) -> ContactTruth:
    contacts = [
        BodyContact(
            row.image,
            row.object,
            np.nonzero(row.scores > 0)[0],
            len(row.scores),
            human_box=row.human_box,
            object_box=row.object_box,
        )
        for row in read_contact_results(file)
    ]
    return replace(_truth("own", contacts), side=side)


def _truth(dataset: str, contacts: Sequence[BodyContact]) -> ContactTruth:
    return ContactTruth(dataset, "human", list(contacts), list(dict.fromkeys(each.image for each in contacts)))


def _is_decos(file: Path) -> bool:
    import zipfile

    try:
        with zipfile.ZipFile(file) as archive:
            return "imgname.npy" in archive.namelist()
    except (OSError, zipfile.BadZipFile):
        return False
