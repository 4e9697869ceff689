"""Signed distances to meshes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("trimesh")

import trimesh

from interplay.body.proximity import signed_distance


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**31), st.floats(0.3, 2.0))
def test_distance_to_a_ball(seed: int, scale: float) -> None:
    rng = np.random.default_rng(seed)
    ball = trimesh.creation.icosphere(3, radius=scale * 0.1)
    direction = rng.normal(size=(40, 3))
    direction /= np.linalg.norm(direction, axis=1)[:, None]
    wanted = rng.uniform(-0.03, 0.03, 40)
    points = direction * (0.1 * scale + wanted)[:, None]
    found = signed_distance(points, ball.vertices, ball.faces, 0.05)
    np.testing.assert_allclose(found, wanted, atol=0.01 * 0.1 * scale + 5e-4)


def test_distance_beyond_reach_is_infinite() -> None:
    ball = trimesh.creation.icosphere(2, radius=0.1)
    found = signed_distance(np.array([[0.3, 0, 0], [0, 0, 0]]), ball.vertices, ball.faces, 0.05)
    assert np.isinf(found).all()
