"""Scores: every published protocol, exact and fast."""

from __future__ import annotations

from interplay.errors import InputError
from interplay.metrics.hoi import evaluate_hoi
from interplay.metrics.pair_nms import pair_nms
from interplay.metrics.protocols import PROTOCOLS, PairProtocol, Setting, get_protocol
from interplay.metrics.scores import HoiScores, VcocoScores
from interplay.metrics.steps import PairNms, keep_top_k, suppress_pairs
from interplay.metrics.top_k import select_triplets, select_verbs, top_k_rows
from interplay.metrics.vcoco import VCOCO_PROTOCOLS, evaluate_vcoco
from interplay.metrics.vcoco_data import VcocoAnnotations, VcocoDetections
from interplay.table import InteractionTable

__all__ = [
    "PROTOCOLS",
    "VCOCO_PROTOCOLS",
    "HoiScores",
    "PairNms",
    "PairProtocol",
    "VcocoAnnotations",
    "VcocoDetections",
    "VcocoScores",
    "evaluate",
    "evaluate_hoi",
    "evaluate_vcoco",
    "get_protocol",
    "keep_top_k",
    "pair_nms",
    "select_triplets",
    "select_verbs",
    "suppress_pairs",
    "top_k_rows",
]


def evaluate(
    predictions: InteractionTable | VcocoDetections,
    annotations: InteractionTable,
    protocol: str = "official",
    setting: Setting = "default",
    top_k: int | None = None,
    nms: PairNms | None = None,
) -> HoiScores | VcocoScores:
    """Score predictions against annotations; the vocabulary decides how.

    One with roles (V-COCO) gets agent and role AP, any other one AP over its interaction classes.

    Args:
        protocol: `PROTOCOLS` or, with roles, `VCOCO_PROTOCOLS`.
        setting: ``"default"`` or ``"known-object"`` (not with roles).
        top_k: keep only the best triplets of each image first. Off by default.
        nms: then suppress near-copies. Off by default.

    Raises:
        InputError: something does not fit; says what.

    Example:
        >>> from interplay import Interactions, InteractionTable, Vocabulary
        >>> names = Vocabulary.load("hico-det")
        >>> ride = dict(boxes=[[10, 10, 60, 120], [5, 60, 90, 140]], labels=[0, 1], human=[0], object=[1],
        ...             verb=[names.verb_index("ride")], vocabulary=names, file="a.jpg")
        >>> truth = InteractionTable.from_list([Interactions(**ride, scored=False)])
        >>> evaluate(InteractionTable.from_list([Interactions(**ride, score=[0.9])]), truth).map["full"]
        1.0
    """
    if isinstance(predictions, InteractionTable):
        if top_k is not None:
            predictions = keep_top_k(predictions, top_k)
        if nms is not None:
            predictions = suppress_pairs(predictions, nms)
    elif top_k is not None or nms is not None:
        raise InputError("top-k and NMS work on triplets, which V-COCO's pickle does not hold")
    roles = any(record.role is not None for record in annotations.vocabulary.verb_records)
    if not roles:
        if not isinstance(predictions, InteractionTable):
            raise InputError(f"V-COCO's pickle cannot be scored on {annotations.vocabulary.name!r}")
        return evaluate_hoi(predictions, annotations, protocol, setting)
    if setting != "default":
        raise InputError("V-COCO has no known-object setting; leave it at default")
    return evaluate_vcoco(predictions, annotations, protocol)
