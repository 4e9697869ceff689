"""Models by name: cards, weights, and what is known of each."""

from interplay.defaults import DEFAULT_MODEL
from interplay.zoo.cards import ModelCard, get_card, list_models
from interplay.zoo.load import load_contact_finder, load_model, model_system, network_class

__all__ = [
    "DEFAULT_MODEL",
    "ModelCard",
    "get_card",
    "list_models",
    "load_contact_finder",
    "load_model",
    "model_system",
    "network_class",
]
