"""Riding, leading, stroking and feeding horses."""

from __future__ import annotations

import numpy as np

from interplay.body.geometry import Z, degrees, unit, vec
from interplay.world.objects.base import Grip
from interplay.world.places.kinds import PlaceKind
from interplay.world.posing.fitting import make_fitted
from interplay.world.posing.group import Group, upright
from interplay.world.posing.handling import free_side, reach, relax
from interplay.world.posing.lines import add_line, fist_center
from interplay.world.posing.mounting import feet_on_pedals, lean_to, look_ahead, take_handles
from interplay.world.posing.placing import easiest, offer
from interplay.world.posing.stances import other, side_sign, stand, stride
from interplay.world.scene import Person

from .registry import act

FIELD: tuple[PlaceKind, ...] = ("park",)


@act("ride a horse", {"horse": ("ride", "straddle", "hold")}, ("park", "beach"), weight=2.0)
def ride_horse(group: Group) -> None:
    person = group.person()
    horse = make_fitted(group, person, "horse", least=0.7)
    lean_to(person, horse, horse.model.spots["saddle"], float(group.rng.uniform(-2, 12)), 36)
    take_handles(group, person, horse)
    feet_on_pedals(group, person, horse, outwards=1.1)
    look_ahead(group, person, horse)
    group.relate(person, "ride,straddle", horse, "saddle")
    group.relate(person, "hold", horse, "reins")


@act("lead a horse", {"horse": ("walk", "hold")}, FIELD)
def lead_horse(group: Group) -> None:
    rng = group.rng
    person = group.person()
    horse = group.make("horse")
    side, h = free_side(group)[0], person.rest.height
    s = side_sign(side)
    stride(group, person, length=float(rng.uniform(0.22, 0.34)))
    horse.pose = upright(vec(s * float(rng.uniform(0.5, 0.62)), float(rng.uniform(1.1, 1.3)), 0))
    chin = horse.pose[:3, 3] + vec(-s * 0.07, -1.3, 1.46)
    hand = person.body.joint(f"upperarm01.{side}") + h * vec(s * 0.09, -0.12, -0.1)
    reach(person, side, Grip(hand, unit(chin - hand), None, 0.01))
    add_line(group, fist_center(person, side), chin, sag=0.04, thickness=0.007)
    relax(group, person, other(side), swing=12)
    group.relate(person, "walk,hold", horse, "lead")


@act("pet a horse", {"horse": "pet"}, FIELD, weight=1.2)
def pet_horse(group: Group) -> None:
    rng = group.rng
    person = group.person(adult=True)
    horse = group.make("horse")
    stand(group, person, lean=float(rng.uniform(0, 6)))
    side, h = free_side(group)[0], person.rest.height
    turn = degrees(Z, 90.0 if rng.random() < 0.5 else -90.0)  # the horse's left or right flank towards the person
    places = []
    for ahead in (0.3, 0.26, 0.34, 0.22):
        pose = np.eye(4)
        pose[:3, :3] = turn
        neck = neck_grip(turn)
        goal = vec(side_sign(side) * 0.05 * h, -ahead * h, 0.0)
        pose[:2, 3] = goal[:2] - (turn @ neck.position)[:2]
        places.append(pose)
    horse.pose = easiest(person, horse, places, {side: neck_grip(turn)})
    group.miss("hand on horse", _touch(group, person, side, neck_grip(turn).moved(horse.pose)))
    relax(group, person, other(side))
    person.body.look_at(horse.pose[:3, 3] + turn @ vec(0, -1.0, 1.7), share=0.8)
    group.relate(person, "pet", horse, "neck")


def neck_grip(turn: np.ndarray) -> Grip:
    """Where a flat hand lies on the side of the neck that looks to +y once the horse is turned."""
    s = 1.0 if (turn @ vec(1, 0, 0))[1] > 0 else -1.0
    return Grip(vec(s * 0.205, -0.66, 1.33), Z, vec(-s, 0, 0), 0.0, "palm")


def _touch(group: Group, person: Person, side: str, grip: Grip) -> float:
    return float(np.linalg.norm(reach(person, side, grip)[1]))


@act("feed a horse", {"horse": "feed", "carrot": "hold"}, FIELD, weight=0.8)
def feed_horse(group: Group) -> None:
    rng = group.rng
    person = group.person(adult=True)
    horse, carrot = group.make("horse"), group.make("carrot")
    stand(group, person, lean=float(rng.uniform(0, 8)))
    side, h = free_side(group)[0], person.rest.height
    mouth = vec(side_sign(side) * 0.08 * h, -0.36 * h, 1.38)
    horse.pose = upright(vec(0, 0, 0), np.pi + float(rng.uniform(-0.5, 0.5)))
    horse.pose[:2, 3] = (mouth - horse.pose[:3, :3] @ vec(0, -1.43, 1.38))[:2]
    offer(group, person, side, carrot, "root", mouth)
    relax(group, person, other(side))
    person.body.look_at(mouth + vec(0, -0.2, 0.2), share=0.8)
    group.relate(person, "feed", horse, "mouth")
    group.relate(person, "hold", carrot, "root")
