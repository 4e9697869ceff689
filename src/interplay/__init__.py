"""interplay: human-object interaction (HOI) in photographs, video and 3D.

The names below load on first use, so that ``import interplay`` and the command line start at once.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from interplay._version import __version__

if TYPE_CHECKING:
    from interplay.columns import Column, register_column
    from interplay.datasets import load_annotations
    from interplay.detectors import Detections, load_detector
    from interplay.detectors.pose import load_pose_estimator
    from interplay.errors import InterplayError
    from interplay.evaluation import evaluate
    from interplay.formats import read, write
    from interplay.image_files import find_images
    from interplay.images import read_image
    from interplay.interactions import Interactions, Triplet
    from interplay.table import InteractionTable
    from interplay.training import train
    from interplay.visual import draw_interactions, write_report
    from interplay.vocabulary import Vocabulary
    from interplay.zoo import list_models, load_model

__all__ = [
    "Column",
    "Detections",
    "InteractionTable",
    "Interactions",
    "InterplayError",
    "Triplet",
    "Vocabulary",
    "__version__",
    "draw_interactions",
    "evaluate",
    "find_images",
    "list_models",
    "load_annotations",
    "load_detector",
    "load_model",
    "load_pose_estimator",
    "read",
    "read_image",
    "register_column",
    "train",
    "write",
    "write_report",
]

_HOMES = {
    "Column": "columns",
    "Detections": "detectors",
    "InteractionTable": "table",
    "Interactions": "interactions",
    "InterplayError": "errors",
    "Triplet": "interactions",
    "Vocabulary": "vocabulary",
    "draw_interactions": "visual",
    "evaluate": "evaluation",
    "find_images": "image_files",
    "list_models": "zoo",
    "load_annotations": "datasets",
    "load_detector": "detectors",
    "load_model": "zoo",
    "load_pose_estimator": "detectors.pose",
    "read": "formats",
    "read_image": "images",
    "register_column": "columns",
    "train": "training",
    "write": "formats",
    "write_report": "visual",
}


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'interplay' has no attribute {name!r}")
    value = getattr(import_module(f"interplay.{home}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
