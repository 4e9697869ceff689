"""Where a person and an object touch: from files, from a model of contact, or guessed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from interplay.body.geometry import Array
from interplay.defaults import DEFAULT_CONTACT_MODEL
from interplay.detectors.masks import Mask
from interplay.errors import InputError
from interplay.models.contact import ContactPair
from interplay.reconstruct import Intrinsics
from interplay.reconstruct.inputs import is_built_in, read_contact_file
from interplay.reconstruct.objects import Candidate, guessed_body_contact, guessed_object_contact

from .masks import box_of
from .networks import Networks
from .options import CONTACT_FILES
from .result import Person


def body_contact(
    networks: Networks,
    image: NDArray[np.uint8],
    person: Person,
    pair: ContactPair,
    mask: Mask,
    camera: Intrinsics,
    candidate: Candidate,
) -> tuple[Array, str]:
    """Scores (V,) of the person's vertices, and in words where they come from."""
    wanted = networks.options.contact
    if wanted is not None and Path(wanted).suffix in CONTACT_FILES:
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
    if pair.object_box is None:
        pair = replace(pair, object_box=box_of(mask))
    try:
        [answer] = networks.finder.predict_pairs(image, [pair])
    except InputError as error:
        if wanted is not None:
            raise
        return guessed, f"{words}; {name_of_model}: {error}"
    scores = answer.scores.astype(np.float64)
    if answer.found and (scores >= 0.5).any():
        return scores, f"the model {name_of_model}"
    return guessed, f"{words}; the model {name_of_model} finds no contact"


def object_contact(candidate: Candidate, given: Path | None) -> tuple[Array, str]:
    """Scores (W,) of the object's vertices, and in words where they come from."""
    if given is not None:
        return read_contact_file(given, len(candidate.vertices), "object"), f"given: {given}"
    return guessed_object_contact(candidate)
