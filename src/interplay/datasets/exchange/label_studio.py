"""Writing Label Studio's JSON: rectangles, and relations from the person to the object, which are native there.

Annotations become annotations. Predictions become pre-annotations, which people then review; `read_label_studio` reads
the reviewed result. An interaction without an object is a relation of the person with itself.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import quote
from xml.etree import ElementTree

from interplay.errors import InputError
from interplay.files import atomic_path
from interplay.interactions import Interactions
from interplay.table import InteractionTable

IMAGES_AT = "/data/local-files/?d="
"""Where Label Studio serves pictures of a folder on its own machine; the file's name follows."""


def write_label_studio(table: InteractionTable, path: Path, images_at: str = IMAGES_AT) -> None:
    """Write the tasks, and beside them ``NAME.config.xml``, the labelling interface to paste into the project.

    Args:
        images_at: what stands before a picture's name in its address.

    Raises:
        InputError: the size of a picture is unknown.
    """
    tasks = [_task(image, i, images_at) for i, image in enumerate(table)]
    with atomic_path(path) as temporary:
        temporary.write_text(json.dumps(tasks, ensure_ascii=False), encoding="utf-8")
    with atomic_path(path.with_suffix(".config.xml")) as temporary:
        temporary.write_text(_config(table), encoding="utf-8")


def _task(image: Interactions, number: int, images_at: str) -> dict[str, Any]:
    width, height = image.width, image.height
    if not (width and height):
        raise InputError(f"the size of {image.file} is unknown, and Label Studio has boxes in percent of the picture")
    names, result = image.vocabulary, []
    for box, (sides, label) in enumerate(zip(image.boxes.tolist(), image.labels.tolist(), strict=True)):
        x1, y1, x2, y2 = sides
        score = {"score": float(image.box_scores[box])} if image.scored else {}
        result.append(
            {
                "id": f"{number}-{box}",
                "from_name": "box",
                "to_name": "image",
                "type": "rectanglelabels",
                "original_width": width,
                "original_height": height,
                "image_rotation": 0,
                "value": {
                    "x": 100 * x1 / width,
                    "y": 100 * y1 / height,
                    "width": 100 * (x2 - x1) / width,
                    "height": 100 * (y2 - y1) / height,
                    "rotation": 0,
                    "rectanglelabels": [names.objects[label]],
                },
                **score,
            }
        )
    pairs: dict[tuple[int, int], list[int]] = {}
    for triplet in range(len(image)):
        human, other = int(image.human[triplet]), int(image.object[triplet])
        pairs.setdefault((human, other if other >= 0 else human), []).append(triplet)
    for (human, other), triplets in pairs.items():
        result.append(
            {
                "type": "relation",
                "from_id": f"{number}-{human}",
                "to_id": f"{number}-{other}",
                "direction": "right",
                "labels": [names.verbs[image.verb[triplet]] for triplet in triplets],
            }
        )
    task: dict[str, Any] = {"data": {"image": images_at + quote(image.file or "")}}
    if not image.scored:
        return {**task, "annotations": [{"result": result}]}
    best = float(image.score.max(initial=0))
    return {**task, "predictions": [{"model_version": "interplay", "score": best, "result": result}]}


def _config(table: InteractionTable) -> str:
    view = ElementTree.Element("View")
    ElementTree.SubElement(view, "Image", name="image", value="$image", zoom="true")
    boxes = ElementTree.SubElement(view, "RectangleLabels", name="box", toName="image")
    for name in table.vocabulary.objects:
        ElementTree.SubElement(boxes, "Label", value=name)
    relations = ElementTree.SubElement(view, "Relations", choice="multiple")
    for name in table.vocabulary.verbs:
        ElementTree.SubElement(relations, "Relation", value=name)
    ElementTree.indent(view)
    return ElementTree.tostring(view, encoding="unicode") + "\n"
