"""What every model shares: `predict`, from pictures to `Interactions`."""

from __future__ import annotations

import warnings
from abc import abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TypeAlias, overload

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from interplay.defaults import DEFAULT_BATCH_SIZE
from interplay.errors import InputError
from interplay.explanations import Explanation
from interplay.images import is_one_image
from interplay.interactions import Interactions
from interplay.layers.normalisers import LossNormaliser
from interplay.models.described import DescribedModel
from interplay.models.inference import Image, Inference, images_of, is_folder
from interplay.models.plain import PlainForward, PlainTensor
from interplay.options import changed_options
from interplay.systems import System, explaining_systems, text_systems
from interplay.vocabulary import Vocabulary

if TYPE_CHECKING:
    from interplay.detectors import Detections, Detector
    from interplay.detectors.pose import PoseEstimator

ClassAxes: TypeAlias = Mapping[str, Mapping[int, Sequence[str]]]
"""Parameter's name -> its axes that run over classes -> the classes' names."""


class HoiModel(DescribedModel):
    """Base of all models: what every system has. A class that lacks one of the abstract methods cannot be made.

    A two-stage model works on people and objects that a detector found; its `needs_detections` is true.

    Args:
        vocabulary: what its labels and verbs mean.
        config: every choice, with ``network``, ``loss`` and ``decoding``.

    Attributes:
        default_min_score: as the system's entry in `interplay.systems` has it.
        explains: whether `explain` can tell where it looks.
        class_buffers: names of buffers that say what the classes are; another model's are never copied.
        decoding_buffers: names of buffers that decoding reads; an exported network brings them along.
        canvas: height and width that every image is brought to, for an exported network of fixed size.
        how_to_use_detections: for a model that finds people and objects itself but can use those of a detector: how.
    """

    default_min_score = System.default_min_score
    explains = False
    class_buffers: tuple[str, ...] = ()
    decoding_buffers: tuple[str, ...] = ()
    canvas: tuple[int, int] | None = None
    how_to_use_detections = ""

    @abstractmethod
    def forward(self, *inputs: Any, **options: Any) -> Any:
        """The network's outputs for a batch. Systems say what they take."""

    @abstractmethod
    def loss(self, outputs: Any, targets: Any, counts: LossNormaliser | None = None) -> dict[str, Tensor]:
        """The loss of a batch, term by term; what is minimised is the sum.

        Args:
            outputs: of `forward` in training mode.
            targets: what the annotations say, in the system's own form.
            counts: what the terms are divided by, as the mean over the parts of a training step; by default this batch
                is all of it.

        Returns:
            Weighted terms by name, each a scalar.
        """

    @abstractmethod
    def decode(self, outputs: Any, sizes: Tensor, detections: Sequence[Detections] | None = None) -> list[Interactions]:
        """From outputs to interactions, as ``config.decoding`` says.

        Args:
            outputs: of `forward` in evaluation mode, for B images.
            sizes: (B, 2) height, width of the images in pixels.
            detections: people and objects of each image, for a model that uses a detector's.

        Returns:
            One per image, with boxes in its pixels.
        """

    @abstractmethod
    def predict_batch(
        self, images: Sequence[NDArray[np.uint8]], detections: Sequence[Detections] | None
    ) -> list[Interactions]:
        """The interactions in a few RGB images (H, W, 3); called in evaluation mode without gradients.

        Args:
            detections: people and objects of each image, labelled in the model's vocabulary; None for a model that
                finds them by itself.
        """

    def plain_inputs(self) -> tuple[PlainTensor, ...]:
        """What `export_forward` takes.

        Raises:
            InputError: such a model cannot be exported.
        """
        self._refuse_export()

    def plain_outputs(self) -> tuple[str, ...]:
        """Names of what `export_forward` returns."""
        return ()

    def export_forward(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        """The network from plain tensors to plain tensors, without anything that depends on their values.

        Args:
            inputs: as `plain_inputs` lists them.

        Returns:
            As `plain_outputs` names them.
        """
        self._refuse_export()

    def forward_through(self, run: PlainForward, *inputs: Any, **options: Any) -> Any:
        """What `forward` returns in evaluation mode, where `run` does what `export_forward` does."""
        self._refuse_export()

    def fixed_size(self, wanted: tuple[int, int] | None = None) -> tuple[int, int] | None:
        """Height and width of the images of a network of fixed size; None where it takes no images.

        Args:
            wanted: by the user; by default what suits the configuration.

        Raises:
            InputError: results would not be the same, or another size is needed; says what to do.
        """
        if wanted is not None:
            raise InputError(f"a {type(self).__name__} does not look at images: leave the size out")
        return None

    def _refuse_export(self) -> NoReturn:
        raise InputError(f"a {type(self).__name__} cannot be exported: it has no network of plain tensors")

    @property
    def needs_detections(self) -> bool:
        """Whether `predict` needs a detector or detections."""
        return False

    @property
    def variant(self) -> str:
        """Which network of the paper this is; empty where there is only one."""
        return ""

    def class_axes(self) -> ClassAxes:
        """Where parameters have a place for every class; trainings that start from other weights copy these by name."""
        return {}

    def prepare_inference(self) -> HoiModel:
        """Make prediction faster where a model can, in place; it may then be neither trained nor saved."""
        return self

    def set_decoding(self, **options: Any) -> None:
        """Change how outputs become interactions, in place: the options of the model's ``config.decoding``.

        Args:
            options: by name; text such as ``"true"`` or ``"0.5"`` is read as what the option takes.

        Raises:
            InputError: no such option, or a value that it does not take.
        """
        changed = changed_options(self.config.decoding, options, "decoding")
        self.config = self.config.model_copy(update={"decoding": changed})

    def push_to_hub(
        self,
        repository: str,
        *,
        private: bool = False,
        token: str | None = None,
        about: str = "",
        message: str = "Add a model of interplay",
    ) -> str:
        """Publish the model on the hub, with a card; ``interplay.load_model(repository)`` loads it again.

        Args:
            repository: ``owner/name``; it is made where there is none.
            private: whether only you see it, if it is made.
            token: of the hub; by default the one that ``hf auth login`` stored.
            about: Markdown for the card: what it was trained on, figures and the commands that gave them, licence.
            message: of the commit.

        Returns:
            Its address.

        Raises:
            InputError: no such name, or the hub refuses; says why.
        """
        from interplay.models.sharing import share

        return share(self, repository, private, token, about, message)

    def with_classes(
        self,
        verbs: Sequence[str] | None = None,
        objects: Sequence[str] | None = None,
        *,
        vocabulary: Vocabulary | None = None,
        encoder: str | None = None,
    ) -> HoiModel:
        """A model that finds other verbs and objects, given as text; it shares the other weights.

        Args:
            verbs, objects: names; every verb may go with every object. The model's own where not given.
            vocabulary: names and which verb goes with which object, instead of `verbs` and `objects`.
            encoder: where the text encoder is that the model was trained with, if not where it was then: its name on
                the hub, or a local folder.

        Raises:
            InputError: the model does not classify by text, nothing to find was given, or the encoder is another one.
            MissingFileError, MissingExtraError: the encoder is not there.
        """
        raise InputError(
            f"{type(self).__name__} finds the verbs and objects that it was trained on ({self.vocabulary.name}) and "
            f"takes no others as text; a {text_systems()} model with text classifiers does"
        )

    def explain(
        self,
        image: Image,
        *,
        detector: Detector | str | Path | None = None,
        detections: Detections | None = None,
        min_score: float = 0.0,
        top_k: int = 3,
    ) -> tuple[Interactions, list[Explanation]]:
        """The best interactions of an image, and where the model looked to find each; for `draw_explanations`.

        Args:
            image: a path or an RGB array (H, W, 3) uint8.
            detector, detections: as for `predict`.
            min_score: explain only interactions from this score on.
            top_k: explain so many, the best ones.

        Raises:
            InputError: the model, or a model of this configuration, cannot tell; or see `predict`.
        """
        if not self.explains:
            raise InputError(f"{type(self).__name__} does not tell where it looks; a {explaining_systems()} model does")
        inference = self.inference(detector=detector)
        found = inference.explain(image, detections, min_score, top_k)
        _say(inference)
        return found

    def explain_image(
        self, image: NDArray[np.uint8], detections: Detections | None, min_score: float, top_k: int
    ) -> tuple[Interactions, list[Explanation]]:
        """What `explain` returns for an RGB image; called in evaluation mode without gradients.

        A model that sets `explains` has its own; any other finds and explains nothing.
        """
        return Interactions.empty(self.vocabulary), []

    def refuse_detections(self) -> NoReturn:
        """Say that the model uses no detector and no boxes.

        Raises:
            InputError: always.
        """
        hint = f"; {self.how_to_use_detections}" if self.how_to_use_detections else ""
        raise InputError(
            f"{type(self).__name__} finds people and objects by itself: it uses no detector and no boxes from a file"
            + hint
        )

    @property
    def device(self) -> torch.device:
        """Where the model's parameters are."""
        return next(self.parameters()).device

    @property
    def dtype(self) -> torch.dtype:
        """Of the model's parameters, which pictures are given in; ``model.half()`` changes it."""
        return next(self.parameters()).dtype

    @overload
    def predict(  # type: ignore[overload-overlap]  # a path is a sequence of str too, and means one image
        self,
        images: Image,
        *,
        detector: Detector | str | Path | None = None,
        detections: Sequence[Detections] | Detections | None = None,
        pose: PoseEstimator | str | Path | None = None,
        files: Sequence[str] | str | None = None,
        min_score: float | None = None,
        top_k: int | None = None,
        batch_size: int = DEFAULT_BATCH_SIZE,
    ) -> Interactions: ...
    @overload
    def predict(
        self,
        images: Sequence[Image],
        *,
        detector: Detector | str | Path | None = None,
        detections: Sequence[Detections] | Detections | None = None,
        pose: PoseEstimator | str | Path | None = None,
        files: Sequence[str] | str | None = None,
        min_score: float | None = None,
        top_k: int | None = None,
        batch_size: int = DEFAULT_BATCH_SIZE,
    ) -> list[Interactions]: ...
    def predict(
        self,
        images: Image | Sequence[Image],
        *,
        detector: Detector | str | Path | None = None,
        detections: Sequence[Detections] | Detections | None = None,
        pose: PoseEstimator | str | Path | None = None,
        files: Sequence[str] | str | None = None,
        min_score: float | None = None,
        top_k: int | None = None,
        batch_size: int = DEFAULT_BATCH_SIZE,
    ) -> Interactions | list[Interactions]:
        """The interactions in one image, or in each of several.

        Boxes of objects that the model does not know are left out, with a warning.

        Args:
            images: what `interplay.images.read_image` takes: a path, an image file's bytes, a Pillow image, or an
                array or tensor (H, W, 3), channels last; a folder, for all images in it and below; or a list of these.
                One array or tensor is one image. Pictures in a folder that interplay drew are left out, with a warning.
            detector: for a two-stage model: a detector, its name, or a file of boxes; by default the offline one.
            detections: for a two-stage model: people and objects instead of a detector, one per image.
            pose: find people's keypoints: an estimator, its name, or a file of poses; by default nobody's.
            files: names of images that are arrays; boxes and poses from a file are found by them.
            min_score: smallest score of a triplet that is kept; by default the model's `default_min_score`, as the
                command line has it. 0 keeps all, which is what an evaluation needs.
            top_k: keep the best so many of each image; by default all.
            batch_size: images in memory at once.

        Returns:
            One `Interactions` for one image, a list for a list or a folder.

        Raises:
            ImageError: an image cannot be read, or a file of boxes does not know it.
            InputError: other numbers of detections or files than of images; the model uses no boxes; or none of the
                boxes' objects is a person, or known to the model.
        """
        least = self.default_min_score if min_score is None else min_score
        inference = self.inference(detector=detector, pose=pose, min_score=least, top_k=top_k)
        if is_one_image(images) and not is_folder(images):
            boxes = [detections] if detections is not None else None
            names = [files] if files is not None else None
            [found] = inference.predict([images], names, boxes)  # type: ignore[arg-type, list-item]
            _say(inference)
            return found
        if not isinstance(images, Iterable) and not is_one_image(images):
            raise InputError(f"expected an image, a path, or a list of them, got {type(images).__name__}")
        given = images_of([images] if is_one_image(images) else images)  # type: ignore[list-item, arg-type]
        several = inference.predict(given, files, detections, batch_size)  # type: ignore[arg-type]
        _say(inference)
        return several

    def inference(
        self,
        *,
        detector: Detector | str | Path | None = None,
        pose: PoseEstimator | str | Path | None = None,
        min_score: float | None = None,
        top_k: int | None = None,
        device: str | None = None,
    ) -> Inference:
        """The model with what finds boxes and poses, ready for one batch after the other; see `Inference`."""
        return Inference(self, detector=detector, pose=pose, min_score=min_score, top_k=top_k, device=device)


def _say(inference: Inference) -> None:
    for note in inference.notes():
        warnings.warn(note, stacklevel=3)
