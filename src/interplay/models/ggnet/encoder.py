"""From a photograph's annotations to target maps, apart from the network, so that worker processes can do it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from interplay.interactions import Interactions
from interplay.models.ggnet.config import GGNetConfig
from interplay.models.ggnet.targets import GGNetTargets, Scene, encode
from interplay.models.ggnet.transforms import View


@dataclass(frozen=True)
class TargetEncoder:
    """Encodes annotations for a network.

    Attributes:
        config: of the network.
        channels: (V,) int64 the network's channel of each verb of the vocabulary; -1 for verbs it does not predict.
        pairs: (channels, objects) which verbs are meaningful with which objects.
        stride: pixels of the input per pixel of the maps.
    """

    config: GGNetConfig
    channels: NDArray[np.int64]
    pairs: NDArray[np.bool_]
    stride: int

    def __call__(
        self, annotations: Sequence[Interactions], views: Sequence[View], width: int, height: int
    ) -> GGNetTargets:
        """What the network should predict for a batch; see `GGNet.encode`."""
        scenes = [self._scene(a, view) for a, view in zip(annotations, views, strict=True)]
        options, network = self.config.targets, self.config.network
        return encode(scenes, width // self.stride, height // self.stride, self.pairs, options, network)

    def _scene(self, annotation: Interactions, view: View) -> Scene:
        verb = self.channels[annotation.verb]
        keep = (verb >= 0) & (annotation.object >= 0)
        return Scene(
            boxes=annotation.boxes,
            labels=annotation.labels,
            human=annotation.human[keep],
            object=annotation.object[keep],
            verb=verb[keep],
            view=view,
            whole=(annotation.boxes == np.floor(annotation.boxes)).all(1),
        )
