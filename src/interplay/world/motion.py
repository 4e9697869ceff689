"""`Motion`: a scene that moves: people who ride or walk come along, others stand up to what they do and leave it again.

Every person who does something begins and ends where they do nothing: they stand, and what they will carry lies before
them. Between these the pose and the carried object pass smoothly, and nobody can tell what is being done: such people
are `Moment.unlabelled`. What stands on the ground or lies on something else stays where it is. The camera turns slowly.
Who rides, skis or surfs does so through the whole clip, along the direction they face.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.spatial.transform import Rotation

from interplay.body.geometry import Array, Z, degrees, vec
from interplay.body.pose import Body
from interplay.errors import InputError

from .posing.group import Group
from .posing.handling import relax
from .posing.stances import stand
from .scene import Person, Relation, Scene, SceneObject

TRAVELLING = {"ride": 3.0, "ski": 4.0, "snowboard": 4.0, "surf": 2.5, "skateboard": 2.5, "walk": 1.2, "run": 3.0}
"""Verbs of people who move along, and their speed in metres a second."""

_PASSING = 0.8  # seconds from standing to doing
_ON_GROUND = 0.05
_TOUCHING = 0.04
_ASIDE = 0.55  # metres from somebody who sits down to where they stood
_AHEAD = 0.45
_PAN = 5.0  # degrees that the camera turns in a clip, at most


@dataclass(frozen=True)
class Moment:
    """One frame of a moving scene.

    Attributes:
        scene: as it is then; its relations are those that can be told.
        unlabelled: people of whom nobody can tell what they do, as they pass from one to the other.
    """

    scene: Scene
    unlabelled: frozenset[int]


class Motion:
    """How a scene moves.

    Args:
        scene: of `sample_scene`: the middle of what is done.
        rng: draws when things are done, and how the camera turns.
        frames: of the clip, 2 or more.
        rate: frames a second.

    Raises:
        InputError: fewer than 2 frames, or no rate.
    """

    def __init__(self, scene: Scene, rng: np.random.Generator, frames: int, rate: float) -> None:
        if frames < 2 or not 0 < rate < np.inf:
            raise InputError(f"a clip has 2 frames or more and a rate above 0, got {frames} and {rate:g}")
        self.scene, self.frames, self.rate = scene, frames, rate
        self.pan = float(rng.uniform(-_PAN, _PAN))
        companies = _companies(scene)
        self._groups = [
            _Company(scene, people, objects, own, frames / rate)
            for (people, objects), own in zip(companies, rng.spawn(len(companies)), strict=True)
        ]

    def __getitem__(self, frame: int) -> Moment:
        """The scene at a frame, from 0."""
        if not 0 <= frame < self.frames:
            raise IndexError(frame)
        second = frame / self.rate
        people, objects = list(self.scene.people), list(self.scene.objects)
        relations: list[Relation] = []
        unlabelled: set[int] = set()
        for group in self._groups:
            share = group.share(second)
            for i in group.people:
                people[i] = group.person(i, share, second)
            for k in group.objects:
                objects[k] = group.object(k, share, second)
            if share == 1:
                relations += group.relations
            elif share == 0:
                relations += [Relation(i, "stand", None) for i in group.acting]
                relations += [r for r in group.relations if r.human not in group.acting]
            else:
                unlabelled |= set(group.acting)
        turned = self.pan * (frame / (self.frames - 1) - 0.5)
        camera = replace(self.scene.camera, rotation=self.scene.camera.rotation @ degrees(Z, turned))
        order = {id(r): n for n, r in enumerate(self.scene.relations)}
        relations.sort(key=lambda r: order.get(id(r), -1))
        moved = replace(self.scene, people=people, objects=objects, relations=relations, camera=camera)
        return Moment(moved, frozenset(unlabelled))

    def __len__(self) -> int:
        """Number of frames."""
        return self.frames


class _Company:
    """People who do something together, and their objects.

    Attributes:
        people, objects: indices in the scene.
        relations: theirs.
        acting: people who begin and end what they do within the clip.
    """

    def __init__(
        self, scene: Scene, people: Sequence[int], objects: Sequence[int], rng: np.random.Generator, seconds: float
    ) -> None:
        self.scene, self.people, self.objects = scene, people, objects
        self.relations = [r for r in scene.relations if r.human in people]
        speed = max((TRAVELLING.get(r.verb, 0.0) for r in self.relations), default=0.0)
        self.travels = speed > 0
        self.seconds = seconds
        self.velocity = speed * scene.people[people[0]].body.facing if self.travels else np.zeros(3)
        doing = {r.human for r in self.relations if r.object is not None}
        self.acting = [] if self.travels else sorted(doing)
        self.begin = float(rng.uniform(-0.2, 0.3)) * seconds
        self.end = float(rng.uniform(0.7, 1.2)) * seconds
        self.standing = {i: _standing(scene, i, self.relations, rng) for i in self.acting}
        self.put_down = {
            r.object: _before(scene.objects[r.object], self.standing[r.human].body)
            for r in self.relations
            if r.object is not None and r.human in self.standing and not _is_supported(scene, r.object)
        }

    def share(self, second: float) -> float:
        """How far they have come to what they do, 0..1."""
        if not self.acting:
            return 1.0
        come = (second - self.begin) / _PASSING + 1
        gone = (self.end - second) / _PASSING + 1
        at = float(np.clip(min(come, gone), 0, 1))
        return at * at * (3 - 2 * at)

    def person(self, index: int, share: float, second: float) -> Person:
        """One of them then."""
        person = self.scene.people[index]
        if index in self.standing and share < 1:
            return _between(self.standing[index], person, share)
        if self.travels:
            return _moved(person, self._way(second))
        return person

    def object(self, index: int, share: float, second: float) -> SceneObject:
        """One of their objects then."""
        object = self.scene.objects[index]
        if index in self.put_down and share < 1:
            pose = object.pose.copy()
            pose[:3, 3] = (1 - share) * self.put_down[index] + share * object.pose[:3, 3]
            return SceneObject(object.model, pose)
        if self.travels:
            pose = object.pose.copy()
            pose[:3, 3] += self._way(second)
            return SceneObject(object.model, pose)
        return object

    def _way(self, second: float) -> Array:
        """(3,) where they are, seen from where the scene has them in the middle of the clip."""
        way: Array = self.velocity * (second - 0.5 * self.seconds)
        return way


def _companies(scene: Scene) -> list[tuple[list[int], list[int]]]:
    """People with what they do something with, those who share an object together."""
    found: list[tuple[set[int], set[int]]] = []
    for i in range(len(scene.people)):
        people, objects = {i}, {r.object for r in scene.relations if r.human == i and r.object is not None}
        for other in [group for group in found if group[1] & objects]:
            found.remove(other)
            people |= other[0]
            objects |= other[1]
        found.append((people, objects))
    return [(sorted(people), sorted(objects)) for people, objects in found]


def _standing(scene: Scene, index: int, relations: Sequence[Relation], rng: np.random.Generator) -> Person:
    """The person before doing anything: standing where they will do it, or beside what they will use there."""
    person = scene.people[index]
    made = Person(person.description, person.rest, person.outfit, Body(person.body.model, person.rest))
    group = Group(rng, people=[made])
    stand(group, made)
    relax(group, made)
    facing, root = person.body.facing, person.body.root
    turn = np.degrees(np.arctan2(facing[0], -facing[1]))
    place = vec(root[0], root[1], 0.0)
    if any(r.human == index and r.object is not None and _is_under(scene.objects[r.object], root) for r in relations):
        place = place + _ASIDE * facing
    body = made.body
    turned = degrees(Z, float(turn))
    body.place_root(turned @ body.root + place, turned @ body.local[0])
    return made


def _is_under(object: SceneObject, root: Array) -> bool:
    """Whether somebody with their pelvis there is on an object: they would stand inside it."""
    low, high = object.vertices().min(0), object.vertices().max(0)
    return bool(low[2] < _ON_GROUND and (low[:2] <= root[:2]).all() and (root[:2] <= high[:2]).all())


def _is_supported(scene: Scene, index: int) -> bool:
    """Whether an object stands on the ground or lies on another one that does."""
    vertices = scene.objects[index].vertices()
    low = vertices[:, 2].min()
    if low < _ON_GROUND:
        return True
    middle = vertices[:, :2].mean(0)
    for k, other in enumerate(scene.objects):
        around = other.vertices()
        if k == index or around[:, 2].min() >= _ON_GROUND:
            continue
        if not ((around.min(0)[:2] <= middle) & (middle <= around.max(0)[:2])).all():
            continue
        near = around[np.linalg.norm(around[:, :2] - middle, axis=1) < 0.4]
        if len(near) and np.abs(near[:, 2] - low).min() < _TOUCHING:
            return True
    return False


def _before(object: SceneObject, body: Body) -> Array:
    """(3,) position of an object's frame with which it lies on the ground before a person."""
    vertices = object.vertices()
    middle = vertices.mean(0)
    wanted = body.root + _AHEAD * body.facing
    moved = vec(wanted[0] - middle[0], wanted[1] - middle[1], -vertices[:, 2].min())
    place: Array = object.pose[:3, 3] + moved
    return place


def _between(first: Person, second: Person, share: float) -> Person:
    """A person between two poses."""
    a, b = first.body, second.body
    made = Body(a.model, a.rest)
    turn = Rotation.from_matrix(np.swapaxes(a.local, 1, 2) @ b.local).as_rotvec()
    made.local = a.local @ Rotation.from_rotvec(share * turn).as_matrix()
    made.root = (1 - share) * a.root + share * b.root
    made.update()
    return Person(first.description, first.rest, first.outfit, made)


def _moved(person: Person, way: Array) -> Person:
    made = Body(person.body.model, person.rest)
    made.local, made.root = person.body.local.copy(), person.body.root + way
    made.update()
    return Person(person.description, person.rest, person.outfit, made)
