"""Park, beach and snow."""

from __future__ import annotations

import numpy as np

from interplay.body.materials import Color, Material, hsv, srgb
from interplay.body.meshes import Mesh, ellipsoid, surface

from . import plants
from .buildings import house, lamp_post, rail_fence
from .lights import daylight, tinted
from .place import Place, footprint, ground, line, patch, square, view_box


def grass(rng: np.random.Generator) -> Material:
    """A lawn or a meadow."""
    light = hsv(rng.uniform(0.2, 0.3), rng.uniform(0.4, 0.7), rng.uniform(0.42, 0.62))
    return Material(light, "ground", tinted(light, (0.5, 0.55, 0.45)), scale=float(rng.uniform(0.6, 1.4)))


def trees(rng: np.random.Generator, count: int, inner: float, outer: float) -> list[Mesh]:
    """Broad-leaved trees, and in some places conifers, around the origin."""
    leaves = [plants.leaf_material(rng) for _ in range(2)]
    needles = plants.leaf_material(rng, autumn=0.0)
    mixed = rng.random() < 0.35
    made = []
    for x, y in plants.scattered(rng, count, inner, outer, 3.0):
        leaf, height = leaves[int(rng.integers(2))], float(rng.uniform(5.0, 11.0))
        needle = mixed and rng.random() < 0.5
        made.append(plants.conifer(rng, x, y, height, needles) if needle else plants.tree(rng, x, y, height, leaf))
    return made


def trunks(meshes: list[Mesh]) -> list[np.ndarray]:
    """What trees take up on the ground: a metre around the foot of each."""
    return [np.stack([f.mean(0) - 0.7, f.mean(0) + 0.7]) for f in map(footprint, meshes)]


def park(rng: np.random.Generator, clear: float) -> Place:
    """Grass with trees, perhaps a path, bushes, a fence, a house far off, hills or a wood behind."""
    lawn = grass(rng)
    backdrop = [ground(lawn)]
    if rng.random() < 0.5:
        gravel = Material(srgb(186, 170, 142), "ground", srgb(150, 134, 108), scale=0.4)
        if rng.random() < 0.4:
            gravel = Material(srgb(112, 112, 114), "ground", srgb(88, 88, 92), scale=0.5)
        across, slant = float(rng.uniform(-3, 5)), float(rng.uniform(-12, 12))
        backdrop.append(line((-90, across - slant), (90, across + slant), float(rng.uniform(2.0, 3.6)), gravel, 0.003))
    standing = trees(rng, int(rng.integers(6, 18)), clear + 4.0, 45.0)
    blocks = trunks(standing)
    leaf = plants.leaf_material(rng, 0.05)
    bushes = [
        plants.bush(rng, x, y, float(rng.uniform(0.6, 1.6)), leaf)
        for x, y in plants.scattered(rng, int(rng.integers(0, 9)), clear + 3.0, 22.0, 1.0)
    ]
    blocks += [footprint(b) for b in bushes]
    backdrop += standing + bushes
    if rng.random() < 0.3:
        away = clear + float(rng.uniform(4, 12))
        backdrop.append(rail_fence((-30, away), (30, away), 1.1, plants.BARK))
        blocks.append(np.array([[-30, away - 0.2], [30, away + 0.2]]))
    if rng.random() < 0.35:
        away = clear + float(rng.uniform(6, 16))
        backdrop.append(plants.hedge(rng, (-25, -away), (25, -away), float(rng.uniform(1.2, 2.4)), leaf))
        blocks.append(np.array([[-25, -away - 0.6], [25, -away + 0.6]]))
    for x, y in plants.scattered(rng, int(rng.integers(0, 4)), 50, 90, 25):
        backdrop.append(house(rng, x, y, float(rng.uniform(9, 16)), float(rng.uniform(8, 11)), int(rng.integers(1, 4))))
    if rng.random() < 0.3:
        posts = plants.scattered(rng, 3, clear + 2.0, 18.0, 4.0)
        backdrop += [lamp_post(x, y) for x, y in posts]
        blocks += [np.array([[x - 0.3, y - 0.3], [x + 0.3, y + 0.3]]) for x, y in posts]
    backdrop += skyline(rng)
    weather = daylight(rng, lawn.color)
    return Place("park", backdrop, weather, square(clear + 8), view_box(30, 5.0), blocks)


def skyline(rng: np.random.Generator) -> list[Mesh]:
    """A wood's edge, and sometimes hills behind it."""
    green = hsv(rng.uniform(0.24, 0.36), rng.uniform(0.35, 0.6), rng.uniform(0.25, 0.42))
    made = [
        plants.ridge(rng, float(rng.uniform(70, 130)), float(rng.uniform(7, 13)), 40, plants.hill_material(green, 3))
    ]
    if rng.random() < 0.5:
        far = tinted(green, (0.9, 1.0, 1.2), 1.2)
        made.append(plants.ridge(rng, 420, float(rng.uniform(30, 90)), 5, plants.hill_material(far)))
    return made


def beach(rng: np.random.Generator, clear: float, afloat: bool = False) -> Place:
    """Sand before the sea; or, for those who are `afloat`, water all round with the shore behind."""
    sand_tone = hsv(rng.uniform(0.08, 0.13), rng.uniform(0.2, 0.42), rng.uniform(0.72, 0.9))
    sand = Material(sand_tone, "ground", tinted(sand_tone, (0.76, 0.74, 0.7)), scale=float(rng.uniform(0.6, 1.6)))
    water_tone = hsv(rng.uniform(0.48, 0.6), rng.uniform(0.45, 0.75), rng.uniform(0.4, 0.65))
    shine = tinted(water_tone, (0.9, 0.95, 1.0), 1.9)
    water = Material(water_tone, "waves", shine, scale=float(rng.uniform(1.2, 2.4)), gloss=0.5, sharpness=30)
    foam = Material(srgb(240, 246, 248), "noise", tinted(water_tone, (1.0, 1.0, 1.0), 1.6), scale=0.5)
    shore = -(clear + 12.0) if afloat else clear + float(rng.uniform(1.5, 9.0))
    backdrop = [patch((-600, -600), (600, shore), sand), patch((-600, shore), (600, 600), water)]
    if afloat:
        backdrop += swell(rng, clear, foam)
    wet = Material(tinted(sand_tone, (0.62, 0.6, 0.58)), "ground", tinted(sand_tone, (0.55, 0.53, 0.5)), 1.0, gloss=0.3)
    backdrop += [_strip(rng, shore - 1.6, 1.6, wet, 0.002), _strip(rng, shore + 0.2, 0.9, foam, 0.006)]
    backdrop += [_strip(rng, shore + d, 0.5, foam, 0.008) for d in rng.uniform(3, 14, int(rng.integers(1, 4)))]
    dune = Material(tinted(sand_tone, (0.95, 0.97, 0.9)), "ground", srgb(140, 140, 84), scale=1.2)
    for x in np.arange(-60, 61, 9.0):
        size = rng.uniform(5, 9), rng.uniform(4, 7), rng.uniform(0.8, 2.6)
        backdrop.append(ellipsoid((x + rng.uniform(-3, 3), shore - rng.uniform(30, 38), -0.4), size, dune, 14, 8))
    if rng.random() < 0.4:
        backdrop += [
            house(rng, float(x), shore - 60.0, float(rng.uniform(8, 15)), 10.0, int(rng.integers(1, 6)))
            for x in np.arange(-80, 81, 20.0) + rng.uniform(-3, 3)
        ]
    blocks = []
    if not afloat:
        blocks.append(np.array([[-99, shore - 0.5], [99, 99]]))
        for x, y in plants.scattered(rng, int(rng.integers(0, 5)), clear + 1.1, 12.0, 2.5):
            if y < shore - 3:
                cloth = Material(hsv(rng.random(), 0.6, 0.85), "stripes", (0.8, 0.8, 0.78), 0.25)
                backdrop.append(patch((x - 0.45, y - 0.9), (x + 0.45, y + 0.9), cloth, 0.006))
    weather = daylight(rng, water_tone if afloat else sand_tone)
    return Place("beach", backdrop, weather, square(clear + 6), view_box(26, 4.5), blocks)


def _strip(rng: np.random.Generator, y: float, width: float, material: Material, z: float) -> Mesh:
    """A band along x with wavy edges."""
    x = np.linspace(-120, 120, 161)
    near = y + 0.5 * np.sin(0.21 * x + rng.uniform(0, 6)) + 0.25 * np.sin(0.67 * x + rng.uniform(0, 6))
    far = near + width * (0.75 + 0.5 * np.sin(0.4 * x + rng.uniform(0, 6)) ** 2)
    points = np.concatenate([np.column_stack([x, near, 0 * x + z]), np.column_stack([x, far, 0 * x + z])])
    i = np.arange(160)
    return surface(
        points, np.concatenate([np.stack([i, i + 1, i + 162], 1), np.stack([i, i + 162, i + 161], 1)]), material
    )


def swell(rng: np.random.Generator, clear: float, foam: Material) -> list[Mesh]:
    """Breaking waves beyond and beside those who are afloat."""
    made = []
    for y in (clear + 2.0, clear + 9.0, clear + 18.0):
        for x in np.arange(-45, 46, 15.0):
            size = (rng.uniform(5, 9), rng.uniform(0.6, 1.2), rng.uniform(0.25, 0.8))
            made.append(ellipsoid((x + rng.uniform(-5, 5), y + rng.uniform(-1, 1), -0.12), size, foam, 16, 8))
    return made


def snow(rng: np.random.Generator, clear: float) -> Place:
    """Snow with conifers, drifts, a fence, mountains."""
    blanket = Material(srgb(240, 244, 250), "ground", srgb(212, 222, 238), scale=float(rng.uniform(1.0, 2.5)))
    backdrop = [ground(blanket)]
    needles = Material(srgb(58, 84, 60), "noise", srgb(26, 44, 32), scale=0.4)
    blocks = []
    for x, y in plants.scattered(rng, int(rng.integers(8, 26)), clear + 5.0, 50.0, 3.0):
        made = plants.conifer(rng, x, y, float(rng.uniform(4, 11)), needles, snowy=rng.random() < 0.7)
        backdrop.append(made)
        blocks.append(footprint(made))
    for x, y in plants.scattered(rng, 14, clear + 3.0, 60.0, 4.0):
        size = rng.uniform(2, 6), rng.uniform(2, 6), rng.uniform(0.2, 0.9)
        drift = ellipsoid((x, y, -0.05), size, blanket, 16, 8)
        backdrop.append(drift)
        blocks.append(footprint(drift))
    if rng.random() < 0.4:
        away = clear + float(rng.uniform(3, 10))
        orange = Material(srgb(232, 96, 30), opacity=0.65)
        backdrop += [patch_wall((-30, away), (30, away), 1.1, orange)]
        blocks.append(np.array([[-30, away - 0.2], [30, away + 0.2]]))
    rock: Color = srgb(214, 222, 236)
    peaks = Material(rock, "noise", srgb(110, 118, 134), scale=28.0)
    backdrop.append(plants.ridge(rng, 380, float(rng.uniform(70, 170)), 9, peaks))
    wood = Material(srgb(88, 104, 100), "noise", srgb(190, 200, 210), scale=4.0)
    backdrop.append(plants.ridge(rng, float(rng.uniform(90, 150)), float(rng.uniform(8, 20)), 30, wood))
    return Place("snow", backdrop, daylight(rng, blanket.color), square(clear + 8), view_box(28, 4.5), blocks)


def patch_wall(start: tuple[float, float], end: tuple[float, float], height: float, material: Material) -> Mesh:
    """An upright rectangle between two points."""
    corners = [(*start, 0.0), (*end, 0.0), (*end, height), (*start, height)]
    return surface(corners, [(0, 1, 2), (0, 2, 3)], material)
