"""How near the joint fit of a person and an object comes to the truth, beside the published fit.

    python experiments/reconstruct.py --scenes 100 --seed 2203 --size 256 --published 15 --results results.jsonl
    python experiments/reconstruct.py --scenes 100 --seed 2203 --size 256 --published 0 --contact model
    python experiments/reconstruct.py --capsules 20 --published-scene optim_scene_1.npz --photograph sheep/

Generated scenes give exact bodies, objects, contacts, masks and cameras: the first person who touches the object of
an interaction, if at least 400 pixels of the object are seen (of a picture of 512). The object is handed over turned at
random. They are those that ``interplay synthesize`` makes of the same seed. A ``.npz`` is a scene of the published
fit's own reference values; capsules are more of its kind, made in the same way: an ellipsoid of other sizes, turned and
placed at random beside the same capsule, in a picture of 36 x 48 pixels. A folder is a photograph of Open3DHOI: the
meshes before and after it was aligned by hand, whose contacts are where they are within 3 cm.

With ``--contact model`` the body's contact on generated scenes is what the default model of `interplay contact`
predicts from true boxes and keypoints, the object's is where the world's people hold or use it, as in
`interplay reconstruct`.

With ``--boxes`` only the box around each mask is handed over, as where no outline is found; with ``--boxes filled`` as
if all of it were the object. The overlap is with the exact mask all the same.

Columns: the vertices' median distance to the truth, the same where a turn after which the object looks the same does
not count, the mean distance to the truth's surface points, the overlap with the mask at the photograph's
size, litres that are inside both, and seconds of processor time. With ``--results`` an interrupted run goes on where
it was.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.console import Console
from rich.table import Table
from scipy.spatial import cKDTree

from interplay.body.geometry import Array, transform
from interplay.body.raycast import RayScene
from interplay.cli import run_script
from interplay.containers.meshes import read_mesh
from interplay.defaults import DEFAULT_CONTACT_MODEL
from interplay.images import read_image
from interplay.metrics.reconstruction import penetration_volume
from interplay.metrics.symmetry import symmetric_error
from interplay.models.contact import ContactPair
from interplay.pipeline.contact import load_contact
from interplay.reconstruct import Intrinsics, Upright, fit_object, published
from interplay.reconstruct.objects import Candidate, guessed_body_contact, guessed_object_contact
from interplay.reconstruct.scene import checked, filled_box
from interplay.world.labels.contact import find_contacts
from interplay.world.labels.keypoints import keypoints_in_view
from interplay.world.sampler import sample_scene
from interplay.world.scene import Scene as WorldScene

LEAST_PIXELS = 400
NEAR, GOOD_IOU = 0.05, 0.8
TOUCHING = 0.03
MOST_FACES = 200_000
CAPSULE_AT, CAPSULE_BOX = np.array([0.02, -0.03, 34.18]), (8.0, 4.0, 31.5, 42.0)


@dataclass(frozen=True)
class Case:
    """A scene and its truth, in the camera's frame; `truth` are the object's vertices (W, 3) where they belong."""

    name: str
    human: tuple[Array, Any, Array]
    object: tuple[Array, Any, Array]
    mask: Any
    camera: Intrinsics
    truth: Array
    upright: Upright | None = None


@dataclass(frozen=True)
class Outcome:
    """How a fit did: metres, overlap and seconds."""

    vertices: float
    surface: float
    iou: float
    seconds: float
    litres: float = float("nan")
    symmetric: float = float("nan")


def generated(seed: int, size: int, predict: bool, index: int) -> Case | None:
    """A scene of the generated world, if an object is touched and seen in it; with predicted contact on demand."""
    scene = sample_scene(seed, index, size)
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
        if mask.sum() < LEAST_PIXELS * (size / 512) ** 2:
            continue
        scores = _at(contact.body_vertices, len(body)), _at(contact.object_vertices, len(truth))
        if predict:
            guessed = predicted(scene, contact.human, contact.object, mask, body, (truth, model.faces))
            if guessed is None:
                continue
            scores = guessed
        return Case(
            scene.objects[contact.object].category,
            (body, body_faces, scores[0]),
            ((truth - truth.mean(0)) @ _turn(np.random.default_rng((seed, index))), model.faces, scores[1]),
            mask,
            intrinsics,
            truth,
        )
    return None


def predicted(
    scene: WorldScene, human: int, index: int, mask: Any, body: Array, truth: tuple[Array, Any]
) -> tuple[Array, Array] | None:
    """Contact of a body and an object as `interplay reconstruct` has it, from true boxes, keypoints and verbs.

    None if the object hides all of the person, whom no detector would find then.
    """
    model, camera = scene.objects[index].model, scene.camera
    intrinsics = Intrinsics.of(camera)
    outline = seen(truth, (body, scene.people[human].body.model.faces), intrinsics, mask.shape)
    if not outline.any():
        return None
    verbs = tuple(each.verb for each in scene.relations if (each.human, each.object) == (human, index))
    category, keypoints = scene.objects[index].category, keypoints_in_view(scene, human)
    pair = ContactPair(category, _box(outline), _box(mask), keypoints, verbs)
    [answer] = _finder().predict_pairs(np.zeros((*mask.shape, 3), np.uint8), [pair])
    scores = answer.scores.astype(np.float64)
    if not (scores >= 0.5).any():
        scores, _ = guessed_body_contact(body, mask, intrinsics, model)
    candidate = Candidate(model.category, model.mesh.vertices, model.mesh.faces, model)
    return scores, guessed_object_contact(candidate)[0]


@cache
def _finder() -> Any:
    return load_contact(DEFAULT_CONTACT_MODEL).finder


def _box(mask: Any) -> Array:
    rows, columns = np.nonzero(mask)
    return np.array([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1], np.float32)


def capsule(seed: int, index: int) -> Case | None:
    """A scene as those of the published fit's reference values, where enough of the object is seen."""
    import trimesh

    rng = np.random.default_rng((seed, index))
    body, ball = trimesh.creation.capsule(1.1, 0.25, (22, 22)), trimesh.creation.icosphere(1)
    human = np.asarray(body.vertices)[:, [0, 2, 1]] * [1, -1, 1] + CAPSULE_AT
    own = np.asarray(ball.vertices) * [0.22, 0.12, 0.14] * rng.uniform(0.8, 1.25, 3)
    angle, height = rng.uniform(0, 2 * np.pi), rng.uniform(-0.6, 0.6)
    placed, away = own @ _turn(rng) + [0, height, 0], np.array([np.cos(angle), 0, np.sin(angle)])
    while True:  # until the two are 5 mm apart
        axis = placed * [0, 1, 0]
        if np.linalg.norm(placed - axis.clip(-0.55, 0.55), axis=1).min() > 0.255:
            break
        placed = placed + 0.002 * away
    truth = placed + CAPSULE_AT
    camera = Intrinsics.of_osx(CAPSULE_BOX)
    mask = seen((human, np.asarray(body.faces)), (truth, np.asarray(ball.faces)), camera, (48, 36))
    if mask.sum() < 15:
        return None
    distance = np.linalg.norm(truth[:, None] - human, axis=2)
    scores = [np.exp(-((each / reach) ** 2)) for each, reach in ((distance.min(0), 0.18), (distance.min(1), 0.22))]
    touched, touching = (
        np.where(each < least * each.max(), 0, each / each.max())
        for each, least in zip(scores, (0.05, 0.08), strict=True)
    )
    nearest = np.argsort(distance.min(0))[:8]
    touched[nearest] = touched[nearest].clip(min=0.6)
    return Case(
        "ellipsoid",
        (human, np.asarray(body.faces), touched),
        (own, np.asarray(ball.faces), touching),
        mask,
        camera,
        truth,
    )


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


def seen(other: tuple[Array, Any], object: tuple[Array, Any], camera: Intrinsics, size: tuple[int, int]) -> Any:
    """(height, width) where the object is seen, before or beside the other mesh."""
    height, width = size
    rows, columns = np.mgrid[:height, :width] + 0.5
    (fx, fy), (cx, cy) = camera.focal, camera.principal
    rays = np.stack([(columns - cx) / fx, (rows - cy) / fy, np.ones(size)], -1).reshape(-1, 3)
    return (RayScene([other, object]).cast(np.zeros(3), rays).mesh == 1).reshape(size)


def outcome(case: Case, placed: Array, seconds: float) -> Outcome:
    """Compare the object's vertices where they were placed with the truth."""
    shown = seen(case.human[:2], (placed, case.object[1]), case.camera, case.mask.shape)
    surface = [cKDTree(a).query(b)[0].mean() for a, b in ((placed, case.truth), (case.truth, placed))]
    return Outcome(
        float(np.median(np.linalg.norm(placed - case.truth, axis=1))),
        float(np.mean(surface)),
        float((shown & case.mask).sum() / max((shown | case.mask).sum(), 1)),
        seconds,
        1000 * penetration_volume(*case.human[:2], placed, case.object[1], 0.02),
        symmetric_error(placed, case.truth, case.object[1]),
    )


def closest_point_start(case: Case) -> Array:
    """The published fit's start as a matrix (4, 4)."""
    given = checked(*case.human, *case.object, case.mask, case.camera)
    scene = published.scene_of(given)
    normals = published.vertex_normals(scene.human, torch.from_numpy(given.human_faces))
    found = published.start(scene, normals).transform
    turn = found.R.double().numpy().T @ np.diag([1.0, -1.0, -1.0])
    return transform(turn, found.t.double().numpy() + scene.offset.double().numpy() - turn @ case.object[0].mean(0))


def _fitted(case: Case, fit: str, from_closest: bool, boxes: str | None) -> Outcome:
    begin = time.process_time()
    start = closest_point_start(case) if from_closest and fit == "interplay" else None
    published_behaviour = fit == "published"
    found = fit_object(
        *case.human,
        *case.object,
        filled_box(case.mask) if boxes else case.mask,
        case.camera,
        start=start,
        outline=boxes != "sides",
        upright=case.upright,
        published_behaviour=published_behaviour,
    )
    return outcome(case, found.place(case.object[0]), time.process_time() - begin)


def _turn(rng: np.random.Generator) -> Array:
    turn, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    return turn * np.sign(np.linalg.det(turn))


def _at(index: Any, count: int) -> Array:
    scores = np.zeros(count)
    scores[index] = 1
    return scores


def _row(outcomes: list[Outcome]) -> list[str]:
    def median(name: str) -> float:
        return float(np.median([getattr(each, name) for each in outcomes]))

    cells = [f"{100 * median(name):.1f}" for name in ("vertices", "symmetric", "surface")] + [f"{median('iou'):.2f}"]
    if len(outcomes) > 1:
        wanted: tuple[Callable[[Outcome], bool], ...] = (
            lambda each: each.vertices < NEAR,
            lambda each: each.iou > GOOD_IOU,
            lambda each: each.vertices < NEAR and each.iou > GOOD_IOU,
            lambda each: each.symmetric < NEAR and each.iou > GOOD_IOU,
        )
        cells += [f"{100 * np.mean([right(each) for each in outcomes]):.0f}" for right in wanted]
    else:
        cells += [""] * 4
    cells.append(f"{np.nanmean([each.litres for each in outcomes]):.2f}")
    return [*cells, f"{median('seconds'):.1f}", f"{max(each.seconds for each in outcomes):.1f}"]


class Results:
    """What was found, kept in a JSON Lines file if there is one."""

    def __init__(self, path: Path | None) -> None:
        self.path = path
        lines = path.read_text(encoding="utf-8").splitlines() if path and path.exists() else []
        self.rows = {(row["set"], row["index"], row["fit"]): row for row in map(json.loads, lines)}

    def add(self, name: str, index: int, fit: str, case: str | None, found: Outcome | None) -> None:
        """Keep one; without a case there is nothing to fit in the scene."""
        row = {"set": name, "index": index, "fit": fit, "case": case, **(asdict(found) if found else {})}
        self.rows[name, index, fit] = row
        if self.path:
            with self.path.open("a", encoding="utf-8") as stream:
                stream.write(json.dumps(row) + "\n")


def measure(
    name: str,
    make: Callable[[int], Case | None],
    counts: dict[str, int],
    results: Results,
    from_closest: bool = False,
    boxes: str | None = None,
    say: Callable[..., None] | None = None,
) -> dict[str, list[Outcome]]:
    """The outcomes of each fit, of as many scenes as `counts` says."""
    found: dict[str, list[Outcome]] = {fit: [] for fit in counts}
    index = 0
    while any(len(found[fit]) < count for fit, count in counts.items()):
        wanted = [fit for fit, count in counts.items() if len(found[fit]) < count]
        missing = [fit for fit in wanted if (name, index, fit) not in results.rows]
        case = make(index) if missing else None
        for fit in missing:
            done = None
            if case is not None:
                done = outcome(case, case.truth, 0.0) if fit == "truth" else _fitted(case, fit, from_closest, boxes)
            results.add(name, index, fit, case.name if case else None, done)
        for fit in wanted:
            row = results.rows[name, index, fit]
            if row["case"] is not None:
                found[fit].append(Outcome(**{key: row[key] for key in Outcome.__annotations__ if key in row}))
                if say and fit in missing:
                    say(name, index, row["case"], fit, *_row(found[fit][-1:]))
        index += 1
    return found


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scenes", type=int, default=0, help="generated scenes (0)")
    parser.add_argument("--seed", type=int, default=0, help="of the generated scenes and capsules (0)")
    parser.add_argument("--size", type=int, default=512, help="longer side of generated pictures in pixels (512)")
    parser.add_argument("--capsules", type=int, default=0, help="scenes of the published fit's kind (0)")
    parser.add_argument("--published-scene", type=Path, action="append", default=[], metavar="NPZ")
    parser.add_argument("--photograph", type=Path, action="append", default=[], metavar="DIR")
    parser.add_argument("--published", type=int, metavar="N", help="run the slow published fit on so many (all)")
    parser.add_argument(
        "--closest-point-start", action="store_true", help="give our fit the published fit's start beside its own"
    )
    parser.add_argument("--results", type=Path, metavar="JSONL", help="keep each result there, and go on from there")
    parser.add_argument("--contact", choices=["true", "model"], default="true", help="of generated scenes (true)")
    parser.add_argument(
        "--boxes", nargs="?", const="sides", choices=["sides", "filled"], help="hand over boxes instead of masks"
    )
    parser.add_argument("--each", action="store_true", help="print a line for each scene too")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    console = Console(width=160)
    table = Table(
        *("scenes", "fit", "vertices cm", "any turn", "surface cm", "IoU", "< 5 cm %", "IoU > .8 %", "both %"),
        *("both, any turn %", "litres", "s", "most s"),
    )
    sets: list[tuple[str, int, Callable[[int], Case | None]]] = []
    if arguments.scenes:
        predict = arguments.contact == "model"
        name = f"generated, seed {arguments.seed}, {arguments.size} px" + (", predicted contact" if predict else "")
        sets.append((name, arguments.scenes, partial(generated, arguments.seed, arguments.size, predict)))
    if arguments.capsules:
        sets.append((f"capsules, seed {arguments.seed}", arguments.capsules, partial(capsule, arguments.seed)))
    for paths, read in ((arguments.published_scene, published_scene), (arguments.photograph, photograph)):
        sets += [(path.stem, 1, lambda index, path=path, read=read: read(path)) for path in paths]  # type: ignore[misc]
    results = Results(arguments.results)
    for name, count, make in sets:
        most = count if arguments.published is None else min(arguments.published, count)
        counts = {"truth": count, "published": most, "interplay": count}
        say = console.print if arguments.each else None
        name += f", boxes ({arguments.boxes})" if arguments.boxes else ""
        found = measure(name, make, counts, results, arguments.closest_point_start, arguments.boxes, say)
        for fit, outcomes in found.items():
            if outcomes:
                table.add_row(f"{len(outcomes)} of {name}" if count > 1 else name, fit, *_row(outcomes))
    console.print(table)


if __name__ == "__main__":
    run_script(main)
