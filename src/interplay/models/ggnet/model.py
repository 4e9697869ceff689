"""GGNet: "Glance and Gaze: Inferring Action-aware Points for One-Stage Human-Object Interaction Detection".

Xubin Zhong, Xian Qu, Changxing Ding, Dacheng Tao, CVPR 2021. The networks of PPDM (Yue Liao et al., CVPR 2020), from
which GGNet derives, are the special case without gaze steps.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from interplay.errors import InputError
from interplay.models.ggnet.backbones import build_backbone
from interplay.models.ggnet.config import GGNetConfig
from interplay.models.ggnet.heads import StackHeads
from interplay.models.ggnet.outputs import GGNetOutputs
from interplay.vocabulary import Vocabulary


class GGNet(nn.Module):
    """One-stage detector: objects and interaction points are peaks of heatmaps, matched by predicted offsets.

    Args:
        vocabulary: what the classes mean.
        config: every choice; see `GGNetConfig`.
        verbs: indices into ``vocabulary.verbs`` of the verb channels, in their order. By default all verbs that
            take an object.
        pairs: (verbs, objects) bool, which verbs are meaningful with which objects; others are never predicted and
            never a hard negative. By default as the vocabulary's interactions say, or all if it lists none.
    """

    pairs: Tensor

    def __init__(
        self,
        vocabulary: Vocabulary,
        config: GGNetConfig | None = None,
        verbs: Sequence[int] | None = None,
        pairs: NDArray[np.bool_] | None = None,
    ) -> None:
        super().__init__()
        self.vocabulary = vocabulary
        self.config = config or GGNetConfig()
        meaningful = meaningful_pairs(vocabulary)
        self.verbs = tuple(np.flatnonzero(meaningful.any(1)).tolist() if verbs is None else verbs)
        shape = (len(self.verbs), len(vocabulary.objects))
        pairs = meaningful[list(self.verbs)] if pairs is None else np.asarray(pairs, bool)
        if pairs.shape != shape:
            raise InputError(f"pairs must have shape {shape} (verbs, objects), got {pairs.shape}")
        self.register_buffer("pairs", torch.from_numpy(pairs))
        options = self.config.network
        self.backbone = build_backbone(options.backbone)
        self.heads = nn.ModuleList(
            StackHeads(self.backbone.channels, shape[1], shape[0], options) for _ in range(self.backbone.stacks)
        )

    def forward(self, images: Tensor, sizes: Tensor | None = None) -> GGNetOutputs:
        """Run the network.

        Args:
            images: (B, 3, H, W) as `preprocess` makes them; H and W multiples of the backbone's ``divisor``.
            sizes: not needed; every model of the library takes it.
        """
        stacks = [heads(levels) for heads, levels in zip(self.heads, self.backbone(images), strict=True)]
        if self.training:
            for maps in stacks:
                for name in maps:
                    maps[name]
        return GGNetOutputs(stacks)


def meaningful_pairs(vocabulary: Vocabulary) -> NDArray[np.bool_]:
    """(verbs, objects) which verbs go with which objects by the vocabulary's interactions; all if it lists none."""
    if not len(vocabulary.interactions):
        return np.ones((len(vocabulary.verbs), len(vocabulary.objects)), bool)
    return vocabulary.interaction_lookup[:, :-1] >= 0
