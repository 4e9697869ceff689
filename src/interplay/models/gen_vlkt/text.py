"""Text in the classifiers: starting from embeddings, and taking new classes as text at inference.

The published code cannot do the latter: its evaluation classifier lists HICO-DET's 600.
"""

from __future__ import annotations

import os
from functools import partial

import torch
from torch import Tensor, nn

from interplay.errors import InputError, MissingFileError
from interplay.models.gen_vlkt.config import GenVlktConfig, TextOptions
from interplay.models.gen_vlkt.model import GenVlkt, has_absent, object_classes
from interplay.models.gen_vlkt.network import TextClassifier
from interplay.models.gen_vlkt.open_vocabulary import all_pairs, check_encoder, some_rows, with_person
from interplay.models.gen_vlkt.prompts import (
    ABSENT,
    Wording,
    interaction_prompts,
    known_rows,
    object_prompts,
    verb_prompts,
)
from interplay.text import cached_embeddings
from interplay.text.encoders import KNOWN_ENCODERS
from interplay.vocabulary import Vocabulary

Folder = str | os.PathLike[str] | None


@torch.no_grad()
def start_from_text(model: GenVlkt, cache: Folder = None) -> None:
    """Set the rows of the text classifiers to the embeddings of their classes, in place; likewise a caption teacher's.

    Args:
        model: its configuration says which encoder and wording.
        cache: folder for embeddings; see `cached_embeddings`.

    Raises:
        InputError: the encoder's width is not ``network.embedding``.
    """
    heads, options = model.network.heads, model.config.text
    if isinstance(heads.interaction, TextClassifier):
        prompts = verb_prompts if model.per_verb else interaction_prompts
        rows = _embed(prompts(model.vocabulary, options.prompts), options, cache)
        _check_width(rows, heads.interaction, options)
        heads.interaction.weight.copy_(rows)
    if isinstance(heads.object, nn.Sequential):
        classifier = heads.object[-1]
        assert isinstance(classifier, TextClassifier)
        rows = _embed(object_prompts(model.vocabulary, has_absent(model.vocabulary), options.prompts), options, cache)
        _check_width(rows, classifier, options)
        classifier.weight.copy_(rows)
    if model.config.loss.mimic != "none" and options.teacher == "caption":
        rows = _embed(interaction_prompts(model.vocabulary, options.prompts), options, cache)
        model.captions = rows.to(next(model.parameters()).device)


@torch.no_grad()
def with_classes(model: GenVlkt, vocabulary: Vocabulary, cache: Folder = None, encoder: str | None = None) -> GenVlkt:
    """A model that finds other verbs and objects, given as text; it shares the other weights.

    Classes that the model was trained with keep what it learnt; new ones are the embedding of their text, with the
    mean of the learnt biases. Triplets are chosen by the rule ``interaction``, without near-copies.

    Args:
        model: with text classifiers for interactions and objects; freezing these in training (zero-shot) keeps
            learnt and new classes comparable.
        vocabulary: what to find; without listed interactions, every verb with every object.
        cache: folder for embeddings; see `cached_embeddings`.
        encoder: where the text encoder that the model was trained with is now; by default what its
            configuration says, where that is one of `interplay.text.encoders.KNOWN_ENCODERS`.

    Raises:
        InputError: the model's classifiers are not made of text, or are of verbs; or the encoder is another one.
        MissingFileError, MissingExtraError: the encoder is not there.
    """
    options = model.config
    if not (options.network.interaction_text and options.network.object_text) or model.per_verb:
        raise InputError(
            "only a model that classifies interactions and objects by text can take new ones: train it with "
            "network.interaction_text, network.object_text and network.classes=interaction"
        )
    vocabulary, old = with_person(all_pairs(vocabulary)), model.vocabulary
    text = options.text.model_copy(update={"zero_shot": None, "encoder": encoder or options.text.encoder})
    decoding = options.decoding
    if decoding.rule == "verb":  # of V-COCO's evaluation, which scores every verb of every pair
        decoding = decoding.model_copy(update={"rule": "interaction", "nms": True})
    other = GenVlkt(vocabulary, options.model_copy(update={"text": text, "decoding": decoding}))
    absent = has_absent(old)  # decides the wording for objects, also new ones
    classifiers = (
        (model.network.heads.interaction, other.network.heads.interaction, _interaction_texts),
        (model.network.heads.object[-1], other.network.heads.object[-1], partial(_object_texts, absent=absent)),  # type: ignore[index]  # a Sequential, where made of text
    )
    for own, fresh, texts in classifiers:
        assert isinstance(own, TextClassifier)
        assert isinstance(fresh, TextClassifier)
        named = encoder is not None
        _extend(own, fresh, texts(old, text.prompts), texts(vocabulary, text.prompts), text, options, cache, named)
    kept = {n: v for n, v in model.state_dict().items() if n in other.state_dict() and not _is_classifier(n)}
    other.load_state_dict(kept, strict=False)
    return other.train(model.training).to(next(model.parameters()).device)


def _extend(
    own: TextClassifier,
    fresh: TextClassifier,
    known: dict[str, str],
    wanted: dict[str, str],
    text: TextOptions,
    config: GenVlktConfig,
    cache: Folder,
    named: bool,
) -> None:
    """Fill a classifier with the rows of known classes and with texts' embeddings; both as class -> text.

    Args:
        named: whether the user named the encoder, and not the weights file.
    """
    rows = torch.tensor(known_rows(list(wanted), list(known)))
    is_new = rows < 0
    weight, bias = own.weight.cpu()[rows], own.bias.cpu()[rows]
    if bool(is_new.any()):
        if not named and text.encoder not in KNOWN_ENCODERS:
            raise InputError(
                f"the weights name the text encoder {text.encoder!r}, and what a file names is not loaded unasked; "
                "if you trust it, give it as encoder=... (--text-encoder)"
            )
        sample = some_rows(len(known))
        prompts = list(known.values())
        try:
            there = _embed([prompts[i] for i in sample.tolist()], text, cache)
        except MissingFileError as error:
            raise MissingFileError(f"new classes need the model's text encoder: {error} (--text-encoder)") from None
        check_encoder(own.weight.cpu()[sample], there, text.encoder, config.text.encoder, config.text.freeze)
        new = [prompt for prompt, fresh_one in zip(wanted.values(), is_new.tolist(), strict=True) if fresh_one]
        weight[is_new] = _embed(new, text, cache)
        bias[is_new] = own.bias.mean().cpu()
    fresh.weight.copy_(weight)
    fresh.bias.copy_(bias)


def _embed(prompts: list[str], options: TextOptions, cache: Folder) -> Tensor:
    return cached_embeddings(options.encoder, prompts, cache)


def _check_width(rows: Tensor, classifier: TextClassifier, options: TextOptions) -> None:
    if rows.shape[1] != classifier.weight.shape[1]:
        raise InputError(
            f"the texts' embeddings by {options.encoder} have {rows.shape[1]} numbers, the network expects "
            f"{classifier.weight.shape[1]}: set network.embedding={rows.shape[1]}"
        )


def _is_classifier(name: str) -> bool:
    head = name.startswith(("network.heads.interaction.", "network.heads.object.2."))
    return head and not name.endswith("logit_scale")


def _interaction_texts(vocabulary: Vocabulary, wording: Wording) -> dict[str, str]:
    """Interaction -> its text."""
    names = vocabulary.pair_names(vocabulary.interactions)
    return dict(zip(names, interaction_prompts(vocabulary, wording), strict=True))


def _object_texts(vocabulary: Vocabulary, wording: Wording, absent: bool) -> dict[str, str]:
    """Object class -> its text; "no object" only where the vocabulary has interactions without one."""
    names = object_classes(vocabulary, absent)
    texts = dict(zip(names, object_prompts(vocabulary, absent, wording), strict=True))
    if has_absent(vocabulary) != absent:
        background = texts.pop("(background)")
        texts.pop("(none)", None)
        texts |= {} if absent else {"(none)": ABSENT}
        texts["(background)"] = background
    return texts
