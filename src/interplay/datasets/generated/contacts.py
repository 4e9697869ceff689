"""Contact in generated scenes, without their pictures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from interplay.body.contact import Contact
from interplay.containers.meshes import Part, read_parts
from interplay.datasets.contact_labels import BodyContact
from interplay.datasets.damon import SCENE
from interplay.errors import InputError, MissingFileError

from .files import (
    ANNOTATIONS,
    BODY,
    CONTACT,
    SCENES,
    BodyNumbering,
    read_body,
    read_records,
    scene_name,
    unpack_contacts,
)

_MOST_FACES = 200_000


def read_contacts(root: Path, files: Sequence[str]) -> list[list[Contact]]:
    """What touches what in scenes, in the order of `files`.

    Args:
        root: the folder that the names are relative to: of one data set, or of a benchmark with one for each split.
        files: names of pictures, as ``images/000012.jpg`` or ``test/images/000012.jpg``.

    Returns:
        For each picture its contacts; `human` and `object` are numbers of boxes, and `object` is None for the ground.

    Raises:
        MissingFileError: a scene's contact is not there.
        InputError: a picture is of no generated scene, or its contact cannot be read.
    """
    found = []
    for folder, record in _records(root, files):
        path = folder / CONTACT / f"{scene_name(record['scene']['index'])}.npz"
        if not path.is_file():
            raise MissingFileError(f"no {path}; the data set may have been written with --labels image")
        found.append(unpack_contacts(path, record["contact"]))
    return found


@dataclass(frozen=True)
class TouchedObject:
    """An object that a person touches, with its surface.

    Attributes:
        contact: what touches what; `human` and `object` are numbers of boxes.
        mesh: the object by itself, as it stands or lies ready for use: metres, y up, its front towards +z. In scenes
            written before objects' nodes placed them it stands as in the scene.
    """

    contact: Contact
    mesh: Part


def read_touched_objects(root: Path, files: Sequence[str]) -> list[list[TouchedObject]]:
    """The objects that are touched in scenes, in the order of `files`; see `read_contacts`.

    Raises:
        MissingFileError: a scene was written without contact, or not in 3D.
        InputError: a picture is of no generated scene, or a file of it cannot be read or does not fit.
        MissingExtraError: trimesh is not installed.
    """
    contacts = read_contacts(root, files)
    records = list(_records(root, files))
    paths = [folder / SCENES / f"{scene_name(record['scene']['index'])}.glb" for folder, record in records]
    for path in paths:
        if not path.is_file():
            raise MissingFileError(f"no {path}; objects' surfaces are written by 'interplay synthesize --glb'")
    found = []
    for (_, record), path, mine, parts in zip(records, paths, contacts, read_parts(paths, _MOST_FACES), strict=True):
        scene = record["scene"]
        touched = []
        for contact in mine:
            if contact.object is None:
                continue
            thing = scene["instances"][contact.object] - scene["people"]
            mesh = parts.get(f"thing {thing} {record['labels'][contact.object]}")
            if mesh is None or contact.object_vertices.max(initial=-1) >= len(mesh.vertices):
                raise InputError(f"{path}: is not the scene that {record['file']} shows; make the data set anew")
            x, y, z = mesh.vertices.T  # z is up there, and the front is towards -y
            touched.append(TouchedObject(contact, Part(np.stack([x, z, -y], 1), mesh.faces)))
        found.append(touched)
    return found


def _records(root: Path, files: Sequence[str]) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Of each picture the data set's folder, and its record."""
    known: dict[Path, dict[str, dict[str, Any]]] = {}
    for file in files:
        folder = root / Path(file).parent.parent
        if folder not in known:
            known[folder] = {record["file"]: record for record in read_records(folder / ANNOTATIONS)}
        record = known[folder].get((Path(Path(file).parent.name) / Path(file).name).as_posix())
        if record is None:
            raise InputError(f"{root / file}: {folder / ANNOTATIONS} knows no such picture of a generated scene")
        yield folder, record


def body_of(root: Path, files: Sequence[str]) -> BodyNumbering:
    """What the indices of `read_contacts` mean.

    Raises:
        MissingFileError: the data set was written without contact.
    """
    path = root / Path(files[0] if files else "images/x").parent.parent / BODY
    if not path.is_file():
        raise MissingFileError(f"no {path}; give a folder that 'interplay synthesize' wrote, with all its labels")
    return read_body(path)


def labelled_contacts(record: Mapping[str, Any], contacts: Sequence[Contact], num_vertices: int) -> list[BodyContact]:
    """The contacts of a scene as other data sets label theirs, with boxes; the ground is ``scene``.

    Args:
        record: of the scene.
        contacts: of the scene.
        num_vertices: of the body.
    """
    boxes = np.array(record["boxes"], np.float64).reshape(-1, 4)
    return [
        BodyContact(
            record["file"],
            SCENE if each.object is None else str(record["labels"][each.object]),
            each.body_vertices,
            num_vertices,
            each.parts,
            boxes[each.human],
            None if each.object is None else boxes[each.object],
        )
        for each in contacts
    ]


def mirrored(vertices: NDArray[np.floating]) -> NDArray[np.int64]:
    """(N,) for each vertex of a body at rest (left at +x) the nearest one to its mirror image, on the other side."""
    from scipy.spatial import cKDTree

    middle = (vertices[:, 0].min() + vertices[:, 0].max()) / 2
    opposite = vertices * [-1, 1, 1] + [2 * middle, 0, 0]
    return np.asarray(cKDTree(vertices).query(opposite)[1], np.int64)
