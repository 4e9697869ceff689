"""The form with one human box and one object box per pair: ``instances_*2015.json``, ``instances_vcoco_*.json``.

It was published with the spatially conditioned graphs (SCG, ICCV 2021) and is what SCG, UPT and PViC read.
HICO-DET: ``annotation[i]`` has ``boxes_h``, ``boxes_o``, ``hoi``, ``object``, ``verb``; ``filenames``, ``size``
(width, height), ``objects`` and ``verbs`` stand beside it. V-COCO: ``annotations[i]`` has ``boxes_h``,
``boxes_o``, ``actions`` (24 role-actions), ``objects`` (0 is background) and ``file_name``; ``classes`` and
``objects`` stand beside it.

HICO-DET's boxes are the official file's and count pixels from 1; V-COCO's are COCO's, from 0.
"""

from __future__ import annotations

from interplay.datasets.builder import TableBuilder, pick, reading
from interplay.datasets.sources import Source
from interplay.errors import InputError
from interplay.table import InteractionTable
from interplay.vocabulary import Vocabulary


def is_hico_pairs(source: Source) -> bool:
    """Whether this is HICO-DET's variant."""
    return source.mentions("annotation", "boxes_h", "boxes_o", "hoi")


def is_vcoco_pairs(source: Source) -> bool:
    """Whether this is V-COCO's variant."""
    return source.mentions("annotations", "boxes_h", "boxes_o", "actions")


def read_hico_pairs(source: Source, vocabulary: Vocabulary) -> InteractionTable:
    """HICO-DET; images without a visible pair are in the table, with nothing in them.

    Raises:
        InputError: a field is missing or does not fit; names file, image and field.
    """
    content, where = source.content, str(source.path)
    with reading(where):
        files, sizes, annotations = content["filenames"], content["size"], content["annotation"]
        objects = [vocabulary.object_index(name) for name in content["objects"]]
        verbs = [vocabulary.verb_index(name) for name in content["verbs"]]
        if not len(files) == len(sizes) == len(annotations):
            raise InputError(
                f"'filenames', 'size' and 'annotation' must be equally long, got {len(files)}, {len(sizes)} and "
                f"{len(annotations)}"
            )
    builder = TableBuilder(vocabulary)
    for file, size, annotation in zip(files, sizes, annotations, strict=True):
        with reading(f"{where}: {file}"):
            builder.image(file, size, origin=1)
            pairs = zip(
                annotation["boxes_h"], annotation["boxes_o"], annotation["verb"], annotation["object"], strict=True
            )
            for human, object_box, verb, label in pairs:
                person = builder.box(human, vocabulary.person)
                target = builder.box(object_box, pick(objects, label, "object"))
                builder.triplet(person, pick(verbs, verb, "verb"), target)
    return builder.build()


def read_vcoco_pairs(source: Source, vocabulary: Vocabulary) -> InteractionTable:
    """V-COCO; the form holds pairs only: no people without an object, no body motions.

    Raises:
        InputError: a field is missing or does not fit; names file, image and field.
    """
    content, where = source.content, str(source.path)
    with reading(where):
        annotations = content["annotations"]
        verbs = [vocabulary.verb_index(name) for name in content["classes"]]
        background, *names = content["objects"]
        if background != "background":
            raise InputError(f"'objects' must start with 'background', got {background!r}")
        objects = [vocabulary.object_index(name) for name in names]
    builder = TableBuilder(vocabulary)
    for annotation in annotations:
        file = annotation.get("file_name") if isinstance(annotation, dict) else annotation
        with reading(f"{where}: {file}"):
            builder.image(annotation["file_name"])
            pairs = zip(
                annotation["boxes_h"], annotation["boxes_o"], annotation["actions"], annotation["objects"], strict=True
            )
            for human, object_box, action, label in pairs:
                person = builder.box(human, vocabulary.person)
                target = builder.box(object_box, pick(objects, label - 1, "objects (less the background)"))
                builder.triplet(person, pick(verbs, action, "actions"), target)
    return builder.build()
