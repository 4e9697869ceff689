"""Getting dressed and groomed: ties, toothbrushes, hair driers."""

from __future__ import annotations

import numpy as np

from interplay.body.geometry import Y, Z, frame, rotation, transform, unit, vec
from interplay.world.objects.base import Grip
from interplay.world.places.kinds import INDOORS
from interplay.world.posing.fitting import make_fitted
from interplay.world.posing.group import Group
from interplay.world.posing.handling import free_side, reach, relax
from interplay.world.posing.lips import hold_by, to_mouth
from interplay.world.posing.placing import easiest, turned_to
from interplay.world.posing.postures import SEATS, rest_hands, settle_anywhere
from interplay.world.posing.skin import ear, head_frame, skin_point
from interplay.world.posing.stances import other, stand
from interplay.world.scene import Person, SceneObject

from .registry import act


@act("brush one's teeth", {"toothbrush": ("hold", "brush with")}, ("bedroom",), weight=1.2)
def brush_teeth(group: Group) -> None:
    """The brush's head between the lips."""
    person = group.person()
    stand(group, person, lean=4.0)
    side, rest = free_side(group)
    brush = group.make("toothbrush")
    person.body.turn_head(nod=float(group.rng.uniform(0, 12)), turn=float(group.rng.normal(0, 8)))
    point = brush.model.points["head"]
    to_mouth(group, person, side, brush, "handle", point, -Y, (-20, 0, 10), gap=-0.004)
    relax(group, person, rest)
    group.relate(person, "hold,brush with", brush, "handle")


@act("dry one's hair", {"hair drier": ("hold", "operate")}, ("bedroom",), weight=1.2)
def dry_hair(group: Group) -> None:
    """A drier blowing at the head from a hand's breadth away."""
    person, rng = group.person(), group.rng
    posture = settle_anywhere(group, person, standing=1.0)
    side, rest = free_side(group)
    person.body.turn_head(nod=float(rng.uniform(0, 15)), turn=float(rng.normal(0, 10)))
    drier = make_fitted(group, person, "hair drier", 0.8, 0.95)
    at, out = ear(person, side)
    head = head_frame(person)
    poses = []
    for up in (0.25, 0.6):
        for ahead in (-0.9, -0.5, 0.1):
            away = unit(out + up * head[:, 2] + ahead * head[:, 1])
            nozzle = at + 0.045 * head[:, 2] + float(rng.uniform(0.07, 0.11)) * away
            turn = frame(away, head[:, 2])[:, [2, 0, 1]]
            for roll in (0.0, 35.0, -35.0):
                poses.append(turned_to(rotation(away, np.radians(roll)) @ turn, nozzle, drier.model.points["nozzle"]))
    drier.pose = easiest(person, drier, poses, {side: "handle"})
    hold_by(group, person, side, drier, "handle")
    rest_hands(group, person, posture, rest)
    group.relate(person, "hold,operate", drier, "handle")


def put_on_tie(person: Person, tie: SceneObject) -> None:
    """Hang a tie from the collar so that it lies on the chest without dipping into it."""
    body = person.body
    chest = body.orientation("spine01")
    out, up = chest @ -Y, chest @ Z
    neck = body.joint("neck01")
    knot = skin_point(person, neck, out, 0.025, ("neck", "chest", "head"))
    length = -float(tie.model.mesh.bounds()[0][2])
    shares = np.linspace(0.15, 1.0, 10)
    behind = 0.2 * person.rest.height * out
    trunk = ("neck", "chest", "belly", "hips")
    surface = [skin_point(person, knot - share * length * up - behind, out, 0.02, trunk) for share in shares]
    proud = np.array([(point - knot) @ out for point in surface]) + 0.006
    slope = float(np.clip((proud / (shares * length))[shares > 0.3].max(), -0.1, 0.6))
    lift = max(0.006, float((proud - slope * shares * length).max()))
    down = unit(-up + slope * out)
    back = unit(-out - slope * up)
    tie.pose = transform(np.stack([np.cross(back, -down), back, -down], 1), knot + lift * out)


@act("wear a tie", {**SEATS, "tie": "wear"}, (*INDOORS, "street"), weight=1.2)
def wear_tie(group: Group) -> None:
    """Arms as they come."""
    person = group.person(adult=True)
    posture = settle_anywhere(group, person, standing=0.8)
    put_on_tie(person, group.make("tie"))
    rest_hands(group, person, posture)
    group.relate(person, "wear", group.objects[-1])


@act("adjust a tie", {"tie": ("wear", "adjust", "hold", "tie")}, ("bedroom", "office"))
def adjust_tie(group: Group) -> None:
    """One hand at the knot, the other one at the blade."""
    person, rng = group.person(adult=True), group.rng
    stand(group, person)
    tie = group.make("tie")
    put_on_tie(person, tie)
    side = free_side(group)[0]
    for hand, down in ((side, 0.02), (other(side), float(rng.uniform(0.1, 0.16)))):
        point, axis = tie.pose[:3, :3] @ vec(0.0, 0.0, -down) + tie.pose[:3, 3], tie.pose[:3, 2]
        miss = reach(person, hand, Grip(point - 0.01 * tie.pose[:3, 1], axis, tie.pose[:3, 1], 0.008, "pinch"))[1]
        group.miss("hand on tie", float(np.linalg.norm(miss)))
    person.body.turn_head(nod=float(rng.uniform(0, 15)), turn=float(rng.normal(0, 8)))
    group.relate(person, "wear,adjust,hold,tie", tie, "knot")
