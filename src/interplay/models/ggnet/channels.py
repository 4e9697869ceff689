"""Which channel of the interaction heatmaps stands for which verb."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from interplay.vocabulary import Vocabulary


@dataclass(frozen=True)
class VerbChannels:
    """The verbs of C channels.

    Attributes:
        verbs: (K,) indices into the vocabulary's verbs, of all that is predicted.
        channel: (K,) int64 the channel of each.
        names: (C,) what the channels mean.
        meaningful: (C, objects) bool, which go together by the vocabulary's interactions.
        verb: (C, objects) int64 the verb that a channel means with an object.
    """

    verbs: tuple[int, ...]
    channel: NDArray[np.int64]
    names: tuple[str, ...]
    meaningful: NDArray[np.bool_]
    verb: NDArray[np.int64]


def verb_channels(
    vocabulary: Vocabulary, kind: Literal["roles", "actions"], verbs: Sequence[int] | None = None
) -> VerbChannels:
    """The channels of a vocabulary.

    Args:
        vocabulary: what the verbs mean.
        kind: see `GGNetNetworkOptions.verbs`.
        verbs: which verbs, in the order of their channels; by default all that take an object. Actions have the
            vocabulary's order.
    """
    pairs = meaningful_pairs(vocabulary)
    chosen = tuple(np.flatnonzero(pairs.any(1)).tolist() if verbs is None else verbs)
    if kind == "roles":
        names, channel = tuple(vocabulary.verbs[verb] for verb in chosen), np.arange(len(chosen))
    else:
        names, channel = vocabulary.actions, vocabulary.verb_actions[list(chosen)]
    meaningful = np.zeros((len(names), len(vocabulary.objects)), bool)
    verb = np.full(meaningful.shape, -1, np.int64)
    for number, index in zip(channel, chosen, strict=True):
        meaningful[number] |= pairs[index]
        verb[number, (verb[number] < 0) | pairs[index]] = index
    return VerbChannels(chosen, channel, names, meaningful, verb)


def meaningful_pairs(vocabulary: Vocabulary) -> NDArray[np.bool_]:
    """(verbs, objects) which verbs go with which objects by the vocabulary's interactions; all if it lists none."""
    if not len(vocabulary.interactions):
        return np.ones((len(vocabulary.verbs), len(vocabulary.objects)), bool)
    return vocabulary.interaction_lookup[:, :-1] >= 0
