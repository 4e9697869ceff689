"""What InteractVLM learns from: one image with a question and its answer, and the mask that belongs to the answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from interplay.body.cameras import View, view_set
from interplay.errors import InputError
from interplay.models.contact import ContactPair
from interplay.models.interactvlm.model import Canvas
from interplay.models.interactvlm.predict import crop
from interplay.models.interactvlm.prompts import Template, answer, question
from interplay.models.interactvlm.recipe import InteractVlmRecipe
from interplay.models.pair_geometry import PairGeometry, as_annotated, as_detected, pair_features

WORDINGS = 5
"""Of each question and answer."""


@dataclass(frozen=True)
class Taught:
    """A mask to learn.

    Attributes:
        canvas: what it is drawn on; the same object for all samples of one body.
        masks: (V, H, W); see `losses.ContactSample`.
        target: (N,) of vertices or points, empty for masks alone.
        dataset: which names the kind of label.
    """

    canvas: Canvas
    masks: Tensor
    target: Tensor
    dataset: str


@dataclass(frozen=True)
class Lesson:
    """One image with a question and the answer to learn.

    Attributes:
        image: (H, W, 3) uint8.
        asked, answered: in words.
        taught: the mask of the answer; None for an answer in words.
        pose: (F,) of `pair_features`; None where nothing is known.
        parts: body parts in contact, in words; None where that is not known.
    """

    image: NDArray[np.uint8]
    asked: str
    answered: str
    taught: Taught | None
    pose: Tensor | None = None
    parts: tuple[str, ...] | None = None


class Source(Protocol):
    """A data set."""

    @property
    def geometries(self) -> Sequence[PairGeometry]:
        """People and objects as annotated, of generated scenes; none of other data sets."""
        ...

    def __len__(self) -> int:
        """Number of lessons."""
        ...

    def name(self, index: int) -> str:
        """The image's name."""
        ...

    def lesson(self, index: int, rng: np.random.Generator, training: bool = True) -> Lesson:
        """One lesson, asked in a wording drawn at random; in validation always in the same, without body parts.

        Raises:
            ImageError, MissingFileError: its image cannot be read.
        """
        ...


def canvas_of(
    images: NDArray[np.uint8], views: Sequence[View], table: NDArray[np.int64], count: int,
    bary: NDArray[Any] | None = None, faces: NDArray[Any] | None = None,
) -> Canvas:  # fmt: skip
    """What masks are drawn on, from pictures (V, S, S, 3), cameras, and the tables of what their pixels show."""
    return Canvas(
        torch.from_numpy(np.array(images)).permute(0, 3, 1, 2).contiguous(),
        torch.tensor([list(view) for view in views], dtype=torch.float32),
        torch.from_numpy(np.array(table)),
        torch.zeros(0) if bary is None else torch.from_numpy(np.array(bary, np.float32)),
        torch.zeros(0, 3, dtype=torch.int64) if faces is None else torch.from_numpy(np.array(faces, np.int64)),
        torch.tensor(count),
    )


def views_of(recipe: InteractVlmRecipe, name: str) -> dict[str, View]:
    """The first views of a set, as many as the recipe takes."""
    found = view_set(name)
    if len(found) < recipe.model.views:
        raise InputError(f"model.views: {name} has {len(found)} views, got {recipe.model.views}")
    return dict(list(found.items())[: recipe.model.views])


def part_of(
    image: NDArray[np.uint8], pair: ContactPair, rng: np.random.Generator, training: bool, jitter: float
) -> NDArray[np.uint8]:
    """The part of a generated scene about a person and an object; in training as inexactly cut out as by a detector,
    and in another light."""
    if not training:
        return crop(image, pair)
    right, down = rng.uniform(-jitter, jitter, 2).tolist()
    cut = crop(image, pair, float(rng.uniform(0.05, 0.2)), (right, down))
    if not jitter:
        return cut
    gain = rng.uniform(1 - 2 * jitter, 1 + 2 * jitter) * rng.uniform(1 - jitter, 1 + jitter, 3)
    return np.clip(cut * gain, 0, 255).astype(np.uint8)


def pose_of(pair: PairGeometry, rng: np.random.Generator, training: bool, recipe: InteractVlmRecipe) -> Tensor | None:
    """What a network that knows poses is told of an annotated pair; in training as it would be found, or nothing."""
    if not recipe.model.poses:
        return None
    if not training:
        return pair_features(as_annotated(pair))[0]
    if rng.random() < recipe.noise.unknown:
        return None
    generator = torch.Generator().manual_seed(int(rng.integers(2**31)))
    return pair_features(as_detected(pair, recipe.noise, generator))[0]


def words_of(
    template: Template, thing: str, rng: np.random.Generator, training: bool, recipe: InteractVlmRecipe,
    parts: str = "", affordance: str = "",
) -> tuple[str, str]:  # fmt: skip
    """A question and its answer, in wordings drawn at random; in validation always in the same."""
    name = thing.replace("_", " ").lower()
    first, second = rng.integers(WORDINGS, size=2).tolist() if training else (0, 0)
    answered = answer(template, second, recipe.model.token_type, parts, affordance, name, recipe.name_objects)
    return question(template, name, first), answered
