"""A group: people and objects that belong together, built around the origin by a recipe and placed as one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from interplay.body.geometry import Array, apply, transform, vec
from interplay.body.model import load_body_model
from interplay.body.pose import Body
from interplay.world.objects import ObjectModel, make_object
from interplay.world.scene import Person, Relation, SceneObject
from interplay.world.wardrobe import random_description, random_outfit


@dataclass
class Group:
    """People and objects under construction. The first person stands near the origin and faces -y.

    Attributes:
        rng: source of all randomness.
        style: the clothes people wear, see `wardrobe.random_outfit`.
        library: the user's own objects by category, which take the place of ours.
        outdoors: where there are benches to sit on, and neither couches nor chairs.
        people, objects, relations: as in `Scene`.
        residuals: (name, metres) of every goal that a recipe set: how far it was missed.
    """

    rng: np.random.Generator
    style: str = "casual"
    library: Mapping[str, ObjectModel] | None = None
    outdoors: bool = False
    people: list[Person] = field(default_factory=list)
    objects: list[SceneObject] = field(default_factory=list)
    relations: list[Relation] = field(default_factory=list)
    residuals: list[tuple[str, float]] = field(default_factory=list)

    def person(self, style: str | None = None, adult: bool = False) -> Person:
        """A new person in the rest pose, with clothes of a style (by default the group's)."""
        description = random_description(self.rng)
        if adult and description[1] < 0.55:
            description = (description[0], 0.66, *description[2:])
        model = load_body_model()
        rest = model.rest(description)
        outfit = random_outfit(self.rng, description, style or self.style)
        made = Person(description, rest, outfit, Body(model, rest))
        self.people.append(made)
        return made

    def add(self, model: ObjectModel, pose: Array | None = None) -> SceneObject:
        """A new object; it rests at the origin unless a pose is given."""
        made = SceneObject(model, np.eye(4) if pose is None else pose)
        self.objects.append(made)
        return made

    def make(self, category: str, pose: Array | None = None, **options: Any) -> SceneObject:
        """A new individual of a category (`objects.make_object`), added as `object` does."""
        return self.add(make_object(category, self.rng, self.library, **options), pose)

    def relate(
        self, person: Person, verbs: str, object: SceneObject | None = None, affordance: str | None = None
    ) -> None:
        """Say that a person does something; `verbs` may name several, separated by commas."""
        for verb in verbs.split(","):
            index = None if object is None else self._object_index(object)
            self.relations.append(Relation(self._person_index(person), verb.strip(), index, affordance))

    def miss(self, name: str, metres: float) -> None:
        """Record how far a goal was missed."""
        self.residuals.append((name, float(metres)))

    def move(self, matrix: Array) -> None:
        """Move everything by a transform (4, 4)."""
        for person in self.people:
            body = person.body
            body.place_root(apply(matrix, body.root), matrix[:3, :3] @ body.local[0])
        for object in self.objects:
            object.pose = matrix @ object.pose

    def points(self) -> Array:
        """(N, 3) vertices of all people and objects, thinned out."""
        return np.concatenate([*(p.vertices()[::12] for p in self.people), *(t.vertices()[::3] for t in self.objects)])

    def _person_index(self, person: Person) -> int:
        return next(i for i, p in enumerate(self.people) if p is person)

    def _object_index(self, object: SceneObject) -> int:
        return next(i for i, t in enumerate(self.objects) if t is object)


Builder = Callable[[Group], None]
"""Adds people and objects in the middle of doing something to a group."""


def upright(position: Array, turn: float = 0.0) -> Array:
    """Pose (4, 4) of an object that stands at `position`, turned by `turn` radians about the vertical."""
    c, s = np.cos(turn), np.sin(turn)
    return transform(np.array([[c, -s, 0], [s, c, 0], [0, 0, 1.0]]), position)


def body_point(person: Person, left: float, ahead: float, up: float) -> Array:
    """(3,) a point relative to the middle of the chest, in body heights: to the left, where the chest faces, up."""
    body = person.body
    facing = body.facing
    side = vec(-facing[1], facing[0], 0.0)
    return body.joint("spine01") + person.rest.height * (left * side + ahead * facing + vec(0, 0, up))


def lowest(person: Person) -> float:
    """Height of the lowest point of a posed person."""
    return float(person.vertices()[:, 2].min())
