"""What two-stage systems share: which detections make pairs, and whether a pair interacts at all."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from interplay.interactions import Interactions
from interplay.models.base import HoiModel
from interplay.vocabulary import Vocabulary

if TYPE_CHECKING:
    from interplay.detectors import Detections


@dataclass(frozen=True)
class PairIndex:
    """Which detections make the P pairs of several images.

    Attributes:
        image: (P,) int64 the image of each pair.
        human, object: (P,) int64 rows of the image's detections.
        confident: (P,) bool; others were paired although the detector is not sure of them.
    """

    image: NDArray[np.int64]
    human: NDArray[np.int64]
    object: NDArray[np.int64]
    confident: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.image)

    @classmethod
    def of_image(cls, pairs: NDArray[np.int64], confident: bool = True) -> PairIndex:
        """The pairs (P, 2) of human and object in a single image."""
        human, other = pairs.reshape(-1, 2).T
        return cls(np.zeros(len(pairs), np.int64), human, other, np.full(len(pairs), confident))

    def of(self, image: int) -> NDArray[np.int64]:
        """The rows of an image's pairs."""
        return np.flatnonzero(self.image == image)


def enumerate_pairs(
    found: Detections, person: int, min_human: float, min_object: float, max_humans: int, max_objects: int
) -> NDArray[np.int64]:
    """Pairs (P, 2) of a person's row and another detection's row, the most confident first; people are objects, too.

    Args:
        found: of one image.
        person: label of people.
        min_human, min_object: detections up to these scores make no pairs.
        max_humans, max_objects: at most so many, the most confident, make pairs.
    """
    order = np.argsort(-found.scores, kind="stable")
    human = order[(found.labels[order] == person) & (found.scores[order] > min_human)][:max_humans]
    other = order[found.scores[order] > min_object][:max_objects]
    return np.array([(h, o) for h in human for o in other if h != o], np.int64).reshape(-1, 2)


def most_confident(found: Detections, person: int, max_humans: int, max_boxes: int) -> NDArray[np.int64]:
    """Rows (M,) of an image's people, at most `max_humans`, then of other boxes, at most `max_boxes` together.

    Both are by falling score.
    """
    order = np.argsort(-found.scores, kind="stable")
    humans = order[found.labels[order] == person][: min(max_humans, max_boxes)]
    others = order[found.labels[order] != person][: max(max_boxes - len(humans), 0)]
    return np.concatenate([humans, others])


def with_object(vocabulary: Vocabulary) -> NDArray[np.bool_]:
    """(V,) which verbs are done with an object; all where the vocabulary does not list its interactions."""
    verb, label = vocabulary.interactions.T
    every = not len(verb)
    return np.isin(np.arange(len(vocabulary.verbs)), verb[label >= 0]) | every


class InteractivenessModel(HoiModel):
    """A two-stage model that tells whether a pair of given boxes interacts at all.

    Attributes:
        uses_pixels: whether it looks at the image; else it goes by boxes and their labels.
    """

    needs_detections = True
    uses_pixels = True

    @property
    def classifies(self) -> bool:
        """Whether it knows interactions, and not only whether a pair interacts."""
        return True

    @abstractmethod
    def interactiveness(
        self,
        image: Interactions,
        labels: NDArray[np.int64],
        pairs: NDArray[np.int64],
        pixels: NDArray[np.uint8] | None = None,
    ) -> NDArray[np.float32]:
        """(P,) probability that each pair interacts, NaN where the model cannot tell.

        Args:
            image: boxes, their scores and keypoints.
            labels: (N,) of the boxes in the model's vocabulary, -1 where it has no such object.
            pairs: (P, 2) rows of a person's box and another one.
            pixels: the RGB image (H, W, 3), for a model that looks at it.

        Raises:
            InputError: pixels are needed.
        """
