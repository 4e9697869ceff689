"""V-COCO's official evaluation: agent AP, and role AP in scenarios 1 and 2 (Gupta and Malik, arXiv 1505.04474).

A detection belongs to the person that its box overlaps most, whoever that is; if nobody annotated that person, the
detection does not count. Scenario 1 wants "no object" where the role has none, scenario 2 takes any answer there.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from interplay.errors import InputError, near_matches
from interplay.formats.reading import Reading
from interplay.formats.vcoco_detections import VcocoDetections, role_verbs
from interplay.metrics.average_precision import AveragePrecisionRule, average_precision
from interplay.metrics.coverage import cover
from interplay.metrics.matching import PairArrays, claim, match_pairs
from interplay.metrics.protocols import PROTOCOLS
from interplay.metrics.scores import VcocoScores, mean
from interplay.metrics.steps import without_repeats
from interplay.metrics.vcoco_data import VcocoAnnotations
from interplay.metrics.verdicts import Verdicts
from interplay.ops.overlap import aligned_iou
from interplay.table import InteractionTable
from interplay.vocabulary import Vocabulary

Scenario = Literal[1, 2]
VCOCO_PROTOCOLS = {
    "official": "V-COCO's own code: agent AP, role AP in scenarios 1 and 2",
    "gen-vlkt": "GEN-VLKT's in-training figure per action-role (11 points); not comparable with published ones",
}
"""Protocols for V-COCO, by name; ``official`` is the default."""

_RULES: Mapping[str, tuple[AveragePrecisionRule, tuple[float, ...]]] = {
    "official": ("all-point", ()),
    "gen-vlkt": ("11-point", PROTOCOLS["gen-vlkt"].recall_thresholds),
}
_THRESHOLD = 0.5


def evaluate_vcoco(
    predictions: InteractionTable | VcocoDetections,
    annotations: InteractionTable | VcocoAnnotations,
    protocol: str | None = None,
    allow_partial: bool = False,
    reading: Reading | None = None,
) -> VcocoScores:
    """V-COCO's scores. Images are matched by name or COCO id; NaN scores are dropped.

    Args:
        protocol: a name from `VCOCO_PROTOCOLS`; None is ``"official"``.
        allow_partial: score a part where images have other names; see `interplay.metrics.coverage`.
        reading: what the predictions' reader had to say, if they come from a file.

    Raises:
        InputError: the images do not fit (`interplay.metrics.coverage`), unknown protocol, vocabularies that differ,
            or a vocabulary without actions and roles.
    """
    protocol = protocol or "official"
    if protocol not in VCOCO_PROTOCOLS:
        hint = near_matches(protocol, VCOCO_PROTOCOLS)
        raise InputError(f"unknown protocol {protocol!r} for V-COCO: expected {' or '.join(VCOCO_PROTOCOLS)}.{hint}")
    if predictions.vocabulary != annotations.vocabulary:
        raise InputError(
            f"predictions are in the vocabulary {predictions.vocabulary.name!r} and annotations in "
            f"{annotations.vocabulary.name!r}; read both with the same one"
        )
    if not role_verbs(annotations.vocabulary).any():
        raise InputError(f"the vocabulary {annotations.vocabulary.name!r} has no roles; V-COCO's evaluation needs them")
    truth = VcocoAnnotations.from_table(annotations) if isinstance(annotations, InteractionTable) else annotations
    named = predictions.files if isinstance(predictions, InteractionTable) else predictions.images
    images, coverage = cover(named, truth.images, reading=reading, allow_partial=allow_partial)
    repeats = 0
    if isinstance(predictions, InteractionTable):
        predictions, repeats = without_repeats(predictions, images.position)
        predictions = VcocoDetections.from_table(predictions)
    notes = [*(reading.notes if reading else []), *images.notes(repeats)]
    placed = predictions.on_images(images.position, truth.images)
    if not len(predictions):
        notes.append("there are no predictions at all")
    if not truth.has_body_motions:
        notes.append("the annotations have no body motions (stand, walk, run, smile); these have no figure")
    if not truth.knows_unlabelled:
        notes.append("the annotations do not tell people without labels; predictions on them count as false")
    scores = _official(placed, truth) if protocol == "official" else _gen_vlkt(placed, truth)
    return replace(scores, coverage=coverage, notes=notes)


def _official(found: VcocoDetections, truth: VcocoAnnotations) -> VcocoScores:
    vocabulary = truth.vocabulary
    actions = [action.replace(" ", "_") for action in vocabulary.actions]
    roles, official = role_verbs(vocabulary), vocabulary.official_verbs
    owners = best_persons(found, truth)
    verdicts = {
        "ap_agent": judge_agents(found, truth, owners),
        "ap_role_s1": judge_roles(found, truth, owners, 1),
        "ap_role_s2": judge_roles(found, truth, owners, 2),
    }
    hits = {name: one.hits() for name, one in verdicts.items()}
    ap = {name: average_precision(one, *_RULES["official"]) for name, one in hits.items()}
    return VcocoScores(
        protocol="official",
        ap_agent=dict(zip(actions, ap["ap_agent"].tolist(), strict=True)),
        ap_role_s1={official[v]: float(ap["ap_role_s1"][v]) for v in np.flatnonzero(roles)},
        ap_role_s2={official[v]: float(ap["ap_role_s2"][v]) for v in np.flatnonzero(roles)},
        mean=_means(vocabulary, ap),
        hits=hits,
        verdicts=verdicts,
        vocabulary=vocabulary,
        labels={"ap_agent": actions, "ap_role_s1": list(official), "ap_role_s2": list(official)},
    )


def _gen_vlkt(found: VcocoDetections, truth: VcocoAnnotations) -> VcocoScores:
    """One figure per action-role. Body motions fill ``ap_agent`` and roles ``ap_role_s2``, which they resemble."""
    vocabulary, rules = truth.vocabulary, PROTOCOLS["gen-vlkt"]
    detections, annotations = gen_vlkt_pairs(found, truth)
    matches = match_pairs(detections, annotations, rules)
    verdicts = Verdicts(
        label=matches.label,
        image=matches.image,
        hit=matches.hit,
        positive_label=annotations.label,
        positive_image=annotations.image,
        classes=len(vocabulary.verbs),
        images=len(truth.images),
    )
    hits = verdicts.hits()
    value = average_precision(hits, *_RULES["gen-vlkt"])
    ap = dict(zip(vocabulary.official_verbs, value.tolist(), strict=True))
    roles = role_verbs(vocabulary)
    return VcocoScores(
        protocol="gen-vlkt",
        ap_agent={name: x for name, x, role in zip(ap, value.tolist(), roles, strict=True) if not role},
        ap_role_s1={},
        ap_role_s2={name: x for name, x, role in zip(ap, value.tolist(), roles, strict=True) if role},
        mean=_means(vocabulary, {"ap": value}),
        hits={"ap": hits},
        verdicts={"ap": verdicts},
        vocabulary=vocabulary,
        labels={"ap": list(vocabulary.official_verbs)},
        ap=ap,
    )


def resampled_vcoco(scores: VcocoScores, times: NDArray[np.int64]) -> dict[str, float]:
    """The means of scores if annotated image i were there ``times[i]`` times."""
    assert scores.vocabulary is not None  # `evaluate_vcoco` says it
    rule, thresholds = _RULES[scores.protocol]
    ap = {name: average_precision(one.resampled(times), rule, thresholds) for name, one in scores.verdicts.items()}
    return _means(scores.vocabulary, ap)


def _means(vocabulary: Vocabulary, ap: Mapping[str, NDArray[np.float64]]) -> dict[str, float]:
    """The means of a protocol; its figures are ``ap`` alone, or ``ap_agent``, ``ap_role_s1`` and ``ap_role_s2``."""
    roles, chosen = role_verbs(vocabulary), _reported_roles(vocabulary)
    if "ap" in ap:
        value = ap["ap"]
        return {
            "agent": mean(value[~roles]),
            "role_s1": math.nan,
            "role_s2": mean(value[roles]),
            "role_s1_24": math.nan,
            "role_s2_24": mean(value[chosen]),
            "all": mean(value),
        }
    first, second = ap["ap_role_s1"], ap["ap_role_s2"]
    return {
        "agent": mean(ap["ap_agent"]),
        "role_s1": mean(first[roles]),
        "role_s2": mean(second[roles]),
        "role_s1_24": mean(first[chosen]),
        "role_s2_24": mean(second[chosen]),
    }


def _reported_roles(vocabulary: Vocabulary) -> NDArray[np.int64]:
    """The action-roles that papers average: all but ``point``, which has 31 examples in the test set."""
    listed = vocabulary.verb_groups.get("role_actions")
    return np.flatnonzero(role_verbs(vocabulary)) if listed is None else np.array(listed, np.int64)


@dataclass(frozen=True)
class Owners:
    """The annotated person that each detected one stands for.

    Attributes:
        person: (D,) row of the annotated person, -1 in an image without people.
        overlap: (D,) their IoU.
    """

    person: NDArray[np.int64]
    overlap: NDArray[np.floating]


def best_persons(detections: VcocoDetections, annotations: VcocoAnnotations) -> Owners:
    """For each detected person the annotated one that it overlaps most, the first of equals.

    So a person that overlaps nobody stands for the image's first one, as in the official code.
    """
    starts = np.searchsorted(annotations.person_image, np.arange(len(annotations.images) + 1))
    counts = np.diff(starts)[detections.person_image]
    ends = np.cumsum(counts)
    detection = np.repeat(np.arange(len(counts)), counts)
    candidate = np.arange(len(detection)) + np.repeat(starts[detections.person_image] - (ends - counts), counts)
    overlap = aligned_iou(annotations.person_box[candidate], detections.person_box[detection], "inclusive", np.float32)
    overlap = np.nan_to_num(overlap, nan=0)  # a box of NaN overlaps nobody, so it stands for the first one as well
    person, best = np.full(len(counts), -1), np.zeros(len(counts))
    some = np.flatnonzero(counts)
    if len(some):
        best[some] = np.maximum.reduceat(overlap, (ends - counts)[some])
        top = np.flatnonzero(overlap == best[detection])
        first = top[np.append(True, np.diff(detection[top]) > 0)]
        person[detection[first]] = candidate[first]
    return Owners(person, best)


def judge_agents(detections: VcocoDetections, annotations: VcocoAnnotations, owners: Owners) -> Verdicts:
    """Which actions of people are right: the person does it and overlaps by at least 0.5."""
    owner, action = owners.person[detections.agent_person], detections.agent_action
    right = (owner >= 0) & (owners.overlap[detections.agent_person] >= _THRESHOLD)
    right[right] = annotations.actions[owner[right], action[right]]
    return _judged(
        action,
        detections.agent_score,
        detections.person_image[detections.agent_person],
        owner,
        right,
        annotations,
        annotations.actions,
    )


def judge_roles(
    detections: VcocoDetections, annotations: VcocoAnnotations, owners: Owners, scenario: Scenario
) -> Verdicts:
    """Which action-roles are right (indices of ``vocabulary.verbs``; body motions have no positives).

    The positives of a role are the people who do the *action*, with an object in that role or not.
    """
    vocabulary = annotations.vocabulary
    owner, verb = owners.person[detections.role_person], detections.role_verb
    role_overlap = np.zeros(len(verb))
    some = np.flatnonzero(owner >= 0)
    target = annotations.role_box[owner[some], verb[some]]
    answer = detections.role_box[some]
    none_predicted = (answer == 0).all(1) | np.isnan(answer).all(1)
    accepted = none_predicted if scenario == 1 else np.ones(len(some), bool)
    empty = np.isnan(target).all(1)
    role_overlap[some] = np.where(empty, accepted, aligned_iou(target, answer, "inclusive", np.float32))
    right = (owner >= 0) & (owners.overlap[detections.role_person] >= _THRESHOLD) & (role_overlap >= _THRESHOLD)
    right[right] = annotations.actions[owner[right], vocabulary.verb_actions[verb[right]]]
    return _judged(
        verb,
        detections.role_score,
        detections.person_image[detections.role_person],
        owner,
        right,
        annotations,
        annotations.actions[:, vocabulary.verb_actions] & role_verbs(vocabulary),
    )


def _judged(
    label: NDArray[np.int64],
    score: NDArray[np.float32],
    image: NDArray[np.int64],
    owner: NDArray[np.int64],
    right: NDArray[np.bool_],
    annotations: VcocoAnnotations,
    positive: NDArray[np.bool_],
) -> Verdicts:
    """Settle who takes whom inside images, then order over all images.

    The official code sorts by ``argsort()[::-1]`` twice: inside an image, where of equal scores the later row goes
    first, and then over the list that this gives, which turns equal scores of an image round again.

    Args:
        positive: (P, C) what annotated people do.
    """
    people, classes = positive.shape
    counted = np.flatnonzero((owner < 0) | np.append(annotations.labelled, False)[owner] | right)
    label, score, image = label[counted], score[counted], image[counted]
    owner, right = owner[counted], right[counted]
    row = np.arange(len(label))
    in_image = np.lexsort((-row, -score, label))
    taking = in_image[right[in_image]]
    hit = np.zeros(len(label), bool)
    wanted = owner[taking] * classes + label[taking]
    hit[taking[claim(np.arange(len(taking)), wanted, people * classes)[1]]] = True
    overall = np.lexsort((row, -image, -score, label))
    person, does = np.nonzero(positive)
    return Verdicts(
        label=label[overall],
        image=image[overall],
        hit=hit[overall],
        positive_label=does,
        positive_image=annotations.person_image[person],
        classes=classes,
        images=len(annotations.images),
    )


def gen_vlkt_pairs(detections: VcocoDetections, annotations: VcocoAnnotations) -> tuple[PairArrays, PairArrays]:
    """Detections and annotations as GEN-VLKT's in-training evaluation sees them: 29 classes of pairs.

    Raises:
        InputError: the detections do not tell the objects' categories.
    """
    if detections.role_object is None:
        raise InputError(
            "the protocol gen-vlkt compares object categories, which V-COCO's pickle does not hold; "
            "use --protocol official, or predictions as .jsonl or .parquet"
        )
    vocabulary = annotations.vocabulary
    body = ~role_verbs(vocabulary)
    body_verb = np.full(len(vocabulary.actions), -1)
    body_verb[vocabulary.verb_actions[body]] = np.flatnonzero(body)
    agents = np.flatnonzero(body_verb[detections.agent_action] >= 0)
    person = np.concatenate([detections.role_person, detections.agent_person[agents]])
    nothing = np.zeros((len(agents), 4), np.float32)
    found = PairArrays(
        image=detections.person_image[person],
        label=np.concatenate([detections.role_verb, body_verb[detections.agent_action[agents]]]),
        human=detections.person_box[person],
        object=np.concatenate([np.nan_to_num(detections.role_box), nothing]),
        score=np.concatenate([detections.role_score, detections.agent_score[agents]]),
        object_label=np.concatenate([detections.role_object, np.full(len(agents), -1)]),
    )
    owner, verb = np.nonzero(annotations.actions[:, vocabulary.verb_actions])
    return found, PairArrays(
        image=annotations.person_image[owner],
        label=verb,
        human=annotations.person_box[owner],
        object=annotations.role_box[owner, verb],
        object_label=annotations.role_object[owner, verb],
    )
