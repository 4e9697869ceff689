"""Bodies fitted to keypoints."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from interplay.errors import InputError
from interplay.reconstruct.person import assumed_camera, fit_body
from interplay.reconstruct.pose_prior import pose_prior

pytest.importorskip("anny", reason="needs the extra body")

SIZE = (640, 480)


@pytest.fixture(scope="module")
def posed() -> tuple[Any, Any, Any]:
    """A body of the prior in front of a camera: its keypoints in 3D and in the picture."""
    import torch

    from interplay.body.joints import set_pose
    from interplay.body.model import load_body_model
    from interplay.body.pose import Body

    model, prior = load_body_model(), pose_prior()
    body = Body(model, model.template)
    body.place_root([0.2, 0.1, 4.0], np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]]))
    set_pose(body, prior.means[int(prior.weights.argmax())])
    vertices = body.skin()
    points = body.keypoints(vertices)
    camera = assumed_camera(*SIZE)
    pixels = camera.project(torch.from_numpy(points)).numpy()
    return points, np.column_stack([pixels, np.ones(17)]), vertices


def test_a_body_comes_back_from_its_keypoints(posed: tuple[Any, Any, Any]) -> None:
    points, keypoints, vertices = posed
    found = fit_body(keypoints, assumed_camera(*SIZE), noise=0.4, size=SIZE)
    assert found.vertices.shape == vertices.shape
    assert found.residuals["keypoints"] < 0.02
    own, truth = (each - each[[11, 12]].mean(0) for each in (found.keypoints, points))
    assert np.linalg.norm(own - truth, axis=1).mean() < 0.12
    assert found.up[1] < -0.8  # up is up
    assert not found.warnings


def test_the_prior_is_a_mixture() -> None:
    prior = pose_prior()
    assert prior.weights.sum() == pytest.approx(1, abs=1e-4)
    assert prior.means.shape == (len(prior.weights), 51)
    assert (prior.low < prior.high).all()


@pytest.mark.parametrize(
    ("keypoints", "message"),
    [
        (np.ones((5, 3)), r"expected \(17, 3\)"),
        (np.zeros((17, 3)), "0 of 17 have a score"),
        (np.full((17, 3), np.nan), "0 of 17 have a score"),
    ],
)
def test_keypoints_that_say_nothing_are_refused(keypoints: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        fit_body(keypoints, assumed_camera(*SIZE))


def test_a_box_without_area_is_refused() -> None:
    with pytest.raises(InputError, match="expected x1, y1, x2, y2"):
        fit_body(np.ones((17, 3)), assumed_camera(*SIZE), box=[10, 10, 5, 20])


def test_a_body_that_does_not_fill_its_box_is_warned_of(posed: tuple[Any, Any, Any]) -> None:
    """Keypoints of somebody at the right, in the box of something at the left."""
    _, keypoints, _ = posed
    found = fit_body(keypoints, assumed_camera(*SIZE), box=[20, 100, 200, 300], size=SIZE)
    assert found.residuals["box"] < 0.2
    assert "fills the person's box badly" in found.warnings[0]


def test_a_child_is_as_near_as_it_is() -> None:
    import torch

    from interplay.body.joints import set_pose
    from interplay.body.model import load_body_model
    from interplay.body.pose import Body
    from interplay.reconstruct.stature import description_of_height

    model, prior = load_body_model(), pose_prior()
    body = Body(model, model.rest(description_of_height(1.0)))
    body.place_root([0.0, 0.1, 3.0], np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]]))
    set_pose(body, prior.means[int(prior.weights.argmax())])
    camera = assumed_camera(*SIZE)
    pixels = camera.project(torch.from_numpy(body.keypoints(body.skin()))).numpy()
    keypoints = np.column_stack([pixels, np.ones(17)])
    found = fit_body(keypoints, camera, noise=0.4, size=SIZE, description=description_of_height(1.0))
    assert found.keypoints[[11, 12], 2].mean() == pytest.approx(3.0, rel=0.05)
    as_adult = fit_body(keypoints, camera, noise=0.4, size=SIZE)
    assert as_adult.keypoints[[11, 12], 2].mean() > 4
