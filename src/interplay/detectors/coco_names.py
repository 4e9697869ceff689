"""Class names of other code bases -> COCO's 80 objects."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

import numpy as np
from numpy.typing import NDArray

from interplay.vocabulary import Vocabulary, normalise

# Pascal VOC's spellings, which Darknet's list and from it RT-DETR's took over, and others' variants.
_ALIASES = {
    "motorbike": "motorcycle",
    "aeroplane": "airplane",
    "sofa": "couch",
    "pottedplant": "potted plant",
    "diningtable": "dining table",
    "tvmonitor": "tv",
    "television": "tv",
    "hair dryer": "hair drier",
    "doughnut": "donut",
    "cellphone": "cell phone",
    "mobile phone": "cell phone",
    "tennis racquet": "tennis racket",
}


@cache
def _positions() -> dict[str, int]:
    positions = {normalise(name): i for i, name in enumerate(Vocabulary.load("coco").objects)}
    return positions | {alias: positions[name] for alias, name in _ALIASES.items()}


def coco_labels(names: Iterable[str]) -> NDArray[np.int64]:
    """Index 0..79 of each name, -1 for a name that is none of COCO's objects (``"N/A"``, ``"hat"``)."""
    return np.array([_positions().get(normalise(name), -1) for name in names], np.int64)
