"""Dogs at home: petted by someone on a couch or a chair."""

from __future__ import annotations

import numpy as np

from interplay.body.geometry import Array, apply, inverse, vec
from interplay.world.posing.group import Group, upright
from interplay.world.posing.handling import free_side, grasp
from interplay.world.posing.placing import arm_cost
from interplay.world.posing.postures import SEATS, rest_hands, settle_anywhere
from interplay.world.posing.stances import side_sign
from interplay.world.scene import SceneObject

from .registry import act


@act("pet a dog from one's seat", {**SEATS, "dog": ("pet", "look")}, ("living room",), weight=1.2)
def pet_from_seat(group: Group) -> None:
    """The dog stands beside the knees; a hand lies on its head or back."""
    person, rng = group.person(), group.rng
    posture = settle_anywhere(group, person, standing=0.0)
    side, rest = free_side(group)
    s = side_sign(side)
    dog = group.make("dog")
    knee = person.body.joint(f"lowerleg01.{side}")
    preferred = str(rng.choice(["head", "back"]))
    best, name = np.inf, preferred
    for part in ("head", "back"):
        spot = dog.model.grips[part]
        for turn in rng.uniform(-0.6, 0.6, 2) + (np.pi if part == "head" else 0.5 * np.pi):
            for aside in (0.15, 0.3, 0.42):
                for ahead in (-0.05, 0.15, 0.35):
                    pose = upright(vec(0, 0, 0), float(turn))
                    at = vec(knee[0] + s * aside, knee[1] - ahead, 0.0)
                    pose[:3, 3] = at - pose[:3, :3] @ (spot.position * vec(1, 1, 0))
                    cost = 0.5 * crowded(group, dog, pose) + (0.0 if part == preferred else 10.0)
                    if cost < best and (cost := cost + arm_cost(person, side, spot.moved(pose))) < best:
                        best, name, dog.pose = cost, part, pose
    for forward in (0.0, 12.0, 24.0, 36.0, 48.0, 56.0):
        if arm_cost(person, side, dog.model.grips[name].moved(dog.pose)) < 4.0:
            break
        person.body.bend_spine(forward=forward, left=s * forward * 0.35)
    person.body.look_at(dog.model.points["collar"] @ dog.pose[:3, :3].T + dog.pose[:3, 3], share=0.9)
    grasp(group, person, side, dog, name)
    rest_hands(group, person, posture, rest)
    group.relate(person, "pet,look", dog, name)


def crowded(group: Group, dog: SceneObject, pose: Array) -> int:
    """How many points of the person and the seat would be in the box around a dog in that pose."""
    low, high = dog.model.mesh.bounds()
    others = [group.people[0].vertices()[::6], *(t.vertices() for t in group.objects if t is not dog)]
    local = apply(inverse(pose), np.concatenate(others))
    return int(np.all((local > low) & (local < high - vec(0, 0, 0.12)), axis=1).sum())
