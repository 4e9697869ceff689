"""InteractVLM: a language model that sees a photograph names a mask, and SAM draws it in views of a body or an object.

Dwivedi et al., "InteractVLM: 3D Interaction Reasoning from 2D Foundational Models" (CVPR 2025, arXiv:2504.05303).
Both large parts are `transformers`' own: any LLaVA-like model and any SAM whose decoder takes prompts of the same size.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from interplay.body.cameras import View
from interplay.errors import InputError, ModelError
from interplay.models.interactvlm.config import InteractVlmOptions, MaskKind
from interplay.models.interactvlm.modules import (
    AttentionSplitter,
    LlavaSamFusion,
    PoseEncoder,
    UncertaintyHead,
    camera_encoder,
    camera_vectors,
    decode_masks,
    text_projection,
)
from interplay.models.pair_geometry import NUM_FEATURES

NO_CONTACT = -20.0
"""Logits of a mask that the language model did not ask for."""
_MEAN, _STD = (123.675, 116.28, 103.53), (58.395, 57.12, 57.375)


class Masks(NamedTuple):
    """Masks of S questions in V views.

    Attributes:
        logits: (S, V, h, w), a quarter of SAM's input on a side; `NO_CONTACT` for questions without an answer.
        found: (S,) whether the language model's answer has a mask.
    """

    logits: Tensor
    found: Tensor


class InteractVlm(nn.Module):
    """The network.

    Args:
        llava: `transformers.LlavaForConditionalGeneration`, or a model with the same interface.
        sam: `transformers.SamModel`, or a model with the same interface.
        options: everything between them.

    Raises:
        InputError: `options` do not fit the two.
    """

    def __init__(self, llava: Any, sam: Any, options: InteractVlmOptions) -> None:
        super().__init__()
        text = llava.config.get_text_config()
        prompt = sam.config.prompt_encoder_config.hidden_size
        if prompt != options.dim:
            raise InputError(f"SAM takes prompts of {prompt} numbers and the options say dim={options.dim}")
        if max(*options.mask_ids, options.image_token_id) >= text.vocab_size:
            raise InputError(
                f"the language model has {text.vocab_size} tokens, too few for the numbers {options.mask_ids} of masks "
                f"and {options.image_token_id} of images; enlarge its embeddings first (resize_token_embeddings)"
            )
        self.options = options
        self.llava, self.sam = llava, sam
        self.text_hidden_fcs = nn.ModuleList([text_projection(text.hidden_size, options.dim)])
        kind = options.camera_encoder
        self.cam_pose_encoder = camera_encoder(kind, options.dim, options.views) if kind else None
        self.attention_splitter = AttentionSplitter(options.dim) if options.token_type != "Gen" else None
        self.human_mask_decoder = copy.deepcopy(sam.mask_decoder) if options.separate_decoders else None
        self.object_mask_decoder = copy.deepcopy(sam.mask_decoder) if options.separate_decoders else None
        self.pose_encoder = PoseEncoder(text.hidden_size) if options.poses else None
        self.fusion = LlavaSamFusion(text.hidden_size, options.dim) if options.fusion else None
        self.uncertainty = UncertaintyHead(options.dim) if options.uncertainty else None

    @property
    def image_size(self) -> int:
        """Pixels on a side of what SAM sees."""
        return int(self.sam.config.vision_config.image_size)

    def hidden_states(
        self,
        input_ids: Tensor,
        pixel_values: Tensor,
        attention_mask: Tensor | None = None,
        poses: Tensor | None = None,
    ) -> Tensor:
        """(S, T, D) of the language model's last layer, after its final norm.

        Args:
            input_ids: (S, T) with `image_tokens` places for each image; see `expand_images`.
            pixel_values: (S, 3, H, W) of the vision tower.
            attention_mask: (S, T), 0 where a shorter question is filled up.
            poses: (S, F) `interplay.models.pair_geometry.pair_features` for a network that is told them, NaN where
                nothing is known; None: nowhere.

        Raises:
            ModelError: the vision tower's weights were not loaded yet.
        """
        if any(parameter.is_meta for parameter in self.llava.model.vision_tower.parameters()):
            raise ModelError(
                "the vision tower has no weights yet, since the published folder holds none: give CLIP's with "
                "load_vision_tower(model, FOLDER_OR_NAME), such as openai/clip-vit-large-patch14"
            )
        asked = (
            {"input_ids": input_ids} if self.pose_encoder is None else {"inputs_embeds": self._told(input_ids, poses)}
        )
        return self.llava.model(**asked, pixel_values=pixel_values, attention_mask=attention_mask).last_hidden_state

    def _told(self, input_ids: Tensor, poses: Tensor | None) -> Tensor:
        """(S, T, D) embeddings of words; the pose is added to that of the word whose state prompts SAM.

        In a small language model nothing that stands farther off is carried there (docs/models/interactvlm_nano.md).
        """
        assert self.pose_encoder is not None
        words = self.llava.get_input_embeddings()(input_ids)
        if poses is None:
            poses = words.new_full((len(words), NUM_FEATURES), torch.nan)
        row, place = self.mask_places(input_ids)
        added = self.pose_encoder(poses.to(words.device, words.dtype)[row])
        return words.index_put((row, place - 1), added, accumulate=True)

    def encode_views(self, pixels: Tensor) -> Tensor:
        """(V, D, h, w) embeddings of the views' images (V, 3, size, size) of `sam_pixels`; never trained."""
        with torch.no_grad():
            return self.sam.vision_encoder(pixels).last_hidden_state

    def prompt_tokens(self, hidden: Tensor, token_ids: Tensor, views: Sequence[View | None], kind: MaskKind) -> Tensor:
        """What prompts SAM for each question: (S, V, dim).

        Args:
            hidden: (S, D) hidden states that predict the masks' tokens.
            token_ids: (S,) these tokens.
            views: cameras of the V views; of the photograph itself, V times None.
        """
        embedding = self.text_hidden_fcs[0](hidden)
        if self.cam_pose_encoder is None:
            tokens = embedding[:, None].expand(-1, len(views), -1)
        else:
            cameras = camera_vectors(views).to(embedding.device, embedding.dtype)
            tokens = self.cam_pose_encoder.condition(embedding, cameras)
        if self.attention_splitter is None:
            return tokens
        human, thing = self.attention_splitter(tokens)
        options = self.options
        shared = options.human_id == options.object_id
        for_object = kind == "object" and not options.published_behaviour if shared else token_ids == options.object_id
        split = torch.where(torch.as_tensor(for_object, device=tokens.device).reshape(-1, 1, 1), thing, human)
        return torch.where((token_ids == options.seg_id)[:, None, None], tokens, split)

    def decode(self, image_embeddings: Tensor, tokens: Tensor, kind: MaskKind) -> Tensor:
        """Logits (S, V, 4h, 4w) of masks in the views' embeddings (V, D, h, w), by tokens (S, V, D)."""
        own = {"human": self.human_mask_decoder, "object": self.object_mask_decoder}.get(kind)
        return decode_masks(self.sam, image_embeddings, tokens, own)[0]

    def forward(
        self,
        input_ids: Tensor,
        pixel_values: Tensor,
        image_embeddings: Tensor,
        views: Sequence[View | None],
        kind: MaskKind = "human",
        attention_mask: Tensor | None = None,
        poses: Tensor | None = None,
    ) -> Masks:
        """Masks that whole conversations, questions with their answers, ask for; any number of them at once.

        Args:
            input_ids, pixel_values, attention_mask, poses: as of `hidden_states`.
            image_embeddings: (V, D, h, w) of `encode_views`: the body's or the object's views, the same for all.
            views: their cameras.
        """
        if len(views) != len(image_embeddings):
            raise InputError(f"expected a camera for each of {len(image_embeddings)} views, got {len(views)}")
        hidden = self.hidden_states(input_ids, pixel_values, attention_mask, poses)
        row, place = self.mask_places(input_ids)
        size = [4 * side for side in image_embeddings.shape[-2:]]
        logits = hidden.new_full((len(input_ids), len(views), *size), NO_CONTACT)
        found = torch.zeros(len(input_ids), dtype=torch.bool, device=hidden.device)
        if not len(row):
            return Masks(logits, found)
        tokens = self.prompt_tokens(hidden[row, place - 1], input_ids[row, place], views, kind)
        if self.fusion is None:
            drawn = self.decode(image_embeddings, tokens, kind)
        else:
            drawn = torch.cat(
                [self._fused(image_embeddings, hidden[r], t, kind) for r, t in zip(row, tokens, strict=True)]
            )
        found[row] = True
        return Masks(logits.index_put((row,), drawn.to(logits.dtype)), found)

    def mask_places(self, input_ids: Tensor) -> tuple[Tensor, Tensor]:
        """Questions with a mask's token, and the place of the first of it in each."""
        wanted = torch.isin(input_ids, torch.tensor(self.options.mask_ids, device=input_ids.device))
        wanted[:, 0] = False  # no hidden state predicts the first token
        row = wanted.any(1).nonzero()[:, 0]
        return row, wanted[row].int().argmax(1)

    @torch.no_grad()
    def generate(
        self, input_ids: Tensor, pixel_values: Tensor, attention_mask: Tensor | None = None, max_new_tokens: int = 512
    ) -> Tensor:
        """Conversations (S, T + new) with the language model's own answers, its most probable token each time.

        Args:
            input_ids, pixel_values, attention_mask: as of `hidden_states`, up to where the answers begin; shorter
                questions are filled up on the left.
        """
        return self.llava.generate(
            input_ids=input_ids,
            pixel_values=pixel_values,
            attention_mask=attention_mask,
            max_new_tokens=max_new_tokens,
            do_sample=False,
            num_beams=1,
            pad_token_id=self.llava.generation_config.pad_token_id or 0,  # after an answer's end, where nothing counts
            suppress_tokens=[self.options.image_token_id],
        )

    def _fused(self, image_embeddings: Tensor, hidden: Tensor, tokens: Tensor, kind: MaskKind) -> Tensor:
        assert self.fusion is not None
        seen = self.fusion(image_embeddings, hidden[None].expand(len(image_embeddings), -1, -1))
        return self.decode(seen, tokens[None], kind)


def expand_images(input_ids: Sequence[int], options: InteractVlmOptions) -> list[int]:
    """Tokens with a place for each of an image's tokens instead of one for the image.

    Args:
        input_ids: with one `image_token_id` per image.
    """
    places = [options.image_token_id] * options.image_tokens
    return [each for token in input_ids for each in (places if token == options.image_token_id else [token])]


def sam_pixels(images: Tensor, size: int) -> Tensor:
    """What SAM sees of images: the longer side made `size` pixels long, normalised, and filled up with zeros.

    Args:
        images: (V, 3, H, W) RGB, 0..255.

    Returns:
        (V, 3, size, size) float32; the image is at the upper left.
    """
    height, width = images.shape[-2:]
    scale = size / max(height, width)
    new = (int(height * scale + 0.5), int(width * scale + 0.5))
    pixels = images.float()
    if new != (height, width):
        pixels = F.interpolate(pixels, new, mode="bilinear", align_corners=False, antialias=True)
    mean, std = (torch.tensor(each, device=pixels.device).reshape(3, 1, 1) for each in (_MEAN, _STD))
    return F.pad((pixels - mean) / std, (0, size - new[1], 0, size - new[0]))
