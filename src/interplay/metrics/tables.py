"""`evaluate_tables`: the protocol that fits the annotations' vocabulary, on what is already read."""

from __future__ import annotations

from interplay.errors import InputError
from interplay.formats.reading import Reading
from interplay.formats.vcoco_detections import VcocoDetections
from interplay.metrics.hoi import evaluate_hoi
from interplay.metrics.protocols import Setting
from interplay.metrics.scores import HoiScores, VcocoScores
from interplay.metrics.steps import PairNms, keep_top_k, suppress_pairs
from interplay.metrics.vcoco import evaluate_vcoco
from interplay.table import InteractionTable


def evaluate_tables(
    predictions: InteractionTable | VcocoDetections,
    annotations: InteractionTable,
    protocol: str | None = None,
    setting: Setting = "default",
    top_k: int | None = None,
    nms: PairNms | None = None,
    zero_shot: str | None = None,
    overlap: float | None = None,
    allow_partial: bool = False,
    reading: Reading | None = None,
) -> HoiScores | VcocoScores:
    """Score predictions against annotations, both as tables; see `interplay.evaluate` for the arguments.

    Args:
        reading: what the predictions' reader had to say, if they come from a file.

    Raises:
        InputError: something does not fit; says what.
    """
    if isinstance(predictions, InteractionTable):
        if top_k is not None:
            predictions = keep_top_k(predictions, top_k)
        if nms is not None:
            predictions = suppress_pairs(predictions, nms)
    elif top_k is not None or nms is not None:
        raise InputError("top-k and NMS need triplets, which a V-COCO pickle does not hold: leave them out")
    if not any(record.role is not None for record in annotations.vocabulary.verb_records):
        if not isinstance(predictions, InteractionTable):
            raise InputError(
                "a V-COCO pickle holds V-COCO's actions: expected annotations of V-COCO, got the vocabulary "
                f"{annotations.vocabulary.name!r}"
            )
        return evaluate_hoi(predictions, annotations, protocol, setting, zero_shot, overlap, allow_partial, reading)
    if zero_shot is not None:
        raise InputError("V-COCO is scored by roles, zero-shot splits are of interactions: leave zero-shot out")
    if overlap is not None:
        raise InputError("V-COCO's overlap is 0.5 for every protocol: leave overlap out")
    if setting != "default":
        raise InputError("V-COCO has no known-object setting; leave it at default")
    return evaluate_vcoco(predictions, annotations, protocol, allow_partial, reading)
