"""Putting objects near people who do nothing with them."""

from __future__ import annotations

import numpy as np
from scipy.spatial import cKDTree

from interplay.body.geometry import Array, X, Y, degrees, vec
from interplay.world.scene import Person, SceneObject

from .group import Group
from .handling import heading, relax
from .stances import stand, stride, tilt_about

STEP = 0.03
"""By how many metres an object moves away at a time until it is free of everybody."""


def idle(group: Group, person: Person, walking: float = 0.4) -> None:
    """Stand about, or walk with a chance of `walking`, the arms hanging; said without an object."""
    if group.rng.random() < walking:
        stride(group, person, length=float(group.rng.uniform(0.2, 0.36)))
        relax(group, person, swing=16)
        group.relate(person, "walk")
    else:
        stand(group, person, turn=float(group.rng.uniform(-15, 15)))
        relax(group, person)
        group.relate(person, "stand")


def set_beside(group: Group, object: SceneObject, angle: float, gap: float) -> None:
    """Move an object from the origin until it is `gap` metres from all people, in a direction.

    `angle`, in degrees, is measured from where the first person faces, to their left.
    """
    people = cKDTree(np.concatenate([p.vertices()[::6] for p in group.people])[:, :2])
    away = heading(group.people[0]) @ (degrees(vec(0, 0, 1), angle) @ -Y)
    flat = object.vertices()[:, :2]
    flat = flat[:: max(1, len(flat) // 1500)]
    for _ in range(300):
        if float(people.query(flat)[0].min()) >= gap:
            break
        object.pose[:3, 3] += STEP * away
        flat = flat + STEP * away[:2]


def stand_aside(group: Group, person: Person, angle: float, gap: float) -> None:
    """Turn a person who stands at the origin at random and move them until all else is `gap` metres away.

    `angle` is the direction in which they end up, in degrees from -y to +x.
    """
    tilt_about(person, vec(0, 0, 0), degrees(vec(0, 0, 1), float(group.rng.uniform(-180, 180))))
    others = [p.vertices()[::6] for p in group.people if p is not person] + [t.vertices() for t in group.objects]
    rest = cKDTree(np.concatenate(others)[:, :2])
    away = degrees(vec(0, 0, 1), angle) @ -Y
    flat = person.vertices()[::6, :2]
    moved = 0.0
    while moved < 9.0 and float(rest.query(flat + moved * away[:2])[0].min()) < gap:
        moved += STEP
    person.body.shift(moved * away)


def put_down(object: SceneObject, turn: Array) -> None:
    """Turn an object and lay it on the ground at the origin."""
    object.pose = np.eye(4)
    object.pose[:3, :3] = turn
    low, high = object.vertices().min(0), object.vertices().max(0)
    object.pose[:3, 3] = -vec(0.5 * (low[0] + high[0]), 0.5 * (low[1] + high[1]), low[2])


def flat_side(object: SceneObject) -> Array:
    """(3, 3) rotation that lays an object down on its largest face."""
    thin = int(np.argmin(object.model.size))
    return (degrees(Y, 90), degrees(X, 90), np.eye(3))[thin]
