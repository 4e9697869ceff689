"""Lying on couches and beds."""

from __future__ import annotations

import numpy as np

from interplay.body.geometry import vec
from interplay.world.objects import make_object
from interplay.world.posing.group import Group, upright
from interplay.world.posing.reclining import lie_on_back, lie_on_side
from interplay.world.scene import SceneObject

from .registry import act


@act("lie on a bed", {"bed": "lie on"}, ("bedroom",), weight=1.5)
def lie_on_bed(group: Group) -> None:
    """On the back or on one side."""
    turn = float(group.rng.choice([0.0, 0.5, -0.5])) * np.pi
    bed = group.make("bed", pose=upright(vec(0, 0, 0), turn))
    person = group.person()
    spot = bed.model.spots["lie"].moved(bed.pose)
    if group.rng.random() < 0.5:
        lie_on_side(group, person, spot, on_left=bool(group.rng.random() < 0.5))
    else:
        lie_on_back(group, person, spot, arms_beside=spot.size[0] > 0.6)
    group.relate(person, "lie on", bed, "lie")


@act("lie on a couch", {"couch": "lie on"}, ("living room",), weight=1.5)
def lie_on_couch(group: Group) -> None:
    """On the back or on one side, looking into the room."""
    person = group.person()
    couch = long_couch(group, person.rest.height)
    spot = couch.model.spots["lie"].moved(couch.pose)
    if group.rng.random() < 0.35:
        lie_on_side(group, person, spot)
    else:
        lie_on_back(group, person, spot, arms_beside=False)
    group.relate(person, "lie on", couch, "lie")


def long_couch(group: Group, length: float) -> SceneObject:
    """A couch on which someone of that length can lie, if a few draws give one."""
    for _ in range(6):
        model = make_object("couch", group.rng, group.library)
        if model.spots["lie"].size[1] > length:
            break
    return group.add(model)
