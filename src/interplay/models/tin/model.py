"""TIN as a model: from an image, people and objects to interactions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from interplay.errors import InputError
from interplay.interactions import Interactions
from interplay.layers.modes import evaluating
from interplay.layers.normalisers import StepCounts
from interplay.layers.resnet import fold_frozen_batch_norm
from interplay.models.base import ClassAxes, HoiModel
from interplay.vocabulary import Vocabulary

from .backbone import BackboneName
from .losses import (
    LossWeights,
    TrainModule,
    chosen_terms,
    hico_losses,
    part_losses,
    vcoco_losses,
)
from .maps import pair_maps
from .network import PIXEL_MEANS_BGR, Layout, TinNetwork, TinOutputs
from .part_boxes import part_boxes
from .parts_network import TinPartNetwork
from .sampling import verb_targets

if TYPE_CHECKING:
    from interplay.detectors import Detections

    from .examples import Batch

MAX_PEOPLE, MAX_OBJECTS = 12, 24


@dataclass(frozen=True)
class TinConfig:
    """What network it is, and how its scores become interactions.

    Attributes:
        network: ``instance`` (R, C and D) or ``part`` (interactiveness by body parts, no classes).
        layout: of the instance network's discriminator.
        backbone: see `PairNetwork`.
        classifies: whether it knows interactions, or only tells whether a pair interacts (always so for ``part``).
        min_person, min_object: detections below these scores make no pairs (published: 0.8 and 0.3 on HICO-DET, 0.6 and
            0.4 on V-COCO, for Faster R-CNN's scores; other detectors' are lower).
        suppress: remove pairs that the discriminator finds non-interactive with a probability above
            `not_interactive_above` and interactive with one below `interactive_below` (NIS, HICO-DET's defaults).
    """

    network: Literal["instance", "part"] = "instance"
    layout: Layout = "hico"
    backbone: BackboneName = "resnet50"
    classifies: bool = True
    min_person: float = 0.3
    min_object: float = 0.2
    suppress: bool = True
    not_interactive_above: float = 0.9
    interactive_below: float = 0.1


class TinModel(HoiModel):
    """A TIN network with its vocabulary.

    A triplet's score is half the late fusion p_sp (p_H + p_O), times both detection scores, 0..1. The published
    evaluation weighs detections by fitted curves instead (`suppression`).

    Args:
        config: which network.
        vocabulary: HICO-DET's layout: one class per interaction; V-COCO's: one per verb.
        verbs: for V-COCO's layout, the vocabulary's verb of each class, in the network's order.
    """

    config: TinConfig  # type: ignore[assignment]
    needs_detections = True

    def __init__(self, config: TinConfig, vocabulary: Vocabulary, verbs: tuple[int, ...] = ()) -> None:
        super().__init__(vocabulary, config)  # type: ignore[arg-type]
        if vocabulary.person < 0:
            raise InputError(f"TIN looks for people and the vocabulary {vocabulary.name!r} has no object 'person'")
        self.verbs = verbs
        self.loss_weights: LossWeights
        self.learn: TrainModule = "all"
        if self.is_part:
            self.network: TinNetwork | TinPartNetwork = TinPartNetwork(backbone=config.backbone)
        else:
            classes = len(vocabulary.interactions) if config.layout == "hico" else len(verbs)
            self.network = TinNetwork(classes, config.layout, backbone=config.backbone)

    @cached_property
    def with_object(self) -> NDArray[np.bool_]:
        """(V,) which verbs of the vocabulary are done with an object."""
        verb, thing = self.vocabulary.interactions.T
        return np.isin(np.arange(len(self.vocabulary.verbs)), verb[thing >= 0])

    @property
    def is_part(self) -> bool:
        """Whether the network looks at body parts, and has no classes."""
        return self.config.network == "part"

    def forward(self, *arguments: Any, **options: Any) -> TinOutputs:
        """The network's scores of pairs; see `TinNetwork.forward` and `TinPartNetwork.forward`."""
        return self.network(*arguments, **options)

    def class_axes(self) -> ClassAxes:
        """The rows of C's three layers; see `HoiModel`."""
        if self.is_part:
            return {}
        names = self.vocabulary.pair_names(self.vocabulary.interactions)
        if self.config.layout != "hico":
            names = [self.vocabulary.verbs[verb] for verb in self.verbs]
        layers = [f"network.classify.{stream}.{kind}" for stream in ("H", "O", "sp") for kind in ("weight", "bias")]
        return {layer: {0: names} for layer in layers}

    def prepare_inference(self) -> TinModel:
        """Fold batch normalisation and lay weights out channels last; the model can then not be trained or saved."""
        for module in (self.network.backbone, self.network.human_block, self.network.object_block):
            fold_frozen_batch_norm(module)
            module.to(memory_format=torch.channels_last)
        return self

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
        human, thing = np.asarray(human_boxes, np.float32), np.asarray(object_boxes, np.float32)
        given = [
            network_image(image),
            torch.from_numpy(human),
            torch.from_numpy(thing),
            torch.from_numpy(pair_maps(human, thing, poses)),
        ]
        if isinstance(self.network, TinPartNetwork):
            given.append(torch.from_numpy(part_boxes(poses, human).astype(np.float32)))
        with evaluating(self):
            return self(*(tensor.to(self.device) for tensor in given))

    def predict_batch(
        self, images: Sequence[NDArray[np.uint8]], detections: Sequence[Detections] | None
    ) -> list[Interactions]:
        """Interactions among given detections."""
        if self.is_part or not self.config.classifies:
            what = "part network" if self.is_part else "discriminator"
            raise InputError(
                f"TIN's {what} tells whether a pair interacts, not how: use it with 'interplay suppress' on the "
                "predictions of another model"
            )
        assert detections is not None  # predict() sees to it
        return [self._predict_one(image, found) for image, found in zip(images, detections, strict=True)]

    def _predict_one(self, image: NDArray[np.uint8], found: Detections) -> Interactions:
        humans, things = self._pairs(found)
        if not len(humans):
            return Interactions.empty(self.vocabulary)
        poses = None if found.keypoints is None else found.keypoints[humans]
        outputs = self.score_pairs(image, found.boxes[humans], found.boxes[things], poses)
        return self._triplets(outputs, found, humans, things)

    def _pairs(self, found: Detections) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Indices of the people and objects of all pairs; everybody may also be an object."""
        config, person = self.config, self.vocabulary.person
        order = np.argsort(-found.scores, kind="stable")
        human = order[(found.labels[order] == person) & (found.scores[order] > config.min_person)][:MAX_PEOPLE]
        thing = order[found.scores[order] > config.min_object][:MAX_OBJECTS]
        pairs = np.array([(h, o) for h in human for o in thing if h != o], np.int64).reshape(-1, 2)
        return pairs[:, 0], pairs[:, 1]

    def decode(
        self, outputs: TinOutputs, sizes: Tensor, detections: Sequence[Detections] | None = None
    ) -> list[Interactions]:
        """Triplets of one image whose pairs were scored; see `HoiModel`."""
        if detections is None or len(detections) != 1:
            raise InputError("TIN decodes one image at a time, from the detections that were paired")
        return [self._triplets(outputs, detections[0], *self._pairs(detections[0]))]

    def loss(self, outputs: TinOutputs, targets: Batch, counts: StepCounts | None = None) -> dict[str, Tensor]:
        """The terms of the loss, each a mean over the pairs and classes of the whole step; see `HoiModel`."""
        outputs = TinOutputs({name: value.float() for name, value in outputs.scores.items()})
        weights, count = self.loss_weights, targets.positives
        if self.is_part:
            terms = part_losses(outputs, targets.binary, weights.binary)
        elif self.config.layout == "hico":
            terms = chosen_terms(hico_losses(outputs, targets.classes, targets.binary, count, weights), self.learn)
        else:
            has_object = torch.from_numpy(self.with_object[list(self.verbs)]).to(targets.classes.device)
            rows = verb_targets(targets.motions, targets.classes[:count], len(targets), has_object, targets.binary)
            terms = chosen_terms(vcoco_losses(outputs, rows, weights), self.learn)
        if counts is None:
            return terms
        shares = torch.tensor([float(count), float(len(targets))]).to(counts.mean) / counts.mean.clamp(min=1e-9)
        return {name: value * shares[0 if name in ("human", "object") else 1] for name, value in terms.items()}

    def _triplets(
        self, outputs: TinOutputs, found: Detections, humans: NDArray[np.int64], things: NDArray[np.int64]
    ) -> Interactions:
        """Triplets of the pairs (humans, things) that the discriminator lets pass, best first."""
        binary = outputs["cls_prob_binary"].cpu().numpy()
        config = self.config
        removed = (binary[:, 1] > config.not_interactive_above) & (binary[:, 0] < config.interactive_below)
        kept = np.nonzero(~removed)[0] if config.suppress else np.arange(len(humans))
        confidence = found.scores[humans] * found.scores[things]
        fused = "cls_prob_HO" if config.layout == "hico" else "cls_prob_HO_final"
        scores = outputs[fused].cpu().numpy() / 2 * confidence[:, None]
        rows = self._hico_rows(kept, found.labels[things]) if config.layout == "hico" else self._vcoco_rows(kept)
        pair, verb, column = rows
        score, thing = scores[pair, column], things[pair]
        if config.layout == "vcoco":
            alone = ~self.with_object[verb]
            own = outputs["cls_prob_H"].cpu().numpy()[pair, column] * found.scores[humans[pair]]
            score, thing = np.where(alone, own, score), np.where(alone, -1, thing)
            first = np.unique(np.column_stack([humans[pair], verb, thing]), axis=0, return_index=True)[1]
            pair, verb, score, thing = pair[first], verb[first], score[first], thing[first]
        best = np.argsort(-score, kind="stable")
        return Interactions(
            boxes=found.boxes,
            labels=found.labels,
            box_scores=found.scores,
            human=humans[pair][best],
            object=thing[best],
            verb=verb[best],
            score=score[best].astype(np.float32),
            interactiveness=binary[pair, 0][best],
            keypoints=found.keypoints,
            track=found.track,
            vocabulary=self.vocabulary,
        )

    def _hico_rows(
        self, kept: NDArray[np.int64], labels: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """(pair, verb, class) of the interactions that each pair's object takes part in."""
        verb, thing = self.vocabulary.interactions.T
        pair, column = np.nonzero(labels[kept][:, None] == thing)
        return kept[pair], verb[column], column

    def _vcoco_rows(self, kept: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """(pair, verb, class) of all classes for each pair."""
        classes = len(self.verbs)
        column = np.tile(np.arange(classes), len(kept))
        return np.repeat(kept, classes), np.asarray(self.verbs, np.int64)[column], column

    def set_decoding(self, **options: Any) -> None:
        """There are no options of decoding; always an `InputError`."""
        raise InputError(f"{type(self).__name__} has no options of decoding, got {', '.join(options)}")

    def description(self) -> dict[str, Any]:
        """What a weights file says about the model, enough to build it again."""
        return {
            "system": "tin",
            "config": asdict(self.config),
            "vocabulary": self.vocabulary.to_dict(),
            "verbs": list(self.verbs),
        }

    @classmethod
    def from_description(cls, description: Mapping[str, Any]) -> TinModel:
        """The model that `description` describes, without weights."""
        vocabulary = Vocabulary.from_dict(description["vocabulary"])
        return cls(TinConfig(**description["config"]), vocabulary, tuple(description["verbs"]))


def network_image(image: NDArray[np.uint8]) -> Tensor:
    """An RGB image (H, W, 3) as the networks take it: (1, 3, H, W), blue first, the mean taken off, not resized."""
    pixels = torch.from_numpy(np.ascontiguousarray(image[..., ::-1])).float() - torch.tensor(PIXEL_MEANS_BGR)
    return pixels.permute(2, 0, 1)[None]
