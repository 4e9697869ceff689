"""Metrics of reconstructions."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from interplay.body.geometry import rotation
from interplay.body.materials import Material
from interplay.body.meshes import box, ellipsoid
from interplay.errors import InputError
from interplay.metrics.reconstruction import aligned_chamfer, chamfer_distance, penetration_volume

PAINT = Material((0.5, 0.5, 0.5))
BODY = ellipsoid((0, 0, 0), (0.3, 0.2, 0.9), PAINT, 24, 15)
CUBE = box((0.4, 0.4, 0.4), PAINT)


def test_chamfer_distance_is_the_mean_of_both_directions() -> None:
    assert chamfer_distance([[0.0, 0, 0]], [[0.0, 0, 1], [0, 0, 3]]) == 1.5
    assert chamfer_distance(torch.zeros(1, 3), np.ones((1, 3))) == pytest.approx(3**0.5)


def test_alignment_takes_out_where_how_and_how_large_both_are() -> None:
    cube = np.add(CUBE.vertices, [0.5, 0, 0])
    turn = rotation((1.0, 2, 3), 1.1)
    human, object = (1.7 * v @ turn.T + [3.0, -1, 4] for v in (BODY.vertices, cube))
    found = aligned_chamfer(human, object, BODY.vertices, cube, BODY.faces, CUBE.faces)
    assert max(found) < 0.01  # of different points of the same surface, which are 1 cm apart


def test_an_object_that_is_off_shows_in_the_objects_distance() -> None:
    cube = np.add(CUBE.vertices, [0.5, 0, 0])
    off = np.add(cube, [0, 0, 0.2])
    by_human = aligned_chamfer(BODY.vertices, off, BODY.vertices, cube, BODY.faces, CUBE.faces, align="human")
    assert by_human.human < 0.015
    assert by_human.object > 0.05
    by_both = aligned_chamfer(BODY.vertices, off, BODY.vertices, cube, BODY.faces, CUBE.faces)
    assert by_both.object < by_human.object


def test_penetration_is_the_volume_of_what_both_hold() -> None:
    moved = np.add(CUBE.vertices, [0.3, 0, 0])
    found = penetration_volume(CUBE.vertices, CUBE.faces, moved, CUBE.faces)
    assert found == pytest.approx(0.1 * 0.4 * 0.4, rel=0.05)
    assert penetration_volume(CUBE.vertices, CUBE.faces, np.add(moved, [0.2, 0, 0]), CUBE.faces) == 0


def test_what_is_no_mesh_is_refused() -> None:
    with pytest.raises(InputError, match="as many vertices in both"):
        aligned_chamfer(BODY.vertices[:-1], CUBE.vertices, BODY.vertices, CUBE.vertices, BODY.faces, CUBE.faces)
    with pytest.raises(InputError, match="expected points"):
        chamfer_distance(np.zeros((0, 3)), np.zeros((1, 3)))
    with pytest.raises(InputError, match="not finite"):
        chamfer_distance(np.full((1, 3), np.nan), np.zeros((1, 3)))
    with pytest.raises(InputError, match="spacing: expected a positive"):
        penetration_volume(CUBE.vertices, CUBE.faces, CUBE.vertices, CUBE.faces, spacing=0)
    with pytest.raises(InputError, match="expected 'both' or 'human'"):
        aligned_chamfer(BODY.vertices, CUBE.vertices, BODY.vertices, CUBE.vertices, BODY.faces, CUBE.faces, align="x")  # type: ignore[arg-type]
