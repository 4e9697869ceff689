"""What there is to know about a detector or pose estimator before loading it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

Build = TypeVar("Build")


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


@dataclass(frozen=True)
class Named(Generic[Build]):
    """A detector or pose estimator that has a name of its own, and how to make it.

    Attributes:
        card: what there is to know about it; its name is what the loading function takes.
        build: makes it; imports what that takes.
        takes_weights: whether it reads a file of weights that the user brings.
    """

    card: DetectorCard
    build: Build
    takes_weights: bool = False
