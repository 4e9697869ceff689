"""From result files and annotations to scores."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from interplay.containers.json_files import read_json
from interplay.datasets import InteractionDataset, load_annotations
from interplay.datasets.coco_keypoints import people_table, read_coco_people
from interplay.datasets.forms import recognise
from interplay.datasets.image_check import require_images
from interplay.datasets.load import load_detected
from interplay.datasets.own_names import in_vocabulary_of, with_own_names
from interplay.datasets.show import image_root_of
from interplay.datasets.sources import open_source
from interplay.datasets.vidhoi import at_keyframes
from interplay.detectors.pose import PoseEstimator, load_pose_estimator, people_poses
from interplay.detectors.pose.estimator import no_poses
from interplay.detectors.pose.load import POSE_ESTIMATORS, check_pose_name
from interplay.detectors.pose.poses_file import read_pose_results
from interplay.errors import InputError
from interplay.formats import read
from interplay.formats.coco_images import CocoImages
from interplay.formats.reading import OWN_NAMES, Numbering, Reading
from interplay.formats.results import has_names, read_results
from interplay.formats.vcoco_detections import VcocoDetections
from interplay.metrics import HoiScores, PairNms, PoseScores, Setting, VcocoScores, evaluate_poses, evaluate_tables
from interplay.metrics.pose import RankBy, check_annotated
from interplay.metrics.words import in_words_of
from interplay.table import InteractionTable
from interplay.vocabulary import Vocabulary, canonical_name

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
    vocabulary: Vocabulary | str | None = None,
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
        vocabulary: what names and numbers in both files mean (a `Vocabulary`, a built-in name or a JSON file); by
            default the data set's. Of ``own`` data by default the names in the files: its classes are the annotated
            pairs, also where a published data set has the same names. Names that only predictions have do no harm.
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
    found, truth, reading = read_both(dataset, predictions, annotations, split, numbering, vocabulary, progress)
    return evaluate_tables(found, truth, protocol, setting, top_k, nms, zero_shot, overlap, allow_partial, reading)


def read_both(
    dataset: str,
    predictions: Predictions,
    annotations: str | os.PathLike[str] | InteractionTable,
    split: str = "test",
    numbering: Numbering | None = None,
    vocabulary: Vocabulary | str | None = None,
    progress: bool = False,
) -> tuple[InteractionTable | VcocoDetections, InteractionTable, Reading | None]:
    """Predictions and annotations in one vocabulary, and what the predictions' reader had to say.

    Args:
        dataset, predictions, annotations, split, numbering, vocabulary, progress: as for `evaluate`.

    Raises:
        InputError, MissingFileError: a file is not there, or none of the accepted forms.
    """
    if isinstance(vocabulary, str):
        vocabulary = Vocabulary.load(vocabulary)
    by_own_names = canonical_name(dataset) == "own" and vocabulary is None
    truth = read_truth(dataset, annotations, split, vocabulary)
    keyframes = canonical_name(dataset) == "vidhoi" or truth.vocabulary == Vocabulary.load("vidhoi")
    reading = None
    if not isinstance(predictions, (InteractionTable, VcocoDetections)):
        reading = Reading()
        by_names = (keyframes and has_names(predictions)) or (truth.vocabulary.name == OWN_NAMES and by_own_names)
        meaning = OWN_NAMES if by_names else truth.vocabulary
        predictions = read_results(predictions, meaning, truth.files, progress, reading, numbering)
    if keyframes and isinstance(predictions, InteractionTable):
        predictions, notes = at_keyframes(predictions, truth)
        predictions, foreign = in_words_of(predictions, truth.vocabulary)
        reading = reading or Reading()
        reading.notes += notes + foreign
    if by_own_names and isinstance(predictions, InteractionTable):
        predictions, truth = in_vocabulary_of(with_own_names(predictions), truth)
    return predictions, truth, reading


def read_truth(
    dataset: str,
    annotations: str | os.PathLike[str] | InteractionTable,
    split: str = "test",
    vocabulary: Vocabulary | None = None,
) -> InteractionTable:
    """Annotations as `evaluate` takes them, to score several files without reading them again.

    Args:
        dataset, annotations, split, vocabulary: as for `evaluate`.

    Raises:
        InputError, MissingFileError: see `interplay.load_annotations`.
    """
    own = canonical_name(dataset) == "own" and vocabulary is None
    if not isinstance(annotations, InteractionTable):
        annotations = load_annotations(dataset, annotations, split, OWN_NAMES if own else vocabulary)
    return with_own_names(annotations) if own else annotations


def evaluate_pose(
    predictions: str | os.PathLike[str] | InteractionTable | PoseEstimator,
    annotations: str | os.PathLike[str] | InteractionTable,
    *,
    rank_by: RankBy | None = None,
    split: str = "test",
    keypoints: str | os.PathLike[str] | None = None,
    images: str | os.PathLike[str] | None = None,
    device: str | None = None,
    allow_partial: bool = False,
    progress: bool = False,
) -> PoseScores:
    """Score poses by COCO's keypoint protocol; see `interplay.metrics.evaluate_poses`.

    Args:
        predictions: ``.jsonl`` or ``.parquet`` with keypoints (``interplay detect --pose``), a ``.json`` of AlphaPose's
            or COCO's results, or a table. Or an estimator, or its name (`list_pose_estimators`): it poses the annotated
            people, which compares estimators without a detector's mistakes.
        annotations: COCO's ``person_keypoints_*.json``, annotations with keypoints in any form that `load_annotations`
            reads, such as a generated data set, or a table.
        rank_by: ``"box"`` or ``"pose"`` (`interplay.metrics.pose.RankBy`); by default ``"pose"`` for estimators, as
            annotated boxes have no scores, else ``"box"``.
        split: which split's annotations to read from a folder.
        keypoints: COCO's keypoints for annotations without, as for `load_annotations`.
        images: folder of the images, for estimators; by default where the annotations are.
        device: for an estimator that is given by name.
        allow_partial: as for `evaluate`.
        progress: show how far an estimator is.

    Raises:
        InputError: something does not fit; says what.
        MissingFileError: a file is not there.
    """
    listed = None
    if isinstance(annotations, (str, os.PathLike)):
        listed = _images_by_number(Path(annotations))
        images = images or image_root_of(annotations, split)
        annotations = read_pose_truth(annotations, split, keypoints)
    check_annotated(annotations)
    if isinstance(predictions, (str, os.PathLike)) and os.fspath(predictions) in POSE_ESTIMATORS:
        predictions = load_pose_estimator(predictions, device=device)
    if isinstance(predictions, (str, os.PathLike)):
        predictions = _read_poses(Path(predictions), listed or CocoImages.official(annotations.files))
    elif not isinstance(predictions, InteractionTable):
        if images is None:
            raise InputError("an estimator needs the images: give their folder (images)")
        predictions, rank_by = _pose_annotated(predictions, annotations, Path(images), progress), rank_by or "pose"
    return evaluate_poses(predictions, annotations, rank_by or "box", allow_partial)


def read_pose_truth(
    annotations: str | os.PathLike[str], split: str = "test", keypoints: str | os.PathLike[str] | None = None
) -> InteractionTable:
    """Annotations with keypoints, as `evaluate_pose` takes them.

    Raises:
        InputError, MissingFileError: see `interplay.load_annotations` and `read_coco_people`.
    """
    path = Path(annotations)
    if path.is_file() and path.suffix == ".json" and recognise(open_source(path)) is None and keypoints is None:
        return people_table(read_coco_people(path))
    return load_detected(path, split, keypoints=keypoints)


def _images_by_number(path: Path) -> CocoImages | None:
    """Which image a number is, as far as a COCO file says so."""
    if path.suffix != ".json" or not path.is_file():
        return None
    content = read_json(path)
    listed = isinstance(content, dict) and isinstance(content.get("images"), list)
    return CocoImages.of(content, str(path)) if listed else None


def _read_poses(path: Path, listed: CocoImages | None) -> InteractionTable:
    if path.suffix == ".json":
        return read_pose_results(path, listed)
    if path.suffix not in (".jsonl", ".parquet"):
        check_pose_name(str(path))  # names the nearest estimator
    table = read(path)
    if not table.scored:
        raise InputError(f"{path}: holds annotations (it has no scores), expected predictions")
    return table


def _pose_annotated(
    estimator: PoseEstimator, annotations: InteractionTable, images: Path, progress: bool
) -> InteractionTable:
    """An estimator's poses of the annotated people."""
    from rich.progress import track

    require_images(annotations, images, "images")
    dataset = InteractionDataset(annotations, images)
    found = []
    for index in track(range(len(dataset)), f"poses by {estimator.name}", disable=not progress):
        image = annotations[index]
        posed = no_poses(len(image.boxes))
        if (image.labels == image.vocabulary.person).any():
            posed = people_poses(image, dataset[index].image, estimator)
        found.append(replace(image, scored=True).with_columns(keypoints=posed))
    return InteractionTable.from_list(found, annotations.vocabulary)
