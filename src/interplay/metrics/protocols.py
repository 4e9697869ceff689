"""The published ways to score human-object pairs, by name, as rules for one engine (`interplay.metrics.matching`).

They differ in how a pixel is counted, when two pairs count as the same, how equal scores are ordered, how the curve
becomes a number and which images count. Each difference changes the figure a paper reports; `PROTOCOLS` lists them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from interplay.errors import InputError, near_matches
from interplay.metrics.average_precision import AveragePrecisionRule
from interplay.ops.ordering import TieRule
from interplay.ops.overlap import BoxRule

Setting = Literal["default", "known-object"]

ACCUMULATED = tuple(np.arange(0, 1.1, 0.1).tolist())
"""0, 0.1, ... 1 as ``numpy.arange`` and Octave make them: three are one rounding above 0.3, 0.6 and 0.7, so a recall
of exactly 0.6 does not reach its threshold."""
DECIMAL = tuple(i / 10 for i in range(11))
"""0, 0.1, ... 1 as the nearest doubles (TIN-PAMI)."""


@dataclass(frozen=True)
class PairProtocol:
    """Rules for scoring (person box, object box, class) against annotated pairs.

    Attributes:
        name: what ``--protocol`` takes.
        summary: whose rules these are.
        boxes: how a box's extent is counted.
        strict: whether an overlap of exactly `threshold` fails.
        threshold: smallest overlap of a match; the overlap of a pair is the smaller one of its two boxes.
        assignment: ``best``: a detection stands for the annotated pair of its class that it overlaps most (the first
            of equals) and is false if that one is taken. ``first``: it takes the first free pair that passes.
        ties: which of equal scores goes first: the ``first`` in the file (images in order), the ``last``, or the
            one that ``torch.argsort`` puts first. That sort is not stable, so pocket's own figures, and these, may
            differ in the third digit between machines when scores are equal.
        average_precision: how the curve becomes one number.
        recall_thresholds: of the ``11-point`` rule.
        empty_images_count: whether detections on an image without any annotated pair are false positives; if not,
            they are ignored.
        known_object: whether, and how, the known-object setting exists. ``detections``: those on images without the
            object are dropped. ``images``: annotated pairs outside these images are dropped as well.
        detections_per_class: best detections of a class that count, or None for all.
        annotation_shift: added to annotated coordinates before comparing. TIN-PAMI compares its 1-based annotations
            with 0-based detections as they are.
        detections_per_image: best detections of an image that count, whatever their class, or None for all. Those of
            no class take a place, too.
        one_verb_a_pair: whether a pair of annotated boxes stands for one detection only, whichever of its verbs that
            one says first. (The published code of VidHOI notes pairs, not verbs, as taken.)
        groups_apart: whether a group of classes is scored as if there were no others. That matters where
            `one_verb_a_pair`, as a pair is then free for the group's verbs.
    """

    name: str
    summary: str
    boxes: BoxRule = "inclusive"
    strict: bool = False
    threshold: float = 0.5
    assignment: Literal["best", "first"] = "best"
    ties: TieRule = "first"
    average_precision: AveragePrecisionRule = "11-point"
    recall_thresholds: tuple[float, ...] = ACCUMULATED
    empty_images_count: bool = True
    known_object: Literal["detections", "images"] | None = None
    detections_per_class: int | None = None
    annotation_shift: float = 0.0
    detections_per_image: int | None = None
    one_verb_a_pair: bool = False
    groups_apart: bool = False

    def reaches(self, overlap: NDArray[np.floating]) -> NDArray[np.bool_]:
        """Whether overlaps are large enough for a match."""
        return overlap > self.threshold if self.strict else overlap >= self.threshold


def _registry(*protocols: PairProtocol) -> Mapping[str, PairProtocol]:
    return {protocol.name: protocol for protocol in protocols}


_POCKET = PairProtocol(
    "pocket-11p",
    "the pocket library (UPT, PViC, SCG), 11-point rule; ignores images without annotated pairs",
    strict=True,
    ties="torch",
    empty_images_count=False,
)

PROTOCOLS: Mapping[str, PairProtocol] = _registry(
    PairProtocol("official", "HICO-DET's MATLAB code (Chao et al., WACV 2018)", known_object="detections"),
    PairProtocol(
        "pastanet-hoi",
        "HICO-DET's rules with overlaps above 0.5 [inferred: PaStaNet-HOI has published no evaluation code]",
        strict=True,
        known_object="detections",
    ),
    PairProtocol("gen-vlkt", "GEN-VLKT's triplet evaluator (Liao et al., CVPR 2022)", boxes="inclusive-open"),
    PairProtocol(
        "qpic",
        "QPIC (Tamura et al., CVPR 2021); ignores images without annotated pairs",
        boxes="inclusive-open",
        empty_images_count=False,
    ),
    PairProtocol(
        "cdn",
        "CDN (Zhang et al., NeurIPS 2021); ignores images without annotated pairs",
        boxes="inclusive-open",
        empty_images_count=False,
    ),
    PairProtocol("ppdm", "PPDM (Liao et al., CVPR 2020)", boxes="inclusive-open"),
    PairProtocol(
        "tin-pami",
        "TIN's journal version (Li et al., TPAMI 2021)",
        boxes="continuous",
        ties="last",
        recall_thresholds=DECIMAL,
        detections_per_class=19999,
        annotation_shift=1.0,
    ),
    PairProtocol(
        "ggnet",
        "GGNet (Zhong et al., CVPR 2021), after No-Frills; takes the first free pair",
        boxes="inclusive-open-epsilon",
        strict=True,
        assignment="first",
        known_object="images",
    ),
    _POCKET,
    replace(
        _POCKET,
        name="pocket-int",
        summary="the pocket library, area under the envelope without its last step",
        average_precision="pocket-int",
    ),
    replace(
        _POCKET,
        name="pocket-auc",
        summary="the pocket library, area under the raw curve without its last step",
        average_precision="pocket-auc",
    ),
    PairProtocol(
        "vidhoi",
        "VidHOI at keyframes of clips (Chiou et al., ICDAR workshop 2021); the best 100 detections of a frame",
        boxes="continuous",
        detections_per_image=100,
        one_verb_a_pair=True,
        groups_apart=True,
    ),
)
"""Every protocol for HICO-DET and its kind, by name."""

DEFAULT_PROTOCOLS: Mapping[str, str] = {"pastanet-hoi": "pastanet-hoi", "vidhoi": "vidhoi"}
"""Default protocol of the vocabularies for which it is not ``official``."""


def get_protocol(name: str, setting: str = "default") -> PairProtocol:
    """The protocol of that name, checked to know the setting.

    Raises:
        InputError: no such protocol or setting, or the protocol does not define the setting.
    """
    protocol = PROTOCOLS.get(name)
    if protocol is None:
        hint = near_matches(name, PROTOCOLS)
        raise InputError(f"unknown protocol {name!r}: expected one of {', '.join(PROTOCOLS)}.{hint}")
    if setting not in ("default", "known-object"):
        raise InputError(f"unknown setting {setting!r}: expected default or known-object")
    if setting == "known-object" and protocol.known_object is None:
        having = ", ".join(p.name for p in PROTOCOLS.values() if p.known_object)
        raise InputError(f"the protocol {name!r} has no known-object setting; these have one: {having}")
    return protocol
