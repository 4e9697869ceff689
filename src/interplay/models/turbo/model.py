"""Turbo learning as a model: from an image, people and objects to interactions and poses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from interplay.datasets.transforms import output_size, resize_image
from interplay.errors import InputError
from interplay.interactions import Interactions
from interplay.layers.normalisers import LossNormaliser
from interplay.models.base import ClassAxes, HoiModel
from interplay.models.plain import PlainForward, PlainTensor
from interplay.vocabulary import Vocabulary

from .config import TurboConfig, TurboDescription
from .decode import UsedBoxes, decode_image, used_boxes
from .inference import lay_out
from .losses import TurboTargets, loss_terms
from .network import Stage, TurboNetwork, TurboOutputs, network_image

if TYPE_CHECKING:
    from interplay.detectors import Detections
    from interplay.explanations import Explanation
    from interplay.models.feature_cache import StoredImage


class Turbo(HoiModel):
    """A network of Turbo learning with its vocabulary, its loss and its way to interactions.

    Its classes are the vocabulary's verbs: V-COCO's 26 actions are 29, since three have two kinds of objects.

    Args:
        vocabulary: what labels and verbs mean.
        config: every choice; see `TurboConfig`.

    Raises:
        InputError: the vocabulary has no object "person".
    """

    config: TurboConfig
    system = "turbo"
    description_class = TurboDescription
    explains = True
    needs_detections = True

    def __init__(self, vocabulary: Vocabulary, config: TurboConfig | None = None) -> None:
        super().__init__(vocabulary, config or TurboConfig())
        vocabulary.require_person("Turbo learning")
        self.network = TurboNetwork(self.config.network, len(vocabulary.verbs), len(vocabulary.objects))

    @property
    def variant(self) -> str:
        """How many stages."""
        stages = self.config.network.stages
        return f"{stages} stage{'s' * (stages > 1)}"

    def forward(self, *arguments: Any, **options: Any) -> TurboOutputs:
        """What the network finds about people and boxes; see `TurboNetwork.forward`."""
        return self.network(*arguments, **options)

    def plain_inputs(self) -> tuple[PlainTensor, ...]:
        """An image and its people; also all boxes where ``decoding.rescore`` is set."""
        inputs = PlainTensor("image", (1, 3, "height", "width")), PlainTensor("people", ("people", 4))
        return (*inputs, PlainTensor("boxes", ("boxes", 4))) if self.config.decoding.rescore else inputs

    def plain_outputs(self) -> tuple[str, ...]:
        """What decoding reads of every stage, first one first, and of the boxes."""
        options = self.config.network
        kinds = [*(["logits", "places"] if options.hoi else []), *(["pose"] if options.pose else [])]
        stages = options.stages if options.hoi else 1
        names = [f"{kind}_{stage + 1}" for stage in range(stages) for kind in kinds]
        return (*names, *(["classes", "moves"] if self.config.decoding.rescore else []))

    def export_forward(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        """What the network finds about people (P, 4) in an image (1, 3, H, W), in pixels of it; see `HoiModel`."""
        image, *boxes = inputs
        crops = [self.network.crops_of_image(self.network.stem(image), given) for given in boxes]
        stages, _ = self.network.stages(crops[0])
        found = {f"{kind}_{i + 1}": value for i, stage in enumerate(stages) for kind, value in vars(stage).items()}
        if self.network.detection is not None and len(crops) > 1:
            found["classes"], found["moves"] = self.network.detection(crops[1])
        return tuple(found[name] for name in self.plain_outputs())

    def forward_through(
        self, run: PlainForward, images: Sequence[Tensor], humans: Tensor, boxes: Tensor | None = None
    ) -> TurboOutputs:
        """See `HoiModel`; of one image. Masks and the pose before the first stage are not among the outputs."""
        [image] = images
        given = [humans[:, 1:], *([] if boxes is None else [boxes[:, 1:]])]
        found = dict(zip(self.plain_outputs(), run(image[None], *given), strict=True))
        count = self.config.network.stages if self.config.network.hoi else 1
        stages = [Stage(*(found.get(f"{kind}_{i + 1}") for kind in ("logits", "places", "pose"))) for i in range(count)]
        return TurboOutputs(tuple(stages), None, found.get("classes"), found.get("moves"))

    def fixed_size(self, wanted: tuple[int, int] | None = None) -> tuple[int, int]:
        """There is none; see `HoiModel`."""
        raise InputError("Turbo learning looks at whole images of their own sizes: export it with --dynamic")

    def class_axes(self) -> ClassAxes:
        """The rows of actions, of their targets' places and of the detection branch; see `HoiModel`.

        Layers that read H_out see probabilities and places of actions in their columns.
        """
        verbs = list(self.vocabulary.verbs)
        places = [f"{verb} {axis}" for verb in verbs for axis in ("x", "y", "width", "height")]
        hidden = [f"hidden {i}" for i in range(self.config.network.width)]
        carried = [*hidden, *verbs, *places]
        axes: dict[str, dict[int, Sequence[str]]] = {}
        for name, parameter in self.named_parameters():
            if ".act." in name:
                axes[name] = {0: verbs}
            elif ".place." in name:
                axes[name] = {0: places}
            elif name.startswith("network.detection.classify."):
                axes[name] = {0: [*self.vocabulary.objects, "nothing at all"]}
            elif name.endswith((".first.hoi.weight", ".attention.weight")) and parameter.shape[1] == len(carried):
                axes[name] = {1: carried}
        return axes

    def parameter_groups(self) -> dict[str, list[nn.Parameter]]:
        """Everything that changes, at one rate."""
        return {"default": [parameter for parameter in self.parameters() if parameter.requires_grad]}

    def set_decoding(self, **options: Any) -> None:
        """See `HoiModel`.

        Raises:
            InputError: options that do not suit the network.
        """
        before = self.config
        super().set_decoding(**options)
        decoding, network = self.config.decoding, self.config.network
        problem = None
        if decoding.stage is not None and decoding.stage > network.stages:
            problem = f"decoding option stage: the network has {network.stages} stages, got {decoding.stage}"
        elif decoding.rescore and not network.detection:
            problem = "decoding option rescore: the network was built without detection branch"
        if problem:
            self.config = before
            raise InputError(problem)

    def prepare_inference(self) -> Turbo:
        """See `lay_out`; the model can then not be trained or saved."""
        lay_out(self.network)
        return self

    def loss(
        self, outputs: TurboOutputs, targets: TurboTargets, counts: LossNormaliser | None = None
    ) -> dict[str, Tensor]:
        """The terms of the loss, each stage's by its number; the sum is minimised (Equation 6).

        Args:
            outputs: of `forward` for proposals.
            targets: what is true of them.
            counts: mean of `TurboTargets.counts` over the parts of a training step; by default this batch is all.
        """
        return loss_terms(outputs, targets, self.config.loss, counts or LossNormaliser(targets.counts()))

    def decode(
        self, outputs: TurboOutputs, sizes: Tensor, detections: Sequence[Detections] | None = None
    ) -> list[Interactions]:
        """Interactions with keypoints, best first.

        Args:
            outputs: of `forward` for the people that `used_boxes` gives of each image, and for all boxes if the
                detection branch scores them.
            sizes: (B, 2) height, width.
            detections: people and objects, B of them.

        Raises:
            InputError: no detections.
        """
        if detections is None:
            raise InputError("Turbo learning works on people and objects that a detector found: decode needs these")
        stage = outputs.stages[(self.config.decoding.stage or 0) - 1]
        results, first, first_box = [], 0, 0
        for found, (height, width) in zip(detections, sizes.tolist(), strict=True):
            used = self.used(found)
            own = slice(first, first + len(used.humans))
            first, rows = own.stop, slice(first_box, first_box + len(found))
            first_box = rows.stop
            parts = Stage(*(None if part is None else part[own] for part in (stage.logits, stage.places, stage.pose)))
            given = found if outputs.classes is None else self._rescored(found, outputs.classes[rows])
            image = decode_image(given, used, parts, self.vocabulary, self.config.decoding)
            results.append(replace(image, height=height, width=width))
        return results

    def used(self, found: Detections) -> UsedBoxes:
        """Which of an image's detections are people, and objects, that are looked at."""
        return used_boxes(found, self.vocabulary.person, self.config.decoding)

    def predict_batch(
        self, images: Sequence[NDArray[np.uint8]], detections: Sequence[Detections] | None
    ) -> list[Interactions]:
        """Interactions and poses of given detections."""
        assert detections is not None  # predict() sees to it
        return [self._predict_one(image, found) for image, found in zip(images, detections, strict=True)]

    def look(self, image: NDArray[np.uint8], found: Detections) -> tuple[TurboOutputs, UsedBoxes]:
        """What the network finds about the people in an RGB image (H, W, 3)."""
        decoding = self.config.decoding
        pixels = resize_image(image, decoding.short_side, decoding.long_side)
        return self.look_at(network_image(pixels).to(self.device, self.dtype), image.shape[:2], found)

    def look_at(
        self, seen: Tensor | StoredImage, size: tuple[int, ...], found: Detections
    ) -> tuple[TurboOutputs, UsedBoxes]:
        """What the network finds about the people in an image that it has in its own size, or the map of.

        Args:
            seen: see `TurboNetwork.forward`.
            size: height and width of the image that `found` is in.
            found: people and objects.
        """
        used, decoding = self.used(found), self.config.decoding
        own = output_size(size[1], size[0], decoding.short_side, decoding.long_side)
        scale = np.tile(np.array(own) / np.array(size[::-1]), 2)
        boxes = torch.from_numpy((found.boxes * scale).astype(np.float32)).to(self.device)
        numbered = torch.cat([boxes.new_zeros(len(boxes), 1), boxes], 1)
        return self([seen], numbered[torch.from_numpy(used.humans)], numbered if decoding.rescore else None), used

    def explain_image(
        self, image: NDArray[np.uint8], detections: Detections | None, min_score: float, top_k: int
    ) -> tuple[Interactions, list[Explanation]]:
        """Attention masks, poses and where targets should be, stage by stage; see `HoiModel.explain`."""
        from .explain import explain_image

        assert detections is not None  # explain() sees to it
        return explain_image(self, image, detections, min_score, top_k)

    def _predict_one(self, image: NDArray[np.uint8], found: Detections) -> Interactions:
        if not len(self.used(found).humans):
            return Interactions.empty(self.vocabulary)
        outputs, _ = self.look(image, found)
        return self.decode(outputs, torch.tensor([image.shape[:2]]), [found])[0]

    def _rescored(self, found: Detections, logits: Tensor) -> Detections:
        """Detections with the detection branch's probability of their class."""
        scores = logits.float().softmax(1).cpu().numpy()
        return replace(found, scores=scores[np.arange(len(found)), found.labels])
