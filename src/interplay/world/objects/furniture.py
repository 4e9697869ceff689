"""Furniture: chair, bench, couch, bed, dining table, potted plant, toilet."""

from __future__ import annotations

import numpy as np

from interplay.body.geometry import X, Y, Z, vec
from interplay.body.materials import Material, hsv
from interplay.body.meshes import Mesh, box, cylinder, ellipsoid, join, lathe, loft, tube

from .base import Grip, ObjectModel, Spot
from .paint import STEEL, WHITE, any_color, ceramic, fabric, leather, metal, plastic, wood
from .registry import register

FRONT = -Y
"""The way an object faces."""


def cushion(
    size: tuple[float, float, float], center: tuple[float, float, float], material: Material, soft: float = 0.25
) -> Mesh:
    """A box with rounded edges: rings of a rounded rectangle, smaller at the top and the bottom."""
    width, depth, height = size
    angle = np.linspace(0, 2 * np.pi, 32, endpoint=False)
    power = 0.28
    outline = np.stack(
        [
            np.sign(np.cos(angle)) * np.abs(np.cos(angle)) ** power,
            np.sign(np.sin(angle)) * np.abs(np.sin(angle)) ** power,
        ],
        1,
    )
    levels = np.linspace(-1, 1, 7)
    inset = soft * height * (1 - np.sqrt(np.maximum(1 - np.abs(levels) ** 4, 0)))
    rings = [
        np.column_stack([outline * np.maximum(vec(width / 2, depth / 2) - i, 0.001), np.full(32, level * height / 2)])
        for level, i in zip(levels, inset, strict=True)
    ]
    return loft(np.array(rings), material).at(*center)


@register("chair")
def chair(rng: np.random.Generator) -> ObjectModel:
    """Four legs (or a pedestal on wheels), a seat and a back."""
    width, depth, height = rng.uniform(0.42, 0.5), rng.uniform(0.42, 0.48), rng.uniform(0.43, 0.48)
    top = height + rng.uniform(0.42, 0.55)
    frame = wood(rng, 2) if rng.random() < 0.6 else metal(rng)
    soft = fabric(rng) if rng.random() < 0.5 else plastic(rng) if rng.random() < 0.4 else wood(rng)
    parts = [cushion((width, depth, 0.05), (0, 0, height - 0.025), soft)]
    office = rng.random() < 0.25
    lean = 0.06
    if office:
        parts.append(cylinder((0, 0, 0.08), (0, 0, height - 0.04), 0.03, STEEL))
        for k in range(5):
            a = 2 * np.pi * k / 5
            tip = vec(0.27 * np.cos(a), 0.27 * np.sin(a), 0.07)
            parts += [cylinder((0, 0, 0.1), tip, 0.02, frame), ellipsoid(tip - 0.04 * Z, 0.03, STEEL, 8, 5)]
        parts.append(cylinder((0, depth / 2 - 0.02, height - 0.03), (0, depth / 2 + 0.03, height + 0.2), 0.02, frame))
        parts.append(
            cushion((width * 0.92, top - height - 0.1, 0.05), (0, 0, 0), soft)
            .turned(_stand_up())
            .at(0, depth / 2 + 0.03, (top + height + 0.1) / 2)
        )
    else:
        legs = float(rng.uniform(0.014, 0.024))
        x, y = width / 2 - 0.03, depth / 2 - 0.03
        for sx in (-1, 1):
            parts.append(cylinder((sx * x, -y, 0), (sx * x, -y, height - 0.03), legs, frame, segments=8))
            parts.append(
                tube(
                    [(sx * x, y + 0.02, 0), (sx * x, y, height), (sx * x, y + lean, top)],
                    legs,
                    frame,
                    segments=8,
                    spacing=0.1,
                )
            )
        style = rng.random()
        if style < 0.4:
            for k in range(3):
                z = height + (top - height) * (0.35 + 0.3 * k)
                parts.append(box((2 * x, 0.02, 0.07), frame, (0, y + lean * (z - height) / (top - height), z - 0.03)))
        elif style < 0.7:
            parts.append(box((2 * x + 0.02, 0.022, 0.06), frame, (0, y + lean, top - 0.02)))
            for k in range(5):
                px = x * (-0.7 + 0.35 * k)
                parts.append(cylinder((px, y, height), (px, y + lean, top - 0.03), 0.008, frame, segments=6))
        else:
            back = cushion((2 * x + 0.03, top - height - 0.1, 0.045), (0, 0, 0), soft)
            parts.append(back.turned(_stand_up()).at(0, y + lean * 0.6, (top + height + 0.1) / 2))
    y_back = depth / 2 - 0.03 + lean
    return ObjectModel(
        "chair",
        join(parts),
        grips={"back": Grip(vec(0, y_back, top - 0.01), X, -Z, 0.012, "slab")},
        spots={"seat": Spot(vec(0, 0, height), Z, FRONT, (width, depth))},
    )


def _stand_up() -> np.ndarray:
    """Turns a cushion's depth to height."""
    return np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])


@register("bench")
def bench(rng: np.random.Generator) -> ObjectModel:
    """Slats on two supports, mostly with a back."""
    length, depth, height = rng.uniform(1.2, 1.9), rng.uniform(0.4, 0.48), rng.uniform(0.42, 0.46)
    slat, support = wood(rng, 0), metal(rng) if rng.random() < 0.6 else wood(rng, 2)
    parts = []
    for k in range(4):
        parts.append(
            box((length, depth / 4 - 0.02, 0.03), slat, (0, -depth / 2 + depth / 8 + k * depth / 4, height - 0.015))
        )
    for sx in (-1, 1):
        x = sx * (length / 2 - 0.15)
        parts.append(box((0.05, depth, 0.04), support, (x, 0, height - 0.05)))
        for sy in (-1, 1):
            parts.append(box((0.05, 0.05, height - 0.04), support, (x, sy * (depth / 2 - 0.04), (height - 0.04) / 2)))
    if rng.random() < 0.75:
        for k in range(3):
            z = height + 0.14 + 0.13 * k
            parts.append(box((length, 0.025, 0.09), slat, (0, depth / 2 + 0.02 + 0.03 * k, z)))
        for sx in (-1, 1):
            x = sx * (length / 2 - 0.15)
            parts.append(
                tube([(x, depth / 2, height - 0.05), (x, depth / 2 + 0.12, height + 0.47)], 0.02, support, segments=6)
            )
    third = length / 3
    seats = {
        name: Spot(vec(x, 0, height), Z, FRONT, (third, depth))
        for name, x in (("seat", 0.0), ("left seat", third), ("right seat", -third))
    }
    seats["top"] = Spot(vec(0, 0, height), Z, X, (depth, length))
    return ObjectModel("bench", join(parts), spots=seats)


@register("couch")
def couch(rng: np.random.Generator) -> ObjectModel:
    """Upholstered, with arms and two or three seats."""
    seats = int(rng.choice([2, 3]))
    inner, depth, height = seats * rng.uniform(0.62, 0.72), rng.uniform(0.6, 0.68), rng.uniform(0.4, 0.45)
    soft = leather(rng) if rng.random() < 0.35 else fabric(rng)
    width = inner + 0.36
    parts = [
        box((width, depth + 0.25, height - 0.16), soft, (0, 0.1, (height - 0.16) / 2 + 0.06)),
        cushion((width, 0.24, 0.85 - 0.06), (0, depth / 2 + 0.1, 0.06 + 0.395), soft),
    ]
    for k in range(seats):
        x = -inner / 2 + inner * (k + 0.5) / seats
        parts.append(cushion((inner / seats - 0.01, depth - 0.02, 0.16), (x, -0.02, height - 0.08), soft, 0.35))
        parts.append(
            cushion((inner / seats - 0.02, 0.4, 0.16), (0, 0, 0), soft, 0.5)
            .turned(_stand_up())
            .at(x, depth / 2 - 0.04, height + 0.2)
        )
    for sx in (-1, 1):
        parts.append(cushion((0.18, depth + 0.22, 0.6), (sx * (inner / 2 + 0.09), 0.09, 0.06 + 0.3), soft, 0.12))
        for sy in (-1, 1):
            parts.append(
                cylinder(
                    (sx * (width / 2 - 0.08), sy * 0.3, 0), (sx * (width / 2 - 0.08), sy * 0.3, 0.08), 0.025, wood(rng)
                )
            )
    step = inner / seats
    front = depth - 0.16
    spots = {
        name: Spot(vec(x, -0.06, height), Z, FRONT, (step, front))
        for name, x in (("left seat", inner / 2 - step / 2), ("right seat", -inner / 2 + step / 2))
    }
    spots["lie"] = Spot(vec(0, -0.06, height), Z, X, (front, inner + 0.2))
    return ObjectModel("couch", join(parts), spots=spots)


@register("bed")
def bed(rng: np.random.Generator) -> ObjectModel:
    """A mattress on a frame with a headboard at +y, a blanket and pillows."""
    width, length, height = rng.choice([0.95, 1.4, 1.65]), rng.uniform(1.98, 2.1), rng.uniform(0.42, 0.55)
    frame, sheet, cover = wood(rng, 0), WHITE, fabric(rng)
    parts = [
        box((width + 0.08, length + 0.06, 0.16), frame, (0, 0, height - 0.26)),
        cushion((width, length, 0.2), (0, 0, height - 0.1), sheet, 0.3),
        cushion((width + 0.05, length * 0.6, 0.12), (0, -length * 0.2 - 0.01, height - 0.052), cover, 0.3),
        box(
            (width + 0.1, 0.05, rng.uniform(0.5, 0.7) + height - 0.1), frame, (0, length / 2 + 0.05, (height + 0.5) / 2)
        ),
    ]
    for sx in (-1, 1):
        for sy in (-1, 1):
            parts.append(
                box(
                    (0.07, 0.07, height - 0.3),
                    frame,
                    (sx * (width / 2 - 0.02), sy * (length / 2 - 0.05), (height - 0.3) / 2),
                )
            )
    for k in range(1 if width < 1.2 else 2):
        x = 0 if width < 1.2 else (k - 0.5) * width * 0.48
        parts.append(
            cushion(
                (min(0.62, width * 0.44 if width > 1.2 else 0.62), 0.36, 0.1),
                (x, length / 2 - 0.22, height + 0.035),
                sheet,
                0.6,
            )
        )
    return ObjectModel(
        "bed",
        join(parts),
        spots={
            "lie": Spot(vec(0 if width < 1.2 else width * 0.24, -0.02, height), Z, Y, (width * 0.5, length)),
            "edge": Spot(vec(-width / 2 + 0.22, -0.1, height), Z, -X, (length * 0.6, 0.44)),
        },
    )


@register("dining table")
def dining_table(rng: np.random.Generator, small: bool = False) -> ObjectModel:
    """A rectangular or a round top."""
    height = rng.uniform(0.71, 0.76)
    top, leg = wood(rng, 0), wood(rng, 2) if rng.random() < 0.6 else metal(rng)
    if rng.random() < 0.3:
        top = plastic(rng, any_color(rng, 0.2))
    if rng.random() < (0.5 if small else 0.25):
        r = rng.uniform(0.42, 0.6)
        parts = [
            lathe([(0, height - 0.03), (r, height - 0.03), (r, height), (0, height)], top, 40),
            lathe([(0.28, 0), (0.28, 0.02), (0.05, 0.06), (0.045, height - 0.04), (0.12, height - 0.03)], leg, 20),
        ]
        width = depth = 2 * r * 0.92
    else:
        width, depth = (rng.uniform(0.7, 0.9) if small else rng.uniform(1.2, 1.7)), rng.uniform(0.7, 0.85)
        parts = [
            box((width, depth, 0.035), top, (0, 0, height - 0.0175)),
            box((width - 0.16, depth - 0.16, 0.07), leg, (0, 0, height - 0.07)),
        ]
        for sx in (-1, 1):
            for sy in (-1, 1):
                x, y = sx * (width / 2 - 0.08), sy * (depth / 2 - 0.08)
                parts.append(box((0.055, 0.055, height - 0.03), leg, (x, y, (height - 0.03) / 2)))
    return ObjectModel(
        "dining table",
        join(parts),
        grips={"edge": Grip(vec(0, depth / 2, height - 0.015), X, -Y, 0.015, "slab")},
        spots={"top": Spot(vec(0, 0, height), Z, FRONT, (width, depth))},
    )


@register("potted plant")
def potted_plant(rng: np.random.Generator) -> ObjectModel:
    """A pot with leaves."""
    scale = rng.uniform(0.8, 2.2)
    pot = ceramic(rng)
    parts = [lathe([(0, 0), (0.08, 0), (0.11, 0.16), (0.12, 0.17), (0.105, 0.17), (0.1, 0.14), (0, 0.14)], pot)]
    green = hsv(rng.uniform(0.24, 0.38), rng.uniform(0.5, 0.85), rng.uniform(0.3, 0.6))
    leaf = _leaf(plastic(rng, green))
    for k in range(int(rng.integers(14, 26))):
        a, tilt = k * 2.4, rng.uniform(0.15, 1.1)
        size = rng.uniform(0.7, 1.3)
        c, s, ct, st = np.cos(a), np.sin(a), np.cos(tilt), np.sin(tilt)
        turn = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]]) @ np.array([[ct, 0, st], [0, 1, 0], [-st, 0, ct]])
        parts.append(leaf.scaled(size).turned(turn).at(0.02 * c, 0.02 * s, 0.13))
    mesh = join(parts).scaled(scale)
    grip = Grip(vec(0, 0, 0.1 * scale), Z, None, 0.1 * scale)
    return ObjectModel("potted plant", mesh, grips={"pot": grip})


def _leaf(material: Material) -> Mesh:
    t = np.linspace(0, 1, 9)
    width = 0.035 * np.sin(np.pi * np.clip(t * 1.0, 0.02, 0.98)) ** 0.8
    z, x = 0.3 * t - 0.06 * t**3, 0.1 * t**2.2
    left = np.stack([x, width, z - 0.012 * (t > 0)], 1)
    middle = np.stack([x, 0 * t, z], 1)
    right = np.stack([x, -width, z - 0.012 * (t > 0)], 1)
    return loft(np.stack([left, middle, right], 1), material, closed=False, capped=False)


@register("toilet")
def toilet(rng: np.random.Generator) -> ObjectModel:
    """A bowl, a seat and a tank."""
    white = WHITE
    bowl = lathe(
        [(0.0, 0), (0.13, 0), (0.12, 0.15), (0.2, 0.36), (0.21, 0.39), (0.15, 0.39), (0.12, 0.25), (0, 0.22)], white, 28
    )
    seat = lathe([(0.13, 0.39), (0.215, 0.39), (0.215, 0.415), (0.13, 0.415)], white, 28)
    stretch = (1.0, 1.25, 1.0)
    parts = [
        bowl.scaled(stretch),
        seat.scaled(stretch),
        cushion((0.42, 0.2, 0.36), (0, 0.33, 0.58), white, 0.1),
        cushion((0.44, 0.22, 0.04), (0, 0.33, 0.78), white, 0.3),
        box((0.2, 0.2, 0.38), white, (0, 0.25, 0.19)),
    ]
    return ObjectModel("toilet", join(parts), spots={"seat": Spot(vec(0, -0.02, 0.415), Z, FRONT, (0.4, 0.46))})
