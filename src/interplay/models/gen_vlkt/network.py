"""The guided-embedding network: visual encoder, instance decoder, interaction decoder and heads.

Yue Liao et al., "GEN-VLKT: Simplify Association and Enhance Interaction Understanding for HOI Detection", CVPR 2022.
Section and equation numbers are the paper's. Letters in shape comments: B images, N cells of the feature map, Q pairs,
D width, E width of text embeddings.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from interplay.layers.positions import sine_positions, valid_cells
from interplay.layers.resnet import ResNet, maps_by_size
from interplay.layers.transformer import MLP, DecoderLayer, EncoderLayer, xavier_uniform_
from interplay.models.gen_vlkt.config import GenVlktNetworkOptions
from interplay.models.gen_vlkt.outputs import GenVlktOutputs

LOGIT_SCALE = math.log(1 / 0.07)
"""Logarithm of CLIP's initial temperature (Equation 3's theta)."""


def cosine_logits(x: Tensor, weight: Tensor, bias: Tensor, logit_scale: Tensor) -> Tensor:
    """theta * (cosine similarity + bias) (Equation 3): (..., E) features and (classes, E) rows -> (..., classes)."""
    return logit_scale.exp() * F.linear(F.normalize(x, dim=-1), weight, bias)


class TextClassifier(nn.Module):
    """Classes as directions, which start as text embeddings (Section 3.2)."""

    def __init__(self, embedding: int, classes: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(F.normalize(torch.randn(classes, embedding), dim=-1))
        self.bias = nn.Parameter(torch.zeros(classes))
        self.logit_scale = nn.Parameter(torch.tensor(LOGIT_SCALE))

    def forward(self, x: Tensor) -> Tensor:
        """(..., E) -> (..., classes) logits."""
        return cosine_logits(x, self.weight, self.bias, self.logit_scale)


class Decoder(nn.Module):
    """Decoder layers that share one final normalisation."""

    def __init__(self, options: GenVlktNetworkOptions) -> None:
        super().__init__()
        o = options
        self.layers = nn.ModuleList(
            DecoderLayer(o.width, o.heads, o.feed_forward, o.dropout) for _ in range(o.decoder_layers)
        )
        self.norm = nn.LayerNorm(o.width)

    def forward(self, positions: list[Tensor], keys: Tensor, memory: Tensor, mask: Tensor | None) -> list[Tensor]:
        """Run all layers.

        Args:
            positions: per layer, (B or 1, Q, D) position embeddings of the queries.
            keys: (B, N, D) memory with position embeddings.
            memory: (B, N, D).
            mask: (B, 1, 1, N) bool, True where a cell takes part, or None.

        Returns:
            Per layer, (B, Q, D) normalised features; the next layer goes on from the ones before normalisation.
        """
        x = memory.new_zeros(memory.shape[0], positions[0].shape[1], memory.shape[2])
        out = []
        for layer, position in zip(self.layers, positions, strict=True):
            x = layer(x, position, keys, memory, mask)
            out.append(self.norm(x))
        return out


class Queries(nn.Module):
    """Learnt position embeddings of the queries (Equation 1)."""

    def __init__(self, options: GenVlktNetworkOptions) -> None:
        super().__init__()
        q, d = options.queries, options.width
        self.human = nn.Parameter(torch.randn(q, d))
        if options.position_guidance:
            self.object = nn.Parameter(torch.randn(q, d))
            self.guide = nn.Parameter(torch.rand(q, d))  # p-GE: ties the i-th human to the i-th object
        if not options.instance_guidance:
            self.interaction = nn.Parameter(torch.randn(q, d))
        self.options = options

    def instances(self) -> Tensor:
        """(1, 2Q, D): human queries, then object queries; (1, Q, D) without position guidance, where one finds both."""
        if not self.options.position_guidance:
            return self.human[None]
        return torch.cat([self.human + self.guide, self.object + self.guide])[None]

    def interactions(self, humans: list[Tensor], objects: list[Tensor]) -> list[Tensor]:
        """Per layer, (B, Q, D): the mean of the pair's features in the same layer (i-GE, Equation 2)."""
        if self.options.instance_guidance:
            return [(h + o) / 2 for h, o in zip(humans, objects, strict=True)]
        learnt = self.interaction + self.guide if self.options.position_guidance else self.interaction
        return [learnt[None]] * len(humans)


class Heads(nn.Module):
    """From decoder features to boxes and classes; shared by all layers."""

    def __init__(self, options: GenVlktNetworkOptions, objects: int, interactions: int) -> None:
        super().__init__()
        d, e = options.width, options.embedding
        self.human_box = MLP(d, 4)
        self.object_box = MLP(d, 4)
        self.object = (
            nn.Sequential(nn.Linear(d, e), nn.LayerNorm(e), TextClassifier(e, objects))
            if options.object_text
            else nn.Linear(d, objects)
        )
        self.feature = nn.Sequential(nn.Linear(d, e), nn.LayerNorm(e))
        self.interaction = TextClassifier(e, interactions) if options.interaction_text else nn.Linear(e, interactions)

    def forward(
        self, human: Tensor, object: Tensor, interaction: Tensor, classifier: Callable[[Tensor], Tensor]
    ) -> GenVlktOutputs:
        """Three (B, Q, D) features of the pairs -> predictions."""
        features = self.feature(interaction)
        return GenVlktOutputs(
            human_boxes=self.human_box(human).sigmoid(),
            object_boxes=self.object_box(object).sigmoid(),
            object_logits=self.object(object),
            interaction_logits=classifier(features),
            features=features,
        )


class GuidedEmbeddingNetwork(nn.Module):
    """Backbone, encoder, the two decoders and their heads (Figure 2).

    Args:
        options: what it is made of.
        objects: object classes, with background.
        interactions: interaction (or verb) classes.
    """

    def __init__(self, options: GenVlktNetworkOptions, objects: int, interactions: int) -> None:
        super().__init__()
        o = options
        self.options = options
        self.backbone = ResNet(o.backbone, o.frozen_stages)
        self.input = nn.Conv2d(self.backbone.channels, o.width, 1)
        self.encoder = nn.ModuleList(
            EncoderLayer(o.width, o.heads, o.feed_forward, o.dropout) for _ in range(o.encoder_layers)
        )
        self.instance_decoder = Decoder(o)
        self.interaction_decoder = Decoder(o)
        for transformer in (self.encoder, self.instance_decoder, self.interaction_decoder):
            xavier_uniform_(transformer)
        self.queries = Queries(o)
        self.heads = Heads(o, objects, interactions)

    def encode(self, images: Tensor, sizes: Tensor, padded_maps: bool = False) -> tuple[Tensor, Tensor, Tensor | None]:
        """Visual features (Section 3.1).

        Args:
            images: (B, 3, H, W), padded.
            sizes: (B, 2) height, width without padding.
            padded_maps: go the way of padded images whatever their sizes, and let the backbone see the padding.

        Returns:
            (B, N, D) memory, (B or 1, N, D) position embeddings, and (B, 1, 1, N) bool mask of the cells inside the
            images or None where nothing is padded.
        """
        padded = (images.shape[-2], images.shape[-1])
        everywhere = not padded_maps and bool((sizes == sizes.new_tensor(padded)).all())
        if self.backbone.padding_matters and not everywhere and not padded_maps:
            maps, padded = self._maps_without_padding(images, sizes)
        else:
            maps = self.backbone(images)
        features = self.input(maps)  # (B, D, h, w)
        batch, _, height, width = features.shape
        memory = features.flatten(2).transpose(1, 2)  # (B, N, D)
        rows, columns = valid_cells(sizes[:1] if everywhere else sizes, padded, (height, width))
        rows, columns = rows.to(images.device), columns.to(images.device)
        position = sine_positions(rows, columns, self.options.width).to(memory.dtype)
        mask = None
        if not everywhere:
            mask = (rows[:, :, None] & columns[:, None]).view(batch, 1, 1, height * width)
        for layer in self.encoder:
            memory = layer(memory, position, mask)
        return memory, position, mask

    def _maps_without_padding(self, images: Tensor, sizes: Tensor) -> tuple[Tensor, tuple[int, int]]:
        """The backbone's maps (B, C, h, w) of images without their padding, and the pixels that all cells cover."""
        stride = self.backbone.stride
        own = [image[:, :h, :w] for image, (h, w) in zip(images, sizes.tolist(), strict=True)]
        maps = maps_by_size(self.backbone, own)
        height, width = (max(m.shape[axis] for m in maps) for axis in (1, 2))
        filled = [F.pad(m, (0, width - m.shape[2], 0, height - m.shape[1])) for m in maps]
        return torch.stack(filled), (height * stride, width * stride)

    def forward(
        self,
        images: Tensor,
        sizes: Tensor,
        classifier: Callable[[Tensor], Tensor] | None = None,
        auxiliary: bool = True,
        padded_maps: bool = False,
    ) -> GenVlktOutputs:
        """Predictions; see `GenVlkt.forward`.

        Args:
            classifier: of the interaction features, instead of the network's own.
            padded_maps: see `encode`.
        """
        memory, position, mask = self.encode(images, sizes, padded_maps)
        keys = memory + position
        query = self.queries.instances()
        instances = self.instance_decoder([query] * self.options.decoder_layers, keys, memory, mask)
        humans, objects = zip(*(split_instances(x, self.options.queries) for x in instances), strict=True)
        interactions = self.interaction_decoder(
            self.queries.interactions(list(humans), list(objects)), keys, memory, mask
        )
        layers = list(zip(humans, objects, interactions, strict=True))[0 if auxiliary else -1 :]
        chosen = classifier or self.heads.interaction
        *earlier, last = (self.heads(h, o, i, chosen) for h, o, i in layers)
        return replace(last, auxiliary=tuple(earlier))


def split_instances(x: Tensor, queries: int) -> tuple[Tensor, Tensor]:
    """(B, 2Q or Q, D) -> human and object features, both (B, Q, D)."""
    return (x[:, :queries], x[:, queries:]) if x.shape[1] > queries else (x, x)
