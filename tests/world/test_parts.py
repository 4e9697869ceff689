"""The generated world's parts, through the picture that they make up."""

from __future__ import annotations

import runpy
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("embreex")
pytest.importorskip("anny")

from interplay.body.model import PARTS
from interplay.world.posing.limbs import solve_arm


@pytest.fixture(scope="module")
def example() -> dict:
    return runpy.run_path(str(Path(__file__).parents[2] / "examples" / "make_sample.py"))


def test_the_hand_holds_the_racket(example: dict) -> None:
    """The racket's handle lies within a hand's thickness of the palm, and the arm is within its limits."""
    person, pose = example["player"]()
    body = person.body
    vertices = person.vertices()
    hand = vertices[body.model.part == PARTS.index("right hand")]
    handle = np.linspace(0, 0.2, 50)[:, None] * pose[:3, 2] + pose[:3, 3]
    distance = np.linalg.norm(hand[:, None] - handle, axis=-1).min()
    assert distance < 0.025
    assert abs(np.linalg.det(pose[:3, :3]) - 1) < 1e-6


def test_arms_reach_what_is_in_reach_and_say_what_is_not(example: dict) -> None:
    body = example["player"]()[0].body
    shoulder = body.joint("upperarm01.L").copy()
    near = solve_arm(body, "L", shoulder + np.array([0.1, -0.35, -0.1]))
    assert near.reach_error == 0
    np.testing.assert_allclose(body.joint("wrist.L"), shoulder + np.array([0.1, -0.35, -0.1]), atol=0.03)
    assert solve_arm(body, "L", shoulder + np.array([0, -3.0, 0]), apply=False).reach_error > 2


def test_the_sample_is_what_the_example_makes(example: dict) -> None:
    """Not byte for byte, which other processors may round otherwise, but to the eye."""
    from interplay import read_image
    from interplay.samples import sample_path

    made = example["render"](example["scene"](), np.random.default_rng(0)).image.astype(float)
    shipped = read_image(sample_path()).astype(float)
    assert made.shape == shipped.shape
    assert np.abs(made - shipped).mean() < 3
