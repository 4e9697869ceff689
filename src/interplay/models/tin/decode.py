"""From the scores of pairs to interactions: the plain rule, and the published ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from interplay.errors import InputError
from interplay.interactions import Interactions
from interplay.models.two_stage import PairIndex, enumerate_pairs, with_object
from interplay.vocabulary import Vocabulary

from .config import TinConfig, TinDecodingOptions
from .network import TinOutputs
from .published import (
    HICO_PAIRS,
    TPAMI_PAIRS,
    VCOCO_PAIRS,
    ImagePairs,
    PairTriplets,
    apply_hico,
    apply_tpami,
    apply_vcoco,
    of_objects,
    published_actions,
    read_prior_mask,
    rejected,
    select_pairs,
)

if TYPE_CHECKING:
    from interplay.detectors import Detections

_PUBLISHED_PAIRS = {"published-hico": HICO_PAIRS, "published-tpami": TPAMI_PAIRS, "published-vcoco": VCOCO_PAIRS}


def check_decoding(config: TinConfig, vocabulary: Vocabulary) -> None:
    """Whether a network's classes are those that the decoding's rule has numbers for.

    Raises:
        InputError: they are not; says what the rule is for.
    """
    options, interactions = config.decoding, config.network.classes == "interaction"
    if options.rule == "published-vcoco":
        if interactions or published_actions(vocabulary) is None:
            raise InputError(
                "rule=published-vcoco is for a network whose classes are V-COCO's 29 action-roles; "
                f"this one has the {config.network.classes}s of {vocabulary.name!r}"
            )
        unknown = set(vocabulary.objects) - set(Vocabulary.load("coco").objects)
        if unknown:
            raise InputError(
                f"rule=published-vcoco has no limits for {', '.join(sorted(unknown))}: only COCO's objects"
            )
    elif options.rule != "plain":
        hico = Vocabulary.load("hico-det")
        names = vocabulary.pair_names(vocabulary.interactions)
        if not interactions or names != hico.pair_names(hico.interactions):
            raise InputError(
                f"rule={options.rule} is for a network whose classes are HICO-DET's 600 interactions; "
                f"this one has the {config.network.classes}s of {vocabulary.name!r}"
            )
    if options.prior_mask is not None and options.rule != "published-vcoco":
        raise InputError(f"prior_mask belongs to rule=published-vcoco, and the rule is {options.rule}")


def choose_pairs(found: Detections, person: int, options: TinDecodingOptions) -> PairIndex:
    """The pairs of one image that the rule wants scored."""
    if options.rule == "plain":
        return PairIndex.of_image(
            enumerate_pairs(
                found, person, options.min_human, options.min_object, options.max_humans, options.max_objects
            )
        )
    pairs, confident = select_pairs(found.boxes, found.scores, found.labels == person, _PUBLISHED_PAIRS[options.rule])
    return PairIndex.of_image(pairs, confident)


def decode(
    outputs: TinOutputs,
    sizes: Tensor,
    detections: Sequence[Detections],
    vocabulary: Vocabulary,
    config: TinConfig,
    verbs: NDArray[np.int64],
) -> list[Interactions]:
    """The interactions of each image, best first.

    Args:
        outputs: of pairs, with `TinOutputs.pairs`.
        sizes: (B, 2) height, width of the images.
        detections: of each image, labels in `vocabulary`.
        vocabulary: of the network.
        config: of the network.
        verbs: (C,) where classes are verbs: the vocabulary's verb of each.
    """
    assert outputs.pairs is not None
    fused, binary = outputs.fused.float().cpu().numpy(), outputs["cls_prob_binary"].float().cpu().numpy()
    human_actions = outputs["cls_prob_H"].float().cpu().numpy()
    options = config.decoding
    mask = options.prior_mask
    prior = None if mask is None else read_prior_mask(mask, vocabulary, tuple(verbs.tolist()))
    results = []
    for image, (found, size) in enumerate(zip(detections, sizes.tolist(), strict=True)):
        rows = outputs.pairs.of(image)
        human, other = outputs.pairs.human[rows], outputs.pairs.object[rows]
        pairs = ImagePairs(
            human, other, found.scores[human], found.scores[other], found.labels[other],
            fused[rows], human_actions[rows], binary[rows], outputs.pairs.confident[rows],
        )  # fmt: skip
        if options.rule == "published-hico":
            triplets = apply_hico(pairs, vocabulary)
        elif options.rule == "published-tpami":
            triplets = apply_tpami(pairs, vocabulary)
        elif options.rule == "published-vcoco":
            triplets = apply_vcoco(pairs, vocabulary, verbs, prior)
        else:
            triplets = apply_plain(pairs, vocabulary, verbs, config)
        best = np.argsort(-triplets.score, kind="stable")
        pair = triplets.pair[best]
        results.append(
            Interactions(
                boxes=found.boxes,
                labels=found.labels,
                box_scores=found.scores,
                human=human[pair],
                object=triplets.object[best],
                verb=triplets.verb[best],
                score=triplets.score[best].astype(np.float32),
                interactiveness=pairs.binary[pair, 0],
                keypoints=found.keypoints,
                track=found.track,
                vocabulary=vocabulary,
                height=size[0],
                width=size[1],
            )
        )
    return results


def apply_plain(pairs: ImagePairs, vocabulary: Vocabulary, verbs: NDArray[np.int64], config: TinConfig) -> PairTriplets:
    """Half the late fusion times both detection scores, of the pairs that the discriminator lets pass."""
    options = config.decoding
    limits = np.array([options.interactive_below, options.not_interactive_above])
    removed = rejected(pairs.binary, limits) & options.suppress
    scores = pairs.scores / 2 * (pairs.human_scores * pairs.object_scores)[:, None]
    if config.network.classes == "interaction":
        pair, interaction = of_objects(pairs, vocabulary.interactions)
        pair, interaction = pair[~removed[pair]], interaction[~removed[pair]]
        verb = vocabulary.interactions[interaction, 0]
        return PairTriplets(pair, pairs.objects[pair], verb, scores[pair, interaction])
    kept = np.flatnonzero(~removed)
    pair, column = np.repeat(kept, len(verbs)), np.tile(np.arange(len(verbs)), len(kept))
    verb = verbs[column]
    alone = ~with_object(vocabulary)[verb]
    own = pairs.human_actions[pair, column] * pairs.human_scores[pair]
    score, other = np.where(alone, own, scores[pair, column]), np.where(alone, -1, pairs.objects[pair])
    # what a person does without object is the same in all of the person's pairs
    first = np.unique(np.column_stack([pairs.humans[pair], verb, other]), axis=0, return_index=True)[1]
    return PairTriplets(pair[first], other[first], verb[first], score[first])
