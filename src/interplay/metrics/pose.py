"""Pose AP by COCO's protocol: AP and AR of keypoints over object keypoint similarities (OKS) of 0.50, 0.55 ... 0.95.

The rules are those of ``COCOeval`` with ``iouType="keypoints"`` (Lin et al., ECCV 2014; cocodataset.org,
"Keypoint Evaluation"): at most 20 poses an image, the best first, each takes the annotated person to whom it is most
similar among those not taken; 101 recall thresholds; people without a labelled keypoint, crowds, and people out of a
range of areas count neither for nor against a pose. The numbers are those of ``pycocotools``.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from interplay.errors import InputError
from interplay.interactions import Interactions
from interplay.keypoints import KEYPOINT_NAMES
from interplay.metrics.coverage import Coverage, cover
from interplay.metrics.keypoint_similarity import object_keypoint_similarity
from interplay.metrics.scores import plain
from interplay.ops.boxes import box_area
from interplay.table import InteractionTable

SIMILARITIES = np.linspace(0.5, 0.95, 10)
"""(10,) smallest OKS of a match."""

AREAS = {"all": (0.0, 1e10), "medium": (32.0**2, 96.0**2), "large": (96.0**2, 1e10)}
"""Areas of people in pixels, both ends included."""

MAX_POSES = 20
"""Poses of an image that count, the best."""

BOX_SHARE = 0.53
"""Area of a person without segment, as a share of the box's: what COCO's people cover of their boxes on average."""

SEEN = 0.2
"""Keypoints of a prediction with lower scores are left out of its mean."""

RankBy = Literal["box", "pose"]
"""What poses are ranked by: the score of the person's box (or of the pose, in COCO's results); or that times the mean
score of the keypoints that score more than `SEEN`, as top-down estimators are, and as boxes without scores need it."""

_RECALLS = np.linspace(0, 1, 101)


@dataclass(frozen=True)
class PoseScores:
    """Scores of poses; metrics are fractions, 0..1, NaN where no person of that kind is annotated.

    Attributes:
        precision: (10, 101, 3) best precision from each recall threshold on, by smallest OKS, recall and `AREAS`.
        recall: (10, 3) highest recall.
        people: annotated people that count, by area.
        poses: predicted poses that count, of all areas.
        rank_by: what ranked them.
        coverage: which part of the images with labelled keypoints has predictions.
        notes: what the user should know.
    """

    precision: NDArray[np.float64]
    recall: NDArray[np.float64]
    people: dict[str, int]
    poses: int
    rank_by: RankBy
    coverage: Coverage
    notes: list[str] = field(default_factory=list)

    @property
    def title(self) -> str:
        """Data set, metric and rules."""
        return "poses: AP and AR over OKS, COCO's protocol"

    @property
    def means(self) -> dict[str, float]:
        """COCO's ten figures: ``ap``, ``ap50``, ``ap75``, ``ap_medium``, ``ap_large``, and the same with ``ar``."""
        ap, ar = self.precision.mean(1), self.recall
        return {
            f"{name}{suffix}": float(values)
            for name, of in (("ap", ap), ("ar", ar))
            for suffix, values in (
                ("", of[:, 0].mean()),
                ("50", of[0, 0]),
                ("75", of[5, 0]),
                ("_medium", of[:, 1].mean()),
                ("_large", of[:, 2].mean()),
            )
        }

    def to_dict(self) -> dict[str, Any]:
        """The JSON form; numbers that do not exist are None."""
        return {
            "protocol": "coco-keypoints",
            "rank_by": self.rank_by,
            "means": plain(self.means),
            "people": self.people,
            "poses": self.poses,
            "coverage": self.coverage.to_dict(),
            "notes": list(self.notes),
        }


def evaluate_poses(
    predictions: InteractionTable,
    annotations: InteractionTable,
    rank_by: RankBy = "box",
    allow_partial: bool = False,
) -> PoseScores:
    """Score the poses of predicted people, by COCO's protocol.

    Images are matched by name; what people do is not looked at, and the vocabularies may differ. A person of whom no
    keypoint is labelled counts neither for nor against a pose. An area is that of the column ``area``, or `BOX_SHARE`
    of the box where that is not known.

    Args:
        predictions: people with keypoints and scores.
        annotations: people with keypoints, whose third value is COCO's visibility: 0, 1 or 2.
        rank_by: ``"box"`` or ``"pose"``; see `RankBy`.
        allow_partial: score what fits where images have other names (`interplay.metrics.coverage`).

    Raises:
        InputError: there are no keypoints in one of both, the annotated ones have no visibility, or images do not fit.
    """
    check_rank(rank_by)
    check_annotated(annotations)
    if not has_poses(predictions):
        raise InputError(
            "the predictions hold no poses: expected people with keypoints, as 'interplay detect --pose movenet' "
            "writes them"
        )
    images, coverage = cover(predictions.files, annotations.files, allow_partial=allow_partial)
    of: list[list[Interactions]] = [[] for _ in range(len(annotations))]
    for row, position in enumerate(images.position.tolist()):
        if position >= 0:
            of[position].append(predictions[row])
    labelled = np.asarray((annotations.keypoints[..., 2] > 0).any(1))  # type: ignore[index]  # check_annotated saw them
    posed = np.unique(annotations.box_image_index[labelled]).tolist()
    coverage = replace(coverage, images=sum(bool(of[i]) for i in posed), annotated_images=len(posed))
    found = (predicted_poses(parts, rank_by) for parts in of)
    pairs = zip(found, map(annotated_poses, annotations), strict=True)
    return score_images(pairs, rank_by, coverage, [*_area_notes(annotations), *images.notes()])


def check_annotated(annotations: InteractionTable) -> None:
    """Whether poses can be scored with annotations.

    Raises:
        InputError: they hold no keypoints, or an estimator's scores in place of visibilities.
    """
    keypoints = annotations.keypoints
    if keypoints is None or not (keypoints[..., 2] > 0).any():
        raise InputError(
            "no keypoint is annotated: give COCO's person_keypoints file (--keypoints FILE), or a generated data set"
        )
    check_visibility(keypoints)


def has_poses(table: InteractionTable) -> bool:
    """Whether anybody in it has a pose."""
    people = table.labels == table.vocabulary.person
    return table.keypoints is not None and bool(np.isfinite(table.keypoints[people]).any())


def has_annotated_poses(annotations: InteractionTable) -> bool:
    """Whether `check_annotated` passes: keypoints are annotated, with visibilities, not estimated."""
    try:
        check_annotated(annotations)
    except InputError:
        return False
    return True


def check_visibility(keypoints: NDArray[np.floating]) -> None:
    """Whether the third value of keypoints (N, 17, 3) is a visibility wherever it is known.

    Raises:
        InputError: it is something else.
    """
    known = keypoints[..., 2][~np.isnan(keypoints[..., 2])]
    strange = known[~np.isin(known, (0, 1, 2))]
    if len(strange):
        raise InputError(
            f"annotated keypoints need COCO's visibility 0, 1 or 2 as their third value, got {strange[0]:.4g}: these "
            "are an estimator's poses, not annotations"
        )


def check_rank(rank_by: str) -> None:
    """Whether it is one of `RankBy`.

    Raises:
        InputError: it is not.
    """
    if rank_by not in get_args(RankBy):
        raise InputError(f"rank_by must be one of {', '.join(get_args(RankBy))}, got {rank_by!r}")


@dataclass(frozen=True)
class PredictedPoses:
    """An image's poses, the best first: keypoints (D, 17, 3), scores (D,)."""

    keypoints: NDArray[np.float64]
    scores: NDArray[np.float64]


@dataclass(frozen=True)
class AnnotatedPoses:
    """An image's people: keypoints (G, 17, 3), boxes (G, 4), areas (G,), crowd (G,) and whether they count (G,)."""

    keypoints: NDArray[np.float64]
    boxes: NDArray[np.float64]
    areas: NDArray[np.float64]
    crowd: NDArray[np.bool_]
    ignored: NDArray[np.bool_]


def predicted_poses(images: Sequence[Interactions], rank_by: RankBy) -> PredictedPoses:
    """The poses of an image that count, which may be spread over several `Interactions`."""
    keypoints, scores = [np.zeros((0, len(KEYPOINT_NAMES), 3))], [np.zeros(0)]
    for image in images:
        if image.keypoints is None:
            continue
        placed = np.isfinite(image.keypoints[..., :2]).all(2).any(1)
        posed = (image.labels == image.vocabulary.person) & placed
        keypoints.append(image.keypoints[posed].astype(np.float64))
        scores.append(image.box_scores[posed].astype(np.float64))
    poses, score = np.concatenate(keypoints), np.concatenate(scores)
    if rank_by == "pose":
        seen = poses[..., 2] > SEEN
        total = np.where(seen, poses[..., 2], 0).sum(1)
        score = score * np.divide(total, seen.sum(1), out=np.zeros(len(poses)), where=seen.any(1))
    order = np.argsort(-score, kind="stable")[:MAX_POSES]
    return PredictedPoses(poses[order], score[order])


def annotated_poses(image: Interactions) -> AnnotatedPoses:
    """The people of an image, as `evaluate_poses` looks at them."""
    people = image.labels == image.vocabulary.person
    boxes = image.boxes[people].astype(np.float64)
    count = len(boxes)
    keypoints = (
        np.zeros((count, len(KEYPOINT_NAMES), 3)) if image.keypoints is None else image.keypoints[people].astype(float)
    )
    areas = np.asarray(BOX_SHARE * box_area(boxes), np.float64)
    if image.area is not None:
        areas = np.where(np.isfinite(image.area[people]), image.area[people], areas)
    crowd = np.zeros(count, bool) if image.crowd is None else image.crowd[people]
    ignored = crowd | ~(keypoints[..., 2] > 0).any(1)
    return AnnotatedPoses(keypoints, boxes, areas, crowd, ignored)


def score_images(
    images: Iterable[tuple[PredictedPoses, AnnotatedPoses]], rank_by: RankBy, coverage: Coverage, notes: list[str]
) -> PoseScores:
    """Scores of images, one after the other; of poses with equal scores the earlier image's comes first."""
    limits = np.array(list(AREAS.values()))  # (3, 2)
    people, parts = np.zeros(len(AREAS), np.int64), []
    for found, truth in images:
        similar = object_keypoint_similarity(found.keypoints, truth.keypoints, truth.areas, truth.boxes)
        outside = (truth.areas < limits[:, :1]) | (truth.areas > limits[:, 1:])  # (3, G)
        ignored = truth.ignored | outside
        people += (~ignored).sum(1)
        extent = _extent(found.keypoints)
        strange = (extent < limits[:, :1]) | (extent > limits[:, 1:])  # (3, D)
        states = [_match(similar, own, truth.crowd, away) for own, away in zip(ignored, strange, strict=True)]
        parts.append((found.scores, np.stack(states)))
    scores = np.concatenate([np.zeros(0), *(part[0] for part in parts)])
    nothing = np.zeros((len(AREAS), len(SIMILARITIES), 0), np.int8)
    ranked = np.concatenate([nothing, *(part[1] for part in parts)], 2)
    if len(scores) > 1 and (scores == scores[0]).all():
        notes = [*notes, "all poses have the same score, so their order, and AP, mean little; see rank_by (--rank-by)"]
    order = np.argsort(-scores, kind="stable")
    curves = [_curve(ranked[a][:, order], int(people[a])) for a in range(len(AREAS))]
    return PoseScores(
        precision=np.stack([precision for precision, _ in curves], -1),
        recall=np.stack([recall for _, recall in curves], -1),
        people=dict(zip(AREAS, people.tolist(), strict=True)),
        poses=len(scores),
        rank_by=rank_by,
        coverage=coverage,
        notes=notes,
    )


_FALSE, _TRUE, _IGNORED = 0, 1, -1


def _match(
    similar: NDArray[np.float64], ignored: NDArray[np.bool_], crowd: NDArray[np.bool_], strange: NDArray[np.bool_]
) -> NDArray[np.int8]:
    """(10, D) what each pose is at each smallest OKS: true, false, or ignored.

    Args:
        similar: (D, G), the best pose first.
        ignored, crowd: (G,) people that do not count; and groups, which any number of poses may take.
        strange: (D,) poses whose own area is out of range.
    """
    least = np.minimum(SIMILARITIES, 1 - 1e-10)[:, None]
    free = np.ones((len(least), similar.shape[1]), bool)
    states = np.full((len(least), len(similar)), _FALSE, np.int8)
    states[:, strange] = _IGNORED
    if not similar.shape[1]:
        return states
    for pose, row in enumerate(similar):
        fits = (row >= least) & free
        counting = fits & ~ignored
        fits &= np.where(counting.any(1)[:, None], ~ignored, True)  # people who count come first
        best = row.size - 1 - np.where(fits, row, -1)[:, ::-1].argmax(1)  # of equals the last
        taken = np.flatnonzero(fits.any(1))
        chosen = best[taken]
        states[taken, pose] = np.where(ignored[chosen], _IGNORED, _TRUE)
        free[taken, chosen] = crowd[chosen]
    return states


def _curve(states: NDArray[np.int8], people: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Precision (10, 101) and highest recall (10,) of ranked poses (10, D)."""
    precision, recall = np.zeros((len(states), len(_RECALLS))), np.zeros(len(states))
    if not people:
        return np.full_like(precision, math.nan), np.full_like(recall, math.nan)
    for row, state in enumerate(states):
        true, false = np.cumsum(state == _TRUE), np.cumsum(state == _FALSE)
        if not len(true):
            continue
        reached = true / people
        exact = true / (true + false + np.spacing(1))
        envelope = np.maximum.accumulate(exact[::-1])[::-1]
        place = np.searchsorted(reached, _RECALLS, side="left")
        precision[row] = np.append(envelope, 0.0)[place]
        recall[row] = reached[-1]
    return precision, recall


def _extent(keypoints: NDArray[np.float64]) -> NDArray[np.float64]:
    """(D,) area of the box about all keypoints of a pose, in pixels: what COCO takes for the area of a result."""
    if not len(keypoints):
        return np.zeros(0)
    sides = np.nanmax(keypoints[..., :2], 1) - np.nanmin(keypoints[..., :2], 1)
    return np.asarray(sides[:, 0] * sides[:, 1])


def _area_notes(annotations: InteractionTable) -> list[str]:
    people = annotations.labels == annotations.vocabulary.person
    posed = people & (annotations.keypoints[..., 2] > 0).any(1)  # type: ignore[index]  # check_annotated saw them
    known = np.zeros(len(people), bool) if annotations.area is None else np.isfinite(annotations.area)
    without = int((posed & ~known).sum())
    if not without:
        return []
    return [f"{without:,} annotated people have no segment: their area is {BOX_SHARE} of the box's"]
