"""TIN's streams: instance-centric attention, spatial and pose maps, classifiers, the interactiveness discriminator.

Sections of Li et al., "Transferable Interactiveness Knowledge for Human-Object Interaction Detection", CVPR 2019
(3.2 and 3.3); the attention is that of Gao et al., "iCAN", BMVC 2018.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torchvision.ops import FrozenBatchNorm2d


class NormedDense(nn.Module):
    """A dense layer without bias, batch normalisation with fixed statistics, ReLU, dropout."""

    def __init__(self, inputs: int, outputs: int, dropout: float = 0.5) -> None:
        super().__init__()
        self.dense = nn.Linear(inputs, outputs, bias=False)
        self.norm = FrozenBatchNorm2d(outputs)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """(N, inputs) -> (N, outputs)."""
        return self.dropout(F.relu(self.norm(self.dense(x)[..., None, None])[..., 0, 0]))


class MapStream(nn.Module):
    """Two convolutions over a 64 x 64 map, flattened in the order height, width, channel."""

    def __init__(self, channels: int, width: int, out: int) -> None:
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(channels, width, 5), nn.Conv2d(width, out, 5)

    def forward(self, maps: Tensor) -> Tensor:
        """(N, channels, 64, 64) -> (N, 169 out)."""
        x = F.max_pool2d(F.relu(self.conv1(maps)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        return x.permute(0, 2, 3, 1).flatten(1)


class InstanceAttention(nn.Module):
    """Where in the image to look, seen from one instance (iCAN)."""

    def __init__(self) -> None:
        super().__init__()
        self.phi, self.g = nn.Conv2d(1024, 512, 1), nn.Conv2d(1024, 512, 1)
        self.query = nn.ModuleDict({"human": nn.Linear(2048, 512), "object": nn.Linear(2048, 512)})
        self.bottleneck = nn.Conv2d(512, 1024, 1)
        self.dropout = nn.Dropout(0.2)

    def keys(self, head: Tensor) -> tuple[Tensor, Tensor]:
        """What all instances of an image share: (B, 512, H, W) keys and values of its map (B, 1024, H, W)."""
        return F.relu(self.phi(head)), F.relu(self.g(head))

    def forward(self, keys: tuple[Tensor, Tensor], instance: Tensor, role: str, image: Tensor) -> tuple[Tensor, Tensor]:
        """Context features (N, 1024) and attention (N, 1, H, W) of instances.

        Args:
            keys: see `keys`.
            instance: (N, 2048).
            role: ``human`` or ``object``.
            image: (N,) which image each instance is in.
        """
        phi, g = keys
        query = self.dropout(F.relu(self.query[role](instance)))
        logits = torch.einsum("nchw,nc->nhw", phi[image], query) / phi.shape[1]
        attention = logits.flatten(1).softmax(1).view_as(logits)[:, None]
        # The published code takes the mean over the cells, not the sum.
        seen = F.relu(self.bottleneck(g[image] * attention))
        return seen.mean((2, 3)), attention


class Discriminator(nn.Module):
    """Whether a pair interacts: human and maps in one branch, object and context in the other.

    Args:
        first: width of what the first branch reads, the pose map's features included.
        second: width of what the second branch reads.
    """

    def __init__(self, first: int, second: int) -> None:
        super().__init__()
        self.pose = MapStream(1, 32, 16)
        self.fc8_1, self.fc8_2, self.fc9 = nn.Linear(first, 1024), nn.Linear(second, 1024), nn.Linear(2048, 1024)
        self.dropout = nn.Dropout(0.2)

    def forward(self, first: Tensor, second: Tensor, pose_map: Tensor) -> Tensor:
        """(N, 1024) features of pairs.

        Args:
            first: (N, ...) what the first branch reads, without the pose map's features.
            second: (P, ...) what the second branch reads; rows from P on have no object and use the first branch twice.
            pose_map: (N, 1, 64, 64).
        """
        one = self.dropout(F.relu(self.fc8_1(torch.cat([first, self.pose(pose_map)], 1))))
        two = self.dropout(F.relu(self.fc8_2(second)))
        both = torch.cat([one, torch.cat([two, one[len(two) :]])], 1)
        return self.dropout(F.relu(self.fc9(both)))
