"""Objects that people wear and carry: umbrella, backpack, handbag, suitcase, tie."""

from __future__ import annotations

import numpy as np

from interplay.body.geometry import X, Y, Z, degrees, vec
from interplay.body.materials import Material
from interplay.body.meshes import box, cylinder, extrude, join, loft, tube

from .base import Grip, ObjectModel
from .furniture import cushion
from .paint import BLACK, STEEL, any_color, dark, fabric, leather, plastic
from .registry import register


@register("umbrella")
def umbrella(rng: np.random.Generator, closed: bool = False) -> ObjectModel:
    """Along z with its handle at z = 0; open unless `closed`."""
    length = rng.uniform(0.82, 0.92)
    cloth = Material(
        any_color(rng, 0.75),
        str(rng.choice(["plain", "plain", "dots", "stripes"])),
        any_color(rng),
        scale=0.2,
        axes=(0, 1),
    )
    parts = [
        cylinder((0, 0, 0.1), (0, 0, length + 0.05), 0.006, STEEL, segments=8),
        tube(
            [(0, 0, 0.13), (0, 0, 0.0), (0, -0.025, -0.035), (0, -0.055, -0.03), (0, -0.065, 0.0)],
            0.012,
            BLACK,
            segments=8,
            spacing=0.015,
        ),
    ]
    ribs, top = 8, length
    if closed:
        t = np.linspace(0, 1, 9)
        rings = []
        for z, r in zip(length - 0.58 * t, 0.008 + 0.034 * t**0.8, strict=True):
            a = np.linspace(0, 2 * np.pi, 16, endpoint=False)
            rr = r * (1 + 0.25 * np.cos(8 * a))
            rings.append(np.stack([rr * np.cos(a), rr * np.sin(a), np.full(16, z)], 1))
        parts.append(loft(np.array(rings)[::-1], cloth))
    else:
        radius = rng.uniform(0.48, 0.58)
        rings = []
        for t in np.linspace(0.02, 1, 9):
            a = np.arange(ribs * 4) * 2 * np.pi / (ribs * 4)
            sag = 1 - 0.07 * t * np.abs(np.sin(ribs / 2 * a))
            r = radius * np.sin(t * 1.25) / np.sin(1.25) * sag
            z = top - 0.33 * radius * (1 - np.cos(t * 1.25)) / (1 - np.cos(1.25)) * 1.5 + 0.02 * (1 - sag) * 5
            rings.append(np.stack([r * np.cos(a), r * np.sin(a), z], 1))
        canopy = np.array(rings)
        inner = canopy - vec(0, 0, 0.006)
        parts.append(loft(canopy[::-1], cloth, capped=False))
        parts.append(loft(inner, Material(dark(cloth.color), glow=0.1), capped=False))
        for k in range(ribs):
            parts.append(tube([(0, 0, top - 0.22), inner[5, k * 4] - 0.003 * Z], 0.003, STEEL, segments=4))
            parts.append(tube(inner[:, k * 4], 0.003, STEEL, segments=4))
    grips = {"handle": Grip(vec(0, 0, 0.07), Z, None, 0.013, flip=False)}
    return ObjectModel("umbrella", join(parts), grips, points={"tip": vec(0, 0, length + 0.05)})


@register("backpack")
def backpack(rng: np.random.Generator) -> ObjectModel:
    """Stands on z = 0; the side that touches the back is at y = 0 and the bag lies at y > 0."""
    w, h, d = rng.uniform(0.28, 0.33), rng.uniform(0.42, 0.5), rng.uniform(0.14, 0.19)
    cloth = fabric(rng) if rng.random() < 0.4 else Material(any_color(rng, 0.8), "noise", (0, 0, 0), scale=0.01)
    cloth = Material(cloth.color, cloth.pattern, dark(cloth.color), cloth.scale)
    trim = Material(dark(cloth.color, 0.5))
    up = np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])
    parts = [
        cushion((w, h, d), (0, 0, 0), cloth, 0.5).turned(up).at(0, d / 2, h / 2),
        cushion((w * 0.78, h * 0.45, 0.08), (0, 0, 0), trim, 0.6).turned(up).at(0, d + 0.02, h * 0.3),
        tube(
            [(-0.045, 0.03, h - 0.01), (-0.04, 0.03, h + 0.035), (0.04, 0.03, h + 0.035), (0.045, 0.03, h - 0.01)],
            0.008,
            trim,
            segments=6,
            spacing=0.02,
        ),
    ]
    shoulder = 0.1
    for sx in (-1, 1):
        strap = [
            (sx * 0.07, 0.01, h - 0.06),
            (sx * (shoulder + 0.005), -0.06, h + 0.02),
            (sx * (shoulder + 0.015), -0.17, h - 0.03),
            (sx * 0.125, -0.19, h - 0.15),
            (sx * 0.14, -0.11, h - 0.3),
            (sx * w * 0.42, 0.02, 0.07),
        ]
        parts.append(tube(strap, 0.016, trim, segments=6, spacing=0.03))
    grips = {"top loop": Grip(vec(0, 0.03, h + 0.035), X, None, 0.009)}
    return ObjectModel("backpack", join(parts), grips, points={"strap top": vec(shoulder, -0.07, h + 0.02)})


@register("handbag")
def handbag(rng: np.random.Generator) -> ObjectModel:
    """A bag with a loop to carry it by."""
    w, h, d = rng.uniform(0.26, 0.38), rng.uniform(0.2, 0.28), rng.uniform(0.1, 0.14)
    hide = leather(rng) if rng.random() < 0.6 else Material(any_color(rng, 0.9), gloss=0.2)
    t = np.linspace(0, 1, 6)
    rings = []
    for k in t:
        a = np.linspace(0, 2 * np.pi, 20, endpoint=False)
        sx, sy = np.sign(np.cos(a)) * np.abs(np.cos(a)) ** 0.35, np.sign(np.sin(a)) * np.abs(np.sin(a)) ** 0.35
        rings.append(np.stack([w / 2 * (1 - 0.15 * k) * sx, d / 2 * (1 - 0.75 * k**1.5) * sy, np.full(20, h * k)], 1))
    parts = [loft(np.array(rings), hide), box((0.05, 0.01, 0.03), STEEL, (0, -d / 2 * 0.5, h * 0.75))]
    top = h + rng.uniform(0.12, 0.2)
    trim = Material(dark(hide.color, 0.6), gloss=0.2)
    parts.append(
        tube(
            [
                (-w * 0.3, 0, h - 0.02),
                (-w * 0.26, 0, top - 0.06),
                (0, 0, top),
                (w * 0.26, 0, top - 0.06),
                (w * 0.3, 0, h - 0.02),
            ],
            0.008,
            trim,
            segments=6,
            spacing=0.03,
        )
    )
    return ObjectModel(
        "handbag", join(parts), {"loop": Grip(vec(0, 0, top), X, None, 0.009)}, points={"loop": vec(0, 0, top)}
    )


@register("suitcase")
def suitcase(rng: np.random.Generator, drawn_out: bool = True) -> ObjectModel:
    """A trolley case: upright on its wheels at y > 0 side, the handle drawn out or pushed in."""
    w, h, d = rng.uniform(0.36, 0.44), rng.uniform(0.52, 0.66), rng.uniform(0.22, 0.26)
    shell = plastic(rng) if rng.random() < 0.6 else fabric(rng)
    shell = Material(
        shell.color, "stripes" if shell.gloss else shell.pattern, dark(shell.color, 0.8), 0.07, shell.gloss
    )
    up = np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])
    high = h + 0.06 + (rng.uniform(0.38, 0.46) if drawn_out else 0.03)
    parts = [cushion((w, h, d), (0, 0, 0), shell, 0.3).turned(up).at(0, 0, 0.06 + h / 2)]
    for sx in (-1, 1):
        for sy in (-1, 1):
            parts.append(
                cylinder(
                    (sx * (w / 2 - 0.05) - 0.012, sy * (d / 2 - 0.04), 0.03),
                    (sx * (w / 2 - 0.05) + 0.012, sy * (d / 2 - 0.04), 0.03),
                    0.03,
                    BLACK,
                    segments=10,
                )
            )
        parts.append(cylinder((sx * 0.09, d / 2 - 0.03, h), (sx * 0.09, d / 2 - 0.03, high), 0.007, STEEL, segments=6))
    parts.append(cylinder((-0.1, d / 2 - 0.03, high), (0.1, d / 2 - 0.03, high), 0.013, BLACK, segments=8))
    parts.append(
        tube(
            [(-0.06, 0, h + 0.05), (-0.05, 0, h + 0.085), (0.05, 0, h + 0.085), (0.06, 0, h + 0.05)],
            0.009,
            BLACK,
            segments=6,
        )
    )
    grips = {
        "pull handle": Grip(vec(0, d / 2 - 0.03, high), X, None, 0.014),
        "top handle": Grip(vec(0, 0, h + 0.085), X, -Z, 0.01),
        "left side": Grip(vec(w / 2, 0, 0.06 + h * 0.35), Y, -X, 0.0, "palm"),
        "right side": Grip(vec(-w / 2, 0, 0.06 + h * 0.35), Y, X, 0.0, "palm"),
        "back": Grip(vec(0, d / 2, 0.06 + h * 0.8), X, -Y, 0.0, "palm"),
    }
    return ObjectModel(
        "suitcase", join(parts), grips, points={"wheels": vec(0, d / 2 - 0.04, 0), "lid": vec(0, 0, 0.06 + h)}
    )


@register("tie")
def tie(rng: np.random.Generator) -> ObjectModel:
    """A necktie in the x-z plane, its knot at the origin, hanging down."""
    cloth = Material(
        any_color(rng, 0.9), str(rng.choice(["plain", "stripes", "dots"])), any_color(rng), scale=0.03, axes=(2, 0)
    )
    length = float(rng.uniform(0.38, 0.45))
    blade = extrude(
        [(-0.017, 0), (-0.042, -length + 0.05), (0, -length), (0.042, -length + 0.05), (0.017, 0)], 0.006, cloth
    )
    knot = extrude([(-0.014, -0.045), (0.014, -0.045), (0.024, 0.0), (-0.024, 0.0)], 0.02, cloth)
    mesh = join([blade.turned(degrees(X, 90)).at(0, 0, -0.03), knot.turned(degrees(X, 90)).at(0, -0.004, 0)])
    return ObjectModel(
        "tie", mesh, points={"knot": vec(0, 0, 0)}, grips={"blade": Grip(vec(0, 0, -0.12), Z, None, 0.01, "pinch")}
    )
