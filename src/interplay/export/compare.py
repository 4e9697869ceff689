"""What a model computes on pictures, recorded, and how far another way to compute it is from that."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from interplay.detectors import Detections
from interplay.interactions import Interactions
from interplay.layers.modes import evaluating
from interplay.models.plain import PlainForward
from interplay.models.two_stage import InteractivenessModel

if TYPE_CHECKING:
    from interplay.models.base import HoiModel


@dataclass(frozen=True)
class Call:
    """One call of a model's network: arguments and result."""

    arguments: tuple[Any, ...]
    options: dict[str, Any]
    outputs: Any


@dataclass(frozen=True)
class Difference:
    """How far results are apart.

    Attributes:
        largest: of the absolute differences, as a share of the largest number of the same tensor (at least 1).
        typical: root mean square of the differences, as a share of that of the tensor; the worst tensor's.
        tensors: compared.
    """

    largest: float
    typical: float
    tensors: int


def noise(seed: int, height: int, width: int) -> NDArray[np.uint8]:
    """A random picture (H, W, 3): blurred noise, which has edges at several scales."""
    draw = np.random.default_rng(seed)
    image = np.zeros((height, width, 3))
    for cell in (4, 16, 64):
        rows, columns = -(-height // cell), -(-width // cell)
        coarse = draw.uniform(0, 85, (rows, columns, 3))
        image += coarse.repeat(cell, 0).repeat(cell, 1)[:height, :width]
    return image.astype(np.uint8)


def random_detections(model: HoiModel, image: NDArray[np.uint8], seed: int) -> Detections:
    """People and objects anywhere in an image, for a model that needs some: other numbers of them with every seed.

    The first seed gives one person, others several.
    """
    draw = np.random.default_rng(seed)
    people, count = 1 + seed % 4, 4 + 3 * seed % 8
    height, width = image.shape[:2]
    size = np.array([width, height])
    corner = draw.uniform(0, 0.5, (count, 2)) * size
    boxes = np.concatenate([corner, corner + draw.uniform(0.15, 0.45, (count, 2)) * size], 1)
    labels = draw.integers(0, len(model.vocabulary.objects), count)
    labels[:people] = model.vocabulary.person
    scores = draw.uniform(0.9, 1, count).astype(np.float32)
    return Detections(boxes.astype(np.float32), labels, scores, objects=model.vocabulary.objects)


def record(model: HoiModel, images: Sequence[NDArray[np.uint8]], seed: int = 0) -> list[Call]:
    """The calls of the network while a model predicts a batch of images, with random boxes where it needs boxes."""
    calls: list[Call] = []

    def keep(_: Any, arguments: tuple[Any, ...], options: dict[str, Any], outputs: Any) -> None:
        calls.append(Call(arguments, options, outputs))

    found = None
    if model.needs_detections:
        found = [random_detections(model, image, seed + i) for i, image in enumerate(images)]
    hook = model.register_forward_hook(keep, with_kwargs=True)
    try:
        with evaluating(model):
            if isinstance(model, InteractivenessModel) and not model.classifies:
                for image, boxes in zip(images, found or [], strict=True):
                    _judge(model, image, boxes)
            else:
                model.predict_batch(images, found)
    finally:
        hook.remove()
    return calls


def _judge(model: InteractivenessModel, image: NDArray[np.uint8], found: Detections) -> None:
    """Let a model that knows no interactions say which pairs of people and boxes interact."""
    people = np.flatnonzero(found.labels == model.vocabulary.person)
    pairs = [(human, other) for human in people for other in range(len(found)) if human != other]
    given = Interactions(
        boxes=found.boxes,
        labels=found.labels,
        box_scores=found.scores,
        human=np.zeros(0, np.int64),
        object=np.zeros(0, np.int64),
        verb=np.zeros(0, np.int64),
        vocabulary=model.vocabulary,
        height=image.shape[0],
        width=image.shape[1],
    )
    model.interactiveness(given, found.labels, np.array(pairs), image)


def plain_examples(model: HoiModel, call: Call) -> tuple[Tensor, ...]:
    """The plain tensors that a call is made of."""
    kept: list[tuple[Tensor, ...]] = []

    def run(*tensors: Tensor) -> tuple[Tensor, ...]:
        kept.append(tensors)
        return model.export_forward(*tensors)

    with torch.no_grad():
        model.forward_through(run, *call.arguments, **call.options)
    return tuple(tensor.detach().clone() for tensor in kept[0])


def compare(model: HoiModel, calls: Sequence[Call], run: PlainForward) -> Difference:
    """How far `run` is from what a model computed."""
    largest, typical, tensors = 0.0, 0.0, 0
    with torch.no_grad():
        for call in calls:
            found = model.forward_through(run, *call.arguments, **call.options)
            for reference, got in _pairs(call.outputs, found):
                reference, got = reference.double().cpu(), got.double().cpu()
                tensors += 1
                if not got.isfinite().all() or reference.shape != got.shape:
                    return Difference(float("inf"), float("inf"), tensors)
                if not reference.numel():
                    continue
                difference = (reference - got).abs()
                largest = max(largest, float(difference.max() / reference.abs().max().clamp(min=1)))
                spread = reference.square().mean().sqrt().clamp(min=1e-9)
                typical = max(typical, float(difference.square().mean().sqrt() / spread))
    return Difference(largest, typical, tensors)


def _pairs(reference: Any, found: Any) -> Iterator[tuple[Tensor, Tensor]]:
    """Tensors at the same place of nested results; what `found` lacks is left out."""
    if isinstance(found, Tensor):
        if found.is_floating_point():
            yield reference, found
    elif isinstance(found, Mapping):
        for name, value in found.items():
            yield from _pairs(reference[name], value)
    elif isinstance(found, (list, tuple)):
        for own, value in zip(reference[::-1], found[::-1], strict=False):  # the last ones are the results
            yield from _pairs(own, value)
    elif is_dataclass(found):
        for field in fields(found):
            yield from _pairs(getattr(reference, field.name), getattr(found, field.name))
