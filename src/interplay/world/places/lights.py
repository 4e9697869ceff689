"""Daylight and lamps."""

from __future__ import annotations

import numpy as np

from interplay.body.geometry import Array, unit, vec
from interplay.body.materials import Color, srgb
from interplay.world.scene import Light

from .place import Weather


def tinted(color: Color, tint: tuple[float, float, float], strength: float = 1.0) -> Color:
    """A colour times a tint."""
    red, green, blue = (float(c * t * strength) for c, t in zip(color, tint, strict=True))
    return (red, green, blue)


def daylight(rng: np.random.Generator, ground: Color) -> Weather:
    """Sun, clouds or an overcast sky over a ground of a colour, which throws light back."""
    kind = str(rng.choice(["clear", "clear", "cloudy", "cloudy", "bright", "overcast", "low"]))
    heading = float(rng.uniform(0, 2 * np.pi))
    height = {"low": rng.uniform(12, 24), "overcast": rng.uniform(50, 75)}.get(kind, rng.uniform(30, 68))
    up = np.radians(float(height))
    direction = unit(vec(np.cos(up) * np.cos(heading), np.cos(up) * np.sin(heading), np.sin(up)))
    sun, sky, softness = (2.3, 2.2, 2.0), (0.62, 0.70, 0.86), 0.03
    horizon, zenith = srgb(205, 222, 238), srgb(float(rng.uniform(70, 110)), float(rng.uniform(130, 165)), 214)
    clouds, haze = 0.0, float(rng.uniform(250, 900))
    if kind == "cloudy":
        clouds = float(rng.uniform(0.35, 0.75))
    elif kind == "bright":
        sun, sky, softness = (1.5, 1.48, 1.42), (0.95, 0.98, 1.05), 0.2
        horizon, zenith, haze = srgb(232, 236, 240), srgb(170, 192, 222), 350.0
    elif kind == "overcast":
        sun, sky, softness = (0.55, 0.56, 0.58), (1.25, 1.28, 1.34), 0.7
        horizon, zenith, haze = srgb(222, 226, 230), srgb(176, 184, 194), 300.0
        clouds = 0.5
    elif kind == "low":
        sun, sky = (2.4, 1.85, 1.25), (0.6, 0.62, 0.72)
        horizon, zenith = srgb(244, 222, 190), srgb(120, 150, 200)
    lit = 0.35 * (sun[1] * direction[2] + sky[1])
    bounce = tinted(ground, (lit, lit, lit))
    return Weather(Light(direction, sun, sky, bounce, softness), horizon, zenith, clouds, haze)


def lamplight(rng: np.random.Generator, source: Array, window: bool, floor: Color) -> Weather:
    """Light in a room from a window (cool or neutral, large) or a lamp (warm, smaller) at `source` (3,)."""
    if window:
        tint, strength, softness = (1.0, 1.0, 1.04), float(rng.uniform(1.5, 2.4)), float(rng.uniform(0.2, 0.35))
    else:
        tint = (1.0, float(rng.uniform(0.86, 0.98)), float(rng.uniform(0.68, 0.92)))
        strength, softness = float(rng.uniform(1.1, 1.7)), float(rng.uniform(0.12, 0.25))
    around = float(rng.uniform(0.65, 0.95))
    sky, sun = tinted((1.0, 1.0, 1.0), tint, around), tinted((1.0, 1.0, 1.0), tint, strength)
    bounce = tinted(floor, sky, 0.5)
    bounce = (bounce[0] + 0.45 * sky[0], bounce[1] + 0.45 * sky[1], bounce[2] + 0.45 * sky[2])
    light = Light(unit(source), sun, sky, bounce, softness, source)
    outside = srgb(225, 235, 245)
    return Weather(light, outside, outside)
