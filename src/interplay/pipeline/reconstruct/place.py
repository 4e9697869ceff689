"""Placing an object beside a person: its mask, its mesh, where they touch, and the fit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from interplay.body.geometry import Array
from interplay.detectors.masks import Mask
from interplay.models.contact import ContactPair
from interplay.reconstruct import Fit, Upright, fit_object
from interplay.reconstruct.fit import usual_scale
from interplay.reconstruct.objects import (
    PLAUSIBLE,
    Candidate,
    best_candidate,
    candidate_of_file,
    candidates_of_category,
    candidates_of_folder,
    in_usual_size,
    named_after,
    near_contact,
)
from interplay.reconstruct.scene import HUMAN_CONTACT, OBJECT_CONTACT
from interplay.reconstruct.tilts import usual_tilt

from .contact import body_contact, object_contact
from .masks import body_mask
from .networks import Networks
from .options import ReconstructOptions
from .result import Evidence, Person, PlacedObject, Reconstruction, Touch, rounded, rounded_values

_STARTS = 512  # rotations that are looked at, a quarter of them where a place is known that may be right
_GOOD_IOU, _WORSE_IOU = 0.7, 0.05  # from which on an object is kept near where it was, and how much it may lose
_ROUNDING = 1e-3
_GOOD_CONTACT, _WORSE_CONTACT = 0.05, 0.03  # metres, the same


def given_meshes(options: ReconstructOptions) -> tuple[list[Candidate] | None, list[str]]:
    """The meshes that the user names, if any, and warnings about those that cannot be read."""
    if options.object is not None:
        return [candidate_of_file(options.object, options.object_size)], []
    if options.meshes is not None:
        return candidates_of_folder(options.meshes, options.object_size)
    return None, []


def place_object(
    result: Reconstruction,
    networks: Networks,
    image: NDArray[np.uint8],
    pairs: Sequence[tuple[int, ContactPair]],
    mask: Mask | None,
    meshes: list[Candidate] | None,
    before: PlacedObject | None,
) -> PlacedObject:
    """Find an object's mask, mesh and contacts, and put it beside those who touch it.

    Args:
        result: what is reconstructed until now.
        networks: for the mask, contact and depth.
        image: (H, W, 3) RGB.
        pairs: numbers of people in `result`, the surest first, and what is known of each and the object.
        mask: the object's, if the user gives it; otherwise it is looked for in the object's box.
        meshes: that the object may have, if the user gives some.
        before: the object in the frame before; it keeps its mesh.
    """
    options, camera = networks.options, result.camera
    people = [result.people[number] for number, _ in pairs]
    shown = np.any([body_mask(person, camera, result.size) for person in people], axis=0)
    about = pairs[0][1]
    if mask is not None:
        mask_from, outline = f"given: {options.mask}", True
    else:
        assert about.object_box is not None
        mask_from = networks.segmenter.name
        mask, outline = networks.segmenter(image, about.object_box, shown)
    if before is not None:
        candidate = before.candidate
    else:
        if meshes is not None and options.meshes is not None:
            meshes = list(named_after(meshes, options.meshes, about.object))
        found = [in_usual_size(each, about.object) for each in meshes or candidates_of_category(about.object)]
        depth = float(np.median(people[0].vertices[:, 2]))
        candidate = best_candidate(found, mask, shown & ~mask, depth / float(np.mean(camera.focal)), outline)
    touches: list[Touch] = []
    for number, pair in pairs:
        start = touches[0].fit if touches else None if before is None else before.fit
        known = Evidence(outline, _upright(candidate, result.people[number]))
        near = before is not None
        touches.append(_touch(networks, image, result, number, pair, mask, known, candidate, start, near))
    fit = max((touch.fit for touch in touches), key=lambda each: each.iou)
    warnings = list(fit.warnings)
    warnings += _size_warnings(candidate, fit)
    if candidate.size is not None and candidate.size.longest != options.object_size:
        warnings.append(f"its size is {candidate.size_from}")
    if any(touch.report[whose].startswith("guessed") for touch in touches for whose in ("body", "object")):
        warnings.append("where they touch is guessed; give it with --contact FILE and --object-contact FILE")
    if not outline:
        warnings.append(
            "no outline is found in the object's box, so only its box is fitted: do not rely on its size and turn; "
            "give its mask with --mask FILE or --sam FOLDER"
        )
    if networks.depth is not None:
        seen, _ = networks.depth(image)
        warnings += _order_warnings(seen, mask, shown & ~mask, people[0], fit.place(candidate.vertices))
    report = {
        "category": about.object,
        "box": None if about.object_box is None else rounded(about.object_box),
        "mesh": candidate.name,
        "size": candidate.size_from,
        "outline_match": None if candidate.match is None else round(candidate.match, 3),
        "other_meshes": dict(candidate.others),
        "mask": mask_from if outline else f"none: {mask_from} finds no outline, only the box counts",
        "mask_pixels": int(mask.sum()),
        **placement(fit),
        "warnings": warnings,
    }
    evidence = Evidence(outline, _upright(candidate, people[0]))
    return PlacedObject(candidate, fit, tuple(touches), mask, report, evidence=evidence)


def _upright(candidate: Candidate, person: Person) -> Upright | None:
    """How an object of the generated world stands, beside a person of whom it is known what is up."""
    tilt = None if candidate.model is None else usual_tilt(candidate.model.category)
    if tilt is None or person.fitted is None:
        return None
    return Upright((0.0, 0.0, 1.0), person.fitted.up, tilt)


def _scale_spread(candidate: Candidate) -> float:
    """How uncertain the mesh's size is where its category's size is not used; as of `fit_object`."""
    return 0.0 if candidate.size is not None else candidate.scale_spread


def _size_warnings(candidate: Candidate, fit: Fit) -> list[str]:
    """Whether the object became larger or smaller than what is known of its size allows."""
    usual, spread = usual_scale(candidate.vertices, _scale_spread(candidate), candidate.size)
    times = fit.scale / usual
    if abs(np.log(times)) <= PLAUSIBLE * spread + _ROUNDING:
        return []
    return [
        f"the object covers its mask only {times:.2f} times as large as expected: it is of another kind, or the "
        "person nearer or farther away than fitted"
    ]


def _touch(
    networks: Networks,
    image: NDArray[np.uint8],
    result: Reconstruction,
    number: int,
    pair: ContactPair,
    mask: Mask,
    known: Evidence,
    candidate: Candidate,
    start: Fit | None,
    near: bool,
) -> Touch:
    """Where a person and an object touch, and the object beside this person alone.

    Args:
        known: of the object, beside the mask.
        start: where it may be.
        near: that is where it was in the frame before; if it is still good there, it is not looked for elsewhere.
    """
    person, camera = result.people[number], result.camera
    human, human_from = body_contact(networks, image, person, pair, mask, camera, candidate)
    own, own_from = object_contact(candidate, networks.options.object_contact)

    def fitted(contact: Array, start: Fit | None, search: bool = True) -> Fit:
        return fit_object(
            person.vertices,
            person.faces,
            human,
            candidate.vertices,
            candidate.faces,
            contact,
            mask,
            camera,
            start=start,
            scale_spread=_scale_spread(candidate),
            size=candidate.size,
            outline=known.outline,
            upright=known.upright,
            starts=_STARTS if start is None else _STARTS // 4,
            search=search,
        )

    def found(contact: Array, start: Fit | None) -> Fit:
        if near and start is not None:
            still = fitted(contact, start, search=False)
            if _as_good(still, start):
                return still
        return fitted(contact, start)

    fit = found(own, start)
    if own_from == "guessed: anywhere":  # where it came nearest, now alone
        own = near_contact(fit.place(candidate.vertices), person.vertices, human)
        own_from = "guessed: where it came nearest to the body's contact when all of it might touch"
        fit = found(own, fit)
    report = {
        "verbs": list(pair.verbs),
        "body": human_from,
        "body_vertices": int((human >= HUMAN_CONTACT).sum()),
        "object": own_from,
        "object_vertices": int((own >= OBJECT_CONTACT).sum()),
        "distance": round(fit.residuals["contact"], 4),
    }
    return Touch(number, human, own, fit, report)


def _as_good(fit: Fit, before: Fit) -> bool:
    """Whether an object may stay near where it was in the frame before."""
    apart, was = (each.residuals["contact"] for each in (fit, before))
    near = apart <= max(_GOOD_CONTACT, was + _WORSE_CONTACT)
    return near and fit.iou >= min(_GOOD_IOU, before.iou - _WORSE_IOU)


def placement(fit: Fit) -> dict[str, Any]:
    """What ``fit.json`` says of where an object is."""
    return {
        "rotation": rounded(fit.rotation, 6),
        "translation": rounded(fit.translation, 5),
        "scale": round(fit.scale, 5),
        "iou": round(fit.iou, 3),
        "residuals": rounded_values(fit.residuals),
    }


def _order_warnings(depth: NDArray[np.float32], mask: Mask, shown: Mask, person: Person, placed: Array) -> list[str]:
    """Whether the depth that a network sees has the person and the object in another order."""
    if not mask.any() or not shown.any():
        return []
    seen = float(np.median(depth[mask])) / float(np.median(depth[shown])) - 1
    fitted = float(np.median(placed[:, 2])) / float(np.median(person.vertices[:, 2])) - 1
    if seen * fitted < 0 and abs(seen) > 0.05 and abs(fitted) > 0.02:
        nearer, farther = ("object", "person") if seen < 0 else ("person", "object")
        return [f"Depth Pro sees the {nearer} before the {farther}, the fit has them the other way round"]
    return []
