"""Text in the classifiers: starting from embeddings, and taking new classes as text at inference.

The published code cannot do the latter: its evaluation classifier lists HICO-DET's 600.
"""

from __future__ import annotations

import os
from dataclasses import replace

import torch
from torch import Tensor, nn

from interplay.errors import InputError
from interplay.models.gen_vlkt.config import TextOptions
from interplay.models.gen_vlkt.model import GenVlkt, object_classes
from interplay.models.gen_vlkt.network import TextClassifier
from interplay.models.gen_vlkt.prompts import interaction_prompts, known_rows, object_prompts, verb_prompts
from interplay.text import cached_embeddings
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
        rows = _embed(object_prompts(model.vocabulary, _has_absent(model.vocabulary), options.prompts), options, cache)
        _check_width(rows, classifier, options)
        classifier.weight.copy_(rows)
    if model.config.loss.mimic != "none" and options.teacher == "caption":
        rows = _embed(interaction_prompts(model.vocabulary, options.prompts), options, cache)
        model.captions = rows.to(next(model.parameters()).device)


@torch.no_grad()
def with_classes(model: GenVlkt, vocabulary: Vocabulary, cache: Folder = None) -> GenVlkt:
    """A model that finds other verbs and objects, given as text; it shares the other weights.

    Classes that the model was trained with keep what it learnt; new ones are the embedding of their text, with the
    mean of the learnt biases.

    Args:
        model: with text classifiers for interactions and objects; freezing these in training (zero-shot) keeps
            learnt and new classes comparable.
        vocabulary: what to find; without listed interactions, every verb with every object.
        cache: folder for embeddings; see `cached_embeddings`.

    Raises:
        InputError: the model's classifiers are not made of text, or are of verbs.
    """
    if not (model.config.network.interaction_text and model.config.network.object_text) or model.per_verb:
        raise InputError(
            "only a model that classifies interactions and objects by text can take new ones: train it with "
            "network.interaction_text, network.object_text and network.classes=interaction"
        )
    vocabulary = all_pairs(vocabulary)
    old = model.vocabulary
    wording = model.config.text.prompts
    text = model.config.text.model_copy(update={"zero_shot": None})
    other = GenVlkt(vocabulary, model.config.model_copy(update={"text": text}))
    for own, fresh, new, known in (
        (
            model.network.heads.interaction,
            other.network.heads.interaction,
            interaction_prompts(vocabulary, wording),
            known_rows(_interaction_names(vocabulary), _interaction_names(old)),
        ),
        (
            model.network.heads.object[-1],  # type: ignore[index]  # a Sequential, where made of text
            other.network.heads.object[-1],  # type: ignore[index]
            object_prompts(vocabulary, _has_absent(vocabulary), wording),
            known_rows(_object_names(vocabulary), _object_names(old)),
        ),
    ):
        assert isinstance(own, TextClassifier)
        assert isinstance(fresh, TextClassifier)
        _extend(own, fresh, new, known, text, cache)
    kept = {n: v for n, v in model.state_dict().items() if n in other.state_dict() and not _is_classifier(n)}
    other.load_state_dict(kept, strict=False)
    return other.train(model.training).to(next(model.parameters()).device)


def all_pairs(vocabulary: Vocabulary) -> Vocabulary:
    """The vocabulary with every verb for every object, if it lists no interactions of its own."""
    if len(vocabulary.interactions):
        return vocabulary
    verbs, objects = torch.meshgrid(
        torch.arange(len(vocabulary.verbs)), torch.arange(len(vocabulary.objects)), indexing="ij"
    )
    return replace(vocabulary, interactions=torch.stack([verbs, objects], -1).view(-1, 2).numpy())


def _extend(
    own: TextClassifier, fresh: TextClassifier, prompts: list[str], known: list[int], text: TextOptions, cache: Folder
) -> None:
    rows = torch.tensor(known)
    is_new = rows < 0
    weight, bias = own.weight.cpu()[rows], own.bias.cpu()[rows]
    if bool(is_new.any()):
        weight[is_new] = _embed([p for p, new in zip(prompts, is_new.tolist(), strict=True) if new], text, cache)
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


def _has_absent(vocabulary: Vocabulary) -> bool:
    return object_classes(vocabulary) > len(vocabulary.objects) + 1


def _interaction_names(vocabulary: Vocabulary) -> list[str]:
    names = vocabulary.objects
    return [f"{vocabulary.verbs[v]}/{names[o] if o >= 0 else ''}" for v, o in vocabulary.interactions]


def _object_names(vocabulary: Vocabulary) -> list[str]:
    absent = ["(none)"] if _has_absent(vocabulary) else []
    return [*vocabulary.objects, *absent, "(background)"]
