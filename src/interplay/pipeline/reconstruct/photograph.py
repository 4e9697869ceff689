"""One photograph: the order in which people and objects are found, fitted and placed."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

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
from .pairs import choose_pairs, described_pair
from .people import fit_people, given_person, people_of
from .place import given_meshes, place_object
from .result import Reconstruction
from .together import put_together

MOST_PEOPLE = 6
"""People of a photograph that are fitted."""


class Reconstructor:
    """Finds and fits people and objects; networks are loaded when they are first needed."""

    def __init__(self, options: ReconstructOptions | None = None) -> None:
        self.options = options or ReconstructOptions()
        self.networks = Networks(self.options)

    def __call__(
        self,
        image: NDArray[np.uint8],
        file: Path | None = None,
        before: Reconstruction | None = None,
        together: bool = True,
    ) -> Reconstruction:
        """People and objects of one photograph.

        Args:
            image: (H, W, 3) RGB.
            file: where it is from, for the focal length that the camera wrote into it.
            before: of the frame before: bodies begin there, and the object keeps its mesh.
            together: whether several people and objects are fitted to each other at the end.

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

        def place(number: int, pair: ContactPair) -> None:
            placed = place_object(result, self.networks, image, number, pair, mask, self._meshes, before)
            result.objects.append(placed)

        if given is not None and mask is not None and self._meshes:  # nothing need be looked for in the photograph
            result.people.append(given_person(given, options.body))
            place(0, ContactPair(options.category or "object"))
            return result
        found = self.networks.interactions(image, file)
        people = people_of(found)
        pairs = choose_pairs(found, people, mask, options)
        if given is not None:
            result.people.append(given_person(given, options.body))
            numbers = {human: 0 for human, _ in pairs[:1]}
        else:
            order = list(dict.fromkeys([human for human, _ in pairs] + people))[:MOST_PEOPLE]
            fitted = fit_people(result, found, order, options.pose, before)
            numbers = {human: number for number, human in enumerate(fitted)}
        for human, box in pairs:
            if human in numbers:  # otherwise no pose was found
                place(numbers[human], described_pair(found, human, box, options.category))
        if not result.people:
            raise InputError("nobody's pose is found in the photograph; give the body with --body")
        if together:
            put_together(result, given is not None)
        return result

    @cached_property
    def _meshes(self) -> list[Candidate] | None:
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
