"""Light, shadow, haze and glass, seen in pictures of plain boxes."""

from __future__ import annotations

import copy
from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("embreex")

from interplay.body.cameras import Camera
from interplay.body.geometry import Array, unit, vec
from interplay.body.materials import PATTERNS, Material, colors_at
from interplay.body.meshes import Mesh, box
from interplay.world.rendering.image import render
from interplay.world.rendering.shading import Stage
from interplay.world.scene import Light, Scene

GREY = Material((0.4, 0.4, 0.4))
NOON = Light(vec(0, 0, 1), (2.0, 2.0, 2.0), (0.3, 0.3, 0.3), (0.1, 0.1, 0.1), 0.02)
BLUE = (0.2, 0.4, 0.9)


def _scene(backdrop: list[Mesh], light: Light = NOON, eye: tuple[float, float, float] = (0, -6, 4), **options) -> Scene:
    camera = Camera.looking_at(eye, (0, 0, 0), 80, 64, 48)
    return Scene([], [], [], backdrop, light, BLUE, BLUE, camera, **options)


def _light_at(scene: Scene, point: tuple[float, float, float]) -> Array:
    """Mean linear RGB of a patch of ground around a point."""
    stage = Stage(scene)
    grid = np.stack(np.meshgrid(np.arange(8), np.arange(8)), -1).reshape(-1, 2)
    targets = np.asarray(point) + np.column_stack([(grid - 4) * 0.01, np.zeros(64)])
    view = stage.trace(scene.camera.position, targets - scene.camera.position)
    own = grid[view.hit]
    return stage.shade(view, stage.visibility(view, own), own).mean(0)


GROUND = box((40, 40, 0.1), GREY, (0, 0, -0.05))
LID = box((2, 2, 0.1), GREY, (0, 0, 2))


def test_a_lid_keeps_the_sun_off() -> None:
    scene = _scene([GROUND, LID])
    assert _light_at(scene, (3, 0, 0)).mean() > 2.5 * _light_at(scene, (0, 0, 0)).mean()


def test_a_rooms_shell_lets_the_light_in_but_furniture_does_not() -> None:
    lamp = replace(NOON, source=vec(0, 0, 2.5))
    ceiling = box((40, 40, 0.1), GREY, (0, 0, 3))
    through = _light_at(_scene([GROUND, LID], lamp, shell=2), (0, 0, 0)).mean()
    kept_off = _light_at(_scene([GROUND, ceiling, LID], lamp, shell=2), (0, 0, 0)).mean()
    assert through > 2.5 * kept_off


def test_a_lamps_light_fades_with_the_distance_and_a_suns_does_not() -> None:
    near, far = (0.5, 0, 0), (6, 0, 0)
    sun = _scene([GROUND])
    lamp = _scene([GROUND], replace(NOON, source=vec(0, 0, 2.0)))
    assert _light_at(sun, near).mean() == pytest.approx(_light_at(sun, far).mean(), rel=0.05)
    assert _light_at(lamp, near).mean() > 2 * _light_at(lamp, far).mean()


def test_haze_turns_what_is_far_into_the_horizon() -> None:
    scene = _scene([GROUND], haze=1.0)
    np.testing.assert_allclose(_light_at(scene, (0, 15, 0)), BLUE, atol=0.02)


def test_glass_shows_what_is_behind_it() -> None:
    pane = box((2, 0.02, 2), Material((1.0, 1.0, 1.0), opacity=0.1), (0, -3, 2))
    red = box((2, 0.1, 3), Material((0.8, 0.05, 0.05)), (0, 0, 1))
    scene = _scene([GROUND, red, pane])
    color = _light_at(scene, (0, -0.05, 0.5))
    assert color[0] > 2 * color[2]


def test_soft_shadows_are_smooth() -> None:
    """Pixels of a penumbra differ little from their neighbours, though each has one ray to the light."""
    light = replace(NOON, direction=unit(vec(0.4, 0.2, 1)), softness=0.3)
    image = render(_scene([GROUND, LID], light), np.random.default_rng(0)).image.astype(float)
    plain = render(_scene([GROUND], light), np.random.default_rng(0)).image.astype(float)
    lower = slice(30, 48)
    rough = np.abs(np.diff(image[lower], axis=1)).mean() - np.abs(np.diff(plain[lower], axis=1)).mean()
    assert np.ptp(image[lower].mean(-1)) > 40
    assert rough < 3


def test_clouds_are_in_the_sky_only() -> None:
    up = {"eye": (0, -6, 0.5)}
    clear, cloudy = (render(_scene([GROUND], clouds=c, **up), np.random.default_rng(0)) for c in (0.0, 0.7))
    sky = clear.mesh < 0
    assert sky.any()
    assert np.abs(clear.image[sky].astype(int) - cloudy.image[sky]).max() > 20
    assert np.abs(clear.image[~sky].astype(int) - cloudy.image[~sky]).mean() < 25


def test_a_scene_that_was_rendered_can_be_copied() -> None:
    scene = _scene([GROUND])
    first = render(scene, np.random.default_rng(0)).image
    again = render(copy.deepcopy(scene), np.random.default_rng(0)).image
    np.testing.assert_array_equal(first, again)


@pytest.mark.parametrize("pattern", sorted(PATTERNS))
def test_patterns_mix_two_colours(pattern: str) -> None:
    points = np.random.default_rng(0).uniform(-2, 2, (4000, 3))
    material = Material((0.0, 0.2, 1.0), pattern, (1.0, 0.2, 0.0), 0.3)
    colors = colors_at(material, points)
    assert colors.min() > -0.01
    assert colors.max() < 1.01
    assert (np.ptp(colors[:, 0]) > 0.3) == (pattern != "plain")
    np.testing.assert_array_equal(colors[:50], colors_at(material, points[:50]))
