"""Walking, petting, hugging and feeding dogs."""

from __future__ import annotations

import numpy as np

from interplay.body.geometry import unit, vec
from interplay.world.objects.base import Grip
from interplay.world.places.kinds import PlaceKind
from interplay.world.posing.group import Group, upright
from interplay.world.posing.handling import free_side, reach, relax
from interplay.world.posing.lines import add_line, fist_center, hanging_end
from interplay.world.posing.placing import easiest, offer
from interplay.world.posing.stances import crouch, other, side_sign, stand, stride
from interplay.world.scene import Person, SceneObject

from .registry import act

OUT: tuple[PlaceKind, ...] = ("park", "street", "beach")


def on_lead(group: Group, person: Person, side: str, dog: SceneObject) -> None:
    """Hold the lead of a dog that stays where it is."""
    body, h = person.body, person.rest.height
    collar = dog.pose[:3, :3] @ dog.model.points["collar"] + dog.pose[:3, 3]
    shoulder = body.joint(f"upperarm01.{side}")
    away = unit(collar - shoulder)
    hand = shoulder + h * (0.16 * vec(away[0], away[1], 0) + vec(0, 0, -float(group.rng.uniform(0.2, 0.24))))
    reach(person, side, Grip(hand, unit(collar - hand), None, 0.01))
    held = fist_center(person, side)
    add_line(group, held, collar, sag=float(group.rng.uniform(0.0, 0.08)), thickness=0.006)
    add_line(group, held, hanging_end(held, held - collar, 0.12), thickness=0.006)


@act("walk a dog", {"dog": ("walk", "hold")}, OUT, weight=1.6)
def walk_dog(group: Group) -> None:
    rng = group.rng
    person, dog = group.person(), group.make("dog")
    side = free_side(group)[0]
    stride(group, person, length=float(rng.uniform(0.2, 0.36)))
    place = vec(side_sign(side) * float(rng.uniform(0.4, 0.8)), -float(rng.uniform(0.3, 1.2)), 0)
    dog.pose = upright(place, float(rng.normal(0, 0.2)))
    relax(group, person, other(side), swing=16)
    on_lead(group, person, side, dog)
    group.relate(person, "walk,hold", dog, "lead")


@act("hold a dog on a lead", {"dog": "hold"}, OUT, weight=0.8)
def hold_dog(group: Group) -> None:
    rng = group.rng
    person, dog = group.person(), group.make("dog")
    side = free_side(group)[0]
    stand(group, person)
    place = vec(side_sign(side) * float(rng.uniform(0.5, 0.9)), -float(rng.uniform(0.2, 0.7)), 0)
    dog.pose = upright(place, float(rng.choice([0.0, np.pi]) + rng.normal(0, 0.35)))
    relax(group, person, other(side))
    on_lead(group, person, side, dog)
    group.relate(person, "hold", dog, "lead")


@act("pet a dog", {"dog": "pet"}, OUT, weight=1.6)
def pet_dog(group: Group) -> None:
    rng = group.rng
    person, dog = group.person(), group.make("dog")
    side, h = free_side(group)[0], person.rest.height
    name = "head" if rng.random() < 0.6 else "back"
    lean = float(rng.uniform(38, 55)) if name == "head" else float(rng.uniform(54, 64))
    crouch(group, person, depth=float(rng.uniform(0.6, 0.95)), lean=lean, width=0.2)
    spot = dog.model.grips[name].position
    turn = float(rng.uniform(0.5, 1.2)) * (1 if rng.random() < 0.5 else -1) + (np.pi if name == "head" else 0)
    s = side_sign(side)
    poses = []
    for ahead in (0.34, 0.3, 0.38, 0.42, 0.26) if name == "head" else (0.38, 0.4, 0.42):
        goal = vec(s * 0.06 * h, -ahead * h, 0)
        pose = upright(vec(0, 0, 0), turn)
        pose[:2, 3] = (goal - pose[:3, :3] @ spot)[:2]
        poses.append(pose)
    dog.pose = easiest(person, dog, poses, {side: name})
    wrist = reach(person, side, dog.model.grips[name].moved(dog.pose))[1]
    group.miss("hand on dog", float(np.linalg.norm(wrist)))
    relax(group, person, other(side))
    person.body.look_at(dog.pose[:3, :3] @ dog.model.grips["head"].position + dog.pose[:3, 3])
    group.relate(person, "pet", dog, name)


@act("feed a dog", {"dog": "feed", "hot dog": "hold"}, ("park", "street"), weight=0.7)
def feed_dog(group: Group) -> None:
    rng = group.rng
    person, dog, food = group.person(), group.make("dog"), group.make("hot dog")
    side, h = free_side(group)[0], person.rest.height
    crouch(group, person, depth=float(rng.uniform(0.5, 0.9)), lean=float(rng.uniform(30, 50)), width=0.2)
    size = dog.model.points["collar"][2] / 0.58
    mouth = vec(side_sign(side) * 0.06 * h, -0.38 * h, 0.62 * size)
    dog.pose = upright(vec(0, 0, 0), np.pi + float(rng.uniform(-0.6, 0.6)))
    dog.pose[:2, 3] = (mouth - dog.pose[:3, :3] @ vec(0, -0.6 * size, 0))[:2]
    offer(group, person, side, food, "roll", mouth)
    relax(group, person, other(side))
    person.body.look_at(mouth)
    group.relate(person, "feed", dog, "mouth")
    group.relate(person, "hold", food, "roll")
