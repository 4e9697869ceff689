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

    def forward(self, x: Tensor, valid: Tensor) -> Tensor:
        """Update pair representations (B, H, N, width)."""
        rows = self.same_person(x, valid)
        columns = self.same_object(x.transpose(1, 2), valid.transpose(1, 2)).transpose(1, 2)
        x = x + self.dropout(rows + columns)
        return x + self.dropout(self.feed_forward(x))


class PairAttention(nn.Module):
    """Self-attention along the second to last axis, with one learned key and value that is always there."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm = nn.LayerNorm(width)
        self.project = nn.Linear(width, 3 * width)
        self.output = nn.Linear(width, width)
        self.nothing = nn.Parameter(torch.zeros(2, width))

    def forward(self, x: Tensor, valid: Tensor) -> Tensor:
        """Attend within each row of (B, R, L, width), to valid places (B, R, L) only."""
        b, r, n, width = x.shape
        query, key, value = self.project(self.norm(x)).reshape(b * r, n, 3 * width).chunk(3, -1)
        key = torch.cat([self.nothing[0].expand(b * r, 1, -1), key], 1)
        value = torch.cat([self.nothing[1].expand(b * r, 1, -1), value], 1)
        mask = F.pad(valid.reshape(b * r, 1, 1, n), (1, 0), value=True)

        def split(y: Tensor) -> Tensor:
            return y.view(b * r, y.shape[1], self.heads, width // self.heads).transpose(1, 2)

        mixed = F.scaled_dot_product_attention(split(query), split(key), split(value), attn_mask=mask)
        return self.output(mixed.transpose(1, 2).reshape(b, r, n, width))


def zero_embedding(count: int, width: int) -> nn.Embedding:
    """An embedding of `count` things that begins as zeros."""
    embedding = nn.Embedding(count, width)
    nn.init.zeros_(embedding.weight)
    return embedding
