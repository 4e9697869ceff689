"""Zero-shot: which interactions training must not show, and evaluation counts apart.

``zero_shot.json`` lists the unseen interactions of the published splits, as indices into HICO-DET's 600 (GEN-VLKT,
Section 4.1, "Data Structure for Zero-Shot").
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache
from importlib import resources

import numpy as np
from numpy.typing import NDArray

from interplay.errors import InputError, near_matches
from interplay.interactions import Interactions
from interplay.vocabulary import Vocabulary


@cache
def published_splits() -> dict[str, tuple[int, ...]]:
    """Split -> unseen interactions of HICO-DET: rare-first, non-rare-first, unseen-object, unseen-verb."""
    text = (resources.files(__package__) / "zero_shot.json").read_text(encoding="utf-8")
    return {name: tuple(indices) for name, indices in json.loads(text).items()}


def unseen_interactions(vocabulary: Vocabulary, split: str) -> NDArray[np.int64]:
    """Indices of the interactions that a split hides from training, ascending.

    Args:
        vocabulary: what the indices refer to.
        split: a published one, or the name of one of the vocabulary's groups.

    Raises:
        InputError: no such split, or a published one with another vocabulary than HICO-DET's.
    """
    choices = dict(vocabulary.groups)
    if vocabulary == Vocabulary.load("hico-det"):
        choices |= published_splits()
        split = split if split in choices else split.replace("_", "-")  # the published code's spelling
    if split not in choices:
        hint = near_matches(split, choices)
        raise InputError(
            f"no zero-shot split {split!r} of {vocabulary.name!r}: expected one of {', '.join(choices) or 'none'}, "
            f"a group of its interactions.{hint}"
        )
    return np.array(sorted(choices[split]), np.int64)


def seen_interactions(vocabulary: Vocabulary, split: str) -> NDArray[np.int64]:
    """Indices of the interactions that training shows, ascending; see `unseen_interactions`."""
    return np.setdiff1d(np.arange(len(vocabulary.interactions)), unseen_interactions(vocabulary, split))


def split_of(vocabulary: Vocabulary, seen: Sequence[int]) -> str | None:
    """Name of the published split with exactly these seen interactions, or None."""
    chosen = np.asarray(seen)
    if vocabulary != Vocabulary.load("hico-det"):
        return None
    for name in published_splits():
        if np.array_equal(seen_interactions(vocabulary, name), chosen):
            return name
    return None


def without_unseen(interactions: Interactions, unseen: NDArray[np.int64]) -> Interactions:
    """Annotations for zero-shot training: a pair with any unseen interaction goes, its seen interactions too."""
    index = interactions.vocabulary.interaction_lookup[interactions.verb, interactions.object_labels]
    hidden = np.isin(index, unseen)
    pair = interactions.human * (len(interactions.boxes) + 1) + interactions.object + 1
    return interactions[~np.isin(pair, pair[hidden])]
