"""CLIP's two encoders (Radford et al., ICML 2021) through transformers, from the hub or from a local folder."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from interplay.hub import load_pretrained
from interplay.text.encoders import require_transformers

_BATCH = 64
_WHAT = "a CLIP model"


class ClipText:
    """CLIP's text encoder.

    Args:
        source: name on the hub, or a local folder with ``config.json``, weights and tokenizer.

    Raises:
        MissingExtraError: transformers is not installed.
        MissingFileError: no such model.
        InputError: another kind of model.
    """

    def __init__(self, source: str) -> None:
        require_transformers("transformers")
        from transformers import AutoTokenizer, CLIPTextModelWithProjection

        self.name = source
        self._model = load_pretrained(CLIPTextModelWithProjection, source, _WHAT)
        self._tokenizer = load_pretrained(AutoTokenizer, source, _WHAT)
        self.width = int(self._model.config.projection_dim)

    @torch.inference_mode()
    def __call__(self, texts: Sequence[str]) -> Tensor:
        """N texts -> (N, E) float32, each of length 1; what is longer than the model reads is cut off."""
        rows = [torch.zeros(0, self.width)]
        for start in range(0, len(texts), _BATCH):
            chunk = list(texts[start : start + _BATCH])
            longest = self._model.config.max_position_embeddings
            tokens = self._tokenizer(chunk, padding=True, truncation=True, max_length=longest, return_tensors="pt")
            rows.append(self._model(**tokens).text_embeds.float())
        return F.normalize(torch.cat(rows), dim=-1)


class ClipImage:
    """CLIP's image encoder, frozen; see `ClipText` for arguments and errors."""

    def __init__(self, source: str) -> None:
        require_transformers("transformers")
        from transformers import CLIPVisionModelWithProjection

        self._model = load_pretrained(CLIPVisionModelWithProjection, source, _WHAT)

    def __deepcopy__(self, memo: dict[int, Any]) -> ClipImage:
        """It never changes: copies of a model, such as the average of its weights, share it."""
        return self

    @torch.no_grad()
    def __call__(self, images: Tensor) -> Tensor:
        """(B, 3, H, W) images normalised with CLIP's mean and deviation -> (B, E), not normalised."""
        self._model.to(images.device)
        return self._model(pixel_values=images).image_embeds
