"""The way from images to interactions: boxes, poses, names of objects, the model, thresholds.

`HoiModel.predict` and `explain`, and through them or directly every command and the validation of trainings, go it.
"""

from __future__ import annotations

import os
import warnings
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import is_dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeAlias, TypeGuard

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from interplay.defaults import DEFAULT_BATCH_SIZE
from interplay.detectors import DEFAULT_DETECTOR, Detections, Detector, load_detector
from interplay.detectors.pose import PoseEstimator, add_poses, load_pose_estimator
from interplay.detectors.pose.estimator import no_poses
from interplay.errors import InputError, ModelError, some_of
from interplay.explanations import Explanation
from interplay.files import home_path
from interplay.image_files import find_images, is_drawn
from interplay.images import read_image
from interplay.interactions import Interactions
from interplay.layers.modes import evaluating
from interplay.ops.object_names import check_objects, match_objects

if TYPE_CHECKING:
    from interplay.images import ImageSource
    from interplay.models.base import HoiModel

Image: TypeAlias = "ImageSource"
"""What `read_image` takes: a path, a file's bytes, a Pillow image, or an RGB array (H, W, 3)."""


class Inference:
    """A model with what finds the boxes and poses that it works on.

    Boxes carry the names of their objects, which become the model's here. Those of objects that the model does not know
    are left out and counted; see `notes`.

    Args:
        model: any.
        detector: for a model that needs boxes: what finds people and objects, its name, or a file of boxes. By default
            the offline detector, which is loaded when it is needed first.
        pose: what finds people's keypoints, its name, or a file of poses. By default nothing does, and only keypoints
            that come with the boxes are kept.
        min_score, top_k: keep only the triplets that `Interactions.filter` keeps.
        device: where a detector or estimator that is loaded here runs.

    Attributes:
        left_out: number of boxes that were left out, by the name of their object.

    Raises:
        InputError: a detector for a model that finds people and objects by itself.
        InterplayError: see `load_pose_estimator`.
    """

    def __init__(
        self,
        model: HoiModel,
        *,
        detector: Detector | str | os.PathLike[str] | None = None,
        pose: PoseEstimator | str | os.PathLike[str] | None = None,
        min_score: float | None = None,
        top_k: int | None = None,
        device: str | None = None,
    ) -> None:
        self.model = model
        self.min_score, self.top_k = min_score, top_k
        self.left_out: Counter[str] = Counter()
        self._wanted, self._device = detector, device
        self._checked: set[tuple[str, ...]] = set()
        if detector is not None and not model.needs_detections:
            model.refuse_detections()
        if isinstance(pose, (str, os.PathLike)):
            pose = load_pose_estimator(pose, device=device)
        self.pose = pose

    @cached_property
    def detector(self) -> Detector:
        """What finds people and objects.

        Raises:
            InputError: none of what it finds is a person, or the model knows none of it.
            InterplayError: see `load_detector`.
        """
        detector = DEFAULT_DETECTOR if self._wanted is None else self._wanted
        if isinstance(detector, (str, os.PathLike)):
            detector = load_detector(detector, device=self._device)
        self._check(detector.objects, detector.name)
        return detector

    def prepare(self) -> Inference:
        """Load everything now, so that what is missing or does not fit is known before the first image."""
        if self.model.needs_detections:
            self.detector  # noqa: B018  # loads it
        return self

    def __call__(
        self,
        images: Sequence[NDArray[np.uint8]],
        files: Sequence[str | None] | None = None,
        detections: Sequence[Detections] | None = None,
    ) -> list[Interactions]:
        """The interactions in RGB images (H, W, 3), which are one batch; `file`, `width` and `height` are set.

        Args:
            files: the images' names; boxes and poses from a file are found by them.
            detections: people and objects of each image, instead of a detector's.

        Raises:
            ImageError: a file of boxes does not know an image.
            InputError: the model uses no detections, or knows none of their objects.
            ModelError: what the model computes are no finite numbers.
        """
        names: list[str | None] = [None] * len(images) if files is None else list(files)
        found = self._detections(images, names, detections)
        with evaluating(self.model), _finite_outputs(self.model):
            answers = self.model.predict_batch(images, found)
        return [self._finished(*each) for each in zip(answers, images, names, strict=True)]

    def predict(
        self,
        images: Sequence[Image],
        files: Sequence[str | None] | None = None,
        detections: Sequence[Detections] | None = None,
        batch_size: int = DEFAULT_BATCH_SIZE,
    ) -> list[Interactions]:
        """The interactions in images that may be paths, `batch_size` of them in memory at once.

        Raises:
            ImageError: an image cannot be read.
            InputError: other numbers of files or detections than of images; or see `__call__`.
        """
        if detections is not None and len(detections) != len(images):
            raise InputError(f"expected one Detections per image ({len(images)}), got {len(detections)}")
        names = [file_of(image) for image in images] if files is None else list(files)
        if len(names) != len(images):
            raise InputError(f"expected one file name per image ({len(images)}), got {len(names)}")
        results: list[Interactions] = []
        for start in range(0, len(images), batch_size):
            part = slice(start, start + batch_size)
            given = None if detections is None else detections[part]
            results += self([read_image(image) for image in images[part]], names[part], given)
        return results

    def explain(
        self, image: Image, detections: Detections | None = None, min_score: float = 0.0, top_k: int = 3
    ) -> tuple[Interactions, list[Explanation]]:
        """The interactions of an image, and where the model looked to find the best; see `HoiModel.explain`."""
        pixels, file = read_image(image), file_of(image)
        found = self._detections([pixels], [file], None if detections is None else [detections])
        with evaluating(self.model):
            interactions, explanations = self.model.explain_image(
                pixels, None if found is None else found[0], min_score, top_k
            )
        interactions.file = file
        return interactions, explanations

    def notes(self) -> list[str]:
        """Sentences for the user about boxes that were left out."""
        if not self.left_out:
            return []
        if self.left_out.total() == 1:
            return [f"1 box of an object that the model does not know was left out: {next(iter(self.left_out))}"]
        names = some_of([f"{name} ({count:,})" for name, count in self.left_out.most_common()])
        return [f"{self.left_out.total():,} boxes of objects that the model does not know were left out: {names}"]

    def _detections(
        self, images: Sequence[NDArray[np.uint8]], files: list[str | None], given: Sequence[Detections] | None
    ) -> list[Detections] | None:
        """People and objects in the model's words, with poses, for a model that needs them."""
        if not self.model.needs_detections:
            if given is not None:
                self.model.refuse_detections()
            return None
        if given is None:
            names = [file for file in files if file is not None]
            given = self.detector(images, names if len(names) == len(images) else None)
        elif self._wanted is not None:
            raise InputError("give a detector or detections, not both")
        found = [self._named(detections) for detections in given]
        if self.pose is None:
            return found
        triples = zip(found, images, files, strict=True)
        return [add_poses(boxes, image, self.pose, file) for boxes, image, file in triples]

    def _named(self, found: Detections) -> Detections:
        self._check(found.objects, "detections")
        objects = self.model.vocabulary.objects
        human = self.model.vocabulary.human
        named = found.named(objects, human)
        if len(named) < len(found):
            unknown = match_objects(found.objects, objects, human)[found.labels] < 0
            self.left_out.update(found.objects[label] for label in found.labels[unknown])
        return named

    def _check(self, objects: tuple[str, ...], source: str) -> None:
        if objects not in self._checked:
            check_objects(objects, self.model.vocabulary, source)
            self._checked.add(objects)

    def _finished(self, found: Interactions, image: NDArray[np.uint8], file: str | None) -> Interactions:
        kept = found.filter(self.min_score, self.top_k, note_best=True)
        height, width = image.shape[:2]
        if self.pose is not None and not self.model.needs_detections:
            people = np.unique(kept.human)
            posed = no_poses(len(kept.boxes))
            posed[people] = self.pose.estimate(image, kept.boxes[people], file)
            kept = kept.with_columns(keypoints=posed)
        return replace(kept, file=file, width=width, height=height)


@contextmanager
def _finite_outputs(model: HoiModel) -> Iterator[None]:
    """Raise ModelError where a model computes NaN: rules that compare scores would drop it without a word."""

    def check(_model: Any, _inputs: Any, outputs: Any) -> None:
        if any(value.is_floating_point() and value.isnan().any() for value in _tensors(outputs)):
            raise ModelError(
                f"the outputs of this {type(model).__name__} are not finite numbers: its weights are not usable, as "
                "those of a training that diverged; use others"
            )

    hook = model.register_forward_hook(check)
    try:
        yield
    finally:
        hook.remove()


def _tensors(value: Any) -> Iterator[Tensor]:
    """All tensors in nested dataclasses, mappings and sequences."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from _tensors(inner)
    elif isinstance(value, (list, tuple)):
        for inner in value:
            yield from _tensors(inner)
    elif is_dataclass(value):
        yield from _tensors(vars(value))


def file_of(image: Image) -> str | None:
    """What an image is called in results: its path; of a Pillow image, that of the file that it was opened from."""
    if isinstance(image, (str, os.PathLike)):
        return str(image)
    name = getattr(image, "filename", None)
    return str(name) if isinstance(name, (str, os.PathLike)) and str(name) else None


def is_folder(image: Any) -> TypeGuard[str | os.PathLike[str]]:
    """Whether what was given as an image is a folder of them."""
    return isinstance(image, (str, os.PathLike)) and home_path(image).is_dir()


def images_of(sources: Sequence[Image]) -> list[Image]:
    """The images that were given, and those in folders that were given, in order.

    Raises:
        InputError: a folder holds no image, or none but drawn pictures.
    """
    found: list[Image] = []
    for source in sources:
        if not is_folder(source):
            found.append(source)
            continue
        inside = find_images([source])
        photographs = [path for path in inside if not is_drawn(path)]
        if not photographs:
            raise InputError(f"all images in the folder {source} are pictures that interplay drew")
        drawn = len(inside) - len(photographs)
        if drawn:
            warnings.warn(
                f"left out {drawn:,} of the {len(inside):,} images in {source}: interplay drew them",
                stacklevel=3,
            )
        found += photographs
    return found
