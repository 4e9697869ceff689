"""The DETR family of `transformers` (DETR, RT-DETR, D-FINE ...) by hub name or local folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from interplay.detectors.base import Detections
from interplay.errors import InputError, MissingExtraError, MissingFileError
from interplay.vocabulary import Vocabulary

# Names that older checkpoints use for COCO's objects.
_SYNONYMS = {
    "motorbike": "motorcycle",
    "aeroplane": "airplane",
    "sofa": "couch",
    "pottedplant": "potted plant",
    "diningtable": "dining table",
    "tvmonitor": "tv",
    "hair dryer": "hair drier",
}


class TransformersDetector:
    """Any object detector that ``transformers.AutoModelForObjectDetection`` reads.

    Args:
        source: a hub name (``"PekingU/rtdetr_r18vd"``) or a folder with config, weights and preprocessor.

    Raises:
        MissingExtraError: transformers is not installed.
        MissingFileError: neither a folder nor in the hub's cache, and no network.
        InputError: none of the model's labels is one of COCO's objects.
    """

    def __init__(self, source: str | Path, min_score: float = 0.1, device: str = "cpu") -> None:
        try:
            import transformers
        except ImportError:
            raise MissingExtraError("transformers", "transformers") from None
        import torch

        self.name = str(source)
        self.min_score = min_score
        self._device = torch.device(device)
        try:
            self._processor = transformers.AutoImageProcessor.from_pretrained(str(source))
            self._network = transformers.AutoModelForObjectDetection.from_pretrained(str(source))
        except (OSError, ValueError) as error:
            first = str(error).strip().splitlines()[0]
            raise MissingFileError(
                f"no detector at {source}: {first} On a machine with a network: hf download {source} "
                f"--local-dir FOLDER; then give the folder's path"
            ) from None
        self._network.eval().to(self._device)
        self._labels = _coco_labels(self._network.config.id2label)
        if (self._labels < 0).all():
            raise InputError(f"{source}: none of its labels is one of COCO's 80 objects")

    def __call__(self, images: Sequence[NDArray[np.uint8]]) -> list[Detections]:
        import torch

        inputs = self._processor(images=list(images), return_tensors="pt").to(self._device)
        sizes = torch.tensor([image.shape[:2] for image in images])
        with torch.inference_mode():
            outputs = self._network(**inputs)
        results: list[dict[str, Any]] = self._processor.post_process_object_detection(
            outputs, threshold=self.min_score, target_sizes=sizes
        )
        found = []
        for result, image in zip(results, images, strict=True):
            labels = self._labels[result["labels"].cpu().numpy()]
            keep = labels >= 0
            boxes, scores = result["boxes"].cpu().numpy()[keep], result["scores"].cpu().numpy()[keep]
            found.append(Detections(boxes, labels[keep], scores).clipped(image.shape[1], image.shape[0]))
        return found


def _coco_labels(id2label: dict[int, str]) -> NDArray[np.int64]:
    """COCO-80 index of each of the model's classes by name, -1 for one that is none of them."""
    coco = Vocabulary.load("coco")
    table = np.full(max((int(i) for i in id2label), default=-1) + 2, -1, np.int64)
    for index, name in id2label.items():
        try:
            table[int(index)] = coco.object_index(_SYNONYMS.get(name.lower(), name))
        except InputError:
            continue
    return table
