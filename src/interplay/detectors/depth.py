"""How far away each pixel is: Depth Pro, where its weights are at hand."""

from __future__ import annotations

import os

import numpy as np
import torch
from numpy.typing import NDArray

from interplay.errors import MissingExtraError
from interplay.hub import load_pretrained


class DepthPro:
    """Depth in metres and the focal length of a photograph, as `transformers` has it.

    Args:
        source: a folder with the model and its processor, or a name on the hub.
        device: where it runs.

    Raises:
        MissingExtraError: transformers is not installed.
        MissingFileError: not on this machine and no network.
        InputError: another kind of model.

    Source: Bochkovskii et al., Depth Pro, ICLR 2025.
    """

    def __init__(self, source: str | os.PathLike[str], device: str | torch.device = "cpu") -> None:
        try:
            from transformers import DepthProForDepthEstimation, DepthProImageProcessor
        except ImportError:
            raise MissingExtraError("transformers", "transformers") from None
        self.name = f"Depth Pro ({os.fspath(source)})"
        self.device = torch.device(device)
        what = "a Depth Pro model"
        self.processor = load_pretrained(DepthProImageProcessor, source, what)
        self.model = load_pretrained(DepthProForDepthEstimation, source, what).to(self.device)
        self._last: tuple[int, tuple[NDArray[np.float32], float | None]] | None = None

    def __call__(self, image: NDArray[np.uint8]) -> tuple[NDArray[np.float32], float | None]:
        """Metres (H, W) of an RGB image (H, W, 3), and the focal length in its pixels, None if the model has no head
        for it. The last image's answer is kept."""
        if self._last is not None and self._last[0] == id(image):
            return self._last[1]
        inputs = self.processor(images=image, return_tensors="pt").to(self.device)
        with torch.inference_mode():
            outputs = self.model(**inputs)
        [found] = self.processor.post_process_depth_estimation(outputs, target_sizes=[image.shape[:2]])
        focal = found.get("focal_length")
        answer = found["predicted_depth"].float().cpu().numpy(), None if focal is None else float(focal)
        self._last = id(image), answer
        return answer
