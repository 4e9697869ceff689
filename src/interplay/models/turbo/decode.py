"""From what a stage finds about people to interactions with detected objects (Equation 3), and to keypoints."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from interplay.detectors.pose.estimator import no_poses
from interplay.interactions import Interactions
from interplay.models.two_stage import with_object
from interplay.vocabulary import Vocabulary

from .config import TurboDecodingOptions
from .network import SIDE, Stage
from .places import relative_places

if TYPE_CHECKING:
    from interplay.detectors import Detections


@dataclass(frozen=True)
class UsedBoxes:
    """Which of an image's detections are used.

    Attributes:
        humans: (P,) their rows, the surest first.
        objects: (O,) rows of what people may do something with, people among them.
    """

    humans: NDArray[np.int64]
    objects: NDArray[np.int64]


def used_boxes(found: Detections, person: int, options: TurboDecodingOptions) -> UsedBoxes:
    """The people and objects of an image that are good enough, by ``options``."""
    order = np.argsort(-found.scores, kind="stable")
    people = order[(found.labels[order] == person) & (found.scores[order] > options.min_human)]
    objects = order[found.scores[order] > options.min_object]
    return UsedBoxes(people[: options.max_humans], objects[: options.max_objects])


def target_density(places: Tensor, boxes: Tensor, humans: Tensor, sigma: float) -> Tensor:
    """(P, A, O) how well each box (O, 4) is where the target of each action (P, A, 4) should be (Equation 3)."""
    encoded = relative_places(boxes[None], humans[:, None])  # (P, O, 4)
    distance = (encoded[:, None] - places[:, :, None]).square().sum(-1)
    return (-distance / (2 * sigma**2)).exp()


def decode_image(
    found: Detections,
    used: UsedBoxes,
    stage: Stage,
    vocabulary: Vocabulary,
    options: TurboDecodingOptions,
) -> Interactions:
    """The interactions of one image, best first, with the people's keypoints.

    Args:
        found: people and objects.
        used: which of them the network saw.
        stage: what a stage finds about the P people.
    """
    keypoints = found.keypoints
    logits, places, pose = stage.logits, stage.places, stage.pose
    if pose is not None:
        keypoints = no_poses(len(found))
        keypoints[used.humans] = keypoints_of(pose, found.boxes[used.humans])
    empty = replace(Interactions.empty(vocabulary), boxes=found.boxes, labels=found.labels, box_scores=found.scores)
    columns = {name: value for name, value in (("keypoints", keypoints), ("track", found.track)) if value is not None}
    empty = empty.with_columns(**columns)
    if logits is None or places is None or not len(used.humans):
        return empty
    acts = logits.float().sigmoid().cpu().numpy() * found.scores[used.humans][:, None]  # (P, A)
    humans, boxes = (torch.from_numpy(found.boxes[rows]) for rows in (used.humans, used.objects))
    density = target_density(places.float().cpu(), boxes, humans, options.sigma).numpy()
    certain = found.scores[used.objects]
    possible = _possible(found, used, vocabulary, options)
    fit = np.where(possible, density * certain, -1.0)  # (P, A, O)
    score = acts[:, :, None] * (fit if options.place_counts else np.where(possible, certain, -1.0))
    chosen = possible
    if options.targets == "best" and possible.shape[2]:
        best = fit.argmax(2)
        chosen = possible & (np.arange(possible.shape[2]) == best[:, :, None])
    p, a, o = np.nonzero(chosen)
    alone = _alone(np.asarray(chosen.any(2)), vocabulary, options)
    bare_p, bare_a = np.nonzero(alone)
    scores = np.concatenate([score[p, a, o], acts[bare_p, bare_a]]).astype(np.float32)
    order = np.argsort(-scores, kind="stable")
    return replace(
        empty,
        human=used.humans[np.concatenate([p, bare_p])[order]],
        object=np.concatenate([used.objects[o], np.full(len(bare_p), -1)])[order],
        verb=np.concatenate([a, bare_a])[order],
        score=scores[order],
    )


def _possible(
    found: Detections, used: UsedBoxes, vocabulary: Vocabulary, options: TurboDecodingOptions
) -> NDArray[np.bool_]:
    """(P, A, O) which object may be whose target: never the person's own box."""
    listed = bool(len(vocabulary.interactions)) and options.known_pairs
    labels = found.labels[used.objects]
    verbs = np.broadcast_to(with_object(vocabulary)[:, None], (len(vocabulary.verbs), len(labels)))
    if listed:
        verbs = vocabulary.interaction_lookup[:, labels] >= 0
    return verbs[None] & (used.humans[:, None] != used.objects)[:, None]


def _alone(has_target: NDArray[np.bool_], vocabulary: Vocabulary, options: TurboDecodingOptions) -> NDArray[np.bool_]:
    """(P, A) which actions are given without object."""
    listed = len(vocabulary.interactions) > 0
    known = vocabulary.interaction_lookup[:, -1] >= 0 if listed else np.ones(len(vocabulary.verbs), bool)
    needs = ~has_target if options.agents == "alone" else np.ones_like(has_target)
    return known & needs


def keypoints_of(pose: Tensor, boxes: NDArray[np.float32]) -> NDArray[np.float32]:
    """Keypoints (P, 17, 3) x, y, score of people.

    A keypoint is in the best cell, at the mean of the probability in it and the cells around it; its score is the sum
    of these.

    Args:
        pose: (P, 17, m, m) logits.
        boxes: (P, 4) of the people.
    """
    maps = pose.float().flatten(2).softmax(2).cpu()
    best = maps.argmax(2)
    row, column = best // SIDE, best % SIDE
    padded = F.pad(maps.view_as(pose.cpu()), (1, 1, 1, 1))
    people, joints = np.indices(best.shape)
    steps = torch.arange(3)
    around = padded[
        people[..., None, None], joints[..., None, None], (row[..., None] + steps)[..., None],
        (column[..., None] + steps)[..., None, :],
    ]  # (P, 17, 3, 3)  # fmt: skip
    mass = around.sum((2, 3)).clamp(min=1e-9)
    offset = torch.arange(-1.0, 2.0)
    x = (column + 0.5 + (around.sum(2) * offset).sum(2) / mass) / SIDE
    y = (row + 0.5 + (around.sum(3) * offset).sum(2) / mass) / SIDE
    corner, end = torch.tensor(boxes)[:, None].split(2, -1)
    places = corner + torch.stack([x, y], -1) * (end - corner)
    return torch.cat([places, mass.clamp(max=1)[..., None]], -1).numpy().astype(np.float32)
