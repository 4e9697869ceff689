"""People stand on the ground whatever they do on their feet."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

pytest.importorskip("anny")

from interplay.world.posing import stances
from interplay.world.posing.group import Group, lowest


@pytest.mark.parametrize("stance", [stances.stand, stances.stride, stances.crouch])
def test_feet_are_on_the_ground(stance: Callable[..., object]) -> None:
    group = Group(np.random.default_rng(0))
    person = group.person()
    stance(group, person)
    assert abs(lowest(person)) < 0.03


def test_a_leap_leaves_the_ground() -> None:
    group = Group(np.random.default_rng(0))
    person = group.person()
    stances.leap(group, person, height=0.2)
    assert lowest(person) > 0.1
