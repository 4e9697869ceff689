"""People and objects from pixels: one file per detector, one way to load them.

| name | what | needs |
| --- | --- | --- |
| ``ssd-mobilenet-v2`` | the offline default, on the CPU | the extra ``offline`` |
| ``fasterrcnn-resnet50-fpn-v2``, ``retinanet-resnet50-fpn-v2`` | torchvision's | their weights, downloaded or a file |
| a hub name or a folder | `transformers`' DETR, RT-DETR, D-FINE ... | the extra ``transformers`` |
"""

from __future__ import annotations

from pathlib import Path

from interplay.detectors.base import Detections, Detector
from interplay.detectors.from_file import FileDetections
from interplay.errors import InputError, near_matches

__all__ = ["DEFAULT_DETECTOR", "Detections", "Detector", "FileDetections", "list_detectors", "load_detector"]

DEFAULT_DETECTOR = "ssd-mobilenet-v2"
_TORCHVISION = ("fasterrcnn-resnet50-fpn-v2", "retinanet-resnet50-fpn-v2")


def list_detectors() -> list[str]:
    """Names that `load_detector` knows without a folder or a hub."""
    return [DEFAULT_DETECTOR, *_TORCHVISION]


def load_detector(
    name: str | Path = DEFAULT_DETECTOR,
    *,
    device: str = "cpu",
    min_score: float = 0.1,
    weights: str | Path | None = None,
) -> Detector:
    """A detector by name.

    Args:
        name: one of `list_detectors`, a hub name with a slash (``"PekingU/rtdetr_r18vd"``), or a local folder of
            `transformers`.
        device: where torch detectors run; the offline one always runs on the CPU.
        min_score: smallest confidence kept, 0..1.
        weights: a file for torchvision's detectors.

    Raises:
        MissingExtraError, MissingFileError: something is not installed or not here; says the command.
        InputError: unknown name, or `weights` for a detector that takes none.
    """
    text = str(name)
    if weights is not None and text not in _TORCHVISION:
        raise InputError(f"only {' and '.join(_TORCHVISION)} take weights from a file, not {text}")
    if text == DEFAULT_DETECTOR:
        from interplay.detectors.opencv_ssd import OpenCvSsd

        return OpenCvSsd(min_score)
    if text in _TORCHVISION:
        from interplay.detectors.torchvision_detectors import TorchvisionDetector

        return TorchvisionDetector(text, min_score, device, weights)
    if "/" in text or Path(text).is_dir():
        from interplay.detectors.transformers_detectors import TransformersDetector

        return TransformersDetector(text, min_score, device)
    raise InputError(
        f"unknown detector {text!r}: expected one of {', '.join(list_detectors())}, a hub name such as "
        f"PekingU/rtdetr_r18vd, or a folder.{near_matches(text, list_detectors())}"
    )
