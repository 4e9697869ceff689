"""Holding and carrying what a home is full of: teddy bears, vases, plants, laptops, bowls."""

from __future__ import annotations

import numpy as np

from interplay.body.geometry import X, Y, Z, degrees, unit, vec
from interplay.world.objects import make_object
from interplay.world.objects.base import Grip
from interplay.world.posing.fitting import scaled
from interplay.world.posing.group import Group, body_point
from interplay.world.posing.handling import free_side, heading, reach, relax
from interplay.world.posing.lips import hold_by
from interplay.world.posing.placing import easiest, turned_to
from interplay.world.posing.postures import SEATS, settle_anywhere
from interplay.world.posing.skin import chest_front
from interplay.world.posing.stances import side_sign, stand, stride
from interplay.world.scene import Person, SceneObject

from .reading import SIDES, facing_reader
from .registry import act


def walk_or_stand(group: Group, person: Person, lean: float = 1.0) -> None:
    """Carrying objects one walks as often as one stands."""
    if group.rng.random() < 0.5:
        stride(group, person, length=float(group.rng.uniform(0.22, 0.36)), lean=lean)
    else:
        stand(group, person, lean=lean)


def hold_between(group: Group, person: Person, object: SceneObject, height: float, radius: float) -> None:
    """Hold a round object between both palms, at a height over its foot and with that half thickness there."""
    for side in "LR":
        out = heading(person)[:, 0] * side_sign(side)
        out = unit(out + 0.25 * heading(person)[:, 1])
        middle = object.pose[:3, 3] + height * object.pose[:3, 2]
        grip = Grip(middle, Z, -out, radius, flip=False)
        miss = reach(person, side, grip)[1]
        group.miss(f"hand on {object.category}", float(np.linalg.norm(miss)))


@act("hug a teddy bear", {**SEATS, "teddy bear": ("hold", "hug")}, ("bedroom", "living room"), weight=1.5)
def hug_teddy(group: Group) -> None:
    """Its back against the chest, both hands on its belly."""
    person, rng = group.person(), group.rng
    settle_anywhere(group, person, standing=0.6)
    bear = group.make("teddy bear")
    back = bear.model.spots["back"].position
    front, out = chest_front(person, up=float(rng.uniform(-0.1, -0.06)))
    turn = person.body.orientation("spine01") @ degrees(X, float(rng.uniform(-4, 4)))
    bear.pose = turned_to(turn, front + 0.002 * out, back)
    size = float(back[1] / 0.075)
    for side, up in (("L", 0.085), ("R", 0.135)):
        belly = vec(side_sign(side) * 0.035, -0.066, up) * size
        normal = unit(vec(-side_sign(side) * 0.5, 1.0, 0.0))
        miss = reach(person, side, Grip(belly, X, normal, 0.0, "palm").moved(bear.pose))[1]
        group.miss("hand on teddy bear", float(np.linalg.norm(miss)))
    group.relate(person, "hold,hug", bear, "belly")


@act("carry a teddy bear", {"teddy bear": ("hold", "carry")}, ("bedroom", "living room"))
def carry_teddy(group: Group) -> None:
    """By one arm, hanging beside the leg."""
    person, rng = group.person(), group.rng
    walk_or_stand(group, person)
    side, rest = free_side(group)
    bear = group.add(scaled(make_object("teddy bear", rng, group.library), 0.75))
    s = side_sign(side)
    at = body_point(person, s * 0.2, 0.03, -0.23)
    arm = bear.model.grips["arm"]
    poses = [
        turned_to(heading(person) @ degrees(Z, yaw) @ degrees(Y, -65.0), at, arm.position)
        for yaw in (0.0, 90.0, 180.0, 270.0)
    ]
    bear.pose = easiest(person, bear, poses, {side: arm})
    hold_by(group, person, side, bear, arm)
    relax(group, person, rest)
    group.relate(person, "hold,carry", bear, "arm")


@act("hold a vase or a plant", {"vase": "hold", "potted plant": "hold"}, ("living room", "kitchen", "office"))
def hold_vase(group: Group) -> None:
    """Between both hands, before the belly."""
    person, rng = group.person(adult=True), group.rng
    walk_or_stand(group, person)
    if rng.random() < 0.5:
        model = make_object("vase", rng, group.library)
    else:
        model = make_object("potted plant", rng, group.library)
        model = scaled(model, min(1.0, 0.5 / float(model.size[2])))
    grip = next(iter(model.grips.values()))
    object = group.add(model)
    height = float(grip.position[2])
    wide = 0.5 * float(np.ptp(model.mesh.vertices[model.mesh.vertices[:, 2] < 1.3 * height][:, 0]))
    front, _ = chest_front(person, up=-0.12)
    gap = 0.04 if model.category == "vase" else 0.1
    at = front + (gap + max(wide, grip.radius)) * person.body.facing
    object.pose = turned_to(heading(person), at, vec(0, 0, height))
    hold_between(group, person, object, height, grip.radius)
    person.body.turn_head(nod=float(rng.uniform(0, 20)), turn=float(rng.normal(0, 15)))
    group.relate(person, "hold", object, next(iter(model.grips)))


@act("carry a laptop", {"laptop": ("hold", "look")}, ("office", "living room"))
def carry_laptop(group: Group) -> None:
    """Open, in both hands, reading from it."""
    person = group.person(adult=True)
    walk_or_stand(group, person)
    laptop = group.make("laptop")
    at = body_point(person, 0.0, 0.19, float(group.rng.uniform(-0.14, -0.08)))
    poses = [turned_to(facing_reader(person, tilt), at, vec(0, 0, 0)) for tilt in (0.0, 8.0, 16.0)]
    grips = {side: from_below(laptop, side) for side in "LR"}
    laptop.pose = easiest(person, laptop, poses, grips)
    person.body.look_at(laptop.pose[:3, :3] @ laptop.model.points["screen"] + laptop.pose[:3, 3])
    hold_by(group, person, "L", laptop, grips["L"])
    miss = reach(person, "R", grips["R"].moved(laptop.pose))[1]
    group.miss("hand on laptop", float(np.linalg.norm(miss)))
    group.relate(person, "hold,look", laptop, "left side")


def from_below(object: SceneObject, side: str) -> Grip:
    """A hand under a side edge of a flat object whose user is at its -y, the fingers pointing inwards."""
    edge = object.model.grips[SIDES[side]]
    inward = vec(1.0 if side == "L" else -1.0, 0.0, 0.0)
    thumb = np.cross(Z, inward) if side == "L" else np.cross(inward, Z)
    return Grip(edge.position, thumb, Z, max(edge.radius, 0.006), "slab", flip=False)


@act("carry food", {"bowl": ("hold",), "cake": ("hold", "carry"), "pizza": ("hold", "carry")}, ("kitchen",))
def carry_food(group: Group) -> None:
    """A bowl, a cake or a pizza, borne in both hands."""
    person, rng = group.person(), group.rng
    walk_or_stand(group, person)
    food = group.make(str(rng.choice(["bowl", "cake", "pizza"])))
    low, high = food.model.mesh.bounds()
    wide = 0.5 * float(high[0] - low[0])
    front, _ = chest_front(person, up=-0.1)
    food.pose = turned_to(heading(person), front + (wide + 0.04) * person.body.facing, vec(0, 0, 0))
    for side in "LR":
        s = side_sign(side)
        rim = float(high[2]) - 0.012 if food.category == "bowl" else 0.004
        toward = vec(-s, 0.0, 0.0)
        thumb = np.cross(Z, toward) if side == "L" else np.cross(toward, Z)
        grip = Grip(vec(s * wide * 0.98, 0.0, rim), thumb, Z, 0.006, "slab", flip=False)
        if side == "L":
            hold_by(group, person, side, food, grip)
        else:
            miss = reach(person, side, grip.moved(food.pose))[1]
            group.miss(f"hand on {food.category}", float(np.linalg.norm(miss)))
    group.relate(person, "hold" if food.category == "bowl" else "hold,carry", food)
