"""A page of annotated images, to see at a glance what a data set holds and whether its boxes fit."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np

from interplay.datasets.images import ImageFinder, InteractionDataset, Sample
from interplay.errors import InputError, MissingFileError
from interplay.files import atomic_path
from interplay.images import ImageError
from interplay.table import InteractionTable


@dataclass
class Shown:
    """What went into a page.

    Attributes:
        files: the images shown, in the table's order.
        missing: images that were drawn by lot but are not there.
        outside: images whose names lead out of the folder.
        broken: images that cannot be read or do not fit their annotations -> the reason.
    """

    files: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    outside: list[str] = field(default_factory=list)
    broken: dict[str, str] = field(default_factory=dict)


def show(
    table: InteractionTable,
    image_root: str | os.PathLike[str],
    output: str | os.PathLike[str],
    *,
    count: int = 24,
    seed: int = 0,
    outside: bool = False,
    verbs: Sequence[str] = (),
    objects: Sequence[str] = (),
    width: int = 1600,
    boxes: Literal["interactions", "all"] = "all",
) -> Shown:
    """Write a contact sheet of annotated images, drawn by lot.

    Args:
        table: annotations or predictions.
        image_root: folder of the images, see `ImageFinder`.
        output: the image file to write; the suffix says the format.
        count: most images on the page.
        seed: of the lot; the same seed gives the same page.
        outside: also show images whose names lead out of the folder; see `ImageFinder`.
        verbs, objects: draw lots among the images with one of these, and show only these interactions.
        width: of the page in pixels.
        boxes: ``"interactions"`` leaves out boxes that take part in none.

    Raises:
        InputError: an unknown name, no image with these, or a suffix that is no image format.
        MissingFileError: none of the images is there.
    """
    from PIL import Image

    from interplay.visual import contact_sheet

    if count < 1:
        raise InputError(f"count must be at least 1, got {count}")
    if verbs or objects:
        table = table.with_interactions(verbs or None, objects or None)
        if not len(table):
            raise InputError(f"no image has an interaction with {', '.join([*verbs, *objects])}")
    dataset = InteractionDataset(table, ImageFinder(image_root, outside))
    shown = Shown()
    samples: dict[int, Sample] = {}
    for i in np.random.default_rng(seed).permutation(len(table)).tolist():
        if len(samples) == count:
            break
        try:
            samples[i] = dataset[i]
        except MissingFileError:
            leads_out = not outside and dataset.images.leads_out(table.files[i])
            (shown.outside if leads_out else shown.missing).append(table.files[i])
        except (ImageError, InputError) as error:
            shown.broken[table.files[i]] = str(error)
    if not samples:
        reasons = "".join(f"\n  {reason}" for reason in shown.broken.values())
        if shown.outside:
            reasons += (
                f"\n  {len(shown.outside):,} names lead out of that folder, such as {shown.outside[0]} (--outside)"
            )
        raise MissingFileError(
            f"none of the {len(table):,} annotated images can be read below {image_root}; "
            f"is it the folder of the images?{reasons}"
        )
    ordered = [samples[i] for i in sorted(samples)]
    interactions = [s.interactions.filter(verbs=verbs or None, objects=objects or None) for s in ordered]
    page = contact_sheet([s.image for s in ordered], interactions, width=width, show=boxes)
    with atomic_path(output) as temporary:
        try:
            Image.fromarray(page).save(temporary)
        except ValueError as error:
            raise InputError(f"{output}: {error}; give a name that ends in .png or .jpg") from None
    shown.files = [s.interactions.file or s.path.name for s in ordered]
    return shown


def image_root_of(source: str | os.PathLike[str], split: str) -> Path:
    """Where the images of annotations are if nobody says: in the folder of the split, else of the annotations."""
    folder = Path(source) if Path(source).is_dir() else Path(source).parent
    return folder / split if (folder / split).is_dir() else folder
