"""Averaging what was found in the frames of a clip over time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TypeVar

import numpy as np

from interplay.body.geometry import Array
from interplay.reconstruct import Fit

from .result import Person, PlacedObject, Reconstruction, rounded

_ALIKE = np.radians(60)  # from which on two rotations are different explanations of a picture, not noise

_Thing = TypeVar("_Thing", Person, PlacedObject)


def smoothed(frames: Sequence[Reconstruction], width: float) -> list[Reconstruction]:
    """Bodies and objects averaged over time with a Gaussian, each over the frames that have its track.

    Vertices of bodies are averaged where they are; of objects the translation, the scale, and the rotation as the one
    nearest to the rotations' mean. An object that looks nearly the same after a turn may jump from one to the other:
    the rotation that is nearest to most is kept, and frames that differ from it by more than 60 degrees are left out.
    An object that is missing between frames that have it is put there.

    Args:
        frames: in their order.
        width: standard deviation in frames; 0 changes nothing.
    """
    if width == 0:
        return list(frames)
    out = []
    for k, frame in enumerate(frames):
        near = [
            (j, float(np.exp(-0.5 * ((j - k) / width) ** 2))) for j in range(len(frames)) if abs(j - k) <= 3 * width
        ]
        people = [
            replace(p, vertices=_mean([(q.vertices, w) for q, w in _same(p, [(frames[j].people, w) for j, w in near])]))
            for p in frame.people
        ]
        objects = [_smoothed_object(o, _same(o, [(frames[j].objects, w) for j, w in near])) for o in frame.objects]
        there = {each.track for each in frame.objects}
        around = (
            {each.track for j, _ in near if j < k for each in frames[j].objects}
            & {each.track for j, _ in near if j > k for each in frames[j].objects}
        ) - there
        for track in sorted(around - {-1}):
            found = [(each, w, j) for j, w in near for each in frames[j].objects if each.track == track]
            nearest, _, j = max(found, key=lambda each: each[1])
            if (moved := _taken_over(nearest, frames[j], frame)) is not None:
                objects.append(_smoothed_object(moved, [(each, w) for each, w, _ in found]))
        out.append(replace(frame, people=people, objects=objects))
    return out


def _same(thing: _Thing, near: Sequence[tuple[Sequence[_Thing], float]]) -> list[tuple[_Thing, float]]:
    """The same person or object in the frames near by, with weights; only itself where no track is known."""
    if thing.track < 0:
        return [(thing, 1.0)]
    return [(other, weight) for things, weight in near for other in things if other.track == thing.track]


def _smoothed_object(each: PlacedObject, near: Sequence[tuple[PlacedObject, float]]) -> PlacedObject:
    fits = _agreeing([(other.fit, weight) for other, weight in near])
    u, _, v = np.linalg.svd(_mean([(fit.rotation, weight) for fit, weight in fits]))
    turn = u @ np.diag([1, 1, np.sign(np.linalg.det(u @ v))]) @ v
    moved = _mean([(fit.translation, weight) for fit, weight in fits])
    scale = float(_mean([(np.array(fit.scale), weight) for fit, weight in fits]))
    report = {
        **each.report,
        "rotation": rounded(turn, 6),
        "translation": rounded(moved, 5),
        "scale": round(scale, 5),
    }
    return replace(each, fit=replace(each.fit, rotation=turn, translation=moved, scale=scale), report=report)


def _agreeing(fits: Sequence[tuple[Fit, float]]) -> list[tuple[Fit, float]]:
    """Those whose rotation is near to the one that is nearest to all, by weight."""
    turns = np.stack([fit.rotation for fit, _ in fits])
    trace = np.einsum("iab,jab->ij", turns, turns)
    angles = np.arccos(np.clip((trace - 1) / 2, -1, 1))
    best = int((np.minimum(angles, _ALIKE) @ np.array([weight for _, weight in fits])).argmin())
    return [each for each, near in zip(fits, angles[best] <= _ALIKE, strict=True) if near]


def _taken_over(each: PlacedObject, there: Reconstruction, here: Reconstruction) -> PlacedObject | None:
    """An object of another frame, touched by the same people; None if none of them is here."""
    number = {person.track: k for k, person in enumerate(here.people) if person.track >= 0}
    touches = tuple(
        replace(touch, person=number[track])
        for touch in each.touches
        if (track := there.people[touch.person].track) in number
    )
    if not touches:
        return None
    report = {**each.report, "warnings": ["not found in this frame: it is where the frames around have it"]}
    return replace(each, touches=touches, report=report)


def _mean(values: Sequence[tuple[Array, float]]) -> Array:
    total = sum(weight for _, weight in values)
    return np.asarray(sum(weight * value for value, weight in values) / total)
