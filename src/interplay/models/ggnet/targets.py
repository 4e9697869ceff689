"""From annotations to what the network should predict: target maps of Gaussians, boxes and offsets.

The maps and their names are those of the published code; docs/models/ggnet.md says where the paper differs. Nothing
here needs the network, so that worker processes can do it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from interplay.errors import InputError
from interplay.interactions import Interactions
from interplay.models.ggnet.config import GGNetConfig, GGNetNetworkOptions, TargetOptions
from interplay.models.ggnet.transforms import Array, View, transform_boxes

Heatmap = NDArray[np.float32]

POSITIVE, SOFT_POSITIVE, SOFT_NEGATIVE = 6, 8, 2
"""Diameter of a Gaussian in standard deviations: usually, and with `TargetOptions.soft_gaussian`."""
OVERLAP = 0.7
"""A box moved by the radius still overlaps the original by this much (intersection over union)."""


@dataclass(frozen=True)
class AnnotatedView:
    """The annotated interactions of one image, and the part of it that the network sees.

    Attributes:
        boxes: (N, 4) x1, y1, x2, y2 in pixels of the image. Whole-pixel boxes are truncated to whole pixels
            again after the transformation (`TargetOptions.whole_pixels`): those of an array of integers, or those
            that `whole` marks.
        labels: (N,) object classes.
        human, object: (T,) indices into `boxes`.
        verb: (T,) channels of the interaction heatmaps.
        view: what the network sees.
        whole: (N,) bool or None.
        unlabelled: (N,) bool, people of whom not everything they do is annotated; or None.
    """

    boxes: Array
    labels: NDArray[np.int64]
    human: NDArray[np.int64]
    object: NDArray[np.int64]
    verb: NDArray[np.int64]
    view: View
    whole: NDArray[np.bool_] | None = None
    unlabelled: NDArray[np.bool_] | None = None


@dataclass
class GGNetTargets:
    """What the network should predict for a batch; h, w are a quarter of the input's height and width.

    Attributes:
        hm: (B, objects, h, w) 1 at object centres, Gaussian around them.
        wh: (B, N, 2) width and height of each object, output pixels.
        reg: (B, N, 2) x, y from a centre's pixel to the centre, 0..1.
        ind: (B, N) int64 the centre's pixel, ``w * y + x``.
        reg_mask: (B, N) uint8, 1 for objects, 0 for padding.
        hm_rel: (B, verbs, h, w) 1 at interaction points, -1 at hard negatives, Gaussian around both.
        hm_rel_hard: the same for the gaze steps, with other widths; None unless `TargetOptions.soft_gaussian`.
        rel_ind: (B, T) int64 the interaction point's pixel.
        offset_mask: (B, T) uint8, 1 for interactions, 0 for padding.
        sub_offset, obj_offset: (B, T, 2 or 2 verbs) interaction point minus centre of human (object), x, y.
        offset_mask_offset: (B, T, 2 verbs) uint8, 1 at the two values of the labelled verb; None if all verbs share
            one pair of offsets.
        hm_rel_human, hm_rel_object: (B, verbs, h, w) verbs at human (object) centres, where the network has them.
        unknown: (B, 1, h, w) bool: where people are of whom not everything they do is annotated; there, interaction
            heatmaps learn from positives alone. None if all is annotated of everybody.
    """

    hm: Tensor
    wh: Tensor
    reg: Tensor
    ind: Tensor
    reg_mask: Tensor
    hm_rel: Tensor
    rel_ind: Tensor
    offset_mask: Tensor
    sub_offset: Tensor
    obj_offset: Tensor
    hm_rel_hard: Tensor | None = None
    offset_mask_offset: Tensor | None = None
    hm_rel_human: Tensor | None = None
    hm_rel_object: Tensor | None = None
    unknown: Tensor | None = None

    def heatmap(self, name: str) -> Tensor:
        """The target of an interaction heatmap of the network."""
        if "refine" in name and self.hm_rel_hard is not None:
            return self.hm_rel_hard
        target = self.hm_rel if "refine" in name else getattr(self, name)
        if target is None:
            raise InputError(f"these targets were encoded without {name}, which the network predicts")
        return target

    def to(self, device: torch.device | str, non_blocking: bool = False) -> GGNetTargets:
        """The same targets on another device."""
        moved: dict[str, Any] = {}
        for field in fields(self):
            value = getattr(self, field.name)
            moved[field.name] = None if value is None else value.to(device, non_blocking=non_blocking)
        return GGNetTargets(**moved)


@dataclass(frozen=True)
class TargetEncoder:
    """Encodes annotations for a network.

    Attributes:
        config: of the network.
        channels: (V,) int64 the network's channel of each verb of the vocabulary; -1 for verbs it does not predict.
        pairs: (channels, objects) which verbs are meaningful with which objects.
        stride: pixels of the input per pixel of the maps.
    """

    config: GGNetConfig
    channels: NDArray[np.int64]
    pairs: NDArray[np.bool_]
    stride: int

    def __call__(
        self, annotations: Sequence[Interactions], views: Sequence[View], width: int, height: int
    ) -> GGNetTargets:
        """What the network should predict for a batch; see `GGNet.encode`."""
        scenes = [self._scene(a, view) for a, view in zip(annotations, views, strict=True)]
        options, network = self.config.targets, self.config.network
        return encode(scenes, width // self.stride, height // self.stride, self.pairs, options, network)

    def _scene(self, annotation: Interactions, view: View) -> AnnotatedView:
        verb = self.channels[annotation.verb]
        keep = (verb >= 0) & (annotation.object >= 0)
        return AnnotatedView(
            boxes=annotation.boxes,
            labels=annotation.labels,
            human=annotation.human[keep],
            object=annotation.object[keep],
            verb=verb[keep],
            view=view,
            whole=(annotation.boxes == np.floor(annotation.boxes)).all(1),
            unlabelled=annotation.unlabelled,
        )


def encode(
    scenes: Sequence[AnnotatedView],
    width: int,
    height: int,
    pairs: NDArray[np.bool_],
    options: TargetOptions,
    network: GGNetNetworkOptions,
) -> GGNetTargets:
    """The targets of a batch.

    Args:
        scenes: one per image.
        width, height: of the output maps (a quarter of the network's input).
        pairs: (verbs, objects) which verbs are meaningful with which objects; the others are no hard negatives.
        options: how to encode.
        network: which maps the network has.
    """
    batch, (verbs, objects) = len(scenes), pairs.shape
    most, interactions = options.max_objects, options.max_interactions
    per_verb = network.matching == "per-verb"
    rel = (batch, verbs, height, width)
    offsets = (batch, interactions, 2 * verbs if per_verb else 2)
    arrays: dict[str, Array] = {
        "hm": np.zeros((batch, objects, height, width), np.float32),
        "wh": np.zeros((batch, most, 2), np.float32),
        "reg": np.zeros((batch, most, 2), np.float32),
        "ind": np.zeros((batch, most), np.int64),
        "reg_mask": np.zeros((batch, most), np.uint8),
        "hm_rel": np.zeros(rel, np.float32),
        "rel_ind": np.zeros((batch, interactions), np.int64),
        "offset_mask": np.zeros((batch, interactions), np.uint8),
        "sub_offset": np.zeros(offsets, np.float32),
        "obj_offset": np.zeros(offsets, np.float32),
    }
    if options.soft_gaussian:
        arrays["hm_rel_hard"] = np.zeros(rel, np.float32)
    if per_verb:
        arrays["offset_mask_offset"] = np.zeros(offsets, np.uint8)
    for who in network.context:
        arrays[f"hm_rel_{who}"] = np.zeros(rel, np.float32)
    if any(scene.unlabelled is not None and scene.unlabelled.any() for scene in scenes):
        arrays["unknown"] = np.zeros((batch, 1, height, width), bool)
    for i, scene in enumerate(scenes):
        encode_scene(scene, {name: array[i] for name, array in arrays.items()}, pairs, options)
    return GGNetTargets(**{name: torch.from_numpy(array) for name, array in arrays.items()})


def encode_scene(
    scene: AnnotatedView, maps: dict[str, Array], pairs: NDArray[np.bool_], options: TargetOptions
) -> None:
    """Write one image's targets into arrays (those of `GGNetTargets`, without the batch) that are all zero."""
    height, width = maps["hm"].shape[1:]
    boxes = output_boxes(scene, width, height, options.whole_pixels)
    exact = ((boxes[:, :2] + boxes[:, 2:]) / 2).astype(np.float32)
    centres = exact.astype(np.int64)
    sides = boxes[:, 2:] - boxes[:, :2]
    radii = [radius(float(np.ceil(h)), float(np.ceil(w))) if w > 0 and h > 0 else 0 for w, h in sides]

    seen = np.flatnonzero((sides[: options.max_objects] > 0).all(1))
    maps["wh"][seen] = sides[seen]
    maps["reg"][seen] = exact[seen] - centres[seen]
    maps["ind"][seen] = centres[seen, 1] * width + centres[seen, 0]
    maps["reg_mask"][seen] = 1
    for k in seen:
        draw_positive(maps["hm"][scene.labels[k]], centres[k, 0], centres[k, 1], radii[k])

    if "unknown" in maps and scene.unlabelled is not None:
        for x1, y1, x2, y2 in boxes[scene.unlabelled].astype(np.int64):
            maps["unknown"][0, y1 : y2 + 1, x1 : x2 + 1] = True
    encode_interactions(scene, centres, maps, pairs, options)
    for who, members in (("human", scene.human), ("object", scene.object)):
        if f"hm_rel_{who}" in maps:
            for k, verb in zip(members, scene.verb, strict=True):
                draw_positive(maps[f"hm_rel_{who}"][verb], centres[k, 0], centres[k, 1], radii[k])


def encode_interactions(
    scene: AnnotatedView,
    centres: NDArray[np.int64],
    maps: dict[str, Array],
    pairs: NDArray[np.bool_],
    options: TargetOptions,
) -> None:
    """Interaction points, their offsets and hard negatives, one interaction after the other.

    By the published rule the order matters: a hard negative is not drawn where a positive is near already, but a later
    positive is drawn over an earlier negative, of which the rest then stays.
    """
    width = maps["hm_rel"].shape[2]
    human, target, verb = (a[: options.max_interactions] for a in (scene.human, scene.object, scene.verb))
    points = (centres[human] + centres[target]) // 2
    count = len(points)
    maps["rel_ind"][:count] = points[:, 1] * width + points[:, 0]
    maps["offset_mask"][:count] = 1
    rows = np.arange(count)[:, None]
    columns = np.array([[0, 1]])
    if "offset_mask_offset" in maps:
        columns = 2 * verb[:, None] + columns
        maps["offset_mask_offset"][rows, columns] = 1
    maps["sub_offset"][rows, columns] = points - centres[human]
    maps["obj_offset"][rows, columns] = points - centres[target]

    heatmaps = [(maps["hm_rel"], POSITIVE, POSITIVE)]
    if "hm_rel_hard" in maps:
        heatmaps.append((maps["hm_rel_hard"], SOFT_POSITIVE, SOFT_NEGATIVE))
    distances = np.abs(centres[human] - centres[target])
    every = options.hard_negatives and options.hard_negative_rule == "all"
    negatives = [np.zeros_like(heatmap) for heatmap, _, _ in heatmaps] if every else []
    for (x, y), (dx, dy), v, label in zip(points, distances, verb, scene.labels[target], strict=True):
        spread = radius(float(dy), float(dx))
        others = np.flatnonzero(pairs[:, label]) if options.hard_negatives else np.zeros(0, np.int64)
        others = others[others != v]
        for i, (heatmap, positive, negative) in enumerate(heatmaps):
            draw_positive(heatmap[v], x, y, spread, positive)
            if every:
                for other in others:
                    draw_positive(negatives[i][other], x, y, options.hard_negative_radius, negative)
            elif len(others):
                draw_hard_negatives(heatmap, others, x, y, options.hard_negative_radius, negative)
    for (heatmap, _, _), drawn in zip(heatmaps, negatives, strict=False):
        heatmap[:] = combine_all(heatmap, drawn)


def output_boxes(scene: AnnotatedView, width: int, height: int, whole_pixels: bool) -> NDArray[np.float64]:
    """(N, 4) boxes on the `width` x `height` output map, clipped to its pixels."""
    boxes = transform_boxes(scene.view.mirror(scene.boxes), scene.view.matrix(width, height))
    if whole_pixels:
        whole = scene.whole
        if whole is None:
            whole = np.full(len(boxes), np.issubdtype(scene.boxes.dtype, np.integer))
        boxes = np.where(whole[:, None], np.trunc(boxes), boxes)
    return np.clip(boxes, 0, [width - 1, height - 1, width - 1, height - 1])


def radius(height: float, width: float) -> int:
    """Radius in pixels for a box of this size, as CornerNet's published code has it.

    Corners may both move inwards, both outwards, or one each way; the smallest of the three distances counts. The
    three quadratic equations are solved as (b + sqrt(b^2 - 4ac)) / 2, without dividing by a, for all of them.
    """
    total, area = height + width, height * width
    roots = []
    for a, b, c in (
        (1.0, total, area * (1 - OVERLAP) / (1 + OVERLAP)),
        (4.0, 2 * total, (1 - OVERLAP) * area),
        (4 * OVERLAP, -2 * OVERLAP * total, (OVERLAP - 1) * area),
    ):
        roots.append((b + math.sqrt(b * b - 4 * a * c)) / 2)
    return max(0, int(min(roots)))


@lru_cache(maxsize=1024)
def gaussian(radius: int, factor: int) -> Heatmap:
    """(2r + 1, 2r + 1) Gaussian with 1 in the middle and standard deviation ``(2r + 1) / factor``.

    Values below the resolution of a double are 0. The array is shared: do not write to it.
    """
    sigma = (2 * radius + 1) / factor
    reach = np.arange(-radius, radius + 1, dtype=np.float64)
    values = np.exp(-(reach[:, None] ** 2 + reach[None, :] ** 2) / (2 * sigma * sigma))
    values[values < np.finfo(np.float64).eps] = 0
    out = values.astype(np.float32)
    out.setflags(write=False)
    return out


def draw_positive(heatmap: Heatmap, x: int, y: int, radius: int, factor: int = 6) -> None:
    """Raise one map (h, w) to a Gaussian around a pixel, in place, where it is lower."""
    patch, window = _overlap(heatmap.shape, x, y, radius)
    np.maximum(heatmap[patch], gaussian(radius, factor)[window], out=heatmap[patch])


def draw_hard_negatives(
    heatmaps: Heatmap, channels: NDArray[np.int64], x: int, y: int, radius: int, factor: int = 6
) -> None:
    """Lower some of the maps (C, h, w) to a negative Gaussian around a pixel, in place.

    A channel is left as it is unless the largest value of its patch is exactly 0: where a positive is near, and where
    a negative fills the whole patch already.
    """
    patch, window = _overlap(heatmaps.shape[1:], x, y, radius)
    values = heatmaps[channels, patch[0], patch[1]]  # (channels, h', w'), a copy
    free = values.max((1, 2), initial=-np.inf) == 0
    heatmaps[channels[free], patch[0], patch[1]] = np.minimum(values[free], -gaussian(radius, factor)[window])


def combine_all(positive: Heatmap, negative: Heatmap) -> Heatmap:
    """Maps of positive and of hard negative Gaussians (both 0..1) as one, -1..1: the stronger, positive if equal."""
    return np.where(negative > positive, -negative, positive)


def _overlap(shape: tuple[int, ...], x: int, y: int, radius: int) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
    """Where a square around a pixel lies on a map, and which part of the square lies there."""
    height, width = shape
    left, right = min(x, radius), min(width - x, radius + 1)
    above, below = min(y, radius), min(height - y, radius + 1)
    patch = slice(y - above, y + below), slice(x - left, x + right)
    return patch, (slice(radius - above, radius + below), slice(radius - left, radius + right))
