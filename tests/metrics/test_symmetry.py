"""Turns after which an object looks the same."""

from __future__ import annotations

import numpy as np
import pytest

from interplay.body.geometry import rotation
from interplay.body.materials import Material
from interplay.body.meshes import Mesh, box, circle, ellipsoid, join, loft, refine
from interplay.errors import InputError
from interplay.metrics.symmetry import symmetric_error, symmetry_turns

PAINT = Material((0.5, 0.5, 0.5))
TURN = rotation((0.3, 1.0, -0.4), 1.1)


def _disc() -> Mesh:
    return refine(loft([[(x, y, -z) for x, z in circle(0.13, 36)] for y in (0.0, 0.02)], PAINT), 0.03)


def _hammer() -> Mesh:
    return refine(join([box((0.05, 0.5, 0.05), PAINT), box((0.3, 0.1, 0.1), PAINT, (0.1, 0.25, 0.02))]), 0.05)


def test_a_disc_may_turn_and_lie_on_either_face() -> None:
    mesh = _disc()
    true = mesh.vertices @ TURN.T + [0.1, 0.2, 2.0]
    turns = symmetry_turns(true, mesh.faces)
    assert len(turns) > 72
    np.testing.assert_allclose(turns[0], np.eye(3), atol=1e-12)
    np.testing.assert_allclose(turns @ turns.transpose(0, 2, 1), np.broadcast_to(np.eye(3), turns.shape), atol=1e-9)
    other = mesh.vertices @ rotation((0, 1, 0), 1.0).T @ TURN.T + [0.1, 0.2, 2.0]
    assert np.median(np.linalg.norm(other - true, axis=1)) > 0.05
    assert symmetric_error(other, true, mesh.faces) < 0.006
    assert symmetric_error(other + np.array([0, 0, 0.1]), true, mesh.faces) == pytest.approx(0.1, abs=0.01)


def test_a_hammer_looks_the_same_in_one_place_only() -> None:
    mesh = _hammer()
    assert len(symmetry_turns(mesh.vertices, mesh.faces)) == 1
    away = mesh.vertices @ rotation((0, 1, 0), np.pi).T
    expected = np.median(np.linalg.norm(away - mesh.vertices, axis=1))
    assert symmetric_error(away, mesh.vertices, mesh.faces) == pytest.approx(expected)


def test_a_brick_has_four_turns_and_a_ball_has_all() -> None:
    brick = refine(box((0.5, 0.3, 0.15), PAINT), 0.05)
    assert len(np.unique(np.round(symmetry_turns(brick.vertices, brick.faces), 6), axis=0)) == 4
    ball = ellipsoid((0, 0, 0), (0.1, 0.1, 0.1), PAINT)
    assert symmetric_error(ball.vertices @ TURN.T, ball.vertices, ball.faces) < 0.03


def test_what_cannot_be_compared_is_refused() -> None:
    mesh = _hammer()
    with pytest.raises(InputError, match="expected finite vertices"):
        symmetric_error(mesh.vertices[:-1], mesh.vertices, mesh.faces)
    with pytest.raises(InputError, match="no area"):
        symmetry_turns(np.zeros((3, 3)), [[0, 1, 2]])
