"""All labels of a scene that do not need its picture but what each pixel shows."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from interplay.body.cameras import Camera
from interplay.body.geometry import Array
from interplay.interactions import Interactions
from interplay.vocabulary import Vocabulary
from interplay.world.rendering.image import Rendering
from interplay.world.scene import Scene

from .contact import Contact, find_contacts
from .keypoints import keypoints_in_view

MIN_PIXELS = 40.0
"""Pixels of a picture of 256 x 256 that must show a person or object for it to be labelled; grows with the picture."""

MIN_USED_PIXELS = 8.0
"""The same of an object with which a labelled person does something: a phone at an ear, a carrot in a hand."""


@dataclass(frozen=True)
class SceneLabels:
    """What is known of a picture. Only people and objects that can be seen are in it, people first.

    Attributes:
        interactions: boxes around what can be seen of each instance, its category, and who does what with what;
            an interaction is left out where its person or its object cannot be seen; people who do something with
            an object that cannot be seen are `unlabelled`, since nobody can tell from the picture. Keypoints have
            COCO's visibility (0, 1, 2) in place of a score.
        amodal: (N, 4) boxes of the whole instances, in pixels; they may reach out of the picture.
        instances: (N,) index of each box in the scene: people, then objects.
        visible: (N,) share of each instance's surface facing the camera that can be seen, 0..1.
        affordances: for each interaction the name of the object's part that is used, or "".
        mask: (H, W) uint8, number of the box that a pixel shows counted from 1, 0 for everything else.
        depth: (H, W) float32 metres along the view axis; infinite for the sky.
        contacts: of people that have a box with objects that have one and with the ground; indices are those of boxes.
        camera: the camera.
        place: its kind.
    """

    interactions: Interactions
    amodal: Array
    instances: NDArray[np.int64]
    visible: Array
    affordances: tuple[str, ...]
    mask: NDArray[np.uint8]
    depth: NDArray[np.float32]
    contacts: tuple[Contact, ...]
    camera: Camera
    place: str

    @property
    def sentences(self) -> tuple[str, ...]:
        """Each interaction in words: ``"a person riding a bicycle"``."""
        found = self.interactions
        names = [None if o < 0 else found.labels[o] for o in found.object]
        return tuple(
            f"a person {found.vocabulary.phrase(int(v), -1 if name is None else int(name))}"
            for v, name in zip(found.verb, names, strict=True)
        )


def label(scene: Scene, rendering: Rendering, vocabulary: Vocabulary) -> SceneLabels:
    """The labels of a rendered scene.

    Args:
        scene: what was rendered.
        rendering: with it.
        vocabulary: of the generated world, or another one that has the scene's categories and verbs.

    Raises:
        InputError: a verb of the scene is not in the vocabulary.
    """
    camera = scene.camera
    people, count = len(scene.people), len(scene.people) + len(scene.objects)
    categories = ["person"] * people + [t.category for t in scene.objects]
    known = np.array([c in vocabulary.objects for c in categories], bool)
    pixels = np.bincount(rendering.mesh[(rendering.mesh >= 0) & (rendering.mesh < count)], minlength=count)
    area = camera.width * camera.height / 256**2
    large = known & (pixels >= MIN_PIXELS * area)
    used = np.zeros(count, bool)
    used[[people + r.object for r in scene.relations if r.object is not None and large[r.human]]] = True
    chosen = np.nonzero(large | (known & used & (pixels >= MIN_USED_PIXELS * area)))[0]
    box_of = np.full(count + 1, -1)
    box_of[chosen] = np.arange(len(chosen))
    order = np.zeros(len(scene.backdrop) + count + 1, np.uint8)
    order[chosen] = np.arange(1, len(chosen) + 1)
    mask = order[rendering.mesh]
    kept = [r for r in scene.relations if _boxed(r.human, r.object, box_of, people)]
    unlabelled = np.zeros(len(chosen), bool)
    unlabelled[[box_of[r.human] for r in scene.relations if box_of[r.human] >= 0 and r not in kept]] = True
    pose = np.full((len(chosen), 17, 3), np.nan)
    for box, instance in enumerate(chosen):
        if instance < people:
            pose[box] = keypoints_in_view(scene, int(instance))
    interactions = Interactions(
        boxes=_mask_boxes(mask, len(chosen)),
        labels=np.array([vocabulary.object_index(categories[i]) for i in chosen], np.int64),
        human=np.array([box_of[r.human] for r in kept], np.int64),
        object=np.array([-1 if r.object is None else box_of[people + r.object] for r in kept], np.int64),
        verb=np.array([vocabulary.verb_index(r.verb) for r in kept], np.int64),
        vocabulary=vocabulary,
        keypoints=pose.astype(np.float32),
        unlabelled=unlabelled,
        width=camera.width,
        height=camera.height,
        scored=False,
    )
    return SceneLabels(
        interactions=interactions,
        amodal=np.array([_amodal(scene, int(i)) for i in chosen]).reshape(-1, 4),
        instances=chosen,
        visible=np.array([_visible_share(scene, int(i)) for i in chosen]),
        affordances=tuple(r.affordance or "" for r in kept),
        mask=mask,
        depth=rendering.depth.astype(np.float32),
        contacts=tuple(_of_boxes(find_contacts(scene), box_of, people)),
        camera=camera,
        place=scene.place,
    )


def _boxed(human: int, object: int | None, box_of: NDArray[np.int64], people: int) -> bool:
    return bool(box_of[human] >= 0 and (object is None or box_of[people + object] >= 0))


def _of_boxes(contacts: list[Contact], box_of: NDArray[np.int64], people: int) -> list[Contact]:
    """Contacts between what has a box, with the boxes' indices."""
    return [
        replace(c, human=int(box_of[c.human]), object=None if c.object is None else int(box_of[people + c.object]))
        for c in contacts
        if _boxed(c.human, c.object, box_of, people)
    ]


def _mask_boxes(mask: NDArray[np.uint8], count: int) -> NDArray[np.float32]:
    """(N, 4) smallest boxes around the pixels of each number; the right and lower sides lie behind the last pixel."""
    boxes = np.zeros((count, 4), np.float32)
    for i in range(count):
        rows, columns = np.nonzero(mask == i + 1)
        boxes[i] = columns.min(), rows.min(), columns.max() + 1, rows.max() + 1
    return boxes


def _amodal(scene: Scene, instance: int) -> Array:
    """(4,) box around all vertices in front of the camera."""
    pixels, depth = scene.camera.project(scene.posed[instance])
    pixels = pixels[depth > 0.01]
    return np.concatenate([pixels.min(0), pixels.max(0)])


def _visible_share(scene: Scene, instance: int, rays: int = 400) -> float:
    """Share of an instance's triangles facing the camera, by their area in the picture, that nothing hides."""
    camera, vertices = scene.camera, scene.posed[instance]
    people = len(scene.people)
    faces = (
        scene.people[instance].body.model.faces
        if instance < people
        else scene.objects[instance - people].model.mesh.faces
    )
    corners = vertices[faces]
    centers = corners.mean(1)
    toward = centers - camera.position
    normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    distance = np.linalg.norm(toward, axis=1)
    solid_angle = np.maximum(-(normal * toward).sum(1), 0) / np.maximum(distance, 1e-6) ** 3
    total = solid_angle.sum()
    if total <= 0:
        return 0.0
    # Evenly spaced in the running sum of solid angles: an importance sample without randomness.
    picked = np.searchsorted(np.cumsum(solid_angle), (np.arange(rays) + 0.5) * total / rays)
    picked = np.minimum(picked, len(faces) - 1)
    pixels, depth = camera.project(centers[picked])
    inside = (depth > 0) & (pixels >= 0).all(1) & (pixels[:, 0] < camera.width) & (pixels[:, 1] < camera.height)
    hits = scene.rays.cast(camera.position, toward[picked] / distance[picked, None])
    # Its own nearer side also hides a triangle, which must not count as hidden by others.
    own_side = hits.mesh == instance
    front = own_side & (hits.distance > distance[picked] - 0.02)
    hidden_by_itself = own_side & ~front
    share = (front & inside).sum() / max(int((~hidden_by_itself).sum()), 1)
    return float(share)
