"""Contact and affordance in 3D: the protocols of InteractVLM's evaluation and of DECO's challenge.

Predictions are scores in 0..1 per vertex, per point or logits per pixel. Functions of arrays take numpy's arrays,
lists or torch's tensors, one sample or a batch, and give back the same kind.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from interplay.body.geodesics import SurfaceDistances
from interplay.datasets.damon import CATEGORIES
from interplay.errors import InputError
from interplay.metrics.scores import plain
from interplay.ops.backends import through_numpy, to_numpy

Numbers = NDArray[np.float64]

ContactProtocol = Literal["interactvlm", "deco"]
"""What counts where nothing is predicted or annotated.

``interactvlm``
    The published evaluation: every denominator is raised by 1e-10, so a score without any prediction or annotation
    is 0.
``deco``
    DECO's challenge: precision 1 and recall 0 where nothing is predicted; otherwise precision 0 and recall 1 where
    nothing is annotated.
"""

_SMALL = 1e-10


class ContactScores(NamedTuple):
    """Scores of contact, 0..1: () of one sample or (N,) of a batch."""

    f1: Any
    precision: Any
    recall: Any

    @property
    def mean(self) -> ContactScores:
        """The mean over the samples of each."""
        return ContactScores(*(each.mean() for each in self))


class GeodesicErrors(NamedTuple):
    """Mean distances in the unit of the distances given: () of one sample or (N,) of a batch.

    Attributes:
        fp: of predicted contact to the nearest annotated contact.
        fn: of annotated contact to the nearest predicted contact.
    """

    fp: Any
    fn: Any

    @property
    def mean(self) -> GeodesicErrors:
        """The mean over the samples of each."""
        return GeodesicErrors(*(each.mean() for each in self))


class AffordanceScores(NamedTuple):
    """Scores of affordance: () of one sample or (N,) of a batch.

    Attributes:
        sim: similarity of the distributions, 0..1.
        mae: mean absolute error.
        auc: area under the ROC curve, 0..1; NaN where the annotation has points of one class alone.
        aiou: mean IoU over 20 thresholds, 0..1; NaN likewise.
    """

    sim: Any
    mae: Any
    auc: Any
    aiou: Any

    @property
    def valid(self) -> Any:
        """Whether a sample has points of both classes, so that all four scores exist."""
        return self.auc == self.auc  # NaN is unequal to itself

    @property
    def mean(self) -> AffordanceScores:
        """The mean of each score over the samples that have it; NaN if none has."""
        return AffordanceScores(*(_existing_mean(each) for each in self))

    @property
    def mean_of_valid(self) -> AffordanceScores:
        """The mean over the `valid` samples alone, as the published evaluation's tables have it."""
        return AffordanceScores(*(_existing_mean(each[self.valid]) for each in self))


class SegmentationScores(NamedTuple):
    """Overlap of masks.

    Attributes:
        intersection, union: (N, 2) pixels of background and foreground, means over a sample's views.
        iou: (N, 2) mean over the views of their IoU; 1 for a class that is neither predicted nor annotated.
    """

    intersection: Any
    union: Any
    iou: Any

    @property
    def giou(self) -> Any:
        """Mean over the samples of the foreground's IoU."""
        return self.iou[..., 1].mean()

    @property
    def ciou(self) -> Any:
        """The foreground's intersection over its union, both summed over the samples; 0 without any union."""
        return self.intersection[..., 1].sum() / (self.union[..., 1].sum() + _SMALL)


@through_numpy
def contact_scores(
    pred: Any, gt: Any, threshold: float = 0.5, protocol: ContactProtocol = "interactvlm"
) -> ContactScores:
    """F1, precision and recall of contact per sample.

    Args:
        pred: (V,) or (N, V) scores; contact from `threshold` on.
        gt: the same shape; contact above 0.
        protocol: what counts where nothing is predicted or annotated.

    Example:
        >>> scores = contact_scores([[0.9, 0.2, 0.5]], [[1, 1, 0]])
        >>> scores.f1.round(3), scores.precision, scores.recall
        (array([0.5]), array([0.5]), array([0.5]))
    """
    _check_same_shape(pred, gt)
    predicted, annotated = pred >= threshold, gt > 0
    hits = (predicted & annotated).sum(-1).astype(np.float64)
    found, there = predicted.sum(-1), annotated.sum(-1)
    if protocol == "interactvlm":
        precision, recall = hits / (found + _SMALL), hits / (there + _SMALL)
        return ContactScores(2 * precision * recall / (precision + recall + _SMALL), precision, recall)
    if protocol != "deco":
        raise InputError(f"unknown protocol {protocol!r}: expected interactvlm or deco")
    precision = np.where(found == 0, 1.0, hits / np.maximum(found, 1))
    recall = np.where((there == 0) & (found > 0), 1.0, hits / np.maximum(there, 1))
    f1 = np.where(hits > 0, 2 * precision * recall / np.maximum(precision + recall, _SMALL), 0.0)
    return ContactScores(f1, precision, recall)


@through_numpy
def geodesic_errors(pred: Any, gt: Any, geodesic: Any, published_behaviour: bool = False) -> GeodesicErrors:
    """How far wrong contact is from right contact over the surface, per sample (DECO, section 5).

    Where nothing is annotated, or nothing predicted, all vertices stand in for it.

    Args:
        pred: (V,) or (N, V) scores; contact from 0.5 on.
        gt: the same shape; contact where it is 1.
        geodesic: (V, V) distances, as metres over a body's surface; or `SurfaceDistances` of the mesh, which gives the
            same without the matrix.
        published_behaviour: exchange predictions and annotations, as the published evaluation does. What it reports,
            the ``fp`` of that, is the ``fn`` of binary predictions, and 0 for nearly all others, since few scores are
            exactly 1.
    """
    _check_same_shape(pred, gt)
    vertices = pred.shape[-1]
    surface = isinstance(geodesic, SurfaceDistances)
    shape = (len(geodesic),) * 2 if surface else geodesic.shape
    if shape != (vertices, vertices):
        raise InputError(f"geodesic: expected distances ({vertices}, {vertices}), got {shape}")
    if published_behaviour:
        pred, gt = gt, pred
    everything = np.arange(vertices)
    errors = []
    for one_pred, one_gt in zip(pred.reshape(-1, vertices), gt.reshape(-1, vertices), strict=True):
        rows, columns = np.nonzero(one_pred >= 0.5)[0], np.nonzero(one_gt == 1)[0]
        rows, columns = (each if len(each) else everything for each in (rows, columns))
        if surface:
            to_gt, to_pred = geodesic.to_nearest(columns)[rows], geodesic.to_nearest(rows)[columns]
        else:
            distances = geodesic[np.ix_(rows, columns)]
            to_gt, to_pred = distances.min(1), distances.min(0)
        errors.append((to_gt.mean(dtype=np.float64), to_pred.mean(dtype=np.float64)))
    both = np.array(errors, np.float64).reshape(*pred.shape[:-1], 2)
    return GeodesicErrors(both[..., 0], both[..., 1])


@through_numpy
def affordance_scores(pred: Any, gt: Any) -> AffordanceScores:
    """Similarity, error, ROC area and overlap of affordance maps per sample (PIAD's protocol).

    Args:
        pred: (P,) or (N, P) scores of points, 0..1.
        gt: the same shape; for AUC and aIoU a point is positive from 0.5 on.
    """
    _check_same_shape(pred, gt)
    p, g = pred.astype(np.float64), gt.astype(np.float64)
    sim = np.minimum(p / (p.sum(-1, keepdims=True) + 1e-12), g / (g.sum(-1, keepdims=True) + 1e-12)).sum(-1)
    mae = np.abs(p - g).mean(-1)
    auc, aiou = np.full(p.shape[:-1], np.nan), np.full(p.shape[:-1], np.nan)
    for index in np.ndindex(p.shape[:-1]):
        positive = g[index] >= 0.5
        if positive.any() and not positive.all():
            auc[index] = _roc_area(p[index], positive)
            above = p[index] >= np.linspace(0, 1, 20)[:, None]
            aiou[index] = ((above & positive).sum(1) / (above | positive).sum(1)).mean()
    return AffordanceScores(sim, mae, auc, aiou)


@through_numpy
def segmentation_scores(logits: Any, gt: Any) -> SegmentationScores:
    """Overlap of masks in views, per sample.

    Args:
        logits: (V, H, W) of one sample or (N, V, H, W); foreground above 0.
        gt: the same shape; 1 foreground, 0 background, -1 left out.
    """
    _check_same_shape(logits, gt)
    if gt.ndim < 3:
        raise InputError(f"expected masks (V, H, W) or (N, V, H, W), got {gt.shape}")
    counted = gt != -1
    predicted = [(logits <= 0) & counted, (logits > 0) & counted]
    annotated = [gt == 0, gt == 1]
    pairs = list(zip(predicted, annotated, strict=True))
    intersection = np.stack([(p & a).sum((-2, -1)) for p, a in pairs], -1).astype(np.float64)
    union = np.stack([(p | a).sum((-2, -1)) for p, a in pairs], -1).astype(np.float64)
    iou = np.where(union == 0, 1.0, intersection / (union + 1e-5))
    return SegmentationScores(intersection.mean(-2), union.mean(-2), iou.mean(-2))


@dataclass(frozen=True)
class GroupScores:
    """Scores of the samples of one object, one category, or all.

    Attributes:
        samples: how many.
        f1, precision, recall: 0..1; means over the samples unless the function says otherwise.
        geodesic, geodesic_fn: the means of ``fp`` and of ``fn`` errors; NaN without distances.
    """

    samples: int
    f1: float
    precision: float
    recall: float
    geodesic: float = float("nan")
    geodesic_fn: float = float("nan")


@dataclass(frozen=True)
class SemanticScores:
    """Scores of contact with named objects.

    Attributes:
        objects: by name, in lower case.
        categories: by category, without those that have no sample.
        all: over all samples; its F1 is what papers report, the mean of the objects' F1 weighted by their samples.
    """

    objects: dict[str, GroupScores]
    categories: dict[str, GroupScores]
    all: GroupScores

    def to_dict(self) -> dict[str, Any]:
        """The JSON form; numbers that do not exist are None."""
        return plain(
            {
                "objects": {name: vars(each) for name, each in self.objects.items()},
                "categories": {name: vars(each) for name, each in self.categories.items()},
                "all": vars(self.all),
            }
        )


def semantic_scores(
    pred: Any,
    gt: Any,
    objects: Sequence[str],
    geodesic: Any = None,
    categories: Mapping[str, Sequence[str]] | None = None,
    protocol: ContactProtocol = "interactvlm",
    published_behaviour: bool = False,
) -> SemanticScores:
    """Contact of a body with each named object: one sample is one object of one person in one image.

    Args:
        pred: (N, V) scores.
        gt: (N, V); contact above 0.
        objects: N names.
        geodesic: (V, V) distances or `SurfaceDistances`, for geodesic errors.
        categories: objects by category, by default DAMON's. Blanks and underlines in names are alike.
        published_behaviour: as the published evaluation: precision and recall of raw scores, so that any score above 0
            is contact and precision can be above 1; `geodesic_errors` with its arguments exchanged; names with a blank
            in the categories are not found under their names with underlines.
    """
    pred, gt = _batch(pred, gt, objects, "objects")
    samples = _Samples(pred, gt, geodesic, protocol, published_behaviour)
    names = np.array([str(name).lower() for name in objects])
    keys = names if published_behaviour else np.char.replace(names, "_", " ")

    def group(rows: NDArray[np.bool_]) -> GroupScores:
        scores = samples.group(rows)
        if not published_behaviour or not rows.any():
            return scores
        hits = ((pred[rows] > 0) & (gt[rows] > 0)).sum()
        found, there = (float(each[rows].sum(dtype=np.float64)) for each in (pred, gt))
        precision, recall = float(hits / (found + _SMALL)), float(hits / (there + _SMALL))
        return replace(scores, precision=precision, recall=recall)

    by_category = {}
    for category, members in (CATEGORIES if categories is None else categories).items():
        lower = [name.lower() for name in members]
        rows = np.isin(keys, lower if published_behaviour else [name.replace("_", " ") for name in lower])
        if rows.any():
            by_category[category] = group(rows)
    by_object = {str(name): group(names == name) for name in dict.fromkeys(names.tolist())}
    return SemanticScores(by_object, by_category, group(np.ones(len(names), bool)))


def binary_scores(
    pred: Any,
    gt: Any,
    images: Sequence[str],
    geodesic: Any = None,
    protocol: ContactProtocol = "interactvlm",
    published_behaviour: bool = False,
) -> GroupScores:
    """Contact of a body with anything: the union over the objects of each image.

    Args:
        pred: (N, V) scores; contact from 0.5 on.
        gt: (N, V); contact above 0.
        images: N names of images; samples of one image are one person's.
        geodesic: (V, V) distances or `SurfaceDistances`, for geodesic errors; of an image the largest of its samples
            counts.
        published_behaviour: `geodesic_errors` with its arguments exchanged.

    Returns:
        F1 is the mean over the images; precision and recall are of the vertices of all images together, except by the
        rules of ``deco``, where they are means over the images too.
    """
    pred, gt = _batch(pred, gt, images, "images")
    _, image = np.unique(np.asarray(images, dtype=str), return_inverse=True)
    count = int(image.max(initial=-1)) + 1
    either_pred, either_gt = np.zeros((2, count, pred.shape[1]), bool)
    np.logical_or.at(either_pred, image, pred >= 0.5)
    np.logical_or.at(either_gt, image, gt > 0)
    scores = contact_scores(either_pred, either_gt, protocol=protocol)
    if not count:
        return GroupScores(0, *[float("nan")] * 3)
    f1, precision, recall = (float(each) for each in scores.mean)
    if protocol == "interactvlm":
        hits = (either_pred & either_gt).sum()
        precision, recall = (float(hits / (each.sum() + _SMALL)) for each in (either_pred, either_gt))
    if geodesic is None:
        return GroupScores(count, f1, precision, recall)
    worst = np.zeros((2, count))
    for row, errors in zip(worst, _errors(pred, gt, geodesic, published_behaviour), strict=True):
        np.maximum.at(row, image, errors)
    return GroupScores(count, f1, precision, recall, *worst.mean(1).tolist())


class _Samples:
    """The scores of N samples, and their means over some of them."""

    def __init__(
        self, pred: NDArray[Any], gt: NDArray[Any], geodesic: Any, protocol: ContactProtocol, published: bool
    ) -> None:
        self._scores = contact_scores(pred, gt, protocol=protocol)
        nothing = np.full((2, len(pred)), np.nan)
        self._errors = nothing if geodesic is None else np.stack(_errors(pred, gt, geodesic, published))

    def group(self, rows: NDArray[np.bool_]) -> GroupScores:
        if not rows.any():
            return GroupScores(0, *[float("nan")] * 3)
        f1, precision, recall = (float(each[rows].mean()) for each in self._scores)
        return GroupScores(int(rows.sum()), f1, precision, recall, *self._errors[:, rows].mean(1).tolist())


def _errors(pred: NDArray[Any], gt: NDArray[Any], geodesic: Any, published: bool) -> GeodesicErrors:
    distances = geodesic if isinstance(geodesic, SurfaceDistances) else to_numpy(geodesic)
    return geodesic_errors(pred, gt, distances, published)


def _roc_area(scores: Numbers, positive: NDArray[np.bool_]) -> float:
    """The chance that a positive is above a negative, half for a tie (Mann-Whitney)."""
    from scipy.stats import rankdata

    count = int(positive.sum())
    above = rankdata(scores)[positive].sum() - count * (count + 1) / 2
    return float(above / (count * (len(positive) - count)))


def _existing_mean(values: Any) -> Any:
    there = values[values == values]  # NaN is unequal to itself
    return there.mean() if len(there) else values.sum() * np.nan


def _batch(pred: Any, gt: Any, names: Sequence[str], what: str) -> tuple[NDArray[Any], NDArray[Any]]:
    arrays = to_numpy(pred), to_numpy(gt)
    _check_same_shape(*arrays)
    if arrays[0].ndim != 2 or len(names) != len(arrays[0]):
        raise InputError(f"expected scores (N, V) and N {what}, got {arrays[0].shape} and {len(names)}")
    return arrays


def _check_same_shape(pred: Any, gt: Any) -> None:
    if pred.shape != gt.shape or not pred.ndim:
        raise InputError(f"expected predictions and annotations of one shape, got {pred.shape} and {gt.shape}")
    for name, values in (("predicted scores", pred), ("annotations", gt)):
        if values.dtype.kind == "f" and np.isnan(values).any():
            raise InputError(f"some {name} are NaN")
