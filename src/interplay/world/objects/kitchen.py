"""On the table: cup, bottle, wine glass, knife, fork, spoon, bowl, vase; and the kitchen's machines."""

from __future__ import annotations

import numpy as np

from interplay.body.geometry import X, Y, Z, vec
from interplay.body.materials import Material, hsv, srgb
from interplay.body.meshes import box, cylinder, ellipsoid, extrude, join, lathe, tube

from .base import Grip, ObjectModel
from .paint import BLACK, STEEL, WHITE, any_color, ceramic, dark, plastic, wood
from .registry import register


@register("cup")
def cup(rng: np.random.Generator) -> ObjectModel:
    """A mug with an ear, or a paper cup."""
    look = ceramic(rng)
    if rng.random() < 0.6:
        r, h = rng.uniform(0.038, 0.045), rng.uniform(0.085, 0.105)
        profile = [(0, 0), (r * 0.92, 0), (r, 0.01), (r, h), (r - 0.004, h), (r - 0.004, h * 0.85), (0, h * 0.85)]
        drink = lathe([(r - 0.005, h * 0.86), (0, h * 0.86)], Material(srgb(70, 40, 22), gloss=0.4))
        ear = tube(
            [(r - 0.003, 0, h * 0.8), (r + 0.03, 0, h * 0.76), (r + 0.034, 0, h * 0.4), (r - 0.003, 0, h * 0.2)],
            0.006,
            look,
            segments=8,
            spacing=0.01,
        )
        mesh = join([lathe(profile, look, 28), drink, ear])
    else:
        low, r, h = 0.028, rng.uniform(0.038, 0.044), rng.uniform(0.11, 0.15)
        paper = Material(any_color(rng, 0.6), "stripes", any_color(rng, 0.3), scale=0.09, axes=(2, 0))
        lid = [(r + 0.002, h - 0.006), (r + 0.003, h + 0.004), (r * 0.85, h + 0.008), (0, h + 0.008)]
        mesh = join([lathe([(0, 0), (low, 0), (r, h)], paper, 28), lathe(lid, WHITE, 28)])
        r = (low + r) / 2
    return ObjectModel(
        "cup", mesh, {"body": Grip(vec(0, 0, h * 0.45), Z, None, r, flip=False)}, points={"mouth": vec(0, 0, h)}
    )


@register("bottle")
def bottle(rng: np.random.Generator) -> ObjectModel:
    """A water, beer or wine bottle with a label."""
    h, r = rng.uniform(0.2, 0.3), rng.uniform(0.03, 0.038)
    glass = Material(
        hsv(rng.choice([0.3, 0.08, 0.55, 0.36]), rng.uniform(0.4, 0.9), rng.uniform(0.2, 0.75)),
        gloss=0.8,
        sharpness=60,
        opacity=0.82,
    )
    neck = 0.012
    profile = [
        (0, 0),
        (r * 0.95, 0),
        (r, 0.006),
        (r, h * 0.62),
        (r * 0.85, h * 0.7),
        (neck * 1.1, h * 0.82),
        (neck, h * 0.96),
        (0, h * 0.96),
    ]
    cap = plastic(rng)
    label = Material(any_color(rng), "stripes", any_color(rng, 0.2), scale=0.06, axes=(2, 0))
    parts = [
        lathe(profile, glass, 24),
        cylinder((0, 0, h * 0.94), (0, 0, h), neck * 1.15, cap),
        lathe([(r + 0.0008, h * 0.2), (r + 0.0008, h * 0.5)], label, 24),
    ]
    grips = {
        "body": Grip(vec(0, 0, h * 0.4), Z, None, r, flip=False),
        "neck": Grip(vec(0, 0, h * 0.78), Z, None, neck * 1.3, flip=True),
    }
    return ObjectModel("bottle", join(parts), grips, points={"mouth": vec(0, 0, h)})


@register("wine glass")
def wine_glass(rng: np.random.Generator) -> ObjectModel:
    """A stemmed glass with wine."""
    glass = Material((0.8, 0.85, 0.88), gloss=1.0, sharpness=80, opacity=0.3)
    wine = Material(srgb(110, 12, 30) if rng.random() < 0.6 else srgb(225, 205, 120), gloss=0.5, opacity=0.9)
    s = rng.uniform(0.95, 1.12)
    outside = [
        (0, 0),
        (0.036, 0),
        (0.034, 0.004),
        (0.006, 0.008),
        (0.004, 0.02),
        (0.004, 0.085),
        (0.012, 0.095),
        (0.03, 0.11),
        (0.04, 0.14),
        (0.038, 0.175),
        (0.033, 0.205),
    ]
    fill = [(0, 0.1), (0.028, 0.111), (0.038, 0.14), (0.038, 0.152), (0, 0.152)]
    mesh = join([lathe(outside, glass, 28), lathe(fill, wine, 28)]).scaled(s)
    grips = {
        "stem": Grip(vec(0, 0, 0.06 * s), Z, None, 0.006, flip=False),
        "bowl": Grip(vec(0, 0, 0.13 * s), Z, None, 0.038 * s, flip=False),
    }
    return ObjectModel("wine glass", mesh, grips, points={"mouth": vec(0, 0, 0.205 * s)})


@register("bowl")
def bowl(rng: np.random.Generator) -> ObjectModel:
    """A bowl, mostly with food in it."""
    r, h = rng.uniform(0.07, 0.1), rng.uniform(0.055, 0.075)
    t = np.linspace(0.25, 1, 8)
    outer = np.column_stack([r * t, h * (t**2 - 0.0625) / 0.9375])
    inner = outer[::-1] * vec(0.95, 1) + vec(0, 0.004)
    profile = np.vstack([[(0, 0)], outer, inner, [(0, 0.006)]])
    parts = [lathe(profile, ceramic(rng), 32)]
    if rng.random() < 0.8:
        food = Material(
            hsv(rng.uniform(0.03, 0.35), rng.uniform(0.5, 0.9), rng.uniform(0.5, 0.95)),
            "noise",
            hsv(rng.uniform(0, 0.3), 0.7, 0.6),
            scale=0.02,
        )
        parts.append(ellipsoid((0, 0, h * 0.72), (r * 0.8, r * 0.8, h * 0.22), food))
    grips = {
        "side": Grip(vec(r * 0.9, 0, h * 0.7), Y, -X, 0.006, "slab"),
        "other side": Grip(vec(-r * 0.9, 0, h * 0.7), Y, X, 0.006, "slab"),
        "bottom": Grip(vec(0, 0, 0), X, Z, 0.0, "palm"),
    }
    return ObjectModel("bowl", join(parts), grips, points={"food": vec(0, 0, h)})


def _cutlery(category: str, outline: list[tuple[float, float]], rng: np.random.Generator, work: float) -> ObjectModel:
    """A flat utensil along y: handle at +y, the working end at -y; a mirror-symmetric outline given for x > 0."""
    half = np.array(outline)
    shape = np.vstack([half, half[::-1] * vec(-1, 1)])
    metal = STEEL if rng.random() < 0.8 else plastic(rng)
    mesh = extrude(shape, 0.0025, metal).at(0, 0, 0.002)
    return ObjectModel(
        category,
        mesh,
        {"handle": Grip(vec(0, 0.06, 0.002), Y, None, 0.006, "pinch", flip=False)},
        points={"tip": vec(0, work, 0.002)},
    )


@register("fork")
def fork(rng: np.random.Generator) -> ObjectModel:
    """Four tines."""
    s = 1.15
    neck = [(0.0035, -0.03), (0.005, 0.03), (0.0085, 0.105), (0.004, 0.112)]
    tines = [
        (0.0012, -0.062),
        (0.0012, -0.1),
        (0.0042, -0.1),
        (0.0048, -0.064),
        (0.0072, -0.064),
        (0.0078, -0.1),
        (0.0112, -0.1),
        (0.012, -0.06),
        (0.009, -0.045),
    ]
    model = _cutlery("fork", [(x * s, y * s) for x, y in tines + neck], rng, -0.1 * s)
    return model


@register("spoon")
def spoon(rng: np.random.Generator) -> ObjectModel:
    """A table spoon."""
    bowl_points = [(0.0155 * np.sin(a), -0.078 - 0.027 * np.cos(a)) for a in np.linspace(0.05, np.pi - 0.2, 10)]
    neck = [(0.003, -0.04), (0.005, 0.03), (0.0085, 0.105), (0.004, 0.112)]
    model = _cutlery("spoon", [(1.15 * x, 1.15 * y) for x, y in bowl_points + neck], rng, -0.115)
    dish = ellipsoid((0, -0.09, 0.001), (0.0178, 0.03, 0.006), STEEL)
    return ObjectModel("spoon", join([model.mesh, dish]), model.grips, points=model.points)


@register("knife")
def knife(rng: np.random.Generator) -> ObjectModel:
    """A kitchen knife along y: the blade at -y, its edge to -z."""
    long = rng.uniform(0.13, 0.2)
    blade = extrude(
        [
            (0.02, -0.001),
            (0.02 - long * 0.0, 0.0),
            (-long, 0.004),
            (-long * 0.75, -0.02),
            (-0.01, -0.032),
            (0.02, -0.032),
        ][::-1],
        0.0022,
        STEEL,
    )
    upright = np.array([[0.0, 0, 1], [1, 0, 0], [0, 1, 0]])
    handle = wood(rng, 1) if rng.random() < 0.5 else BLACK
    parts = [blade.turned(upright), box((0.018, 0.12, 0.026), handle, (0, 0.078, -0.014))]
    grip = Grip(vec(0, 0.07, -0.014), Y, None, 0.012, flip=False)
    return ObjectModel(
        "knife",
        join(parts).at(0, 0, 0.035),
        {"handle": Grip(grip.position + 0.035 * Z, -Y, None, 0.012, flip=False)},
        points={"edge": vec(0, -long * 0.5, 0.005), "tip": vec(0, -long, 0.035)},
    )


@register("vase")
def vase(rng: np.random.Generator) -> ObjectModel:
    """A vase, mostly with flowers."""
    s = rng.uniform(0.8, 1.3)
    profile = [
        (0, 0),
        (0.045, 0),
        (0.07, 0.06),
        (0.075, 0.11),
        (0.05, 0.18),
        (0.032, 0.22),
        (0.045, 0.25),
        (0.04, 0.25),
        (0.028, 0.22),
        (0, 0.2),
    ]
    parts = [lathe(np.array(profile) * s, ceramic(rng), 28)]
    petal = Material(hsv(rng.random(), 0.8, 0.9))
    stem = Material(srgb(60, 120, 50))
    for k in range(int(rng.integers(3, 7))):
        a = 2.4 * k
        tip = s * vec(0.1 * np.cos(a), 0.1 * np.sin(a), 0.38 + 0.05 * np.cos(3 * k))
        parts += [tube([vec(0, 0, 0.2 * s), tip], 0.003, stem, segments=5), ellipsoid(tip, 0.032 * s, petal, 10, 7)]
    return ObjectModel("vase", join(parts), {"body": Grip(vec(0, 0, 0.12 * s), Z, None, 0.07 * s, flip=False)})


@register("refrigerator")
def refrigerator(rng: np.random.Generator, ajar: bool = False) -> ObjectModel:
    """Two doors with bars to open them, the front at -y; `ajar` opens the large one by a right angle or less."""
    w, d, h = rng.uniform(0.6, 0.75), 0.62, rng.uniform(1.65, 1.85)
    body = plastic(rng, srgb(235, 235, 232) if rng.random() < 0.6 else (0.4, 0.4, 0.42))
    split = h * 0.64
    inside = Material(srgb(245, 248, 250), glow=0.25)
    parts = [
        box((w, d, h - 0.05), body, (0, 0, h / 2 + 0.025)),
        box((w - 0.06, 0.01, split - 0.16), inside, (0, -d / 2, split / 2 + 0.06)),
    ]
    parts.append(box((w - 0.01, 0.05, h - split - 0.01), body, (0, -d / 2 - 0.028, (h + split) / 2 + 0.005)))
    angle = float(rng.uniform(0.9, 1.5)) if ajar else 0.0
    c, s = np.cos(angle), np.sin(angle)
    hinge = vec(w / 2, -d / 2 - 0.003, 0)
    turn = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])
    door = [
        box((w - 0.01, 0.05, split - 0.07), body, (-w / 2, -0.027, split / 2 + 0.03)),
        cylinder((-w + 0.05, -0.085, split - 0.5), (-w + 0.05, -0.085, split - 0.1), 0.012, STEEL),
    ]
    door += [
        cylinder((-w + 0.05, -0.05, z), (-w + 0.05, -0.085, z), 0.008, STEEL, segments=6)
        for z in (split - 0.48, split - 0.12)
    ]
    parts.append(join(door).turned(turn).at(*hinge))
    if ajar:
        for k in range(3):
            z = 0.25 + 0.3 * k
            parts.append(box((w - 0.08, 0.012, 0.015), Material((0.7, 0.75, 0.8), gloss=0.5), (0, -d / 2 - 0.006, z)))
            for m in range(3):
                parts.append(
                    cylinder(
                        (-0.2 + 0.18 * m, -d / 2 - 0.01, z),
                        (-0.2 + 0.18 * m, -d / 2 - 0.01, z + rng.uniform(0.08, 0.2)),
                        0.04,
                        plastic(rng),
                    )
                )
    position = hinge + turn @ vec(-w + 0.05, -0.085, split - 0.3)
    parts.append(box((w - 0.04, d - 0.06, 0.05), Material(dark(body.color, 0.3)), (0, 0, 0.025)))
    grip = Grip(position, Z, turn @ vec(0, 1, 0), 0.012)
    return ObjectModel("refrigerator", join(parts), {"door handle": grip})


@register("microwave")
def microwave(rng: np.random.Generator) -> ObjectModel:
    """A box with a window and buttons, front at -y."""
    w, d, h = 0.48, 0.36, 0.28
    body = plastic(rng, srgb(225, 225, 222) if rng.random() < 0.5 else srgb(50, 50, 54))
    parts = [
        box((w, d, h), body, (0, 0, h / 2)),
        box((w * 0.68, 0.012, h * 0.8), Material(srgb(20, 20, 24), gloss=0.8), (w * 0.12, -d / 2 - 0.004, h / 2)),
        box(
            (w * 0.16, 0.01, h * 0.8),
            Material(srgb(60, 60, 64), "keys", srgb(200, 200, 200), 0.025, axes=(0, 2)),
            (-w * 0.38, -d / 2 - 0.003, h / 2),
        ),
        cylinder((-w * 0.25, -d / 2 - 0.03, 0.05), (-w * 0.25, -d / 2 - 0.03, h - 0.05), 0.008, STEEL, segments=8),
    ]
    return ObjectModel(
        "microwave", join(parts), {"door handle": Grip(vec(-w * 0.25, -d / 2 - 0.03, h / 2), Z, Y, 0.008)}
    )


@register("oven")
def oven(rng: np.random.Generator) -> ObjectModel:
    """A cooker with a glass door and knobs, front at -y."""
    w, d, h = 0.6, 0.6, 0.88
    body = plastic(rng, srgb(230, 230, 228) if rng.random() < 0.5 else (0.35, 0.35, 0.37))
    parts = [
        box((w, d, h), body, (0, 0, h / 2)),
        box((w * 0.8, 0.02, 0.36), Material(srgb(18, 18, 22), gloss=0.8), (0, -d / 2 - 0.005, 0.42)),
        cylinder((-w * 0.36, -d / 2 - 0.045, 0.67), (w * 0.36, -d / 2 - 0.045, 0.67), 0.011, STEEL),
        box((w, d, 0.012), BLACK, (0, 0, h + 0.006)),
    ]
    for k in range(5):
        x = -0.22 + 0.11 * k
        parts.append(
            cylinder((x, -d / 2 - 0.03, 0.78), (x, -d / 2, 0.78), 0.02, STEEL if k % 2 else BLACK, segments=12)
        )
    for sx in (-1, 1):
        for sy in (-1, 1):
            parts.append(
                lathe([(0.05, 0), (0.085, 0), (0.085, 0.012), (0.05, 0.012)], Material((0.12, 0.12, 0.12)), 20).at(
                    sx * 0.14, sy * 0.14, h + 0.012
                )
            )
    return ObjectModel("oven", join(parts), {"door handle": Grip(vec(0, -d / 2 - 0.045, 0.67), X, Y, 0.011)})
