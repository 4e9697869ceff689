"""What people do without an object: walking, running, jumping, standing."""

from __future__ import annotations

from interplay.body.geometry import vec
from interplay.world.places.kinds import OUTDOORS
from interplay.world.posing.boarding import spread_arms
from interplay.world.posing.group import Group, lowest
from interplay.world.posing.hands import relax_hands
from interplay.world.posing.limbs import solve_arm
from interplay.world.posing.nearby import idle, stand_aside
from interplay.world.posing.stances import leap, stride
from interplay.world.scene import Person

from .ball_in_hand import from_shoulder
from .registry import act


def run_arms(group: Group, person: Person, front: str) -> None:
    """Bent arms that swing against the legs."""
    rng = group.rng
    for side in "LR":
        ahead = float(rng.uniform(0.08, 0.16)) if side != front else -float(rng.uniform(0.02, 0.08))
        low = -float(rng.uniform(0.06, 0.12)) if side != front else -float(rng.uniform(0.17, 0.21))
        solve_arm(person.body, side, from_shoulder(person, side, 0.03, ahead, low))
    relax_hands(person.body)


def sprint(group: Group, person: Person) -> str:
    """Run, with both feet just off the ground or the rear one pushing off; returns the side of the front foot."""
    rng = group.rng
    front = stride(group, person, length=0.42, lean=float(rng.uniform(6, 16)), lift=0.01)
    person.body.shift(vec(0, 0, float(rng.uniform(0.0, 0.06)) - lowest(person)))
    run_arms(group, person, front)
    return front


@act("run", {"": "run"}, OUTDOORS, weight=0.8, style="sport")
def run(group: Group) -> None:
    person = group.person()
    sprint(group, person)
    group.relate(person, "run")


@act("jump in the air", {"": "jump"}, OUTDOORS, weight=0.5, style="sport")
def jump(group: Group) -> None:
    person = group.person()
    leap(group, person, height=float(group.rng.uniform(0.1, 0.3)))
    spread_arms(group, person, most=0.25)
    group.relate(person, "jump")


@act("walk or stand about", {"": ("walk", "stand")}, (*OUTDOORS, "snow"), weight=0.8)
def walk(group: Group) -> None:
    rng = group.rng
    idle(group, group.person(), walking=0.6)
    for _ in range(int(rng.integers(0, 3))):
        friend = group.person()
        idle(group, friend, walking=0.6)
        stand_aside(group, friend, float(rng.uniform(-180, 180)), float(rng.uniform(0.05, 0.5)))
