"""From a photograph to people and objects in 3D: who finds, fits, and writes it down."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from interplay.body.geometry import Array
from interplay.defaults import DEFAULT_CONTACT_MODEL, DEFAULT_MODEL, DEFAULT_POSE_ESTIMATOR
from interplay.detectors.masks import GrabCut, SegmentAnything, Segmenter
from interplay.errors import InputError
from interplay.files import atomic_path
from interplay.models.contact import ContactPair
from interplay.ops.boxes import box_iou
from interplay.ops.object_names import COCO_OBJECTS
from interplay.reconstruct import Fit, Intrinsics, Scene, fit_object
from interplay.reconstruct.inputs import (
    camera_of_photograph,
    is_built_in,
    read_body_file,
    read_contact_file,
    read_mask_file,
)
from interplay.reconstruct.objects import (
    Candidate,
    best_candidate,
    candidate_of_file,
    candidates_of_category,
    candidates_of_folder,
    guessed_body_contact,
    guessed_object_contact,
    near_contact,
)
from interplay.reconstruct.person import FOCAL, FittedBody, assumed_camera, fit_body
from interplay.reconstruct.show import OBJECT, save_gif
from interplay.reconstruct.silhouette import depth_buffer

if TYPE_CHECKING:
    from interplay.interactions import Interactions
    from interplay.models.contact import ContactFinder

MOST_PEOPLE = 6
"""People of a photograph that are fitted."""
_LEAST_PERSON = 0.3  # score of a box
_LEAST_OBJECT = 0.15

FORMAT = 1
"""Of ``fit.json``."""


@dataclass(frozen=True)
class ReconstructOptions:
    """What to reconstruct, and from what; everything else is found in the photograph.

    Attributes:
        body: a file of one person's body, see `read_body_file`.
        object, meshes: the object's mesh, or a folder to choose it from.
        object_size: metres of the longest side of these meshes; as the files say by default.
        category: COCO's name of the object; by default of what the person most probably does something with.
        mask: a picture of the object's mask.
        contact: scores of the body's vertices, or what finds contact (`interplay contact --model`).
        object_contact: scores of the object's vertices.
        model, detector, pose: names, as of `interplay detect`.
        grounding: Grounding DINO's weights, which find people and the `category` instead of `detector`.
        sam: Segment Anything's weights for masks.
        depth: Depth Pro's weights, for the focal length and for whether the person or the object is nearer.
        focal: length in pixels.
        pairs: people with an object that are fitted at most.
        device: where networks run.
    """

    body: Path | None = None
    object: Path | None = None
    meshes: Path | None = None
    object_size: float | None = None
    category: str | None = None
    mask: Path | None = None
    contact: str | None = None
    object_contact: Path | None = None
    model: str = DEFAULT_MODEL
    detector: str | None = None
    pose: str = DEFAULT_POSE_ESTIMATOR
    grounding: str | None = None
    sam: str | None = None
    depth: str | None = None
    focal: float | None = None
    pairs: int = 1
    device: str | None = None

    def __post_init__(self) -> None:
        if self.object is not None and self.meshes is not None:
            raise InputError("--object names the mesh, and --meshes a folder to choose from: give one of them")
        if self.grounding is not None and self.detector is not None:
            raise InputError("--grounding-dino finds people and objects instead of --detector: give one of them")
        if self.focal is not None and not self.focal > 0:
            raise InputError(f"--focal: expected a positive number of pixels, got {self.focal}")
        if self.pairs != 1 and any((self.body, self.mask, self.object_contact)):
            raise InputError("--body, --mask and --object-contact are of one person and one object: leave --pairs at 1")


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
            scene.add(_numbered("person", k, len(self.people)), person.vertices, person.faces, contact)
        for k, each in enumerate(self.objects):
            placed = each.fit.place(each.candidate.vertices)
            name = _numbered("object", k, len(self.objects))
            scene.add(name, placed, each.candidate.faces, each.object_contact, OBJECT)
        return scene

    def in_words(self) -> list[str]:
        """Lines for the console."""
        lines = [f"camera: focal length {self.camera.focal[0]:.0f} pixels, {self.camera_from}"]
        lines += [f"{_numbered('person', k, len(self.people))}: {p.report['body']}" for k, p in enumerate(self.people)]
        for k, each in enumerate(self.objects):
            report = each.report
            lines.append(
                f"{_numbered('object', k, len(self.objects))}: {report['category']}, mesh {report['mesh']}, mask "
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


class Reconstructor:
    """Finds and fits people and objects; networks are loaded when they are first needed."""

    def __init__(self, options: ReconstructOptions | None = None) -> None:
        self.options = options or ReconstructOptions()

    def __call__(
        self,
        image: NDArray[np.uint8],
        file: Path | None = None,
        before: Reconstruction | None = None,
    ) -> Reconstruction:
        """People and objects of one photograph.

        Args:
            image: (H, W, 3) RGB.
            file: where it is from, for the focal length that the camera wrote into it.
            before: of the frame before: bodies begin there, and the object keeps its mesh.

        Raises:
            InputError: nobody is found, or no object, or something given does not fit.
            InterplayError: something is not installed, or not there.
        """
        options, size = self.options, (image.shape[1], image.shape[0])
        camera, source = self._camera(image, file, size)
        given = None if options.body is None else read_body_file(options.body, size)
        if given is not None and given.camera is not None:
            camera, source = given.camera, f"the body's file ({given.form})"
        result = Reconstruction(camera, source, size)
        mask = None if options.mask is None else read_mask_file(options.mask, size)
        if given is not None and mask is not None and (options.object or options.meshes):
            found = None  # nothing need be looked for in the photograph
            result.people.append(_given_person(given, options.body))
            self._place(result, image, 0, None, options.category or "object", mask, before, None)
            return result
        found = self._interactions(image, file)
        people = _people_of(found)
        if given is not None:
            result.people.append(_given_person(given, options.body))
            people = people[:1]
        pairs = self._pairs(found, people, mask)
        if given is None:
            order = list(dict.fromkeys([person for person, _ in pairs] + people))[:MOST_PEOPLE]
            people = self._fit_people(result, image, found, order, before)
        for person, box in pairs:
            if person not in people:
                continue  # no pose was found
            name = options.category or (found.vocabulary.objects[found.labels[box]] if box >= 0 else "object")
            verbs = _verbs(found, person, box)
            bounds = None if box < 0 else found.boxes[box].astype(np.float64)
            keypoints = (bounds, found.boxes[person], None if found.keypoints is None else found.keypoints[person])
            self._place(result, image, people.index(person), bounds, name, mask, before, (keypoints, verbs))
        if not result.people:
            raise InputError("nobody's pose is found in the photograph; give the body with --body")
        return result

    @cached_property
    def _predictor(self) -> Any:
        from interplay.pipeline.predictor import load_predictor

        options = self.options
        if options.grounding is not None:
            from interplay.detectors.grounding import GroundingDino
            from interplay.zoo import load_model

            names = ("person", options.category) if options.category else COCO_OBJECTS
            detector = GroundingDino(options.grounding, names, options.device or "cpu")
            network = load_model(options.model, device=options.device)
            return network.inference(detector=detector, pose=options.pose, device=options.device).prepare()
        return load_predictor(options.model, detector=options.detector, pose=options.pose, device=options.device)

    @cached_property
    def _segmenter(self) -> Segmenter:
        return (
            GrabCut() if self.options.sam is None else SegmentAnything(self.options.sam, self.options.device or "cpu")
        )

    @cached_property
    def _depth(self) -> Any:
        from interplay.detectors.depth import DepthPro

        return None if self.options.depth is None else DepthPro(self.options.depth, self.options.device or "cpu")

    @cached_property
    def _finder(self) -> ContactFinder:
        from interplay.pipeline.contact import load_contact

        return load_contact(self.options.contact or DEFAULT_CONTACT_MODEL, device=self.options.device).finder

    @cached_property
    def _given_candidates(self) -> list[Candidate] | None:
        options = self.options
        if options.object is not None:
            return [candidate_of_file(options.object, options.object_size)]
        if options.meshes is not None:
            return candidates_of_folder(options.meshes, options.object_size)
        return None

    def _camera(self, image: NDArray[np.uint8], file: Path | None, size: tuple[int, int]) -> tuple[Intrinsics, str]:
        if self.options.focal is not None:
            return Intrinsics((self.options.focal,) * 2, (size[0] / 2, size[1] / 2)), "given"
        written = None if file is None else camera_of_photograph(file, size)
        if written is not None:
            return written, "the photograph's EXIF data"
        if self._depth is not None:
            _, focal = self._depth(image)
            if focal is not None:
                return Intrinsics((focal, focal), (size[0] / 2, size[1] / 2)), "Depth Pro"
        return assumed_camera(*size), f"assumed: {FOCAL} times the longer side"

    def _interactions(self, image: NDArray[np.uint8], file: Path | None) -> Interactions:
        [found] = self._predictor([image], [None if file is None else file.name])
        return found

    def _pairs(self, found: Interactions, people: list[int], mask: NDArray[np.bool_] | None) -> list[tuple[int, int]]:
        """People and boxes of their objects, the surest first; -1 for an object of which only the mask is given."""
        options = self.options
        if not people:
            if options.body is None:
                raise InputError("no person is found in the photograph; give the body with --body")
            people = [-1]
        names = [found.vocabulary.objects[label] for label in found.labels]
        if options.category is not None and options.category not in found.vocabulary.objects and mask is None:
            raise InputError(f"--category {options.category}: the detector knows no such object; give its --mask")
        if mask is not None:
            rows, columns = np.nonzero(mask)
            around = np.array([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1], np.float32)
            best = max(people, key=lambda k: -1.0 if k < 0 else _nearness(found.boxes[k], around))
            overlap = box_iou(around[None], found.boxes)[0] if len(found.boxes) else np.zeros(0)
            same = [k for k in np.argsort(-overlap) if names[k] != "person" and overlap[k] >= 0.5]
            return [(best, int(same[0]) if same else -1)]
        person = found.vocabulary.person
        objects = [
            k
            for k, label in enumerate(found.labels)
            if label != person and (options.category is None or names[k] == options.category)
        ]
        scores: dict[tuple[int, int], float] = {}
        for human, box, score in zip(found.human.tolist(), found.object.tolist(), found.score.tolist(), strict=True):
            if human in people and box in objects:
                scores[human, box] = max(scores.get((human, box), 0.0), float(score))
        for box in objects:  # what no model relates may still be held: the nearest person's, after all others
            nearest = max(people, key=lambda k: 0.0 if k < 0 else _nearness(found.boxes[k], found.boxes[box]))
            confident = float(found.box_scores[box])
            near = 1.0 if nearest < 0 else _nearness(found.boxes[nearest], found.boxes[box])
            if confident >= _LEAST_OBJECT and near > 0:
                scores.setdefault((nearest, box), 0.01 * confident * near)
        chosen: list[tuple[int, int]] = []
        for human, box in sorted(scores, key=lambda pair: -scores[pair]):
            if box not in [other for _, other in chosen] and human not in [each for each, _ in chosen]:
                chosen.append((human, box))
        if not chosen and (options.object or options.meshes or options.category):
            what = options.category or "object beside a person"
            raise InputError(f"no {what} is found in the photograph; give its mask with --mask FILE")
        return chosen[: options.pairs]

    def _fit_people(
        self,
        result: Reconstruction,
        image: NDArray[np.uint8],
        found: Interactions,
        order: Sequence[int],
        before: Reconstruction | None,
    ) -> list[int]:
        """Fit those with a pose, and say which these are."""
        fitted: list[int] = []
        for k in order:
            keypoints = None if found.keypoints is None else found.keypoints[k]
            if keypoints is None or not np.isfinite(keypoints).any():
                result.warnings.append(f"a person at {_in_words(found.boxes[k])} has no pose and is left out")
                continue
            start = (
                before.people[len(fitted)].fitted if before is not None and len(fitted) < len(before.people) else None
            )
            try:
                body = fit_body(keypoints, result.camera, box=found.boxes[k], size=result.size, start=start)
            except InputError as error:
                result.warnings.append(f"a person at {_in_words(found.boxes[k])} is left out: {error}")
                continue
            report = {
                "box": _rounded(found.boxes[k]),
                "body": "Anny, an average adult, fitted to keypoints",
                "pose": self.options.pose,
                "residuals": _rounded_values(body.residuals),
                "up": _rounded(body.up, 4),
                "pelvis": _rounded(body.keypoints[[11, 12]].mean(0), 4),
                "pose_vector": _rounded(body.pose, 4),
                "warnings": list(body.warnings),
            }
            result.people.append(Person(body.vertices, body.faces, report, body))
            fitted.append(k)
        return fitted

    def _place(
        self,
        result: Reconstruction,
        image: NDArray[np.uint8],
        number: int,
        box: Array | None,
        name: str,
        given_mask: NDArray[np.bool_] | None,
        before: Reconstruction | None,
        asked: tuple[Any, tuple[str, ...]] | None,
    ) -> None:
        """Find an object's mask, mesh and contact, and put it beside a person."""
        options, person, camera = self.options, result.people[number], result.camera
        warnings: list[str] = []
        body = torch.from_numpy(person.vertices)
        depth = depth_buffer(camera.project(body), body[:, 2], torch.from_numpy(person.faces), result.size[::-1])
        shown = torch.isfinite(depth).numpy()
        if given_mask is not None:
            mask, mask_from = given_mask, f"given: {options.mask}"
        else:
            assert box is not None
            mask, mask_from = self._segmenter(image, box, shown), self._segmenter.name
        index = len(result.objects)
        kept = None if before is None or index >= len(before.objects) else before.objects[index].candidate
        if kept is not None:
            candidate = kept
        else:
            candidates = self._given_candidates or candidates_of_category(name)
            candidate = best_candidate(candidates, mask, shown & ~mask)
        human, human_from = self._body_contact(image, person, mask, camera, candidate, name, asked)
        if options.object_contact is not None:
            own = read_contact_file(options.object_contact, len(candidate.vertices), "object")
            own_from = f"given: {options.object_contact}"
        else:
            own, own_from = guessed_object_contact(candidate)
        arguments = (candidate.vertices, candidate.faces)

        def fitted(contact: Array) -> Fit:
            return fit_object(
                person.vertices,
                person.faces,
                human,
                *arguments,
                contact,
                mask,
                camera,
                scale_spread=candidate.scale_spread,
                starts=512 if kept is None else 128,
            )

        fit = fitted(own)
        if own_from == "guessed: anywhere":  # where it came nearest, now alone
            own = near_contact(fit.place(candidate.vertices), person.vertices, human)
            own_from = "guessed: where it came nearest to the body's contact when all of it might touch"
            fit = fitted(own)
        if own_from.startswith("guessed") or human_from.startswith("guessed"):
            warnings.append("where they touch is guessed; give it with --contact FILE and --object-contact FILE")
        if self._depth is not None:
            warnings += self._order_warnings(image, mask, shown & ~mask, person, fit.place(candidate.vertices))
        report = {
            "category": name,
            "person": number,
            "mesh": candidate.name,
            "outline_match": None if candidate.match is None else round(candidate.match, 3),
            "other_meshes": dict(candidate.others),
            "mask": mask_from,
            "mask_pixels": int(mask.sum()),
            "contact": {
                "body": human_from,
                "body_vertices": int((human >= 0.5).sum()),
                "object": own_from,
                "object_vertices": int((own >= 0.3).sum()),
            },
            "rotation": _rounded(fit.rotation, 6),
            "translation": _rounded(fit.translation, 5),
            "scale": round(fit.scale, 5),
            "iou": round(fit.iou, 3),
            "residuals": _rounded_values(fit.residuals),
            "warnings": [*fit.warnings, *warnings],
        }
        result.objects.append(PlacedObject(number, candidate, fit, human, own, mask, report))

    def _body_contact(
        self,
        image: NDArray[np.uint8],
        person: Person,
        mask: NDArray[np.bool_],
        camera: Intrinsics,
        candidate: Candidate,
        name: str,
        asked: tuple[Any, tuple[str, ...]] | None,
    ) -> tuple[Array, str]:
        """Scores of the person's vertices, and in words where they come from."""
        wanted = self.options.contact
        if wanted is not None and Path(wanted).suffix in (".npz", ".npy"):
            return read_contact_file(wanted, len(person.vertices), "body"), f"given: {wanted}"
        name_of_model = wanted or DEFAULT_CONTACT_MODEL
        guessed, words = guessed_body_contact(person.vertices, mask, camera, candidate.model)
        if not is_built_in(person.vertices):
            if wanted is not None:
                raise InputError(
                    f"--contact {wanted} answers on the built-in body; for another one give a score for each of its "
                    f"{len(person.vertices):,} vertices as .npz or .npy"
                )
            return guessed, f"{words}; models answer on the built-in body only"
        (bounds, human_box, keypoints), verbs = asked or ((None, None, None), ())
        if bounds is None:
            rows, columns = np.nonzero(mask)
            bounds = np.array([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1], np.float32)
        pair = ContactPair(name, human_box, bounds, keypoints, verbs)
        try:
            [answer] = self._finder.predict_pairs(image, [pair])
        except InputError as error:
            if wanted is not None:
                raise
            return guessed, f"{words}; {name_of_model}: {error}"
        scores = answer.scores.astype(np.float64)
        if answer.found and (scores >= 0.5).any():
            return scores, f"the model {name_of_model}"
        return guessed, f"{words}; the model {name_of_model} finds no contact"

    def _order_warnings(
        self,
        image: NDArray[np.uint8],
        mask: NDArray[np.bool_],
        shown: NDArray[np.bool_],
        person: Person,
        placed: Array,
    ) -> list[str]:
        """Whether the depth that a network sees has the person and the object in another order."""
        depth, _ = self._depth(image)
        if not mask.any() or not shown.any():
            return []
        seen = float(np.median(depth[mask])) / float(np.median(depth[shown])) - 1
        fitted = float(np.median(placed[:, 2])) / float(np.median(person.vertices[:, 2])) - 1
        if seen * fitted < 0 and abs(seen) > 0.05 and abs(fitted) > 0.02:
            nearer, farther = ("object", "person") if seen < 0 else ("person", "object")
            return [f"Depth Pro sees the {nearer} before the {farther}, the fit has them the other way round"]
        return []


def write_reconstruction(
    folder: Path, result: Reconstruction, image: NDArray[np.uint8], turntable: bool = True
) -> list[Path]:
    """Write ``scene.glb``, ``picture.jpg``, ``fit.json`` and ``turntable.gif``; returns the files.

    Raises:
        MissingExtraError: trimesh is not installed.
    """
    from PIL import Image

    folder.mkdir(parents=True, exist_ok=True)
    scene = result.scene()
    files = [folder / "scene.glb", folder / "picture.jpg", folder / "fit.json"]
    scene.save_glb(files[0], result.size)
    with atomic_path(files[1]) as target:
        Image.fromarray(scene.picture(image, 480)).save(target, format="JPEG", quality=90)
    if turntable:
        files.append(folder / "turntable.gif")
        save_gif(files[-1], scene.turntable())
    with atomic_path(files[2]) as target:
        target.write_text(json.dumps(result.report(), indent=1), encoding="utf-8")
    return files


def _given_person(given: Any, path: Path | None) -> Person:
    report = {"body": f"given: {path} ({given.form})", "warnings": []}
    return Person(given.vertices, given.faces, report)


def _people_of(found: Interactions) -> list[int]:
    """Boxes of people, the largest first."""
    boxes, person = found.boxes, found.vocabulary.person
    area = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    people = [k for k in range(len(boxes)) if found.labels[k] == person and found.box_scores[k] >= _LEAST_PERSON]
    return sorted(people, key=lambda k: -float(area[k]))


def _nearness(human: NDArray[np.floating], box: NDArray[np.floating]) -> float:
    """1 where an object's box is in the person's, 0 where it is half the person's height away."""
    gap = np.maximum(np.maximum(human[:2] - box[2:], box[:2] - human[2:]), 0)
    inside = np.minimum(human[2:], box[2:]) - np.maximum(human[:2], box[:2])
    share = float(np.prod(np.maximum(inside, 0)) / max(float(np.prod(box[2:] - box[:2])), 1e-9))
    away = float(np.linalg.norm(gap)) / max(float(human[3] - human[1]), 1e-9)
    return max(0.5 + 0.5 * share - away, 0.0)


def _verbs(found: Interactions, human: int, box: int) -> tuple[str, ...]:
    chosen = (found.human == human) & (found.object == box)
    return tuple(dict.fromkeys(found.vocabulary.verbs[v] for v in found.verb[chosen]))


def _numbered(name: str, index: int, count: int) -> str:
    return name if count == 1 else f"{name} {index + 1}"


def _in_words(box: NDArray[np.floating]) -> str:
    return f"({', '.join(f'{v:.0f}' for v in box)})"


def _rounded(values: Any, digits: int = 1) -> Any:
    return np.round(np.asarray(values, np.float64), digits).tolist()


def _rounded_values(values: Mapping[str, float]) -> dict[str, float]:
    return {name: round(float(value), 4) for name, value in values.items()}
