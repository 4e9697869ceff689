"""Reading a generated data set with all its labels."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from interplay.body.cameras import Camera
from interplay.body.contact import Contact
from interplay.datasets.images import InteractionDataset
from interplay.errors import InputError, MissingFileError
from interplay.formats import read
from interplay.interactions import Interactions
from interplay.vocabulary import Vocabulary

from .files import (
    ANNOTATIONS,
    BODY,
    CONTACT,
    DEPTH,
    MASKS,
    BodyNumbering,
    camera_of,
    read_body,
    read_records,
    scene_name,
    unpack_contacts,
)


@dataclass(frozen=True)
class GeneratedSample:
    """A generated picture and what is known of it; arrays over boxes have the order of ``interactions.boxes``.

    Attributes:
        image: (H, W, 3) uint8 RGB.
        interactions: boxes around what can be seen, and who does what; keypoints' scores are visibilities 0, 1, 2.
        amodal: (N, 4) boxes of the whole instances in pixels; may reach out of the picture.
        visible: (N,) share of each instance that can be seen, 0..1.
        affordances: the part of the object that each interaction uses, or None.
        sentences: each interaction in words.
        mask: (H, W) uint8 number of the box that a pixel shows, counted from 1.
        depth: (H, W) float32 metres; infinite for the sky and beyond 65.5 m.
        contacts: which vertices touch; `human` and `object` are box numbers.
        camera: the camera.
        place: its kind, such as ``"park"``.
        index: of the scene, for `sample_scene` with the data set's seed.
    """

    image: NDArray[np.uint8]
    interactions: Interactions
    amodal: NDArray[np.float64]
    visible: NDArray[np.float64]
    affordances: tuple[str | None, ...]
    sentences: tuple[str, ...]
    mask: NDArray[np.uint8]
    depth: NDArray[np.float32]
    contacts: tuple[Contact, ...]
    camera: Camera
    place: str
    index: int


class GeneratedDataset:
    """A folder that `synthesize` wrote.

    For pictures and interactions alone, as of any other data set, ``InteractionDataset`` and ``load_annotations``
    read it too.

    Args:
        folder: the folder.

    Raises:
        MissingFileError: no annotations there (a run that was not finished has none yet).

    Example:
        >>> from interplay.datasets.generated import GeneratedDataset
        >>> sample = GeneratedDataset("scenes")[0]  # doctest: +SKIP
        >>> sample.sentences  # doctest: +SKIP
        ('a person riding a bicycle',)
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.folder = Path(folder)
        annotations = self.folder / ANNOTATIONS
        if not annotations.is_file():
            raise MissingFileError(
                f"no {ANNOTATIONS} in {folder}; 'interplay synthesize {folder}' writes it once all scenes are made"
            )
        self.table = read(annotations, Vocabulary.load("generated"))
        self.records = read_records(annotations)
        self._images = InteractionDataset(self.table, self.folder)

    @cached_property
    def body(self) -> BodyNumbering:
        """What the indices of body vertices in contacts mean.

        Raises:
            MissingFileError: the data set was written without masks, depth and contact.
        """
        if not (self.folder / BODY).is_file():
            raise MissingFileError(f"no {self.folder / BODY}; the data set may have been written with --labels image")
        return read_body(self.folder / BODY)

    def __len__(self) -> int:
        """Number of scenes."""
        return len(self.table)

    def __getitem__(self, index: int) -> GeneratedSample:
        """One scene with all labels.

        Raises:
            MissingFileError: the data set was written without masks, depth and contact.
        """
        record, picture = self.records[index], self._images[index]
        scene = record["scene"]["index"]
        name = scene_name(scene)
        millimetres = self._picture(DEPTH, name).astype(np.float32)
        return GeneratedSample(
            image=picture.image,
            interactions=picture.interactions,
            amodal=np.array(record["amodal"], np.float64).reshape(-1, 4),
            visible=np.array(record["visible"], np.float64),
            affordances=tuple(t["affordance"] for t in record["interactions"]),
            sentences=tuple(t["sentence"] for t in record["interactions"]),
            mask=self._picture(MASKS, name).astype(np.uint8),
            depth=np.where(millimetres > 0, millimetres / np.float32(1000), np.float32(np.inf)).astype(np.float32),
            contacts=tuple(unpack_contacts(self._label(CONTACT, f"{name}.npz"), record["contact"])),
            camera=camera_of(record),
            place=record["scene"]["setting"],
            index=scene,
        )

    def _label(self, kind: str, name: str) -> Path:
        path = self.folder / kind / name
        if not path.is_file():
            raise MissingFileError(f"no {path}; the data set may have been written with --labels image")
        return path

    def _picture(self, kind: str, name: str) -> NDArray[Any]:
        from PIL import Image, UnidentifiedImageError

        path = self._label(kind, f"{name}.png")
        try:
            with Image.open(path) as picture:
                return np.asarray(picture)
        except (OSError, UnidentifiedImageError) as error:
            raise InputError(f"{path}: not a readable picture ({error})") from None
