"""Which people and objects of a photograph contact is asked of: found by the library's own detector, pose and verbs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from interplay.defaults import DEFAULT_POSE_ESTIMATOR
from interplay.errors import InputError, some_of
from interplay.interactions import Interactions
from interplay.models.contact import ContactPair
from interplay.ops.object_names import match_objects

if TYPE_CHECKING:
    from interplay.detectors import Detections, Detector
    from interplay.models.inference import Inference

MIN_BOX_SCORE = 0.4
"""Of people and objects that are asked about."""
MIN_VERB_SCORE = 0.3
"""From this score on a verb is told to the network of contact."""
REACH = 0.15
"""Of a person's longer side: objects within it are near enough to touch."""


@dataclass(frozen=True)
class FoundPair:
    """A pair with where it comes from.

    Attributes:
        pair: what is asked.
        human, object: rows of the boxes.
    """

    pair: ContactPair
    human: int
    object: int


@dataclass(frozen=True)
class PairSearch:
    """Finds pairs in photographs.

    Args:
        detector: as of `HoiModel.predict`.
        pose: what finds keypoints; None: nothing does.
        device: where models run.
    """

    detector: Detector | str | None = None
    pose: str | None = DEFAULT_POSE_ESTIMATOR
    device: str | None = None

    @cached_property
    def inference(self) -> Inference:
        """The default model of interactions with detector and pose."""
        from interplay.zoo import load_model

        return load_model(device=self.device).inference(
            detector=self.detector, pose=self.pose, min_score=MIN_VERB_SCORE
        )

    def __call__(
        self,
        image: NDArray[np.uint8],
        objects: Sequence[str] | None = None,
        file: str | None = None,
        given: Detections | None = None,
    ) -> tuple[Interactions, list[FoundPair]]:
        """People, objects and verbs of an RGB image (H, W, 3), and the pairs of `pairs_of`.

        Args:
            objects: as of `pairs_of`.
            file: the image's name.
            given: people and objects, instead of a detector's. Poses are looked for where none come with them.

        Raises:
            InputError: see `pairs_of`; or the model of interactions knows none of the objects that are given.
        """
        if given is None:
            [found] = self.inference([image], [file])
        else:
            pose = None if given.keypoints is not None else self.inference.pose
            of_given = self.inference.model.inference(pose=pose, min_score=MIN_VERB_SCORE)
            [found] = of_given([image], [file], [given])
        return found, pairs_of(found, objects)


def pairs_of(found: Interactions, objects: Sequence[str] | None = None) -> list[FoundPair]:
    """The pairs to ask about: each person with each object in reach, the largest people first.

    Args:
        found: boxes with labels and scores, people's keypoints where they are known, and triplets.
        objects: names; by default every object. An object that is named is asked about although it is out of reach,
            and its best box although it is below `MIN_BOX_SCORE`.

    Raises:
        InputError: nobody was found, or no object, or none of a name.
    """
    vocabulary = found.vocabulary
    people = np.flatnonzero((found.labels == vocabulary.person) & (found.box_scores >= MIN_BOX_SCORE))
    if not len(people):
        raise InputError("the detector finds no person in this picture; contact is of people with objects")
    others = np.flatnonzero(found.labels != vocabulary.person)
    sure = others[found.box_scores[others] >= MIN_BOX_SCORE]
    if objects is None:
        chosen = sure
        if not len(chosen):
            raise InputError("the detector finds no object beside people in this picture; name it with --object NAME")
    else:
        labels = match_objects(objects, vocabulary.objects, vocabulary.human)
        rows = []
        for name, label in zip(objects, labels.tolist(), strict=True):
            mine = others[found.labels[others] == label]
            if not len(mine):
                there = sorted({vocabulary.objects[each] for each in found.labels[sure]})
                raise InputError(
                    f"the detector finds no {name} in this picture; it finds {some_of(there) or 'nothing'}"
                )
            certain = mine[found.box_scores[mine] >= MIN_BOX_SCORE]
            rows.append(certain if len(certain) else mine[[found.box_scores[mine].argmax()]])
        chosen = np.unique(np.concatenate(rows))
    sides = found.boxes[:, 2:] - found.boxes[:, :2]
    verbs: dict[tuple[int, int], list[str]] = {}
    for human, thing, verb, score in zip(found.human, found.object, found.verb, found.score, strict=True):
        if score >= MIN_VERB_SCORE:
            verbs.setdefault((int(human), int(thing)), []).append(vocabulary.verbs[verb])
    pairs = []
    for human in people[np.argsort(-sides[people].prod(1), kind="stable")].tolist():
        margin = REACH * float(sides[human].max())
        near = _gap(found.boxes[human], found.boxes[chosen]) <= margin
        for thing in (chosen if objects is not None else chosen[near]).tolist():
            keypoints = None if found.keypoints is None else found.keypoints[human]
            name = vocabulary.objects[found.labels[thing]]
            done = tuple(verbs.get((human, thing), ()))
            pairs.append(
                FoundPair(ContactPair(name, found.boxes[human], found.boxes[thing], keypoints, done), human, thing)
            )
    return pairs


def _gap(box: NDArray[np.floating], others: NDArray[np.floating]) -> NDArray[np.floating]:
    """(N,) pixels between a box and others (N, 4), along the axis where they are farther apart; 0 where they meet."""
    apart = np.maximum(others[:, :2] - box[2:], box[:2] - others[:, 2:])
    return np.maximum(apart, 0).max(1)
