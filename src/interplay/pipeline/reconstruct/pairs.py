"""Choosing the objects: who uses what, by interactions and by what is near."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from interplay.errors import InputError
from interplay.models.contact import ContactPair
from interplay.ops.boxes import box_iou

from .masks import box_of
from .options import ReconstructOptions

if TYPE_CHECKING:
    from interplay.interactions import Interactions

NOBODY, NO_BOX = -1, -1

SURE = 0.4
"""From this score on an interaction gives a person a second object, or an object a second person."""

_LEAST_SCORE = 0.15  # of the box of an object that no interaction names
_WITHOUT_TOUCH = frozenset(("look", "look at", "watch", "inspect", "point", "direct", "chase", "stand under"))
_SAME, _SAME_INSIDE = 0.6, 0.8  # IoU from which on two boxes show one thing; share of the smaller one, of one category

Pair = tuple[int, int]


def choose_pairs(
    found: Interactions,
    people: list[int],
    mask: NDArray[np.bool_] | None,
    options: ReconstructOptions,
) -> list[Pair]:
    """Boxes of people and of their objects, the surest first.

    A person may have several objects, and an object several people, if interactions that touch say so surely enough.
    What no interaction names is the nearest person's, if that person and the object are in no pair yet.

    Args:
        found: in the photograph.
        people: boxes; none if only a body's file says that there is somebody, who is `NOBODY` then.
        mask: of the object, if the user gives it. Its box is `NO_BOX` if none is found there.
        options: what is asked for.

    Raises:
        InputError: nobody, or nothing of what is asked for.
    """
    if not people:
        if options.body is None:
            raise InputError("no person is found in the photograph; give the body with --body")
        people = [NOBODY]
    names = [found.vocabulary.objects[label] for label in found.labels]
    if options.category is not None and options.category not in found.vocabulary.objects and mask is None:
        raise InputError(f"--category {options.category}: the detector knows no such object; give its --mask")
    scores = touch_scores(found, people)
    if mask is not None:
        around = box_of(mask)
        best = max(people, key=lambda k: -1.0 if k == NOBODY else _nearness(found.boxes[k], around))
        overlap = box_iou(around[None], found.boxes)[0] if len(found.boxes) else np.zeros(0)
        same = [int(k) for k in np.argsort(-overlap) if names[k] != "person" and overlap[k] >= 0.5]
        box = same[0] if same else NO_BOX
        others = sorted((k for k in people if scores.get((k, box), 0.0) >= SURE), key=lambda k: -scores[k, box])
        return [(human, box) for human in dict.fromkeys([best, *others])][: options.pairs]
    person = found.vocabulary.person
    objects = [
        k
        for k, label in enumerate(found.labels)
        if label != person and (options.category is None or names[k] == options.category)
    ]
    scores = {pair: score for pair, score in scores.items() if pair[1] in objects}
    for box in objects:  # what no model relates may still be held: the nearest person's, after all others
        nearest = max(people, key=lambda k: 0.0 if k == NOBODY else _nearness(found.boxes[k], found.boxes[box]))
        confident = float(found.box_scores[box])
        near = 1.0 if nearest == NOBODY else _nearness(found.boxes[nearest], found.boxes[box])
        if confident >= _LEAST_SCORE and near > 0:
            scores.setdefault((nearest, box), 0.01 * confident * near)
    chosen: list[Pair] = []
    for pair in sorted(scores, key=lambda pair: -scores[pair]):
        if _fits(found, pair, chosen, scores[pair], options):
            chosen.append(pair)
    if not chosen and (options.object or options.meshes or options.category):
        what = options.category or "object beside a person"
        raise InputError(f"no {what} is found in the photograph; give its mask with --mask FILE")
    return chosen[: options.pairs]


def doubt(category: str, score: float) -> str | None:
    """A warning of an object that no interaction, or only an unsure one, says that anybody touches.

    Args:
        category: the object's.
        score: the best of `touch_scores`; 0 where there is none.
    """
    if score >= SURE:
        return None
    why = f"only a doubtful interaction says so (score {score:.2f})" if score > 0 else "no interaction says so"
    return f"whether anybody uses a {category} here is doubtful: {why}; name what is meant with --category"


def touch_scores(found: Interactions, people: Sequence[int]) -> dict[Pair, float]:
    """Of each pair the best score of an interaction in which people touch the object."""
    scores: dict[Pair, float] = {}
    rows = zip(found.human.tolist(), found.object.tolist(), found.verb.tolist(), found.score.tolist(), strict=True)
    for human, box, verb, score in rows:
        if human in people and box >= 0 and found.vocabulary.verbs[verb] not in _WITHOUT_TOUCH:
            scores[human, box] = max(scores.get((human, box), 0.0), float(score))
    return scores


def _fits(found: Interactions, pair: Pair, chosen: list[Pair], score: float, options: ReconstructOptions) -> bool:
    """Whether a pair may stand beside those that are surer."""
    human, box = pair
    boxes = {other for _, other in chosen}
    if box not in boxes:
        if boxes and options.one_object:
            return False
        if any(_same_thing(found, box, other) for other in boxes):
            return False  # a second box around what is there already
    return score >= SURE or not (box in boxes or human in {each for each, _ in chosen})


def _same_thing(found: Interactions, one: int, other: int) -> bool:
    """Whether two boxes of objects show one thing."""
    a, b = found.boxes[one].astype(np.float64), found.boxes[other].astype(np.float64)
    if box_iou(a[None], b[None])[0, 0] >= _SAME:
        return True
    shared = float(np.prod(np.maximum(np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2]), 0)))
    smaller = min(float(np.prod(a[2:] - a[:2])), float(np.prod(b[2:] - b[:2])))
    return bool(found.labels[one] == found.labels[other] and shared >= _SAME_INSIDE * smaller)


def described_pair(found: Interactions, human: int, box: int, category: str | None) -> ContactPair:
    """What is known of a person and an object."""
    seen = human != NOBODY
    chosen = (found.human == human) & (found.object == box)
    return ContactPair(
        category or (found.vocabulary.objects[found.labels[box]] if box != NO_BOX else "object"),
        found.boxes[human] if seen else None,
        found.boxes[box].astype(np.float64) if box != NO_BOX else None,
        found.keypoints[human] if seen and found.keypoints is not None else None,
        tuple(dict.fromkeys(found.vocabulary.verbs[v] for v in found.verb[chosen])),
    )


def _nearness(human: NDArray[np.floating], box: NDArray[np.floating]) -> float:
    """1 where an object's box is in the person's, 0 where it is half the person's height away."""
    gap = np.maximum(np.maximum(human[:2] - box[2:], box[:2] - human[2:]), 0)
    inside = np.minimum(human[2:], box[2:]) - np.maximum(human[:2], box[:2])
    share = float(np.prod(np.maximum(inside, 0)) / max(float(np.prod(box[2:] - box[:2])), 1e-9))
    away = float(np.linalg.norm(gap)) / max(float(human[3] - human[1]), 1e-9)
    return max(0.5 + 0.5 * share - away, 0.0)
