"""TIN as a model: from an image, people and objects to interactions."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from interplay.errors import InputError, InterplayError
from interplay.interactions import Interactions
from interplay.layers.modes import evaluating
from interplay.layers.normalisers import LossNormaliser
from interplay.layers.resnet import fold_frozen_batch_norm
from interplay.models.base import ClassAxes
from interplay.models.plain import PlainForward, PlainTensor
from interplay.models.two_stage import InteractivenessModel, PairIndex, with_object
from interplay.vocabulary import Vocabulary

from .config import TinConfig, TinDescription, from_format_1
from .decode import check_decoding, choose_pairs, decode
from .losses import (
    OF_POSITIVES,
    LossWeights,
    TinTargets,
    chosen_terms,
    interaction_losses,
    part_losses,
    verb_losses,
    verb_targets,
)
from .maps import pair_maps
from .network import TinNetwork, TinOutputs, network_image
from .part_boxes import PARTS, part_boxes
from .parts_network import TinPartNetwork
from .published import read_prior_mask

if TYPE_CHECKING:
    from interplay.detectors import Detections


class TinModel(InteractivenessModel):
    """A TIN network with its vocabulary, its loss and its way from the scores of pairs to interactions.

    Args:
        vocabulary: what labels and classes mean.
        config: every choice; see `TinConfig`.

    Attributes:
        loss_weights: factors on the logits in the loss, made of how often each class is annotated. Not part of the
            weights.

    Raises:
        InputError: the vocabulary has no object "person", or not the classes that the decoding's rule is for.
    """

    vocabulary: Vocabulary
    config: TinConfig
    system = "tin"
    description_class = TinDescription
    migrations = (from_format_1,)

    def __init__(self, vocabulary: Vocabulary, config: TinConfig) -> None:
        super().__init__(vocabulary, config)
        vocabulary.require_person("TIN")
        check_decoding(config, vocabulary)
        self.loss_weights = LossWeights()
        backbone = config.network.backbone
        if self.is_part:
            self.network: TinNetwork | TinPartNetwork = TinPartNetwork(backbone=backbone)
        else:
            self.network = TinNetwork(len(self.class_names), config.network.classes, backbone=backbone)

    @cached_property
    def verbs(self) -> NDArray[np.int64]:
        """(C,) where classes are verbs, the vocabulary's verb of each class; empty otherwise."""
        if self.config.network.classes == "interaction":
            return np.zeros(0, np.int64)
        return np.array(self.config.network.verbs or range(len(self.vocabulary.verbs)), np.int64)

    @property
    def class_names(self) -> list[str]:
        """What the network's classes are called."""
        if self.config.network.classes == "interaction":
            return self.vocabulary.pair_names(self.vocabulary.interactions)
        return [self.vocabulary.verbs[verb] for verb in self.verbs]

    @property
    def is_part(self) -> bool:
        """Whether the network looks at body parts, and has no classes."""
        return self.config.network.level == "part"

    @property
    def classifies(self) -> bool:
        """Whether it knows interactions, and not only whether a pair interacts."""
        return self.config.network.classifies and not self.is_part

    def forward(self, *arguments: Any, **options: Any) -> TinOutputs:
        """The network's scores of pairs; see `TinNetwork.forward` and `TinPartNetwork.forward`."""
        return self.network(*arguments, **options)

    def plain_inputs(self) -> tuple[PlainTensor, ...]:
        """An image, boxes, and which of them make pairs."""
        inputs = (
            PlainTensor("image", (1, 3, "height", "width")),
            PlainTensor("humans", ("humans", 4)),
            PlainTensor("objects", ("objects", 4)),
            PlainTensor("human", ("pairs",), torch.int64),
            PlainTensor("object", ("pairs",), torch.int64),
            PlainTensor("maps", ("pairs", 3, 64, 64)),
        )
        if not self.is_part:
            return inputs
        parts = PlainTensor("part_boxes", ("people", len(PARTS), 4)), PlainTensor("parts", ("pairs",), torch.int64)
        return (*inputs, *parts)

    def plain_outputs(self) -> tuple[str, ...]:
        """Scores by the names of `TinOutputs` that decoding reads."""
        if self.is_part:
            return ("cls_prob_binary", "cls_prob_vec")
        names = [f"cls_prob_{stream}" for stream in ("H", "O", "sp", "binary")]
        return (*names, "cls_prob_HO_final" if self.network.per_verb else "cls_prob_HO")

    def export_forward(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        """The scores of the pairs of one image; see `HoiModel`, and the networks' `of_image` for the inputs."""
        scores = self.network.of_image(*inputs).scores
        return tuple(scores[name] for name in self.plain_outputs())

    def forward_through(
        self, run: PlainForward, image: Tensor, human_boxes: Tensor, object_boxes: Tensor, maps: Tensor, *parts: Tensor
    ) -> TinOutputs:
        """See `HoiModel`; every box is looked at once, in however many pairs it is."""
        given = [torch.unique(boxes, dim=0, return_inverse=True) for boxes in (human_boxes, object_boxes, *parts)]
        (humans, human), (objects, object), *rest = given
        found = run(image, humans, objects, human, object, maps, *(tensor for pair in rest for tensor in pair))
        return TinOutputs(dict(zip(self.plain_outputs(), found, strict=True)))

    def fixed_size(self, wanted: tuple[int, int] | None = None) -> tuple[int, int]:
        """There is none; see `HoiModel`."""
        raise InputError("TIN looks at whole images of their own sizes: export it with --dynamic")

    def class_axes(self) -> ClassAxes:
        """The rows of the classifier's three layers; see `HoiModel`."""
        if self.is_part:
            return {}
        layers = [f"network.classify.{stream}.{kind}" for stream in ("H", "O", "sp") for kind in ("weight", "bias")]
        return {layer: {0: self.class_names} for layer in layers}

    def prepare_inference(self) -> TinModel:
        """Fold batch normalisation and lay weights out channels last; the model can then not be trained or saved."""
        for module in (self.network.backbone, self.network.human_block, self.network.object_block):
            fold_frozen_batch_norm(module)
            module.to(memory_format=torch.channels_last)
        return self

    def set_decoding(self, **options: Any) -> None:
        """See `HoiModel`.

        Raises:
            InputError, MissingFileError: a rule for other classes, or a file that is not there or does not fit.
        """
        from interplay.models.weights import read_description

        before = self.config
        super().set_decoding(**options)
        decoding = self.config.decoding
        try:
            check_decoding(self.config, self.vocabulary)
            if decoding.prior_mask is not None:
                read_prior_mask(decoding.prior_mask, self.vocabulary, tuple(self.verbs.tolist()))
            if decoding.discriminator is not None and read_description(decoding.discriminator)["system"] != "tin":
                raise InputError(
                    f"discriminator={decoding.discriminator} must be a TIN network that looks at the image"
                )
        except InterplayError:
            self.config = before
            raise
        self.__dict__.pop("_discriminator", None)

    def loss(self, outputs: TinOutputs, targets: TinTargets, counts: LossNormaliser | None = None) -> dict[str, Tensor]:
        """The terms of the loss, each a mean over the pairs and classes of the whole step; the sum is minimised.

        Args:
            outputs: of `forward` for N pairs, those that interact first.
            targets: their labels.
            counts: mean of `TinTargets.counts` over the parts of a training step; by default this batch is all of it.
        """
        outputs = TinOutputs({name: value.float() for name, value in outputs.scores.items()})
        weights = self.loss_weights
        if self.is_part:
            terms = part_losses(outputs, targets.binary, weights.binary)
        else:
            if self.config.network.classes == "interaction":
                terms = interaction_losses(outputs, targets, weights)
            else:
                has_object = torch.from_numpy(with_object(self.vocabulary)[self.verbs])
                terms = verb_losses(outputs, verb_targets(targets, has_object), weights)
            terms = chosen_terms(terms, self.config.loss.learn)
        if counts is None:
            return terms
        shares = targets.counts().to(counts.mean) / counts.mean.clamp(min=1e-9)
        return {name: value * shares[0 if name in OF_POSITIVES else 1] for name, value in terms.items()}

    def score_pairs(
        self,
        image: NDArray[np.uint8],
        human_boxes: NDArray[np.float32],
        object_boxes: NDArray[np.float32],
        poses: NDArray[np.float32] | None = None,
    ) -> TinOutputs:
        """Every stream's scores of N pairs in an RGB image (H, W, 3).

        Args:
            human_boxes, object_boxes: (N, 4) x1, y1, x2, y2 in pixels; a box may be in several pairs.
            poses: (N, 17, 3) keypoints of the people, NaN where there is none; None for none at all.
        """
        count = len(human_boxes)
        poses = np.full((count, 17, 3), np.nan, np.float32) if poses is None else poses
        humans, objects = np.asarray(human_boxes, np.float32), np.asarray(object_boxes, np.float32)
        given = [
            network_image(image).to(self.dtype),
            torch.from_numpy(humans),
            torch.from_numpy(objects),
            torch.from_numpy(pair_maps(humans, objects, poses)).to(self.dtype),
        ]
        if self.is_part:
            given.append(torch.from_numpy(part_boxes(poses, humans).astype(np.float32)))
        with evaluating(self):
            return self(*(tensor.to(self.device) for tensor in given))

    def interactiveness(
        self,
        image: Interactions,
        labels: NDArray[np.int64],
        pairs: NDArray[np.int64],
        pixels: NDArray[np.uint8] | None = None,
    ) -> NDArray[np.float32]:
        """(P,) probability that each pair (P, 2) interacts; see `InteractivenessModel`."""
        if pixels is None:
            raise InputError(f"{type(self).__name__} looks at the image, and there is none of {image.file}")
        poses = None if image.keypoints is None else image.keypoints[pairs[:, 0]]
        outputs = self.score_pairs(pixels, image.boxes[pairs[:, 0]], image.boxes[pairs[:, 1]], poses)
        return outputs.interactiveness.float().cpu().numpy()

    def predict_batch(
        self, images: Sequence[NDArray[np.uint8]], detections: Sequence[Detections] | None
    ) -> list[Interactions]:
        """Interactions among given detections."""
        if not self.classifies:
            what = "part network" if self.is_part else "discriminator"
            raise InputError(
                f"TIN's {what} tells whether a pair interacts, not how: use it with 'interplay suppress' on the "
                "predictions of another model, or as --decoding discriminator=FILE of a TIN model with classes"
            )
        assert detections is not None  # predict() sees to it
        return [self._predict_one(image, found) for image, found in zip(images, detections, strict=True)]

    def _predict_one(self, image: NDArray[np.uint8], found: Detections) -> Interactions:
        pairs = choose_pairs(found, self.vocabulary.person, self.config.decoding)
        if not len(pairs):
            return Interactions.empty(self.vocabulary)
        outputs = self._score(image, found, pairs)
        return self.decode(outputs, torch.tensor([image.shape[:2]]), [found])[0]

    def _score(self, image: NDArray[np.uint8], found: Detections, pairs: PairIndex) -> TinOutputs:
        poses = None if found.keypoints is None else found.keypoints[pairs.human]
        given = image, found.boxes[pairs.human], found.boxes[pairs.object], poses
        outputs = TinOutputs(self.score_pairs(*given).scores, pairs)
        scorer = self._discriminator
        return outputs if scorer is None else outputs.with_interactiveness(scorer.score_pairs(*given))

    @cached_property
    def _discriminator(self) -> TinModel | None:
        """The network whose interactiveness is used instead of this one's."""
        from interplay.models.weights import read_model

        path = self.config.decoding.discriminator
        if path is None:
            return None
        return cast("TinModel", read_model(path)).to(self.device)  # set_decoding sees to it

    def decode(
        self, outputs: TinOutputs, sizes: Tensor, detections: Sequence[Detections] | None = None
    ) -> list[Interactions]:
        """Interactions of B images by the rule of ``config.decoding``, best first.

        Args:
            outputs: scores of the images' pairs, with `TinOutputs.pairs`.
            sizes: (B, 2) height, width.
            detections: the detections that were paired, B of them.

        Raises:
            InputError: no detections.
        """
        if detections is None:
            raise InputError("TIN's pairs are pairs of detections: decode needs these")
        return decode(outputs, sizes, detections, self.vocabulary, self.config, self.verbs)

    def description(self) -> dict[str, Any]:
        """What a weights file says about the model, enough to build it again; files of the user are not part of it."""
        config = self.config.model_dump(mode="json", exclude={"decoding": {"prior_mask", "discriminator"}})
        return {**super().description(), "config": config}
