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
    from interplay.detectors import DEFAULT_DETECTOR, FileDetections, load_detector
    from interplay.zoo import load_model

    network = load_model(model, weights=weights, device=device)
    if boxes is not None:
        if not network.needs_detections:
            raise InputError(f"{model} finds people and objects by itself: it cannot use boxes from a file")
        found = FileDetections(boxes)

        def predict_boxes(images: Sequence[NDArray[np.uint8]], names: Sequence[str]) -> list[Interactions]:
            return network.predict(list(images), detections=[found.for_image(name) for name in names])

        return predict_boxes, network.vocabulary
    finder = None
    if network.needs_detections:
        finder = load_detector(detector or DEFAULT_DETECTOR, device=device or "cpu")

    def predict(images: Sequence[NDArray[np.uint8]], names: Sequence[str]) -> list[Interactions]:
        return network.predict(list(images), detector=finder)

    return predict, network.vocabulary
