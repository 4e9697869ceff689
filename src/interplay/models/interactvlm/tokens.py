"""The tokens of InteractVLM's answers that stand for masks."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray

IMAGE_TOKEN = -200
"""The published code's placeholder for all of an image's tokens."""
IMAGE_TOKENS = 256
"""How many tokens the published vision tower makes of an image."""


def segmentation_positions(
    ids: NDArray[np.integer],
    segmentation_ids: Collection[int],
    image_token: int = IMAGE_TOKEN,
    num_image_tokens: int = IMAGE_TOKENS,
) -> NDArray[np.int64]:
    """Which hidden states stand for masks: those that predict a segmentation token, one place before it.

    Args:
        ids: (T,) tokens, with one placeholder per image.
        segmentation_ids: tokens that stand for masks.
        num_image_tokens: how many places an image's placeholder takes in the language model's input.

    Returns:
        Places in that input, ascending; one per segmentation token. A token at the very beginning has none.
    """
    ids = np.asarray(ids)
    extra = np.cumsum(ids == image_token) * (num_image_tokens - 1)
    places = (np.arange(len(ids)) + extra)[np.isin(ids, list(segmentation_ids))]
    return places[places > 0] - 1
