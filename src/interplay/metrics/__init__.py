"""Scores: every published protocol, exact and fast.

The protocols are described in `interplay.metrics.protocols`. The classes for training loops
(`HoiAveragePrecision`, `VcocoAveragePrecision`, `PoseAveragePrecision`) load torch, and only when they are asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from interplay.formats.vcoco_detections import VcocoDetections
from interplay.metrics.hoi import evaluate_hoi
from interplay.metrics.keypoint_similarity import object_keypoint_similarity
from interplay.metrics.pose import PoseScores, evaluate_poses
from interplay.metrics.protocols import PROTOCOLS, PairProtocol, Setting, get_protocol
from interplay.metrics.scores import HoiScores, VcocoScores
from interplay.metrics.steps import PairNms, keep_top_k, suppress_pairs
from interplay.metrics.tables import evaluate_tables
from interplay.metrics.vcoco import VCOCO_PROTOCOLS, evaluate_vcoco
from interplay.metrics.vcoco_data import VcocoAnnotations
from interplay.ops.pair_nms import pair_nms
from interplay.ops.top_k import top_k_rows

if TYPE_CHECKING:
    from interplay.metrics.modules import HoiAveragePrecision, PoseAveragePrecision, VcocoAveragePrecision

_MODULES = ("HoiAveragePrecision", "PoseAveragePrecision", "VcocoAveragePrecision")

__all__ = [
    "PROTOCOLS",
    "VCOCO_PROTOCOLS",
    "HoiAveragePrecision",
    "HoiScores",
    "PairNms",
    "PairProtocol",
    "PoseAveragePrecision",
    "PoseScores",
    "Setting",
    "VcocoAnnotations",
    "VcocoAveragePrecision",
    "VcocoDetections",
    "VcocoScores",
    "evaluate_hoi",
    "evaluate_poses",
    "evaluate_tables",
    "evaluate_vcoco",
    "get_protocol",
    "keep_top_k",
    "object_keypoint_similarity",
    "pair_nms",
    "suppress_pairs",
    "top_k_rows",
]


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module 'interplay.metrics' has no attribute {name!r}")
    from interplay.metrics import modules

    return getattr(modules, name)
