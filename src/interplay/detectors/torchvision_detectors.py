"""torchvision's Faster R-CNN and RetinaNet (v2, ResNet-50 FPN), trained on COCO by torchvision's authors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from interplay.detectors.base import Detections
from interplay.errors import InputError, MissingFileError
from interplay.vocabulary import coco_80_index

BUILDERS = {
    "fasterrcnn-resnet50-fpn-v2": ("fasterrcnn_resnet50_fpn_v2", "FasterRCNN_ResNet50_FPN_V2_Weights"),
    "retinanet-resnet50-fpn-v2": ("retinanet_resnet50_fpn_v2", "RetinaNet_ResNet50_FPN_V2_Weights"),
}
_CLASSES = 91  # COCO's ids with their gaps, 0 for the background


class TorchvisionDetector:
    """One of `BUILDERS`.

    Args:
        weights: a file with the state dict; by default torch's download cache, filled on first use with a network.

    Raises:
        MissingFileError: no weights and no network; says which file to fetch and where to put it.
        InputError: the file does not fit the network.
    """

    def __init__(
        self, name: str, min_score: float = 0.1, device: str = "cpu", weights: str | Path | None = None
    ) -> None:
        import torch
        from torchvision.models import detection

        builder, collection = BUILDERS[name]
        official = getattr(detection, collection).COCO_V1
        build: Callable[..., Any] = getattr(detection, builder)
        self.name = name
        self.min_score = min_score
        self._device = torch.device(device)
        self._network = build(weights=None, weights_backbone=None, num_classes=_CLASSES)
        self._network.load_state_dict(_state(self._network, official.url, weights))
        self._network.eval().to(self._device)

    def __call__(self, images: Sequence[NDArray[np.uint8]]) -> list[Detections]:
        import torch

        tensors = [
            torch.from_numpy(np.ascontiguousarray(image)).permute(2, 0, 1).to(self._device).float() / 255
            for image in images
        ]
        with torch.inference_mode():
            outputs = self._network(tensors)
        found = []
        for output, image in zip(outputs, images, strict=True):
            labels = coco_80_index(output["labels"].tolist())
            scores = output["scores"].cpu().numpy()
            keep = (labels >= 0) & (scores >= self.min_score)
            boxes = output["boxes"].cpu().numpy()[keep]
            found.append(Detections(boxes, labels[keep], scores[keep]).clipped(image.shape[1], image.shape[0]))
        return found


def _state(network: Any, url: str, weights: str | Path | None) -> dict[str, Any]:
    import torch

    file_name = url.rsplit("/", 1)[-1]
    cached = Path(torch.hub.get_dir()) / "checkpoints" / file_name
    path = Path(weights) if weights is not None else cached
    if weights is None and not cached.is_file():
        try:
            return torch.hub.load_state_dict_from_url(url, progress=False, weights_only=True)
        except OSError as error:
            raise MissingFileError(
                f"the weights {file_name} are not here and could not be downloaded ({error}). On a machine with a "
                f"network: curl -LO {url}; then give the file with weights=, or put it at {cached}"
            ) from None
    if not path.is_file():
        raise MissingFileError(f"no weights at {path}: expected {file_name}, from {url}")
    try:
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file

            state = load_file(path)
        else:
            state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch and safetensors raise many kinds for a damaged file
        raise InputError(f"{path}: not a readable checkpoint: {error}") from None
    expected = network.state_dict()
    wrong = [k for k in expected if k not in state or state[k].shape != expected[k].shape]
    if wrong:
        raise InputError(f"{path}: {len(wrong)} tensors are missing or of another shape, such as {wrong[0]!r}")
    return state
