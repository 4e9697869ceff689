"""Pairs of people and objects of generated scenes with their contact, what training does to them, and its batches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from interplay.body.views import vertex_normals
from interplay.datasets.generated.contacts import body_of, mirrored, read_contacts
from interplay.datasets.generated.pairs import ScenePair, scene_pairs
from interplay.errors import InputError
from interplay.models import pair_geometry
from interplay.models.pair_geometry import annotated_pairs, flip
from interplay.table import InteractionTable
from interplay.training.task import shuffled
from interplay.training.whole_batches import WholeBatches

from .batch import PairBatch
from .recipe import ContactGeometryRecipe, ContactNoiseSection


@dataclass(frozen=True)
class ContactBatch:
    """Pairs with their contact.

    Attributes:
        pairs: P of them.
        vertices: (M,) of the body, all or a sample.
        contact: (P, M) bool of these.
        touches: (P,) bool: any contact.
    """

    pairs: PairBatch
    vertices: Tensor
    contact: Tensor
    touches: Tensor

    def to(self, device: torch.device | str) -> ContactBatch:
        """The same on another device."""
        return ContactBatch(
            self.pairs.to(device), *(each.to(device) for each in (self.vertices, self.contact, self.touches))
        )


class ContactPairs:
    """All pairs of a person with a pose or a box, and an object, of annotated generated scenes.

    Those of `scene_pairs`: which touch, and which do not.

    Args:
        table: annotations.
        root: their folder.
        negatives: how many of the others for each pair that touches.
        seed: which ones.

    Attributes:
        pairs: as annotated; the third number of keypoints is their visibility: 0, 1 (hidden) or 2.
        contact: (P, N) bool.
        images: (P,) number of the image.
        human, object: (P,) numbers of the boxes in it.
        surface, part: (N, 6) and (N,) of the body: places and directions of its surface at rest, and parts.
        mirror: (N,) for each vertex the one on the body's other side.
    """

    def __init__(self, table: InteractionTable, root: Path, negatives: float = 0.5, seed: int = 0) -> None:
        body = body_of(root, table.files)
        self.faces = body.faces
        vertices = body.vertices.astype(np.float64)
        self.part = torch.from_numpy(body.part)
        surface = np.concatenate([vertices, vertex_normals(vertices, body.faces)], 1)
        self.surface = torch.from_numpy(surface.astype(np.float32))
        self.mirror = torch.from_numpy(mirrored(vertices))
        chosen = scene_pairs(table, read_contacts(root, table.files), negatives, seed)
        if not any(len(each.vertices) for each in chosen):
            raise InputError(f"{root}: the {len(table)} scenes hold no contact of a person with an object")
        self.contact = torch.zeros(len(chosen), len(vertices), dtype=torch.bool)
        for row, each in zip(self.contact, chosen, strict=True):
            row[torch.from_numpy(each.vertices)] = True
        self.images, self.human, self.object = (
            np.array([getattr(each, name) for each in chosen], np.int64) for name in ("image", "human", "object")
        )
        self.files = [table.files[number] for number in self.images]
        self.pairs = _batch(table, chosen)

    def __len__(self) -> int:
        return len(self.contact)

    def some(self, rows: Tensor) -> tuple[PairBatch, Tensor]:
        """The given pairs, as annotated, and their contact (P, N)."""
        return PairBatch(**{name: each[rows] for name, each in vars(self.pairs).items()}), self.contact[rows]


class ContactData(WholeBatches[ContactBatch]):
    """Batches of pairs, changed at random (a `TrainingData`).

    Args:
        pairs: the training pairs.
        config: of the training.
    """

    def __init__(self, pairs: ContactPairs, config: ContactGeometryRecipe) -> None:
        super().__init__(config.seed)
        self.pairs, self.config = pairs, config

    def __len__(self) -> int:
        """Number of pairs."""
        return len(self.pairs)

    def name(self, index: int) -> str:
        """The pair's picture, person and object."""
        return f"{self.pairs.files[index]} boxes {self.pairs.human[index]} and {self.pairs.object[index]}"

    def order(self, epoch: int, batch_size: int) -> NDArray[np.int64]:
        """All pairs in random order."""
        return shuffled(self.config.seed, epoch, len(self.pairs))

    def batch(self, indices: Tensor, generator: torch.Generator) -> ContactBatch:
        """The changed pairs."""
        pairs, contact = self.pairs.some(indices)
        noise = self.config.noise
        if noise.flip:
            chosen = torch.rand(len(indices), generator=generator) < 0.5
            pairs = flip(pairs, chosen)
            contact = torch.where(chosen[:, None], contact[:, self.pairs.mirror], contact)
        vertices = torch.randperm(contact.shape[1], generator=generator)[: self.config.vertices].sort().values
        return ContactBatch(as_detected(pairs, noise, generator), vertices, contact[:, vertices], contact.any(1))


def as_detected(pairs: PairBatch, noise: ContactNoiseSection, generator: torch.Generator) -> PairBatch:
    """Pairs as they would be found, and as far as it would be known what is done with what."""
    found = pair_geometry.as_detected(pairs, noise, generator)

    def chance(*shape: int) -> Tensor:
        return torch.rand(len(pairs), *shape, generator=generator)

    verbs = pairs.verbs & (chance(1) >= noise.no_verbs) & (chance(pairs.verbs.shape[1]) >= noise.missed_verbs)
    return replace(found, labels=torch.where(chance() < noise.no_object, -1, pairs.labels), verbs=verbs)


def _batch(table: InteractionTable, chosen: Sequence[ScenePair]) -> PairBatch:
    verbs = torch.zeros(len(chosen), len(table.vocabulary.verbs), dtype=torch.bool)
    images = {number: table[number] for number in dict.fromkeys(each.image for each in chosen)}
    rows, labels = [], []
    for row, each in enumerate(chosen):
        verbs[row, list(each.verbs)] = True
        rows.append(vars(annotated_pairs(images[each.image], [each.human], [each.object])))
        labels.append(int(images[each.image].labels[each.object]))
    geometry = {name: torch.cat([each[name] for each in rows]) for name in rows[0]}
    return PairBatch(**geometry, labels=torch.tensor(labels), verbs=verbs)
