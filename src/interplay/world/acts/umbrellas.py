"""Holding an open umbrella, standing and walking under it, carrying a closed one."""

from __future__ import annotations

from interplay.body.geometry import Array, Y, Z, degrees, rotation_between, unit, vec
from interplay.world.places.kinds import PlaceKind
from interplay.world.posing.fitting import make_fitted
from interplay.world.posing.group import Group
from interplay.world.posing.handling import free_side, heading, hold, relax
from interplay.world.posing.placing import easiest, turned_to
from interplay.world.posing.stances import other, side_sign, stand, stride
from interplay.world.scene import Person, SceneObject

from .ball_in_hand import from_shoulder
from .registry import act

OUTSIDE: tuple[PlaceKind, ...] = ("street", "park", "beach")


def raise_umbrella(group: Group, person: Person, side: str, lean: float = 6.0) -> SceneObject:
    """An open umbrella over a person's head, held in one hand, `lean` degrees towards the other side."""
    rng = group.rng
    umbrella = make_fitted(group, person, "umbrella", least=0.75)
    grip, base, s = umbrella.model.grips["handle"].position, heading(person), side_sign(side)
    lean, tip = lean + float(rng.uniform(-5, 8)), float(rng.uniform(-14, 3))
    poses: list[Array] = []
    for out in (-0.03, 0.0, 0.03, 0.06):
        at = from_shoulder(person, side, out, float(rng.uniform(0.12, 0.16)), float(rng.uniform(-0.07, -0.01)))
        for spin in range(0, 360, 60):
            turn = base @ degrees(Y, -s * lean) @ degrees(vec(1, 0, 0), tip) @ degrees(Z, spin)
            poses.append(turned_to(turn, at, grip))
    umbrella.pose = easiest(person, umbrella, poses, {side: "handle"})
    hold(group, person, side, umbrella, "handle")
    return umbrella


@act("stand under an umbrella", {"umbrella": ("hold", "stand under")}, OUTSIDE, weight=2.0)
def stand_under(group: Group) -> None:
    person = group.person()
    stand(group, person)
    side, rest = free_side(group)
    umbrella = raise_umbrella(group, person, side)
    relax(group, person, rest)
    group.relate(person, "hold,stand under", umbrella, "handle")


@act("walk with an umbrella", {"umbrella": ("hold", "carry"), "": "walk"}, OUTSIDE, weight=1.6)
def walk_under(group: Group) -> None:
    person = group.person()
    stride(group, person, length=float(group.rng.uniform(0.18, 0.34)))
    side, rest = free_side(group)
    umbrella = raise_umbrella(group, person, side)
    relax(group, person, rest, swing=14)
    group.relate(person, "hold,carry", umbrella, "handle")
    group.relate(person, "walk")


@act("carry a closed umbrella", {"umbrella": ("hold", "carry")}, OUTSIDE)
def carry_closed(group: Group) -> None:
    rng = group.rng
    person = group.person()
    stride(group, person, length=float(rng.uniform(0.16, 0.32)))
    umbrella = make_fitted(group, person, "umbrella", least=0.75, closed=True)
    side, rest = free_side(group)
    base, s = heading(person), side_sign(side)
    grip = umbrella.model.grips["handle"].position
    at = from_shoulder(person, side, 0.08, float(rng.uniform(0.02, 0.08)), -0.29)
    ways = [unit(base @ vec(s * 0.12, y, -1.0)) for y in (-0.3, 0.2, -0.8)]
    poses = [turned_to(rotation_between(Z, way) @ degrees(Z, k * 90), at, grip) for way in ways for k in range(4)]
    umbrella.pose = easiest(person, umbrella, poses, {side: "handle"})
    hold(group, person, side, umbrella, "handle")
    relax(group, person, rest, swing=12)
    group.relate(person, "hold,carry", umbrella, "handle")


@act("share an umbrella", {"umbrella": ("hold", "stand under")}, OUTSIDE)
def share_umbrella(group: Group) -> None:
    rng = group.rng
    friend, holder = sorted((group.person(), group.person()), key=lambda person: person.rest.height)
    stand(group, friend, turn=float(rng.uniform(-12, 12)))
    relax(group, friend)
    side = "L" if rng.random() < 0.5 else "R"
    apart = float(rng.uniform(0.48, 0.54))
    friend.body.shift(vec(side_sign(side) * apart, float(rng.uniform(-0.05, 0.05)), 0))
    stand(group, holder)
    umbrella = raise_umbrella(group, holder, side, lean=-4.0)
    relax(group, holder, other(side))
    group.relate(holder, "hold,stand under", umbrella, "handle")
    group.relate(friend, "stand under", umbrella, "canopy")
