"""What is found in a photograph: people, objects, the camera; as a scene, in words, and as ``fit.json``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from interplay.body.geometry import Array
from interplay.reconstruct import Fit, Intrinsics, Scene
from interplay.reconstruct.objects import Candidate
from interplay.reconstruct.person import FittedBody
from interplay.reconstruct.show import OBJECT

FORMAT = 1
"""Of ``fit.json``."""


@dataclass(frozen=True)
class Person:
    """A reconstructed person: vertices (V, 3) in the camera's frame, faces (F, 3), and what the report says."""

    vertices: Array
    faces: NDArray[np.int64]
    report: Mapping[str, Any]
    fitted: FittedBody | None = None


@dataclass(frozen=True)
class PlacedObject:
    """An object beside the person whose number `person` is."""

    person: int
    candidate: Candidate
    fit: Fit
    body_contact: Array
    object_contact: Array
    mask: NDArray[np.bool_]
    report: Mapping[str, Any]


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
            touched = [each.body_contact for each in self.objects if each.person == k]
            contact = np.max(touched, axis=0) if touched else None
            scene.add(numbered("person", k, len(self.people)), person.vertices, person.faces, contact)
        for k, each in enumerate(self.objects):
            placed = each.fit.place(each.candidate.vertices)
            name = numbered("object", k, len(self.objects))
            scene.add(name, placed, each.candidate.faces, each.object_contact, OBJECT)
        return scene

    def in_words(self) -> list[str]:
        """Lines for the console."""
        lines = [f"camera: focal length {self.camera.focal[0]:.0f} pixels, {self.camera_from}"]
        lines += [f"{numbered('person', k, len(self.people))}: {p.report['body']}" for k, p in enumerate(self.people)]
        for k, each in enumerate(self.objects):
            report = each.report
            lines.append(
                f"{numbered('object', k, len(self.objects))}: {report['category']}, mesh {report['mesh']}, mask "
                f"{report['mask']}; overlap with the mask {each.fit.iou:.2f}; contact "
                f"{report['contact']['body']}"
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
            "objects": [dict(each.report) for each in self.objects],
            "warnings": [
                *self.warnings,
                *(f"person {k}: {text}" for k, each in enumerate(self.people) for text in each.report["warnings"]),
                *(f"object {k}: {text}" for k, each in enumerate(self.objects) for text in each.report["warnings"]),
            ],
        }


def numbered(name: str, index: int, count: int) -> str:
    """``person``, or ``person 2`` where there are several."""
    return name if count == 1 else f"{name} {index + 1}"


def rounded(values: Any, digits: int = 1) -> Any:
    """Numbers for ``fit.json``."""
    return np.round(np.asarray(values, np.float64), digits).tolist()


def rounded_values(values: Mapping[str, float]) -> dict[str, float]:
    """Residuals for ``fit.json``."""
    return {name: round(float(value), 4) for name, value in values.items()}
