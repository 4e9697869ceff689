"""HAKE's instance-level form: ``hico-det-training-set-instance-level.json``, ``hake_large_annotation.json``.

A JSON object, image name -> ``labels``, each with ``hoi_id`` (1..600, HICO-DET's order), ``human_bbox``,
``object_bbox`` (x1, y1, x2, y2), ``width`` and ``height``, beside ``dataset`` and ``path_prefix``. The first file
holds HICO-DET's training annotations (all but 217 of the 117,871 pairs), the second one those of all images of
PaStaNet-HOI's training side. github.com/DirtyHarryLYL/HAKE (PaStaNet, CVPR 2020).

Boxes of HICO-DET's images count from 1, as in the official file. For the other image sources nothing is said; they
are taken as they are.
"""

from __future__ import annotations

from typing import Any

from interplay.containers.guard import locating
from interplay.datasets.builder import TableBuilder, pick
from interplay.datasets.sources import Source
from interplay.errors import InputError
from interplay.table import InteractionTable
from interplay.vocabulary import Vocabulary


def is_hake(source: Source) -> bool:
    """Whether this is HAKE's form."""
    return source.head.lstrip().startswith(b"{") and source.mentions("labels", "hoi_id", "human_bbox")


def read_hake(source: Source, vocabulary: Vocabulary) -> InteractionTable:
    """All images. Interactions that `vocabulary` does not have (PaStaNet-HOI: no_interaction) are left out.

    Raises:
        InputError: a field is missing or does not fit; names file, image and field.
    """
    content = source.content
    if not isinstance(content, dict):
        raise InputError(f"{source.path}: expected a JSON object with one entry per image")
    hico = Vocabulary.load("hico-det")
    classes: list[tuple[int, int] | None] = []
    for verb, label in hico.interactions:
        name = hico.verbs[verb]
        known = name in vocabulary.verbs
        target = vocabulary.object_index(hico.objects[label])
        classes.append((vocabulary.verb_index(name), target) if known else None)
    builder = TableBuilder(vocabulary)
    for file, record in content.items():
        with locating(f"{source.path}: {file}"):
            _add_image(builder, file, record, classes)
    return builder.build()


def _add_image(builder: TableBuilder, file: str, record: dict[str, Any], classes: list[tuple[int, int] | None]) -> None:
    labels = record["labels"]
    size = (labels[0]["width"], labels[0]["height"]) if labels else (0, 0)
    builder.image(file, size, origin=1 if file.startswith("HICO_") else 0)
    for label in labels:
        interaction = classes[pick(range(len(classes)), label["hoi_id"] - 1, "hoi_id (less 1)")]
        if interaction is None:
            continue
        verb, target = interaction
        human = builder.box(label["human_bbox"], builder.vocabulary.person)
        builder.triplet(human, verb, builder.box(label["object_bbox"], target))
