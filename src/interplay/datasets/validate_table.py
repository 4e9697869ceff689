"""Checking annotations in forms that have no lines: what is wrong, by image."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Literal

import numpy as np

from interplay.datasets.box_check import NORMALISED, box_faults
from interplay.datasets.forms import Form
from interplay.datasets.image_check import AnnotatedImages
from interplay.datasets.images import ImageFinder
from interplay.datasets.load import load_annotations, split_of
from interplay.errors import InterplayError
from interplay.table import InteractionTable
from interplay.vocabulary import Vocabulary

Severity = Literal["error", "warning"]


def whole_problems(
    path: Path, form: Form, vocabulary: Vocabulary | None, finder: ImageFinder | None
) -> tuple[InteractionTable | None, list[tuple[str, str, Severity]]]:
    """Read a file, and list what is wrong with its boxes, classes and images.

    Returns:
        What was read, None where that fails; image (or nothing), message and severity of each problem.
    """
    found: list[tuple[str, str, Severity]] = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            table = load_annotations(form.datasets[0], path, split_of(path) or "test", vocabulary)
        except InterplayError as error:
            return None, [("", str(error).removeprefix(f"{path}: "), "error")]
    found += [("", str(warning.message).removeprefix(f"{path}: "), "warning") for warning in caught]
    found += _box_problems(table)
    names = table.vocabulary
    if len(names.interactions):
        listed = names.interaction_lookup[table.verb, table.object_labels] >= 0
        for t in np.flatnonzero(~listed & (table.object >= 0)).tolist():
            pair = names.pair_names(np.array([[table.verb[t], table.object_labels[t]]]))[0]
            message = f"{pair!r} is none of the interactions that {names.name!r} lists"
            found.append((table.files[table.image_index[t]], message, "warning"))
    if finder is not None:
        images = AnnotatedImages()
        images.add(table)
        report = images.compare(finder)
        found += [(file, f"no image {file!r} below {finder.root}", "error") for file in report.missing]
        found += [(file, problem, "error") for file, problem in report.wrong.items()]
    return table, found


def _box_problems(table: InteractionTable) -> list[tuple[str, str, Severity]]:
    faults = box_faults(table.boxes, table.box_image_index, table.sizes)
    kinds = {"reversed": faults.reversed, "empty": faults.empty, "outside the image": faults.beyond}
    found: list[tuple[str, str, Severity]] = []
    for kind, rows in kinds.items():
        for row in np.flatnonzero(rows).tolist():
            found.append(
                (table.files[table.box_image_index[row]], f"{kind}: the box {table.boxes[row].tolist()}", "error")
            )
    return found + [(table.files[i], NORMALISED, "error") for i in np.flatnonzero(faults.normalised).tolist()]
