"""From result files and annotations to scores."""

from __future__ import annotations

import os

from interplay.datasets import load_annotations
from interplay.formats.reading import Numbering, Reading
from interplay.formats.results import read_results
from interplay.formats.vcoco_detections import VcocoDetections
from interplay.metrics import HoiScores, PairNms, Setting, VcocoScores, evaluate_tables
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
    allow_partial: bool = False,
    numbering: Numbering | None = None,
    progress: bool = False,
) -> HoiScores | VcocoScores:
    """Score predictions against a data set's annotations.

    A vocabulary with roles (V-COCO) gets agent and role AP, any other one AP over its interaction classes.

    Args:
        dataset: a name of `interplay.datasets.DATASETS`; says how annotations are read.
        predictions: a result file (`interplay.formats.results.ACCEPTED`), or a table.
        annotations: a file or folder (`interplay.load_annotations`), or a table.
        protocol: `PROTOCOLS` or, for V-COCO, `VCOCO_PROTOCOLS`; None is the data set's default.
        setting: ``"default"`` or ``"known-object"`` (not for V-COCO).
        split: which split's annotations to read.
        top_k: first keep only the best triplets of each image. Off by default.
        nms: then suppress near-copies. Off by default.
        zero_shot: mean AP of the classes that a split hides from training, of the others, and of all: ``rare-first``,
            ``non-rare-first``, ``unseen-object``, ``unseen-verb`` (HICO-DET), or a group of the vocabulary's.
        overlap: smallest overlap (IoU) of a match, instead of the protocol's 0.5 (not for V-COCO).
        allow_partial: score what fits where result files are missing or images have other names. The scores'
            ``coverage`` says which part; see `interplay.metrics.coverage`.
        numbering: what interaction numbers of a query detector's ``.json`` count, ``"verbs"`` or ``"classes"``, where
            the file does not tell.
        progress: show how far a long read is.

    Raises:
        InputError: something does not fit, such as predictions of other images than annotated; says what.
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
    truth = annotations if isinstance(annotations, InteractionTable) else load_annotations(dataset, annotations, split)
    reading = Reading()
    if not isinstance(predictions, (InteractionTable, VcocoDetections)):
        predictions = read_results(predictions, truth.vocabulary, truth.files, progress, reading, numbering)
    return evaluate_tables(
        predictions, truth, protocol, setting, top_k, nms, zero_shot, overlap, allow_partial, reading
    )
