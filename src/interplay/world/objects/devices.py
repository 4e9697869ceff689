"""Devices and household objects: screens, remote, keyboard, mouse, clock, scissors, toothbrush, teddy bear."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from interplay.body.geometry import X, Y, Z, degrees, vec
from interplay.body.materials import Material, hsv, srgb
from interplay.body.meshes import box, cylinder, ellipsoid, extrude, join, lathe, ring, tube

from .base import Grip, ObjectModel, Spot
from .furniture import FRONT, cushion
from .paint import BLACK, STEEL, WHITE, any_color, dark, plastic
from .registry import register


def _screen(rng: np.random.Generator, scale: float, axes: tuple[int, int]) -> Material:
    return Material(
        hsv(rng.random(), rng.uniform(0.3, 0.8), rng.uniform(0.3, 0.9)),
        "picture",
        hsv(rng.random(), rng.uniform(0.1, 0.7), 0.95),
        scale=scale,
        gloss=0.5,
        axes=axes,
        glow=0.6,
    )


@register("laptop")
def laptop(rng: np.random.Generator) -> ObjectModel:
    """Open; the user sits at -y, looking along +y at the screen."""
    w, d, t = rng.uniform(0.31, 0.37), rng.uniform(0.22, 0.25), 0.016
    shell = plastic(rng, (0.55, 0.55, 0.58) if rng.random() < 0.6 else srgb(40, 40, 44))
    angle = rng.uniform(98, 118)
    lid = join(
        [
            box((w, 0.008, d), shell, (0, 0.004, d / 2)),
            box((w - 0.02, 0.002, d - 0.03), _screen(rng, 0.12, (0, 2)), (0, -0.0005, d / 2)),
        ]
    )
    keys = Material(srgb(28, 28, 30), "keys", srgb(70, 70, 74), 0.019)
    parts = [
        box((w, d, t), shell, (0, 0, t / 2)),
        box((w - 0.05, d * 0.44, 0.002), keys, (0, d * 0.13, t)),
        box((0.1, 0.06, 0.001), Material(dark(shell.color, 0.8)), (0, -d * 0.3, t)),
        lid.turned(degrees(X, 90 - angle)).at(0, d / 2, t),
    ]
    grips = {
        "left keys": Grip(vec(-w * 0.22, d * 0.02, t), Y, -Z, 0.0, "palm"),
        "right keys": Grip(vec(w * 0.22, d * 0.02, t), Y, -Z, 0.0, "palm"),
        "left side": Grip(vec(-w / 2, -d * 0.1, t / 2), Y, X, t / 2, "slab"),
        "right side": Grip(vec(w / 2, -d * 0.1, t / 2), Y, -X, t / 2, "slab"),
    }
    return ObjectModel("laptop", join(parts), grips, points={"screen": vec(0, d / 2 + 0.03, d / 2)})


@register("cell phone")
def cell_phone(rng: np.random.Generator) -> ObjectModel:
    """Lies with its screen up; the top at +y."""
    w, h, t = 0.072, rng.uniform(0.14, 0.155), 0.009
    shell = plastic(rng, srgb(30, 30, 34) if rng.random() < 0.6 else None)
    parts = [
        cushion((w, h, t), (0, 0, t / 2), shell, 0.3),
        box((w - 0.008, h - 0.012, 0.0008), _screen(rng, 0.05, (0, 1)), (0, 0, t)),
    ]
    grips = {
        "back": Grip(vec(0, -0.015, t / 2), Y, Z, 0.012, flip=False),
        "left side": Grip(vec(-w / 2, -0.02, t / 2), Y, X, t / 2, "slab"),
        "right side": Grip(vec(w / 2, -0.02, t / 2), Y, -X, t / 2, "slab"),
    }
    return ObjectModel(
        "cell phone", join(parts), grips, points={"speaker": vec(0, h / 2 - 0.015, t), "screen": vec(0, 0, t)}
    )


@register("book")
def book(rng: np.random.Generator, closed: bool = False) -> ObjectModel:
    """Open with its pages up (the reader at -y), or closed and lying."""
    w, h, t = rng.uniform(0.14, 0.18), rng.uniform(0.2, 0.25), rng.uniform(0.015, 0.035)
    cover = Material(any_color(rng, 0.85), str(rng.choice(["plain", "stripes", "dots"])), any_color(rng), scale=0.09)
    page = Material(srgb(244, 240, 226), "text", srgb(80, 80, 86), scale=0.011)
    if closed:
        parts = [
            box((w, h, 0.003), cover, (0, 0, 0.0015)),
            box((w, h, 0.003), cover, (0, 0, t + 0.0045)),
            box((w - 0.008, h - 0.01, t), Material(srgb(238, 234, 220)), (0, 0, 0.003 + t / 2)),
            box((0.003, h, t + 0.006), cover, (-w / 2, 0, t / 2 + 0.003)),
        ]
        grips = {
            "edge": Grip(vec(w / 2, 0, t / 2), Y, -X, t / 2 + 0.003, "slab"),
            "spine": Grip(vec(-w / 2, 0, t / 2), Y, X, t / 2 + 0.003, "slab"),
        }
        return ObjectModel("book", join(parts), grips, points={"page": vec(0, 0, t)})
    parts = []
    for s in (-1, 1):
        half = join(
            [
                box((w, h, 0.004), cover, (w / 2, 0, 0.002)),
                box((w - 0.006, h - 0.01, t / 2), page, (w / 2 - 0.003, 0, 0.004 + t / 4)),
            ]
        )
        half = half.turned(degrees(Y, -14))
        parts.append(half if s > 0 else half.turned(degrees(Z, 180)))
    lift = w * np.sin(np.radians(14))
    grips = {
        "left side": Grip(vec(-w * 0.97, -0.03, lift + t / 4), Y, vec(0.97, 0, -0.25), t / 4 + 0.003, "slab"),
        "right side": Grip(vec(w * 0.97, -0.03, lift + t / 4), Y, vec(-0.97, 0, -0.25), t / 4 + 0.003, "slab"),
        "spine": Grip(vec(0, -0.02, 0), Y, Z, 0.012, "bar"),
    }
    return ObjectModel("book", join(parts), grips, points={"page": vec(0, 0, t / 2)})


@register("tv")
def tv(rng: np.random.Generator) -> ObjectModel:
    """A flat screen on a foot, its picture to -y."""
    w = rng.uniform(0.75, 1.25)
    h = w * 0.58
    parts = [
        box((w, 0.04, h), BLACK, (0, 0, h / 2 + 0.08)),
        box((w - 0.04, 0.004, h - 0.04), _screen(rng, 0.4, (0, 2)), (0, -0.0215, h / 2 + 0.08)),
        box((w * 0.4, 0.2, 0.015), BLACK, (0, 0, 0.0075)),
        box((0.08, 0.03, 0.1), BLACK, (0, 0.015, 0.05)),
    ]
    return ObjectModel("tv", join(parts), points={"screen": vec(0, -0.02, h / 2 + 0.08)})


@register("remote")
def remote(rng: np.random.Generator) -> ObjectModel:
    """A remote control; it points to -y."""
    keys = Material(srgb(36, 36, 40), "dots", srgb(210, 210, 210), 0.014)
    parts = [cushion((0.045, 0.17, 0.02), (0, 0, 0.01), BLACK, 0.3), box((0.036, 0.12, 0.002), keys, (0, -0.01, 0.02))]
    return ObjectModel(
        "remote",
        join(parts),
        {"body": Grip(vec(0, 0.035, 0.01), -Y, None, 0.014, flip=False)},
        points={"front": vec(0, -0.085, 0.01)},
    )


@register("keyboard")
def keyboard(rng: np.random.Generator) -> ObjectModel:
    """A keyboard; the user is at -y."""
    w, d = rng.uniform(0.38, 0.45), 0.14
    base = plastic(rng, srgb(40, 40, 44) if rng.random() < 0.6 else srgb(225, 225, 225))
    keys = Material(
        srgb(30, 30, 34) if base.color[0] < 0.3 else srgb(240, 240, 240), "keys", dark(base.color, 0.6), 0.019
    )
    parts = [box((w, d, 0.018), base, (0, 0, 0.009)), box((w - 0.02, d - 0.02, 0.006), keys, (0, 0, 0.02))]
    grips = {
        "left keys": Grip(vec(-w * 0.2, -0.02, 0.023), Y, -Z, 0.0, "palm"),
        "right keys": Grip(vec(w * 0.12, -0.02, 0.023), Y, -Z, 0.0, "palm"),
    }
    return ObjectModel("keyboard", join(parts), grips)


@register("mouse")
def mouse(rng: np.random.Generator) -> ObjectModel:
    """A computer mouse."""
    mesh = ellipsoid((0, 0, 0.012), (0.031, 0.056, 0.024), plastic(rng, srgb(36, 36, 40)), 20, 11)
    flat = mesh.vertices.copy()
    flat[:, 2] = np.maximum(flat[:, 2], 0)
    return ObjectModel("mouse", replace(mesh, vertices=flat), {"top": Grip(vec(0, 0.0, 0.03), Y, -Z, 0.0, "palm")})


@register("clock")
def clock(rng: np.random.Generator) -> ObjectModel:
    """A wall clock standing in the x-z plane, its face to -y."""
    r = rng.uniform(0.13, 0.2)
    face = lathe([(0, 0.02), (r, 0.02), (r, 0.0), (0, 0)][::-1], WHITE, 36).turned(degrees(X, 90))
    parts = [face, ring((0, -0.02, 0), Y, r, 0.014, plastic(rng))]
    for k in range(12):
        a = k * np.pi / 6
        parts.append(
            box((0.012, 0.004, 0.035), BLACK, (0, 0, r * 0.8)).turned(degrees(Y, np.degrees(a))).at(0, -0.022, 0)
        )
    for length, a in ((r * 0.5, rng.uniform(0, 360)), (r * 0.75, rng.uniform(0, 360))):
        parts.append(box((0.012, 0.004, length), BLACK, (0, 0, length / 2)).turned(degrees(Y, a)).at(0, -0.026, 0))
    return ObjectModel("clock", join(parts).at(0, 0, r))


@register("scissors")
def scissors(rng: np.random.Generator) -> ObjectModel:
    """Half open, the blades to -y."""
    handle = plastic(rng)
    parts = []
    for s in (-1, 1):
        blade = extrude([(-0.008, 0.0), (0.004, -0.11), (0.01, 0.0), (0.008, 0.03), (-0.008, 0.03)], 0.002, STEEL)
        loop = ring((0.014, 0.065, 0), Z, 0.023, 0.005, handle)
        half = join([blade, tube([(0, 0.02, 0), (0.008, 0.045, 0)], 0.005, handle, segments=6), loop])
        half = half if s > 0 else half.scaled((-1, 1, 1))
        parts.append(half.turned(degrees(Z, s * 9)).at(0, 0, 0.006 + 0.001 * s))
    return ObjectModel(
        "scissors",
        join(parts),
        {"loops": Grip(vec(0, 0.06, 0.006), Y, Z, 0.01, "bar", flip=False)},
        points={"blades": vec(0, -0.08, 0.006)},
    )


@register("toothbrush")
def toothbrush(rng: np.random.Generator) -> ObjectModel:
    """A brush along y, its head at -y."""
    parts = [
        box((0.011, 0.19, 0.008), plastic(rng), (0, 0, 0.006)),
        box((0.011, 0.028, 0.012), WHITE, (0, -0.08, 0.014)),
    ]
    return ObjectModel(
        "toothbrush",
        join(parts),
        {"handle": Grip(vec(0, 0.05, 0.006), -Y, None, 0.008, flip=False)},
        points={"head": vec(0, -0.08, 0.02)},
    )


@register("hair drier")
def hair_drier(rng: np.random.Generator) -> ObjectModel:
    """A barrel blowing to -y with a handle below."""
    shell = plastic(rng)
    barrel = lathe(
        [(0, -0.1), (0.024, -0.1), (0.026, -0.04), (0.04, 0.02), (0.042, 0.08), (0.03, 0.1), (0, 0.1)], shell, 24
    )
    parts = [
        barrel.turned(degrees(X, 90)).turned(degrees(Z, 180)).at(0, 0, 0.17),
        cylinder((0, 0.03, 0.15), (0, 0.05, 0), 0.018, BLACK),
    ]
    return ObjectModel(
        "hair drier",
        join(parts),
        {"handle": Grip(vec(0, 0.042, 0.06), Z, None, 0.018, flip=False)},
        points={"nozzle": vec(0, -0.1, 0.17)},
    )


@register("teddy bear")
def teddy_bear(rng: np.random.Generator) -> ObjectModel:
    """Sits facing -y."""
    s = float(rng.uniform(0.8, 1.9))
    tone = hsv(rng.uniform(0.05, 0.1), rng.uniform(0.35, 0.7), rng.uniform(0.45, 0.85))
    fur = Material(tone, "noise", dark(tone), scale=0.03)
    light = Material(tuple(min(1.0, c * 1.8 + 0.1) for c in tone))  # type: ignore[arg-type]
    parts = [
        ellipsoid((0, 0, 0.11), (0.085, 0.075, 0.11), fur),
        ellipsoid((0, -0.01, 0.27), (0.075, 0.07, 0.068), fur),
        ellipsoid((0, -0.072, 0.255), (0.032, 0.03, 0.026), light),
        ellipsoid((0, -0.1, 0.265), (0.011, 0.008, 0.008), BLACK),
    ]
    for sx in (-1, 1):
        parts += [
            ellipsoid((sx * 0.06, 0, 0.33), (0.03, 0.018, 0.03), fur),
            ellipsoid((sx * 0.027, -0.073, 0.285), 0.0085, BLACK),
            ellipsoid((sx * 0.1, -0.03, 0.16), (0.035, 0.05, 0.055), fur),
            ellipsoid((sx * 0.07, -0.1, 0.035), (0.038, 0.08, 0.036), fur),
            ellipsoid((sx * 0.075, -0.175, 0.045), (0.034, 0.014, 0.04), light),
        ]
    grips = {
        "belly": Grip(vec(0, -0.072 * s, 0.12 * s), X, Y, 0.0, "palm"),
        "back": Grip(vec(0, 0.073 * s, 0.12 * s), X, -Y, 0.0, "palm"),
        "arm": Grip(vec(0.12 * s, -0.03 * s, 0.15 * s), Z, None, 0.033 * s),
    }
    return ObjectModel(
        "teddy bear",
        join(parts).scaled(s),
        grips,
        {"back": Spot(vec(0, 0.075 * s, 0.12 * s), Y, FRONT, (0.15 * s, 0.2 * s))},
    )
