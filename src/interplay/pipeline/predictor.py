"""`load_predictor`: a model by name, with its detector, or with boxes from a file, ready for images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from interplay.defaults import DEFAULT_DETECTOR
from interplay.errors import InputError
from interplay.pipeline.results import file_setting
from interplay.vocabulary import Vocabulary

if TYPE_CHECKING:
    from interplay.detectors import Detector
    from interplay.detectors.pose import PoseEstimator
    from interplay.models.inference import Inference


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


@dataclass(frozen=True)
class DetectorOptions:
    """How boxes are chosen; `interplay.load_detector` says what each means."""

    min_score: float | Mapping[str, float] | None = None
    same_box: float | None = None
    same_person: float | None = None

    def __bool__(self) -> bool:
        return self != DetectorOptions()


@dataclass(frozen=True)
class ModelOptions:
    """Which model, with what: all that determines results but the images; it can be sent to another process.

    The fields are the arguments of `load_predictor`.
    """

    model: str
    weights: Path | None = None
    decoding: Mapping[str, Any] = field(default_factory=dict)
    classes: TextClasses = TextClasses()
    detector: str | None = None
    boxes: Path | None = None
    annotations: Path | None = None
    detector_options: DetectorOptions = DetectorOptions()
    pose: str | Path | None = None
    device: str | None = None

    def check(self) -> None:
        """What `load` refuses, as far as that is known before anything heavy is imported; same errors."""
        check_predictor(
            self.model,
            weights=self.weights,
            decoding=self.decoding,
            detector=self.detector,
            boxes=self.boxes,
            detector_options=self.detector_options,
            pose=self.pose,
            device=self.device,
        )

    def load(self) -> Inference:
        """The model, ready for images; see `load_predictor`."""
        return load_predictor(**vars(self))

    def settings(self) -> dict[str, Any]:
        """What the record of a result file says about the model; files stand there by their content."""
        return {
            "model": file_setting(self.model),
            "weights": file_setting(self.weights),
            "detector": None if self.boxes else self.detector or DEFAULT_DETECTOR,
            "boxes": file_setting(self.boxes),
            **({"annotations": file_setting(self.annotations)} if self.annotations else {}),
            **({"detector_options": vars(self.detector_options)} if self.detector_options else {}),
            "pose": file_setting(self.pose),
            "decoding": dict(self.decoding),
            "classes": {**vars(self.classes), "vocabulary": file_setting(self.classes.vocabulary)},
        }


def chosen_min_score(model: str, weights: Path | None = None, wanted: float | None = None) -> float:
    """The smallest score to show: the one wanted, or the model's usual one.

    Raises:
        InputError: what is wanted is beyond the model's scores, or see `load_model`.
    """
    from interplay.zoo import model_system

    kind = model_system(model, weights=weights)
    low, high = kind.score_range
    if wanted is None:
        return kind.default_min_score
    if not low <= wanted <= high:
        raise InputError(f"the scores of {model} are from {low:g} to {high:g}: it has none from {wanted:g} on")
    return wanted


def check_predictor(
    model: str,
    *,
    weights: Path | None = None,
    decoding: Mapping[str, Any] | None = None,
    detector: str | None = None,
    boxes: Path | None = None,
    detector_options: DetectorOptions | None = None,
    pose: str | Path | None = None,
    device: str | None = None,
) -> None:
    """What `load_predictor` refuses, as far as that is known before anything heavy is imported; same errors."""
    from interplay.detectors.load import check_detection_options, check_detector_name
    from interplay.detectors.pose.load import check_pose_name
    from interplay.zoo.load import check_model

    check_model(model, weights=weights, device=device, decoding=decoding)
    if boxes is not None or detector is not None:
        check_detector_name(str(boxes or detector))
    if detector_options:
        check_detection_options(**vars(detector_options), name="" if boxes else detector or DEFAULT_DETECTOR)
    if pose is not None:
        check_pose_name(str(pose))


def load_predictor(
    model: str,
    *,
    weights: Path | None = None,
    decoding: Mapping[str, Any] | None = None,
    classes: TextClasses | None = None,
    detector: str | None = None,
    boxes: Path | None = None,
    annotations: Path | None = None,
    detector_options: DetectorOptions | None = None,
    pose: str | Path | None = None,
    device: str | None = None,
) -> Inference:
    """A model of the zoo with what it needs, ready for images.

    Args:
        model: its name.
        weights: a file of weights instead of the zoo's.
        decoding: changes to how the model's outputs become interactions, by name.
        classes: what to find instead of the model's own verbs and objects.
        detector: what finds people and objects, for a model that needs them; by default what works offline.
        boxes: a file with people and objects of every image, instead of a detector.
        annotations: a COCO file whose ``"images"`` say which image a number in `boxes` or in a file of poses is.
        detector_options: which boxes of the detector, or of the file, are used.
        pose: what finds people's keypoints: a name or a file that `load_pose_estimator` takes. By default nothing does,
            and only keypoints in a file of boxes are kept.
        device: where the model runs.

    Returns:
        What `detect_images` takes; `Inference.model` is the model.

    Raises:
        InterplayError: unknown names, or something is not installed or not there; says what to do.
    """
    from interplay.detectors import load_detector
    from interplay.detectors.pose import load_pose_estimator
    from interplay.zoo import load_model

    network = load_model(model, weights=weights, device=device, decoding=decoding)
    if classes:
        chosen = None if classes.vocabulary is None else Vocabulary.load(classes.vocabulary)
        network = network.with_classes(classes.verbs, classes.objects, vocabulary=chosen, encoder=classes.encoder)
    network.prepare_inference()
    numbered = [] if annotations is None else [file for file in (boxes, pose) if Path(file or "").suffix == ".json"]
    if annotations is not None and not numbered:
        raise InputError(
            "--annotations says which images the numbers in a .json file of --boxes or --pose are, and neither is given"
        )
    name = boxes or detector
    source: Detector | str | Path | None = name
    poses: PoseEstimator | str | Path | None = pose
    if pose is not None and pose in numbered:
        poses = load_pose_estimator(pose, device=device, annotations=annotations)
    annotations = annotations if boxes in numbered else None
    if annotations is not None or detector_options:
        if not network.needs_detections:
            network.refuse_detections()
        chosen_boxes = vars(detector_options or DetectorOptions())
        source = load_detector(name or DEFAULT_DETECTOR, device=device, annotations=annotations, **chosen_boxes)
    return network.inference(detector=source, pose=poses, device=device).prepare()
