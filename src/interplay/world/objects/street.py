"""Street furniture: fire hydrant, stop sign, parking meter, traffic light."""

from __future__ import annotations

import numpy as np

from interplay.body.geometry import X, Y, Z, degrees, vec
from interplay.body.materials import Material, srgb
from interplay.body.meshes import Mesh, box, circle, cylinder, extrude, join, lathe, tube

from .base import Grip, ObjectModel, Spot
from .furniture import FRONT
from .paint import BLACK, STEEL, dark
from .registry import register


@register("fire hydrant")
def fire_hydrant(rng: np.random.Generator) -> ObjectModel:
    """Red or yellow, with caps on three sides."""
    paint = Material(srgb(190, 30, 28) if rng.random() < 0.6 else srgb(236, 190, 30), gloss=0.35)
    cap = Material(srgb(220, 220, 220) if rng.random() < 0.4 else dark(paint.color), gloss=0.4)
    body = [
        (0, 0),
        (0.16, 0),
        (0.16, 0.04),
        (0.11, 0.05),
        (0.11, 0.5),
        (0.13, 0.51),
        (0.13, 0.54),
        (0.11, 0.56),
        (0.08, 0.64),
        (0.03, 0.68),
        (0.03, 0.73),
        (0, 0.73),
    ]
    parts = [lathe(body, paint, 24)]
    for axis, z in ((X, 0.42), (-X, 0.42), (-Y, 0.36)):
        parts.append(cylinder(0.09 * axis + z * Z, 0.17 * axis + z * Z, 0.055, cap, segments=14))
        parts.append(cylinder(0.17 * axis + z * Z, 0.2 * axis + z * Z, 0.02, cap, segments=6))
    return ObjectModel(
        "fire hydrant",
        join(parts),
        {"top": Grip(vec(0, 0, 0.73), X, -Z, 0.0, "palm")},
        {"top": Spot(vec(0, 0, 0.73), Z, FRONT, (0.1, 0.1))},
    )


@register("stop sign")
def stop_sign(rng: np.random.Generator) -> ObjectModel:
    """A red octagon on a post, facing -y."""
    high = rng.uniform(1.9, 2.2)
    upright = degrees(X, 90)
    red, white = Material(srgb(190, 20, 30)), Material(srgb(240, 240, 240))
    plate = extrude(circle(0.38, 8, np.pi / 8), 0.01, white).turned(upright).at(0, -0.04, high)
    face = extrude(circle(0.35, 8, np.pi / 8), 0.012, red).turned(upright).at(0, -0.042, high)
    parts = [cylinder((0, 0, 0), (0, 0, high + 0.3), 0.03, STEEL), plate, face]
    for k, word in enumerate("STOP"):
        parts += [m.at(-0.225 + 0.15 * k, -0.05, high) for m in _letter(word, white)]
    return ObjectModel("stop sign", join(parts), {"post": Grip(vec(0, 0, 1.1), Z, None, 0.03)})


def _letter(letter: str, material: Material) -> list[Mesh]:
    """Strokes of a capital letter, 10 cm wide and 20 cm high, in the x-z plane."""
    w, h, t = 0.04, 0.09, 0.024
    bars: dict[str, list[tuple[float, float, int]]] = {
        "S": [(0, h, 0), (0, 0, 0), (0, -h, 0), (-w, h / 2, 1), (w, -h / 2, 1)],
        "T": [(0, h, 0), (0, h / 2, 1), (0, -h / 2, 1)],
        "O": [(0, h, 0), (0, -h, 0), (-w, h / 2, 1), (w, h / 2, 1), (-w, -h / 2, 1), (w, -h / 2, 1)],
        "P": [(0, h, 0), (0, 0, 0), (-w, h / 2, 1), (w, h / 2, 1), (-w, -h / 2, 1)],
    }
    return [
        box((t, 0.004, h + t) if tall else (2 * w + t, 0.004, t), material, (x, 0, z)) for x, z, tall in bars[letter]
    ]


@register("parking meter")
def parking_meter(rng: np.random.Generator) -> ObjectModel:
    """A rounded head on a post, facing -y."""
    grey = Material(srgb(110, 114, 120), gloss=0.5)
    parts = [
        cylinder((0, 0, 0), (0, 0, 1.0), 0.032, STEEL),
        box((0.17, 0.12, 0.22), grey, (0, 0, 1.12)),
        cylinder((0, -0.06, 1.23), (0, 0.06, 1.23), 0.085, grey, segments=24),
        box((0.12, 0.006, 0.07), Material(srgb(200, 220, 225), gloss=0.7, glow=0.2), (0, -0.063, 1.23)),
        box((0.02, 0.012, 0.05), BLACK, (0, -0.063, 1.1)),
    ]
    return ObjectModel("parking meter", join(parts), {"front": Grip(vec(0, -0.066, 1.1), X, Y, 0.0, "palm")})


@register("traffic light")
def traffic_light(rng: np.random.Generator) -> ObjectModel:
    """Three lamps on a post, facing -y."""
    on = int(rng.integers(3))
    parts = [
        cylinder((0, 0, 0), (0, 0, 2.4), 0.05, Material(srgb(70, 74, 70))),
        box((0.26, 0.2, 0.78), BLACK, (0, -0.02, 2.75)),
    ]
    for k, tone in enumerate((srgb(230, 30, 24), srgb(240, 180, 20), srgb(30, 210, 90))):
        lamp = Material(tone, glow=0.9) if k == on else Material(dark(tone, 0.2))
        center = vec(0, -0.12, 3.0 - 0.25 * k)
        parts += [
            cylinder(center, center - 0.02 * Y, 0.09, lamp, segments=20),
            tube(
                [center + vec(-0.1, -0.05, 0.02), center + vec(0, -0.09, 0.1), center + vec(0.1, -0.05, 0.02)],
                0.012,
                BLACK,
                segments=5,
                spacing=0.03,
            ),
        ]
    return ObjectModel("traffic light", join(parts))
