"""A body of a given height: an adult, or below 1.45 m a child, whose head is larger for the body."""

from __future__ import annotations

from functools import lru_cache

from interplay.body.model import load_body_model
from interplay.errors import InputError

CHILD = 1.45
"""Metres below which somebody is taken for a child."""
SHORTEST, TALLEST = 0.6, 2.2
"""Metres."""

Description = tuple[float, float, float, float, float, float]

_AGES = (0.0, 0.5)  # Anny's, of children
_ADULT = 2 / 3


@lru_cache(maxsize=64)
def description_of_height(height: float) -> Description:
    """Anny's six numbers (see `interplay.body.model.BodyModel.rest`) for somebody of whom only the height is known.

    Build and gender are average. From `CHILD` on it is a young adult, taller or shorter than the average; below, a
    child of the age at which this height is the average.

    Args:
        height: metres from sole to crown.

    Raises:
        InputError: of nobody (0.6 to 2.2 m).
        MissingExtraError: Anny is not installed.
    """
    if not SHORTEST <= height <= TALLEST:
        raise InputError(f"height: expected {SHORTEST} to {TALLEST} metres from sole to crown, got {height:g}")
    child = height < CHILD
    low, high = _AGES if child else (0.0, 1.0)

    def described(value: float) -> Description:
        return (0.5, value, 0.5, 0.5, 0.5, 0.5) if child else (0.5, _ADULT, 0.5, 0.5, value, 0.5)

    model = load_body_model()
    for _ in range(16):
        middle = (low + high) / 2
        low, high = (middle, high) if model.rest(described(middle)).height < height else (low, middle)
    return described((low + high) / 2)


def in_words(height: float | None) -> str:
    """What body it is."""
    if height is None:
        return "an average adult"
    return f"{'a child' if height < CHILD else 'an adult'} of {height:g} m"
