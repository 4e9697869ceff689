"""Where the camera stands and what it looks at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from interplay.body.cameras import Camera
from interplay.body.geometry import Array, unit, vec
from interplay.world.places import Place
from interplay.world.scene import Scene

ASPECTS = ((4, 3, 0.5), (3, 2, 0.2), (1, 1, 0.08), (3, 4, 0.15), (2, 3, 0.07))
"""Width, height and how often."""

NOMINAL = 1200
"""Longer side of the picture, in pixels, for which cameras are chosen; so the choice depends on no one's resolution."""

CLEARANCE = 0.55
"""Metres between the camera and anything else at least."""

MIN_SHARE = 0.12
"""Height that somebody has in the picture at least, as a share of the picture's height."""


@dataclass(frozen=True)
class Shot:
    """What is asked of a camera.

    Attributes:
        width, height: of the picture, pixels.
        share: height of the person in the middle, as a share of the picture's height; above 1 for a part of them.
        bearing: radians from where the person faces to where the camera is.
        lens: focal length in picture heights.
        eye: height of the camera, metres.
        shift: where in the picture the person is, in picture sizes from the middle: right and down.
        roll: radians.
        reach: up to where the person is aimed at, as a share of their height, 0.5 in the middle.
    """

    width: int
    height: int
    share: float
    bearing: float
    lens: float
    eye: float
    shift: tuple[float, float]
    roll: float
    reach: float


def picture_shape(rng: np.random.Generator) -> tuple[int, int]:
    """Width and height of an aspect drawn at random, with `NOMINAL` as the longer side."""
    w, h, _ = ASPECTS[int(rng.choice(len(ASPECTS), p=[a[2] for a in ASPECTS]))]
    longer = max(w, h)
    return NOMINAL * w // longer, NOMINAL * h // longer


def resized(camera: Camera, size: int) -> Camera:
    """The same camera with `size` pixels on its longer side."""
    scale = size / max(camera.width, camera.height)
    width, height = round(camera.width * scale), round(camera.height * scale)
    return replace(camera, focal=camera.focal * scale, width=width, height=height)


def draw_shot(rng: np.random.Generator, width: int, height: int, indoors: bool) -> Shot:
    """A shot as photographers take them: mostly from the front or the side, from eye height."""
    kind = rng.random()
    if kind < 0.16:  # a part of somebody
        share, reach = float(rng.uniform(1.0, 1.7)), float(rng.uniform(0.55, 0.8))
    elif kind < 0.36:
        share, reach = float(rng.uniform(0.28 if indoors else 0.16, 0.45)), 0.5
    else:
        share, reach = float(rng.uniform(0.4, 0.95)), 0.5
    front = rng.random() < 0.75
    bearing = float(rng.normal(0, 0.8)) if front else float(rng.uniform(-np.pi, np.pi))
    lens = float(np.exp(rng.normal(0.05 if indoors else 0.45, 0.25 if indoors else 0.4)))
    view = rng.random()
    eye = rng.uniform(0.4, 0.9) if view < 0.12 else rng.uniform(2.0, 3.4) if view > 0.9 else rng.normal(1.45, 0.18)
    spread = 0.07 if share > 0.7 else 0.13
    shift = (float(rng.normal(0, spread * 1.4)), float(rng.normal(0.02, spread * 0.6)))
    return Shot(width, height, share, bearing, lens, float(eye), shift, float(rng.normal(0, 0.025)), reach)


class Scout:
    """Tries cameras in a scene.

    Args:
        scene: complete but for its camera.
        place: where it is.
    """

    def __init__(self, scene: Scene, place: Place) -> None:
        self.place = place
        people = len(scene.people)
        self.bodies = [v[::40] for v in scene.posed[:people]]
        self.facing = [p.body.facing for p in scene.people]
        self._rays = scene.rays
        self._solid = np.concatenate(self.bodies + [v[::4] for v in scene.posed[people:]])

    def place_camera(self, shot: Shot, focus: int) -> Camera | None:
        """A camera for a shot of a person, or None where it would be in a wall or an object.

        In a room the camera goes as far away as the walls allow and the lens gets shorter instead.
        """
        body = self.bodies[focus]
        low, high = body.min(0), body.max(0)
        tall = max(float(np.linalg.norm(high - low)) * 0.92, 0.6)
        middle = (low + high) / 2
        middle[2] = low[2] + shot.reach * (high[2] - low[2])
        facing = np.arctan2(self.facing[focus][1], self.facing[focus][0]) + shot.bearing
        outward = vec(np.cos(facing), np.sin(facing), 0.0)
        distance = max(shot.lens * tall / shot.share, 1.3)
        if self.place.indoors:
            distance = min(distance, self._room_ahead(middle, outward))
            if distance < 1.1:
                return None
        lens = float(np.clip(shot.share * distance / tall, 0.55, 6.0))
        position = middle + distance * outward
        position[2] = np.clip(shot.eye, self.place.view[0, 2], self.place.view[1, 2])
        inside = (position >= self.place.view[0] - 1e-9).all() and (position <= self.place.view[1] + 1e-9).all()
        if not inside or np.linalg.norm(self._solid - position, axis=1).min() < CLEARANCE:
            return None
        if any(((b[0] - 0.3 < position[:2]) & (position[:2] < b[1] + 0.3)).all() for b in self.place.blocks):
            return None
        focal = lens * shot.height
        ahead = unit(middle - position)
        right = unit(np.cross(ahead, vec(0, 0, 1)))
        up = np.cross(right, ahead)
        gap = float(np.linalg.norm(middle - position)) / lens
        aim = middle - gap * (shot.shift[0] * shot.width / shot.height * right - shot.shift[1] * up)
        return Camera.looking_at(position, aim, focal, shot.width, shot.height, shot.roll)

    def _room_ahead(self, start: Array, direction: Array) -> float:
        """Metres from a point to the edge of the camera's region."""
        low, high = self.place.view[:, :2]
        with np.errstate(divide="ignore", invalid="ignore"):
            steps = np.where(direction[:2] > 0, (high - start[:2]) / direction[:2], (low - start[:2]) / direction[:2])
        return float(np.nanmin(np.where(np.abs(direction[:2]) < 1e-6, np.inf, steps)))

    def seen(self, camera: Camera) -> Array:
        """(P, 2) for each person: the share of their body that is visible, and the height in picture heights."""
        out = np.zeros((len(self.bodies), 2))
        for k, body in enumerate(self.bodies):
            pixels, depth = camera.project(body)
            inside = (depth > 0.1) & (pixels >= 0).all(1) & (pixels < (camera.width, camera.height)).all(1)
            if not inside.any():
                continue
            towards = body[inside] - camera.position
            hits = self._rays.cast(camera.position, towards)
            free = (hits.mesh == k) | (hits.distance > 0.999)
            shown = pixels[inside][free]
            if len(shown) < 3:
                continue
            out[k] = free.sum() / len(body), np.ptp(shown[:, 1]) / camera.height
        return out


def find_camera(
    scout: Scout, rng: np.random.Generator, width: int, height: int, wanted: Sequence[int], tries: int = 40
) -> Camera | None:
    """A camera that sees somebody well, or None after `tries` shots.

    Args:
        scout: knows the scene.
        rng: source of randomness.
        width, height: of the picture, pixels.
        wanted: indices of the people that a shot may be of.
        tries: how many shots to try.
    """
    for attempt in range(tries):
        shot = draw_shot(rng, width, height, scout.place.indoors)
        focus = int(wanted[int(rng.integers(len(wanted)))])
        camera = scout.place_camera(shot, focus)
        if camera is None:
            continue
        share, tall = scout.seen(camera)[focus]
        enough = (0.3 if shot.share > 1 else 0.5) * (1 - 0.6 * attempt / tries)
        if share >= enough and tall >= MIN_SHARE:
            return camera
    return None
