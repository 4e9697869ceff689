"""Checkpoints that the authors published, whose layer is called ``fc``."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from torch import Tensor

from interplay import Vocabulary
from interplay.errors import InputError
from interplay.models.weights import build_with

from .config import TintConfig, TintNetworkOptions
from .model import Tint

_NAMES = {"fc.weight": "classifier.weight", "fc.bias": "classifier.bias"}


def load(state: Mapping[str, Tensor], vocabulary: Vocabulary | None = None) -> Tint:
    """The model of a published state; names and shapes tell the variant."""
    if vocabulary is None:
        raise InputError("tint's weights do not tell their classes: give the vocabulary that they were trained with")
    renamed = {_NAMES[name]: value for name, value in state.items() if name in _NAMES}
    config = TintConfig(network=TintNetworkOptions(bias="fc.bias" in state))
    return build_with(partial(Tint, vocabulary, config), renamed, "tint's weights")


def unused_names(state: Mapping[str, Tensor], model: Tint) -> list[str]:
    """Published names that no part of the model answers to."""
    return [name for name in state if name not in _NAMES]
