"""Which pixels belong to an object whose box is known: Segment Anything where its weights are at hand, or GrabCut."""

from __future__ import annotations

import os
from typing import Any, NamedTuple, Protocol

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from PIL import Image

from interplay.errors import InputError, MissingExtraError
from interplay.hub import load_pretrained
from interplay.ops.boxes import as_boxes, clip_boxes

Mask = NDArray[np.bool_]

_AROUND = 0.35  # of the box's longer side, that GrabCut sees around it
_SIDE = 320  # pixels of the picture that GrabCut works on
_LEAST = 0.04  # of the box that a mask fills, otherwise it is taken for a failure
_WHOLE = 0.97  # of the box that GrabCut keeps, from which on it told nothing apart


class Segment(NamedTuple):
    """The pixels of an object.

    Attributes:
        mask: (H, W) truth values, some of them true.
        outline: whether its edge is the object's; otherwise it is the box, as nothing better was found.
    """

    mask: Mask
    outline: bool


class Segmenter(Protocol):
    """Finds the pixels of objects in their boxes.

    Attributes:
        name: what it is, for reports.
    """

    name: str

    def __call__(self, image: NDArray[np.uint8], box: ArrayLike, others: Mask | None = None) -> Segment:
        """One object.

        Args:
            image: (H, W, 3) RGB.
            box: (4,) x1, y1, x2, y2 in pixels.
            others: (H, W) where somebody else probably is.

        Raises:
            InputError: the box has no area in the image.
        """
        ...


class GrabCut:
    """Colours inside the box against those around it; without weights or network.

    Args:
        larger: times that a small box is enlarged at most. GrabCut's costs of edges do not know how large an object is:
            one of few pixels is smoothed away.

    Source: Rother et al., GrabCut, SIGGRAPH 2004, in OpenCV.

    Raises:
        MissingExtraError: OpenCV is not installed.
    """

    name = "GrabCut"

    def __init__(self, larger: float = 4.0) -> None:
        try:
            import cv2
        except ImportError:
            raise MissingExtraError("offline", "opencv-python-headless") from None
        self.larger = larger
        self._cv2: Any = cv2

    def __call__(self, image: NDArray[np.uint8], box: ArrayLike, others: Mask | None = None) -> Segment:
        """See `Segmenter`; an object that cannot be told from what is around it has its whole box."""
        x1, y1, x2, y2 = _checked(image, box)
        height, width = image.shape[:2]
        margin = max(4, round(_AROUND * max(x2 - x1, y2 - y1)))
        left, top = max(x1 - margin, 0), max(y1 - margin, 0)
        right, bottom = min(x2 + margin, width), min(y2 + margin, height)
        crop = image[top:bottom, left:right]
        factor = min(self.larger, _SIDE / max(crop.shape[:2]))
        size = (max(round(crop.shape[1] * factor), 2), max(round(crop.shape[0] * factor), 2))
        small = np.asarray(Image.fromarray(crop).resize(size, Image.Resampling.BICUBIC))
        cv2 = self._cv2
        seeds = np.full(crop.shape[:2], cv2.GC_BGD, np.uint8)
        seeds[y1 - top : y2 - top, x1 - left : x2 - left] = cv2.GC_PR_FGD
        if others is not None:
            inside = seeds == cv2.GC_PR_FGD
            seeds[inside & others[top:bottom, left:right]] = cv2.GC_PR_BGD
        seeds = np.array(Image.fromarray(seeds).resize(size, Image.Resampling.NEAREST))
        whole = Segment(_box(image, x1, y1, x2, y2), outline=False)
        if (seeds == cv2.GC_PR_FGD).sum() < 16 or not (seeds == cv2.GC_BGD).any():
            return whole
        cv2.setRNGSeed(0)
        models = np.zeros((1, 65)), np.zeros((1, 65))
        try:
            cv2.grabCut(np.ascontiguousarray(small[..., ::-1]), seeds, None, *models, 5, cv2.GC_INIT_WITH_MASK)
        except cv2.error:  # too few colours to model
            return whole
        small_mask = np.where(np.isin(seeds, (cv2.GC_FGD, cv2.GC_PR_FGD)), 255, 0).astype(np.uint8)
        found = np.array(Image.fromarray(small_mask).resize(crop.shape[1::-1], Image.Resampling.BOX)) > 127
        mask = np.zeros((height, width), bool)
        mask[top:bottom, left:right] = found
        share = mask.sum() / ((x2 - x1) * (y2 - y1))
        return Segment(mask, bool(share < _WHOLE)) if share >= _LEAST else whole


class SegmentAnything:
    """Segment Anything, as `transformers` has it, asked by a box.

    Args:
        source: a folder with the model and its processor, or a name on the hub.
        device: where it runs.

    Raises:
        MissingExtraError: transformers is not installed.
        MissingFileError: not on this machine and no network.
        InputError: another kind of model.

    Source: Kirillov et al., Segment Anything, ICCV 2023.
    """

    def __init__(self, source: str | os.PathLike[str], device: str | torch.device = "cpu") -> None:
        try:
            from transformers import SamModel, SamProcessor
        except ImportError:
            raise MissingExtraError("transformers", "transformers") from None
        self.name = f"SAM ({os.fspath(source)})"
        self.device = torch.device(device)
        what = "a Segment Anything model"
        self.processor = load_pretrained(SamProcessor, source, what)
        self.model = load_pretrained(SamModel, source, what).to(self.device)

    def __call__(self, image: NDArray[np.uint8], box: ArrayLike, others: Mask | None = None) -> Segment:
        """See `Segmenter`: of its three masks the one that it rates best."""
        bounds = _checked(image, box)
        inputs = self.processor(images=image, input_boxes=[[[float(v) for v in bounds]]], return_tensors="pt")
        inputs = inputs.to(self.device, torch.float32)
        with torch.inference_mode():
            outputs = self.model(**inputs)
        [masks] = self.processor.post_process_masks(
            outputs.pred_masks.cpu(), inputs["original_sizes"].cpu(), inputs["reshaped_input_sizes"].cpu()
        )
        found = masks[0, int(outputs.iou_scores[0, 0].argmax())].numpy().astype(bool)
        return Segment(found, True) if found.any() else Segment(_box(image, *bounds), False)


def _box(image: NDArray[np.uint8], x1: int, y1: int, x2: int, y2: int) -> Mask:
    mask = np.zeros(image.shape[:2], bool)
    mask[y1:y2, x1:x2] = True
    return mask


def _checked(image: NDArray[np.uint8], box: ArrayLike) -> tuple[int, int, int, int]:
    height, width = image.shape[:2]
    [found] = clip_boxes(as_boxes(np.asarray(box).reshape(1, -1)), width, height)
    x1, y1 = np.floor(found[:2]).astype(int).tolist()
    x2, y2 = np.ceil(found[2:]).astype(int).tolist()
    if x2 <= x1 or y2 <= y1:
        raise InputError(f"box: expected one with an area in an image of {width} x {height}, got {np.asarray(box)}")
    return x1, y1, x2, y2
