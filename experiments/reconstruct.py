"""How near the joint fit of a person and an object comes to the truth, beside the published fit.

    python experiments/reconstruct.py --scenes 100
    python experiments/reconstruct.py --scenes 0 --published-scene optim_scene_1.npz --photograph sheep/

Generated scenes give exact bodies, objects, contacts, masks and cameras: the first person who touches the object of
an interaction, if at least 400 pixels of the object are seen. The object is handed over turned at random. A
``.npz`` is a scene of the published fit's own reference values. A folder is a photograph of Open3DHOI: the meshes
before and after it was aligned by hand, whose contacts are where they are within 3 cm.

Columns: the vertices' median distance to the truth, the mean distance to the truth's surface points (an object turned
around its own axis of symmetry is right there, and wrong in the first), the overlap with the mask at the photograph's
size, and seconds of processor time.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.console import Console
from rich.table import Table
from scipy.spatial import cKDTree

from interplay.body.geometry import Array
from interplay.body.raycast import RayScene
from interplay.cli import run_script
from interplay.containers.meshes import read_mesh
from interplay.images import read_image
from interplay.reconstruct import Intrinsics, fit_object
from interplay.world.labels.contact import find_contacts
from interplay.world.sampler import sample_scene

LEAST_PIXELS = 400
NEAR, GOOD_IOU = 0.05, 0.8
TOUCHING = 0.03
MOST_FACES = 200_000


@dataclass(frozen=True)
class Case:
    """A scene and its truth, in the camera's frame; `truth` are the object's vertices (W, 3) where they belong."""

    name: str
    human: tuple[Array, Any, Array]
    object: tuple[Array, Any, Array]
    mask: Any
    camera: Intrinsics
    truth: Array


@dataclass(frozen=True)
class Outcome:
    """How a fit did: metres, overlap and seconds."""

    vertices: float
    surface: float
    iou: float
    seconds: float


def generated(count: int, seed: int) -> Iterator[Case]:
    """Scenes of the generated world."""
    index = found = 0
    while found < count:
        case = _generated(seed, index)
        index += 1
        if case is not None:
            found += 1
            yield case


def _generated(seed: int, index: int) -> Case | None:
    scene = sample_scene(seed, index, 512)
    related = {(each.human, each.object) for each in scene.relations}
    people = len(scene.people)
    for contact in find_contacts(scene):
        if contact.object is None or not len(contact.object_vertices):
            continue
        if (contact.human, contact.object) not in related:
            continue
        camera = scene.camera
        model = scene.objects[contact.object].model.mesh
        body_faces = scene.people[contact.human].body.model.faces
        body, truth = (
            (scene.posed[k] - camera.position) @ camera.rotation.T for k in (contact.human, people + contact.object)
        )
        intrinsics = Intrinsics.of(camera)
        mask = seen((body, body_faces), (truth, model.faces), intrinsics, (camera.height, camera.width))
        if mask.sum() < LEAST_PIXELS:
            continue
        turn, _ = np.linalg.qr(np.random.default_rng((seed, index)).normal(size=(3, 3)))
        turn *= np.sign(np.linalg.det(turn))
        return Case(
            f"{index} {scene.objects[contact.object].category}",
            (body, body_faces, _at(contact.body_vertices, len(body))),
            ((truth - truth.mean(0)) @ turn, model.faces, _at(contact.object_vertices, len(truth))),
            mask,
            intrinsics,
            truth,
        )
    return None


def published_scene(path: Path) -> Case:
    """A scene of the published fit's reference values."""
    with np.load(path) as file:
        a = dict(file)
    own = a["object_vertices_file"].astype(np.float64)
    offset = a["human_vertices_camera"].mean(0)
    return Case(
        path.stem,
        (a["human_vertices_camera"], a["human_faces"], a["human_contact_prob"]),
        (own, a["object_faces"], a["object_contact_prob"]),
        a["object_mask"] > 0,
        Intrinsics.of_osx(a["bbox_xywh"].tolist()),
        (own - own.mean(0)) * [1, -1, -1] @ a["gt_R_rowvector"] + a["gt_T_relative_to_human_centroid"] + offset,
    )


def photograph(folder: Path) -> Case:
    """A folder of Open3DHOI: SMPL-X's mesh and OSX's camera, the object's meshes, the masks."""
    body, own, aligned = (
        read_mesh(folder / f"{name}.obj", MOST_FACES) for name in ("h_mesh", "obj_annot1", "obj_pcd_h_align")
    )
    parameters = json.loads((folder / "smplx_parameters.json").read_text(encoding="utf-8"))
    away = np.array(parameters["cam_trans"], np.float64)
    human, truth = body.vertices + away, aligned.vertices + away
    near = [
        cKDTree(other).query(points, distance_upper_bound=TOUCHING)[0] <= TOUCHING
        for points, other in ((human, truth), (truth, human))
    ]
    return Case(
        folder.name,
        (human, body.faces, near[0].astype(np.float64)),
        (own.vertices, own.faces, near[1].astype(np.float64)),
        read_image(folder / "object_mask.png").max(axis=2) > 127,
        Intrinsics(tuple(parameters["focal"]), tuple(parameters["princpt"])),
        truth,
    )


def seen(human: tuple[Array, Any], object: tuple[Array, Any], camera: Intrinsics, size: tuple[int, int]) -> Any:
    """(height, width) where the object is seen, before or beside the person."""
    height, width = size
    rows, columns = np.mgrid[:height, :width] + 0.5
    (fx, fy), (cx, cy) = camera.focal, camera.principal
    rays = np.stack([(columns - cx) / fx, (rows - cy) / fy, np.ones(size)], -1).reshape(-1, 3)
    return (RayScene([human, object]).cast(np.zeros(3), rays).mesh == 1).reshape(size)


def outcome(case: Case, placed: Array, seconds: float) -> Outcome:
    """Compare the object's vertices where they were placed with the truth."""
    shown = seen(case.human[:2], (placed, case.object[1]), case.camera, case.mask.shape)
    surface = [cKDTree(a).query(b)[0].mean() for a, b in ((placed, case.truth), (case.truth, placed))]
    return Outcome(
        float(np.median(np.linalg.norm(placed - case.truth, axis=1))),
        float(np.mean(surface)),
        float((shown & case.mask).sum() / max((shown | case.mask).sum(), 1)),
        seconds,
    )


def _fitted(case: Case, published: bool) -> Outcome:
    begin = time.process_time()
    fit = fit_object(*case.human, *case.object, case.mask, case.camera, published_behaviour=published)
    return outcome(case, fit.place(case.object[0]), time.process_time() - begin)


def _at(index: Any, count: int) -> Array:
    scores = np.zeros(count)
    scores[index] = 1
    return scores


def _row(outcomes: list[Outcome]) -> list[str]:
    def median(name: str) -> float:
        return float(np.median([getattr(each, name) for each in outcomes]))

    cells = [f"{100 * median('vertices'):.1f}", f"{100 * median('surface'):.1f}", f"{median('iou'):.2f}"]
    if len(outcomes) > 1:
        near, covering, both = (
            np.mean([wanted(each) for each in outcomes])
            for wanted in (
                lambda each: each.vertices < NEAR,
                lambda each: each.iou > GOOD_IOU,
                lambda each: each.vertices < NEAR and each.iou > GOOD_IOU,
            )
        )
        cells += [f"{100 * share:.0f}" for share in (near, covering, both)]
    else:
        cells += [""] * 3
    return [*cells, f"{median('seconds'):.1f}", f"{max(each.seconds for each in outcomes):.1f}"]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scenes", type=int, default=100, help="generated scenes (100)")
    parser.add_argument("--seed", type=int, default=0, help="of the generated scenes (0)")
    parser.add_argument("--published-scene", type=Path, action="append", default=[], metavar="NPZ")
    parser.add_argument("--photograph", type=Path, action="append", default=[], metavar="DIR")
    parser.add_argument("--without-published", action="store_true", help="leave out the published fit, which is slow")
    parser.add_argument("--each", action="store_true", help="print a line for each scene too")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    console = Console(width=140)
    table = Table(
        "scenes", "fit", "vertices cm", "surface cm", "IoU", "< 5 cm %", "IoU > .8 %", "both %", "s", "most s"
    )
    sets: list[tuple[str, Iterator[Case]]] = []
    if arguments.scenes:
        sets.append((f"{arguments.scenes} generated", generated(arguments.scenes, arguments.seed)))
    sets += [(path.stem, iter([published_scene(path)])) for path in arguments.published_scene]
    sets += [(path.name, iter([photograph(path)])) for path in arguments.photograph]
    for name, cases in sets:
        fits = {"interplay": False} if arguments.without_published else {"published": True, "interplay": False}
        rows: dict[str, list[Outcome]] = {"truth": [], **{fit: [] for fit in fits}}
        for case in cases:
            rows["truth"].append(outcome(case, case.truth, 0.0))
            for fit, published in fits.items():
                rows[fit].append(_fitted(case, published))
                if arguments.each:
                    console.print(case.name, fit, *_row(rows[fit][-1:]))
        for fit, outcomes in rows.items():
            table.add_row(name, fit, *_row(outcomes))
    console.print(table)


if __name__ == "__main__":
    run_script(main)
