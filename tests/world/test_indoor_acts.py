"""At home: seats under people, drinks at lips, telephones at ears, hands around objects and not through them."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial import cKDTree

pytest.importorskip("anny")

from interplay.body.geometry import apply, inverse
from interplay.body.model import PARTS
from interplay.world.acts import ACTS, perform
from interplay.world.posing.group import Group
from interplay.world.posing.skin import ear, mouth
from interplay.world.scene import Person, SceneObject


def group_of(name: str, seed: int) -> Group:
    return perform(ACTS[name], Group(np.random.default_rng(seed), style=ACTS[name].style))


def flesh(person: Person, *parts: str) -> np.ndarray:
    return person.vertices()[np.isin(person.body.model.part, [PARTS.index(p) for p in parts])]


def used(group: Group, verb: str) -> tuple[Person, SceneObject]:
    relation = next(r for r in group.relations if r.verb == verb)
    assert relation.object is not None
    return group.people[relation.human], group.objects[relation.object]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("name", ["sit on a chair", "sit on a couch", "sit on a bed", "type on a laptop"])
def test_who_sits_presses_on_the_seat_and_is_not_sunk_in_it(name: str, seed: int) -> None:
    group = group_of(name, seed)
    person, seat = used(group, "sit on")
    spot = seat.model.spots[next(r.affordance for r in group.relations if r.verb == "sit on") or ""].moved(seat.pose)
    heights = (flesh(person, "hips", "left thigh", "right thigh") - spot.position) @ spot.normal
    assert -0.03 < heights.min() < 0.02
    assert cKDTree(seat.vertices()).query(flesh(person, "hips"))[0].min() < 0.05


@pytest.mark.parametrize("seed", range(3))
def test_there_is_room_for_thighs_under_a_table(seed: int) -> None:
    group = group_of("sit at a table", seed)
    person, table = used(group, "sit at")
    thighs = flesh(person, "left thigh", "right thigh")
    distance = cKDTree(table.vertices()).query(thighs)[0]
    assert distance.min() > 0.004
    x, y, z = apply(inverse(table.pose), thighs).T
    _, high = table.model.mesh.bounds()
    assert z[(y < high[1] - 0.05) & (np.abs(x) < high[0] - 0.05)].max(initial=0.0) < high[2] - 0.03


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("name", ["drink from a bottle", "drink from a cup", "drink from a wine glass"])
def test_the_rim_is_at_the_lips(name: str, seed: int) -> None:
    person, vessel = used(group_of(name, seed), "drink with")
    point, out = mouth(person)
    nearest = cKDTree(vessel.vertices()).query(point)[0]
    assert nearest < 0.02
    assert (vessel.vertices().mean(0) - point) @ out > 0


@pytest.mark.parametrize("seed", range(3))
def test_the_telephone_is_at_an_ear(seed: int) -> None:
    person, phone = used(group_of("talk on a cell phone", seed), "talk on")
    assert min(cKDTree(phone.vertices()).query(ear(person, side)[0])[0] for side in "LR") < 0.04


@pytest.mark.parametrize("seed", range(3))
def test_fingers_and_thumb_go_around_a_bottle(seed: int) -> None:
    person, bottle = used(group_of("drink from a bottle", seed), "drink with")
    hands = apply(inverse(bottle.pose), flesh(person, "left hand", "right hand"))
    grip = bottle.model.grips["body"]
    beside = hands[np.abs(hands[:, 2] - grip.position[2]) < 0.06]
    reach = np.hypot(beside[:, 0], beside[:, 1])
    near = reach[reach < 0.1]
    assert len(near) > 50
    assert near.min() > grip.radius - 0.013


@pytest.mark.parametrize("name", ["lie on a bed", "lie on a couch"])
def test_who_lies_is_stretched_out_on_the_surface(name: str) -> None:
    for seed in range(3):
        group = group_of(name, seed)
        person, support = used(group, "lie on")
        spot = support.model.spots["lie"].moved(support.pose)
        trunk = (flesh(person, "hips", "belly", "chest") - spot.position) @ spot.normal
        assert -0.05 < trunk.min() < 0.02
        head, hips = flesh(person, "head").mean(0), flesh(person, "hips").mean(0)
        assert (head - hips) @ spot.ahead > 0.25 * person.rest.height


def test_an_object_handed_over_is_held_by_both() -> None:
    group = group_of("hand something over", 0)
    assert {(r.human, r.verb, r.object) for r in group.relations} == {(0, "hold", 0), (1, "hold", 0)}
    for person in group.people:
        hands = flesh(person, "left hand", "right hand")
        assert cKDTree(group.objects[0].vertices()).query(hands)[0].min() < 0.02


def test_clutter_and_bystanders_take_no_part() -> None:
    group = group_of("drink beside things on the table", 0)
    touched = {relation.object for relation in group.relations}
    assert len(touched) < len(group.objects)
    group = group_of("eat from a bowl near somebody", 0)
    assert {relation.human for relation in group.relations if relation.object is not None} == {0}
    assert len(group.people) == 2
