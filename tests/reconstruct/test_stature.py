"""Bodies of a given height."""

from __future__ import annotations

import numpy as np
import pytest

from interplay.errors import InputError

pytest.importorskip("anny", reason="needs the extra body")

from interplay.body.model import load_body_model
from interplay.reconstruct.stature import CHILD, description_of_height, in_words


@pytest.mark.parametrize("height", [0.8, 1.1, 1.4, 1.5, 1.7, 2.0])
def test_a_body_has_the_height_that_is_asked_for(height: float) -> None:
    assert load_body_model().rest(description_of_height(height)).height == pytest.approx(height, abs=0.01)


def test_the_smaller_a_child_the_larger_the_head_for_the_body() -> None:
    model = load_body_model()

    def head(height: float) -> float:
        points = model.rest(description_of_height(height)).vertices
        return float(np.ptp(points[model.part == 0, 2]) / np.ptp(points[:, 2]))

    assert head(0.8) > head(1.1) > head(1.4) > head(1.8)


def test_nobody_is_that_tall() -> None:
    with pytest.raises(InputError, match=r"expected 0\.6 to 2\.2 metres"):
        description_of_height(2.5)
    assert in_words(CHILD - 0.1) == "a child of 1.35 m"
    assert in_words(None) == "an average adult"
