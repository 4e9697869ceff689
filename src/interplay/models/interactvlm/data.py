"""Lessons of several data sets as a training sees them: drawn by rates, in tokens, in batches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from interplay.body.model import PARTS
from interplay.models.interactvlm.lessons import Lesson, Source, Taught
from interplay.models.interactvlm.model import UNLEARNT, Canvas, InteractVlmModel, TaughtMasks, VlmBatch
from interplay.models.interactvlm.network import expand_images
from interplay.models.interactvlm.predict import clip_pixels, tokens_of
from interplay.models.interactvlm.prompts import conversation
from interplay.models.interactvlm.recipe import InteractVlmRecipe
from interplay.models.pair_geometry import NUM_FEATURES
from interplay.training.task import ExampleKey, shuffled

MOST_TOKENS = 512
"""Of a conversation, an image's counted as one; the rest is cut off, as in the published training."""


@dataclass(frozen=True)
class Example:
    """A lesson in tokens.

    Attributes:
        ids, labels: (T,) tokens, each image's expanded; labels as of `VlmBatch`.
        pixels: (3, H, W) of the vision tower.
        taught: its mask.
        pose, parts: (F,) and (B,) as of `VlmBatch`.
    """

    ids: Tensor
    labels: Tensor
    pixels: Tensor
    taught: Taught | None
    pose: Tensor
    parts: Tensor


class VlmData:
    """Lessons, drawn at random (a `TrainingData`).

    Args:
        sources: data sets with how often lessons are from each, in relation to the others.
        model: whose tokens and vision tower.
        recipe: of the training.
    """

    def __init__(
        self, sources: Sequence[tuple[Source, float]], model: InteractVlmModel, recipe: InteractVlmRecipe
    ) -> None:
        self.sources = [source for source, _ in sources]
        rates = np.array([rate for _, rate in sources])
        self._rates, self._model, self._recipe = rates / rates.sum(), model, recipe
        self._count = recipe.samples or len(self.sources[0])

    def __len__(self) -> int:
        """Lessons in an epoch."""
        return self._count

    def __getitem__(self, place: ExampleKey) -> Example:
        """One lesson; with one data set and no `samples` each comes once in an epoch."""
        rng = np.random.default_rng([self._recipe.seed, *place])
        source = self.sources[int(rng.choice(len(self.sources), p=self._rates))]
        every = len(self.sources) == 1 and self._recipe.samples is None
        return example_of(source.lesson(place[1] if every else int(rng.integers(len(source))), rng), self._model)

    def name(self, index: int) -> str:
        """The image, where it is the same in every epoch."""
        every = len(self.sources) == 1 and self._recipe.samples is None
        return self.sources[0].name(index) if every else f"lesson {index}"

    def order(self, epoch: int, batch_size: int) -> NDArray[np.int64]:
        """All lessons of an epoch, in random order."""
        return shuffled(self._recipe.seed, epoch, len(self))

    def collate(self, examples: Sequence[Example]) -> VlmBatch:
        """Examples as one batch."""
        return batch_of(examples, self._model.tokenizer.pad_token_id or 0)


def example_of(lesson: Lesson, model: InteractVlmModel) -> Example:
    """A lesson in a model's tokens; the question is given and the answer is learnt."""
    network, tokenizer = model.network, model.tokenizer
    number = network.options.image_token_id
    whole = tokens_of(conversation(lesson.asked, lesson.answered), tokenizer, number)[:MOST_TOKENS]
    given = tokens_of(conversation(lesson.asked), tokenizer, number)
    ids = torch.tensor(expand_images(whole, network.options))
    labels = ids.clone()
    labels[: len(expand_images(given, network.options))] = UNLEARNT
    pose = torch.full((NUM_FEATURES,), torch.nan) if lesson.pose is None else lesson.pose
    parts = torch.full((len(PARTS),), torch.nan)
    if lesson.parts is not None:
        parts = torch.tensor([float(name in lesson.parts) for name in PARTS])
    return Example(ids, labels, clip_pixels(lesson.image, network), lesson.taught, pose, parts)


def batch_of(examples: Sequence[Example], pad: int) -> VlmBatch:
    """Examples as one batch, shorter conversations filled up on the right."""
    longest = max(len(each.ids) for each in examples)

    def filled(rows: Sequence[Tensor], value: int) -> Tensor:
        return torch.stack([torch.nn.functional.pad(row, (0, longest - len(row)), value=value) for row in rows])

    canvases: dict[int, tuple[int, Canvas]] = {}
    taught = []
    for row, each in enumerate(examples):
        if each.taught is not None:
            canvas = each.taught.canvas
            number, _ = canvases.setdefault(id(canvas), (len(canvases), canvas))
            taught.append(TaughtMasks(number, row, each.taught.masks, each.taught.target, each.taught.dataset))
    return VlmBatch(
        ids=filled([each.ids for each in examples], pad),
        attention=filled([torch.ones_like(each.ids) for each in examples], 0),
        labels=filled([each.labels for each in examples], UNLEARNT),
        pixels=torch.stack([each.pixels for each in examples]),
        canvases=[canvas for _, canvas in canvases.values()],
        taught=taught,
        poses=torch.stack([each.pose for each in examples]),
        parts=torch.stack([each.parts for each in examples]),
    )
