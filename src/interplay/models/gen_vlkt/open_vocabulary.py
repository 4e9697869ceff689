"""What a model shall find, from names that a user gives, and whether a text encoder is the one that it learnt with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from interplay.errors import InputError
from interplay.vocabulary import Verb, Vocabulary

SAME_TEXT, SAME_ENCODER = 0.9, 0.3
"""Smallest mean cosine similarity of classifier rows with their texts: of frozen rows, which are their texts but for
rounding; of rows that training moved. Rows and texts of two encoders have one near 0."""


def wanted_vocabulary(
    known: Vocabulary,
    verbs: Sequence[str] | None = None,
    objects: Sequence[str] | None = None,
    vocabulary: Vocabulary | None = None,
) -> Vocabulary:
    """What to find, from names or a whole vocabulary.

    Args:
        known: the model's; its spellings are accepted, and what `verbs` or `objects` leave open is taken from it.
        verbs, objects: names; every verb may go with every object.
        vocabulary: instead of names.

    Returns:
        With ``person`` among its objects (people are labelled so), which takes part in interactions only if asked
        for, and with its interactions listed.

    Raises:
        InputError: nothing was given, both forms were, or a name is empty or there twice.
    """
    if (vocabulary is None) == (verbs is None and objects is None):
        raise InputError("give verbs, objects or both, or a whole vocabulary instead, to say what to find")
    if vocabulary is None:
        records = known.verb_records if verbs is None else [_verb(known, name) for name in verbs]
        names = list(known.objects) if objects is None else [_object(known, name) for name in objects]
        plain = Vocabulary.from_names(names, [record.name for record in records], "text")  # checks the names
        vocabulary = replace(plain, verb_records=tuple(records))
    return with_person(all_pairs(vocabulary))


def all_pairs(vocabulary: Vocabulary) -> Vocabulary:
    """The vocabulary with every verb for every object, if it lists no interactions of its own."""
    if len(vocabulary.interactions):
        return vocabulary
    pairs = np.indices((len(vocabulary.verbs), len(vocabulary.objects))).reshape(2, -1).T
    return replace(vocabulary, interactions=pairs.astype(np.int64))


def with_person(vocabulary: Vocabulary) -> Vocabulary:
    """The vocabulary with an object ``person``, added at the end if there is none."""
    if vocabulary.person >= 0:
        return vocabulary
    return replace(vocabulary, objects=(*vocabulary.objects, "person"))


def check_encoder(rows: Tensor, embeddings: Tensor, encoder: str, trained_with: str, frozen: bool) -> None:
    """Make sure that classifier rows are embeddings by this encoder, or come from them.

    Args:
        rows: (K, E) of the classifier.
        embeddings: (K, E') of the same classes' texts by the encoder.
        encoder, trained_with: names of this encoder and the model's own.
        frozen: whether the rows were kept in training.

    Raises:
        InputError: they are not.
    """
    wrong = f"expected the text encoder that the model was trained with ({trained_with}), got {encoder}:"
    if rows.shape[1] != embeddings.shape[1]:
        raise InputError(f"{wrong} its embeddings have {embeddings.shape[1]} numbers instead of {rows.shape[1]}")
    similarity = float((F.normalize(rows.float(), dim=-1) * F.normalize(embeddings, dim=-1)).sum(-1).mean())
    least = SAME_TEXT if frozen else SAME_ENCODER
    if not similarity >= least:
        raise InputError(
            f"{wrong} its embeddings of the model's own classes have a mean cosine similarity of {similarity:.2f} with "
            f"the classifier's rows, expected {least} or more"
        )


def some_rows(count: int, limit: int = 32) -> Tensor:
    """Up to `limit` indices spread over `count`."""
    return torch.linspace(0, count - 1, min(count, limit)).round().long()


def _verb(known: Vocabulary, name: str) -> Verb:
    index = known.find_verb(name)
    return known.verb_records[index] if index >= 0 else Verb(name.strip())


def _object(known: Vocabulary, name: str) -> str:
    index = known.find_object(name)
    return known.objects[index] if index >= 0 else name.strip()
