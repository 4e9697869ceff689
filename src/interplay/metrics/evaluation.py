"""`evaluate`: from result files (or tables) and annotations to scores."""

from __future__ import annotations

import os

from interplay.errors import InputError
from interplay.metrics.hoi import evaluate_hoi
from interplay.metrics.protocols import Setting
from interplay.metrics.scores import HoiScores, VcocoScores
from interplay.metrics.steps import PairNms, keep_top_k, suppress_pairs
from interplay.metrics.vcoco import evaluate_vcoco
from interplay.metrics.vcoco_data import VcocoDetections
from interplay.table import InteractionTable

Predictions = str | os.PathLike[str] | InteractionTable | VcocoDetections


def evaluate(
    dataset: str,
    predictions: Predictions,
    annotations: str | os.PathLike[str] | InteractionTable,
    *,
    protocol: str | None = None,
    setting: Setting = "default",
    split: str = "test",
    top_k: int | None = None,
    nms: PairNms | None = None,
    zero_shot: str | None = None,
    overlap: float | None = None,
    progress: bool = False,
) -> HoiScores | VcocoScores:
    """Score predictions against a data set's annotations.

    A vocabulary with roles (V-COCO) gets agent and role AP, any other one AP over its interaction classes.

    Args:
        dataset: ``"hico-det"``, ``"v-coco"``, ``"pastanet-hoi"`` or ``"own"``; says how annotations are read.
        predictions: a result file (`interplay.importers.results.ACCEPTED`), or a table.
        annotations: a file or folder (`interplay.load_annotations`), or a table.
        protocol: `PROTOCOLS` or, for V-COCO, `VCOCO_PROTOCOLS`; None is the data set's default.
        setting: ``"default"`` or ``"known-object"`` (not for V-COCO).
        split: which split's annotations to read.
        top_k: first keep only the best triplets of each image. Off by default.
        nms: then suppress near-copies. Off by default.
        zero_shot: mean AP of the classes that a split hides from training, of the others, and of all: ``rare-first``,
            ``non-rare-first``, ``unseen-object``, ``unseen-verb`` (HICO-DET), or a group of the vocabulary's.
        overlap: smallest overlap (IoU) of a match, instead of the protocol's 0.5 (not for V-COCO).
        progress: show how far a long read is.

    Raises:
        InputError: something does not fit; says what.
        MissingFileError: a file is not there.

    Example:
        >>> from interplay import Interactions, InteractionTable, Vocabulary
        >>> names = Vocabulary.load("hico-det")
        >>> ride = dict(boxes=[[10, 10, 60, 120], [5, 60, 90, 140]], labels=[0, 1], human=[0], object=[1],
        ...             verb=[names.verb_index("ride")], vocabulary=names, file="a.jpg")
        >>> truth = InteractionTable.from_list([Interactions(**ride, scored=False)])
        >>> found = InteractionTable.from_list([Interactions(**ride, score=[0.9])])
        >>> evaluate("hico-det", found, truth).map["full"]
        1.0
    """
    from interplay.datasets import load_annotations
    from interplay.importers.results import read_results

    truth = annotations if isinstance(annotations, InteractionTable) else load_annotations(dataset, annotations, split)
    if not isinstance(predictions, (InteractionTable, VcocoDetections)):
        predictions = read_results(predictions, truth.vocabulary, truth.files, progress)
    return evaluate_tables(predictions, truth, protocol, setting, top_k, nms, zero_shot, overlap)


def evaluate_tables(
    predictions: InteractionTable | VcocoDetections,
    annotations: InteractionTable,
    protocol: str | None = None,
    setting: Setting = "default",
    top_k: int | None = None,
    nms: PairNms | None = None,
    zero_shot: str | None = None,
    overlap: float | None = None,
) -> HoiScores | VcocoScores:
    """`evaluate` for what is already read."""
    if isinstance(predictions, InteractionTable):
        if top_k is not None:
            predictions = keep_top_k(predictions, top_k)
        if nms is not None:
            predictions = suppress_pairs(predictions, nms)
    elif top_k is not None or nms is not None:
        raise InputError("top-k and NMS work on triplets, which V-COCO's pickle does not hold")
    if not any(record.role is not None for record in annotations.vocabulary.verb_records):
        if not isinstance(predictions, InteractionTable):
            raise InputError(f"V-COCO's result form cannot be scored on {annotations.vocabulary.name!r}")
        return evaluate_hoi(predictions, annotations, protocol, setting, zero_shot, overlap)
    if zero_shot is not None:
        raise InputError("zero-shot figures are of interaction classes, and V-COCO's are of roles: leave zero-shot out")
    if overlap is not None:
        raise InputError("V-COCO's overlap is 0.5 for every protocol: leave overlap out")
    if setting != "default":
        raise InputError("V-COCO has no known-object setting; leave it at default")
    return evaluate_vcoco(predictions, annotations, protocol)
