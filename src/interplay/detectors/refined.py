"""Any detector, with smallest scores by object and one box for each thing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from interplay.detectors.detections import Detections, Detector


class RefinedDetector:
    """Filters what another detector finds; `interplay.load_detector` makes it where its options ask for it.

    Args:
        detector: finds everything from the smallest score on.
        min_score, same_box, same_person: see `Detections.filter` and `Detections.distinct`; None does nothing.

    Raises:
        InputError: a score is for an object that the detector does not find.
    """

    def __init__(
        self,
        detector: Detector,
        min_score: float | Mapping[str, float] | None = None,
        same_box: float | None = None,
        same_person: float | None = None,
    ) -> None:
        self.name, self.objects = detector.name, detector.objects
        self.detector, self.min_score = detector, min_score
        self.same_box, self.same_person = same_box, same_person
        self._refined(Detections.empty(self.objects))

    def __call__(self, images: Sequence[NDArray[np.uint8]], files: Sequence[str] | None = None) -> list[Detections]:
        """Detections in each image; see `Detector`."""
        return [self._refined(found) for found in self.detector(images, files)]

    def _refined(self, found: Detections) -> Detections:
        kept = found if self.min_score is None else found.filter(self.min_score)
        return kept.distinct(self.same_box, self.same_person)
