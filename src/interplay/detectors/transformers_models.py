"""The DETR family of `transformers`: DETR, Deformable DETR, RT-DETR, D-FINE, YOLOS and kin, by hub name or folder.

Papers: DETR, Carion et al., ECCV 2020; RT-DETR, Zhao et al., CVPR 2024; D-FINE, Peng et al., ICLR 2025. Each
model's licence is on its hub page (``facebook/detr-resnet-50``, ``PekingU/rtdetr_v2_r50vd`` and
``ustc-community/dfine-medium-coco`` are Apache-2.0).
"""

from __future__ import annotations

import os
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from interplay.defaults import DEFAULT_DETECTION_SCORE
from interplay.detectors.detections import Detections
from interplay.errors import InputError, MissingExtraError
from interplay.hub import load_pretrained
from interplay.ops.object_names import COCO_OBJECTS, match_objects


class TransformersDetector:
    """Any model that `AutoModelForObjectDetection` loads, of which a class is a person.

    COCO's objects have COCO's names, whatever the model calls them; other classes keep theirs.

    Args:
        name: a hub name (``"PekingU/rtdetr_v2_r50vd"``; the hub's cache is used first) or a folder that holds
            ``config.json``, ``preprocessor_config.json`` and the weights.
        device: where it runs.
        min_score: smallest confidence kept.

    Raises:
        MissingExtraError: `transformers`, or a package that this model needs, is not installed.
        MissingFileError: not in the cache and no network; says the command that brings it.
        InputError: another kind of model, or no class of it is a person.
    """

    def __init__(
        self,
        name: str | os.PathLike[str],
        device: str | torch.device = "cpu",
        min_score: float = DEFAULT_DETECTION_SCORE,
    ) -> None:
        try:
            from transformers import AutoImageProcessor, AutoModelForObjectDetection
        except ImportError:
            raise MissingExtraError("transformers", "transformers") from None
        self.name = str(name)
        self.min_score = min_score
        self.device = torch.device(device)
        what = "an object detector"
        self.processor = load_pretrained(AutoImageProcessor, name, what)
        self.model = load_pretrained(AutoModelForObjectDetection, name, what).to(self.device)
        names: dict[int, str] = self.model.config.id2label
        known = match_objects(names.values(), COCO_OBJECTS)
        common = [COCO_OBJECTS[i] if i >= 0 else name for i, name in zip(known, names.values(), strict=True)]
        self.objects = tuple(dict.fromkeys(common))
        self.labels = np.full(max(names) + 1, -1, np.int64)
        self.labels[list(names)] = match_objects(common, self.objects)
        if COCO_OBJECTS[0] not in self.objects:
            raise InputError(f"{self.name}: none of its {len(names)} classes is a person; got {common[:5]}...")

    def __call__(self, images: Sequence[NDArray[np.uint8]], files: Sequence[str] | None = None) -> list[Detections]:
        """Detections in each image; see `Detector`."""
        if not images:
            return []
        sizes = [image.shape[:2] for image in images]
        inputs = self.processor(images=list(images), return_tensors="pt", input_data_format="channels_last").to(
            self.device
        )
        with torch.inference_mode():
            outputs = self.model(**inputs)
        results = self.processor.post_process_object_detection(outputs, threshold=self.min_score, target_sizes=sizes)
        found = []
        for result, (height, width) in zip(results, sizes, strict=True):
            labels = self.labels[result["labels"].cpu().numpy()]
            known = labels >= 0
            boxes, scores = result["boxes"].float().cpu().numpy(), result["scores"].float().cpu().numpy()
            found.append(Detections.within(boxes[known], labels[known], scores[known], width, height, self.objects))
        return found
