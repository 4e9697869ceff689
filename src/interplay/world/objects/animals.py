"""Animals: dog and horse. Their bodies are closed surfaces in which limbs run into one another (`flesh`)."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import numpy as np

from interplay.body.geometry import X, Y, Z, vec
from interplay.body.materials import Material, hsv, srgb
from interplay.body.meshes import Mesh, cylinder, ellipsoid, join, loft, tube

from .base import Grip, ObjectModel, Spot
from .flesh import Limb, flesh
from .furniture import FRONT
from .paint import BLACK, STEEL, any_color, dark, leather
from .registry import register


def _coat(rng: np.random.Generator) -> Material:
    tone = hsv(rng.uniform(0.04, 0.1), rng.uniform(0.2, 0.7), rng.choice([0.15, 0.35, 0.55, 0.85]))
    patched = rng.random() < 0.3
    second = srgb(236, 230, 222) if patched else dark(tone, 0.75)
    return Material(tone, "noise", second, scale=0.35 if patched else 0.05)


@lru_cache(maxsize=1)
def _dog_body() -> Mesh:
    """Without ears, eyes, nose and tail; the material is to be replaced."""
    limbs: list[Limb] = [
        ([(0, 0.29, 0.45), (0, 0.18, 0.455), (0, 0, 0.43), (0, -0.17, 0.425), (0, -0.26, 0.46)],
         [0.085, 0.088, 0.09, 0.118, 0.1]),
        ([(0, -0.24, 0.48), (0, -0.33, 0.57), (0, -0.385, 0.645)], [0.095, 0.07, 0.06]),
        ([(0, -0.4, 0.668), (0, -0.43, 0.664)], [0.066, 0.06]),
        ([(0, -0.43, 0.655), (0, -0.5, 0.643), (0, -0.56, 0.64)], [0.048, 0.038, 0.03]),
    ]  # fmt: skip
    for x in (-1, 1):
        limbs += [
            ([(x * 0.065, -0.19, 0.42), (x * 0.08, -0.2, 0.22), (x * 0.08, -0.21, 0.06)], [0.06, 0.032, 0.026]),
            ([(x * 0.08, -0.21, 0.04), (x * 0.08, -0.245, 0.034)], [0.028, 0.028]),
            ([(x * 0.055, 0.25, 0.44), (x * 0.08, 0.21, 0.31), (x * 0.085, 0.32, 0.17), (x * 0.085, 0.3, 0.06)],
             [0.085, 0.055, 0.028, 0.025]),
            ([(x * 0.085, 0.29, 0.04), (x * 0.085, 0.255, 0.034)], [0.028, 0.028]),
        ]  # fmt: skip
    return _on_ground(flesh(limbs, BLACK, cell=0.015, blend=0.014))


@lru_cache(maxsize=1)
def _horse_body() -> Mesh:
    """Without ears, eyes, hooves, mane and tail; the material is to be replaced."""
    limbs: list[Limb] = [
        ([(0, 0.82, 1.2), (0, 0.66, 1.22), (0, 0.3, 1.15), (0, -0.15, 1.14), (0, -0.5, 1.18), (0, -0.64, 1.22)],
         [0.13, 0.25, 0.27, 0.28, 0.25, 0.17]),
        ([(0, -0.55, 1.26), (0, -0.72, 1.44), (0, -0.88, 1.66), (0, -0.94, 1.78)], [0.21, 0.16, 0.118, 0.1]),
        ([(0, -0.93, 1.82), (0, -1.02, 1.77), (0, -1.2, 1.61), (0, -1.36, 1.46), (0, -1.4, 1.42)],
         [0.085, 0.105, 0.088, 0.066, 0.06]),
    ]  # fmt: skip
    for x in (-1, 1):
        limbs += [
            ([(x * 0.13, -0.5, 1.1), (x * 0.155, -0.5, 0.84), (x * 0.16, -0.51, 0.62), (x * 0.16, -0.5, 0.5),
              (x * 0.16, -0.5, 0.15)], [0.15, 0.09, 0.06, 0.046, 0.05]),
            ([(x * 0.13, 0.66, 1.13), (x * 0.16, 0.6, 0.88), (x * 0.17, 0.73, 0.6), (x * 0.17, 0.74, 0.48),
              (x * 0.17, 0.72, 0.15)], [0.2, 0.135, 0.066, 0.05, 0.05]),
        ]  # fmt: skip
    return flesh(limbs, BLACK, cell=0.03, blend=0.03)


def _on_ground(mesh: Mesh) -> Mesh:
    return mesh.at(0, 0, -float(mesh.vertices[:, 2].min()))


@register("dog")
def dog(rng: np.random.Generator) -> ObjectModel:
    """Stands facing -y."""
    coat = _coat(rng)
    ear = Material(dark(coat.color, 0.6))
    parts = [
        replace(_dog_body(), materials=(coat,)),
        ellipsoid((0, -0.588, 0.648), (0.02, 0.014, 0.015), BLACK),
        tube(
            [(0, 0.28, 0.45), (0, 0.36, 0.5), (0, 0.43, 0.57), (0, 0.46, 0.66), (0, 0.465, 0.69)],
            np.array([0.03, 0.03, 0.024, 0.016, 0.002]),
            coat,
            segments=10,
        ),
    ]
    for sx in (-1, 1):
        parts += [
            ellipsoid((sx * 0.064, -0.385, 0.68), (0.018, 0.036, 0.06), ear),
            ellipsoid((sx * 0.034, -0.476, 0.688), 0.011, BLACK),
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
        replace(_horse_body(), materials=(coat,)),
        tube(
            [(0, -0.42, 1.44), (0, -0.66, 1.64), (0, -0.8, 1.83), (0, -0.92, 1.93), (0, -1.02, 1.88)],
            np.array([0.03, 0.06, 0.06, 0.05, 0.01]),
            mane,
            segments=8,
        ),
        tube(
            [(0, 0.88, 1.26), (0, 1.0, 1.2), (0, 1.05, 1.0), (0, 1.04, 0.8), (0, 1.02, 0.55)],
            np.array([0.03, 0.055, 0.075, 0.07, 0.005]),
            mane,
            segments=10,
        ),
    ]
    for sx in (-1, 1):
        parts += [
            ellipsoid((sx * 0.065, -0.91, 1.92), (0.028, 0.024, 0.08), coat),
            ellipsoid((sx * 0.09, -1.07, 1.76), 0.022, BLACK),
            cylinder((sx * 0.16, -0.53, 0), (sx * 0.16, -0.5, 0.15), 0.075, BLACK, end_radius=0.055),
            cylinder((sx * 0.17, 0.69, 0), (sx * 0.17, 0.72, 0.15), 0.075, BLACK, end_radius=0.055),
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
