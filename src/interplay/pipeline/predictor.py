"""`load_predictor`: a model with its detector, or with boxes from a file, as one function over images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from interplay.detectors.pose.estimator import PoseEstimator, add_poses, no_poses
from interplay.errors import InputError
from interplay.interactions import Interactions
from interplay.pipeline.run import Predict
from interplay.vocabulary import Vocabulary


@dataclass(frozen=True)
class TextClasses:
    """What a model with text classifiers shall find instead of its own classes; see `HoiModel.with_classes`.

    Attributes:
        verbs, objects: names.
        vocabulary: a vocabulary's file or name, instead.
        encoder: where the model's text encoder is.
    """

    verbs: Sequence[str] | None = None
    objects: Sequence[str] | None = None
    vocabulary: str | Path | None = None
    encoder: str | None = None

    def __bool__(self) -> bool:
        return self != TextClasses()


def chosen_min_score(model: str, weights: Path | None = None, wanted: float | None = None) -> float:
    """The smallest score to show: the one wanted, or the model's usual one.

    Raises:
        InputError: what is wanted is beyond the model's scores, or see `load_model`.
    """
    from interplay.zoo import network_class

    kind = network_class(model, weights=weights)
    low, high = kind.score_range
    if wanted is None:
        return kind.default_min_score
    if not low <= wanted <= high:
        raise InputError(f"the scores of {model} are from {low:g} to {high:g}: it has none from {wanted:g} on")
    return wanted


def load_predictor(
    model: str,
    *,
    weights: Path | None = None,
    decoding: Mapping[str, Any] | None = None,
    classes: TextClasses | None = None,
    detector: str | None = None,
    boxes: Path | None = None,
    pose: str | Path | None = None,
    device: str | None = None,
) -> tuple[Predict, Vocabulary]:
    """A model of the zoo, ready for images.

    Args:
        model: its name.
        weights: a file of weights instead of the zoo's.
        decoding: changes to how the model's outputs become interactions, by name.
        classes: what to find instead of the model's own verbs and objects.
        detector: what finds people and objects, for a model that needs them; by default what works offline.
        boxes: a file with people and objects of every image, instead of a detector.
        pose: what finds people's keypoints: a name or a file that `load_pose_estimator` takes. By default nothing does,
            and only keypoints in a file of boxes are kept.
        device: where the model runs.

    Returns:
        The function that `detect_images` takes, and the model's vocabulary.

    Raises:
        InterplayError: unknown names, or something is not installed or not there; says what to do.
    """
    from interplay.detectors import DEFAULT_DETECTOR, load_detector
    from interplay.detectors.pose import load_pose_estimator
    from interplay.zoo import load_model

    estimator = None if pose is None else load_pose_estimator(pose, device=device)
    network = load_model(model, weights=weights, device=device, decoding=decoding)
    if classes:
        chosen = None if classes.vocabulary is None else Vocabulary.load(classes.vocabulary)
        network = network.with_classes(classes.verbs, classes.objects, vocabulary=chosen, encoder=classes.encoder)
    network.prepare_inference()
    if not network.needs_detections:
        if boxes is not None or detector is not None:
            network.refuse_detections()

        def predict_alone(images: Sequence[NDArray[np.uint8]], names: Sequence[str]) -> list[Interactions]:
            found = network.predict(list(images))
            if estimator is None:
                return found
            return [_pose_actors(*each, estimator) for each in zip(found, images, names, strict=True)]

        return predict_alone, network.vocabulary
    finder = load_detector(boxes or detector or DEFAULT_DETECTOR, device=device)

    def predict(images: Sequence[NDArray[np.uint8]], names: Sequence[str]) -> list[Interactions]:
        detections = finder(images, names)
        if estimator is not None:
            triples = zip(detections, images, names, strict=True)
            detections = [add_poses(found, image, estimator, name) for found, image, name in triples]
        return network.predict(list(images), detections=detections)

    return predict, network.vocabulary


def _pose_actors(
    interactions: Interactions, image: NDArray[np.uint8], name: str, estimator: PoseEstimator
) -> Interactions:
    """With keypoints for the people who do something; other boxes have NaN."""
    people = np.unique(interactions.human)
    keypoints = no_poses(len(interactions.boxes))
    keypoints[people] = estimator.estimate(image, interactions.boxes[people], name)
    return interactions.with_columns(keypoints=keypoints)
