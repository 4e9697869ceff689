"""What all networks have in common whose weights are one file: it says how to build them again."""

from __future__ import annotations

from abc import ABC
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar, TypeAlias

from torch import Tensor, nn
from typing_extensions import Self

from interplay.models.weights import Bits, save_weights
from interplay.options import ModelConfig, ModelDescription
from interplay.vocabulary import Vocabulary

Migration: TypeAlias = Callable[[dict[str, Any], dict[str, Tensor]], tuple[dict[str, Any], dict[str, Tensor]]]
"""From the description and the tensors of a weights file in one format to those in the next. There are no tensors where
only the description is read."""


class DescribedModel(nn.Module, ABC):
    """A network that a weights file describes by its system, its configuration and its vocabulary.

    A system whose networks need more than these has its own `description` and `from_description`, with more.

    Args:
        vocabulary: what its labels and verbs mean.
        config: every choice, with ``network``, ``loss`` and ``decoding``.

    Attributes:
        system: what `interplay.systems` calls it.
        description_class: what a description of the newest format looks like.
        migrations: how weights files of earlier versions are read: one step from each format to the next. The format
            that is written is their number plus one; whoever changes what a description or a state holds adds a step.
    """

    vocabulary: Vocabulary
    config: ModelConfig
    system: ClassVar[str]
    description_class: ClassVar[type[ModelDescription]] = ModelDescription
    migrations: ClassVar[tuple[Migration, ...]] = ()

    def __init__(self, vocabulary: Vocabulary, config: ModelConfig) -> None:
        super().__init__()
        self.vocabulary, self.config = vocabulary, config

    def description(self) -> dict[str, Any]:
        """What a weights file says to build the network again: ``system``, ``config``, ``vocabulary`` and more."""
        return {
            "system": self.system,
            "config": self.config.model_dump(mode="json"),
            "vocabulary": self.vocabulary.to_dict(),
        }

    @classmethod
    def from_description(cls, description: Mapping[str, Any]) -> Self:
        """An untrained network of the configuration and vocabulary that a description of the newest format gives.

        Raises:
            ValidationError, InputError: the description does not fit. `read_model` adds the file and what to do.
        """
        known = cls.description_class.model_validate(description)
        return cls(known.vocabulary, known.config)

    def save(self, path: str | Path, *, bits: Bits | None = None, **extra: Any) -> None:
        """Write a weights file, whole or not at all.

        `interplay.load_model` reads it, and `interplay.models.weights.read_contact_model` that of a network of contact.

        Args:
            path: of a ``.safetensors`` file.
            bits: of each number in the file, 16 or 32; by default as the network has it. Reading makes 32 of 16.
            extra: what the file shall say beside the network's description; anything that JSON can hold.

        Raises:
            InputError: a weight is too large for 16 bits.
        """
        save_weights(self, {**self.description(), **extra}, path, bits)
