"""How likely a pose is: a mixture of Gaussians over pose vectors, learnt from the generated world.

``experiments/pose_prior.py`` learns it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from pathlib import Path

import numpy as np

from interplay.body.geometry import Array
from interplay.containers.arrays import read_npz


@dataclass(frozen=True)
class PosePrior:
    """A mixture of K Gaussians over pose vectors (`interplay.body.joints`).

    Attributes:
        weights: (K,) sum 1.
        means: (K, 51).
        factors: (K, 51, 51) lower triangular; a precision is ``factor @ factor.T``.
        low, high: (51,) between which nearly all poses are: the joints' limits.
        resting: (J, 3) rotation vectors of bones that no joint drives.
    """

    weights: Array
    means: Array
    factors: Array
    low: Array
    high: Array
    resting: Array

    @property
    def offsets(self) -> Array:
        """(K,) what each component's squared distance counts besides, so that they can be compared."""
        return -2 * (np.log(self.weights) + np.log(np.diagonal(self.factors, axis1=1, axis2=2)).sum(1))


@lru_cache(maxsize=1)
def pose_prior() -> PosePrior:
    """The prior that comes with interplay."""
    stored = read_npz(Path(str(resources.files("interplay.body") / "pose_prior.npz")))
    return PosePrior(**{name: stored[name].astype(np.float64) for name in PosePrior.__dataclass_fields__})
