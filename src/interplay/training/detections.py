"""A detector's boxes in annotated images, for trainings that also learn from what is wrong with them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from interplay.detectors import Detections
from interplay.errors import InputError
from interplay.formats import read
from interplay.interactions import Interactions
from interplay.ops.image_names import ImageNames
from interplay.ops.object_names import check_objects
from interplay.table import InteractionTable


def read_detections(path: Path | None, annotations: InteractionTable) -> dict[str, Interactions]:
    """A detector's boxes by the annotated image's name, in the annotations' vocabulary.

    Boxes of objects that the annotations do not know are left out.

    Raises:
        MissingFileError, InputError: not a file of predictions, of none of the images, or of none of the objects.
    """
    if path is None:
        return {}
    table, vocabulary = read(path), annotations.vocabulary
    check_objects(table.vocabulary.objects, vocabulary, str(path))
    names = ImageNames(annotations.files)
    found = {}
    for image in table:
        position = names.find(image.file or "")
        if position >= 0:
            boxes = Detections(
                image.boxes, image.labels, image.box_scores, image.keypoints, objects=image.vocabulary.objects
            ).named(vocabulary.objects, vocabulary.human)
            found[annotations.files[position]] = replace(
                Interactions.empty(vocabulary),
                boxes=boxes.boxes,
                labels=boxes.labels,
                box_scores=boxes.scores,
                columns={} if boxes.keypoints is None else {"keypoints": boxes.keypoints},
            )
    if not found:
        raise InputError(f"{path} holds detections in {len(table)} images, none of which is annotated")
    return found
