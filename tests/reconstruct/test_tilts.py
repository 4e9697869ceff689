"""How objects stand usually."""

from __future__ import annotations

import math

from interplay.reconstruct.sizes import size_prior
from interplay.reconstruct.tilts import LEAST_SPREAD, usual_tilt


def test_what_stands_and_what_is_turned_anyhow() -> None:
    for category in ("bench", "chair", "motorcycle", "horse"):
        tilt = usual_tilt(category)
        assert tilt is not None
        assert LEAST_SPREAD <= tilt < math.radians(20)
        assert (size_prior(category).longest or 0) >= 1 / 3
    assert usual_tilt("tennis racket") is None
    assert usual_tilt("unicycle") is None
