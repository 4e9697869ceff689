"""How large objects probably are."""

from __future__ import annotations

import math

import numpy as np
import pytest

from interplay.ops.object_names import COCO_OBJECTS
from interplay.reconstruct import size_prior
from interplay.reconstruct.sizes import LEAST_SPREAD, WIDE_SPREAD
from interplay.world.objects import FACTORIES, make_object


@pytest.mark.parametrize("category", ["bench", "bottle", "frisbee", "suitcase", "umbrella"])
def test_the_table_is_that_of_the_generated_world(category: str) -> None:
    prior = size_prior(category)
    assert prior.longest is not None
    for seed in range(5):
        made = float(make_object(category, np.random.default_rng(seed), fine=False).size.max())
        assert abs(math.log(made / prior.longest)) < 3 * prior.spread


def test_every_shape_has_a_size() -> None:
    known = [category for category in FACTORIES if category in COCO_OBJECTS]
    assert len(known) > 50
    for category in known:
        prior = size_prior(category)
        assert prior.longest is not None
        assert 0.05 < prior.longest < 5
        assert LEAST_SPREAD <= prior.spread < WIDE_SPREAD


def test_what_nothing_is_known_of() -> None:
    prior = size_prior("giraffe")
    assert prior.longest is None
    assert prior.spread == WIDE_SPREAD
    assert "giraffe" in prior.source
