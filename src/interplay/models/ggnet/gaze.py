"""The gaze step (paper, section 3.2): where to look around each pixel, how much each point counts, what is there."""

from __future__ import annotations

from torch import Tensor, nn

from interplay.layers.deformable import ModulatedDeformConv2d, SamplingPoints
from interplay.models.ggnet.convs import features
from interplay.models.ggnet.outputs import ActPoints


class GazeStep(nn.Module):
    """One gaze step.

    Args:
        width: channels C of the features that are read, sampled and returned.
        kernel_size: side of the grid of ActPoints.
        in_channels: of the map from which this step makes the features it samples; None: they are given to it.
    """

    def __init__(self, width: int, kernel_size: int, in_channels: int | None) -> None:
        super().__init__()
        self.features = None if in_channels is None else features(in_channels, width)
        self.points = SamplingPoints(width, kernel_size)
        self.aggregate = ModulatedDeformConv2d(width, width, kernel_size)

    def forward(self, guide: Tensor, source: Tensor, previous: Tensor | None) -> ActPoints:
        """Look once.

        Args:
            guide: (B, C, h, w) features that tell where to look: F0, then what the step before gathered.
            source: (B, in_channels, h, w) map whose features are sampled, or the features themselves.
            previous: (B, 2n, h, w) offsets so far; this step predicts what is added to them (Equation 2).
        """
        offset, weight = self.points(guide)
        if previous is not None:
            offset = previous + offset
        sampled = source if self.features is None else self.features(source)
        return ActPoints(offset, weight, self.aggregate(sampled, offset, weight).relu())
