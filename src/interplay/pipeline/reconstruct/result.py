"""What is found in a photograph: people, objects, the camera; as a scene, in words, and as ``fit.json``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from interplay.body.geometry import Array
from interplay.reconstruct import Fit, Intrinsics, Scene, Upright
from interplay.reconstruct.objects import Candidate
from interplay.reconstruct.person import FittedBody
from interplay.reconstruct.show import OBJECT

FORMAT = 2
"""Of ``fit.json``."""


@dataclass(frozen=True)
class Person:
    """A reconstructed person.

    Attributes:
        vertices, faces: (V, 3) in the camera's frame and (F, 3).
        report: what ``fit.json`` says.
        fitted: the body's fit; None of a body from a file.
        track: number of the person in a clip; -1 where that is not known.
        height_known: whether the user says how tall the person is.
    """

    vertices: Array
    faces: NDArray[np.int64]
    report: Mapping[str, Any]
    fitted: FittedBody | None = None
    track: int = -1
    height_known: bool = False


@dataclass(frozen=True)
class Touch:
    """A person who touches an object.

    Attributes:
        person: which of the people.
        body_contact, object_contact: scores (V,) of the person's vertices and (W,) of the object's.
        fit: where the object is beside this person alone.
        report: what ``fit.json`` says.
    """

    person: int
    body_contact: Array
    object_contact: Array
    fit: Fit
    report: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Evidence:
    """What is known of an object beside its mask; see `fit_object`.

    Attributes:
        outline: whether the mask is its outline; otherwise only a box is known.
        upright: how it usually stands.
    """

    outline: bool = True
    upright: Upright | None = None


@dataclass(frozen=True)
class PlacedObject:
    """An object and who touches it, the surest first.

    Attributes:
        candidate: its mesh.
        fit: where it is.
        touches: one or more.
        mask: (height, width) of what is seen of it.
        evidence: what else is known of it.
        report: what else ``fit.json`` says.
        track: number of the object in a clip; -1 where that is not known.
    """

    candidate: Candidate
    fit: Fit
    touches: tuple[Touch, ...]
    mask: NDArray[np.bool_]
    report: Mapping[str, Any]
    track: int = -1
    evidence: Evidence = field(default_factory=Evidence)

    @property
    def contact(self) -> Array:
        """(W,) scores of its vertices, of all who touch it."""
        found: Array = np.max([each.object_contact for each in self.touches], axis=0)
        return found


@dataclass
class Reconstruction:
    """All that was found in a photograph."""

    camera: Intrinsics
    camera_from: str
    size: tuple[int, int]
    people: list[Person] = field(default_factory=list)
    objects: list[PlacedObject] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def scene(self) -> Scene:
        """To save and to look at."""
        scene = Scene.empty(self.camera)
        for k, person in enumerate(self.people):
            touched = [touch.body_contact for each in self.objects for touch in each.touches if touch.person == k]
            contact = np.max(touched, axis=0) if touched else None
            scene.add(numbered("person", k, len(self.people)), person.vertices, person.faces, contact)
        for k, each in enumerate(self.objects):
            placed = each.fit.place(each.candidate.vertices)
            name = numbered("object", k, len(self.objects))
            scene.add(name, placed, each.candidate.faces, each.contact, OBJECT)
        return scene

    def in_words(self) -> list[str]:
        """Lines for the console."""
        lines = [f"camera: focal length {self.camera.focal[0]:.0f} pixels, {self.camera_from}"]
        lines += [f"{numbered('person', k, len(self.people))}: {p.report['body']}" for k, p in enumerate(self.people)]
        for k, each in enumerate(self.objects):
            report = each.report
            whose = "; ".join(
                f"{numbered('person', touch.person, len(self.people))}: contact {touch.report['body']}"
                for touch in each.touches
            )
            lines.append(
                f"{numbered('object', k, len(self.objects))}: {report['category']}, mesh {report['mesh']}, mask "
                f"{report['mask']}; overlap with the mask {each.fit.iou:.2f}; {whose}"
            )
        if not self.objects:
            lines.append("no object: nothing is found that the person uses; --category or --mask says where to look")
        return lines + [f"warning: {text}" for text in self.report()["warnings"]]

    def report(self) -> dict[str, Any]:
        """What ``fit.json`` holds."""
        return {
            "format": FORMAT,
            "image": {"width": self.size[0], "height": self.size[1]},
            "camera": {"focal": self.camera.focal, "principal": self.camera.principal, "from": self.camera_from},
            "axes": "metres; x right, y down, z forward from the camera; scene.glb has y up and z backward",
            "people": [dict(each.report) for each in self.people],
            "objects": [
                {**each.report, "touches": [{"person": t.person, **t.report} for t in each.touches]}
                for each in self.objects
            ],
            "warnings": [
                *self.warnings,
                *_named("person", [each.report for each in self.people]),
                *_named("object", [each.report for each in self.objects]),
            ],
        }


@dataclass
class Known:
    """What was found in a clip until now: of each track the latest.

    Attributes:
        people: fitted bodies by the person's track.
        objects: by the object's track.
    """

    people: dict[int, FittedBody] = field(default_factory=dict)
    objects: dict[int, PlacedObject] = field(default_factory=dict)

    def learn(self, result: Reconstruction) -> None:
        """Take in a frame."""
        self.people |= {p.track: p.fitted for p in result.people if p.track >= 0 and p.fitted is not None}
        self.objects |= {each.track: each for each in result.objects if each.track >= 0}


def _named(name: str, reports: Sequence[Mapping[str, Any]]) -> list[str]:
    """Warnings of all, each with whose it is."""
    return [f"{numbered(name, k, len(reports))}: {text}" for k, each in enumerate(reports) for text in each["warnings"]]


def numbered(name: str, index: int, count: int) -> str:
    """``person``, or ``person 1`` for the second where there are several, as lists in ``fit.json`` count."""
    return name if count == 1 else f"{name} {index}"


def rounded(values: Any, digits: int = 1) -> Any:
    """Numbers for ``fit.json``."""
    return np.round(np.asarray(values, np.float64), digits).tolist()


def rounded_values(values: Mapping[str, float]) -> dict[str, float]:
    """Residuals for ``fit.json``."""
    return {name: round(float(value), 4) for name, value in values.items()}
