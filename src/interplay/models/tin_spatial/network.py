"""The parts of the spatial stream's network, and its outputs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor, nn

if TYPE_CHECKING:
    from .config import TinSpatialNetworkOptions


@dataclass(frozen=True)
class PairOutputs:
    """Scores of all pairs of a batch of B images with at most H people (which come first) and N boxes.

    Attributes:
        verb_logits: (B, H, N, K) of the classifier C, for the configuration's K verbs, *given* that the pair interacts.
        interactive_logits: (B, H, N) of the discriminator D.
        valid: (B, H, N) bool: a person and another box, neither of them padding.
        members: logits (M, P, K) and (M, P) of each of the M networks whose mean these are, for the P valid pairs; they
            learn one by one.
    """

    verb_logits: Tensor
    interactive_logits: Tensor
    valid: Tensor
    members: tuple[Tensor, Tensor] | None = None

    def verb_probabilities(self) -> Tensor:
        """(B, H, N, K) probability of interacting in this way: C times D."""
        return self.verb_logits.sigmoid() * self.interactive_logits.sigmoid()[..., None]


@dataclass(frozen=True)
class PairGroups:
    """P pairs in R groups of at most L, such as those of one person.

    Attributes:
        rows: (R, L) which pair has each place; 0 where none has it.
        filled: (R, L) bool: whether a pair has the place.
        places: (P,) the place of each pair, counted through all groups.
    """

    rows: Tensor
    filled: Tensor
    places: Tensor

    @classmethod
    def of(cls, filled: Tensor, numbers: Tensor) -> PairGroups:
        """Groups with pairs of these numbers (B, R, L) in the places that are `filled` (B, R, L)."""
        kept = filled.any(-1)
        filled, rows = filled[kept], numbers[kept].masked_fill(~filled[kept], 0)
        places = torch.empty(int(filled.sum()), dtype=torch.int64, device=filled.device)
        places[rows[filled]] = filled.flatten().nonzero()[:, 0]
        return cls(rows, filled, places)


@dataclass(frozen=True)
class PairPlaces:
    """Where the valid pairs of a batch are among those of the same person and among those of the same object.

    Only valid pairs are computed, listed by image, person and box: images have few boxes and padding would be most of
    the work.
    """

    by_person: PairGroups
    by_object: PairGroups

    @classmethod
    def of(cls, valid: Tensor) -> PairPlaces:
        """The places of the pairs that are `valid` (B, H, N)."""
        numbers = (valid.flatten().cumsum(0) - 1).view(valid.shape)
        return cls(PairGroups.of(valid, numbers), PairGroups.of(valid.transpose(1, 2), numbers.transpose(1, 2)))


class PairNetwork(nn.Module):
    """From what is known of each pair to its logits.

    Args:
        options: its size.
        objects: number of object classes.
        features: number of a pair's features.
    """

    def __init__(self, options: TinSpatialNetworkOptions, objects: int, features: int) -> None:
        super().__init__()
        width, verbs = options.width, len(options.verbs)
        self.object_embedding = nn.Embedding(objects, options.embedding)
        self.object_gate = zero_embedding(objects, 2 * width)
        self.source_embedding = zero_embedding(2, 2 * width)  # annotated or detected boxes
        self.expand = nn.Linear(features + options.embedding, 2 * width)
        self.confidence = nn.Linear(2, 2 * width, bias=False) if options.scores else None
        self.contract = nn.Linear(2 * width, width)
        self.dropout = nn.Dropout(options.dropout)
        self.blocks = nn.ModuleList(PairBlock(width, options.heads, options.dropout) for _ in range(options.layers))
        self.norm = nn.LayerNorm(width)
        self.classifier = nn.Linear(width, verbs)
        self.object_prior = zero_embedding(objects, verbs)
        self.discriminator = nn.Linear(width, 1)
        if self.confidence is not None:
            nn.init.zeros_(self.confidence.weight)
        nn.init.constant_(self.classifier.bias, -2.0)  # most verbs do not hold for most pairs

    def forward(
        self, geometry: Tensor, objects: Tensor, detected: Tensor, sure: Tensor, places: PairPlaces
    ) -> tuple[Tensor, Tensor]:
        """Logits (P, K) of the verbs and (P,) of interacting at all.

        Args:
            geometry: (P, G) normalised features.
            objects: (P,) object classes.
            detected: (P,) 1 where boxes are a detector's, 0 where they are annotated.
            sure: (P, 2) confidence of person and object.
            places: of the pairs among each other.
        """
        x = self._begin(geometry, objects, detected, sure)  # (P, width)
        for block in self.blocks:
            x = block(x, places)
        return self._logits(x, objects)

    def of_all(
        self, geometry: Tensor, objects: Tensor, detected: Tensor, sure: Tensor, valid: Tensor
    ) -> tuple[Tensor, Tensor]:
        """The same for all places (B, H, N) of a person and a box, of which others see those that are `valid`."""
        x = self._begin(geometry, objects, detected, sure)  # (B, H, N, width)
        for block in self.blocks:
            x = block.of_all(x, valid)  # type: ignore[operator]  # of PairBlock
        return self._logits(x, objects)

    def _begin(self, geometry: Tensor, objects: Tensor, detected: Tensor, sure: Tensor) -> Tensor:
        dtype = self.expand.weight.dtype
        x = self.expand(torch.cat([geometry.to(dtype), self.object_embedding(objects)], -1))
        x = x + self.source_embedding(detected)
        if self.confidence is not None:
            x = x + self.confidence(sure.to(dtype))
        return self.contract(self.dropout(F.gelu(x * (1 + self.object_gate(objects)))))

    def _logits(self, x: Tensor, objects: Tensor) -> tuple[Tensor, Tensor]:
        x = self.norm(x)
        return self.classifier(x) + self.object_prior(objects), self.discriminator(x)[..., 0]


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
        return self._update(x, self.same_person(x, places.by_person) + self.same_object(x, places.by_object))

    def of_all(self, x: Tensor, valid: Tensor) -> Tensor:
        """The same for all places (B, H, N, width), of which those that are `valid` (B, H, N) are seen by others."""
        rows = self.same_person.within(x.flatten(0, 1), valid.flatten(0, 1)).view_as(x)
        turned = x.transpose(1, 2)
        columns = self.same_object.within(turned.flatten(0, 1), valid.transpose(1, 2).flatten(0, 1)).view_as(turned)
        return self._update(x, rows + columns.transpose(1, 2))

    def _update(self, x: Tensor, seen: Tensor) -> Tensor:
        x = x + self.dropout(seen)
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

    def forward(self, x: Tensor, groups: PairGroups) -> Tensor:
        """Attend among the pairs (P, width) of each group."""
        query, others = self._projected(x)
        rows, width = groups.rows, x.shape[-1]
        query = query.index_select(0, rows.flatten()).view(*rows.shape, width)
        # What is always there has the first row and, in each group, the first place; so have empty places, unseen.
        others = torch.cat([self.nothing.reshape(1, -1), others])
        with_nothing = F.pad(rows + 1, (1, 0))
        others = others.index_select(0, with_nothing.flatten()).view(*with_nothing.shape, 2 * width)
        mixed = self._mix(query, others, groups.filled)
        return self.output(mixed.flatten(0, 1).index_select(0, groups.places))

    def within(self, x: Tensor, groups: Tensor) -> Tensor:
        """The same for all places (R, L, width) of the groups, of which the true ones (R, L) are seen."""
        query, others = self._projected(x)
        # not len(groups), which an exported network would take for a constant
        nothing = self.nothing.reshape(1, 1, -1).expand(groups.shape[0], 1, -1)
        return self.output(self._mix(query, torch.cat([nothing, others], 1), groups))

    def _projected(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Queries (..., width), and keys and values (..., 2 width)."""
        width = x.shape[-1]
        query, others = self.project(self.norm(x)).split([width, 2 * width], -1)
        return query, others

    def _mix(self, query: Tensor, others: Tensor, filled: Tensor) -> Tensor:
        """(R, L, width) of queries (R, L, width), keys and values (R, 1 + L, 2 width) and the filled places (R, L)."""
        key, value = others.chunk(2, -1)
        mask = F.pad(filled, (1, 0), value=True)[:, None, None]

        def split(y: Tensor) -> Tensor:
            return y.unflatten(-1, (self.heads, -1)).transpose(1, 2)

        mixed = F.scaled_dot_product_attention(split(query), split(key), split(value), attn_mask=mask)
        return mixed.transpose(1, 2).flatten(2)


def zero_embedding(count: int, width: int) -> nn.Embedding:
    """An embedding of `count` things that begins as zeros."""
    embedding = nn.Embedding(count, width)
    nn.init.zeros_(embedding.weight)
    return embedding
