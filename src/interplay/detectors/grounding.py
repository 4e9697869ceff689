"""Objects by any name: Grounding DINO, where its weights are at hand."""

from __future__ import annotations

import os
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from interplay.detectors.detections import Detections
from interplay.errors import InputError, MissingExtraError
from interplay.hub import load_pretrained


class GroundingDino:
    """A detector of whatever it is asked for, as `transformers` has it.

    Args:
        source: a folder with the model and its processor, or a name on the hub.
        objects: what to look for, in words; also what the detections' labels count.
        device: where it runs.
        min_score: smallest confidence kept.

    Raises:
        MissingExtraError: transformers is not installed.
        MissingFileError: not on this machine and no network.
        InputError: another kind of model, or no name.

    Source: Liu et al., Grounding DINO, ECCV 2024.
    """

    def __init__(
        self,
        source: str | os.PathLike[str],
        objects: Sequence[str],
        device: str | torch.device = "cpu",
        min_score: float = 0.25,
    ) -> None:
        try:
            from transformers import GroundingDinoForObjectDetection, GroundingDinoProcessor
        except ImportError:
            raise MissingExtraError("transformers", "transformers") from None
        self.objects = tuple(dict.fromkeys(name.strip().lower() for name in objects if name.strip()))
        if not self.objects:
            raise InputError("Grounding DINO: expected names of objects to look for, got none")
        self.name, self.min_score = f"Grounding DINO ({os.fspath(source)})", min_score
        self.device = torch.device(device)
        what = "a Grounding DINO model"
        self.processor = load_pretrained(GroundingDinoProcessor, source, what)
        self.model = load_pretrained(GroundingDinoForObjectDetection, source, what).to(self.device)

    def __call__(self, images: Sequence[NDArray[np.uint8]], files: Sequence[str] | None = None) -> list[Detections]:
        """Detections in each image; see `Detector`. A box's label is the name of which it has most words."""
        return [self._detect(image) for image in images]

    def _detect(self, image: NDArray[np.uint8]) -> Detections:
        height, width = image.shape[:2]
        text = ". ".join(self.objects) + "."
        longest = self.model.config.max_text_len
        inputs = self.processor(images=image, text=text, return_tensors="pt", truncation=True, max_length=longest)
        spans = self._spans(inputs["input_ids"][0].tolist())
        inputs = inputs.to(self.device)
        with torch.inference_mode():
            outputs = self.model(**inputs)
        [found] = self.processor.post_process_grounded_object_detection(
            outputs, inputs["input_ids"], threshold=self.min_score, text_threshold=0, target_sizes=[(height, width)]
        )
        chance = outputs.logits[0].sigmoid()  # (queries, tokens)
        kept = chance.amax(1) > self.min_score
        by_name = torch.stack([chance[kept][:, span].amax(1) for span in spans], 1) if spans else chance[:0]
        labels = by_name.argmax(1).cpu().numpy() if len(by_name) else np.zeros(0, np.int64)
        boxes, scores = found["boxes"].float().cpu().numpy(), found["scores"].float().cpu().numpy()
        return Detections.within(boxes, labels[: len(boxes)], scores, width, height, self.objects)

    def _spans(self, tokens: list[int]) -> list[list[int]]:
        """For each name the positions of its words among the tokens of the text."""
        stop = self.processor.tokenizer.convert_tokens_to_ids(".")
        ends = {self.processor.tokenizer.cls_token_id, self.processor.tokenizer.sep_token_id}
        spans: list[list[int]] = [[]]
        for position, token in enumerate(tokens):
            if token == stop:
                spans.append([])
            elif token not in ends:
                spans[-1].append(position)
        spans = [span for span in spans if span]
        if len(spans) != len(self.objects):
            raise InputError(
                f"Grounding DINO: {len(self.objects)} names are more than its text can hold ({len(spans)} fit); "
                "say which object to look for with --category"
            )
        return spans
