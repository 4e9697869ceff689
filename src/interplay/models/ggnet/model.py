"""GGNet: "Glance and Gaze: Inferring Action-aware Points for One-Stage Human-Object Interaction Detection".

Xubin Zhong, Xian Qu, Changxing Ding, Dacheng Tao, CVPR 2021. The networks of PPDM (Yue Liao et al., CVPR 2020), from
which GGNet derives, are the special case without gaze steps.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from typing_extensions import Self

from interplay.errors import InputError
from interplay.interactions import Interactions
from interplay.layers.folding import fold_batch_norms
from interplay.layers.normalisers import LossNormaliser
from interplay.models.base import ClassAxes, HoiModel
from interplay.models.ggnet.channels import verb_channels
from interplay.models.ggnet.config import GGNetConfig, GGNetDescription
from interplay.models.ggnet.decode import (
    Candidates,
    Matched,
    Peaks,
    average_with_mirrored,
    centres_of,
    combine,
    detected_candidates,
    find_peaks,
    peak_candidates,
    score_heatmap,
    select,
    to_interactions,
)
from interplay.models.ggnet.losses import loss_terms, loss_weights
from interplay.models.ggnet.network import GGNetOutputs, StackHeads, build_backbone
from interplay.models.ggnet.targets import GGNetTargets, TargetEncoder
from interplay.models.ggnet.transforms import View, network_input
from interplay.models.plain import PlainForward, PlainTensor
from interplay.systems import SYSTEMS
from interplay.vocabulary import Vocabulary

if TYPE_CHECKING:
    from interplay.detectors import Detections
    from interplay.explanations import Explanation


class GGNet(HoiModel):
    """One-stage detector: objects and interaction points are peaks of heatmaps, matched by predicted offsets.

    Args:
        vocabulary: what the classes mean.
        config: every choice; see `GGNetConfig`.
        verbs: indices into ``vocabulary.verbs`` of the verb channels, in their order. By default all verbs that
            take an object.
        pairs: (channels, objects) bool, which verbs are meaningful with which objects; others are never predicted and
            never a hard negative. By default as the vocabulary's interactions say, or all if it lists none.

    Attributes:
        channels: which channel of the interaction heatmaps stands for which verb.
    """

    config: GGNetConfig
    system = "ggnet"
    description_class = GGNetDescription
    pairs: Tensor
    explains = True
    class_buffers = decoding_buffers = ("pairs",)
    default_min_score = SYSTEMS["ggnet"].default_min_score
    how_to_use_detections = (
        '--decoding boxes=detector, or set_decoding(boxes="detector"), lets it use those of another detector'
    )

    def __init__(
        self,
        vocabulary: Vocabulary,
        config: GGNetConfig | None = None,
        verbs: Sequence[int] | None = None,
        pairs: NDArray[np.bool_] | None = None,
    ) -> None:
        super().__init__(vocabulary, config or GGNetConfig())
        vocabulary.require_person("GGNet")
        known = len(vocabulary.verbs)
        if unknown := [verb for verb in verbs or () if not 0 <= verb < known]:
            raise InputError(f"verbs must be indices from 0 to {known - 1} into the vocabulary's verbs, got {unknown}")
        options = self.config.network
        self.channels = verb_channels(vocabulary, options.verbs, verbs)
        shape = self.channels.meaningful.shape
        pairs = self.channels.meaningful if pairs is None else np.asarray(pairs, bool)
        if pairs.shape != shape:
            raise InputError(f"pairs must have shape {shape} (verbs, objects), got {pairs.shape}")
        self.register_buffer("pairs", torch.from_numpy(pairs & (self.channels.verb >= 0)))
        self.backbone = build_backbone(options.backbone)
        self.heads = nn.ModuleList(
            StackHeads(self.backbone.channels, shape[1], shape[0], options) for _ in range(self.backbone.stacks)
        )

    def forward(self, images: Tensor, sizes: Tensor | None = None) -> GGNetOutputs:
        """Predict.

        Args:
            images: (B, 3, H, W) as `preprocess` makes them; H and W multiples of ``backbone.divisor``.
            sizes: not needed here; every model of the library takes it.

        Returns:
            The maps of every stack. Those that neither training nor the result needs are computed when asked for.

        Raises:
            InputError: the shape does not fit.
        """
        divisor = self.backbone.divisor
        if images.ndim != 4 or images.shape[1] != 3 or images.shape[2] % divisor or images.shape[3] % divisor:
            raise InputError(
                f"expected images (B, 3, H, W) with H and W multiples of {divisor}, got {tuple(images.shape)}"
            )
        stacks = [heads(levels) for heads, levels in zip(self.heads, self.backbone(images), strict=True)]
        for maps in stacks if self.training else stacks[-1:]:
            for name in maps if self.training else self.needed_maps:
                maps[name]
        if self.config.decoding.flip and not self.training:
            last = self.heads[-1](self.backbone(images.flip(3))[-1])
            return GGNetOutputs([average_with_mirrored(stacks[-1], last)])
        return GGNetOutputs(stacks)

    def plain_inputs(self) -> tuple[PlainTensor, ...]:
        """As of `forward`."""
        return (PlainTensor("images", ("batch", 3, "height", "width"), divisor=self.backbone.divisor),)

    def plain_outputs(self) -> tuple[str, ...]:
        """The maps of the last stack that decoding reads, whole ones."""
        return (*self.needed_maps, "wh", "reg", "sub_offset", "obj_offset")

    def export_forward(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        """Images -> the maps by `plain_outputs`; see `HoiModel`."""
        maps = self.heads[-1](self.backbone(*inputs)[-1])
        return tuple(maps[name] for name in self.plain_outputs())

    def forward_through(self, run: PlainForward, images: Tensor, sizes: Tensor | None = None) -> GGNetOutputs:
        """See `HoiModel`."""
        maps = dict(zip(self.plain_outputs(), run(images), strict=True))
        if self.config.decoding.flip:
            maps = average_with_mirrored(maps, dict(zip(maps, run(images.flip(3)), strict=True)))
        return GGNetOutputs([maps])

    def fixed_size(self, wanted: tuple[int, int] | None = None) -> tuple[int, int]:
        """That of ``decoding.input_size``; see `HoiModel`."""
        if self.config.decoding.resize != "fit":
            raise InputError("with decoding resize=keep every image has a size of its own: export it with --dynamic")
        size = self.input_shape(0, 0)
        if wanted not in (None, size):
            raise InputError(f"GGNet's images are {size[0]} x {size[1]}, as decoding input_size={size[0]} says")
        return size

    @property
    def needs_detections(self) -> bool:
        """Whether `predict` needs another detector's boxes: with ``decoding.boxes=detector``."""
        return self.config.decoding.boxes == "detector"

    @property
    def verbs(self) -> tuple[int, ...]:
        """Indices into the vocabulary's verbs of those that are predicted."""
        return self.channels.verbs

    def class_axes(self) -> ClassAxes:
        """The channels of object centres, interaction heatmaps and offsets per verb; see `HoiModel`."""
        verbs = self.channels.names
        names = {
            "objects": self.vocabulary.objects,
            "verbs": verbs,
            "offsets": [f"{verb} {axis}" for verb in verbs for axis in "xy"],
        }
        return {
            f"heads.{stack}.{layer}.{kind}": {0: names[what]}
            for stack, heads in enumerate(self.heads)
            for layer, what in heads.class_layers().items()  # type: ignore[operator]  # of StackHeads
            for kind in ("weight", "bias")
        }

    @property
    def needed_maps(self) -> tuple[str, ...]:
        """The heatmaps that a result is read from; of the other maps it needs single pixels."""
        return ("hm", *self.score_heatmaps)

    @property
    def score_heatmaps(self) -> tuple[str, ...]:
        """The heatmaps from which interaction points are read."""
        network = self.config.network
        return network.interaction_heatmaps if self.config.decoding.score_map == "product" else (network.final_heatmap,)

    def loss(
        self, outputs: GGNetOutputs, targets: GGNetTargets, counts: LossNormaliser | None = None
    ) -> dict[str, Tensor]:
        """The loss of a batch, term by term; what is minimised is the sum.

        Args:
            outputs: of `forward` in training mode, or any maps by name.
            targets: of `encode`.
            counts: mean of `losses.count_targets` over the parts of a training step; by default this batch is all of
                it.

        Returns:
            Weighted terms; see `losses.loss_terms` for their names and the values without weights.
        """
        weights = loss_weights(self.config)
        terms = loss_terms(outputs, targets, self.config, counts)
        return {name: weights[name] * term for name, term in terms.items()}

    def encode(
        self, annotations: Sequence[Interactions], views: Sequence[View], width: int, height: int
    ) -> GGNetTargets:
        """What the network should predict for a batch.

        Interactions without object, and verbs that are not among the model's, have no interaction point and are left
        out.

        Args:
            annotations: one per image, in pixels of the image.
            views: the part of each image that the network sees.
            width, height: of the network's input.
        """
        return self.encoder()(annotations, views, width, height)

    def encoder(self) -> TargetEncoder:
        """What `encode` does, apart from the network."""
        channels = np.full(len(self.vocabulary.verbs), -1, np.int64)
        channels[list(self.verbs)] = self.channels.channel
        return TargetEncoder(self.config, channels, self.pairs.cpu().numpy(), self.backbone.stride)

    def view(self, width: int, height: int, input_width: int, input_height: int) -> View:
        """The part of a `width` x `height` image that an input of this size shows: all of it."""
        if self.config.decoding.resize == "fit":
            return View((width / 2, height / 2), max(width, height * input_width / input_height), width)
        return View((width // 2, height // 2), input_width, width)

    def preprocess(self, images: Sequence[NDArray[np.uint8]]) -> tuple[Tensor, Tensor]:
        """Images as the network's input.

        Args:
            images: (H, W, 3) red, green, blue, 0..255; sizes may differ. With ``resize=keep`` all have the largest
                input of any of them, and a result depends on where in it the image lies; `predict` therefore puts
                only those together whose inputs have one shape.

        Returns:
            (B, 3, h, w) float32, blue first, normalised, and (B, 2) int64 height, width of the images.
        """
        sizes = [image.shape[:2] for image in images]
        height, width = np.max([self.input_shape(*size) for size in sizes], axis=0).tolist()
        batch = [
            network_input(image, self.view(w, h, width, height), width, height)
            for image, (h, w) in zip(images, sizes, strict=True)
        ]
        return torch.from_numpy(np.stack(batch)), torch.tensor(sizes)

    def input_shape(self, height: int, width: int) -> tuple[int, int]:
        """Height and width of the network's input for an image of this size."""
        options, divisor = self.config.decoding, self.backbone.divisor
        if options.resize == "fit":
            side = -(-options.input_size // divisor) * divisor
            return side, side
        # to the next multiple, and a whole one beyond if a side is one already
        return (height // divisor + 1) * divisor, (width // divisor + 1) * divisor

    @torch.no_grad()
    def decode(
        self, outputs: GGNetOutputs, sizes: Tensor, detections: Sequence[Detections] | None = None
    ) -> list[Interactions]:
        """From maps to interactions in the images.

        Args:
            outputs: of `forward`.
            sizes: (B, 2) height, width of the images.
            detections: boxes of another detector to use instead of the network's own, one per image (Table 5, double
                dagger), labelled in the model's vocabulary.

        Returns:
            One per image. Its boxes are the humans and objects that take part; a person who is both appears twice.
            Triplets are sorted by human, object (best first) and verb.
        """
        matched = self.match(outputs, sizes, detections)
        return [
            to_interactions(found, self.channels.verb, self.vocabulary, (height, width))
            for found, (height, width) in zip(matched, sizes.tolist(), strict=True)
        ]

    @torch.no_grad()
    def match(
        self, outputs: GGNetOutputs, sizes: Tensor, detections: Sequence[Detections] | None = None
    ) -> list[Matched]:
        """Interaction points with their humans and objects, one per image; arguments as of `decode`."""
        options = self.config.decoding
        heat = score_heatmap(outputs.heads, self.score_heatmaps)
        input_height, input_width = (side * self.backbone.stride for side in heat.shape[2:])
        views = [self.view(w, h, input_width, input_height) for h, w in sizes.tolist()]
        same: list[NDArray[np.bool_] | None] = [None] * len(views)
        if detections is None:
            humans, objects = self._own_candidates(outputs, sizes, views)
        else:
            map_size = heat.shape[3], heat.shape[2]
            found = [detected_candidates(d, v, map_size) for d, v in zip(detections, views, strict=True)]
            humans = [select(c, c.label == self.vocabulary.person, options.top_k) for c in found]
            objects = [select(c, c.label >= 0, options.top_k) for c in found]
            same = [(h.boxes[:, None] == o.boxes).all(-1) for h, o in zip(humans, objects, strict=True)]
        pairs = self.pairs.cpu().numpy()
        results = []
        for i, points in enumerate(find_peaks(heat, options.top_k)):
            centres = [centres_of(points, _at(outputs, name, i, points)) for name in ("sub_offset", "obj_offset")]
            given = humans[i], objects[i], pairs, options.matching, same[i]
            results.append(combine(points, np.stack(centres), *given))
        return results

    def _own_candidates(
        self, outputs: GGNetOutputs, sizes: Tensor, views: Sequence[View]
    ) -> tuple[list[Candidates], list[Candidates]]:
        """Humans and objects of each image by the peaks of the object heatmaps."""
        options, person = self.config.decoding, self.vocabulary.person
        heat = outputs.heads["hm"].float().sigmoid()
        map_size = heat.shape[3], heat.shape[2]
        found: list[list[Candidates]] = []
        for heatmaps, first in ((heat[:, person : person + 1], person), (heat, 0)):
            found.append([])
            for i, peaks in enumerate(find_peaks(heatmaps, options.top_k)):
                size, shift = (_at(outputs, name, i, peaks) for name in ("wh", "reg"))
                height = int(sizes[i, 0])
                found[-1].append(
                    peak_candidates(peaks, size, shift, map_size, views[i], height, options.min_side, first)
                )
        return found[0], found[1]

    def predict_batch(
        self, images: Sequence[NDArray[np.uint8]], detections: Sequence[Detections] | None
    ) -> list[Interactions]:
        """The interactions in RGB images (H, W, 3); ``predict`` calls it in evaluation mode without gradients."""
        shapes = [self.input_shape(*image.shape[:2]) for image in images]
        results: dict[int, Interactions] = {}
        for shape in dict.fromkeys(shapes):  # padded by another's size, an image would give another result
            members = [i for i, other in enumerate(shapes) if other == shape]
            batch, sizes = self.preprocess([images[i] for i in members])
            given = None if detections is None else [detections[i] for i in members]
            found = self.decode(self(batch.to(self.device, self.dtype), sizes), sizes, given)
            results |= dict(zip(members, found, strict=True))
        return [results[i] for i in range(len(images))]

    def explain_image(
        self, image: NDArray[np.uint8], detections: Detections | None, min_score: float, top_k: int
    ) -> tuple[Interactions, list[Explanation]]:
        """Interaction points, ActPoints and matched pairs; see `HoiModel.explain`."""
        from interplay.models.ggnet.explain import explain_image

        return explain_image(self, image, detections, min_score, top_k)

    def prepare_inference(self) -> GGNet:
        """Make inference a little faster on a CPU, for good: the model cannot be trained or saved afterwards.

        Batch normalisation is folded into the convolutions, whose weights are laid out channels last.
        """
        return fold_batch_norms(self).to(memory_format=torch.channels_last)

    def parameter_groups(self) -> dict[str, list[nn.Parameter]]:
        """Parameters by learning rate: the published training gives the glance head ten times that of the rest."""
        groups: dict[str, list[nn.Parameter]] = {"default": [], "glance": []}
        for name, parameter in self.named_parameters():
            groups["glance" if ".glance" in name else "default"].append(parameter)
        return groups

    def description(self) -> dict[str, Any]:
        """What a weights file says about the network, enough to build it again."""
        return {**super().description(), "verbs": list(self.verbs)}

    @classmethod
    def from_description(cls, description: Mapping[str, Any]) -> Self:
        """The network that `description` describes, without weights; see `DescribedModel`."""
        given = GGNetDescription.model_validate(description)
        return cls(given.vocabulary, given.config, given.verbs)


def _at(outputs: GGNetOutputs, name: str, image: int, peaks: Peaks) -> NDArray[np.float32]:
    """A regression map's values (K, channels) at an image's peaks."""
    return outputs.at(name, image, torch.from_numpy(peaks.x), torch.from_numpy(peaks.y)).float().cpu().numpy()
