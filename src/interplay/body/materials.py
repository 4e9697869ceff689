"""Surfaces without image files: a colour for every point, computed from where the point lies in its object.

A texture is a function of the position in the object's own frame (a solid texture), so no mesh needs texture
coordinates and nothing stretches. All values are linear light, 0..1.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .geometry import Array, vec

Color = tuple[float, float, float]


@dataclass(frozen=True)
class Material:
    """How one part of an object looks.

    Attributes:
        color: linear RGB.
        pattern: a name in `PATTERNS`.
        second: linear RGB of the pattern's other colour.
        scale: size of the pattern's unit in metres.
        gloss: strength of the highlight, 0 (cloth) to 1 (chrome).
        sharpness: exponent of the highlight.
        axes: the two axes of the object's frame in which a flat pattern lies.
        glow: light that the surface sends out itself, 0..1 (screens, the sky).
        opacity: 1 for solid; below 1 lets the surface behind shine through (glass).
    """

    color: Color
    pattern: str = "plain"
    second: Color = (0.0, 0.0, 0.0)
    scale: float = 0.1
    gloss: float = 0.0
    sharpness: float = 20.0
    axes: tuple[int, int] = (0, 1)
    glow: float = 0.0
    opacity: float = 1.0


def srgb(red: float, green: float, blue: float) -> Color:
    """Linear RGB of an sRGB colour given in 0..255."""
    c = vec(red, green, blue) / 255
    linear = np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)
    return (float(linear[0]), float(linear[1]), float(linear[2]))


def hsv(hue: float, saturation: float, value: float) -> Color:
    """Linear RGB of a colour given as hue (turns), saturation and value (0..1, sRGB)."""
    k = (vec(5, 3, 1) + hue * 6) % 6
    rgb = value - value * saturation * np.clip(np.minimum(k, 4 - k), 0, 1)
    return srgb(*(255 * rgb))


_MASK = np.uint64(0xFFFFFFFF)


def _hash_start(seed: int) -> np.uint64:
    return np.uint64(0x9E3779B9 ^ (seed * 0x85EBCA6B & 0xFFFFFFFF))


def _hash_step(state: NDArray[np.uint64] | np.uint64, cell: NDArray[np.uint64]) -> NDArray[np.uint64]:
    with np.errstate(over="ignore"):
        mixed: NDArray[np.uint64] = (state ^ cell) * np.uint64(0x9E3779B97F4A7C15)
    mixed ^= mixed >> np.uint64(29)
    return mixed


def _hash_value(state: NDArray[np.uint64]) -> Array:
    return ((state >> np.uint64(11)) & np.uint64(0xFFFFFF)).astype(np.float64) / 0xFFFFFF


def hash_noise(cells: NDArray[np.int64], seed: int = 0) -> Array:
    """Pseudo-random values 0..1 (N,) of integer cells (N, D): the same on every machine."""
    state: NDArray[np.uint64] = np.full(len(cells), _hash_start(seed))
    for axis in range(cells.shape[1]):
        state = _hash_step(state, cells[:, axis].astype(np.uint64) & _MASK)
    return _hash_value(state)


def value_noise(points: Array, seed: int = 0) -> Array:
    """Smooth noise 0..1 (N,) at points (N, D) with a unit lattice: `hash_noise` at its corners, blended."""
    base = np.floor(points)
    f = points - base
    f = f * f * (3 - 2 * f)
    cell = base.astype(np.int64)
    states: list[NDArray[np.uint64]] = [np.full(len(points), _hash_start(seed))]
    for axis in range(points.shape[1]):  # corners that share a prefix share its hash
        ends = [(cell[:, axis] + bit).astype(np.uint64) & _MASK for bit in (0, 1)]
        states = [_hash_step(state, end) for state in states for end in ends]
    values = [_hash_value(state) for state in states]
    for axis in reversed(range(points.shape[1])):
        share = f[:, axis]
        values = [low + share * (high - low) for low, high in zip(values[::2], values[1::2], strict=True)]
    return values[0]


def fractal_noise(points: Array, octaves: int = 3, seed: int = 0) -> Array:
    """Sum of `octaves` of `value_noise`, each twice as fine and half as strong; 0..1 (N,)."""
    total, strength = np.zeros(len(points)), 0.0
    for octave in range(octaves):
        total += value_noise(points * 2.0**octave, seed + octave) / 2**octave
        strength += 1 / 2**octave
    return total / strength


def _plain(p: Array, m: Material) -> Array:
    return np.zeros(len(p))


def _noise(p: Array, m: Material) -> Array:
    return fractal_noise(p / m.scale, 3)


def _ground(p: Array, m: Material) -> Array:
    """Patches of the pattern's size and grain a tenth of it: grass, sand, asphalt."""
    q = p[:, list(m.axes)] / m.scale
    return np.clip(0.5 + 1.1 * (value_noise(q, 3) - 0.5) + 1.2 * (fractal_noise(q * 11, 2) - 0.5), 0, 1)


def _waves(p: Array, m: Material) -> Array:
    """Crests across the second axis, broken up."""
    u, v = p[:, m.axes[0]] / m.scale, p[:, m.axes[1]] / m.scale
    bent = v + 1.3 * fractal_noise(np.stack([0.3 * u, 0.5 * v], 1), 2)
    crest = 0.5 + 0.5 * np.sin(2 * np.pi * bent)
    return np.clip(crest**2 * (0.3 + 1.2 * value_noise(np.stack([0.8 * u, 1.7 * v], 1), 4)), 0, 1)


def _windows(p: Array, m: Material) -> Array:
    """Panes of glass in rows, one storey a unit of `scale` high, some with a blind."""
    u, v = p[:, m.axes[0]] / (0.8 * m.scale), p[:, m.axes[1]] / m.scale
    x, y = u - np.floor(u) - 0.5, v - np.floor(v) - 0.55
    pane = (np.abs(x) < 0.24) & (np.abs(y) < 0.27) & (np.abs(x) > 0.012) & (np.abs(y + 0.08) > 0.01)
    tone = hash_noise(np.stack([np.floor(u), np.floor(v)], 1).astype(np.int64), 13)
    blind = y > 0.27 - 0.5 * np.maximum(tone - 0.6, 0)
    return np.where(pane, np.where(blind, 0.35, 0.8 + 0.2 * tone), 0.06 * fractal_noise(p * 3, 2))


def _wood(p: Array, m: Material) -> Array:
    stretched = p / m.scale * np.where(np.arange(3) == m.axes[0], 0.12, 1.0)
    rings = fractal_noise(stretched, 2) * 6
    return 0.5 + 0.5 * np.sin(2 * np.pi * rings)


def _planks(p: Array, m: Material) -> Array:
    u, v = p[:, m.axes[0]] / (m.scale * 7), p[:, m.axes[1]] / m.scale
    row = np.floor(v)
    offset = hash_noise(row[:, None].astype(np.int64), 5)
    board = np.floor(u + offset)
    tone = hash_noise(np.stack([row, board], 1).astype(np.int64), 9)
    gap = (np.abs(v - row - 0.5) > 0.47) | (np.abs(u + offset - board - 0.5) > 0.495)
    return np.where(gap, 1.0, 0.5 * tone + 0.25 * fractal_noise(p[:, list(m.axes)] / m.scale * vec(1.0, 9.0), 2))


def _stripes(p: Array, m: Material) -> Array:
    return (np.mod(p[:, m.axes[0]] / m.scale, 1.0) < 0.5).astype(np.float64)


def _checks(p: Array, m: Material) -> Array:
    return np.mod(np.floor(p[:, m.axes[0]] / m.scale) + np.floor(p[:, m.axes[1]] / m.scale), 2.0)


def _plaid(p: Array, m: Material) -> Array:
    a = np.mod(p[:, m.axes[0]] / m.scale, 1.0) < 0.3
    b = np.mod(p[:, m.axes[1]] / m.scale, 1.0) < 0.3
    return 0.5 * a + 0.5 * b


def _dots(p: Array, m: Material) -> Array:
    u, v = p[:, m.axes[0]] / m.scale, p[:, m.axes[1]] / m.scale
    u = u + 0.5 * np.mod(np.floor(v), 2)
    return ((u - np.floor(u) - 0.5) ** 2 + (v - np.floor(v) - 0.5) ** 2 < 0.09).astype(np.float64)


def _tiles(p: Array, m: Material) -> Array:
    u, v = p[:, m.axes[0]] / m.scale, p[:, m.axes[1]] / m.scale
    gap = (np.abs(u - np.floor(u) - 0.5) > 0.48) | (np.abs(v - np.floor(v) - 0.5) > 0.48)
    tone = hash_noise(np.stack([np.floor(u), np.floor(v)], 1).astype(np.int64), 3)
    return np.where(gap, 1.0, 0.2 * tone)


def _bricks(p: Array, m: Material) -> Array:
    v = p[:, m.axes[1]] / m.scale
    row = np.floor(v)
    u = p[:, m.axes[0]] / (2.6 * m.scale) + 0.5 * np.mod(row, 2)
    gap = (np.abs(v - row - 0.5) > 0.43) | (np.abs(u - np.floor(u) - 0.5) > 0.47)
    tone = hash_noise(np.stack([np.floor(u), row], 1).astype(np.int64), 7)
    return np.where(gap, 1.0, 0.35 * tone)


def _text(p: Array, m: Material) -> Array:
    """Lines of dark words on a page."""
    u, v = p[:, m.axes[0]] / m.scale, p[:, m.axes[1]] / m.scale
    line = np.floor(v)
    word = hash_noise(np.stack([np.floor(u * 1.3), line], 1).astype(np.int64), 11)
    return ((v - line > 0.35) & (word > 0.2)).astype(np.float64) * 0.8


def _keys(p: Array, m: Material) -> Array:
    """A grid of keys with gaps."""
    v = p[:, m.axes[1]] / m.scale
    u = p[:, m.axes[0]] / m.scale + 0.33 * np.floor(v)
    gap = (np.abs(u - np.floor(u) - 0.5) > 0.4) | (np.abs(v - np.floor(v) - 0.5) > 0.4)
    return gap.astype(np.float64)


def _picture(p: Array, m: Material) -> Array:
    """A screen showing something: big soft shapes."""
    q = p[:, list(m.axes)] / m.scale
    return np.clip(3 * fractal_noise(q, 2, seed=21) - 1, 0, 1)


PATTERNS: dict[str, Callable[[Array, Material], Array]] = {
    "plain": _plain,
    "noise": _noise,
    "ground": _ground,
    "waves": _waves,
    "windows": _windows,
    "wood": _wood,
    "planks": _planks,
    "stripes": _stripes,
    "checks": _checks,
    "plaid": _plaid,
    "dots": _dots,
    "tiles": _tiles,
    "bricks": _bricks,
    "text": _text,
    "keys": _keys,
    "picture": _picture,
}
"""Name -> how much of the second colour there is at points (N, 3) of the object's frame: 0..1 (N,)."""


def colors_at(material: Material, points: Array) -> Array:
    """Linear RGB (N, 3) of a material at points (N, 3) of its object's frame."""
    base = np.asarray(material.color, np.float64)
    if material.pattern == "plain":
        return np.broadcast_to(base, (len(points), 3))
    share = PATTERNS[material.pattern](points, material)[:, None]
    return base + share * (np.asarray(material.second) - base)
