"""Opening refrigerators, ovens and microwaves."""

from __future__ import annotations

import numpy as np

from interplay.body.geometry import vec
from interplay.world.objects import ObjectModel, make_object
from interplay.world.posing.group import Group, upright
from interplay.world.posing.handling import grasp, relax
from interplay.world.posing.stances import crouch, other, side_sign, stand
from interplay.world.scene import Person, SceneObject

from .registry import act


def stand_over(group: Group, person: Person, side: str, height: float) -> None:
    """Stand, or bend down, until a hand can reach a height, metres."""
    h = person.rest.height

    def reaches() -> bool:
        return float(person.body.joint(f"upperarm01.{side}")[2]) - height < 0.17 * h

    for lean in (4.0, 14.0, 24.0):
        stand(group, person, lean=lean)
        if reaches():
            return
    for depth in (0.15, 0.3, 0.45):
        crouch(group, person, depth=depth, lean=28.0 + 50.0 * depth)
        if reaches():
            return


def before(
    group: Group, person: Person, side: str, model: ObjectModel, lift: float = 0.0, aside: float = 0.06
) -> SceneObject:
    """Put a machine that faces the person where a hand reaches its door's handle.

    Args:
        group: the person's.
        person: on the feet, facing -y.
        side: of the hand.
        model: with a grip "door handle", its front at -y.
        lift: height of what it stands on, metres.
        aside: how far outside of the shoulder the handle is, in body heights.
    """
    h = person.rest.height
    shoulder = person.body.joint(f"upperarm01.{side}")
    turned = upright(vec(0, 0, 0), np.pi)
    handle = turned[:3, :3] @ model.grips["door handle"].position + vec(0, 0, lift)
    drop = float(shoulder[2] - handle[2])
    length = float(group.rng.uniform(0.25, 0.275)) * h
    ahead = float(np.sqrt(max(length**2 - drop**2 - (aside * h) ** 2, (0.19 * h) ** 2)))
    at = vec(shoulder[0] + side_sign(side) * aside * h, shoulder[1] - ahead, handle[2])
    turned[:3, 3] = at - (handle - vec(0, 0, lift))
    turned[2, 3] = lift
    return group.add(model, turned)


def open_door(group: Group, person: Person, side: str, machine: SceneObject) -> None:
    """Take the handle, look there and say so."""
    person.body.look_at(machine.model.grips["door handle"].moved(machine.pose).position, share=0.8)
    grasp(group, person, side, machine, "door handle")
    relax(group, person, other(side))
    group.relate(person, "open,hold", machine, "door handle")


@act("open a refrigerator", {"refrigerator": ("open", "hold")}, ("kitchen",), weight=1.6)
def open_refrigerator(group: Group) -> None:
    """Shut, or ajar with the door beside the person."""
    person = group.person()
    ajar = bool(group.rng.random() < 0.6)
    side = "R" if ajar else "L"
    model = make_object("refrigerator", group.rng, group.library, ajar=ajar)
    stand_over(group, person, side, float(model.grips["door handle"].position[2]))
    open_door(group, person, side, before(group, person, side, model))


@act("open an oven", {"oven": ("open", "hold")}, ("kitchen",), weight=1.2)
def open_oven(group: Group) -> None:
    """Bending down to the handle."""
    person, rng = group.person(), group.rng
    side = "R" if rng.random() < 0.75 else "L"
    crouch(group, person, depth=float(rng.uniform(0.3, 0.5)), lean=float(rng.uniform(35, 50)), width=0.18)
    open_door(group, person, side, before(group, person, side, make_object("oven", rng, group.library), aside=0.0))


@act("open a microwave", {"microwave": ("open", "hold")}, ("kitchen",))
def open_microwave(group: Group) -> None:
    """On a table."""
    person, rng = group.person(), group.rng
    table, model = make_object("dining table", rng, group.library), make_object("microwave", rng, group.library)
    top = float(table.spots["top"].position[2])
    stand_over(group, person, "L", top + float(model.grips["door handle"].position[2]))
    machine = before(group, person, "L", model, top, 0.0)
    depth = float(table.mesh.bounds()[1][1])
    front = machine.pose[1, 3] + 0.5 * float(machine.model.size[1])
    group.add(table, upright(vec(machine.pose[0, 3] + float(rng.uniform(-0.2, 0.2)), front + 0.02 - depth, 0.0)))
    open_door(group, person, "L", machine)
