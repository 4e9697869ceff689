"""CVAT's XML for images (version 1.1), with interactions as text in boxes' attributes.

CVAT has no relations. Boxes get two text attributes, see `interplay.datasets.exchange.numbered`; the labels of the
task that is to take the file need both (the written file lists them in its ``meta``).
"""

from __future__ import annotations

import math
from pathlib import Path
from xml.etree import ElementTree

from interplay.containers.guard import locating
from interplay.containers.xml_files import read_xml
from interplay.datasets.builder import TableBuilder
from interplay.datasets.exchange.numbered import (
    INTERACTIONS,
    NUMBER,
    NumberedBox,
    NumberedImage,
    add_image,
    interactions_text,
    vocabulary_of,
)
from interplay.datasets.sources import Source
from interplay.errors import InputError
from interplay.files import atomic_path
from interplay.table import InteractionTable
from interplay.vocabulary import Vocabulary

_SIDES = ("xtl", "ytl", "xbr", "ybr")


def is_cvat_interactions(source: Source) -> bool:
    """Whether this is CVAT's XML for images whose boxes have the attribute for interactions."""
    if not source.head.lstrip().startswith(b"<") or b"<annotations>" not in source.head:
        return False
    return source.holds(f'name="{INTERACTIONS}"'.encode()) or source.holds(f"<name>{INTERACTIONS}</name>".encode())


def read_cvat(source: Source, vocabulary: Vocabulary | None) -> InteractionTable:
    """CVAT's XML for images with interactions.

    Args:
        vocabulary: None for the names in the file.

    Raises:
        InputError: a field is missing or does not fit; names it.
    """
    root, where = read_xml(source.path, "CVAT's XML"), str(source.path)
    images = []
    for element in root.iter("image"):
        with locating(f"{where}: {element.get('name')}"):
            size = (int(element.attrib["width"]), int(element.attrib["height"]))
            images.append(NumberedImage(element.attrib["name"], size, [_box(box) for box in element.findall("box")]))
    with locating(where):
        vocabulary = vocabulary or vocabulary_of(images, source.path.stem)
    builder = TableBuilder(vocabulary)
    for image in images:
        with locating(f"{where}: {image.file}"):
            add_image(builder, image)
    return builder.build()


def _box(element: ElementTree.Element) -> NumberedBox:
    given = {attribute.get("name"): (attribute.text or "").strip() for attribute in element.findall("attribute")}
    number = given.get(NUMBER, "")
    if number and not number.isdigit():
        raise InputError(f"a box's attribute {NUMBER} holds {number!r}, expected a whole number")
    box = [float(element.attrib[side]) for side in _SIDES]
    if not all(map(math.isfinite, box)):
        raise InputError(f"a box has the sides {box}, expected finite numbers")
    return NumberedBox(box, element.attrib["label"], int(number) if number else None, given.get(INTERACTIONS, ""))


def write_cvat(table: InteractionTable, path: Path) -> None:
    """Write one XML file."""
    root = ElementTree.Element("annotations")
    ElementTree.SubElement(root, "version").text = "1.1"
    task = ElementTree.SubElement(ElementTree.SubElement(root, "meta"), "task")
    ElementTree.SubElement(task, "size").text = str(len(table))
    ElementTree.SubElement(task, "mode").text = "annotation"
    labels = ElementTree.SubElement(task, "labels")
    names = table.vocabulary.objects
    for name in dict.fromkeys(names[label] for label in table.labels.tolist()):
        label = ElementTree.SubElement(labels, "label")
        ElementTree.SubElement(label, "name").text = name
        ElementTree.SubElement(label, "type").text = "rectangle"
        attributes = ElementTree.SubElement(label, "attributes")
        for kind in (NUMBER, INTERACTIONS):
            attribute = ElementTree.SubElement(attributes, "attribute")
            for key, value in (("name", kind), ("mutable", "False"), ("input_type", "text"), ("default_value", "")):
                ElementTree.SubElement(attribute, key).text = value
            ElementTree.SubElement(attribute, "values")
    for i, image in enumerate(table):
        given = {
            "id": str(i),
            "name": image.file or "",
            "width": str(image.width or 0),
            "height": str(image.height or 0),
        }
        element = ElementTree.SubElement(root, "image", given)
        for number, (box, label_number) in enumerate(zip(image.boxes.tolist(), image.labels.tolist(), strict=True)):
            given = {"label": names[label_number], "source": "manual", "occluded": "0", "z_order": "0"}
            given.update({side: repr(value) for side, value in zip(_SIDES, box, strict=True)})
            shape = ElementTree.SubElement(element, "box", given)
            for kind, text in ((NUMBER, str(number + 1)), (INTERACTIONS, interactions_text(image, number))):
                ElementTree.SubElement(shape, "attribute", name=kind).text = text
    ElementTree.indent(root)
    with atomic_path(path) as temporary:
        ElementTree.ElementTree(root).write(temporary, encoding="utf-8", xml_declaration=True)
