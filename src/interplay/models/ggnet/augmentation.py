"""Random crops, mirroring and colours of the published training, apart from what is drawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from interplay.models.ggnet.transforms import View

SCALES = tuple(i / 10 for i in range(7, 14))
"""Factors of the longer side: below 1 the view is a part of the photograph, above 1 it has a black margin."""
BORDER = 128
"""A view's centre stays this far from the photograph's border, or half of that (and so on) in a small one."""
JITTER = 0.4
"""Brightness, contrast and saturation change by a factor of 1 - JITTER to 1 + JITTER."""
LIGHTING = 0.1
"""Standard deviation of the noise along the principal components of colour."""

EIGENVALUES = np.array([0.2141788, 0.01817699, 0.00341571], np.float32)
EIGENVECTORS = np.array(
    [
        [-0.58752847, -0.69563484, 0.41340352],
        [-0.5832747, 0.00994535, -0.81221408],
        [-0.56089297, 0.71832671, 0.41158938],
    ],
    np.float32,
)
"""Principal components of colours in COCO (blue, green, red; 0..1): variances and, in columns, directions."""

GREY = np.array([0.114, 0.587, 0.299], np.float32)
"""How much blue, green and red contribute to grey."""

Change = Literal["brightness", "contrast", "saturation"]


@dataclass(frozen=True)
class ColourChange:
    """What was drawn for one image.

    Attributes:
        order: in which order brightness, contrast and saturation change.
        factors: of each, in that order.
        lighting: (3,) amounts along the principal components.
    """

    order: Sequence[Change]
    factors: Sequence[float]
    lighting: Sequence[float]

    def __call__(self, image: NDArray[np.float32]) -> NDArray[np.float32]:
        """Change an image (H, W, 3), blue first, 0..1; the result may leave that range."""
        grey = image @ GREY  # of the unchanged image, as the published code has it
        for change, factor in zip(self.order, self.factors, strict=True):
            if change == "brightness":
                image = image * np.float32(factor)
            elif change == "contrast":
                image = image * np.float32(factor) + np.float32((1 - factor) * grey.mean())
            else:
                image = image * np.float32(factor) + np.float32(1 - factor) * grey[..., None]
        return image + (EIGENVECTORS @ (EIGENVALUES * np.asarray(self.lighting, np.float32))).astype(np.float32)


def random_view(width: int, height: int, generator: np.random.Generator) -> View:
    """A random part of a photograph, or the whole of it with a margin, mirrored half of the time."""
    side = max(width, height) * SCALES[generator.integers(len(SCALES))]
    x = int(generator.integers(*centre_range(width)))
    y = int(generator.integers(*centre_range(height)))
    return view(width, side, (x, y), bool(generator.random() < 0.5))


def view(width: int, side: float, centre: tuple[float, float], mirrored: bool) -> View:
    """The view around a centre of the photograph as it is (not mirrored)."""
    return mirror(View(centre, side, width)) if mirrored else View(centre, side, width)


def mirror(whole: View) -> View:
    """The same part of the photograph, mirrored."""
    x, y = whole.centre
    return replace(whole, centre=(whole.width - x - 1, y), mirrored=not whole.mirrored)


def centre_range(size: int) -> tuple[int, int]:
    """First and last (exclusive) coordinate of a view's centre along a side of `size` pixels."""
    border = BORDER
    while size - border <= border:
        border //= 2
    return border, size - border


def random_colours(generator: np.random.Generator) -> ColourChange:
    """Random changes of colour."""
    changes: list[Change] = ["brightness", "contrast", "saturation"]
    order = [changes[i] for i in generator.permutation(3)]
    factors = generator.uniform(1 - JITTER, 1 + JITTER, 3).tolist()
    return ColourChange(order, factors, generator.normal(0, LIGHTING, 3).tolist())
