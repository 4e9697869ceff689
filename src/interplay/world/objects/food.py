"""Objects to eat: banana, apple, orange, sandwich, pizza, donut, cake, hot dog, carrot."""

from __future__ import annotations

import numpy as np

from interplay.body.geometry import X, Y, Z, vec
from interplay.body.materials import Material, hsv, srgb
from interplay.body.meshes import cylinder, ellipsoid, extrude, join, lathe, tube

from .base import Grip, ObjectModel
from .furniture import cushion
from .registry import register

_CRUST = Material(srgb(196, 136, 70), "noise", srgb(226, 178, 104), scale=0.02)
_BREAD = Material(srgb(232, 202, 148), "noise", srgb(205, 160, 100), scale=0.03)


@register("banana")
def banana(rng: np.random.Generator) -> ObjectModel:
    """A bent fruit."""
    a = np.linspace(-0.95, 0.95, 11)
    path = np.stack([0.11 * np.sin(a), 0 * a, 0.11 * (1 - np.cos(a)) + 0.018], 1)
    radius = np.array([0.006, 0.012, 0.016, 0.018, 0.019, 0.019, 0.018, 0.017, 0.013, 0.007, 0.005])
    peel = Material(srgb(246, 214, 60), "noise", srgb(222, 184, 40), scale=0.08)
    return ObjectModel(
        "banana", tube(path, radius, peel), {"end": Grip(path[3], X, None, 0.018)}, points={"bite": path[-1]}
    )


@register("apple")
def apple(rng: np.random.Generator) -> ObjectModel:
    """Red, green or yellow."""
    t = np.linspace(-np.pi / 2, np.pi / 2, 14)
    r = 0.038 * (1 + 0.08 * np.sin(t))
    profile = np.column_stack([r * np.cos(t), 0.036 + 0.034 * np.sin(t) - 0.01 * np.cos(t / 1.0) ** 8 * 0])
    skin = Material(
        hsv(rng.choice([0.99, 0.0, 0.24, 0.15]), 0.85, 0.8), "noise", hsv(0.1, 0.7, 0.85), scale=0.08, gloss=0.4
    )
    stalk = tube([(0, 0, 0.068), (0.005, 0, 0.088)], 0.002, Material(srgb(80, 60, 30)), segments=5)
    return ObjectModel(
        "apple",
        join([lathe(profile, skin, 24), stalk]),
        {"body": Grip(vec(0, 0, 0.036), Z, None, 0.037)},
        points={"bite": vec(0, -0.037, 0.036)},
    )


@register("orange")
def orange(rng: np.random.Generator) -> ObjectModel:
    """An orange."""
    peel = Material(srgb(244, 140, 30), "noise", srgb(226, 120, 20), scale=0.008, gloss=0.25)
    return ObjectModel(
        "orange",
        ellipsoid((0, 0, 0.037), 0.037, peel, 24, 13),
        {"body": Grip(vec(0, 0, 0.037), Z, None, 0.037)},
        points={"bite": vec(0, -0.037, 0.036)},
    )


@register("sandwich")
def sandwich(rng: np.random.Generator) -> ObjectModel:
    """Layers between bread or in a bun."""
    salad, cheese, ham = (
        Material(srgb(96, 160, 50), "noise", srgb(150, 200, 90), scale=0.02),
        Material(srgb(246, 196, 60)),
        Material(srgb(160, 80, 60)),
    )
    if rng.random() < 0.5:
        profile = [(0, 0.045), (0.055, 0.046), (0.054, 0.06), (0.04, 0.078), (0, 0.086)]
        parts = [
            lathe([(0, 0), (0.05, 0), (0.055, 0.012), (0.053, 0.02), (0, 0.02)], _BREAD, 28),
            lathe(profile, _CRUST, 28),
        ]
        parts += [
            cylinder((0, 0, 0.02), (0, 0, 0.034), 0.055, ham, segments=28),
            cylinder((0, 0, 0.034), (0, 0, 0.038), 0.057, cheese, segments=8),
            cylinder((0, 0, 0.038), (0, 0, 0.045), 0.059, salad, segments=11),
        ]
        half, high = 0.055, 0.043
    else:
        parts = [cushion((0.115, 0.105, 0.016), (0, 0, z), _BREAD, 0.3) for z in (0.008, 0.042)]
        parts += [
            cushion((0.12, 0.11, 0.008), (0, 0, 0.02), ham, 0.3),
            cushion((0.116, 0.106, 0.004), (0, 0, 0.026), cheese, 0.3),
            cushion((0.124, 0.114, 0.007), (0, 0, 0.031), salad, 0.3),
        ]
        half, high = 0.055, 0.025
    grips = {
        "left side": Grip(vec(half, 0, high), Y, -X, high, "slab"),
        "right side": Grip(vec(-half, 0, high), Y, X, high, "slab"),
    }
    return ObjectModel("sandwich", join(parts), grips, points={"bite": vec(0, -half, high)})


@register("hot dog")
def hot_dog(rng: np.random.Generator) -> ObjectModel:
    """A sausage in a roll."""
    sausage = tube(
        [(-0.09, 0, 0.04), (0, 0, 0.036), (0.09, 0, 0.04)], 0.014, Material(srgb(168, 72, 40), gloss=0.3), spacing=0.02
    )
    rolls = [ellipsoid((0, s * 0.017, 0.026), (0.082, 0.02, 0.026), _CRUST) for s in (-1, 1)]
    mustard = tube(
        [(x, 0.006 * (-1) ** k, 0.053) for k, x in enumerate(np.linspace(-0.07, 0.07, 9))],
        0.003,
        Material(srgb(240, 200, 40)),
        segments=5,
    )
    return ObjectModel(
        "hot dog",
        join([sausage, *rolls, mustard]),
        {"roll": Grip(vec(0.02, 0, 0.026), X, None, 0.03)},
        points={"bite": vec(-0.1, 0, 0.038)},
    )


@register("pizza")
def pizza(rng: np.random.Generator, slice_only: bool = False) -> ObjectModel:
    """A whole pizza on a board or one slice (its tip at -y)."""
    cheese = Material(srgb(240, 190, 90), "noise", srgb(205, 80, 40), scale=0.04)
    top = Material(srgb(176, 40, 30))
    if slice_only:
        r, wedge = 0.16, 0.42
        arc = [(r * np.sin(a), r * np.cos(a) - 0.08) for a in np.linspace(-wedge, wedge, 9)]
        parts = [
            extrude([(0.0, -0.08), *arc[::-1]], 0.012, cheese).at(0, 0, 0.008),
            tube(np.column_stack([np.array(arc), np.full(9, 0.012)]), 0.012, _CRUST, segments=8),
        ]
        parts += [
            cylinder((x, y, 0.013), (x, y, 0.017), 0.016, top, segments=14)
            for x, y in ((0.0, 0.02), (-0.025, 0.055), (0.03, 0.05))
        ]
        grip = Grip(vec(0, r - 0.08, 0.01), X, -Y, 0.012, "slab")
        return ObjectModel(
            "pizza",
            join(parts),
            {"crust": Grip(grip.position, X, -Z, 0.012, "slab")},
            points={"bite": vec(0, -0.08, 0.01)},
        )
    r = rng.uniform(0.14, 0.18)
    parts = [
        lathe([(0, 0), (r + 0.02, 0), (r + 0.02, 0.008), (0, 0.008)], Material(srgb(170, 120, 70)), 36),
        lathe([(0, 0.008), (r - 0.01, 0.01), (r - 0.012, 0.018), (0, 0.018)], cheese, 36),
    ]
    loop = np.stack(
        [
            (r - 0.012) * np.cos(np.linspace(0, 2 * np.pi, 36, endpoint=False)),
            (r - 0.012) * np.sin(np.linspace(0, 2 * np.pi, 36, endpoint=False)),
            np.full(36, 0.016),
        ],
        1,
    )
    parts.append(tube(loop, 0.012, _CRUST, closed=True, segments=8))
    for k in range(9):
        a, d = 2.4 * k, (r - 0.045) * np.sqrt((k + 0.5) / 9)
        parts.append(
            cylinder(
                (d * np.cos(a), d * np.sin(a), 0.018), (d * np.cos(a), d * np.sin(a), 0.022), 0.018, top, segments=14
            )
        )
    return ObjectModel(
        "pizza", join(parts), {"edge": Grip(vec(0, r, 0.01), X, -Y, 0.012, "slab")}, points={"center": vec(0, 0, 0.02)}
    )


@register("donut")
def donut(rng: np.random.Generator) -> ObjectModel:
    """A ring with icing."""
    a = np.linspace(0, 2 * np.pi, 32, endpoint=False)
    loop = np.stack([0.032 * np.cos(a), 0.032 * np.sin(a), np.full(32, 0.019)], 1)
    icing = Material(
        hsv(rng.choice([0.93, 0.07, 0.0, 0.55]), rng.uniform(0.3, 0.8), rng.uniform(0.3, 0.95)),
        "dots",
        hsv(rng.random(), 0.8, 0.95),
        scale=0.012,
    )
    parts = [
        tube(loop, 0.019, _CRUST, closed=True, segments=12),
        tube(loop + vec(0, 0, 0.0035), 0.0185, icing, closed=True, segments=12),
    ]
    return ObjectModel(
        "donut",
        join(parts),
        {"side": Grip(vec(0, 0.05, 0.019), X, -Y, 0.019, "slab")},
        points={"bite": vec(0, -0.05, 0.019)},
    )


@register("cake")
def cake(rng: np.random.Generator) -> ObjectModel:
    """A round cake with icing and candles."""
    r, h = rng.uniform(0.1, 0.14), rng.uniform(0.08, 0.11)
    icing = Material(hsv(rng.random(), rng.uniform(0.1, 0.5), 0.95))
    body = Material(srgb(150, 92, 52), "stripes", icing.color, scale=0.05, axes=(2, 0))
    parts = [
        lathe([(0, 0), (r + 0.03, 0), (r + 0.03, 0.006), (0, 0.006)], Material((0.8, 0.8, 0.8), gloss=0.5), 36),
        lathe([(r, 0.006), (r, h)], body, 36),
        lathe([(r + 0.001, h - 0.02), (r + 0.003, h + 0.006), (0, h + 0.008)], icing, 36),
    ]
    for k in range(6):
        a = np.pi / 3 * k
        parts.append(
            cylinder(
                (0.6 * r * np.cos(a), 0.6 * r * np.sin(a), h),
                (0.6 * r * np.cos(a), 0.6 * r * np.sin(a), h + 0.06),
                0.004,
                Material(hsv(k / 6, 0.6, 0.9)),
                segments=6,
            )
        )
    return ObjectModel("cake", join(parts), points={"center": vec(0, 0, h)})


@register("carrot")
def carrot(rng: np.random.Generator) -> ObjectModel:
    """A root with leaves, its tip at -y."""
    y = np.linspace(-0.1, 0.08, 8)
    root = tube(
        np.stack([0 * y, y, 0 * y + 0.018], 1),
        np.array([0.002, 0.006, 0.009, 0.012, 0.014, 0.016, 0.017, 0.01]),
        Material(srgb(240, 124, 32), "stripes", srgb(220, 104, 24), 0.02, axes=(1, 0)),
    )
    leaves = [
        tube(
            [(0, 0.08, 0.018), (0.02 * s, 0.14, 0.03), (0.05 * s, 0.19, 0.02)],
            0.004,
            Material(srgb(70, 140, 50)),
            segments=5,
        )
        for s in (-1, 0, 1)
    ]
    return ObjectModel(
        "carrot",
        join([root, *leaves]),
        {"root": Grip(vec(0, 0.05, 0.018), Y, None, 0.016)},
        points={"bite": vec(0, -0.1, 0.018)},
    )
