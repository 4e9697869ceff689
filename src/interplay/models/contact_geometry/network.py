"""The network's two halves, a pair's and a vertex's, and its outputs."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

_WAVES = (1.0, 2.0, 4.0, 8.0, 16.0)
"""Per metre: the finest tells parts of fingers apart."""


@dataclass(frozen=True)
class ContactOutputs:
    """Contact of P pairs.

    Attributes:
        touch: (P,) logits of any contact.
        vertices: (P, N) logits of each vertex of the body, given that there is contact.
    """

    touch: Tensor
    vertices: Tensor

    def scores(self, least: float = 0.0) -> Tensor:
        """(P, N) 0..1; all 0 for pairs whose probability of contact is below `least`."""
        there = self.touch.sigmoid() >= least
        return self.vertices.sigmoid() * there[:, None]


class VertexNetwork(nn.Module):
    """Body vertices, by where they are on a body at rest, as `rank` channels and one by itself.

    Neighbours are alike, and both sides have what they have in common: a direct table of vertices would learn each of
    them from its own contacts alone.
    """

    def __init__(self, parts: int, rank: int, width: int = 128) -> None:
        super().__init__()
        self.parts = parts
        last = nn.Linear(width, rank + 1)
        nn.init.constant_(last.bias[-1:], -3.0)  # a few vertices in a hundred touch
        self.layers = nn.Sequential(
            nn.Linear(6 + 6 * len(_WAVES) + parts, width),
            nn.GELU(),
            nn.Linear(width, width),
            nn.GELU(),
            last,
        )

    def forward(self, surface: Tensor, part: Tensor) -> tuple[Tensor, Tensor]:
        """(N, rank) and (N,) of vertices.

        Args:
            surface: (N, 6) places in metres and directions of the surface.
            part: (N,) numbers of body parts.
        """
        phase = surface[:, None, :3] * surface.new_tensor(_WAVES)[:, None] * torch.pi
        waves = torch.cat([phase.sin(), phase.cos()], -1).flatten(1)
        own = nn.functional.one_hot(part, self.parts).to(surface.dtype)
        found = self.layers(torch.cat([surface, waves, own], 1))
        return found[:, :-1], found[:, -1]


class PairNetwork(nn.Module):
    """A pair's numbers, object and verbs as `rank` channels and the logit of any contact."""

    def __init__(
        self,
        features: int,
        objects: int,
        verbs: int,
        width: int,
        layers: int,
        embedding: int,
        rank: int,
        dropout: float,
    ) -> None:
        super().__init__()
        self.object_embedding = nn.Embedding(objects + 1, embedding)  # the last: unknown
        self.verb_embedding = nn.Linear(verbs, embedding, bias=False) if verbs else None
        inputs = features + embedding * (2 if verbs else 1)
        self.first = nn.Linear(inputs, width)
        self.blocks = nn.ModuleList(
            nn.Sequential(
                nn.LayerNorm(width),
                nn.Linear(width, 2 * width),
                nn.GELU(),
                nn.Dropout(dropout),
                nn.Linear(2 * width, width),
            )
            for _ in range(layers)
        )
        self.norm = nn.LayerNorm(width)
        self.meet = nn.Linear(width, rank)
        self.touch = nn.Linear(width, 1)

    def forward(self, features: Tensor, labels: Tensor, verbs: Tensor) -> tuple[Tensor, Tensor]:
        """(P, rank) and (P,) of features (P, F), objects (P,) and verbs (P, V)."""
        unknown = self.object_embedding.num_embeddings - 1
        known = [features, self.object_embedding(torch.where(labels < 0, unknown, labels))]
        if self.verb_embedding is not None:
            known.append(self.verb_embedding(verbs.to(features.dtype)))
        x = self.first(torch.cat(known, 1))
        for block in self.blocks:
            x = x + block(x)
        x = self.norm(x)
        return self.meet(x), self.touch(x)[:, 0]
