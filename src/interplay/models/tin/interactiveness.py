"""Whether the pairs that any model predicted interact at all, as TIN's discriminator D sees it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray

from interplay.detectors.object_names import match_objects
from interplay.errors import InputError
from interplay.interactions import Interactions
from interplay.layers.modes import evaluating, one_thread
from interplay.models.base import HoiModel
from interplay.models.tin_spatial.model import TinSpatial
from interplay.ops.boxes import distinct_boxes
from interplay.vocabulary import Vocabulary

from .geometry import scale_boxes
from .model import TinModel
from .same_things import SAME_THING


@dataclass(frozen=True)
class PairJudge:
    """Scores of D for predictions in a vocabulary, which need not be the discriminator's.

    Args:
        model: `TinSpatial`, which looks at boxes and object classes only, or `TinModel`, which needs the image.
        vocabulary: of the predictions. `TinSpatial` knows objects by name; it does not judge pairs with others.

    Raises:
        InputError: a model without discriminator, or one that knows none of the vocabulary's objects.
    """

    model: HoiModel
    vocabulary: Vocabulary

    def __post_init__(self) -> None:
        if not isinstance(self.model, (TinSpatial, TinModel)):
            raise InputError(
                f"{type(self.model).__name__} does not tell whether a pair interacts; a TIN model, such as "
                "tin-spatial-vcoco, does"
            )
        known = (self.labels >= 0) & (np.arange(len(self.labels)) != self.vocabulary.person)
        if isinstance(self.model, TinSpatial) and not known.any():
            raise InputError(
                f"the model knows no object of the predictions' vocabulary {self.vocabulary.name!r} "
                f"({', '.join(self.vocabulary.objects[:5])} ...), only those of {self.model.vocabulary.name!r} "
                f"({', '.join(self.model.vocabulary.objects[:5])} ...)"
            )

    @property
    def needs_pixels(self) -> bool:
        """Whether `__call__` needs the image."""
        return isinstance(self.model, TinModel)

    @cached_property
    def labels(self) -> NDArray[np.int64]:
        """(O,) the model's index of every object of the vocabulary, -1 where it has none."""
        return match_objects(self.vocabulary.objects, self.model.vocabulary.objects)

    def __call__(self, image: Interactions, pixels: NDArray[np.uint8] | None = None) -> NDArray[np.float32]:
        """(T,) probability that the pair of each triplet interacts.

        NaN where D does not judge: no object, an unknown one, or one that is the person's own box.

        Args:
            image: predictions of one image.
            pixels: the RGB image (H, W, 3), for a model that looks at it.
        """
        scores = np.full(len(image), np.nan, np.float32)
        chosen = np.flatnonzero((image.object >= 0) & (image.object != image.human))
        if len(chosen):
            human, thing = image.human[chosen], image.object[chosen]
            if isinstance(self.model, TinModel):
                scores[chosen] = _from_pixels(self.model, image, human, thing, pixels)
            else:
                scores[chosen] = self._from_boxes(image, human, thing)
        return scores

    def _from_boxes(
        self, image: Interactions, human: NDArray[np.int64], thing: NDArray[np.int64]
    ) -> NDArray[np.float32]:
        model = self.model
        assert isinstance(model, TinSpatial)
        person = model.vocabulary.person
        labels = self.labels[image.labels]
        labels[human] = person
        known = np.flatnonzero(labels >= 0)
        first = distinct_boxes(image.boxes[known], labels[known], image.box_scores[known], SAME_THING)
        kept = known[np.unique(first)]
        kept = kept[np.argsort(labels[kept] != person, kind="stable")]
        place = np.full(len(labels), -1)
        place[kept] = np.arange(len(kept))
        place[known] = place[known[first]]
        boxes = torch.from_numpy(image.boxes[kept])
        if image.width and image.height:  # else taken to have the size that boxes are scaled to
            boxes = scale_boxes(boxes, image.width, image.height)
        with evaluating(model), one_thread():
            outputs = model(
                boxes[None].to(model.device),
                torch.from_numpy(labels[kept])[None].to(model.device),
                torch.tensor([image.scored], device=model.device),
            )
            matrix = outputs.interactive_logits[0].sigmoid().masked_fill(~outputs.valid[0], torch.nan).cpu().numpy()
        judged = place[thing] >= 0
        scores = np.full(len(human), np.nan, np.float32)
        scores[judged] = matrix[place[human[judged]], place[thing[judged]]]
        return scores


def _from_pixels(
    model: TinModel,
    image: Interactions,
    human: NDArray[np.int64],
    thing: NDArray[np.int64],
    pixels: NDArray[np.uint8] | None,
) -> NDArray[np.float32]:
    if pixels is None:
        raise InputError(f"{type(model).__name__} looks at the photograph, and there is none of {image.file}")
    pairs, inverse = np.unique(np.column_stack([human, thing]), axis=0, return_inverse=True)
    poses = None if image.keypoints is None else image.keypoints[pairs[:, 0]]
    outputs = model.score_pairs(pixels, image.boxes[pairs[:, 0]], image.boxes[pairs[:, 1]], poses)
    return outputs.interactiveness.float().cpu().numpy()[inverse.reshape(-1)]
