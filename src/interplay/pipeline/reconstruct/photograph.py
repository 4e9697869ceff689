"""One photograph: the order in which people and objects are found, fitted and placed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from interplay.errors import InputError
from interplay.models.contact import ContactPair
from interplay.reconstruct import Intrinsics
from interplay.reconstruct.inputs import camera_of_photograph, read_body_file, read_mask_file
from interplay.reconstruct.objects import Candidate
from interplay.reconstruct.person import FOCAL, assumed_camera

from .networks import Networks
from .options import ReconstructOptions
from .pairs import Pair, choose_pairs, described_pair, doubt, touch_scores
from .people import box_of_body, fit_people, given_person, people_of, track_of
from .place import given_meshes, place_object
from .result import Known, PlacedObject, Reconstruction
from .together import put_together

if TYPE_CHECKING:
    from interplay.interactions import Interactions

MOST_PEOPLE = 6
"""People of a photograph that are fitted."""


class Reconstructor:
    """Finds and fits people and objects; networks are loaded when they are first needed."""

    def __init__(self, options: ReconstructOptions | None = None) -> None:
        self.options = options or ReconstructOptions()
        self.networks = Networks(self.options)

    def __call__(self, image: NDArray[np.uint8], file: Path | None = None) -> Reconstruction:
        """People and objects of one photograph.

        Args:
            image: (H, W, 3) RGB.
            file: where it is from, for the focal length that the camera wrote into it.

        Raises:
            InputError: nobody is found, or no object, or something given does not fit.
            InterplayError: something is not installed, or not there.
        """
        options, size = self.options, (image.shape[1], image.shape[0])
        camera, source = self._camera(image, file, size)
        given = None if options.body is None else read_body_file(options.body, size)
        if given is not None and given.camera is not None:
            camera, source = given.camera, f"the body's file ({given.form})"
        result = Reconstruction(camera, source, size, warnings=list(self.mesh_warnings))
        mask = None if options.mask is None else read_mask_file(options.mask, size)
        if given is not None:
            result.people.append(given_person(given, options.body))
            if mask is not None and self._meshes[0]:  # nothing need be looked for in the photograph
                pair = ContactPair(options.category or "object")
                result.objects.append(self._place(result, image, [(0, pair)], mask))
                return result
        found = self.networks.interactions(image, file)
        people = people_of(found)
        if given is not None:
            people = [k for k in people if k == box_of_body(found, people, result)]
        self.fit(result, image, found, people, choose_pairs(found, people, mask, options), mask)
        put_together(result, bodies_stay=given is not None)
        return result

    def in_frame(
        self, image: NDArray[np.uint8], found: Interactions, pairs: Sequence[Pair], known: Known
    ) -> Reconstruction:
        """People and objects of a frame of a clip; what was in the frames before begins there, and keeps its mesh.

        Args:
            image: (H, W, 3) RGB.
            found: in the frame, with tracks.
            pairs: boxes of people and objects in it.
            known: of the frames before.

        Raises:
            InputError: nobody is found.
        """
        size = (image.shape[1], image.shape[0])
        result = Reconstruction(*self._camera(image, None, size), size)
        self.fit(result, image, found, people_of(found), pairs, None, known)
        put_together(result, bodies_stay=True)
        return result

    def fit(
        self,
        result: Reconstruction,
        image: NDArray[np.uint8],
        found: Interactions,
        people: Sequence[int],
        pairs: Sequence[Pair],
        mask: NDArray[np.bool_] | None,
        known: Known | None = None,
    ) -> None:
        """Add people, unless a body is given, and the objects of pairs to a reconstruction, each beside its people."""
        options = self.options
        if result.people:
            numbers = {human: 0 for human, _ in pairs}
        else:
            order = list(dict.fromkeys([*(human for human, _ in pairs), *people]))[:MOST_PEOPLE]
            fitted = fit_people(result, found, order, options, known)
            numbers = {human: number for number, human in enumerate(fitted)}
        if not result.people:
            raise InputError("nobody's pose is found in the photograph; give the body with --body")
        scores = touch_scores(found, people)
        sure = known is not None or mask is not None or options.category is not None  # of a clip, or said by the user
        for box in dict.fromkeys(box for _, box in pairs):
            touching = [
                (numbers[human], described_pair(found, human, box, options.category))
                for human, other in pairs
                if other == box and human in numbers  # otherwise no pose was found
            ]
            if touching:
                track = track_of(found, box)
                placed = self._place(result, image, touching, mask, None if known is None else known.objects.get(track))
                if not sure:
                    score = max(scores.get(pair, 0.0) for pair in pairs if pair[1] == box)
                    doubts = [] if (text := doubt(placed.report["category"], score)) is None else [text]
                    report = {**placed.report, "score": round(score, 3)}
                    placed = replace(placed, report={**report, "warnings": [*report["warnings"], *doubts]})
                result.objects.append(replace(placed, track=track))

    def _place(
        self,
        result: Reconstruction,
        image: NDArray[np.uint8],
        pairs: Sequence[tuple[int, ContactPair]],
        mask: NDArray[np.bool_] | None,
        before: PlacedObject | None = None,
    ) -> PlacedObject:
        return place_object(result, self.networks, image, pairs, mask, self._meshes[0], before)

    @property
    def mesh_warnings(self) -> list[str]:
        """About those of the user's meshes that cannot be read."""
        return self._meshes[1]

    @cached_property
    def _meshes(self) -> tuple[list[Candidate] | None, list[str]]:
        return given_meshes(self.options)

    def _camera(self, image: NDArray[np.uint8], file: Path | None, size: tuple[int, int]) -> tuple[Intrinsics, str]:
        """The camera, and in words where it is from."""
        middle = (size[0] / 2, size[1] / 2)
        if self.options.focal is not None:
            return Intrinsics((self.options.focal, self.options.focal), middle), "given"
        written = None if file is None else camera_of_photograph(file, size)
        if written is not None:
            return written, "the photograph's EXIF data"
        if self.networks.depth is not None:
            _, focal = self.networks.depth(image)
            if focal is not None:
                return Intrinsics((focal, focal), middle), "Depth Pro"
        return assumed_camera(*size), f"assumed: {FOCAL} times the longer side"
