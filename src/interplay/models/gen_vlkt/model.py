"""`GenVlkt`: the network with its vocabulary, its loss and its way from predictions to interactions."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F
from typing_extensions import Self

from interplay.datasets.transforms import fit_image, resize_image, to_tensor
from interplay.errors import InputError
from interplay.interactions import Interactions
from interplay.layers.inference import prepare_for_inference
from interplay.layers.normalisers import LossNormaliser
from interplay.models.base import ClassAxes, HoiModel
from interplay.models.gen_vlkt import decode
from interplay.models.gen_vlkt.config import GenVlktConfig, GenVlktDescription
from interplay.models.gen_vlkt.losses import count_targets, loss_terms, weight_of
from interplay.models.gen_vlkt.network import LOGIT_SCALE, GuidedEmbeddingNetwork, TextClassifier, cosine_logits
from interplay.models.gen_vlkt.outputs import GenVlktOutputs, PairTargets
from interplay.models.plain import PlainForward, PlainTensor
from interplay.systems import SYSTEMS
from interplay.vocabulary import Vocabulary

if TYPE_CHECKING:
    from interplay.detectors import Detections
    from interplay.explanations import Explanation

Teacher = Callable[[Tensor], Tensor]
"""(B, 3, 224, 224) preprocessed images -> (B, E) embeddings, not normalised."""


class GenVlkt(HoiModel):
    """Query-based detector of pairs and their interactions, with classifiers made of text.

    Args:
        vocabulary: what the classes mean; must list its interactions.
        config: every choice; see `GenVlktConfig`.
        seen: indices of the interactions that training shows, for zero-shot; None for all. While training, the
            classifier has only these.
        own_seen_classifier: give training a classifier of its own for the seen interactions, as the published
            zero-shot checkpoints have, instead of the seen rows of the one classifier.

    Attributes:
        teacher: what the mimic loss imitates; None where the targets bring its features. Not part of the weights.
        captions: (I, E) embeddings of the interactions' texts, for the ``caption`` teacher. Not part of the weights.
    """

    config: GenVlktConfig
    system = "gen-vlkt"
    description_class = GenVlktDescription
    seen: Tensor | None
    captions: Tensor | None
    explains = True
    default_min_score = SYSTEMS["gen-vlkt"].default_min_score
    class_buffers = ("seen",)

    def __init__(
        self,
        vocabulary: Vocabulary,
        config: GenVlktConfig | None = None,
        seen: Sequence[int] | None = None,
        own_seen_classifier: int | None = None,
    ) -> None:
        super().__init__(vocabulary, config or GenVlktConfig())
        if not len(vocabulary.interactions):
            raise InputError(
                f"GEN-VLKT classifies interactions and the vocabulary {vocabulary.name!r} lists none: give its "
                "'interactions' as [verb, object] pairs"
            )
        options = self.config.network
        self.per_verb = options.classes == "verb"
        classes = len(vocabulary.verbs) if self.per_verb else len(vocabulary.interactions)
        self.network = GuidedEmbeddingNetwork(options, len(object_classes(vocabulary)), classes)
        if seen is not None and self.per_verb:
            raise InputError("zero-shot needs network.classes=interaction: unseen interactions may have seen verbs")
        self.register_buffer("seen", None if seen is None else torch.as_tensor(seen, dtype=torch.int64))
        self.seen_weight: nn.Parameter | None = None
        self.seen_bias: nn.Parameter | None = None
        if own_seen_classifier is not None:
            self.seen_weight = nn.Parameter(torch.zeros(own_seen_classifier, options.embedding))
            self.seen_bias = nn.Parameter(torch.zeros(own_seen_classifier))
        self.teacher: Teacher | None = None
        self.register_buffer("captions", None, persistent=False)
        self._start_at(options.prior)
        if self.config.text.freeze:
            for parameter in self.text_parameters():
                parameter.requires_grad_(False)

    def forward(
        self, images: Tensor, sizes: Tensor, *, seen: bool | None = None, auxiliary: bool = True
    ) -> GenVlktOutputs:
        """Predict.

        Args:
            images: (B, 3, H, W) float, normalised with ImageNet's mean and standard deviation, padded at the right
                and at the bottom with zeros.
            sizes: (B, 2) height, width of each image without padding. Best left on the CPU: it is looked at there.
            seen: whether the interaction classes are only those seen in training; by default while training.
            auxiliary: also predict from the earlier decoder layers.

        Returns:
            The predictions of the last layer, those of the earlier ones in ``auxiliary``.

        Raises:
            InputError: shapes do not fit.
        """
        sizes = torch.as_tensor(sizes)
        if images.dim() != 4 or images.shape[1] != 3 or tuple(sizes.shape) != (len(images), 2):
            raise InputError(
                "expected images (B, 3, H, W) and sizes (B, 2) of height and width, got "
                f"{tuple(images.shape)} and {tuple(sizes.shape)}"
            )
        limits = torch.tensor(images.shape[2:])
        looked_at = sizes.device.type == "cpu" and not torch.compiler.is_compiling()
        if looked_at and bool(((sizes < 1) | (sizes > limits)).any()):
            raise InputError(
                f"expected sizes of 1 x 1 to {limits[0]} x {limits[1]}, height and width without padding, got "
                f"{sizes.tolist()}"
            )
        chosen = self._seen_logits if (self.training if seen is None else seen) and self.zero_shot else None
        return self.network(images, sizes, chosen, auxiliary)

    def plain_inputs(self) -> tuple[PlainTensor, ...]:
        """As of `forward`."""
        images = PlainTensor("images", ("batch", 3, "height", "width"))
        return images, PlainTensor("sizes", ("batch", 2), torch.int64)

    def plain_outputs(self) -> tuple[str, ...]:
        """As of `GenVlktOutputs`, for the last layer."""
        return ("human_boxes", "object_boxes", "object_logits", "interaction_logits", "features")

    def export_forward(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        """Images and sizes -> the last layer's predictions; see `HoiModel`.

        With ``resnet-nano``, which sees padding, the images must have none.
        """
        found = self.network(*inputs, auxiliary=False, padded_maps=True)
        return tuple(getattr(found, name) for name in self.plain_outputs())

    def forward_through(
        self, run: PlainForward, images: Tensor, sizes: Tensor, *, auxiliary: bool = False
    ) -> GenVlktOutputs:
        """See `HoiModel`; earlier layers are not among the outputs."""
        if not self.network.backbone.padding_matters:
            return GenVlktOutputs(*run(images, sizes))  # type: ignore[arg-type]  # as many as there are names
        parts: dict[int, tuple[Tensor, ...]] = {}
        for height, width in dict.fromkeys(map(tuple, sizes.tolist())):
            rows = (sizes == sizes.new_tensor([height, width])).all(1).nonzero()[:, 0]
            found = run(images[rows, :, :height, :width], sizes[rows])
            parts |= {int(row): tuple(value[i] for value in found) for i, row in enumerate(rows)}
        values = [torch.stack(each) for each in zip(*(parts[i] for i in range(len(images))), strict=True)]
        return GenVlktOutputs(*values)  # type: ignore[arg-type]  # as many as there are names

    def fixed_size(self, wanted: tuple[int, int] | None = None) -> tuple[int, int]:
        """By default that of a picture of 4 : 3; see `HoiModel`."""
        if self.network.backbone.padding_matters:
            raise InputError(
                f"{self.config.network.backbone} takes images without padding, so that they cannot have one size: "
                "export it with --dynamic"
            )
        options = self.config.decoding
        return wanted or (options.short_side, min(round(options.short_side * 4 / 3), options.long_side))

    def class_axes(self) -> ClassAxes:
        """The rows of the classifiers; see `HoiModel`."""
        vocabulary = self.vocabulary
        interactions = vocabulary.verbs if self.per_verb else vocabulary.pair_names(vocabulary.interactions)
        objects = "network.heads.object.2" if self.config.network.object_text else "network.heads.object"
        rows = {"network.heads.interaction": interactions, objects: object_classes(vocabulary)}
        return {f"{layer}.{kind}": {0: names} for layer, names in rows.items() for kind in ("weight", "bias")}

    @property
    def variant(self) -> str:
        """Which network of the paper this is: ``s``, ``m`` or ``l``; ``own`` for any other."""
        options = self.config.network
        names = {("resnet50", 3): "s", ("resnet101", 3): "m", ("resnet101", 6): "l"}
        name = names.get((options.backbone, options.decoder_layers), "own")
        if self.config.text.zero_shot:
            return f"{name}, zero-shot {self.config.text.zero_shot}"
        return name

    @property
    def zero_shot(self) -> bool:
        """Whether training sees only some of the interactions."""
        return self.seen is not None or self.seen_weight is not None

    def _seen_logits(self, features: Tensor) -> Tensor:
        classifier = self.network.heads.interaction
        if self.seen_weight is not None and self.seen_bias is not None:
            assert isinstance(classifier, TextClassifier)
            return cosine_logits(features, self.seen_weight, self.seen_bias, classifier.logit_scale)
        assert self.seen is not None
        return classifier(features)[..., self.seen]

    def loss(
        self, outputs: GenVlktOutputs, targets: Sequence[PairTargets], counts: LossNormaliser | None = None
    ) -> dict[str, Tensor]:
        """The loss of a batch, term by term; what is minimised is the sum.

        Args:
            outputs: of `forward`, for B images.
            targets: B; for the mimic loss with ``teacher_image`` or ``teacher_feature``.
            counts: mean of `count` over the parts of a training step; by default this batch is all of it.

        Returns:
            Weighted terms: ``interaction``, ``object``, ``human_box``, ``object_box``, ``human_giou``,
            ``object_giou``, ``mimic``, and those of layer i as ``interaction_i``, ...
        """
        terms = self.loss_terms(outputs, targets, counts)
        return {name: value * weight_of(name, self.config.loss) for name, value in terms.items()}

    def loss_terms(
        self, outputs: GenVlktOutputs, targets: Sequence[PairTargets], counts: LossNormaliser | None = None
    ) -> dict[str, Tensor]:
        """The terms of `loss` without their weights."""
        device = outputs.human_boxes.device
        targets = [target.to(device) for target in targets]
        width = outputs.interaction_logits.shape[-1]
        classes = self._classes_of(targets, seen=self.seen is not None and width == len(self.seen))
        if any(c.shape[1] != width for c in classes):
            raise InputError(
                f"the outputs have {width} interaction classes, the targets {[c.shape[1] for c in classes]}; "
                "which of them training sees is not known" * (self.seen is None and self.zero_shot)
            )
        options = self.config.loss
        teacher = self._teacher_features(targets) if options.mimic != "none" else None
        return loss_terms(outputs, targets, classes, teacher, options, counts)

    def count(self, targets: Sequence[PairTargets]) -> Tensor:
        """What the loss's sums are divided by in training; see `losses.count_targets`."""
        classes = self._classes_of(targets, seen=self.seen is not None)
        return count_targets(targets, classes, self.config.network.queries, self.config.loss.background)

    def _classes_of(self, targets: Sequence[PairTargets], seen: bool) -> list[Tensor]:
        """(T, I) of each target: its interactions or verbs, or only the seen ones."""
        classes = [target.verbs if self.per_verb else target.interactions for target in targets]
        return [c[:, self.seen.to(c.device)] for c in classes] if seen and self.seen is not None else classes

    @torch.no_grad()
    def _teacher_features(self, targets: Sequence[PairTargets]) -> Tensor:
        if self.config.text.teacher == "caption" and self.captions is not None:
            present = torch.stack([t.interactions.sum(0).clamp(max=1) for t in targets])
            # as long as features that a layer normalisation made
            return F.normalize(present @ self.captions, dim=-1) * math.sqrt(self.captions.shape[1])
        features = [t.teacher_feature for t in targets]
        if all(f is not None for f in features):
            return torch.stack([f for f in features if f is not None])
        images = [t.teacher_image for t in targets if t.teacher_image is not None]
        if self.teacher is None or len(images) != len(targets):
            raise InputError(
                "the mimic loss needs targets with teacher_feature, or with teacher_image and a model.teacher; "
                "loss.mimic=none trains without"
            )
        return self.teacher(torch.stack(images))

    @torch.no_grad()
    def decode(
        self, outputs: GenVlktOutputs, sizes: Tensor, detections: Sequence[Detections] | None = None
    ) -> list[Interactions]:
        """Predictions as interactions, by the rule and with the suppression that the configuration says.

        Args:
            outputs: of `forward` in evaluation mode, for B images.
            sizes: (B, 2) height, width of the original images; boxes come in their pixels and may reach beyond.
            detections: not used; the network finds people and objects itself.
        """
        options = self.config.decoding
        found = decode.detections(outputs, sizes, self.vocabulary, self.per_verb, options)
        if options.nms:
            found = decode.suppress(found, options)
        return decode.to_interactions(found, sizes, self.vocabulary)

    def predict_batch(
        self, images: Sequence[NDArray[np.uint8]], detections: Sequence[Detections] | None
    ) -> list[Interactions]:
        """The interactions in a few RGB images; see `HoiModel`."""
        batch, sizes = self.preprocess(images)
        outputs = self(batch.to(self.device, self.dtype), sizes, auxiliary=False)
        return self.decode(outputs, torch.tensor([image.shape[:2] for image in images]))

    def preprocess(self, images: Sequence[NDArray[np.uint8]]) -> tuple[Tensor, Tensor]:
        """RGB images (H, W, 3) -> the `images` and `sizes` of `forward`, on the CPU."""
        options = self.config.decoding
        if self.canvas is not None:
            return pad([to_tensor(fit_image(image, *self.canvas)) for image in images], self.canvas)
        return pad([to_tensor(resize_image(image, options.short_side, options.long_side)) for image in images])

    def prepare_inference(self) -> GenVlkt:
        """Make prediction faster, in place; see `prepare_for_inference`."""
        return prepare_for_inference(self)

    def with_classes(
        self,
        verbs: Sequence[str] | None = None,
        objects: Sequence[str] | None = None,
        *,
        vocabulary: Vocabulary | None = None,
        encoder: str | None = None,
    ) -> GenVlkt:
        """A model that finds other verbs and objects, given as text; see `HoiModel` and `text.with_classes`."""
        from interplay.models.gen_vlkt.open_vocabulary import wanted_vocabulary
        from interplay.models.gen_vlkt.text import with_classes

        return with_classes(self, wanted_vocabulary(self.vocabulary, verbs, objects, vocabulary), encoder=encoder)

    def explain_image(
        self, image: NDArray[np.uint8], detections: Detections | None, min_score: float, top_k: int
    ) -> tuple[Interactions, list[Explanation]]:
        """What the queries of the best interactions attend to; see `HoiModel.explain`."""
        from interplay.models.gen_vlkt.explain import explain_image

        return explain_image(self, image, min_score, top_k)

    def description(self) -> dict[str, Any]:
        """What a weights file says about the network, enough to build it again."""
        return {
            **super().description(),
            "seen": None if self.seen is None else self.seen.tolist(),
            "own_seen_classifier": None if self.seen_bias is None else len(self.seen_bias),
        }

    @classmethod
    def from_description(cls, description: Mapping[str, Any]) -> Self:
        """The network that `description` describes, without weights; see `DescribedModel`."""
        given = GenVlktDescription.model_validate(description)
        return cls(given.vocabulary, given.config, given.seen, given.own_seen_classifier)

    @torch.no_grad()
    def _start_at(self, prior: float) -> None:
        """Set the interaction classifier's bias so that every class starts with this probability."""
        classifier = self.network.heads.interaction
        logit = math.log(prior / (1 - prior))
        scaled = isinstance(classifier, TextClassifier)
        classifier.bias.fill_(logit / math.exp(LOGIT_SCALE) if scaled else logit)

    def text_parameters(self) -> list[nn.Parameter]:
        """Rows and biases of the classifiers that are made of text (their scales are ordinary parameters)."""
        classifiers = [m for m in self.network.modules() if isinstance(m, TextClassifier)]
        own = [p for p in (self.seen_weight, self.seen_bias) if p is not None]
        return [*own, *(p for c in classifiers for p in (c.weight, c.bias))]

    def parameter_groups(self) -> dict[str, list[nn.Parameter]]:
        """Trainable parameters by the learning rate that they have in the paper: backbone, text, and the rest."""
        text = {id(p) for p in self.text_parameters()}
        backbone = {id(p) for p in self.network.backbone.parameters()}
        groups: dict[str, list[nn.Parameter]] = {"default": [], "backbone": [], "text": []}
        for parameter in self.parameters():
            if parameter.requires_grad:
                key = "text" if id(parameter) in text else "backbone" if id(parameter) in backbone else "default"
                groups[key].append(parameter)
        return groups


def object_classes(vocabulary: Vocabulary, absent: bool | None = None) -> list[str]:
    """Object classes of the classifier: the vocabulary's, one for "none", background.

    Args:
        absent: whether there is a class for "none"; by default where interactions lack an object.
    """
    absent = has_absent(vocabulary) if absent is None else absent
    return [*vocabulary.objects, *(["(none)"] if absent else []), "(background)"]


def has_absent(vocabulary: Vocabulary) -> bool:
    """Whether some interactions are without an object."""
    return bool((vocabulary.interactions[:, 1] < 0).any())


def pad(images: Sequence[Tensor], canvas: tuple[int, int] | None = None) -> tuple[Tensor, Tensor]:
    """Images (3, H, W) of several sizes as one batch, padded at the right and at the bottom with zeros.

    Args:
        images: to pad.
        canvas: H and W of the batch; by default the largest of the images'.

    Returns:
        (B, 3, H, W) and (B, 2) height, width of each image.
    """
    sizes = torch.tensor([image.shape[1:] for image in images])
    height, width = canvas or sizes.amax(0).tolist()
    batch = images[0].new_zeros(len(images), 3, height, width)
    for row, image in zip(batch, images, strict=True):
        row[:, : image.shape[1], : image.shape[2]] = image
    return batch, sizes
