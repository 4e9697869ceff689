"""Placing an object beside a person: its mask, its mesh, where they touch, and the fit."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from interplay.body.geometry import Array
from interplay.detectors.masks import Mask
from interplay.models.contact import ContactPair
from interplay.reconstruct import Fit, fit_object
from interplay.reconstruct.objects import (
    Candidate,
    best_candidate,
    candidate_of_file,
    candidates_of_category,
    candidates_of_folder,
    near_contact,
)

from .contact import body_contact, object_contact
from .masks import body_mask
from .networks import Networks
from .options import ReconstructOptions
from .result import Person, PlacedObject, Reconstruction, rounded, rounded_values


def given_meshes(options: ReconstructOptions) -> list[Candidate] | None:
    """The meshes that the user names, if any."""
    if options.object is not None:
        return [candidate_of_file(options.object, options.object_size)]
    if options.meshes is not None:
        return candidates_of_folder(options.meshes, options.object_size)
    return None


def place_object(
    result: Reconstruction,
    networks: Networks,
    image: NDArray[np.uint8],
    number: int,
    pair: ContactPair,
    mask: Mask | None,
    meshes: list[Candidate] | None,
    before: Reconstruction | None,
) -> PlacedObject:
    """Find an object's mask, mesh and contact, and put it beside a person.

    Args:
        result: what is reconstructed until now.
        networks: for the mask, contact and depth.
        image: (H, W, 3) RGB.
        number: of the person in `result`.
        pair: what is known of the person and the object.
        mask: the object's, if the user gives it; otherwise it is looked for in the object's box.
        meshes: that the object may have, if the user gives some.
        before: of the frame before; the object keeps its mesh.
    """
    options, person, camera = networks.options, result.people[number], result.camera
    shown = body_mask(person, camera, result.size)
    if mask is not None:
        mask_from = f"given: {options.mask}"
    else:
        assert pair.object_box is not None
        mask, mask_from = networks.segmenter(image, pair.object_box, shown), networks.segmenter.name
    index = len(result.objects)
    kept = None if before is None or index >= len(before.objects) else before.objects[index].candidate
    candidate = kept or best_candidate(meshes or candidates_of_category(pair.object), mask, shown & ~mask)
    human, human_from = body_contact(networks, image, person, pair, mask, camera, candidate)
    own, own_from = object_contact(candidate, options.object_contact)

    def fitted(contact: Array) -> Fit:
        return fit_object(
            person.vertices,
            person.faces,
            human,
            candidate.vertices,
            candidate.faces,
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
    warnings = list(fit.warnings)
    if own_from.startswith("guessed") or human_from.startswith("guessed"):
        warnings.append("where they touch is guessed; give it with --contact FILE and --object-contact FILE")
    if networks.depth is not None:
        depth, _ = networks.depth(image)
        warnings += _order_warnings(depth, mask, shown & ~mask, person, fit.place(candidate.vertices))
    report = {
        "category": pair.object,
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
        **placement(fit),
        "warnings": warnings,
    }
    return PlacedObject(number, candidate, fit, human, own, mask, report)


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
