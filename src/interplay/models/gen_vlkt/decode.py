"""From predictions to interactions (Section 3.3, "Inference"), a whole batch at once.

The score of an interaction is ``s_interaction + s_object ** 2`` and lies between 0 and 2.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torchvision.ops import box_convert

from interplay.interactions import Interactions
from interplay.models.gen_vlkt.config import GenVlktDecodingOptions
from interplay.models.gen_vlkt.outputs import GenVlktOutputs
from interplay.ops.pair_nms import pair_nms
from interplay.vocabulary import Vocabulary


@dataclass(frozen=True)
class DecodedTriplets:
    """The triplets of a batch before they become `Interactions`, T in all, by image.

    Attributes:
        human_boxes, object_boxes: (B, Q, 4) float32 x1, y1, x2, y2 in pixels, not clipped to the image.
        object_labels: (B, Q) int64 likeliest object class of each query; ``len(vocabulary.objects)`` says none.
        object_scores: (B, Q, C) float32 probability of each object class, background left out.
        image, query, verb, object: (T,) int64; `object` is the class, -1 where no object takes part.
        score: (T,) float32.
    """

    human_boxes: NDArray[np.float32]
    object_boxes: NDArray[np.float32]
    object_labels: NDArray[np.int64]
    object_scores: NDArray[np.float32]
    image: NDArray[np.int64]
    query: NDArray[np.int64]
    verb: NDArray[np.int64]
    object: NDArray[np.int64]
    score: NDArray[np.float32]

    def select(self, rows: NDArray[np.int64]) -> DecodedTriplets:
        """The chosen triplets."""
        chosen = {name: getattr(self, name)[rows] for name in ("image", "query", "verb", "object", "score")}
        return DecodedTriplets(self.human_boxes, self.object_boxes, self.object_labels, self.object_scores, **chosen)


def detections(
    outputs: GenVlktOutputs, sizes: Tensor, vocabulary: Vocabulary, per_verb: bool, options: GenVlktDecodingOptions
) -> DecodedTriplets:
    """The triplets of a batch, before pair suppression.

    Args:
        outputs: for B images.
        sizes: (B, 2) height, width of the original images in pixels.
        vocabulary: with the interactions that the model knows.
        per_verb: whether the outputs classify verbs instead of interactions.
        options: which triplets.
    """
    verb, object = vocabulary.interactions.T
    columns = torch.from_numpy(np.where(object < 0, len(vocabulary.objects), object))
    device = outputs.interaction_logits.device
    likelihood = outputs.interaction_logits.float().sigmoid()
    if per_verb:
        likelihood = likelihood[..., torch.from_numpy(verb).to(device)]
    # sigmoid per class, as the published code, though the classes were trained with a softmax
    objects = outputs.object_logits.float().sigmoid()[..., columns.to(device)]
    score = likelihood + objects**2  # (B, Q, I)
    probabilities = outputs.object_logits.float().softmax(-1)[..., :-1]
    extent = sizes.to(device).flip(-1).repeat(1, 2)[:, None]  # (B, 1, 4) width, height, width, height
    shared = {
        "human_boxes": (box_convert(outputs.human_boxes.float(), "cxcywh", "xyxy") * extent).cpu().numpy(),
        "object_boxes": (box_convert(outputs.object_boxes.float(), "cxcywh", "xyxy") * extent).cpu().numpy(),
        "object_labels": probabilities.argmax(-1).cpu().numpy(),
        "object_scores": probabilities.cpu().numpy(),
    }
    if options.rule == "interaction":
        return DecodedTriplets(**shared, **_best_interactions(score, verb, object, options))
    return DecodedTriplets(**shared, **_all_verbs(score, verb, shared["object_labels"], vocabulary))


def suppress(found: DecodedTriplets, options: GenVlktDecodingOptions) -> DecodedTriplets:
    """Without the near-copies of a better pair.

    Copies are of the same interaction; where every verb of a pair is listed, whole pairs with the same object class
    are, ranked by their best verb. What is left comes class by class, best first.
    """
    boxes = found.human_boxes[found.image, found.query], found.object_boxes[found.image, found.query]
    settings = (options.nms_threshold, options.nms_human, options.nms_object)
    if options.rule == "interaction":
        label = found.verb * (found.object_scores.shape[-1] + 1) + found.object + 1
        return found.select(pair_nms(found.image, label, *boxes, found.score, *settings))
    verbs = int(found.verb.max(initial=0)) + 1  # triplets come pair by pair, all verbs of each
    first = np.arange(0, len(found.verb), verbs)
    best = found.score.reshape(-1, verbs).max(1)
    pairs = pair_nms(found.image[first], found.object[first] + 1, boxes[0][first], boxes[1][first], best, *settings)
    return found.select((first[pairs, None] + np.arange(verbs)).ravel())


def to_interactions(found: DecodedTriplets, sizes: Tensor, vocabulary: Vocabulary) -> list[Interactions]:
    """One `Interactions` per image; their boxes are the people and then the objects that take part."""
    return [_one_image(found, i, height, width, vocabulary) for i, (height, width) in enumerate(sizes.tolist())]


def _one_image(found: DecodedTriplets, image: int, height: float, width: float, vocabulary: Vocabulary) -> Interactions:
    start, end = np.searchsorted(found.image, [image, image + 1])
    query, verb, label = (a[start:end] for a in (found.query, found.verb, found.object))
    people, human = np.unique(query, return_inverse=True)
    # one query's object box may take part under several classes, and a box has one label: one box per class
    classes = len(vocabulary.objects)
    objects, object = np.unique(np.where(label < 0, -1, query * classes + label), return_inverse=True)
    none = int(len(objects) > 0 and objects[0] < 0)
    objects = objects[none:]
    object_query, object_label = objects // classes, objects % classes
    best = np.zeros(len(people), np.float32)
    np.maximum.at(best, human, found.score[start:end])
    return Interactions(
        boxes=np.concatenate([found.human_boxes[image, people], found.object_boxes[image, object_query]]),
        labels=np.concatenate([np.full(len(people), max(vocabulary.person, 0)), object_label]),
        # people are not classified: their best interaction stands for them
        box_scores=np.concatenate([best / 2, found.object_scores[image, object_query, object_label]]),
        human=human,
        object=np.where(label < 0, -1, object - none + len(people)),
        verb=verb,
        score=found.score[start:end],
        vocabulary=vocabulary,
        width=int(width),
        height=int(height),
    )


def _best_interactions(
    score: Tensor, verb: NDArray[np.int64], object: NDArray[np.int64], options: GenVlktDecodingOptions
) -> dict[str, NDArray]:
    """The best (query, interaction) of each image; equal scores by query, then class."""
    batch, _, classes = score.shape
    flat = score.flatten(1)
    k = min(options.top_k, flat.shape[1])
    value, chosen = flat.topk(k)
    cut = (flat >= value[:, -1:]).sum(1) > k  # equals of the last one were left out, and not by their order
    if bool(cut.any()):
        exact = flat[cut].sort(descending=True, stable=True)
        value[cut], chosen[cut] = exact.values[:, :k], exact.indices[:, :k]
    chosen, order = chosen.sort()
    value, ranks = value.gather(1, order).sort(descending=True, stable=True)
    chosen = chosen.gather(1, ranks)
    if options.ties == "first":
        place = torch.arange(chosen.shape[1], device=chosen.device).expand_as(chosen)
        repeated = value[:, 1:] == value[:, :-1]
        place = torch.cat([place[:, :1], place[:, 1:].masked_fill(repeated, 0)], 1).cummax(1).values
        chosen = chosen.gather(1, place)
    flat_index = chosen.cpu().numpy()
    interaction = (flat_index % classes).ravel()
    return {
        "image": np.repeat(np.arange(batch), flat_index.shape[1]),
        "query": (flat_index // classes).ravel(),
        "verb": verb[interaction],
        "object": object[interaction],
        "score": value.cpu().numpy().ravel(),
    }


def _all_verbs(
    score: Tensor, verb: NDArray[np.int64], labels: NDArray[np.int64], vocabulary: Vocabulary
) -> dict[str, NDArray]:
    """Every verb of every query, scored by the best of the verb's interactions; the object is the query's own."""
    batch, queries, _ = score.shape
    verbs = len(vocabulary.verbs)
    index = torch.from_numpy(verb).to(score.device).expand(batch, queries, -1)
    best = score.new_zeros(batch, queries, verbs).scatter_reduce(2, index, score, "amax", include_self=False)
    object = np.where(labels == len(vocabulary.objects), -1, labels)
    return {
        "image": np.repeat(np.arange(batch), queries * verbs),
        "query": np.tile(np.repeat(np.arange(queries), verbs), batch),
        "verb": np.tile(np.arange(verbs), batch * queries),
        "object": np.repeat(object.ravel(), verbs),
        "score": best.cpu().numpy().ravel(),
    }
