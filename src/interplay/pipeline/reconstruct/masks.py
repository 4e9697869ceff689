"""Masks: where a reconstructed body is in the picture, and where the object is."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from interplay.detectors.masks import Mask
from interplay.reconstruct import Intrinsics
from interplay.reconstruct.silhouette import depth_buffer

from .result import Person


def body_mask(person: Person, camera: Intrinsics, size: tuple[int, int]) -> Mask:
    """(height, width) what a body covers; `size` is width and height."""
    body = torch.from_numpy(person.vertices)
    depth = depth_buffer(camera.project(body), body[:, 2], torch.from_numpy(person.faces), size[::-1])
    covered: Mask = torch.isfinite(depth).numpy()
    return covered


def box_of(mask: Mask) -> NDArray[np.float32]:
    """(4,) x1, y1, x2, y2 around a mask."""
    rows, columns = np.nonzero(mask)
    return np.array([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1], np.float32)
