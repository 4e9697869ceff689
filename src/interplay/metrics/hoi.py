"""Mean average precision over interaction classes (verb, object): HICO-DET, PaStaNet-HOI and data of that kind.

A class is an entry of ``vocabulary.interactions``; where a vocabulary lists none, every (verb, object) that is
annotated is a class.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from interplay.datasets.zero_shot import seen_interactions, unseen_interactions
from interplay.errors import InputError
from interplay.formats.reading import Reading
from interplay.metrics.average_precision import average_precision
from interplay.metrics.coverage import Coverage, cover
from interplay.metrics.matching import Matches, PairArrays, match_pairs
from interplay.metrics.protocols import DEFAULT_PROTOCOLS, PROTOCOLS, PairProtocol, Setting, get_protocol
from interplay.metrics.scores import HoiScores
from interplay.metrics.steps import keep_top_k, without_repeats
from interplay.metrics.verdicts import Verdicts
from interplay.ops.boxes import box_iou
from interplay.table import InteractionTable
from interplay.vocabulary import BUILT_IN, Vocabulary


@dataclass(frozen=True)
class HoiClasses:
    """Interaction classes.

    Attributes:
        vocabulary: what verbs and objects mean.
        pairs: (C, 2) verb and object of each class, object -1 where there is none.
        lookup: (V, O + 1) class of a verb and an object, -1 where it is none; the last column is "no object".
    """

    vocabulary: Vocabulary
    pairs: NDArray[np.int64]
    lookup: NDArray[np.int64]

    @classmethod
    def of(cls, annotations: InteractionTable) -> HoiClasses:
        """The vocabulary's classes, or the annotated pairs where it lists none."""
        vocabulary = annotations.vocabulary
        if len(vocabulary.interactions):
            return cls(vocabulary, vocabulary.interactions, vocabulary.interaction_lookup)
        pairs = np.unique(np.stack([annotations.verb, annotations.object_labels], axis=1), axis=0)
        lookup = np.full((len(vocabulary.verbs), len(vocabulary.objects) + 1), -1, np.int64)
        lookup[pairs[:, 0], pairs[:, 1]] = np.arange(len(pairs))
        return cls(vocabulary, pairs, lookup)

    def only(self, members: NDArray[np.integer]) -> HoiClasses:
        """Some of the classes, by index, as if there were no others."""
        lookup = np.full_like(self.lookup, -1)
        lookup[self.pairs[members, 0], self.pairs[members, 1]] = np.arange(len(members))
        return HoiClasses(self.vocabulary, self.pairs[members], lookup)

    @property
    def names(self) -> list[str]:
        """``"ride bicycle"`` for every class."""
        return self.vocabulary.pair_names(self.pairs)


@dataclass(frozen=True)
class JudgedPairs:
    """Predicted and annotated pairs of interaction classes, with the verdict on every prediction.

    Attributes:
        classes, rules, setting: what they were judged by.
        found: (D,) predicted pairs that count.
        truth: (N,) annotated pairs that count, and `truth_rows`: their triplets in the annotations.
        matches: the verdicts.
        keep: (D,) which of the ordered predictions count in a known-object setting; None for all.
        positives: (P,) the annotated pairs that recall is of.
        images: how many are annotated.
        coverage, notes: see `HoiScores`.
    """

    classes: HoiClasses
    rules: PairProtocol
    setting: Setting
    found: PairArrays
    truth: PairArrays
    truth_rows: NDArray[np.int64]
    matches: Matches
    keep: NDArray[np.bool_] | None
    positives: PairArrays
    images: int
    coverage: Coverage
    notes: list[str]

    @property
    def counts(self) -> NDArray[np.int64]:
        """(C,) annotated pairs of each class."""
        return np.bincount(self.positives.label, minlength=len(self.classes.pairs))

    @property
    def verdicts(self) -> Verdicts:
        """What the scores follow from."""
        kept = slice(None) if self.keep is None else self.keep
        return Verdicts(
            label=self.matches.label[kept],
            image=self.matches.image[kept],
            hit=self.matches.hit[kept],
            positive_label=self.positives.label,
            positive_image=self.positives.image,
            classes=len(self.classes.pairs),
            images=self.images,
            most=self.rules.detections_per_class,
        )

    def scores(self) -> HoiScores:
        """Average precision and highest recall of every class."""
        rules, vocabulary, verdicts = self.rules, self.classes.vocabulary, self.verdicts
        hits = verdicts.hits()
        notes = list(self.notes)
        absent = int((hits.positives == 0).sum())
        if absent:
            notes.append(f"{absent} of {verdicts.classes} classes are not annotated at all; means are over the others")
        if "[inferred" in rules.summary:
            notes.append(f"protocol {rules.name}: {rules.summary}")
        return HoiScores(
            protocol=rules.name,
            setting=self.setting,
            dataset=vocabulary.name,
            classes=self.classes.names,
            groups={name: np.array(members) for name, members in vocabulary.groups.items()},
            ap=average_precision(hits, rules.average_precision, rules.recall_thresholds),
            max_recall=hits.max_recall,
            hits=hits,
            verdicts=verdicts,
            coverage=self.coverage,
            notes=notes,
        )


def evaluate_hoi(
    predictions: InteractionTable,
    annotations: InteractionTable,
    protocol: str | None = None,
    setting: Setting = "default",
    zero_shot: str | None = None,
    overlap: float | None = None,
    allow_partial: bool = False,
    reading: Reading | None = None,
) -> HoiScores:
    """Average precision and highest recall of every interaction class.

    Images are matched by name. Predicted triplets whose (verb, object) is no class are dropped and counted; so are
    those on unknown images, and NaN scores. Of people who are `unlabelled`, predictions that are annotated count, and
    others do not.

    Args:
        predictions: triplets with scores, in the annotations' vocabulary.
        annotations: what is there. Known-object evaluation also uses its `image_labels`.
        protocol: a name from `interplay.metrics.PROTOCOLS`; None is the vocabulary's default, nearly always
            ``"official"``.
        setting: ``"default"`` or ``"known-object"``: count a class only on images known to hold its object.
        zero_shot: tell the unseen classes of this split apart from the seen ones: a published split of HICO-DET's
            (`interplay.datasets.zero_shot.published_splits`), or a group of the vocabulary's interactions.
        overlap: smallest overlap (IoU) of a match, above 0 and up to 1, instead of the protocol's 0.5.
        allow_partial: score what fits where files are missing or names differ (see `interplay.metrics.coverage`), or
            where most predictions of a file are of no class.
        reading: what the predictions' reader had to say, if they come from a file.

    Raises:
        InputError: the images do not fit (`interplay.metrics.coverage`), the vocabularies differ, the protocol is
            unknown or lacks the setting, there is no such split, or no pair can have that overlap.
    """
    groups = _zero_shot_groups(annotations.vocabulary, zero_shot) if zero_shot else {}
    judged = judge_pairs(predictions, annotations, protocol, setting, overlap, allow_partial, reading)
    scores = judged.scores()
    if not judged.rules.groups_apart:
        return replace(scores, zero_shot=zero_shot, groups={**scores.groups, **groups}) if zero_shot else scores
    groups = keyframe_groups(judged.classes, judged.counts)
    apart = {
        name: judge_pairs(predictions, annotations, protocol, setting, overlap, allow_partial, within=members).scores()
        for name, members in groups.items()
        if len(members)
    }
    return replace(scores, groups=groups, apart=apart)


RARE_AT_KEYFRAMES = 25
"""Classes of VidHOI that are annotated less often in the split that is scored are rare ones."""


def keyframe_groups(classes: HoiClasses, counts: NDArray[np.int64]) -> dict[str, NDArray[np.int64]]:
    """VidHOI's groups: classes that are rare in these annotations, others, and those whose verb a single frame shows
    (``spatial``) or not (``temporal``).

    Args:
        counts: (C,) how often each class is annotated.
    """
    groups = {
        "rare": np.flatnonzero(counts < RARE_AT_KEYFRAMES),
        "non_rare": np.flatnonzero(counts >= RARE_AT_KEYFRAMES),
    }
    for name in ("temporal", "spatial"):
        verbs = classes.vocabulary.verb_groups.get(name, ())
        groups[name] = np.flatnonzero(np.isin(classes.pairs[:, 0], verbs))
    return groups


def judge_pairs(
    predictions: InteractionTable,
    annotations: InteractionTable,
    protocol: str | None = None,
    setting: Setting = "default",
    overlap: float | None = None,
    allow_partial: bool = False,
    reading: Reading | None = None,
    within: NDArray[np.integer] | None = None,
) -> JudgedPairs:
    """Which predictions are right; the arguments and errors are `evaluate_hoi`'s.

    Args:
        within: the only classes that there are, by index; None for all.
    """
    name = annotations.vocabulary.name
    rules = get_protocol(DEFAULT_PROTOCOLS.get(name, "official") if protocol is None else protocol, setting)
    if overlap is not None:
        if not 0 < overlap <= 1:
            raise InputError(f"the smallest overlap of a match must be above 0 and at most 1, got {overlap}")
        rules = replace(rules, threshold=overlap)
    if predictions.vocabulary != annotations.vocabulary:
        raise InputError(
            f"predictions are in the vocabulary {predictions.vocabulary.name!r} and annotations in "
            f"{annotations.vocabulary.name!r}; read both with the same one"
        )
    classes = HoiClasses.of(annotations)
    if within is not None:
        classes = classes.only(within)
    truth, truth_rows, unusable_truth = _pairs(annotations, classes, np.arange(len(annotations)))
    if rules.one_verb_a_pair:
        truth = replace(truth, pair=_box_pairs(annotations, truth_rows))
    images, coverage = cover(predictions.files, annotations.files, truth.label, reading, allow_partial)
    predictions, repeats = without_repeats(predictions, images.position)
    if rules.detections_per_image is not None:
        predictions = keep_top_k(predictions, rules.detections_per_image)
    found, _, dropped = _pairs(predictions, classes, images.position)
    if not rules.empty_images_count:
        counted = np.isin(found.image, truth.image)
        found = found[counted]
    published = name in BUILT_IN and len(annotations.vocabulary.interactions)
    if reading is not None and published and not allow_partial:
        _check_classes(dropped["class"], predictions, classes)
    notes = [] if reading is None else list(reading.notes)
    suspicious = dropped["class"] > _SUSPICIOUS_SHARE * len(predictions.verb) and (
        _best_of_no_class(predictions, classes) > _SUSPICIOUS_SHARE
    )
    notes += images.notes(repeats) + _notes(dropped, unusable_truth, len(predictions.verb), suspicious)
    if overlap is not None:
        notes.append(f"boxes match from an overlap of {overlap:g}, which is not the protocol's")
    matches = match_pairs(found, truth, rules)
    positives = truth
    keep = None if annotations.unlabelled is None else ~_unjudged(matches, found, annotations, rules)
    if setting == "known-object":
        if annotations.image_labels is None:
            notes.append(
                "the annotations have no image-level labels: an image counts as known to hold an object only if a pair "
                "with it has boxes, so fewer detections count than with HICO-DET's anno_bbox.mat"
            )
        known = _objects_in_images(annotations)
        in_known = known[classes.pairs[matches.label, 1], matches.image]
        keep = in_known if keep is None else keep & in_known
        if rules.known_object == "images":
            positives = truth[known[classes.pairs[truth.label, 1], truth.image]]
    return JudgedPairs(
        classes=classes,
        rules=rules,
        setting=setting,
        found=found,
        truth=truth,
        truth_rows=truth_rows,
        matches=matches,
        keep=keep,
        positives=positives,
        images=len(annotations),
        coverage=coverage,
        notes=notes,
    )


def resampled_hoi(scores: HoiScores, times: NDArray[np.int64]) -> dict[str, float]:
    """The means of scores if annotated image i were there ``times[i]`` times."""
    assert scores.verdicts is not None  # `evaluate_hoi` says them
    rules = PROTOCOLS[scores.protocol]
    hits = scores.verdicts.resampled(times)
    means = scores.means_of(average_precision(hits, rules.average_precision, rules.recall_thresholds))
    return means | {name: resampled_hoi(group, times)["full"] for name, group in scores.apart.items()}


def _unjudged(
    matches: Matches, found: PairArrays, annotations: InteractionTable, rules: PairProtocol
) -> NDArray[np.bool_]:
    """(D,) ordered detections that are no true positive on somebody of whom not everything they do is annotated."""
    assert annotations.unlabelled is not None
    people = np.flatnonzero(annotations.unlabelled)
    image_of = annotations.box_image_index[people]
    unjudged = np.zeros(len(found), bool)
    by_image = np.argsort(found.image, kind="stable")
    for image in np.unique(image_of):
        first, last = np.searchsorted(found.image[by_image], [image, image + 1])
        rows = by_image[first:last]
        overlap = box_iou(found.human[rows], annotations.boxes[people[image_of == image]])
        unjudged[rows] = (overlap >= rules.threshold).any(1)
    return np.asarray(unjudged[matches.order] & ~matches.hit)


def _zero_shot_groups(vocabulary: Vocabulary, split: str) -> dict[str, NDArray[np.int64]]:
    return {"unseen": unseen_interactions(vocabulary, split), "seen": seen_interactions(vocabulary, split)}


def _pairs(
    table: InteractionTable, classes: HoiClasses, position: NDArray[np.int64]
) -> tuple[PairArrays, NDArray[np.int64], dict[str, int]]:
    """The table's triplets that count, on the images of `position`, their rows, and how many were dropped and why."""
    label = classes.lookup[table.verb, table.object_labels]
    image = position[table.image_index]
    finite = ~np.isnan(table.score)
    dropped = {
        "image": int((image < 0).sum()),
        "class": int(((label < 0) & (image >= 0)).sum()),
        "score": int((~finite & (label >= 0) & (image >= 0)).sum()),
    }
    rows = np.flatnonzero((label >= 0) & (image >= 0) & finite)
    if (np.diff(image[rows]) < 0).any():  # equal scores go by the order of annotated images, not of the result file
        rows = rows[np.argsort(image[rows], kind="stable")]
    pairs = PairArrays(
        image=image[rows],
        label=label[rows],
        human=table.boxes[table.human_rows[rows]],
        object=table.object_boxes[rows],
        score=table.score[rows],
    )
    return pairs, rows, dropped


def _box_pairs(table: InteractionTable, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """The number of the pair of boxes that each of some triplets is about."""
    boxes = np.stack([table.image_index[rows], table.human[rows], table.object[rows]], axis=1)
    return np.unique(boxes, axis=0, return_inverse=True)[1].reshape(-1)


_SUSPICIOUS_SHARE = 0.5
"""A larger share of predictions of no class than any published result file has."""


def _check_classes(unknown: int, predictions: InteractionTable, classes: HoiClasses) -> None:
    """Refuse a file most of whose predictions are of no class of a published data set.

    Raises:
        InputError: they are; gives examples.
    """
    total = len(predictions.verb)
    if unknown <= _SUSPICIOUS_SHARE * total:
        return
    rows = np.flatnonzero(classes.lookup[predictions.verb, predictions.object_labels] < 0)
    pairs = np.unique(np.stack([predictions.verb, predictions.object_labels], axis=1)[rows], axis=0)[:3]
    examples = ", ".join(map(repr, classes.vocabulary.pair_names(pairs)))
    raise InputError(
        f"{unknown:,} of {total:,} predictions are of no class of {classes.vocabulary.name} (such as {examples}); "
        f"expected at most {_SUSPICIOUS_SHARE:.0%}. The file probably counts or names its classes in another way than "
        "it was read (docs: protocols, numbering). To score the others all the same, give --allow-partial (in Python: "
        "allow_partial=True)."
    )


def _best_of_no_class(predictions: InteractionTable, classes: HoiClasses) -> float:
    """Of which share of the pairs the best prediction is of no class.

    Files that hold every verb of every pair, as VidHOI's do, have mostly verbs that nobody does; their best ones are.
    """
    order = np.argsort(-predictions.score, kind="stable")
    pairs = np.stack([predictions.human_rows, predictions.object_rows], axis=1)[order]
    best = order[np.unique(pairs, axis=0, return_index=True)[1]]
    unknown = classes.lookup[predictions.verb[best], predictions.object_labels[best]] < 0
    return float(unknown.mean()) if len(best) else 0.0


def _notes(dropped: dict[str, int], unusable_truth: dict[str, int], total: int, suspicious: bool) -> list[str]:
    found = []
    if not total:
        found.append("there are no predictions at all")
    if dropped["class"]:
        found.append(f"{dropped['class']} of {total} predicted triplets are of no class of the data set (dropped)")
        if suspicious:
            found.append(
                "WARNING: most predictions are of no class, so the file probably counts or names its classes in "
                "another way than it was read; the scores then mean nothing (docs: protocols, numbering)"
            )
    if dropped["score"]:
        found.append(f"{dropped['score']} of {total} predicted triplets have no score (NaN; dropped)")
    if unusable_truth["class"]:
        found.append(f"{unusable_truth['class']} annotated triplets are of no class of the data set (dropped)")
    return found


def _objects_in_images(annotations: InteractionTable) -> NDArray[np.bool_]:
    """(O + 1, I) whether an object category is known to take part in an interaction in an image, boxes or not.

    The last row, which "no object" reads, is always True.
    """
    known = np.zeros((len(annotations.vocabulary.objects) + 1, len(annotations)), bool)
    known[-1] = True
    known[annotations.object_labels, annotations.image_index] = True
    if annotations.image_labels is not None and annotations.image_label_offsets is not None:
        image = np.repeat(np.arange(len(annotations)), np.diff(annotations.image_label_offsets))
        known[annotations.image_labels[:, 1], image] = True
    return known
