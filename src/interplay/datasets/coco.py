"""COCO's instances files, as far as V-COCO needs them: which boxes an image has."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from interplay.containers.guard import brief, locating
from interplay.datasets.builder import check_box, id_number, image_name, side_length
from interplay.datasets.sources import Source
from interplay.errors import InputError
from interplay.vocabulary import COCO_91_IDS


@dataclass(frozen=True)
class CocoInstance:
    """One annotated object.

    Attributes:
        id: COCO's annotation id.
        category: COCO's category id (1..90).
        box: x1, y1, x2, y2 as V-COCO's official evaluation makes them, see `official_box`.
    """

    id: int
    category: int
    box: tuple[float, float, float, float]


@dataclass
class CocoImage:
    """One image and its instances, in the order of the file; `unusable` holds the ids of those left out."""

    file: str
    width: int
    height: int
    instances: list[CocoInstance] = field(default_factory=list)
    unusable: set[int] = field(default_factory=set)


def is_coco_instances(source: Source) -> bool:
    """Whether this may be an instances file of COCO (captions and other COCO files lack ``categories``)."""
    ours = source.mentions("boxes_h") or source.mentions("hoi_annotation")
    return source.mentions("images", "file_name") and not ours


def official_box(bbox: Sequence[float], width: int, height: int) -> tuple[float, float, float, float] | None:
    """COCO's x, y, width, height as corners, the way V-COCO's official evaluation does it.

    The right and bottom corners are the *last pixel* inside (``x + max(0, w - 1)``), clipped to the image.

    Returns:
        The corners, or None for a box that is not wider and higher than zero after that.
    """
    x, y, w, h = (float(value) for value in bbox)
    x1, x2 = (min(max(value, 0.0), width - 1.0) for value in (x, x + max(0.0, w - 1)))
    y1, y2 = (min(max(value, 0.0), height - 1.0) for value in (y, y + max(0.0, h - 1)))
    return (x1, y1, x2, y2) if x2 > x1 and y2 > y1 else None


def read_coco_images(sources: Iterable[Source], wanted: Collection[int]) -> dict[int, CocoImage]:
    """The wanted images of one or several instances files, by image id.

    Files are read until every wanted image is found. Instances marked ``ignore``, without area or without a box
    that `official_box` accepts are left out, crowds are kept: this is what the official V-COCO evaluation does.

    Raises:
        InputError: a file has no instances, a record is broken, or images are in none of the files.
    """
    images: dict[int, CocoImage] = {}
    looked_at: list[str] = []
    for source in sources:
        if len(images) == len(wanted):
            break
        looked_at.append(str(source.path))
        content: Any = source.content
        with locating(str(source.path)):
            records, annotations = content["images"], content["annotations"]
        found: dict[int, CocoImage] = {}
        with locating(f"{source.path}: 'images'"):
            for record in records:
                if record["id"] in wanted and record["id"] not in images:
                    width, height = (side_length(record[name], name) for name in ("width", "height"))
                    found[record["id"]] = CocoImage(image_name(record["file_name"]), width, height)
        with locating(f"{source.path}: 'annotations'"):
            ours = [(found[a["image_id"]], a) for a in annotations if a["image_id"] in found]
        for image, annotation in ours:
            with locating(f"{source.path}: annotation {annotation.get('id')}"):
                check_box(annotation["bbox"])
                ignored = annotation.get("ignore") == 1 or not annotation.get("area", 1) > 0
                box = None if ignored else official_box(annotation["bbox"], image.width, image.height)
                if box is None:
                    image.unusable.add(id_number(annotation["id"], "id"))
                else:
                    category = id_number(annotation["category_id"], "category_id")
                    if category not in COCO_91_IDS:
                        raise InputError(f"'category_id' holds {brief(category)}, which is none of COCO's")
                    image.instances.append(CocoInstance(id_number(annotation["id"], "id"), category, box))
        images.update(found)
    missing = sorted(set(wanted) - set(images))
    if missing:
        raise InputError(
            f"{len(missing)} of {len(wanted)} images (first: {missing[0]}) are in none of COCO's instances files "
            f"({', '.join(looked_at) or 'none found'}); V-COCO needs instances_vcoco_all_2014.json, or COCO's "
            "instances_train2014.json and instances_val2014.json"
        )
    return images
