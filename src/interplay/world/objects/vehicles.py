"""Objects to ride on and drive: bicycle, motorcycle, car; they face -y."""

from __future__ import annotations

import numpy as np

from interplay.body.geometry import X, Y, Z, degrees, vec
from interplay.body.materials import Material, srgb
from interplay.body.meshes import Mesh, box, cylinder, ellipsoid, extrude, join, lathe, loft, ring, tube

from .base import Grip, ObjectModel, Spot
from .furniture import FRONT, cushion
from .paint import BLACK, RUBBER, STEEL, any_color, leather, plastic
from .registry import register


def _wheel(center: np.ndarray, radius: float, tyre: float, spokes: int, rim: Material = STEEL) -> Mesh:
    parts = [ring(center, X, radius - tyre, tyre, RUBBER), ring(center, X, radius - 2.2 * tyre, 0.45 * tyre, rim)]
    parts.append(cylinder(center - 0.04 * X, center + 0.04 * X, 0.022, STEEL, segments=8))
    for k in range(spokes):
        a = 2 * np.pi * k / spokes
        tip = center + (radius - 2.2 * tyre) * vec(0, np.cos(a), np.sin(a))
        parts.append(cylinder(center + (0.02 if k % 2 else -0.02) * X, tip, 0.0028, rim, segments=4))
    return join(parts)


@register("bicycle")
def bicycle(rng: np.random.Generator) -> ObjectModel:
    """A city, sports or mountain bicycle."""
    s = float(rng.uniform(0.95, 1.05))
    r, tyre = 0.335 * s, float(rng.uniform(0.014, 0.026))
    rear, front = vec(0, 0.5, r), vec(0, -0.53 * s, r)
    paint = plastic(rng)
    crank = vec(0, 0.06, 0.29 * s)
    seat_top = vec(0, 0.22, 0.9 * s)
    seat_joint = vec(0, 0.17, 0.74 * s)
    head_low, head_top = vec(0, -0.38, 0.68 * s), vec(0, -0.33, 0.83 * s)
    bar = head_top + vec(0, -0.03, float(rng.uniform(0.1, 0.2)))
    half, style = 0.29, rng.random()
    parts = [_wheel(rear, r, tyre, 18), _wheel(front, r, tyre, 18)]
    frame_tubes = [(crank, seat_joint), (seat_joint, head_top - 0.03 * Z), (crank, head_low)]
    if style < 0.35:  # a low step-through frame
        frame_tubes[1] = (crank + 0.55 * (seat_joint - crank), head_low + 0.04 * Z)
    for a, b in frame_tubes:
        parts.append(cylinder(a, b, 0.018, paint, segments=10))
    parts.append(cylinder(head_low, head_top, 0.022, paint, segments=10))
    for sx in (-1, 1):
        off = 0.045 * sx * X
        parts.append(tube([crank + 0.4 * off, rear + off], 0.009, paint, segments=6))
        parts.append(tube([seat_joint, rear + off], 0.008, paint, segments=6))
        parts.append(tube([head_low, head_low + off - 0.04 * Z, front + off], 0.012, paint, segments=6))
    parts.append(cylinder(seat_joint, seat_top - 0.05 * Z, 0.013, STEEL, segments=8))
    saddle = loft(
        np.array(
            [
                [
                    [w * np.cos(a), y, 0.022 * np.sin(a) * (1 if np.sin(a) > 0 else 1.4) + z]
                    for a in np.linspace(0, 2 * np.pi, 12, endpoint=False)
                ]
                for y, w, z in (
                    (-0.14, 0.012, -0.022),
                    (-0.1, 0.025, -0.02),
                    (0.0, 0.05, -0.018),
                    (0.08, 0.085, -0.014),
                    (0.12, 0.06, -0.01),
                )
            ]
        )[::-1],
        BLACK,
    )
    parts.append(saddle.at(*seat_top))
    parts.append(cylinder(head_top, bar, 0.013, STEEL, segments=8))
    grips = {}
    for name, sx in (("left handle", 1), ("right handle", -1)):
        tip = bar + vec(sx * half, 0.07, 0.0)
        if style < 0.7:
            parts.append(tube([bar, bar + vec(sx * 0.12, -0.01, 0.02), tip], 0.011, STEEL, segments=8, spacing=0.05))
            inner = bar + vec(sx * (half - 0.11), 0.045, 0.012)
        else:
            tip = bar + vec(sx * half, 0.02, 0)
            parts.append(cylinder(bar, tip, 0.012, STEEL, segments=8))
            inner = bar + vec(sx * (half - 0.11), 0.012, 0)
        parts.append(cylinder(inner, tip, 0.016, BLACK, segments=8))
        middle = 0.45 * inner + 0.55 * tip
        axis = inner - tip
        grips[name] = Grip(middle, axis / np.linalg.norm(axis), vec(0, -0.55, -0.83), 0.016, "bar", flip=False)
    spots = {"saddle": Spot(seat_top, Z, FRONT, (0.15, 0.24))}
    turn = float(rng.uniform(0, 2 * np.pi))
    parts.append(ring(crank - 0.05 * X, X, 0.085, 0.006, STEEL))
    for name, sx in (("left pedal", 1), ("right pedal", -1)):
        angle = turn + (np.pi if sx < 0 else 0)
        pedal = crank + 0.165 * vec(0, np.cos(angle), np.sin(angle)) + sx * 0.1 * X
        parts.append(tube([crank + sx * 0.055 * X, pedal - sx * 0.04 * X], 0.011, STEEL, segments=6))
        parts.append(box((0.085, 0.075, 0.022), BLACK, tuple(pedal)))
        spots[name] = Spot(pedal + 0.011 * Z, Z, FRONT, (0.085, 0.075))
    points = {"hub": rear}
    return ObjectModel("bicycle", join(parts), grips, spots, points)


@register("motorcycle")
def motorcycle(rng: np.random.Generator) -> ObjectModel:
    """A road motorcycle or a scooter-like one."""
    r, tyre = 0.31, 0.055
    rear, front = vec(0, 0.66, r), vec(0, -0.74, r)
    paint, seat = plastic(rng), leather(rng)
    parts = [_wheel(rear, r, tyre, 10), _wheel(front, r, tyre, 10)]
    for center in (rear, front):
        parts.append(
            lathe([(0.0, -0.03), (0.15, -0.03), (0.15, 0.03), (0.0, 0.03)], STEEL, 20)
            .turned(degrees(Y, 90))
            .at(*center)
        )
    engine = [
        cushion((0.32, 0.42, 0.32), (0, 0.02, 0.42), Material(srgb(70, 70, 74), gloss=0.7), 0.15),
        ellipsoid((0, -0.16, 0.82), (0.17, 0.3, 0.15), paint, 20, 11),
        cushion((0.26, 0.72, 0.12), (0, 0.42, 0.75), seat, 0.4),
        loft(_tail_rings(), paint),
        tube([(0.17, 0.05, 0.3), (0.19, 0.35, 0.27), (0.19, 0.85, 0.36)], 0.045, STEEL, spacing=0.06),
        ellipsoid((0, -0.56, 0.88), (0.1, 0.08, 0.1), STEEL),
        ellipsoid((0, -0.62, 0.88), (0.085, 0.03, 0.085), Material((0.9, 0.9, 0.8), gloss=0.8)),
        tube([(0, -0.1, 0.7), (0, 0.15, 0.35), (0, 0.5, 0.42)], 0.04, BLACK, spacing=0.08),
    ]
    parts += engine
    mud = [
        [(sx * 0.075, front[1] + (r + 0.03) * np.cos(a), r + (r + 0.03) * np.sin(a)) for sx in (-1, 1)]
        for a in np.linspace(0.7, 2.5, 9)
    ]
    parts.append(loft(np.array(mud), paint, closed=False, capped=False))
    grips = {}
    for name, sx in (("left handle", 1), ("right handle", -1)):
        parts.append(cylinder((sx * 0.085, -0.46, 0.9), front + sx * 0.085 * X, 0.026, STEEL, segments=8))
        inner, tip = vec(sx * 0.22, -0.36, 1.02), vec(sx * 0.37, -0.3, 1.0)
        parts.append(tube([vec(0, -0.46, 0.93), vec(sx * 0.12, -0.42, 1.0), inner], 0.013, STEEL, segments=8))
        parts.append(cylinder(inner, tip, 0.018, BLACK, segments=8))
        parts.append(tube([inner, inner + vec(sx * 0.04, 0, 0.14)], 0.006, STEEL, segments=6))
        parts.append(ellipsoid(inner + vec(sx * 0.05, 0, 0.19), (0.06, 0.015, 0.045), BLACK))
        axis = inner - tip
        grips[name] = Grip((inner + tip) / 2, axis / np.linalg.norm(axis), vec(0, -0.6, -0.8), 0.018, "bar", flip=False)
    spots = {
        "saddle": Spot(vec(0, 0.2, 0.81), Z, FRONT, (0.26, 0.36)),
        "pillion": Spot(vec(0, 0.55, 0.81), Z, FRONT, (0.26, 0.3)),
    }
    for name, sx in (("left pedal", 1), ("right pedal", -1)):
        peg = vec(sx * 0.24, 0.16, 0.32)
        parts.append(cylinder((sx * 0.12, 0.16, 0.32), peg + sx * 0.06 * X, 0.014, STEEL, segments=8))
        spots[name] = Spot(peg + 0.014 * Z, Z, FRONT, (0.1, 0.03))
    return ObjectModel("motorcycle", join(parts), grips, spots, {"hub": rear})


def _tail_rings() -> np.ndarray:
    angle = np.linspace(0, 2 * np.pi, 16, endpoint=False)
    rows = ((0.2, 0.14, 0.12, 0.66), (0.5, 0.15, 0.1, 0.69), (0.85, 0.07, 0.04, 0.78))
    return np.array([[(w * np.cos(a), y, z + h * np.sin(a)) for a in -angle] for y, w, h, z in rows])


@register("car")
def car(rng: np.random.Generator) -> ObjectModel:
    """A saloon or a hatchback."""
    paint = plastic(rng, any_color(rng, 0.5))
    glass = Material((0.03, 0.04, 0.05), gloss=0.9, sharpness=80)
    back = rng.uniform(1.5, 2.05)
    side = [
        (-2.1, 0.35),
        (-2.0, 0.3),
        (2.05, 0.3),
        (2.1, 0.5),
        (2.08, 0.9),
        (back, 0.98),
        (-1.0, 0.95),
        (-1.95, 0.78),
        (-2.1, 0.6),
    ]
    roof = [(-0.95, 0.95), (back + 0.02, 0.97), (back - 0.35, 1.42), (0.9, 1.47), (-0.2, 1.44)]
    upright = np.array([[0.0, 0, 1], [1, 0, 0], [0, 1, 0]])
    parts = [
        extrude(side, 1.72, paint).turned(upright),
        extrude(roof, 1.5, glass).turned(upright),
        box((1.4, 1.3, 0.03), paint, (0, 0.45, 1.47)),
    ]
    for y, z0, y1, z1 in ((-0.95, 0.95, -0.2, 1.45), (0.45, 0.95, 0.45, 1.46), (back, 0.97, back - 0.35, 1.44)):
        for sx in (-1, 1):
            parts.append(cylinder((sx * 0.76, y, z0), (sx * 0.74, y1, z1), 0.04, paint, segments=6))
    for y in (-1.3, 1.35):
        for sx in (-1, 1):
            center = vec(sx * 0.8, y, 0.32)
            parts.append(cylinder(center - 0.1 * X, center + 0.1 * X, 0.32, RUBBER, segments=28))
            parts.append(cylinder(center - 0.105 * X, center + 0.105 * X, 0.2, STEEL, segments=20))
    for sx in (-1, 1):
        parts.append(ellipsoid((sx * 0.62, -2.05, 0.62), (0.16, 0.06, 0.09), Material((0.9, 0.9, 0.85), gloss=0.8)))
        parts.append(ellipsoid((sx * 0.66, 2.06, 0.75), (0.13, 0.05, 0.09), Material(srgb(170, 20, 20), gloss=0.6)))
    grip = Grip(vec(-0.88, 0.25, 0.82), Y, X, 0.012)
    return ObjectModel("car", join(parts), {"door": grip}, {"hood": Spot(vec(0, -1.5, 0.86), Z, FRONT, (1.4, 0.8))})
