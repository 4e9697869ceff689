"""Predicted against annotated affordance of points, and masks of contact in photographs."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from interplay.containers.arrays import read_npy
from interplay.datasets.affordance_truth import AffordanceSample, AffordanceTruth
from interplay.errors import InputError, MissingFileError
from interplay.formats.contact_results import ContactResult
from interplay.images import read_image
from interplay.metrics.contact import AffordanceScores, affordance_scores, segmentation_scores
from interplay.metrics.contact_evaluation import ContactEvaluation, Row
from interplay.metrics.coverage import cover
from interplay.vocabulary import normalise

_METRICS = ("sim", "mae", "auc", "aiou")


def evaluate_affordance(
    results: Sequence[ContactResult], truth: AffordanceTruth, allow_partial: bool = False
) -> ContactEvaluation:
    """Score affordance of objects' points by PIAD's protocol: SIM, MAE, AUC and aIoU.

    The image's name says which affordance counts. As in the published evaluation, a sample whose annotation has points
    of one class alone (all below 0.5, or all from there on) is left out.

    Args:
        results: one per image; ``object`` is not looked at.
        truth: annotations. Listed images without prediction count as 0 everywhere.
        allow_partial: score a part of the images.

    Raises:
        InputError, MissingFileError: the files do not fit together; says what and why.
    """
    images = list(truth.images) or list(dict.fromkeys(each.image for each in results))
    match, coverage = cover([each.image for each in results], images, allow_partial=allow_partial)
    notes = match.notes()
    if not truth.images:
        notes.append("no list of images is there: all that was predicted is scored, and nothing else")
    rows: list[tuple[AffordanceSample, NDArray[np.float64]]] = []
    done = set()
    for result, index in zip(results, match.position.tolist(), strict=True):
        if index < 0:
            continue
        done.add(images[index])
        sample = truth.sample(images[index], result.points)
        if len(sample.scores) != len(result.scores):
            raise InputError(
                f"{result.image}: {len(result.scores):,} points are predicted, {len(sample.scores):,} are annotated"
            )
        rows.append((sample, result.scores.astype(np.float64)))
    if truth.paired:
        for image in images:
            if image not in done:
                sample = truth.sample(image)
                rows.append((sample, np.zeros(len(sample.scores))))
    each = [affordance_scores(scores, sample.scores) for sample, scores in rows]
    scores = AffordanceScores(*np.array(each, np.float64).reshape(-1, 4).T)
    left_out = len(rows) - int(scores.valid.sum()) if rows else 0
    if left_out:
        notes.append(f"{left_out:,} of {len(rows):,} samples are left out: all of their points are of one class")
    groups: dict[str, dict[str, list[int]]] = {"affordance": {"all": list(range(len(rows)))}}
    for name, of in (("by affordance", 1), ("by object", 0)):
        members: dict[str, list[int]] = defaultdict(list)
        for i, (sample, _) in enumerate(rows):
            members[str(sample[of])].append(i)
        groups[name] = dict(sorted(members.items()))
    tables = {
        name: {label: _affordance_row(scores, index) for label, index in rows_of.items()}
        for name, rows_of in groups.items()
        if rows_of
    }
    means = {name: value for name, value in tables["affordance"]["all"].items() if name != "samples"}
    title = f"{truth.form.dataset}: affordance of points, PIAD's protocol"
    return ContactEvaluation(title, "piad", means, tables, coverage, notes)


def _affordance_row(scores: AffordanceScores, index: Sequence[int]) -> dict[str, float]:
    part = AffordanceScores(*(column[np.asarray(index, np.int64)] for column in scores))
    if not len(index):
        return {"samples": 0, **dict.fromkeys(_METRICS, float("nan"))}
    means = part.mean_of_valid
    return {"samples": int(part.valid.sum()), **{name: float(getattr(means, name)) for name in _METRICS}}


_ENDING = "_contact_mask"
_OF = ": "
"""Between the folder's and the mask's name; a slash would let masks of other folders pass for the same."""


def evaluate_masks(
    predictions: str | os.PathLike[str], annotations: str | os.PathLike[str], allow_partial: bool = False
) -> ContactEvaluation:
    """Score masks of contact in photographs: IoU per mask (gIoU), and of all pixels together (cIoU).

    Args:
        predictions: a folder of masks, ``OBJECT/IMAGE_contact_mask.png`` or without folders: black and
            one other colour, which is contact; or ``.npy`` files of logits (H, W), where what is above 0 is contact.
        annotations: such a folder of annotated masks; ``.npy`` files hold 0, 1, and -1 for what is left out.
        allow_partial: score a part of the masks.

    Masks belong together that have the same name and, where both have some, the same folder; ``_contact_mask`` at the
    name's end does not count. An annotated mask without a predicted one counts as predicted nowhere.

    Raises:
        MissingFileError: a folder is not there, or holds no masks.
        InputError: masks of different sizes, or names that do not fit together.
    """
    predicted, annotated = _mask_files(predictions), _mask_files(annotations)
    if not all(_OF in name for name in (*predicted, *annotated)):
        predicted, annotated = _without_folders(predicted), _without_folders(annotated)
    names = list(annotated)
    match, coverage = cover(list(predicted), names, allow_partial=allow_partial)
    files = [file for file, index in zip(predicted.values(), match.position.tolist(), strict=True) if index >= 0]
    of = dict(zip((names[i] for i in match.position.tolist() if i >= 0), files, strict=True))
    iou, intersection, union = (np.zeros(len(names)) for _ in range(3))
    for i, name in enumerate(names):
        gt = _read_mask(annotated[name], logits=False)
        logits = _read_mask(of[name], logits=True) if name in of else np.full(gt.shape, -1.0)
        if logits.shape != gt.shape:
            raise InputError(
                f"{of[name]}: {logits.shape[1]} x {logits.shape[0]} px, but {annotated[name]} has {gt.shape[1]} x "
                f"{gt.shape[0]}: give masks of the photograph's size"
            )
        scores = segmentation_scores(logits[None], gt[None])
        iou[i], intersection[i], union[i] = (float(v[..., 1]) for v in (scores.iou, scores.intersection, scores.union))

    def row(index: Sequence[int]) -> dict[str, float]:
        chosen = np.asarray(index, np.int64)
        whole = union[chosen].sum()
        ciou = float(intersection[chosen].sum() / whole) if whole else 0.0
        return {"samples": len(chosen), "giou": float(iou[chosen].mean()), "ciou": ciou}

    tables: dict[str, Mapping[str, Row]] = {"masks": {"all": row(range(len(names)))}}
    objects: dict[str, list[int]] = defaultdict(list)
    for i, name in enumerate(names):
        if _OF in name:
            objects[name.split(_OF)[0]].append(i)
    if objects:
        tables["by object"] = {label: row(index) for label, index in sorted(objects.items())}
    means = {name: value for name, value in tables["masks"]["all"].items() if name != "samples"}
    notes = [_about_masks(note) for note in match.notes()]
    return ContactEvaluation("contact in photographs: IoU of masks", "interactvlm", means, tables, coverage, notes)


def _about_masks(note: str) -> str:
    return note.replace("predicted images", "predicted masks").replace("annotated images", "annotated masks")


def _mask_files(folder: str | os.PathLike[str]) -> dict[str, Path]:
    """Masks by ``object: image``, or ``image`` where they lie in no folder."""
    root = Path(folder)
    if not root.is_dir():
        raise MissingFileError(f"no folder {folder}")
    found: dict[str, Path] = {}
    for file in sorted(root.rglob("*")):
        if file.suffix not in (".png", ".npy") or not file.is_file():
            continue
        inside = file.relative_to(root).parts[-2:]
        name = _OF.join([*(normalise(part) for part in inside[:-1]), file.stem.removesuffix(_ENDING)])
        if name in found:
            raise InputError(f"{found[name]} and {file} are both the mask {name}")
        found[name] = file
    if not found:
        raise MissingFileError(f"{folder} holds no masks (.png or .npy)")
    return found


def _without_folders(files: Mapping[str, Path]) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for name, file in files.items():
        short = name.rpartition(_OF)[2]
        if short in found:
            raise InputError(
                f"{found[short]} and {file} are told apart by their folders alone: give both sides folders"
            )
        found[short] = file
    return found


def _read_mask(file: Path, logits: bool) -> NDArray[np.float64]:
    if file.suffix == ".png":
        pixels = read_image(file)
        mask = pixels.any(-1)
        if (pixels[mask] != pixels[mask][:1]).any():
            raise InputError(
                f"{file}: expected a mask of two colours, black where there is no contact; give probabilities as .npy "
                "files of logits"
            )
        return np.where(mask, 1.0, -1.0 if logits else 0.0)
    mask = read_npy(file)
    if mask.ndim != 2 or mask.dtype.kind not in "biuf":
        raise InputError(f"{file}: expected a mask (H, W) of numbers, got {mask.dtype} {mask.shape}")
    values = mask.astype(np.float64)
    if not logits and not np.isin(values, (-1, 0, 1)).all():
        raise InputError(f"{file}: expected 0, 1, and -1 for what is left out")
    return values
