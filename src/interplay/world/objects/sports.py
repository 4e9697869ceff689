"""Sports: ball, frisbee, baseball bat and glove, tennis racket, kite."""

from __future__ import annotations

import numpy as np

from interplay.body.geometry import X, Y, Z, degrees, vec
from interplay.body.materials import Material, srgb
from interplay.body.meshes import cylinder, ellipsoid, extrude, join, lathe, loft, ring, tube

from .base import Grip, ObjectModel
from .paint import BLACK, any_color, dark, leather, plastic, wood
from .registry import register

BALLS = {
    "football": (0.11, Material(srgb(240, 240, 238), "dots", srgb(30, 30, 32), scale=0.11)),
    "basketball": (0.12, Material(srgb(206, 102, 44), "noise", srgb(176, 84, 36), scale=0.02)),
    "volleyball": (0.105, Material(srgb(245, 242, 230), "stripes", srgb(60, 90, 170), scale=0.14)),
    "tennis ball": (0.034, Material(srgb(208, 226, 62))),
    "baseball": (0.037, Material(srgb(240, 236, 226), "stripes", srgb(200, 60, 50), scale=0.052)),
}
"""Kind of ball -> radius in metres and look."""


@register("sports ball")
def sports_ball(rng: np.random.Generator, kind: str = "football") -> ObjectModel:
    """A ball of one of `BALLS`, its centre at the origin's height plus its radius."""
    radius, material = BALLS[kind]
    center = vec(0, 0, radius)
    parts = [ellipsoid(center, radius, material, 28, 17)]
    if kind == "basketball":
        parts += [ring(center, axis, radius, 0.0025, BLACK) for axis in (X, Y, Z)]
    grips = {"surface": Grip(center, Z, None, radius, "bar")}
    for name, normal in (("left side", -X), ("right side", X), ("back", -Y), ("bottom", Z), ("top", -Z)):
        grips[name] = Grip(center - radius * normal, Y if abs(normal[2]) < 1 else X, normal, 0.0, "palm")
    return ObjectModel("sports ball", join(parts), grips, points={"center": center})


@register("frisbee")
def frisbee(rng: np.random.Generator) -> ObjectModel:
    """A flying disc."""
    r, paint = 0.135, plastic(rng)
    profile = [
        (0.0, 0.024),
        (r - 0.03, 0.024),
        (r - 0.008, 0.017),
        (r, 0.004),
        (r - 0.004, 0.0),
        (r - 0.007, 0.006),
        (r - 0.03, 0.02),
        (0, 0.021),
    ]
    mesh = lathe(profile[::-1], paint, 36)
    return ObjectModel("frisbee", mesh, {"rim": Grip(vec(0, r, 0.012), X, Z, 0.012, "slab", flip=True)})


@register("baseball bat")
def baseball_bat(rng: np.random.Generator) -> ObjectModel:
    """A bat along z, the knob at z = 0."""
    length = rng.uniform(0.78, 0.86)
    t = np.array([0.0, 0.012, 0.02, 0.03, 0.3, 0.45, 0.62, 0.78, 0.92, 0.985, 1.0])
    r = np.array([0.012, 0.024, 0.024, 0.014, 0.0145, 0.018, 0.027, 0.032, 0.033, 0.028, 0.0])
    look = wood(rng, 2) if rng.random() < 0.5 else plastic(rng)
    mesh = lathe(np.column_stack([np.append(0.0, r), length * np.append(0.0, t)]), look, 20)
    grip = cylinder((0, 0, 0.03), (0, 0, 0.28), 0.0155, BLACK)
    grips = {
        "lower handle": Grip(vec(0, 0, 0.075), Z, None, 0.016, flip=False),
        "upper handle": Grip(vec(0, 0, 0.165), Z, None, 0.016, flip=False),
    }
    return ObjectModel(
        "baseball bat",
        join([mesh, grip]),
        grips,
        points={"sweet spot": vec(0, 0, 0.82 * length), "tip": vec(0, 0, length)},
    )


@register("baseball glove")
def baseball_glove(rng: np.random.Generator) -> ObjectModel:
    """A fielder's glove: z along the fingers, the pocket looks to -y."""
    hide = leather(rng) if rng.random() < 0.4 else Material(srgb(150, 88, 44), "noise", srgb(120, 66, 32), scale=0.02)
    parts = [ellipsoid((0, 0.02, 0.09), (0.1, 0.035, 0.11), hide, 18, 11)]
    for k in range(4):
        x = -0.055 + 0.042 * k
        tip = vec(1.35 * x, -0.045, 0.255 - 0.012 * abs(k - 1.5) ** 2)
        parts.append(
            tube(
                [vec(x, 0.01, 0.1), vec(1.25 * x, -0.002, 0.18), tip], np.array([0.026, 0.024, 0.019]), hide, segments=8
            )
        )
    parts.append(
        tube(
            [(0.07, 0.0, 0.05), (0.125, -0.03, 0.11), (0.12, -0.055, 0.175)],
            np.array([0.028, 0.027, 0.02]),
            hide,
            segments=8,
        )
    )
    parts.append(
        loft(
            np.array(
                [[(0.075 + s * 0.02, -0.02 - 0.03 * t, 0.09 + 0.09 * t) for s in (0, 1)] for t in np.linspace(0, 1, 4)]
            ),
            Material(dark(hide.color)),
            closed=False,
            capped=False,
        )
    )
    grip = Grip(vec(0, 0.03, 0.075), X, -Y, 0.0, "palm")
    return ObjectModel("baseball glove", join(parts), {"inside": grip}, points={"pocket": vec(0.01, -0.03, 0.11)})


@register("tennis racket")
def tennis_racket(rng: np.random.Generator) -> ObjectModel:
    """A racket along z, the butt at z = 0, the strings facing y."""
    paint = plastic(rng)
    center, a, b = 0.53, 0.125, 0.165
    angle = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    head = np.stack([a * np.cos(angle), 0 * angle, center + b * np.sin(angle)], 1)
    string = Material(srgb(225, 225, 215))
    parts = [tube(head, 0.009, paint, closed=True, segments=8), cylinder((0, 0, 0), (0, 0, 0.2), 0.017, BLACK)]
    for sx in (-1, 1):
        parts.append(
            tube(
                [(0, 0, 0.19), (sx * 0.02, 0, 0.27), (sx * 0.075, 0, center - b * 0.78)],
                0.009,
                paint,
                segments=8,
                spacing=0.03,
            )
        )
    for k in range(-5, 6):
        x = a * k / 6
        h = b * np.sqrt(1 - (k / 6) ** 2)
        parts.append(cylinder((x, 0, center - h), (x, 0, center + h), 0.0016, string, segments=4))
    for k in range(-7, 8):
        z = b * k / 8
        w = a * np.sqrt(1 - (k / 8) ** 2)
        parts.append(cylinder((-w, 0, center + z), (w, 0, center + z), 0.0016, string, segments=4))
    grips = {
        "handle": Grip(vec(0, 0, 0.09), Z, None, 0.017, flip=False),
        "throat": Grip(vec(0, 0, 0.23), Z, None, 0.02),
    }
    return ObjectModel("tennis racket", join(parts), grips, points={"sweet spot": vec(0, 0, center)})


@register("kite")
def kite(rng: np.random.Generator) -> ObjectModel:
    """A diamond (or a delta) with a tail, standing in the x-z plane, its face to -y."""
    size = rng.uniform(0.8, 1.3)
    one, two = Material(any_color(rng, 1.0), glow=0.15), Material(any_color(rng, 1.0), glow=0.15)
    if rng.random() < 0.6:
        corners = size * np.array([[0, -0.6], [0.42, 0.15], [0, 0.5], [-0.42, 0.15]])
    else:
        corners = size * np.array([[0, -0.1], [0.75, -0.3], [0, 0.5], [-0.75, -0.3]])
    upright = degrees(X, 90)
    halves = [
        extrude([corners[0], corners[1], corners[2]], 0.006, one),
        extrude([corners[0], corners[2], corners[3]], 0.006, two),
    ]
    parts = [h.turned(upright) for h in halves]
    parts.append(cylinder((0, 0.006, corners[0, 1]), (0, 0.006, corners[2, 1]), 0.005, BLACK, segments=6))
    tail = [vec(0.07 * size * np.sin(2.2 * k), 0.02, corners[0, 1] - 0.11 * size * k) for k in range(9)]
    parts.append(tube(tail, 0.006, two, segments=5, spacing=0.04))
    for k in (2, 4, 6, 8):
        bow = np.array([[-0.06, -0.03], [0, 0.0], [-0.06, 0.03]]) * size
        for turn in (0, 180):
            parts.append(extrude(bow, 0.004, one).turned(upright @ degrees(Z, turn)).at(*tail[k]))
    return ObjectModel("kite", join(parts), points={"bridle": vec(0, -0.02, 0.05 * size)})
