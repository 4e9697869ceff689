"""What there is to know about a detector or pose estimator before loading it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class DetectorCard:
    """A detector or pose estimator that has a name of its own.

    Attributes:
        name: what `load_detector` or `load_pose_estimator` takes.
        summary: one line.
        weights: where they come from.
        licence: the weights' licence.
        extra: the extra of this package that brings what it needs; None if nothing.
    """

    name: str
    summary: str
    weights: str
    licence: str
    extra: str | None = None
