"""Result files of VidHOI's published code: a list with an object for each keyframe, which holds the annotations, too.

``proposal_boxes`` (a 0, then x1, y1, x2, y2), ``proposal_classes`` and ``proposal_scores`` (a 0, then the value) are
the boxes of a frame; ``preds_bbox_pair_ids`` are pairs of them, and ``preds_score`` the scores of all 50 predicates of
each pair. ``gt_boxes``, ``gt_obj_classes``, ``gt_bbox_pair_ids`` and ``gt_action_labels`` are the annotations in the
same way. Frames have no names, unless ``orig_video_idx`` gives one. Boxes are in pixels of the pictures that the
network saw, whose shorter side has 224.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from interplay.containers.guard import locating
from interplay.containers.json_files import read_json
from interplay.errors import InputError
from interplay.files import atomic_path
from interplay.interactions import Interactions
from interplay.table import InteractionTable
from interplay.vocabulary import Vocabulary

KEPT = 100
"""Best scores of a frame that the published evaluation looks at; a file has all pairs times all predicates."""

_KEYS = (b'"preds_bbox_pair_ids"', b'"preds_score"')


def is_vidhoi_results_text(head: bytes) -> bool:
    """Whether the beginning of a JSON file is that of such a file."""
    return all(key in head for key in _KEYS)


def read_vidhoi_predictions(path: str | os.PathLike[str], vocabulary: Vocabulary) -> InteractionTable:
    """The best 100 predictions of every frame; a score is that of the predicate times those of both boxes.

    Of equal scores the later pair and predicate goes first, as the published evaluation sorts. Subjects that are no
    people take a place among the 100 and are left out.

    Raises:
        InputError: not this form, or another number of predicates or objects; says where.
    """
    person = vocabulary.person
    images = []
    for file, frame, where in _frames(path):
        with locating(where):
            boxes, labels = _boxes(frame["proposal_boxes"], frame["proposal_classes"], vocabulary)
            certain = _column(frame["proposal_scores"], 2)[:, 1]
            pairs = _pairs(frame["preds_bbox_pair_ids"], len(boxes))
            scores = _matrix(frame["preds_score"], len(pairs), vocabulary)
            if len(certain) != len(boxes):
                raise InputError(f"{len(certain)} scores of {len(boxes)} boxes")
            product = (scores * (certain[pairs[:, 0]] * certain[pairs[:, 1]])[:, None]).reshape(-1)
            best = np.argsort(product, kind="stable")[::-1][:KEPT]
            pair, verb = np.divmod(best, len(vocabulary.verbs))
            people = labels[pairs[pair, 0]] == person
            pair, verb, best = pair[people], verb[people], best[people]
            images.append(
                Interactions(
                    boxes=boxes,
                    labels=labels,
                    box_scores=certain,
                    human=pairs[pair, 0],
                    object=pairs[pair, 1],
                    verb=verb,
                    score=product[best],
                    vocabulary=vocabulary,
                    file=file,
                )
            )
    return InteractionTable.from_list(images, vocabulary)


def read_vidhoi_annotations(path: str | os.PathLike[str], vocabulary: Vocabulary) -> InteractionTable:
    """The annotations in such a file.

    Raises:
        InputError: as for `read_vidhoi_predictions`.
    """
    images = []
    for file, frame, where in _frames(path):
        with locating(where):
            boxes, labels = _boxes(frame["gt_boxes"], frame["gt_obj_classes"], vocabulary)
            pairs = _pairs(frame["gt_bbox_pair_ids"], len(boxes))
            pair, verb = np.nonzero(_matrix(frame["gt_action_labels"], len(pairs), vocabulary) == 1)
            images.append(
                Interactions(
                    boxes=boxes,
                    labels=labels,
                    human=pairs[pair, 0],
                    object=pairs[pair, 1],
                    verb=verb,
                    vocabulary=vocabulary,
                    file=file,
                    scored=False,
                )
            )
    return InteractionTable.from_list(images, vocabulary)


def write_vidhoi_results(
    predictions: InteractionTable, path: str | os.PathLike[str], annotations: InteractionTable | None = None
) -> None:
    """Write predictions, and annotations if there are any, for the published evaluation.

    Scores of boxes are written as 1, as those of interactions hold them already. Without annotations the fields of
    those are empty lists.

    Args:
        annotations: of the same images, by name, of which every one gets an object, with predictions or without.
    """
    found = {Path(file).name: row for row, file in enumerate(predictions.files)}
    listed = predictions if annotations is None else annotations
    content = []
    for row, file in enumerate(listed.files):
        number = found.get(Path(file).name)
        frame = _predicted(None if number is None else predictions[number], len(predictions.vocabulary.verbs))
        truth = _annotated(None if annotations is None else annotations[row], len(predictions.vocabulary.verbs))
        content.append({**frame, **truth, "orig_video_idx": [file.rpartition(".")[0] or file]})
    with atomic_path(path) as temporary:
        temporary.write_text(json.dumps(content), encoding="utf-8")


def _predicted(image: Interactions | None, verbs: int) -> dict[str, Any]:
    empty: dict[str, Any] = {name: [] for name in ("proposal_boxes", "proposal_classes", "proposal_scores")}
    if image is None:
        return {"preds_score": [], "preds": [], "preds_bbox_pair_ids": [], **empty}
    pairs, scores = _by_pair(image, verbs, image.score)
    return {
        "preds_score": scores,
        "preds": [[value >= 0.5 for value in row] for row in scores],
        "preds_bbox_pair_ids": pairs,
        "proposal_scores": [[0.0, 1.0] for _ in image.labels],
        "proposal_boxes": [[0.0, *box] for box in image.boxes.tolist()],
        "proposal_classes": [[0.0, float(label)] for label in image.labels.tolist()],
    }


def _annotated(image: Interactions | None, verbs: int) -> dict[str, Any]:
    if image is None:
        return {"gt_boxes": [], "gt_action_labels": [], "gt_obj_classes": [], "gt_bbox_pair_ids": []}
    pairs, labels = _by_pair(image, verbs, np.ones(len(image.verb)))
    return {
        "gt_boxes": [[0.0, *box] for box in image.boxes.tolist()],
        "gt_action_labels": labels,
        "gt_obj_classes": [[0.0, float(label)] for label in image.labels.tolist()],
        "gt_bbox_pair_ids": pairs,
    }


def _by_pair(image: Interactions, verbs: int, value: NDArray[Any]) -> tuple[list[list[int]], list[list[float]]]:
    """Pairs of boxes, and the value of every verb for each; the largest where a verb is there twice."""
    there = np.flatnonzero(image.object >= 0)
    pairs, row = np.unique(np.stack([image.human[there], image.object[there]], axis=1), axis=0, return_inverse=True)
    matrix = np.zeros((len(pairs), verbs))
    np.maximum.at(matrix, (row.reshape(-1), image.verb[there]), value[there].astype(np.float64))
    return pairs.tolist(), matrix.tolist()


def _frames(path: str | os.PathLike[str]) -> Iterator[tuple[str, dict[str, Any], str]]:
    content = read_json(Path(path), "results of VidHOI's code")
    if not isinstance(content, list) or not all(isinstance(frame, dict) for frame in content):
        raise InputError(f"{path}: expected a list with an object for each keyframe")
    for number, frame in enumerate(content):
        name = frame.get("orig_video_idx")
        name = name[0] if isinstance(name, list) and len(name) == 1 else name
        yield (f"{name}.jpg" if isinstance(name, str) else f"{number:06d}.jpg"), frame, f"{path}: frame {number}"


def _column(rows: Any, width: int) -> NDArray[np.float64]:
    """(N, width) numbers from a list of lists.

    Raises:
        InputError: something else.
    """
    try:
        values = np.array(rows, np.float64).reshape(-1, width) if rows else np.zeros((0, width))
    except (TypeError, ValueError):
        values = np.full((1, width), np.nan)
    if not np.isfinite(values).all() or len(values) != len(rows):
        raise InputError(f"expected rows of {width} finite numbers")
    return values


def _boxes(boxes: Any, classes: Any, vocabulary: Vocabulary) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    corners, labels = _column(boxes, 5)[:, 1:], _column(classes, 2)[:, 1]
    if len(corners) != len(labels):
        raise InputError(f"{len(labels)} classes of {len(corners)} boxes")
    if len(labels) and not ((labels >= 0) & (labels < len(vocabulary.objects)) & (labels % 1 == 0)).all():
        raise InputError(f"classes of boxes must be whole numbers from 0 to {len(vocabulary.objects) - 1}")
    return corners, labels.astype(np.int64)


def _pairs(rows: Any, boxes: int) -> NDArray[np.int64]:
    pairs = _column(rows, 2)
    if len(pairs) and not ((pairs >= 0) & (pairs < boxes) & (pairs % 1 == 0)).all():
        raise InputError(f"a pair names a box that is not there; the frame has {boxes}")
    return pairs.astype(np.int64)


def _matrix(rows: Any, pairs: int, vocabulary: Vocabulary) -> NDArray[np.float64]:
    matrix = _column(rows, len(vocabulary.verbs))
    if len(matrix) != pairs:
        raise InputError(f"{len(matrix)} rows of predicates for {pairs} pairs")
    return matrix
