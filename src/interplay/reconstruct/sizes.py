"""How large objects of a category are in the real world, as log-normal distributions of their longest side."""

from __future__ import annotations

import math
from dataclasses import dataclass

LEAST_SPREAD = 0.1
"""Of any category: individuals differ more than the generated world's, many of which have one size only."""
WIDE_SPREAD = 0.5
"""Where nothing is known of a category: about half to twice as large."""

_GENERATED: dict[str, tuple[float, float]] = {
    "apple": (0.086, 0.000),
    "backpack": (0.504, 0.046),
    "banana": (0.187, 0.000),
    "baseball bat": (0.820, 0.028),
    "baseball glove": (0.282, 0.000),
    "bed": (2.147, 0.015),
    "bench": (1.547, 0.133),
    "bicycle": (1.706, 0.019),
    "book": (0.309, 0.068),
    "bottle": (0.250, 0.113),
    "bowl": (0.168, 0.094),
    "cake": (0.302, 0.082),
    "car": (4.220, 0.000),
    "carrot": (0.292, 0.000),
    "cell phone": (0.148, 0.029),
    "chair": (0.935, 0.046),
    "clock": (0.362, 0.103),
    "couch": (2.028, 0.169),
    "cup": (0.130, 0.072),
    "dining table": (1.329, 0.189),
    "dog": (0.983, 0.111),
    "donut": (0.102, 0.000),
    "fire hydrant": (0.730, 0.000),
    "fork": (0.244, 0.000),
    "frisbee": (0.270, 0.000),
    "hair drier": (0.214, 0.000),
    "handbag": (0.405, 0.083),
    "horse": (2.574, 0.000),
    "hot dog": (0.181, 0.000),
    "keyboard": (0.416, 0.047),
    "kite": (1.888, 0.191),
    "knife": (0.302, 0.068),
    "laptop": (0.344, 0.045),
    "microwave": (0.480, 0.000),
    "motorcycle": (2.020, 0.000),
    "mouse": (0.112, 0.000),
    "orange": (0.074, 0.000),
    "oven": (0.904, 0.000),
    "parking meter": (1.315, 0.000),
    "pizza": (0.357, 0.063),
    "potted plant": (0.861, 0.272),
    "refrigerator": (1.756, 0.030),
    "remote": (0.170, 0.000),
    "sandwich": (0.120, 0.030),
    "scissors": (0.202, 0.000),
    "skateboard": (0.797, 0.028),
    "ski pole": (1.194, 0.035),
    "skis": (1.690, 0.032),
    "snowboard": (1.565, 0.029),
    "spoon": (0.250, 0.000),
    "sports ball": (0.220, 0.000),
    "stop sign": (2.394, 0.034),
    "suitcase": (1.067, 0.045),
    "surfboard": (2.177, 0.173),
    "teddy bear": (0.468, 0.244),
    "tennis racket": (0.704, 0.000),
    "tie": (0.444, 0.044),
    "toilet": (0.800, 0.000),
    "toothbrush": (0.190, 0.000),
    "traffic light": (3.140, 0.000),
    "tv": (0.999, 0.133),
    "umbrella": (1.054, 0.055),
    "vase": (0.476, 0.138),
    "wine glass": (0.213, 0.048),
}
"""Category: the median of the longest side of the bounding box in metres, and the standard deviation of its logarithm.

Source: 100 objects of each category of the generated world, ``python experiments/object_sizes.py``.
"""


@dataclass(frozen=True)
class SizePrior:
    """How large an object probably is.

    Attributes:
        longest: median of the longest side of its bounding box, metres; None: as large as its mesh says.
        spread: standard deviation of the logarithm of that side.
        source: in words, where this is from.
    """

    longest: float | None
    spread: float
    source: str


def size_prior(category: str) -> SizePrior:
    """What is known of a category's size.

    Args:
        category: COCO's name. One of which nothing is known gets a wide prior around its mesh's own size.

    Example:
        >>> size_prior("tennis racket").longest
        0.704
        >>> size_prior("unicycle").longest is None
        True
    """
    if category not in _GENERATED:
        return SizePrior(None, WIDE_SPREAD, f"nothing is known of the size of {category!r}: the mesh's own")
    longest, spread = _GENERATED[category]
    return SizePrior(longest, math.hypot(spread, LEAST_SPREAD), f"{category} of the generated world")
