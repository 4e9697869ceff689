"""Materials drawn at random for the parts of objects."""

from __future__ import annotations

import numpy as np

from interplay.body.materials import Color, Material, hsv, srgb


def dark(color: Color, share: float = 0.7) -> Color:
    """A darker tone."""
    return (color[0] * share, color[1] * share, color[2] * share)


def any_color(rng: np.random.Generator, vivid: float = 0.7) -> Color:
    """A colour: with probability `vivid` a saturated one, otherwise near grey."""
    if rng.random() < vivid:
        return hsv(rng.random(), rng.uniform(0.55, 0.95), rng.uniform(0.35, 0.95))
    return hsv(rng.random(), rng.uniform(0.0, 0.12), rng.choice([0.12, 0.3, 0.6, 0.92]))


def plastic(rng: np.random.Generator, color: Color | None = None) -> Material:
    """Smooth plastic or lacquer."""
    return Material(any_color(rng) if color is None else color, gloss=0.45, sharpness=40)


def metal(rng: np.random.Generator) -> Material:
    """Bare metal."""
    grey = float(rng.uniform(0.35, 0.6))
    return Material((grey, grey, grey * 1.03), gloss=0.9, sharpness=60)


def wood(rng: np.random.Generator, axis: int = 0) -> Material:
    """Wood with its grain along an axis."""
    tones = (srgb(196, 150, 96), srgb(150, 100, 58), srgb(92, 58, 34), srgb(222, 188, 140))
    tone = tones[int(rng.integers(len(tones)))]
    return Material(tone, "wood", dark(tone, 0.72), scale=0.06, gloss=0.2, axes=(axis, 2))


def fabric(rng: np.random.Generator) -> Material:
    """Cloth or upholstery, plain or patterned."""
    color = hsv(rng.random(), rng.uniform(0.1, 0.7), rng.uniform(0.25, 0.9))
    pattern = str(rng.choice(["plain", "noise", "noise", "stripes", "plaid"]))
    return Material(color, pattern, dark(color, 0.7), scale=float(rng.uniform(0.02, 0.12)))


def leather(rng: np.random.Generator) -> Material:
    """Leather."""
    tones = (srgb(30, 26, 24), srgb(110, 64, 36), srgb(150, 30, 34), srgb(200, 170, 130), any_color(rng))
    tone = tones[int(rng.integers(len(tones)))]
    return Material(tone, "noise", dark(tone, 0.85), scale=0.03, gloss=0.3)


def ceramic(rng: np.random.Generator) -> Material:
    """Glazed ware: mostly light."""
    light = rng.random() < 0.5
    color = hsv(rng.random(), rng.uniform(0.0, 0.1), 0.95) if light else any_color(rng, 0.9)
    return Material(color, gloss=0.6, sharpness=50)


BLACK = Material(srgb(28, 28, 30), gloss=0.3)
RUBBER = Material(srgb(32, 32, 34), "noise", srgb(44, 44, 46), scale=0.02)
STEEL = Material((0.45, 0.45, 0.47), gloss=0.9, sharpness=60)
WHITE = Material(srgb(238, 238, 236), gloss=0.3)
