"""What annotation tools and other people's scripts write: recognised by content, one entry for each.

Tools that can say which two boxes belong together are read (`interplay.datasets.relations`). The others hold boxes
without interactions: the error for these names the tool, and gives Python that writes the boxes as JSON Lines, to
which the interactions are then added.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from interplay.datasets import relations
from interplay.datasets.exchange import cvat, fiftyone, hub, labelme
from interplay.datasets.sources import Source
from interplay.errors import InputError
from interplay.table import InteractionTable
from interplay.vocabulary import Vocabulary


@dataclass(frozen=True)
class Tool:
    """A tool's files.

    Attributes:
        name: what people call it.
        recognise: whether a file is one of its, told by its first bytes.
        read: reads one file, with the vocabulary that is given or the names in it; None where it has no interactions.
        convert: Python that prints the boxes of the file ``PATH`` as JSON Lines.
        problem: why it is not read.
    """

    name: str
    recognise: Callable[[Source], bool]
    read: Callable[[Source, Vocabulary | None], InteractionTable] | None = None
    convert: str = ""
    problem: str = "it holds boxes, and cannot hold who does what with which of them"


_YOLO_LINE = re.compile(rb"\d+(\s+[-+.\deE]+){4,}\s*")


def _is_yolo(source: Source) -> bool:
    lines = [line for line in source.head.splitlines()[:20] if line.strip()]
    return source.kind == "text" and bool(lines) and all(_YOLO_LINE.fullmatch(line) for line in lines)


def _is_xml(source: Source, *names: bytes) -> bool:
    start = source.head[:4096]
    return start.lstrip().startswith(b"<") and all(b"<" + name in source.head for name in names)


TOOLS: tuple[Tool, ...] = (
    Tool(
        "interplay, as one JSON list",
        lambda source: source.head.lstrip()[:1] == b"[" and source.mentions("file", "boxes", "labels", "interactions"),
        convert="import json\nfor record in json.load(open('PATH', encoding='utf-8-sig')): print(json.dumps(record))",
        problem="JSON Lines has one record a line, without a list around them",
    ),
    Tool("COCO with relations", relations.is_coco_relations, relations.read_coco_relations),
    Tool("Label Studio", relations.is_label_studio, relations.read_label_studio),
    Tool("odgt with interactions (HOI Transformer)", relations.is_hoi_odgt, relations.read_hoi_odgt),
    Tool("CVAT with interactions", cvat.is_cvat_interactions, cvat.read_cvat),
    Tool("FiftyOne with interactions", fiftyone.is_fiftyone, fiftyone.read_fiftyone),
    Tool("Parquet with objects and relations", hub.is_hub, hub.read_hub),
    Tool(
        "LabelMe with interactions",
        labelme.is_labelme,
        lambda source, vocabulary: labelme.read_labelme([source], vocabulary),
    ),
    Tool(
        "odgt (CrowdHuman)",
        lambda source: source.mentions("gtboxes"),
        convert="import json\n"
        "for line in open('PATH', encoding='utf-8-sig'):\n"
        "    d = json.loads(line); found = d['gtboxes']; file = d.get('file_name') or d['ID'] + '.jpg'\n"
        "    xywh = [b.get('box') or b['fbox'] for b in found]\n"
        "    print(json.dumps({'file': file, 'boxes': [[x, y, x + w, y + h] for x, y, w, h in xywh], "
        "'labels': [b['tag'] for b in found], 'interactions': []}))",
    ),
    Tool(
        "LabelMe",
        lambda source: source.mentions("shapes", "imagePath"),
        convert="import json; d = json.load(open('PATH', encoding='utf-8-sig')); found = d['shapes']\n"
        "print(json.dumps({'file': d['imagePath'], 'width': d['imageWidth'], 'height': d['imageHeight'], "
        "'boxes': [[*map(min, zip(*s['points'])), *map(max, zip(*s['points']))] for s in found], "
        "'labels': [s['label'] for s in found], 'interactions': []}))",
    ),
    Tool(
        "VGG Image Annotator",
        lambda source: source.mentions("shape_attributes", "region_attributes"),
        convert="import json; d = json.load(open('PATH', encoding='utf-8-sig'))\n"
        "for image in d.get('_via_img_metadata', d).values():\n"
        "    found = image['regions'] if isinstance(image['regions'], list) else list(image['regions'].values())\n"
        "    boxes = [[s['x'], s['y'], s['x'] + s['width'], s['y'] + s['height']] for s in "
        "(r['shape_attributes'] for r in found)]\n"
        "    labels = [next(iter(r['region_attributes'].values())) for r in found]\n"
        "    print(json.dumps({'file': image['filename'], 'boxes': boxes, 'labels': labels, 'interactions': []}))",
    ),
    Tool(
        "COCO (also CVAT's, Roboflow's and others' COCO export)",
        lambda source: source.mentions("images", "annotations", "categories") and not source.mentions("boxes_h"),
        convert="import json; d = json.load(open('PATH', encoding='utf-8-sig')); "
        "names = {c['id']: c['name'] for c in d['categories']}\n"
        "for i in d['images']:\n"
        "    found = [a for a in d['annotations'] if a['image_id'] == i['id']]\n"
        "    boxes = [[x, y, x + w, y + h] for x, y, w, h in (a['bbox'] for a in found)]\n"
        "    print(json.dumps({'file': i['file_name'], 'width': i['width'], 'height': i['height'], 'boxes': boxes, "
        "'labels': [names[a['category_id']] for a in found], 'interactions': []}))",
    ),
    Tool(
        "CVAT (XML for images)",
        lambda source: _is_xml(source, b"annotations", b"image "),
        convert="import json; from xml.etree import ElementTree\n"
        "for i in ElementTree.parse('PATH').iter('image'):\n"
        "    found = i.findall('box'); sides = 'xtl', 'ytl', 'xbr', 'ybr'\n"
        "    boxes = [[float(b.get(s)) for s in sides] for b in found]\n"
        "    print(json.dumps({'file': i.get('name'), 'width': int(i.get('width')), 'height': int(i.get('height')), "
        "'boxes': boxes, 'labels': [b.get('label') for b in found], 'interactions': []}))",
    ),
    Tool(
        "CVAT (XML for video)",
        lambda source: _is_xml(source, b"annotations", b"track "),
    ),
    Tool(
        "Pascal VOC (XML)",
        lambda source: _is_xml(source, b"annotation", b"bndbox"),
        convert="import json; from xml.etree import ElementTree; d = ElementTree.parse('PATH').getroot()\n"
        "found = d.findall('object'); sides = 'xmin', 'ymin', 'xmax', 'ymax'\n"
        "print(json.dumps({'file': d.findtext('filename'), 'width': int(d.findtext('size/width')), "
        "'height': int(d.findtext('size/height')), "
        "'boxes': [[float(o.findtext('bndbox/' + s)) for s in sides] for o in found], "
        "'labels': [o.findtext('name') for o in found], 'interactions': []}))",
    ),
    Tool(
        "YOLO (text)",
        _is_yolo,
        convert="import json; names = ['person', 'bench']; file, w, h = 'IMAGE.jpg', 640, 480  # of this image\n"
        "rows = [[float(v) for v in line.split()[:5]] for line in open('PATH') if line.strip()]\n"
        "print(json.dumps({'file': file, 'width': w, 'height': h, 'boxes': [[(x - a / 2) * w, (y - b / 2) * h, "
        "(x + a / 2) * w, (y + b / 2) * h] for _, x, y, a, b in rows], "
        "'labels': [names[int(row[0])] for row in rows], 'interactions': []}))",
    ),
)
"""Recognised in this order: the first one that fits."""


def tool_of(source: Source) -> Tool | None:
    """The tool that wrote a file, or None."""
    return next((tool for tool in TOOLS if tool.recognise(source)), None)


def has_interactions(source: Source) -> bool:
    """Whether a file is one of a tool's that are read."""
    tool = tool_of(source)
    return tool is not None and tool.read is not None


def read_tool(source: Source, vocabulary: Vocabulary | None) -> InteractionTable:
    """Annotations in a tool's form.

    Raises:
        InputError: no tool wrote the file, or one whose files hold no interactions; says how to go on.
    """
    tool = tool_of(source)
    if tool is None or tool.read is None:
        raise InputError(without_interactions(source) or f"{source.path}: no annotation tool's file")
    return tool.read(source, vocabulary)


def without_interactions(source: Source) -> str | None:
    """What a file of a tool without interactions is, and how to make use of its boxes; None for other files."""
    tool = tool_of(source)
    if tool is None or tool.read is not None:
        return None
    known = f"{source.path} is of {tool.name}: {tool.problem}."
    if not tool.convert:
        return f"{known} Export it as CVAT for images or COCO."
    script = tool.convert.replace("PATH", str(source.path).replace("\\", "/"))
    return (
        f"{known} This Python prints it as JSON Lines; write that to a .jsonl file, with interactions (see the docs, "
        f"Your own data):\n{script}"
    )
