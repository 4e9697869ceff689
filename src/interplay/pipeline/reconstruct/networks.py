"""The networks of a reconstruction, each loaded when it is first needed."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from interplay.defaults import DEFAULT_CONTACT_MODEL
from interplay.detectors.masks import GrabCut, SegmentAnything, Segmenter
from interplay.ops.object_names import COCO_OBJECTS

from .options import ReconstructOptions

if TYPE_CHECKING:
    from interplay.detectors.depth import DepthPro
    from interplay.interactions import Interactions
    from interplay.models.contact import ContactFinder


class Networks:
    """What looks at pixels, as the options name it."""

    def __init__(self, options: ReconstructOptions) -> None:
        self.options = options
        self._device = options.device or "cpu"

    def interactions(self, image: NDArray[np.uint8], file: Path | None) -> Interactions:
        """People with their poses, objects, and who uses what."""
        [found] = self._predictor([image], [None if file is None else file.name])
        return found

    @cached_property
    def _predictor(self) -> Any:
        from interplay.pipeline.predictor import load_predictor

        options = self.options
        if options.grounding is not None:
            from interplay.detectors.grounding import GroundingDino
            from interplay.zoo import load_model

            names = ("person", options.category) if options.category else COCO_OBJECTS
            detector = GroundingDino(options.grounding, names, self._device)
            network = load_model(options.model, device=options.device)
            return network.inference(detector=detector, pose=options.pose, device=options.device).prepare()
        return load_predictor(options.model, detector=options.detector, pose=options.pose, device=options.device)

    @cached_property
    def segmenter(self) -> Segmenter:
        """For masks."""
        return GrabCut() if self.options.sam is None else SegmentAnything(self.options.sam, self._device)

    @cached_property
    def depth(self) -> DepthPro | None:
        """For depth and the focal length, if its weights are named."""
        from interplay.detectors.depth import DepthPro

        return None if self.options.depth is None else DepthPro(self.options.depth, self._device)

    @cached_property
    def finder(self) -> ContactFinder:
        """For contact on the built-in body."""
        from interplay.pipeline.contact import load_contact

        return load_contact(self.options.contact or DEFAULT_CONTACT_MODEL, device=self.options.device).finder
