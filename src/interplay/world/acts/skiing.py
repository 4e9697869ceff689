"""Skiing, jumping on skis, carrying skis and holding them."""

from __future__ import annotations

import numpy as np

from interplay.body.geometry import X, Y, Z, degrees, transform, unit, vec
from interplay.world.objects.base import Grip
from interplay.world.posing.boarding import tip
from interplay.world.posing.fitting import make_fitted
from interplay.world.posing.group import Group
from interplay.world.posing.handling import free_side, hold, reach, relax
from interplay.world.posing.limbs import solve_leg
from interplay.world.posing.placing import arm_cost, easiest, turned_to
from interplay.world.posing.stances import (
    SOLE,
    ankle_height,
    glance,
    hip_height,
    other,
    side_sign,
    stand,
    stride,
)
from interplay.world.scene import Person, SceneObject

from .registry import act


def on_skis(group: Group, depth: float, lean: float) -> tuple[Person, SceneObject]:
    """Somebody on skis that point to -y, knees bent by `depth` (0 to 1)."""
    person = group.person()
    skis = make_fitted(group, person, "skis", least=0.7)
    body, h = person.body, person.rest.height
    z = hip_height(person) + SOLE + 0.03 - (0.02 + 0.28 * depth) * h
    body.place_root(vec(0, (0.02 + 0.11 * depth) * h, z), degrees(X, 0.45 * lean))
    body.bend_spine(forward=0.55 * lean, twist=float(group.rng.uniform(-8, 8)))
    for side, name in (("L", "left ski"), ("R", "right ski")):
        foot = skis.model.spots[name].position + vec(0, 0, ankle_height(person))
        group.miss("foot on skis", solve_leg(body, side, foot, knee=vec(0.0, -1, 0), foot=np.eye(3)).reach_error)
    glance(group, person)
    body.look_at(body.joint("head") + vec(float(group.rng.normal(0, 1)), -5, -0.8), share=0.9)
    return person, skis


def take_poles(group: Group, person: Person, back: float) -> None:
    """A pole in each hand, the tip `back` degrees behind the handle."""
    rng, h = group.rng, person.rest.height
    for side in "LR":
        s = side_sign(side)
        pole = make_fitted(group, person, "ski pole", least=0.6)
        shoulder = person.body.joint(f"upperarm01.{side}")
        goal = shoulder + h * vec(s * 0.05, -float(rng.uniform(0.14, 0.2)), -float(rng.uniform(0.12, 0.17)))
        grip = pole.model.grips["handle"].position
        turns = [degrees(Y, -s * out) @ degrees(X, back + more) for out in (6, 14, 0, 24) for more in (0, 12, -12, 24)]
        pole.pose = easiest(person, pole, [turned_to(turn, goal, grip) for turn in turns], {side: "handle"})
        hold(group, person, side, pole, "handle")
        sunk = float(pole.vertices()[:, 2].min())
        if sunk < 0:
            raise_pole(group, person, side, pole, -sunk)


def raise_pole(group: Group, person: Person, side: str, pole: SceneObject, up: float) -> None:
    """Lift a pole whose tip would be in the ground, and the hand with it."""
    pole.pose = pole.pose.copy()
    pole.pose[2, 3] += up
    hold(group, person, side, pole, "handle")


@act("ski", {"skis": ("ride", "stand on", "wear", "ski")}, ("snow",), weight=2.5, style="warm")
def ski(group: Group) -> None:
    rng = group.rng
    depth = float(rng.uniform(0.08, 0.75))
    person, skis = on_skis(group, depth, lean=float(rng.uniform(8, 16)) + 30 * depth)
    take_poles(group, person, back=float(rng.uniform(20, 35)) + 40 * depth)
    tip(group, vec(0, 0, 0), float(rng.uniform(-9, 9)), Y, rest_on=skis)
    group.relate(person, "ride,stand on,wear,ski", skis, "bindings")


@act("jump on skis", {"skis": ("ride", "jump", "wear", "ski")}, ("snow",), style="warm")
def jump_skis(group: Group) -> None:
    rng = group.rng
    person, skis = on_skis(group, float(rng.uniform(0.5, 0.95)), lean=float(rng.uniform(28, 50)))
    take_poles(group, person, back=float(rng.uniform(45, 70)))
    tip(group, vec(0, 0, 0.1), float(rng.uniform(-14, 14)))
    tip(group, vec(0, 0, 0.1), float(rng.uniform(-14, 14)), Y)
    group.move(transform(degrees(Z, float(rng.uniform(-40, 40))), vec(0, 0, float(rng.uniform(0.4, 1.0)))))
    group.relate(person, "ride,jump,wear,ski", skis, "bindings")


@act("stand with skis in hand", {"skis": "hold"}, ("snow",), weight=0.8, style="warm")
def hold_skis(group: Group) -> None:
    rng = group.rng
    person = group.person()
    skis = make_fitted(group, person, "skis carried", least=0.7)
    stand(group, person)
    side, h = free_side(group)[0], person.rest.height
    upright = degrees(Z, float(rng.uniform(-60, 60))) @ degrees(X, -90)  # tips up
    tail = float(skis.model.mesh.vertices[:, 1].max())
    height = float(rng.uniform(0.62, 0.72)) * h
    grip = Grip(vec(0, tail - height, 0), Y, None, 0.028)
    places = [
        turned_to(upright, vec(side_sign(side) * x * h, -y * h, 0), vec(0, tail, 0))
        for x in (0.2, 0.24)
        for y in (0.14, 0.18, 0.1)
    ]
    skis.pose = easiest(person, skis, places, {side: grip})
    group.miss("hand on skis", float(np.linalg.norm(reach(person, side, grip.moved(skis.pose))[1])))
    relax(group, person, other(side))
    group.relate(person, "hold", skis, "middle")


@act("carry skis", {"skis": ("carry", "hold")}, ("snow",), style="warm")
def carry_skis(group: Group) -> None:
    rng = group.rng
    person = group.person()
    skis = make_fitted(group, person, "skis carried", least=0.7)
    stride(group, person, length=float(rng.uniform(0.18, 0.3)))
    side, h = free_side(group)[0], person.rest.height
    body, s = person.body, side_sign(side)
    rest = body.joint(f"upperarm01.{side}") + h * vec(-s * 0.012, 0.0, 0.078)
    ahead = unit(vec(-s * 0.05, -1.0, -float(rng.uniform(0.12, 0.3))))
    across = unit(np.cross(ahead, Z))
    skis.pose = turned_to(np.stack([across, -ahead, np.cross(across, -ahead)], 1), rest, vec(0, 0.1, 0))
    grips = [Grip(vec(0, 0.1 - x * h, 0), Y, None, 0.028) for x in (0.2, 0.23, 0.26, 0.17)]
    best = min(grips, key=lambda grip: arm_cost(person, side, grip.moved(skis.pose)))
    group.miss("hand on skis", float(np.linalg.norm(reach(person, side, best.moved(skis.pose))[1])))
    relax(group, person, other(side), swing=12)
    group.relate(person, "carry,hold", skis, "middle")
