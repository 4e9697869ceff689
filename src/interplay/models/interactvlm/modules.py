"""The parts of InteractVLM between the language model and the masks; parameters have their published names.

The language model's `[SEG]` embedding is given one form per view by that view's camera, and all of these forms together
prompt SAM's decoder for every view (`decode_masks`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from interplay.body.cameras import View
from interplay.errors import InputError
from interplay.models.pair_geometry import NUM_FEATURES

if TYPE_CHECKING:
    from transformers import SamConfig

CameraEncoding = Literal["simple", "view_index", "vi_v1"]


def camera_vectors(views: Sequence[View | None]) -> Tensor:
    """(V, 5) what a camera encoder is given for views: `View.normalised`, zeros for an unknown camera."""
    return torch.tensor([(0.0,) * 5 if view is None else view.normalised for view in views])


class CameraEncoder(nn.Module):
    """Base of the encoders of V views' cameras: ``forward`` (..., V, 5) -> (..., V, D); see `condition`."""

    def condition(self, embedding: Tensor, cameras: Tensor) -> Tensor:
        """An embedding (S, D) in the form of each view: (S, V, D), by the product with the camera's encoding.

        Args:
            cameras: (V, 5) of `camera_vectors`.
        """
        return embedding[:, None] * self(cameras)


class PoseEncoder(nn.Module):
    """What the numbers of a person and an object (`interplay.models.pair_geometry`) add to a word's embedding.

    At first nothing, so that a network without poses can learn on with them.

    Args:
        dim: of an embedding.
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self, dim: int, width: int = 256) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(NUM_FEATURES))
        self.register_buffer("deviation", torch.ones(NUM_FEATURES))
        self.layers = nn.Sequential(
            nn.Linear(NUM_FEATURES, width), nn.GELU(), nn.Linear(width, width), nn.GELU(), nn.Linear(width, dim)
        )
        self.start()

    def start(self) -> None:
        """Add nothing."""
        nn.init.zeros_(self.layers[-1].weight)  # type: ignore[arg-type]
        nn.init.zeros_(self.layers[-1].bias)  # type: ignore[arg-type]

    def fit(self, features: Tensor) -> None:
        """Set mean and deviation, which are not learnt, to those of features (P, F)."""
        self.mean.copy_(features.mean(0))
        self.deviation.copy_(features.std(0).clamp_min(0.05))

    @property
    def fitted(self) -> bool:
        """Whether they are set."""
        return bool((self.deviation != 1).any())

    def forward(self, features: Tensor) -> Tensor:
        """(S, dim) of features (S, F); where they are NaN nothing is known, which is taken for the mean."""
        scaled = (features - self.mean) / self.deviation
        return self.layers(torch.where(features.isnan(), 0, scaled))


class SimpleCameraEncoder(CameraEncoder):
    """``simple``: what a camera adds to an embedding."""

    def __init__(self, dim: int = 256, views: int = 4) -> None:
        super().__init__()
        self.linear1 = nn.Linear(5, dim)

    def forward(self, cameras: Tensor) -> Tensor:
        return F.relu(self.linear1(cameras))

    def condition(self, embedding: Tensor, cameras: Tensor) -> Tensor:
        """An embedding (S, D) in the form of each view: (S, V, D), by the sum with the camera's encoding."""
        return embedding[:, None] + self(cameras)


class ViewIndexCameraEncoder(CameraEncoder):
    """``view_index``: a shared encoder whose output is a gate, and one matrix per view."""

    def __init__(self, dim: int = 256, views: int = 4) -> None:
        super().__init__()
        self.spatial_encoder = nn.Sequential(nn.Linear(5, dim), nn.ReLU(), nn.Linear(dim, dim), nn.Sigmoid())
        self.view_transforms = nn.ModuleList(nn.Linear(dim, dim) for _ in range(views))

    def forward(self, cameras: Tensor) -> Tensor:
        return _per_view(self.view_transforms, self.spatial_encoder(cameras))


class GatedCameraEncoder(CameraEncoder):
    """``vi_v1``, of all released models: a narrower shared encoder, one matrix per view, and then the gate."""

    def __init__(self, dim: int = 256, views: int = 4) -> None:
        super().__init__()
        hidden = dim // 2
        self.spatial_encoder = nn.Sequential(nn.Linear(5, hidden), nn.ReLU(), nn.Linear(hidden, hidden), nn.ReLU())
        self.view_transforms = nn.ModuleList(nn.Linear(hidden, dim) for _ in range(views))

    def forward(self, cameras: Tensor) -> Tensor:
        return _per_view(self.view_transforms, self.spatial_encoder(cameras)).sigmoid()


_CAMERA_ENCODERS = {"simple": SimpleCameraEncoder, "view_index": ViewIndexCameraEncoder, "vi_v1": GatedCameraEncoder}


def camera_encoder(kind: CameraEncoding, dim: int = 256, views: int = 4) -> CameraEncoder:
    """A camera encoder by its published name.

    Raises:
        InputError: unknown.
    """
    if kind not in _CAMERA_ENCODERS:
        raise InputError(f"unknown camera encoder {kind!r}: expected {', '.join(_CAMERA_ENCODERS)}")
    return _CAMERA_ENCODERS[kind](dim, views)


def text_projection(hidden: int, dim: int = 256) -> nn.Sequential:
    """From the language model's hidden state (..., hidden) to a prompt's embedding (..., dim)."""
    return nn.Sequential(nn.Linear(hidden, hidden), nn.ReLU(), nn.Linear(hidden, dim), nn.Dropout(0.0))


class AttentionSplitter(nn.Module):
    """One embedding per view into one for the body's masks and one for the object's: one key, two queries.

    ``forward`` (S, V, D) -> human (S, V, D), object (S, V, D).
    """

    def __init__(self, dim: int = 256, hidden: int = 128) -> None:
        super().__init__()
        self.input_proj = nn.Linear(dim, hidden)
        self.query_human = nn.Linear(hidden, hidden)
        self.query_object = nn.Linear(hidden, hidden)
        self.key = nn.Linear(hidden, hidden)
        self.value = nn.Linear(hidden, hidden)
        self.output_proj = nn.Linear(hidden, dim)

    def forward(self, tokens: Tensor) -> tuple[Tensor, Tensor]:
        shared = self.input_proj(tokens)
        key, value = self.key(shared), self.value(shared)

        def attend(query: Tensor) -> Tensor:
            return self.output_proj(F.scaled_dot_product_attention(query, key, value))

        return attend(self.query_human(shared)), attend(self.query_object(shared))


class StableAttention(nn.Module):
    """Attention of several heads, whose weights are computed in single precision.

    ``forward`` of queries (B, Q, D) and keys (B, K, D) -> (B, Q, D) and the weights (B, heads, Q, K).
    """

    def __init__(self, dim: int = 128, heads: int = 8) -> None:
        super().__init__()
        self.heads = heads
        self.q_proj = nn.Linear(dim, dim)
        self.k_proj = nn.Linear(dim, dim)
        self.v_proj = nn.Linear(dim, dim)
        self.out_proj = nn.Linear(dim, dim)

    def forward(self, queries: Tensor, keys: Tensor) -> tuple[Tensor, Tensor]:
        q, k, v = (self._split(each) for each in (self.q_proj(queries), self.k_proj(keys), self.v_proj(keys)))
        weights = ((q @ k.transpose(-1, -2)).float() / q.shape[-1] ** 0.5).softmax(-1)
        attended = (weights.to(v.dtype) @ v).transpose(1, 2).flatten(2)
        return self.out_proj(attended), weights

    def _split(self, values: Tensor) -> Tensor:
        """(B, N, D) -> (B, heads, N, D / heads)."""
        return values.unflatten(-1, (self.heads, -1)).transpose(1, 2)


class LlavaSamFusion(nn.Module):
    """What SAM sees, with what the language model says about it added; not used by any released model.

    ``forward`` of SAM's embeddings (B, D, H, W) and the language model's hidden states (B, T, L) -> (B, D, H, W).
    """

    def __init__(self, llava_dim: int, sam_dim: int = 256, dim: int = 128, heads: int = 8) -> None:
        super().__init__()
        self.sam_proj = nn.Linear(sam_dim, dim)
        self.llava_proj = nn.Linear(llava_dim, dim)
        self.fusion = StableAttention(dim, heads)
        self.output_proj = nn.Linear(dim, sam_dim)

    def forward(self, sam: Tensor, llava: Tensor) -> Tensor:
        queries = self.sam_proj(sam.flatten(2).transpose(1, 2))
        attended, _ = self.fusion(queries, self.llava_proj(llava))
        return sam + self.output_proj(attended).transpose(1, 2).unflatten(2, sam.shape[2:])


class UncertaintyHead(nn.Module):
    """How uncertain each pixel is, 0 or more: ``forward`` (B, D, H, W) -> (B, 1, H, W); in no released model."""

    def __init__(self, dim: int = 256) -> None:
        super().__init__()
        self.linear1 = nn.Linear(dim, 64)
        self.linear2 = nn.Linear(64, 16)
        self.linear3 = nn.Linear(16, 1)

    def forward(self, features: Tensor) -> Tensor:
        pixels = features.permute(0, 2, 3, 1)
        hidden = F.relu(self.linear2(F.relu(self.linear1(pixels))))
        return F.softplus(self.linear3(hidden)).permute(0, 3, 1, 2)


class SamPrompting(Protocol):
    """The parts of SAM that `decode_masks` needs; `transformers.SamModel` has them."""

    shared_image_embedding: Any
    prompt_encoder: Any
    mask_decoder: Any


class SamPromptPath(nn.Module):
    """SAM without its image encoder, for images whose embeddings are kept.

    Args:
        config: of `transformers.SamModel`; see `published_sam_config`.
    """

    def __init__(self, config: SamConfig) -> None:
        super().__init__()
        from transformers.models.sam.modeling_sam import SamMaskDecoder, SamPositionalEmbedding, SamPromptEncoder

        self.shared_image_embedding = SamPositionalEmbedding(config.vision_config)
        self.prompt_encoder = SamPromptEncoder(config)
        decoder: Any = config.mask_decoder_config
        decoder._attn_implementation = "eager"  # the decoder is no model of its own, which would choose
        self.mask_decoder = SamMaskDecoder(decoder)

    def forward(self, image_embeddings: Tensor, tokens: Tensor) -> tuple[Tensor, Tensor]:
        return decode_masks(self, image_embeddings, tokens)


def published_sam_config(
    image_size: int = 1024,
    prompts: Mapping[str, Any] | None = None,
    decoder: Mapping[str, Any] | None = None,
    **vision: Any,
) -> SamConfig:
    """`transformers`' description of the published SAM (ViT-H).

    Its decoder has the published normalisation's constant, 1e-5, where `transformers` takes 1e-6.

    Args:
        image_size: pixels on a side.
        prompts, decoder, vision: other settings of the prompt encoder, the mask decoder and the image encoder, by the
            names of `transformers.SamPromptEncoderConfig`, `SamMaskDecoderConfig` and `SamVisionConfig`.
    """
    from transformers import SamConfig

    settings: dict[str, Any] = {
        "hidden_size": 1280,
        "num_hidden_layers": 32,
        "num_attention_heads": 16,
        "global_attn_indexes": [7, 15, 23, 31],
        "patch_size": 16,
        **vision,
    }
    return SamConfig(
        vision_config={**settings, "image_size": image_size},
        prompt_encoder_config={
            "image_size": image_size,
            "patch_size": settings["patch_size"],
            "image_embedding_size": image_size // settings["patch_size"],
            **(prompts or {}),
        },
        mask_decoder_config={"layer_norm_eps": 1e-5, **(decoder or {})},
    )


def decode_masks(
    sam: SamPrompting, image_embeddings: Tensor, tokens: Tensor, mask_decoder: Any = None
) -> tuple[Tensor, Tensor]:
    """Masks of each view, prompted by the tokens of all views.

    Args:
        sam: its prompt encoder and mask decoder.
        image_embeddings: (V, 256, h, w) of the views' images.
        tokens: (S, T, 256) for each of S objects or people T tokens, one per view; every view is prompted by all of
            them.
        mask_decoder: another than `sam`'s own.

    Returns:
        Logits (S, V, 4h, 4w), and SAM's own estimate of their IoU (S, V), which InteractVLM does not use.
    """
    height, width = image_embeddings.shape[-2:]
    # no prompt but the tokens: the embedding that stands for "no mask given"
    dense = sam.prompt_encoder.no_mask_embed.weight.reshape(1, -1, 1, 1).expand(
        len(image_embeddings), -1, height, width
    )
    masks, iou = (mask_decoder or sam.mask_decoder)(
        image_embeddings=image_embeddings,
        image_positional_embeddings=_positions(sam, image_embeddings).expand(len(image_embeddings), -1, -1, -1),
        sparse_prompt_embeddings=tokens[None].expand(len(image_embeddings), -1, -1, -1),
        dense_prompt_embeddings=dense,
        multimask_output=False,
    )[:2]
    return masks[:, :, 0].transpose(0, 1), iou[..., 0].transpose(0, 1)


def resize_masks(low: Tensor, model_size: int, input_size: tuple[int, int], output_size: tuple[int, int]) -> Tensor:
    """Logits (..., h, w) of `decode_masks` at the size of the image.

    Args:
        model_size: pixels on a side of what SAM sees, padded to the right and at the bottom.
        input_size: height and width of the image in it.
        output_size: height and width of the masks wanted.

    Returns:
        (..., *output_size) float32.
    """
    masks = low.float().flatten(0, -3)[:, None]
    masks = F.interpolate(masks, (model_size, model_size), mode="bilinear", align_corners=False)
    masks = masks[..., : input_size[0], : input_size[1]]
    if input_size != output_size:
        masks = F.interpolate(masks, output_size, mode="bilinear", align_corners=False)
    return masks[:, 0].unflatten(0, low.shape[:-2])


def _positions(sam: SamPrompting, image_embeddings: Tensor) -> Tensor:
    """(1, 256, h, w) encodings of the places in an image."""
    height, width = image_embeddings.shape[-2:]
    kind = sam.shared_image_embedding.positional_embedding
    y = (torch.arange(height, device=kind.device, dtype=torch.float32) + 0.5) / height
    x = (torch.arange(width, device=kind.device, dtype=torch.float32) + 0.5) / width
    places = torch.stack(torch.meshgrid(x, y, indexing="xy"), -1)
    return sam.shared_image_embedding(places.to(kind.dtype)[None])[0].permute(2, 0, 1)[None].to(image_embeddings.dtype)


def _per_view(transforms: nn.ModuleList, encoded: Tensor) -> Tensor:
    """Each view (..., V, D) through its own matrix."""
    if encoded.shape[-2] != len(transforms):
        raise InputError(f"expected {len(transforms)} views, got {encoded.shape[-2]}")
    return torch.stack([own(encoded[..., index, :]) for index, own in enumerate(transforms)], -2)
