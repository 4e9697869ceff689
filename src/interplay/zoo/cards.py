"""Model cards: what each model is, where its weights come from, and its metrics, published and measured apart.

One ``cards.json`` per system in its folder, with ``models`` and what they have in common in ``shared``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from interplay.errors import InputError, near_matches
from interplay.files import cache_folder
from interplay.systems import CONTACT_SYSTEMS, SYSTEMS, System


@dataclass(frozen=True)
class PublishedFile:
    """A file of weights that needs no login.

    Attributes:
        address: where it is.
        sha256: of its content, 64 hexadecimal digits.
        size: in bytes.
    """

    address: str
    sha256: str
    size: int


@dataclass(frozen=True)
class ModelCard:
    """What there is to know about a model.

    Attributes:
        name: what `load_model` takes.
        summary: one line.
        system: which network it is.
        vocabulary: name of its vocabulary.
        paper: where the method comes from.
        licence: of the weights.
        trained_on: data and their size.
        command: what trains the weights; empty where interplay has no training of it.
        limits: what it cannot do.
        weights: file name of the embedded weights, or empty where the user brings them.
        source: where the authors publish the weights, if they do.
        file: the published weights, where they can be had without a login; `get_weights` brings them.
        settings: what the configuration in a weights file of this name says, ``{"network.backbone": "resnet50"}``.
        published: metrics of the paper, ``{what: value}``.
        measured: our metrics, ``{what: {"value", "command"}}``.
        use: the command that it is for.
        folder: whether its weights are a folder, not a file.
    """

    name: str
    summary: str
    system: str
    vocabulary: str
    paper: str
    licence: str
    trained_on: str
    command: str
    limits: str
    weights: str = ""
    source: str = ""
    file: PublishedFile | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    published: Mapping[str, float] = field(default_factory=dict)
    measured: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    use: str = "interplay detect photo.jpg"
    folder: bool = False

    def how_to_get_weights(self) -> str:
        """The commands that make a weights file for this model, as an error shows them."""
        output, kind = (self.name, "folder") if self.folder else (f"{self.name}.safetensors", "file")
        lines = [f"{self.name} comes without weights."]
        if self.file:
            lines += ["Download and convert those that its authors publish:", f"  interplay models get {self.name}"]
        if self.source:
            what = "folder" if self.folder else "checkpoint"
            lines += [
                f"Convert the {what} that its authors publish ({self.source}):",
                f"  interplay import {self.system} {kind.upper()} -o {output}",
            ]
        if self.command:
            lines += ["Or train it:" if self.source else "Train it:", f"  {self.command}"]
        made = output if self.source else "WEIGHTS"
        named = f"--model {made}" if self.folder else f"--model {self.name} --weights {made}"
        lines += [f"Then name the {kind}:", f"  {self.use} {named}"]
        return "\n".join(lines)


@cache
def _cards_of(system: System) -> tuple[ModelCard, ...]:
    content = json.loads(system.cards_text() or '{"models": []}')
    entries = [{**content.get("shared", {}), **model} for model in content["models"]]
    return tuple(
        ModelCard(**{**entry, "file": PublishedFile(**entry["file"]) if entry.get("file") else None})
        for entry in entries
    )


def _cards() -> dict[str, ModelCard]:
    cards = [card for system in (*SYSTEMS.values(), *CONTACT_SYSTEMS.values()) for card in _cards_of(system)]
    return {card.name: card for card in sorted(cards, key=lambda card: (not card.weights, card.system, card.name))}


def list_models(
    name: str = "", *, system: str | None = None, vocabulary: str | None = None, with_weights: bool = False
) -> list[ModelCard]:
    """The cards of the models that meet every condition given, those that come with weights first.

    Args:
        name: a part of the model's name.
        system: which network it is (``"gen-vlkt"``).
        vocabulary: name of its vocabulary (``"hico-det"``), in any spelling.
        with_weights: only models that work right after installation.

    Raises:
        InputError: no model is of that system or vocabulary; gives those that there are.
    """
    cards = list(_cards().values())
    if vocabulary is not None:
        from interplay.vocabulary import canonical_name

        vocabulary = canonical_name(vocabulary)
    for what, wanted in (("system", system), ("vocabulary", vocabulary)):
        there = sorted({getattr(card, what) for card in cards})
        if wanted is not None and wanted not in there:
            raise InputError(f"no model with {what} {wanted!r}: expected one of {', '.join(there)}")
    return [
        card
        for card in cards
        if name in card.name
        and system in (None, card.system)
        and vocabulary in (None, card.vocabulary)
        and (card.weights or not with_weights)
    ]


def get_card(name: str) -> ModelCard:
    """A model's card.

    Raises:
        InputError: unknown name; gives the nearest ones.
    """
    card = _cards().get(name)
    if card is None:
        raise InputError(
            f"unknown model {name!r}: expected a name that 'interplay models' lists, or a weights file (.safetensors) "
            f"that 'interplay import' or 'interplay train' wrote.{near_matches(name, _cards())}"
        )
    return card


def cached_weights(card: ModelCard) -> Path:
    """Where a model's converted weights are kept; there may be none."""
    known = "own" if card.file is None else card.file.sha256[:16]
    return cache_folder("models") / f"{card.name}-{known}.safetensors"
