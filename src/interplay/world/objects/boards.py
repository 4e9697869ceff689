"""Boards to stand on: skateboard, surfboard, snowboard, skis (and the poles that go with them)."""

from __future__ import annotations

import numpy as np

from interplay.body.geometry import X, Y, Z, vec
from interplay.body.materials import Material
from interplay.body.meshes import Mesh, cylinder, ellipsoid, join, loft

from .base import Grip, ObjectModel, Spot
from .furniture import FRONT
from .paint import BLACK, STEEL, any_color, plastic
from .registry import register


def deck(length: np.ndarray, half_width: np.ndarray, height: np.ndarray, thick: np.ndarray, material: Material) -> Mesh:
    """A board along y: at positions `length` (N,) its half width, the height of its underside and its thickness."""
    rings = []
    for y, w, z, t in zip(length, half_width, height, thick, strict=True):
        a = np.linspace(0, 2 * np.pi, 16, endpoint=False)
        x = w * np.sign(np.cos(a)) * np.abs(np.cos(a)) ** 0.6
        rings.append(
            np.stack([x, np.full(16, y), z + t / 2 + t / 2 * np.sign(np.sin(a)) * np.abs(np.sin(a)) ** 0.6], 1)
        )
    return loft(np.array(rings)[::-1], material)


def _paint(rng: np.random.Generator, axes: tuple[int, int] = (1, 0)) -> Material:
    pattern = str(rng.choice(["plain", "stripes", "noise", "picture"]))
    return Material(
        any_color(rng, 0.85), pattern, any_color(rng), scale=float(rng.uniform(0.15, 0.5)), gloss=0.4, axes=axes
    )


@register("skateboard")
def skateboard(rng: np.random.Generator) -> ObjectModel:
    """A deck with kicked ends on four wheels."""
    half, wide = rng.uniform(0.38, 0.42), rng.uniform(0.1, 0.115)
    t = np.linspace(-1, 1, 17)
    width = wide * np.clip(1 - np.maximum(np.abs(t) - 0.72, 0) ** 2 * 11, 0.12, 1)
    rise = 0.1 + 0.06 * np.maximum(np.abs(t) - 0.66, 0) * 3
    wheel, under = plastic(rng), _paint(rng)
    parts = [
        deck(half * t, width, rise, np.full(17, 0.008), under),
        deck(half * t, width * 0.98, rise + 0.008, np.full(17, 0.003), BLACK),
    ]
    for y in (-0.24, 0.24):
        parts.append(cylinder((-0.085, y, 0.03), (0.085, y, 0.03), 0.009, STEEL, segments=8))
        parts.append(cylinder((0, y, 0.03), (0, y, 0.1), 0.02, STEEL, segments=8, end_radius=0.035))
        for sx in (-1, 1):
            parts.append(cylinder((sx * 0.065, y, 0.03), (sx * 0.11, y, 0.03), 0.03, wheel))
    top = 0.111
    return ObjectModel(
        "skateboard",
        join(parts),
        grips={
            "edge": Grip(vec(wide, 0, 0.106), Y, -X, 0.007, "slab"),
            "nose": Grip(vec(0, -half, 0.125), X, Y, 0.008, "slab"),
        },
        spots={"deck": Spot(vec(0, 0, top), Z, -X, (2 * half * 0.6, 2 * wide))},
    )


@register("surfboard")
def surfboard(rng: np.random.Generator) -> ObjectModel:
    """A short or a long board."""
    long = rng.random() < 0.4
    half = rng.uniform(1.25, 1.45) if long else rng.uniform(0.88, 1.05)
    wide = rng.uniform(0.25, 0.29)
    t = np.linspace(-1, 1, 25)
    shape = np.clip(1 - np.abs(t) ** (3.0 if long else 2.2), 0.003, 1) ** (0.5 if long else 0.62)
    rocker = 0.06 * np.maximum(-t - 0.3, 0) ** 2 * 2 + 0.01 * np.maximum(t - 0.5, 0)
    thick = 0.065 * np.clip(1 - np.abs(t) ** 4, 0.12, 1)
    body = deck(half * t, wide * shape, rocker, thick, _paint(rng))
    fins = [
        loft(
            np.array(
                [
                    [
                        (x, half * 0.8 - 0.07, 0.01),
                        (x + 0.006, half * 0.8, 0.01),
                        (x, half * 0.8 + 0.07, 0.01),
                        (x - 0.006, half * 0.8, 0.01),
                    ],
                    [
                        (x, half * 0.86, -0.09),
                        (x + 0.002, half * 0.87, -0.09),
                        (x, half * 0.89, -0.09),
                        (x - 0.002, half * 0.87, -0.09),
                    ],
                ]
            )[::-1],
            BLACK,
        )
        for x in (0.0,)
    ]
    return ObjectModel(
        "surfboard",
        join([body, *fins]),
        grips={
            "rail": Grip(vec(-wide, 0, 0.032), Y, X, 0.03, "slab"),
            "other rail": Grip(vec(wide, 0, 0.032), Y, -X, 0.03, "slab"),
        },
        spots={
            "deck": Spot(vec(0, 0.1, 0.065), Z, -X, (half * 0.9, 2 * wide)),
            "lie": Spot(vec(0, 0.25, 0.065), Z, FRONT, (2 * wide, 2 * half)),
        },
    )


@register("snowboard")
def snowboard(rng: np.random.Generator) -> ObjectModel:
    """A board with two bindings."""
    half, wide = rng.uniform(0.74, 0.82), rng.uniform(0.125, 0.14)
    t = np.linspace(-1, 1, 21)
    width = wide * np.clip(1 - np.maximum(np.abs(t) - 0.8, 0) ** 2 * 24, 0.1, 1) * (0.9 + 0.1 * np.abs(t))
    rise = 0.12 * np.maximum(np.abs(t) - 0.75, 0) ** 1.5 * 4
    parts = [deck(half * t, width, rise, np.full(21, 0.012), _paint(rng))]
    for y in (-0.25, 0.25):
        parts.append(cylinder((0, y, 0.01), (0, y, 0.028), 0.1, BLACK, segments=16))
    return ObjectModel(
        "snowboard",
        join(parts),
        grips={
            "edge": Grip(vec(-wide * 0.9, 0, 0.006), Y, X, 0.008, "slab"),
            "other edge": Grip(vec(wide * 0.9, 0, 0.006), Y, -X, 0.008, "slab"),
        },
        spots={"deck": Spot(vec(0, 0, 0.028), Z, -X, (0.5, 2 * wide))},
    )


@register("skis")
def skis(rng: np.random.Generator) -> ObjectModel:
    """A pair, side by side, pointing to -y."""
    half, wide, apart = rng.uniform(0.8, 0.9), rng.uniform(0.038, 0.05), float(rng.uniform(0.1, 0.16))
    t = np.linspace(-1, 1, 21)
    width = wide * np.clip(1 - np.maximum(-t - 0.92, 0) * 10, 0.15, 1) * (0.85 + 0.15 * np.abs(t))
    rise = 0.16 * np.maximum(-t - 0.82, 0) ** 1.3 * 8
    paint = _paint(rng)
    one = join(
        [
            deck(half * t, width, rise, np.full(21, 0.012), paint),
            cylinder((0, -0.14, 0.012), (0, -0.14, 0.03), wide * 0.9, BLACK),
            cylinder((0, 0.12, 0.012), (0, 0.12, 0.03), wide * 0.9, BLACK),
        ]
    )
    spots = {
        "left ski": Spot(vec(apart, 0, 0.03), Z, FRONT, (0.08, 0.3)),
        "right ski": Spot(vec(-apart, 0, 0.03), Z, FRONT, (0.08, 0.3)),
    }
    middle = Grip(vec(0, 0, 0.02), Y, None, 0.05)
    return ObjectModel("skis", join([one.at(apart, 0, 0), one.at(-apart, 0, 0)]), {"middle": middle}, spots)


@register("skis carried")
def skis_carried(rng: np.random.Generator) -> ObjectModel:
    """A pair strapped together, as one carries it."""
    apart = skis(rng)
    half = apart.mesh.vertices[:, 1].max()
    one = apart.mesh
    left = one.vertices[:, 0] > 0
    shift = np.where(left, -one.vertices[left, 0].mean(), -one.vertices[~left, 0].mean())
    flip = np.where(left, 1.0, -1.0)
    vertices = one.vertices.copy()
    vertices[:, 0] += shift
    vertices[:, 2] = flip * vertices[:, 2] + np.where(left, 0.0, -0.001)
    faces = one.faces.copy()
    faces[~left[faces[:, 0]]] = faces[~left[faces[:, 0]]][:, ::-1]
    mesh = Mesh(vertices, faces, one.face_material, one.materials)
    return ObjectModel("skis", mesh, {"middle": Grip(vec(0, 0.1, 0), Y, None, 0.03)}, points={"tip": vec(0, -half, 0)})


@register("ski pole")
def ski_pole(rng: np.random.Generator) -> ObjectModel:
    """A pole standing on its tip; not a category of its own, so it is not labelled."""
    length = float(rng.uniform(1.1, 1.25))
    parts = [
        cylinder((0, 0, 0), (0, 0, length), 0.008, plastic(rng), segments=8),
        cylinder((0, 0, length - 0.13), (0, 0, length), 0.016, BLACK, segments=8),
        cylinder((0, 0, 0.06), (0, 0, 0.07), 0.045, BLACK),
        ellipsoid((0, 0, length), 0.017, BLACK, 8, 5),
    ]
    return ObjectModel("ski pole", join(parts), {"handle": Grip(vec(0, 0, length - 0.07), Z, None, 0.016, flip=False)})
