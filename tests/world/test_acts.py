"""Every act of the generated world does what it says, with hands, feet and seats where they belong."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import numpy as np
import pytest
from scipy.spatial import cKDTree

pytest.importorskip("anny")

from interplay.body.geometry import closest_on_triangles
from interplay.body.model import PARTS, load_body_model
from interplay.errors import InputError
from interplay.vocabulary import Vocabulary
from interplay.world.acts import ACTS, perform
from interplay.world.posing.group import Group
from interplay.world.scene import Person, SceneObject

SEEDS = (0, 1)
IN_HAND = {"hold", "swing", "wield", "drag", "pet", "pick up", "lift"}
"""Verbs that no one does without touching the object with a hand."""

AT_A_DISTANCE = {"lead", "line"}
"""Affordances through which a dog, a horse or a kite is held: by a line, not by the hand itself."""


@cache
def performed(name: str, seed: int) -> Group:
    chosen = ACTS[name]
    return perform(chosen, Group(np.random.default_rng(seed), style=chosen.style))


def groups(name: str) -> Iterator[Group]:
    return (performed(name, seed) for seed in SEEDS)


def hand_distance(person: Person, object: SceneObject) -> float:
    """Metres from the skin of the hands to the surface of an object."""
    parts = [PARTS.index("left hand"), PARTS.index("right hand")]
    hands = person.vertices()[np.isin(load_body_model().part, parts)]
    triangles = object.vertices()[object.model.mesh.faces]
    _, nearest = cKDTree(triangles.mean(1)).query(hands, k=min(6, len(triangles)))
    return min(
        float(np.linalg.norm(hands - closest_on_triangles(hands, triangles[column]), axis=1).min())
        for column in nearest.reshape(len(hands), -1).T
    )


@pytest.mark.parametrize("name", ACTS)
def test_people_reach_what_they_aim_at(name: str) -> None:
    for group in groups(name):
        missed = {goal: metres for goal, metres in group.residuals if not metres < 0.02}
        assert not missed


@pytest.mark.parametrize("name", [n for n, a in ACTS.items() if any(v in IN_HAND for v, _ in a.interactions)])
def test_what_is_held_touches_a_hand(name: str) -> None:
    for group in groups(name):
        for relation in group.relations:
            if relation.verb in IN_HAND and relation.object is not None and relation.affordance not in AT_A_DISTANCE:
                object = group.objects[relation.object]
                distance = hand_distance(group.people[relation.human], object)
                assert distance < 0.01, f"{relation.verb} {object.category}: {100 * distance:.1f} cm"


@pytest.mark.parametrize("name", [n for n, a in ACTS.items() if a.negative])
def test_in_a_negative_nobody_does_anything_with_an_object(name: str) -> None:
    for group in groups(name):
        assert group.people
        assert group.objects
        assert all(relation.object is None for relation in group.relations)


@pytest.mark.parametrize("name", [n for n, a in ACTS.items() if not a.negative])
def test_in_every_other_act_something_is_done(name: str) -> None:
    for group in groups(name):
        assert group.relations
        assert len(set(group.relations)) == len(group.relations)


def test_nothing_is_named_that_the_benchmarks_do_not_know() -> None:
    verbs = {verb for name in ("hico-det", "v-coco") for verb in Vocabulary.load(name).verbs}
    objects = {*Vocabulary.load("coco").objects, ""}
    pairs = {pair for act in ACTS.values() for pair in act.interactions}
    assert {category for _, category in pairs} <= objects
    assert {verb for verb, _ in pairs} <= verbs


def test_the_same_seed_gives_the_same_group() -> None:
    name = "ride a bicycle"
    one, two = (perform(ACTS[name], Group(np.random.default_rng(3))) for _ in range(2))
    assert np.array_equal(one.people[0].vertices(), two.people[0].vertices())
    assert np.array_equal(one.objects[0].vertices(), two.objects[0].vertices())


def test_an_act_may_not_do_what_it_did_not_announce() -> None:
    from dataclasses import replace

    silent = replace(ACTS["kick a ball"], interactions=(("throw", "sports ball"),))
    with pytest.raises(InputError, match="does not list 'kick'"):
        perform(silent, Group(np.random.default_rng(0)))
