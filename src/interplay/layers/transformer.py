"""Transformer layers of query-based detectors (Carion et al., "End-to-End Object Detection with Transformers", 2020).

Post-norm layers, batch first. Position embeddings are added to queries and keys, never to values, in every layer.
Attention runs through `scaled_dot_product_attention`.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class Attention(nn.Module):
    """Multi-head attention with one packed input projection.

    Args:
        width: D, of queries, keys, values and result.
        heads: number of heads; divides `width`.
        dropout: of the attention weights, while training.
    """

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads = heads
        self.dropout = dropout
        self.projection = nn.Linear(width, 3 * width)  # rows: query, key, value
        self.output = nn.Linear(width, width)
        nn.init.zeros_(self.projection.bias)
        nn.init.zeros_(self.output.bias)

    def forward(self, query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None = None) -> Tensor:
        """Attend.

        Args:
            query: (B, Q, D).
            key, value: (B, N, D).
            mask: (B, 1, 1, N) bool, True where a key takes part; None where all do.

        Returns:
            (B, Q, D).
        """
        width = query.shape[-1]
        weight, bias = self.projection.weight, self.projection.bias
        if query is key:
            q, k = F.linear(query, weight[: 2 * width], bias[: 2 * width]).chunk(2, -1)
        else:
            q = F.linear(query, weight[:width], bias[:width])
            k = F.linear(key, weight[width : 2 * width], bias[width : 2 * width])
        v = F.linear(value, weight[2 * width :], bias[2 * width :])
        q, k, v = (t.unflatten(-1, (self.heads, -1)).transpose(1, 2) for t in (q, k, v))  # (B, heads, N, D / heads)
        out = F.scaled_dot_product_attention(q, k, v, mask, self.dropout if self.training else 0.0)
        return self.output(out.transpose(1, 2).flatten(2))

    def weights(self, query: Tensor, key: Tensor, mask: Tensor | None = None) -> Tensor:
        """(B, Q, N) how much each query attends to each key, the mean of all heads; arguments as of `forward`."""
        width = query.shape[-1]
        weight, bias = self.projection.weight, self.projection.bias
        q = F.linear(query, weight[:width], bias[:width]).unflatten(-1, (self.heads, -1)).transpose(1, 2)
        k = F.linear(key, weight[width : 2 * width], bias[width : 2 * width]).unflatten(-1, (self.heads, -1))
        logits = q @ k.permute(0, 2, 3, 1) / q.shape[-1] ** 0.5  # (B, heads, Q, N)
        if mask is not None:
            logits = logits.masked_fill(~mask, -torch.inf)
        return logits.softmax(-1).mean(1)


class FeedForward(nn.Sequential):
    """Two linear layers with ReLU between them."""

    def __init__(self, width: int, hidden: int, dropout: float) -> None:
        super().__init__(nn.Linear(width, hidden), nn.ReLU(inplace=True), nn.Dropout(dropout), nn.Linear(hidden, width))


class EncoderLayer(nn.Module):
    """Self-attention and feed-forward network, each followed by addition and normalisation."""

    def __init__(self, width: int, heads: int, hidden: int, dropout: float) -> None:
        super().__init__()
        self.attention = Attention(width, heads, dropout)
        self.norm1 = nn.LayerNorm(width)
        self.feed_forward = FeedForward(width, hidden, dropout)
        self.norm2 = nn.LayerNorm(width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, position: Tensor, mask: Tensor | None = None) -> Tensor:
        """(B, N, D) features with (B or 1, N, D) position embeddings -> (B, N, D)."""
        placed = x + position
        x = self.norm1(x + self.dropout(self.attention(placed, placed, x, mask)))
        return self.norm2(x + self.dropout(self.feed_forward(x)))


class DecoderLayer(nn.Module):
    """Self-attention of the queries, attention to the memory, feed-forward network."""

    def __init__(self, width: int, heads: int, hidden: int, dropout: float) -> None:
        super().__init__()
        self.self_attention = Attention(width, heads, dropout)
        self.norm1 = nn.LayerNorm(width)
        self.cross_attention = Attention(width, heads, dropout)
        self.norm2 = nn.LayerNorm(width)
        self.feed_forward = FeedForward(width, hidden, dropout)
        self.norm3 = nn.LayerNorm(width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, position: Tensor, keys: Tensor, memory: Tensor, mask: Tensor | None = None) -> Tensor:
        """One layer.

        Args:
            x: (B, Q, D) what the queries hold.
            position: (B or 1, Q, D) what makes them different.
            keys: (B, N, D) memory with its position embeddings added.
            memory: (B, N, D).
            mask: as in `Attention`.

        Returns:
            (B, Q, D).
        """
        placed = x + position
        x = self.norm1(x + self.dropout(self.self_attention(placed, placed, x)))
        x = self.norm2(x + self.dropout(self.cross_attention(x + position, keys, memory, mask)))
        return self.norm3(x + self.dropout(self.feed_forward(x)))


class MLP(nn.Sequential):
    """Linear layers with ReLU between them: `width` -> `width` -> ... -> `out`."""

    def __init__(self, width: int, out: int, layers: int = 3) -> None:
        hidden: list[nn.Module] = []
        for _ in range(layers - 1):
            hidden += [nn.Linear(width, width), nn.ReLU(inplace=True)]
        super().__init__(*hidden, nn.Linear(width, out))


def xavier_uniform_(module: nn.Module) -> None:
    """Initialise every matrix of a transformer as DETR does; vectors keep their values."""
    for parameter in module.parameters():
        if parameter.dim() > 1:
            nn.init.xavier_uniform_(parameter)
