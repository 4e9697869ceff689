"""What lifting and views must do for any mesh and any mask."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from interplay.body.cameras import VIEW_SETS, look_at, project, view_set
from interplay.body.lifting import contact_mask, lift_human, lift_human_hard, lift_object, lift_points
from interplay.body.raycast import pixel_table
from interplay.body.splatting import draw_points, point_table
from interplay.errors import InputError

TETRAHEDRON = (
    np.array([[0, 0.5, 0], [0.5, -0.3, -0.3], [-0.5, -0.3, -0.3], [0, -0.3, 0.5]]),
    np.array([[0, 1, 2], [0, 2, 3], [0, 3, 1], [1, 3, 2]]),
)
SIZE = 24


@pytest.fixture(scope="module")
def table() -> tuple[np.ndarray, np.ndarray]:
    pytest.importorskip("embreex")
    R, T = (np.stack(each) for each in zip(*(look_at(*v) for v in VIEW_SETS["object_4MV-Z_HM"].values()), strict=True))
    return pixel_table(*TETRAHEDRON, R, T, SIZE)


def test_a_table_says_where_the_seen_point_is(table: tuple[np.ndarray, np.ndarray]) -> None:
    vertices, faces = TETRAHEDRON
    for view, (R, T) in enumerate(look_at(*v) for v in VIEW_SETS["object_4MV-Z_HM"].values()):
        row, column = np.nonzero(table[0][view] >= 0)
        assert len(row) > 20
        corners = vertices[faces[table[0][view, row, column]]]
        seen = (table[1][view, row, column][..., None] * corners).sum(1)
        pixels = project(seen, R, T, SIZE)[:, :2]
        np.testing.assert_allclose(pixels, np.stack([column, row], 1) + 0.5, atol=1e-3)
    assert (table[1][table[0] < 0] == -1).all()


def test_one_view_and_tensors_give_the_same(table: tuple[np.ndarray, np.ndarray]) -> None:
    R, T = look_at(*VIEW_SETS["object_4MV-Z_HM"]["frontright"])
    face, bary = pixel_table(*(torch.from_numpy(each) for each in (*TETRAHEDRON, R, T)), SIZE)
    np.testing.assert_array_equal(face.numpy(), table[0][1])
    np.testing.assert_array_equal(bary.numpy(), table[1][1])


def test_views_from_above_and_below_are_upright() -> None:
    for elevation in (90.0, 270.0, -90.0):
        R, _ = look_at(2.0, elevation, 30.0)
        np.testing.assert_allclose(R @ R.T, np.eye(3), atol=1e-12)
        assert np.linalg.det(R) == pytest.approx(1)


@given(st.floats(0.5, 9), st.floats(-80, 80), st.floats(-360, 360), st.floats(-1, 1), st.floats(-1, 1))
@settings(max_examples=40, deadline=None)
def test_the_origin_is_seen_where_the_translation_says(d: float, e: float, a: float, x: float, y: float) -> None:
    R, T = look_at(d, e, a, x, y)
    np.testing.assert_allclose(R @ R.T, np.eye(3), atol=1e-9)
    np.testing.assert_allclose(T, [x, y, d])
    half = d * np.tan(np.pi / 6)
    np.testing.assert_allclose(
        project(np.zeros((1, 3)), R, T, 100)[0, :2], 50 - 50 * np.array([x, y]) / half, atol=1e-6
    )


@given(st.integers(0, 2**31))
@settings(max_examples=25, deadline=None)
def test_lifting_is_a_mean_of_what_is_seen(table: tuple[np.ndarray, np.ndarray], seed: int) -> None:
    logits = np.random.default_rng(seed).normal(0, 3, table[0].shape).astype(np.float32)
    args = (*table, TETRAHEDRON[1], 5)
    scores, probabilities = lift_human(logits, *args), 1 / (1 + np.exp(-logits[table[0] >= 0]))
    assert scores[4] == 0, "a vertex of no triangle"
    assert probabilities.min() <= scores[:4].min()
    assert scores[:4].max() <= probabilities.max()
    assert (lift_human(logits + 0.5, *args)[:4] > scores[:4]).all(), "higher logits raise every score"
    hard = lift_object(logits, *args)
    assert ((hard == 0) | (hard > 0.3)).all()
    assert set(np.unique(lift_human_hard(logits, *args))) <= {0, 1}
    order = np.array([2, 0, 3, 1])
    same = lift_human(logits[order], table[0][order], table[1][order], *args[2:])
    np.testing.assert_allclose(same, scores, atol=1e-6)


def test_samples_of_a_batch_share_the_table(table: tuple[np.ndarray, np.ndarray]) -> None:
    logits = np.random.default_rng(0).normal(size=(2, 3, *table[0].shape)).astype(np.float32)
    for lift in (lift_human, lift_human_hard, lift_object):
        batched = lift(logits, *table, TETRAHEDRON[1], 4)
        assert batched.shape == (2, 3, 4)
        np.testing.assert_allclose(batched[1, 2], lift(logits[1, 2], *table, TETRAHEDRON[1], 4), atol=1e-6)
    points = np.where(table[0] >= 0, table[0] % 3, -1)
    batched = lift_points(logits, points, 4)
    np.testing.assert_allclose(batched[0, 1], lift_points(logits[0, 1], points, 4), atol=1e-6)
    contact = np.array([[True, True, True, False], [False] * 4])
    masks = contact_mask(contact, table[0], TETRAHEDRON[1], 3)
    np.testing.assert_array_equal(masks[0], table[0] == 0)
    assert not masks[1].any()


def test_gradients_flow_through_soft_lifting_alone(table: tuple[np.ndarray, np.ndarray]) -> None:
    args = (*(torch.from_numpy(each) for each in (*table, TETRAHEDRON[1])), 4)
    for lift, flows in ((lift_human, True), (lift_object, True), (lift_human_hard, False)):
        logits = torch.zeros(table[0].shape, requires_grad=True)
        assert lift(logits, *args).requires_grad is flows


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"logits": np.zeros((4, 3, 3), np.float32)}, "one size"),
        ({"bary": np.zeros((4, SIZE, SIZE, 2), np.float32)}, "bary"),
        ({"faces": np.array([[0, 1, 2]])}, "pix_to_face"),
        ({"num_vertices": 3}, "faces: expected indices of 3 vertices"),
    ],
)
def test_arrays_that_do_not_fit(table: tuple[np.ndarray, np.ndarray], change: dict, message: str) -> None:
    given = {
        "logits": np.zeros(table[0].shape, np.float32),
        "pix_to_face": table[0],
        "bary": table[1],
        "faces": TETRAHEDRON[1],
        "num_vertices": 4,
    }
    with pytest.raises(InputError, match=message):
        lift_human(**{**given, **change})


@pytest.mark.parametrize(
    ("vertices", "faces", "message"),
    [
        (np.zeros((3, 2)), np.array([[0, 1, 2]]), "vertices"),
        (np.zeros((3, 3)), np.array([[1, 2, 3]]), "first vertex"),
        (np.full((3, 3), np.nan), np.array([[0, 1, 2]]), "finite"),
        (np.zeros((3, 3)), np.array([[0.0, 1.0, 2.0]]), "whole numbers"),
    ],
)
def test_meshes_that_are_none(vertices: np.ndarray, faces: np.ndarray, message: str) -> None:
    with pytest.raises(InputError, match=message):
        pixel_table(vertices, faces, *look_at(2, 0, 0), 8)


def test_views_by_name() -> None:
    assert view_set("4MV-Z_Vitru") is view_set("human_4MV-Z_Vitru")
    with pytest.raises(InputError, match="4MV-Z_Vitru"):
        view_set("human_4MV-Z_Vitro")


def test_the_nearest_of_two_points_is_shown() -> None:
    R, T = (each[None] for each in look_at(2, 0, 0))
    points = np.array([[0, 0, 0], [0, 0, 0.5], [9, 0, 0], [0, 0, 9]])
    table = point_table(points, R, T, 16, 0.2)
    assert set(np.unique(table)) == {-1, 1}, "the second hides the first; the others are beside and behind the camera"
    assert table[0, 8, 8] == 1
    red_then_blue = np.array([[0, 0, 1], [1, 0, 0], [0, 0, 0], [0, 0, 0]])
    drawn = draw_points(points, red_then_blue, R, T, 16, 0.2)[0]
    assert drawn[8, 8, 0] > drawn[8, 8, 2] > 0, "some of what is behind shows through"
    assert (drawn[0] == 255).all()
    for change in ({"size": 0}, {"radius": 0}, {"points": points[0]}):
        with pytest.raises(InputError, match="expected"):
            point_table(**{"points": points, "R": R, "T": T, "size": 8, "radius": 0.1, **change})
