"""`load_predictor`: a model with its detector, or with boxes from a file, as one function over images."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from interplay.detect.run import Predict
from interplay.errors import InputError
from interplay.interactions import Interactions
from interplay.vocabulary import Vocabulary


def load_predictor(
    model: str,
    *,
    weights: Path | None = None,
    detector: str | None = None,
    boxes: Path | None = None,
    device: str | None = None,
) -> tuple[Predict, Vocabulary]:
    """A model of the zoo, ready for images.

    Args:
        model: its name.
        weights: a file of weights instead of the zoo's.
        detector: what finds people and objects, for a model that needs them.
        boxes: a file with people and objects of every image, instead of a detector.
        device: where the model runs.

    Returns:
        The function that `detect_images` takes, and the model's vocabulary.

    Raises:
        InterplayError: unknown names, or something is not installed or not there; says what to do.
    """
    from interplay.detectors import DEFAULT_DETECTOR, load_detector
    from interplay.zoo import load_model

    network = load_model(model, weights=weights, device=device)
    if not network.needs_detections:
        if boxes is not None:
            raise InputError(f"{model} finds people and objects by itself: it cannot use boxes from a file")
        network.prepare_inference()

        def predict_alone(images: Sequence[NDArray[np.uint8]], names: Sequence[str]) -> list[Interactions]:
            return network.predict(list(images))

        return predict_alone, network.vocabulary
    finder = load_detector(boxes or detector or DEFAULT_DETECTOR, device=device)

    def predict(images: Sequence[NDArray[np.uint8]], names: Sequence[str]) -> list[Interactions]:
        return network.predict(list(images), detections=finder(images, names))

    return predict, network.vocabulary
