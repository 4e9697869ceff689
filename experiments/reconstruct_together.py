"""How near people and objects come to each other when several are fitted together, beside each pair alone.

    python experiments/reconstruct_together.py --shared 12 --several 12 --results together.jsonl

Scenes of the generated world in which two people touch one object, or one person touches several: those that
``interplay synthesize`` makes of the same seed. Contacts, masks and cameras are exact; each body is the true one,
larger or smaller by a random factor (a standard deviation of 6 per cent) and as much farther or nearer, since that is
what keypoints do not tell. Objects keep their size, and are handed over turned at random.

"Object to person" is the median distance of an object's vertices to where they belong beside a person who touches it:
the mean over such pairs, and the median over scenes. "People" is by how many centimetres of depth two people who share
an object are wrong to each other. A body's size alone, with everything else scaled along, is not counted: a photograph
does not tell it.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table
from scipy.spatial.transform import Rotation

from interplay.body.contact import Contact
from interplay.body.geometry import Array
from interplay.cli import run_script
from interplay.reconstruct import Intrinsics, SceneBody, SceneObject, ScenePair, fit_object, fit_scene
from interplay.reconstruct.together import BODY_SPREAD
from interplay.world.labels.contact import find_contacts
from interplay.world.sampler import sample_scene
from interplay.world.scene import Scene
from reconstruct import LEAST_PIXELS, seen

KINDS = ("shared", "several")


def contacts_of(scene: Scene, kind: str, size: int) -> list[tuple[Contact, Any]]:
    """Contacts of a scene with the masks of their objects, if there is a shared object, or several of one person."""
    people, camera = len(scene.people), Intrinsics.of(scene.camera)
    placed = [(v - scene.camera.position) @ scene.camera.rotation.T for v in scene.posed]
    faces = [*(p.body.model.faces for p in scene.people), *(o.model.mesh.faces for o in scene.objects)]
    found = []
    for contact in find_contacts(scene):
        if contact.object is None or not len(contact.object_vertices):
            continue
        own = people + contact.object
        others = [k for k in range(len(placed)) if k != own]
        offsets = np.cumsum([0, *(len(placed[k]) for k in others)])
        rest = (
            np.concatenate([placed[k] for k in others]),
            np.concatenate([faces[k] + offset for k, offset in zip(others, offsets, strict=False)]),
        )
        mask = seen(rest, (placed[own], faces[own]), camera, (scene.camera.height, scene.camera.width))
        if mask.sum() >= LEAST_PIXELS * (size / 512) ** 2:
            found.append((contact, mask))
    humans, objects = [c.human for c, _ in found], [c.object for c, _ in found]
    if kind == "shared":
        return [each for each in found if objects.count(each[0].object) > 1]
    return [each for each in found if humans.count(each[0].human) > 1 and objects.count(each[0].object) == 1]


def measured(seed: int, index: int, size: int, kind: str) -> list[dict[str, Any]]:
    """A row for each way of fitting a scene; none where it is not of this kind."""
    scene = sample_scene(seed, index, size)
    found = contacts_of(scene, kind, size)
    if not found:
        return []
    rng = np.random.default_rng((seed, index))
    camera, people = scene.camera, sorted({c.human for c, _ in found})
    things = sorted({c.object for c, _ in found if c.object is not None})
    posed = [(v - camera.position) @ camera.rotation.T for v in scene.posed]
    factors = np.exp(rng.normal(0, BODY_SPREAD, len(people)))
    bodies = [
        SceneBody(factor * posed[k], scene.people[k].body.model.faces)
        for factor, k in zip(factors, people, strict=True)
    ]
    truths = [posed[len(scene.people) + k] for k in things]
    masks = {contact.object: mask for contact, mask in found}
    objects = [
        SceneObject(
            (truth - truth.mean(0)) @ Rotation.random(random_state=rng).as_matrix(),
            scene.objects[k].model.mesh.faces,
            masks[k],
        )
        for k, truth in zip(things, truths, strict=True)
    ]
    pairs, begin = [], time.process_time()
    intrinsics = Intrinsics.of(camera)
    for contact, mask in found:
        assert contact.object is not None
        human, own = people.index(contact.human), things.index(contact.object)
        scores = _at(contact.body_vertices, len(bodies[human].vertices)), _at(contact.object_vertices, len(truths[own]))
        body, thing = bodies[human], objects[own]
        fit = fit_object(body.vertices, body.faces, scores[0], thing.vertices, thing.faces, scores[1], mask, intrinsics)
        pairs.append(ScenePair(human, own, *scores, fit))
    alone = time.process_time() - begin
    begin = time.process_time()
    together = fit_scene(bodies, objects, pairs, intrinsics)
    seconds = time.process_time() - begin
    first = {pair.object: pair.fit for pair in reversed(pairs) if pair.fit is not None}
    rows = []
    for name, fits, scales, took in (
        ("each pair alone", [first[k] for k in range(len(things))], np.ones(len(people)), alone),
        ("together", together.objects, np.array(together.body_scales), seconds),
    ):
        now = factors * scales
        apart = [
            float(
                np.median(
                    np.linalg.norm(
                        fits[p.object].place(objects[p.object].vertices) - now[p.body] * truths[p.object], axis=1
                    )
                )
            )
            for p in pairs
        ]
        depths = [
            abs(now[a] - now[b]) * float(truth[:, 2].mean())
            for k, truth in enumerate(truths)
            for a, b in [sorted({p.body for p in pairs if p.object == k})[:2]]
            if kind == "shared"
        ]
        rows.append(
            {
                "index": index,
                "kind": kind,
                "fit": name,
                "objects": [scene.objects[k].category for k in things],
                "apart": 100 * float(np.mean(apart)),
                "people": 100 * float(np.mean(depths)) if depths else None,
                "iou": float(np.mean([fit.iou for fit in fits])),
                "seconds": took,
            }
        )
    return rows


def _at(index: Any, count: int) -> Array:
    scores = np.zeros(count)
    scores[index] = 1
    return scores


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=2203)
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--shared", type=int, default=12, help="scenes with a shared object (%(default)s)")
    parser.add_argument("--several", type=int, default=12, help="scenes with several objects a person (%(default)s)")
    parser.add_argument("--results", type=Path, help="keeps each result; an interrupted run goes on")
    arguments = parser.parse_args()
    done: list[dict[str, Any]] = []
    if arguments.results is not None and arguments.results.exists():
        done = [json.loads(line) for line in arguments.results.read_text(encoding="utf-8").splitlines()]
    for kind in KINDS:
        wanted = getattr(arguments, kind)
        have = [row for row in done if row["kind"] == kind]
        index = max((row["index"] for row in have), default=-1) + 1
        count = len({row["index"] for row in have})
        for _ in track(range(count, wanted), kind, console=Console(stderr=True)):
            while not (rows := measured(arguments.seed, index, arguments.size, kind)):
                index += 1
            index += 1
            done += rows
            if arguments.results is not None:
                with arguments.results.open("a", encoding="utf-8") as file:
                    file.writelines(json.dumps(row) + "\n" for row in rows)
    table = Table("scenes", "fit", "object to person cm", "< 10 cm", "people cm", "IoU", "s")
    groups = defaultdict(list)
    for row in done:
        groups[row["kind"], row["fit"]].append(row)
    for (kind, name), rows in groups.items():
        people = [row["people"] for row in rows if row["people"] is not None]
        table.add_row(
            f"{len(rows)} {kind}",
            name,
            f"{np.median([row['apart'] for row in rows]):.1f}",
            str(sum(row["apart"] < 10 for row in rows)),
            f"{np.median(people):.1f}" if people else "",
            f"{np.median([row['iou'] for row in rows]):.2f}",
            f"{np.median([row['seconds'] for row in rows]):.1f}",
        )
    Console(width=120).print(table)


if __name__ == "__main__":
    run_script(main)
