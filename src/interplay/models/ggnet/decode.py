"""From maps to interactions: peaks, matching by offsets, boxes in the image."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from interplay.interactions import Interactions
from interplay.models.ggnet.transforms import Array, View, transform_boxes
from interplay.vocabulary import Vocabulary

if TYPE_CHECKING:
    from interplay.detectors import Detections


@dataclass(frozen=True)
class Peaks:
    """Local maxima of the heatmaps of one image, best first.

    Attributes:
        score: (K,) 0..1, never 0.
        channel: (K,) which heatmap.
        x, y: (K,) pixel.
    """

    score: NDArray[np.float32]
    channel: NDArray[np.int64]
    x: NDArray[np.int64]
    y: NDArray[np.int64]

    @property
    def centre(self) -> NDArray[np.float32]:
        """(K, 2) x, y."""
        return np.stack([self.x, self.y], 1).astype(np.float32)


@dataclass(frozen=True)
class Candidates:
    """Humans or objects of one image, to which interaction points may belong.

    Attributes:
        centre: (K, 2) x, y on the output map.
        score: (K,) 0..1.
        label: (K,) object class.
        boxes: (K, 4) in pixels of the image.
    """

    centre: NDArray[np.float32]
    score: NDArray[np.float32]
    label: NDArray[np.int64]
    boxes: Array


@dataclass(frozen=True)
class Matched:
    """The triplets of one image, and where they come from.

    Attributes:
        points: interaction points; their channels are verbs.
        centres: (2, I, 2) x, y on the output map where each point's human and object should be.
        humans, objects: to which points may belong.
        triplets: (T, 3) indices of human, object and verb channel, sorted and different from each other.
        point: (T,) the interaction point of each.
        score: (T,) of the interaction, times those of human and object.
    """

    points: Peaks
    centres: NDArray[np.float32]
    humans: Candidates
    objects: Candidates
    triplets: NDArray[np.int64]
    point: NDArray[np.int64]
    score: NDArray[np.float32]


def find_peaks(heatmaps: Tensor, top_k: int) -> list[Peaks]:
    """The best pixels of (B, C, h, w) heatmaps (0..1) that are the largest of their 3x3 neighbourhood."""
    width = heatmaps.shape[3]
    maximum = F.max_pool2d(heatmaps, 3, stride=1, padding=1)
    flat = torch.where(heatmaps == maximum, heatmaps, 0).flatten(1)
    values, positions = flat.topk(min(top_k, flat.shape[1]))
    found = []
    for score, position in zip(values.float().cpu().numpy(), positions.cpu().numpy(), strict=True):
        position, score = position[score > 0], score[score > 0]
        channel, pixel = np.divmod(position, heatmaps.shape[2] * width)
        found.append(Peaks(score, channel, pixel % width, pixel // width))
    return found


def peak_candidates(
    peaks: Peaks, size: Array, shift: Array, map_size: tuple[int, int], view: View, height: int, min_side: float,
    first: int = 0,
) -> Candidates:  # fmt: skip
    """Peaks of object heatmaps with the boxes predicted there.

    Args:
        peaks: of object heatmaps.
        size, shift: (K, 2) width and height, and x, y from the pixel to the centre, in output pixels.
        map_size: width, height of the output map.
        view: what the network saw.
        height: of the image.
        min_side: see `GGNetDecodingOptions`.
        first: object class of the first heatmap.
    """
    exact = peaks.centre + shift
    boxes = np.concatenate([exact - size / 2, exact + size / 2], 1)
    boxes = transform_boxes(boxes, view.inverse(*map_size))
    # Clipped as in the published code: a box keeps its size, so that it may stick out at the right and below.
    limits = np.array([view.width, height], np.float64)
    corner = np.clip(boxes[:, :2], 0, limits)
    sides = np.clip(boxes[:, 2:] - boxes[:, :2], min_side, limits)
    return Candidates(peaks.centre, peaks.score, peaks.channel + first, np.concatenate([corner, corner + sides], 1))


def detected_candidates(detections: Detections, view: View, map_size: tuple[int, int]) -> Candidates:
    """Boxes of another detector as candidates on a map of this size (Table 5, double dagger).

    Args:
        detections: labelled in the model's vocabulary; those with a score of 0 are left out.
    """
    kept = detections[detections.scores > 0]
    corners = transform_boxes(kept.boxes, view.matrix(*map_size))
    centre = np.floor((corners[:, :2] + corners[:, 2:]) / 2).astype(np.float32)
    return Candidates(centre, kept.scores, kept.labels, kept.boxes.astype(np.float64))


def select(candidates: Candidates, keep: NDArray[np.bool_], top_k: int) -> Candidates:
    """The best `top_k` of those to keep."""
    order = np.argsort(-candidates.score, kind="stable")
    order = order[keep[order]][:top_k]
    return Candidates(*(getattr(candidates, name)[order] for name in ("centre", "score", "label", "boxes")))


def match(
    wanted: NDArray[np.float32],
    candidates: Candidates,
    allowed: NDArray[np.bool_] | None = None,
    rule: Literal["product", "distance"] = "product",
) -> NDArray[np.int64]:
    """The candidate of each interaction point; see `DecodingOptions.matching`.

    Args:
        wanted: (I, 2) where the network says that the centre lies.
        allowed: (I, K) which candidates are possible. Where none is, the result means nothing.
    """
    dx, dy = np.abs(wanted[:, None] - candidates.centre[None]).transpose(2, 0, 1)
    if rule == "product":
        fit = 1 / (dx + 1) * (1 / (dy + 1)) * candidates.score
        return np.where(allowed, fit, 0).argmax(1) if allowed is not None else fit.argmax(1)
    cost = (dx + dy) / candidates.score
    return np.where(allowed, cost, np.inf).argmin(1) if allowed is not None else cost.argmin(1)


def combine(
    points: Peaks, centres: NDArray[np.float32], humans: Candidates, objects: Candidates,
    pairs: NDArray[np.bool_], rule: Literal["product", "distance"], same: NDArray[np.bool_] | None = None,
) -> Matched:  # fmt: skip
    """The triplets of one image; see `Matched`.

    Args:
        pairs: (verbs, objects) which verbs are meaningful with which objects.
        same: (humans, objects) which are one and the same box and so no pair; None if that is not known.
    """
    if not (len(points.score) and len(humans.score) and len(objects.score)):
        nothing = np.zeros((0, 3), np.int64)
        return Matched(points, centres, humans, objects, nothing, nothing[:, 0], np.zeros(0, np.float32))
    allowed = pairs[points.channel][:, objects.label]
    human = match(centres[0], humans, rule=rule)
    if same is not None:
        allowed = allowed & ~same[human]
    target = match(centres[1], objects, allowed, rule)
    score = points.score * humans.score[human] * objects.score[target]
    possible = allowed[np.arange(len(target)), target]
    rows = np.stack([human, target, points.channel], 1)
    best_first = np.lexsort((-score, *rows.T[::-1]))
    best_first = best_first[possible[best_first]]
    rows, first = np.unique(rows[best_first], axis=0, return_index=True)
    point = best_first[first]
    return Matched(points, centres, humans, objects, rows, point, score[point])


def centres_of(points: Peaks, offsets: NDArray[np.float32]) -> NDArray[np.float32]:
    """(I, 2) x, y of the centre that belongs to each interaction point by its offsets (I, 2 or 2 verbs)."""
    first = 2 * points.channel if offsets.shape[1] > 2 else np.zeros_like(points.channel)
    row = np.arange(len(first))
    return points.centre - np.stack([offsets[row, first], offsets[row, first + 1]], 1)


def to_interactions(
    matched: Matched, verbs: NDArray[np.int64], vocabulary: Vocabulary, size: tuple[int, int]
) -> Interactions:
    """One image's result, with the boxes that take part in the order in which triplets mention them.

    Args:
        verbs: (channels, objects) the vocabulary's verb that a channel means with an object.
        size: height, width of the image.
    """
    triplets, humans, objects = matched.triplets, matched.humans, matched.objects
    mentions = np.stack([triplets[:, :2], np.broadcast_to([1, 0], (len(triplets), 2))], -1).reshape(-1, 2)
    members, first, number = np.unique(mentions, axis=0, return_index=True, return_inverse=True)
    order = np.argsort(first)
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order))
    pairs = rank[number].reshape(-1, 2)
    rows = [(humans if is_human else objects, k) for k, is_human in members[order]]
    return Interactions(
        boxes=np.array([c.boxes[k] for c, k in rows], np.float32).reshape(-1, 4),
        labels=np.array([c.label[k] for c, k in rows], np.int64),
        box_scores=np.array([c.score[k] for c, k in rows], np.float32),
        human=pairs[:, 0],
        object=pairs[:, 1],
        verb=verbs[triplets[:, 2], objects.label[triplets[:, 1]]],
        score=matched.score,
        vocabulary=vocabulary,
        height=int(size[0]),
        width=int(size[1]),
    )


def score_heatmap(maps: Mapping[str, Tensor], names: Sequence[str]) -> Tensor:
    """(B, verbs, h, w) probabilities of interaction points: of one heatmap, or the product of several."""
    heat = maps[names[0]].float().sigmoid()
    for name in names[1:]:
        heat = heat * maps[name].float().sigmoid()
    return heat


def average_with_mirrored(maps: Mapping[str, Tensor], mirrored: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Average maps with those of the mirrored image, turned back.

    Heatmaps are averaged as probabilities (the result is logits again), sizes and offsets as they are; the x of
    offsets changes sign. ``reg`` is the unmirrored image's: a centre's place inside a pixel differs between the two.
    """
    result = {}
    for name in maps:
        ours, other = maps[name], mirrored[name].flip(3)
        if name.startswith("hm"):
            result[name] = torch.logit((ours.sigmoid() + other.sigmoid()) / 2)
        elif name.endswith("offset"):
            sign = torch.tensor([-1.0, 1.0], device=other.device).repeat(other.shape[1] // 2)
            result[name] = (ours + other * sign[:, None, None]) / 2
        else:
            result[name] = ours if name == "reg" else (ours + other) / 2
    return result
