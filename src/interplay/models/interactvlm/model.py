"""InteractVLM as it is trained: the network, what it is asked, its losses, and a file of the weights that change."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from typing_extensions import Self

from interplay.body.cameras import View
from interplay.body.lifting import lift_human, lift_object, lift_points
from interplay.body.model import PARTS
from interplay.errors import InputError
from interplay.layers.normalisers import LossNormaliser
from interplay.models.contact import ContactFinder, ContactModel
from interplay.models.interactvlm.config import InteractVlmConfig, InteractVlmDescription, MaskKind
from interplay.models.interactvlm.losses import ContactSample, LossWeights, contact_losses, kind_of
from interplay.models.interactvlm.modules import resize_masks
from interplay.models.interactvlm.network import InteractVlm, sam_pixels
from interplay.models.interactvlm.words import WordTokenizer
from interplay.text.encoders import require_transformers
from interplay.vocabulary import Vocabulary

UNLEARNT = -100
"""Label of tokens that are given, not learnt."""
_TRAINED_WITH_LORA = ("lora_", "lm_head", "embed_tokens", "text_hidden_fcs", "mask_decoder", "cam_pose_encoder")
_TRAINED_TOO = ("attention_splitter", "fusion", "uncertainty")
LORA_TARGETS = ["q_proj", "v_proj"]
"""The language model's layers that LoRA changes."""


@dataclass(frozen=True)
class Canvas:
    """What a sample's masks are drawn on: V views of a body or of an object, or the photograph itself.

    Attributes:
        images: (V, 3, h, w) uint8, (H, W) for the photograph.
        views: (V, 5) cameras as of `View`; NaN for the photograph.
        pix_to_face, bary, faces: as of `interplay.body.lifting`, of a mesh; of points `pix_to_face` (V, H, W) names the
            nearest one and the others are empty. All empty for the photograph.
        count: (,) of vertices or points.
    """

    images: Tensor
    views: Tensor
    pix_to_face: Tensor
    bary: Tensor
    faces: Tensor
    count: Tensor

    @property
    def size(self) -> tuple[int, int]:
        """(H, W) of the masks."""
        table = self.pix_to_face if self.pix_to_face.numel() else self.images
        return table.shape[-2], table.shape[-1]

    @property
    def cameras(self) -> list[View | None]:
        """The views' cameras."""
        return [None if row[0] != row[0] else View(*row) for row in self.views.tolist()]


@dataclass(frozen=True)
class TaughtMasks:
    """The masks of one sample.

    Attributes:
        canvas: which of the batch's canvases.
        row: which of its conversations.
        masks: (V, H, W) labels; see `losses.ContactSample`.
        target: (N,) of vertices or points; empty where only masks are taught.
        dataset: name of the data set, which says what kind of labels these are.
    """

    canvas: int
    row: int
    masks: Tensor
    target: Tensor
    dataset: str


@dataclass(frozen=True)
class VlmBatch:
    """S conversations about images.

    Attributes:
        ids: (S, T) tokens, each image's expanded.
        attention: (S, T) 0 where a shorter conversation is filled up.
        labels: (S, T) the tokens to learn, others `UNLEARNT`.
        pixels: (S, 3, H, W) of the vision tower.
        canvases: what masks are drawn on, shared by samples of one body.
        taught: masks of the conversations that have some.
        poses: (S, F) of `interplay.models.pair_geometry.pair_features`, NaN where nothing is known.
        parts: (S, B) whether each of `interplay.body.model.PARTS` touches, 0 or 1; NaN where it is not known.
    """

    ids: Tensor
    attention: Tensor
    labels: Tensor
    pixels: Tensor
    canvases: list[Canvas]
    taught: list[TaughtMasks]
    poses: Tensor
    parts: Tensor

    def to(self, device: torch.device | str) -> VlmBatch:
        """The same on another device."""
        from interplay.training.batches import map_tensors

        return map_tensors(self, lambda tensor: tensor.to(device, non_blocking=True))


@dataclass(frozen=True)
class VlmOutputs:
    """What the network says of a batch.

    Attributes:
        words: (S, T, W) logits of the next token.
        masks: (V, H, W) logits for each of the batch's `taught`, at the size of its canvas; None where the answer has
            no mask.
        parts: (S, B) logits of body parts that touch; None where they are not read.
    """

    words: Tensor
    masks: list[Tensor | None]
    parts: Tensor | None = None


class InteractVlmModel(ContactModel):
    """An InteractVLM in training. Its state, and its file, hold the parameters that are trained and no others.

    Args:
        vocabulary: the objects that it is asked about.
        config: every choice.
        network: by default a random one as `config` says.
        tokenizer: by default that of the config's words.
    """

    config: InteractVlmConfig
    system = "interactvlm"
    description_class = InteractVlmDescription

    def __init__(
        self,
        vocabulary: Vocabulary,
        config: InteractVlmConfig,
        network: InteractVlm | None = None,
        tokenizer: Any = None,
    ) -> None:
        super().__init__(vocabulary, config)
        described = config.network
        self.network = network or random_network(config)
        self.tokenizer = tokenizer or WordTokenizer(described.words)
        self.trains_views = not described.base  # small SAMs learn to see; the published one can
        width = self.network.llava.config.get_text_config().hidden_size
        self.part_head = nn.Linear(width, len(PARTS)) if config.loss.parts else None
        if described.lora_rank:
            add_lora(self.network, described.lora_rank, described.lora_alpha)

    def forward(self, batch: VlmBatch) -> VlmOutputs:
        """Masks and next words of a batch, whose answers are given."""
        network = self.network
        hidden = network.hidden_states(batch.ids, batch.pixels, batch.attention, batch.poses)
        words = network.llava.lm_head(hidden)
        rows, places = network.mask_places(batch.ids)
        place_of = dict(zip(rows.tolist(), places.tolist(), strict=True))
        parts = None
        if self.part_head is not None:
            parts = words.new_full((len(words), len(PARTS)), torch.nan)
            parts = parts.index_put((rows,), self.part_head(hidden[rows, places - 1]))
        masks: list[Tensor | None] = [None] * len(batch.taught)
        if self.training and not self.config.loss.masks:
            return VlmOutputs(words, masks, parts)
        for number, canvas in enumerate(batch.canvases):
            mine = [i for i, each in enumerate(batch.taught) if each.canvas == number and each.row in place_of]
            if not mine:
                continue
            kind = mask_kind(batch.taught[mine[0]].dataset)
            row = torch.tensor([batch.taught[i].row for i in mine], device=hidden.device)
            place = torch.tensor([place_of[batch.taught[i].row] for i in mine], device=hidden.device)
            seen = self._encode(sam_pixels(canvas.images, network.image_size).to(hidden.dtype))
            tokens = network.prompt_tokens(hidden[row, place - 1], batch.ids[row, place], canvas.cameras, kind)
            low = network.decode(seen, tokens, kind)
            shown = (canvas.images.shape[-2], canvas.images.shape[-1])
            scale = network.image_size / max(shown)
            inside = (int(shown[0] * scale + 0.5), int(shown[1] * scale + 0.5))
            for i, logits in zip(mine, resize_masks(low, network.image_size, inside, canvas.size), strict=True):
                masks[i] = logits
        return VlmOutputs(words, masks, parts)

    def loss(self, outputs: VlmOutputs, batch: VlmBatch, counts: LossNormaliser | None = None) -> dict[str, Tensor]:
        """The terms of `contact_losses`, and ``text``: the cross-entropy of the answers' tokens.

        Args:
            counts: the step's tokens that are learnt, as the mean over its parts; the other terms are means over the
                samples of the part.
        """
        options = self.config.loss
        wanted = batch.labels[:, 1:]
        tokens = (
            (wanted != UNLEARNT).sum().clamp(min=1) if counts is None else counts.mean[0].clamp_min(counts.floor(1.0))
        )
        entropy = F.cross_entropy(
            outputs.words[:, :-1].float().flatten(0, 1), wanted.flatten(), ignore_index=UNLEARNT, reduction="sum"
        )
        terms = {"text": options.text * entropy / tokens}
        if outputs.parts is not None:
            known = (batch.parts + outputs.parts).isfinite()
            read = F.binary_cross_entropy_with_logits(outputs.parts[known], batch.parts[known], reduction="sum")
            terms["parts"] = options.parts * read / known.sum().clamp(min=1)
        samples = [
            ContactSample(
                taught.dataset,
                logits,
                taught.masks,
                lifting(batch.canvases[taught.canvas], taught.dataset),
                taught.target,
            )
            for taught, logits in zip(batch.taught, outputs.masks, strict=True)
            if logits is not None
        ]
        weights = LossWeights(**options.model_dump(exclude={"text", "parts", "published_behaviour"}))
        zero = entropy * 0
        names = ("mask_bce", "mask_dice", "mask_l2", "hC", "oC", "oA")
        found = contact_losses(samples, weights, options.published_behaviour) if samples else dict.fromkeys(names, zero)
        return {**terms, **{name: found[name] for name in names}}

    def lifted(self, outputs: VlmOutputs, batch: VlmBatch) -> list[Tensor | None]:
        """(N,) scores of vertices or points for each of the batch's `taught`; None without a mask or lifting."""
        found: list[Tensor | None] = []
        for taught, logits in zip(batch.taught, outputs.masks, strict=True):
            lift = lifting(batch.canvases[taught.canvas], taught.dataset)
            found.append(None if logits is None or lift is None else lift(logits))
        return found

    def _encode(self, pixels: Tensor) -> Tensor:
        if self.trains_views:
            return self.network.sam.vision_encoder(pixels).last_hidden_state
        return self.network.encode_views(pixels)

    def trained_names(self) -> set[str]:
        """Names of the parameters that are trained."""
        if not self.config.network.base:
            return {name for name, _ in self.named_parameters()}
        marks = (*_TRAINED_WITH_LORA, *_TRAINED_TOO)
        return {name for name, _ in self.named_parameters() if any(mark in name for mark in marks)}

    def freeze(self) -> None:
        """Leave what is not trained as it is."""
        trained = self.trained_names()
        for name, parameter in self.named_parameters():
            parameter.requires_grad_(name in trained)

    def state_dict(self, *arguments: Any, **options: Any) -> dict[str, Any]:  # type: ignore[override]
        """The parameters that are trained, and with a network of its own the buffers."""
        state = super().state_dict(*arguments, **options)
        kept = self.trained_names() if self.config.network.base else state.keys()
        return _apart({name: tensor for name, tensor in state.items() if name in kept})

    def load_state_dict(self, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False) -> Any:
        """Take what `state_dict` gave.

        Raises:
            InputError: other parameters than those that are trained.
        """
        wanted = self.state_dict().keys()
        if strict and wanted != state_dict.keys():
            other = sorted(wanted ^ state_dict.keys())
            raise InputError(f"expected the {len(wanted)} tensors that are trained; others: {', '.join(other[:3])}")
        return super().load_state_dict(state_dict, strict=False, assign=assign)

    @property
    def device(self) -> torch.device:
        """Where the parameters are."""
        return next(self.network.text_hidden_fcs.parameters()).device

    def finder(self) -> ContactFinder:
        """See `ContactModel`."""
        from interplay.body.model import load_body_model
        from interplay.body.views import upright_body
        from interplay.models.interactvlm.predict import ContactPredictor

        body, decoding = load_body_model(), self.config.decoding
        return ContactPredictor(
            self.network.eval(), self.tokenizer, upright_body(body.template.vertices), body.faces, "human",
            decoding.template, decoding.max_new_tokens, decoding.given,
        )  # fmt: skip

    @classmethod
    def from_description(cls, description: Mapping[str, Any]) -> Self:
        """The network that `description` describes, without weights.

        Raises:
            InputError: the weights change those of a folder.
        """
        known = InteractVlmDescription.model_validate(description)
        if known.config.network.base:
            raise InputError(
                f"these weights change those of {known.config.network.base}: make one folder of both with 'interplay "
                "import interactvlm FILE -o OUT', and give that"
            )
        return cls(known.vocabulary, known.config)


def random_network(config: InteractVlmConfig) -> InteractVlm:
    """An untrained network as a config describes it.

    Raises:
        InputError: settings that no network has.
        MissingExtraError: transformers is not installed.
    """
    require_transformers("contact")
    from transformers import LlavaConfig, LlavaForConditionalGeneration, SamConfig, SamModel

    described = config.network
    try:
        llava, sam = LlavaConfig.from_dict(dict(described.llava)), SamConfig.from_dict(dict(described.sam))
        network = InteractVlm(LlavaForConditionalGeneration(llava), SamModel(sam), described.options)
    except InputError:
        raise
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        raise InputError(f"no settings of an InteractVLM ({' '.join(str(error).split())[:200]})") from None
    start_by_width(network)
    if network.pose_encoder is not None:
        network.pose_encoder.start()
    return network


def start_by_width(network: nn.Module) -> None:
    """Draw all matrices anew, with a variance of one by the number of their inputs, in place.

    `transformers` draws all with a spread of 0.02, which fits a thousand inputs. Through the many layers of 96 from a
    mask's token to its pixels nothing of the token would be left: all masks would be the same and hardly learn to
    differ. With twice the variance (He et al., arXiv:1502.01852) it learns more slowly at first. Words start near the
    size of what the first layers add to them.
    """
    for module in network.modules():
        if isinstance(module, nn.Embedding):
            nn.init.normal_(module.weight, std=0.3)
        elif isinstance(module, nn.Linear | nn.Conv2d | nn.ConvTranspose2d):
            inputs = module.weight[0].numel() if not isinstance(module, nn.ConvTranspose2d) else module.in_channels
            nn.init.normal_(module.weight, std=inputs**-0.5)
            if module.bias is not None:
                nn.init.zeros_(module.bias)


def add_lora(network: InteractVlm, rank: int, alpha: int, dropout: float = 0.05) -> None:
    """Put LoRA's matrices beside the language model's `LORA_TARGETS`, in place.

    Raises:
        MissingExtraError: peft is not installed.
    """
    try:
        from peft import LoraConfig, inject_adapter_in_model
    except ImportError as error:
        from interplay.errors import MissingExtraError

        raise MissingExtraError("vlm", "peft") from error
    options = LoraConfig(r=rank, lora_alpha=alpha, lora_dropout=dropout, target_modules=LORA_TARGETS, bias="none")
    inject_adapter_in_model(options, network.llava.model.language_model)


def merge_lora(network: InteractVlm) -> None:
    """Add LoRA's matrices to what they stand beside, in place."""
    from peft.tuners.lora import LoraLayer

    for name, module in list(network.named_modules()):
        if isinstance(module, LoraLayer):
            module.merge()
            parent, _, last = name.rpartition(".")
            setattr(network.get_submodule(parent), last, module.get_base_layer())


def mask_kind(dataset: str) -> MaskKind:
    """Whose masks a data set teaches."""
    kinds: dict[str, MaskKind] = {"hcontact": "human", "ocontact": "object", "oafford": "object"}
    return kinds.get(kind_of(dataset), "image")


def lifting(canvas: Canvas, dataset: str) -> Callable[[Tensor], Tensor] | None:
    """From logits (V, H, W) to scores of a canvas's vertices or points; None where only masks count."""
    kind, count = kind_of(dataset), int(canvas.count)
    if kind == "generic" or not count:
        return None
    if not canvas.faces.numel():
        return lambda logits: lift_points(logits.sigmoid(), canvas.pix_to_face, count)
    lift = lift_human if kind == "hcontact" else lift_object
    return partial(lift, pix_to_face=canvas.pix_to_face, bary=canvas.bary, faces=canvas.faces, num_vertices=count)


def parameter_names(names: Sequence[str], module: nn.Module) -> list[nn.Parameter]:
    """A module's parameters by name."""
    known = dict(module.named_parameters())
    return [known[name] for name in names]


def _apart(tensors: dict[str, Any]) -> dict[str, Any]:
    """The same without shared memory, which safetensors refuses: SAM keeps its positions in two places."""
    seen: set[int] = set()
    for name, tensor in tensors.items():
        if tensor.numel() and not tensor.is_meta and tensor.data_ptr() in seen:
            tensors[name] = tensor.clone()
        seen.add(tensor.data_ptr() if not tensor.is_meta else -1)
    return tensors
