"""What a worker does for one scene, one image, or one file of points; its record is written last."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from interplay.body.contact import Contact
from interplay.body.lifting import contact_mask
from interplay.body.raycast import RayScene
from interplay.body.splatting import draw_points, point_table, position_colours
from interplay.body.views import draw_views, unit_object
from interplay.datasets import lemon, piad
from interplay.datasets.contact_labels import BodyContact
from interplay.datasets.damon import parts_of
from interplay.datasets.generated.contacts import labelled_contacts
from interplay.datasets.generated.files import (
    CONTACT,
    SETTINGS_FILE,
    camera_of,
    read_settings,
    scene_name,
    unpack_contacts,
)
from interplay.datasets.generated.settings import EDITION
from interplay.errors import InputError
from interplay.files import atomic_path, fitting_name

from .views import BODY_VIEWS, OBJECT_VIEWS, POINT_RADIUS, POINT_VIEWS, corners_of, read_tables, save_npz, save_png

PARTS = ".parts"
UNIT = "piece"


class SceneUnit(NamedTuple):
    """A generated scene: the data set's folder and the scene's record."""

    root: str
    record: dict[str, Any]


class ImageUnit(NamedTuple):
    """An image of another data set, with its contacts."""

    image: str
    contacts: tuple[BodyContact, ...]


class PointsUnit(NamedTuple):
    """A file of an object's points."""

    dataset: str
    path: str


Unit = SceneUnit | ImageUnit | PointsUnit


@dataclass(frozen=True)
class How:
    """What all pieces have in common.

    Attributes:
        folder: to write.
        kinds: what is made.
        size: pixels on a side of the views.
        min_vertices: of a triangle that must be in contact.
        num_vertices: of the body.
    """

    folder: str
    kinds: tuple[str, ...]
    size: int
    min_vertices: int
    num_vertices: int


@dataclass(frozen=True)
class _State:
    how: How
    folder: Path
    views: Path | None
    pix_to_face: NDArray[np.int64]
    faces: NDArray[np.int64]
    parts: Mapping[str, NDArray[np.int64]]


_state: list[_State] = []


def start(how: How, views: str | None, parts: Mapping[str, NDArray[np.int64]] | None) -> None:
    """Prepare a worker: the body's tables and parts."""
    nothing = np.zeros((0, 3), np.int64)
    tables = (nothing, nothing) if views is None else read_tables(Path(views))
    _state[:] = [_State(how, Path(how.folder), None if views is None else Path(views), *tables, parts or {})]


def make(name: str, unit: Unit) -> str:
    """Write all files of a piece of work, its record last; returns the record's name."""
    [state] = _state
    if isinstance(unit, SceneUnit):
        samples = list(_scene(state, unit))
    elif isinstance(unit, ImageUnit):
        stem = Path(unit.image).stem
        samples = [_body(state, contact, stem) for contact in unit.contacts]
    else:
        samples = [_points(state, unit)]
    with atomic_path(state.folder / PARTS / f"{name}.json") as temporary:
        temporary.write_text("".join(json.dumps(sample) + "\n" for sample in samples), encoding="utf-8")
    return name


def _body(state: _State, contact: BodyContact, stem: str) -> dict[str, Any]:
    """Masks of one contact in the body's views."""
    assert state.views is not None
    sample: dict[str, Any] = {
        "image": contact.image,
        "object": contact.object,
        "vertices": contact.vertices.tolist(),
        "parts": list(contact.parts or parts_of(contact.vertices, state.parts)),
        "masks": {},
    }
    if contact.human_box is not None:
        sample["human_box"] = contact.human_box.tolist()
    if contact.object_box is not None:
        sample["object_box"] = contact.object_box.tolist()
    if "masks" in state.how.kinds:
        place = state.views / file_name(contact.object)
        masks = contact_mask(contact.mask, state.pix_to_face, state.faces, state.how.min_vertices)
        sample["masks"] = _save_views(state, place, file_name(stem), masks)
    return sample


def _save_views(state: _State, place: Path, stem: str, masks: NDArray[np.bool_]) -> dict[str, str]:
    saved = {}
    for view, mask in zip(BODY_VIEWS, masks, strict=True):
        path = place / f"{stem}_{view}.png"
        save_png(path, mask.astype(np.uint8) * 255)
        saved[view] = path.relative_to(state.folder).as_posix()
    return saved


def _scene(state: _State, unit: SceneUnit) -> Iterable[dict[str, Any]]:
    """A generated scene: masks of each contact, and what needs the scene's bodies and objects themselves."""
    root, record = Path(unit.root), unit.record
    index = record["scene"]["index"]
    contacts = unpack_contacts(root / CONTACT / f"{scene_name(index)}.npz", record["contact"])
    labelled = labelled_contacts(record, contacts, state.how.num_vertices)
    needs_scene = contacts and set(state.how.kinds) & {"contact2d", "objects"}
    scene = _drawn(root, record) if needs_scene else None
    seen: dict[str, str] = {}
    if scene is not None and "contact2d" in state.how.kinds:
        seen = _in_photograph(state, record, scene, contacts, labelled)
    for contact, label in zip(contacts, labelled, strict=True):
        stem = f"{scene_name(index)}-{contact.human}" + ("" if contact.object is None else f"-{contact.object}")
        sample = _body(state, label, stem)
        if label.object in seen:
            sample["contact2d"] = seen[label.object]
        if scene is not None and contact.object is not None and "objects" in state.how.kinds:
            sample |= _object(state, record, scene, contact, label.object, stem)
        yield sample


def _drawn(root: Path, record: dict[str, Any]) -> Any:
    """The scene again, with its bodies and objects."""
    from interplay.world.sampler import sample_scene

    settings = _settings_of(str(root))
    scene = sample_scene(settings["seed"], record["scene"]["index"], settings["size"], acts=settings["acts"])
    same = len(scene.people) == record["scene"]["people"]
    if not same or [each.category for each in scene.objects] != record["scene"]["things"]:
        raise InputError(f"{root}: scene {record['scene']['index']} is not what this version draws from its settings")
    return scene


@lru_cache(maxsize=1)
def _settings_of(root: str) -> dict[str, Any]:
    settings = read_settings(Path(root) / SETTINGS_FILE)
    if settings.get("edition", 1) != EDITION or settings.get("meshes"):
        raise InputError(
            f"{root}: drawn by another edition, or with meshes of the user's: its bodies and objects cannot be drawn "
            "again. Leave contact2d and objects out (--only masks)"
        )
    return settings


def _in_photograph(
    state: _State,
    record: dict[str, Any],
    scene: Any,
    contacts: Sequence[Contact],
    labelled: Sequence[BodyContact],
) -> dict[str, str]:
    """For each object's name, where people touch it in the photograph: a mask of the bodies, whatever hides them."""
    camera = camera_of(record)
    instances = record["scene"]["instances"]
    columns, rows = np.meshgrid(np.arange(camera.width) + 0.5, np.arange(camera.height) + 0.5)
    pixels = np.stack([columns.ravel(), rows.ravel()], 1)
    rays = camera.rays(pixels)
    masks: dict[str, NDArray[np.bool_]] = {}
    hits: dict[int, NDArray[np.int64]] = {}
    for contact, label in zip(contacts, labelled, strict=True):
        if contact.human not in hits:
            vertices = scene.people[instances[contact.human]].vertices()
            found = RayScene([(vertices, state.faces)]).cast(np.broadcast_to(camera.position, rays.shape), rays)
            hits[contact.human] = np.where(found.mesh >= 0, found.face, -1).reshape(1, camera.height, camera.width)
        mask = contact_mask(label.mask, hits[contact.human], state.faces, state.how.min_vertices)[0]
        masks[label.object] = masks.get(label.object, np.zeros_like(mask)) | mask
    saved = {}
    for name, mask in masks.items():
        path = state.folder / "contact_render_2d" / file_name(name) / f"{Path(record['file']).stem}_contact_mask.png"
        save_png(path, mask.astype(np.uint8) * 255)
        saved[name] = path.relative_to(state.folder).as_posix()
    return saved


def _object(
    state: _State, record: dict[str, Any], scene: Any, contact: Contact, name: str, stem: str
) -> dict[str, Any]:
    """Views, masks and tables of what is touched."""
    assert contact.object is not None
    mesh = scene.objects[record["scene"]["instances"][contact.object] - len(scene.people)].model.mesh
    upright = mesh.vertices[:, [0, 2, 1]] * [1, 1, -1]  # y up as views have it, its front towards +z
    drawn = draw_views(unit_object(upright), mesh.faces, OBJECT_VIEWS, state.how.size, "positions")
    touched = np.zeros(len(mesh.vertices), bool)
    touched[contact.object_vertices] = True
    masks = contact_mask(touched, drawn.pix_to_face, drawn.faces, state.how.min_vertices)
    corners = corners_of(drawn)
    place = state.folder / "ocontact" / file_name(name)
    saved: dict[str, dict[str, str]] = {"object_masks": {}, "object_views": {}, "object_tables": {}}
    for i, view in enumerate(OBJECT_VIEWS):
        files = {
            "object_masks": place / f"mask_{stem}_{view}.png",
            "object_views": place / f"sam_{stem}_{view}.png",
            "object_tables": place / f"p2vmap_{stem}_{view}.npz",
        }
        save_png(files["object_masks"], masks[i].astype(np.uint8) * 255)
        save_png(files["object_views"], drawn.images[i])
        table = {"pixel_to_vertices_map": corners[i], "bary_coords_map": drawn.bary[i]}
        save_npz(files["object_tables"], {**table, "num_vertices": np.array(len(mesh.vertices))})
        for kind, path in files.items():
            saved[kind][view] = path.relative_to(state.folder).as_posix()
    return {**saved, "object_vertices": contact.object_vertices.tolist(), "num_object_vertices": len(mesh.vertices)}


def _points(state: _State, unit: PointsUnit) -> dict[str, Any]:
    """Views of an object's points, heat maps of what it affords, and which point each pixel shows."""
    from interplay.body.cameras import look_at

    form = {"piad": piad.POINTS, "lemon": lemon.POINTS}[unit.dataset]
    cloud, stem = form.read(unit.path), file_name(Path(unit.path).stem)
    views = POINT_VIEWS[unit.dataset]
    R, T = (np.stack(each) for each in zip(*(look_at(*view) for view in views.values()), strict=True))
    points, radius = cloud.normalised, POINT_RADIUS[unit.dataset]
    table = point_table(points, R, T, state.how.size, radius)
    pictures = draw_points(points, position_colours(points), R, T, state.how.size, radius)
    place = state.folder / "oafford" / file_name(cloud.object or "points")
    heat: dict[str, dict[str, str]] = {name: {} for name in cloud.present}
    shown: dict[str, str] = {}
    tables: dict[str, str] = {}
    for i, view in enumerate(views):
        shown[view] = _relative(state, place / f"obj_render_color_{stem}_{view}.png")
        save_png(state.folder / shown[view], pictures[i])
        tables[view] = _relative(state, place / f"p2pmap_{stem}_{view}.npz")
        save_npz(state.folder / tables[view], {"mapping": table[i].astype(np.int32)})
        for affordance in cloud.present:
            values = np.append(cloud.of(affordance), 0)[table[i]]  # the last, which -1 names
            heat[affordance][view] = _relative(state, place / f"heatmap_{stem}_{affordance}_{view}.png")
            save_png(state.folder / heat[affordance][view], (values * 255).round().astype(np.uint8))
    source = Path(unit.path).name
    return {"points": source, "object": cloud.object, "views": shown, "tables": tables, "heat_maps": heat}


def _relative(state: _State, path: Path) -> str:
    return path.relative_to(state.folder).as_posix()


def file_name(text: str) -> str:
    """A name of an object or image as that of a folder or file, without what would lead elsewhere."""
    plain = "".join(letter if letter.isalnum() or letter in "-_ ." else "_" for letter in text.strip()).strip(". ")
    return fitting_name(plain or "object", "")
