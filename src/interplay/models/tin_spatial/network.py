"""The parts of the spatial stream's network, and its outputs."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn


@dataclass(frozen=True)
class PairOutputs:
    """Scores of all pairs of a batch of B images with at most H people (which come first) and N boxes.

    Attributes:
        verb_logits: (B, H, N, K) of the classifier C, for the configuration's K verbs, *given* that the pair interacts.
        interactive_logits: (B, H, N) of the discriminator D.
        valid: (B, H, N) bool: a person and another box, neither of them padding.
    """

    verb_logits: Tensor
    interactive_logits: Tensor
    valid: Tensor

    def verb_probabilities(self) -> Tensor:
        """(B, H, N, K) probability of interacting in this way: C times D."""
        return self.verb_logits.sigmoid() * self.interactive_logits.sigmoid()[..., None]


@dataclass(frozen=True)
class PairPlaces:
    """Where P valid pairs of a batch are among those of the same person and among those of the same object.

    Only valid pairs are computed, listed by image, person and box: images have few boxes and padding would be most of
    the work.

    Attributes:
        by_person: (R, N) bool of the R people who have pairs; as many are true as there are pairs, in their order.
        by_object: (C, H) bool of the C boxes that have pairs.
        order: (P,) the pairs by image, box and person.
    """

    by_person: Tensor
    by_object: Tensor
    order: Tensor

    @classmethod
    def of(cls, valid: Tensor) -> PairPlaces:
        """The places of the pairs that are `valid` (B, H, N)."""
        turned = valid.transpose(1, 2)
        number = (valid.flatten().cumsum(0) - 1).view(valid.shape)
        order = number.transpose(1, 2)[turned]
        return cls(valid[valid.any(-1)], turned[turned.any(-1)], order)


class PairBlock(nn.Module):
    """Attention among the pairs of one person and among the pairs of one object, then a feed-forward network."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.same_person = PairAttention(width, heads)
        self.same_object = PairAttention(width, heads)
        self.feed_forward = nn.Sequential(
            nn.LayerNorm(width),
            nn.Linear(width, 2 * width),
            nn.GELU(),
            nn.Dropout(dropout),
            nn.Linear(2 * width, width),
        )
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, places: PairPlaces) -> Tensor:
        """Update pair representations (P, width)."""
        rows = self.same_person(x, places.by_person)
        columns = self.same_object(x[places.order], places.by_object)
        x = x + self.dropout(rows.index_add(0, places.order, columns))
        return x + self.dropout(self.feed_forward(x))


class PairAttention(nn.Module):
    """Self-attention within groups of pairs, with one learned key and value that is always there."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm = nn.LayerNorm(width)
        self.project = nn.Linear(width, 3 * width)
        self.output = nn.Linear(width, width)
        self.nothing = nn.Parameter(torch.zeros(2, width))

    def forward(self, x: Tensor, groups: Tensor) -> Tensor:
        """Attend among the pairs (P, width) of each row of `groups` (R, L) bool, whose true places are theirs."""
        count, longest = groups.shape
        projected = x.new_zeros(count, longest, 3 * x.shape[-1])
        projected[groups] = self.project(self.norm(x))
        query, key, value = projected.chunk(3, -1)
        key = torch.cat([self.nothing[0].expand(count, 1, -1), key], 1)
        value = torch.cat([self.nothing[1].expand(count, 1, -1), value], 1)
        mask = F.pad(groups, (1, 0), value=True)[:, None, None]

        def split(y: Tensor) -> Tensor:
            return y.unflatten(-1, (self.heads, -1)).transpose(1, 2)

        mixed = F.scaled_dot_product_attention(split(query), split(key), split(value), attn_mask=mask)
        return self.output(mixed.transpose(1, 2).flatten(2)[groups])


def zero_embedding(count: int, width: int) -> nn.Embedding:
    """An embedding of `count` things that begins as zeros."""
    embedding = nn.Embedding(count, width)
    nn.init.zeros_(embedding.weight)
    return embedding
