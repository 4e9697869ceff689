"""Street furniture and animals: fire hydrant, stop sign, parking meter, traffic light, dog, horse."""

from __future__ import annotations

import numpy as np

from interplay.body.geometry import X, Y, Z, degrees, vec
from interplay.body.materials import Material, hsv, srgb
from interplay.body.meshes import Mesh, box, circle, cylinder, ellipsoid, extrude, join, lathe, loft, tube

from .base import Grip, ObjectModel, Spot
from .furniture import FRONT
from .paint import BLACK, STEEL, any_color, dark, leather
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


def _coat(rng: np.random.Generator) -> Material:
    tone = hsv(rng.uniform(0.04, 0.1), rng.uniform(0.2, 0.7), rng.choice([0.15, 0.35, 0.55, 0.85]))
    patched = rng.random() < 0.3
    second = srgb(236, 230, 222) if patched else dark(tone, 0.75)
    return Material(tone, "noise", second, scale=0.35 if patched else 0.05)


def _leg(points: list[tuple[float, float, float]], radii: list[float], coat: Material) -> Mesh:
    return tube(points, np.array(radii), coat, segments=10)


@register("dog")
def dog(rng: np.random.Generator) -> ObjectModel:
    """Stands facing -y."""
    coat = _coat(rng)
    ear = Material(dark(coat.color, 0.6))
    parts = [
        tube(
            [(0, 0.32, 0.44), (0, 0.2, 0.44), (0, 0.0, 0.42), (0, -0.18, 0.43), (0, -0.3, 0.48)],
            np.array([0.06, 0.1, 0.1, 0.125, 0.085]),
            coat,
            segments=14,
        ),
        tube([(0, -0.24, 0.48), (0, -0.33, 0.57), (0, -0.38, 0.64)], np.array([0.095, 0.07, 0.065]), coat, segments=12),
        ellipsoid((0, -0.41, 0.67), (0.07, 0.085, 0.07), coat),
        tube(
            [(0, -0.42, 0.66), (0, -0.5, 0.645), (0, -0.56, 0.64)], np.array([0.055, 0.042, 0.032]), coat, segments=12
        ),
        ellipsoid((0, -0.595, 0.65), (0.018, 0.015, 0.014), BLACK),
        tube([(0, 0.33, 0.47), (0, 0.43, 0.56), (0, 0.46, 0.68)], np.array([0.028, 0.022, 0.01]), coat, segments=8),
    ]
    for sx in (-1, 1):
        parts += [
            ellipsoid((sx * 0.072, -0.38, 0.68), (0.016, 0.04, 0.07), ear),
            ellipsoid((sx * 0.034, -0.478, 0.69), 0.011, BLACK),
            _leg(
                [(sx * 0.075, -0.2, 0.42), (sx * 0.08, -0.2, 0.22), (sx * 0.08, -0.21, 0.03)],
                [0.055, 0.033, 0.028],
                coat,
            ),
            ellipsoid((sx * 0.08, -0.235, 0.022), (0.032, 0.05, 0.022), coat),
            _leg(
                [(sx * 0.08, 0.26, 0.42), (sx * 0.085, 0.24, 0.28), (sx * 0.085, 0.33, 0.17), (sx * 0.085, 0.3, 0.03)],
                [0.075, 0.05, 0.03, 0.026],
                coat,
            ),
            ellipsoid((sx * 0.085, 0.275, 0.022), (0.032, 0.05, 0.022), coat),
        ]
    s = float(rng.uniform(0.75, 1.1))
    grips = {
        "back": Grip(vec(0, 0.02, 0.523) * s, X, -Z, 0.0, "palm"),
        "head": Grip(vec(0, -0.4, 0.74) * s, X, -Z, 0.0, "palm"),
    }
    return ObjectModel("dog", join(parts).scaled(s), grips, points={"collar": vec(0, -0.3, 0.58) * s})


@register("horse")
def horse(rng: np.random.Generator) -> ObjectModel:
    """Stands facing -y, with a saddle and reins."""
    coat = _coat(rng)
    mane = Material(dark(coat.color, 0.3), "noise", dark(coat.color, 0.5), scale=0.05)
    tack = leather(rng)
    parts = [
        tube(
            [(0, 0.82, 1.2), (0, 0.66, 1.22), (0, 0.3, 1.15), (0, -0.15, 1.14), (0, -0.5, 1.18), (0, -0.68, 1.22)],
            np.array([0.12, 0.25, 0.27, 0.28, 0.25, 0.15]),
            coat,
            segments=20,
        ),
        tube(
            [(0, -0.5, 1.22), (0, -0.72, 1.42), (0, -0.88, 1.66), (0, -0.95, 1.8)],
            np.array([0.24, 0.17, 0.125, 0.1]),
            coat,
            segments=16,
        ),
        tube(
            [(0, -0.9, 1.84), (0, -1.02, 1.78), (0, -1.2, 1.62), (0, -1.36, 1.46), (0, -1.42, 1.4)],
            np.array([0.08, 0.115, 0.095, 0.07, 0.055]),
            coat,
            segments=14,
        ),
        tube(
            [(0, -0.42, 1.46), (0, -0.66, 1.66), (0, -0.8, 1.84), (0, -0.9, 1.95)],
            np.array([0.05, 0.06, 0.06, 0.03]),
            mane,
            segments=8,
        ),
        tube(
            [(0, 0.9, 1.28), (0, 1.02, 1.15), (0, 1.05, 0.85), (0, 1.02, 0.6)],
            np.array([0.05, 0.07, 0.07, 0.02]),
            mane,
            segments=8,
        ),
    ]
    for sx in (-1, 1):
        parts += [
            ellipsoid((sx * 0.07, -0.9, 1.96), (0.03, 0.025, 0.08), coat),
            ellipsoid((sx * 0.098, -1.08, 1.76), 0.022, BLACK),
            _leg(
                [(sx * 0.16, -0.5, 1.05), (sx * 0.16, -0.5, 0.6), (sx * 0.16, -0.5, 0.14)], [0.13, 0.065, 0.045], coat
            ),
            cylinder((sx * 0.16, -0.52, 0), (sx * 0.16, -0.5, 0.13), 0.075, BLACK, end_radius=0.05),
            _leg(
                [(sx * 0.17, 0.62, 1.08), (sx * 0.17, 0.6, 0.8), (sx * 0.17, 0.78, 0.55), (sx * 0.17, 0.72, 0.14)],
                [0.18, 0.11, 0.06, 0.045],
                coat,
            ),
            cylinder((sx * 0.17, 0.7, 0), (sx * 0.17, 0.72, 0.13), 0.075, BLACK, end_radius=0.05),
        ]
    parts.append(
        tube([(0, 0.22, 1.43), (0, 0.02, 1.41), (0, -0.16, 1.46)], np.array([0.05, 0.05, 0.04]), tack, segments=10)
    )
    blanket = Material(any_color(rng, 0.9))
    a = np.linspace(-1.35, 1.35, 13)
    strip = np.array([[(0.292 * np.sin(k), y, 1.145 + 0.292 * np.cos(k)) for k in a] for y in (0.3, 0.05, -0.22)])
    parts.append(loft(strip, blanket, closed=False, capped=False))
    reins = {}
    for name, sx in (("left rein", 1), ("right rein", -1)):
        hand = vec(sx * 0.1, -0.32, 1.66)
        parts.append(tube([vec(sx * 0.085, -1.3, 1.5), hand, vec(0, -0.2, 1.56)], 0.008, BLACK, segments=5))
        reins[name] = Grip(hand, Y, None, 0.01)
    spots = {"saddle": Spot(vec(0, 0.04, 1.455), Z, FRONT, (0.3, 0.3))}
    for name, sx in (("left pedal", 1), ("right pedal", -1)):
        stirrup = vec(sx * 0.36, -0.05, 0.72)
        parts.append(tube([vec(sx * 0.28, 0.0, 1.3), stirrup + vec(0, 0, 0.14)], 0.01, tack, segments=5))
        parts.append(
            tube(
                [
                    stirrup + vec(0.055, 0, 0),
                    stirrup + vec(0.05, 0, 0.1),
                    stirrup + vec(0, 0, 0.14),
                    stirrup + vec(-0.05, 0, 0.1),
                    stirrup + vec(-0.055, 0, 0),
                ],
                0.007,
                STEEL,
                closed=True,
                segments=5,
            )
        )
        spots[name] = Spot(stirrup + 0.007 * Z, Z, FRONT, (0.1, 0.04))
    grips = {**reins, "neck": Grip(vec(0.15, -0.75, 1.5), Z, -X, 0.0, "palm")}
    return ObjectModel("horse", join(parts), grips, spots, {"hub": vec(0, 0, 1.1)})
