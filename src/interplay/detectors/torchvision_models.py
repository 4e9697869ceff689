"""torchvision's COCO detectors: Faster R-CNN and RetinaNet, ResNet-50 FPN, second recipe.

Papers: Faster R-CNN, Ren et al., NeurIPS 2015, with the recipe of Li et al., arXiv 2111.11429; RetinaNet, Lin et
al., ICCV 2017. Code and weights: torchvision, BSD-3-Clause; trained on COCO train2017.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from interplay.defaults import DEFAULT_DETECTION_SCORE
from interplay.detectors.detections import Detections
from interplay.detectors.torchvision_weights import load_torchvision_weights
from interplay.ops.object_names import COCO_OBJECTS
from interplay.vocabulary import coco_80_index


@dataclass(frozen=True)
class _Recipe:
    builder: str
    weights: str
    threshold: str  # what the builder calls the smallest score


RECIPES: Mapping[str, _Recipe] = {
    "fasterrcnn-resnet50-fpn-v2": _Recipe(
        "fasterrcnn_resnet50_fpn_v2", "FasterRCNN_ResNet50_FPN_V2_Weights", "box_score_thresh"
    ),
    "retinanet-resnet50-fpn-v2": _Recipe(
        "retinanet_resnet50_fpn_v2", "RetinaNet_ResNet50_FPN_V2_Weights", "score_thresh"
    ),
}


class TorchvisionDetector:
    """One of torchvision's detectors; they know COCO's 80 objects.

    Args:
        name: a key of `RECIPES`.
        device: where it runs.
        min_score: smallest confidence kept.
        weights: a ``.pth`` file of torchvision's, or the same tensors as ``.safetensors``. By default torch hub's
            cache, filled over the network at the first use.

    Raises:
        MissingFileError: no weights and no network; says the commands that bring them.
        InputError: the file does not hold this model's weights.
    """

    objects = COCO_OBJECTS

    def __init__(
        self,
        name: str,
        device: str | torch.device = "cpu",
        min_score: float = DEFAULT_DETECTION_SCORE,
        weights: str | os.PathLike[str] | None = None,
    ) -> None:
        from torchvision.models import detection

        recipe = RECIPES[name]
        self.name = name
        self.device = torch.device(device)
        options: dict[str, Any] = {recipe.threshold: min_score}
        self.model: nn.Module = getattr(detection, recipe.builder)(
            weights=None, weights_backbone=None, num_classes=91, **options
        )
        entry = getattr(detection, recipe.weights).DEFAULT
        load_torchvision_weights(self.model, name, entry, weights, "load_detector")
        self.model.eval().to(self.device)

    def __call__(self, images: Sequence[NDArray[np.uint8]], files: Sequence[str] | None = None) -> list[Detections]:
        """Detections in each image; see `Detector`."""
        if not images:
            return []
        batch = [torch.from_numpy(image).to(self.device).permute(2, 0, 1) / 255 for image in images]
        with torch.inference_mode():
            outputs = self.model(batch)
        return [_detections(output, *image.shape[:2]) for output, image in zip(outputs, images, strict=True)]


def _detections(output: Mapping[str, Tensor], height: int, width: int) -> Detections:
    labels = coco_80_index(output["labels"].cpu().numpy())
    known = labels >= 0
    boxes, scores = output["boxes"].float().cpu().numpy(), output["scores"].float().cpu().numpy()
    return Detections.within(boxes[known], labels[known], scores[known], width, height)
