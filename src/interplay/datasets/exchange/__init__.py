"""Annotations in other tools' forms: writing all of them, and reading those that this package brings.

`EXPORTS` has one entry for each form, which says what the form cannot hold. Forms that other code bases publish are
read in `interplay.datasets` (`forms.py`).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np

from interplay.columns import get_column
from interplay.datasets.exchange.cvat import write_cvat
from interplay.datasets.exchange.fiftyone import write_fiftyone
from interplay.datasets.exchange.hub import write_hub
from interplay.datasets.exchange.json_forms import (
    write_boxes_by_image,
    write_coco_relations,
    write_hoia,
    write_pairs,
)
from interplay.datasets.exchange.label_studio import write_label_studio
from interplay.datasets.exchange.labelme import write_labelme
from interplay.datasets.exchange.vidvrd import write_vidvrd
from interplay.datasets.vidhoi import write_vidhoi
from interplay.errors import InputError, near_matches
from interplay.formats.csv_rows import has_place, write_csv
from interplay.table import InteractionTable

Content = Literal["interactions", "scores", "box scores", "no object", "lone boxes", "sizes"]
"""What a form may be able to hold, besides boxes with labels.

``interactions``: who does what with which; ``scores``: of interactions; ``no object``: interactions without an object;
``lone boxes``: those that take part in none.
"""


@dataclass(frozen=True)
class Export:
    """A form to write.

    Attributes:
        name: what ``--to`` takes.
        description: what reads it.
        suffix: of its file; empty for a folder.
        write: writes a table to a path.
        holds: what it can hold.
        columns: those that it holds.
    """

    name: str
    description: str
    suffix: str
    write: Callable[[InteractionTable, Path], None]
    holds: frozenset[Content]
    columns: frozenset[str] = frozenset()


def _holds(*more: Content) -> frozenset[Content]:
    return frozenset(("interactions", "lone boxes", "no object", *more))


_OF_FRAMES = frozenset(("track", "time"))

EXPORTS: Mapping[str, Export] = {
    export.name: export
    for export in (
        Export(
            "label-studio",
            "Label Studio's JSON: rectangles and relations; predictions become pre-annotations",
            ".json",
            write_label_studio,
            _holds("box scores", "sizes"),
        ),
        Export("cvat", "CVAT's XML for images, interactions as attributes", ".xml", write_cvat, _holds("sizes")),
        Export("labelme", "LabelMe's JSON, a file for each picture", "", write_labelme, _holds("sizes")),
        Export(
            "fiftyone",
            "FiftyOne's image detection data set (labels.json)",
            ".json",
            write_fiftyone,
            _holds("box scores", "sizes"),
        ),
        Export(
            "coco-relations",
            "COCO's JSON with rel_annotations (scene graphs)",
            ".json",
            write_coco_relations,
            _holds("scores", "box scores", "sizes"),
        ),
        Export("hoia", "HOI-A's JSON (PPDM, QPIC, CDN, GEN-VLKT)", ".json", write_hoia, _holds()),
        Export(
            "pairs",
            "SCG's, UPT's and PViC's instances_*.json",
            ".json",
            write_pairs,
            frozenset(("interactions", "sizes")),
        ),
        Export(
            "boxes-by-image",
            "detections of two-stage repositories, a JSON file for each image",
            "",
            write_boxes_by_image,
            frozenset(("lone boxes", "box scores")),
        ),
        Export(
            "hub",
            "Parquet with objects and relations (metadata.parquet of an image folder on the hub)",
            ".parquet",
            write_hub,
            _holds("scores", "box scores", "sizes"),
        ),
        Export(
            "vidvrd",
            "results of clips in VidVRD's and VidOR's form; of frames with times and tracks",
            ".json",
            write_vidvrd,
            frozenset(("interactions", "scores")),
            _OF_FRAMES,
        ),
        Export(
            "vidhoi",
            "VidHOI's frame annotations; predictions become a result file of its code",
            ".json",
            write_vidhoi,
            frozenset(("interactions", "scores", "sizes")),
            _OF_FRAMES,
        ),
    )
}
"""The forms, by name."""

_CSV = Export(
    "csv",
    "a row for each interaction, for spreadsheets",
    ".csv",
    write_csv,
    frozenset(("interactions", "scores", "box scores", "no object", "sizes")),
)


def export(table: InteractionTable, path: str | os.PathLike[str], form: str, images_at: str | None = None) -> list[str]:
    """Write annotations or predictions in another tool's form, whole or not at all.

    Args:
        path: the file, or the folder of a form with a file for each image, which must be new or empty.
        form: a name of `EXPORTS`.
        images_at: for Label Studio, what stands before a picture's name in its address; by default where it serves
            local files.

    Returns:
        What the form cannot hold, and the table has, in words.

    Raises:
        InputError: no such form, another suffix, a folder that holds something, or content that cannot be written.
    """
    chosen = find_export(form)
    target = Path(path)
    check_export(chosen, target)
    if images_at is None:
        chosen.write(table, target)
    elif chosen.name == "label-studio":
        write_label_studio(table, target, images_at)
    else:
        raise InputError("images_at is for label-studio")
    return lost(table, chosen)


def find_export(form: str) -> Export:
    """The form of that name.

    Raises:
        InputError: there is none; names the nearest.
    """
    if form not in EXPORTS:
        raise InputError(f"unknown form {form!r}: expected one of {', '.join(EXPORTS)}.{near_matches(form, EXPORTS)}")
    return EXPORTS[form]


def lost_in_csv(table: InteractionTable) -> list[str]:
    """What `interplay.write` leaves out of a CSV file, in words."""
    columns = frozenset(name for name in table.columns if has_place(get_column(name)))
    return lost(table, replace(_CSV, columns=columns))


def check_export(form: Export, target: Path) -> None:
    """Whether a form can be written to a path, as far as that is known without writing; errors as for `export`."""
    if form.suffix:
        if target.suffix.lower() != form.suffix:
            raise InputError(f"{target}: expected a name ending in {form.suffix}, got {target.suffix!r}")
    elif target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise InputError(f"{target}: expected a new or empty folder, since {form.name} has a file for each image")


_PASSING = ("left_out", "left_out_score")
"""Columns that are for the screen, and that nobody misses."""


def lost(table: InteractionTable, form: Export) -> list[str]:
    """What a form cannot hold, and a table has."""
    found = []

    def tell(count: int, what: str) -> None:
        if count:
            found.append(f"{form.name} cannot hold {what} ({count:,})")

    if "interactions" not in form.holds:
        tell(len(table.verb), "interactions")
    elif "scores" not in form.holds and table.scored:
        tell(len(table.verb), "the scores of interactions")
    if "box scores" not in form.holds and table.scored:
        tell(len(table.boxes), "the scores of boxes")
    if "no object" not in form.holds and "interactions" in form.holds:
        tell(int((table.object < 0).sum()), "interactions without an object")
    if "lone boxes" not in form.holds:
        used = np.zeros(len(table.boxes), bool)
        starts = table.box_offsets[table.image_index]
        used[starts + table.human] = True
        used[(starts + table.object)[table.object >= 0]] = True
        tell(int((~used).sum()), "boxes that take part in no interaction")
    if "sizes" not in form.holds:
        tell(int((table.sizes > 0).all(1).sum()), "the sizes of images")
    if table.image_labels is not None:
        tell(len(table.image_labels), "labels of whole images")
    for name, values in table.columns.items():
        if name not in _PASSING and name not in form.columns:
            tell(len(values), f"the column {name}")
    return found
