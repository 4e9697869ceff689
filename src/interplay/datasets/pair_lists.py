"""The form with one human box and one object box per pair: ``instances_*2015.json``, ``instances_vcoco_*.json``.

It was published with the spatially conditioned graphs (SCG, ICCV 2021) and is what SCG, UPT and PViC read; many write
their own data in it, with names of their own. HICO-DET: ``annotation[i]`` has ``boxes_h``, ``boxes_o``, ``hoi``,
``object``, ``verb``; ``filenames``, ``size`` (width, height), ``objects``, ``verbs`` and ``correspondence`` (rows of
class, object, verb) stand beside it. V-COCO: ``annotations[i]`` has ``boxes_h``, ``boxes_o``, ``actions`` (24
role-actions), ``objects`` (0 is background) and ``file_name``; ``classes`` and ``objects`` stand beside it.

A file is HICO-DET's or V-COCO's if it has their names and their images, else it holds one's own data, and the names in
it are the vocabulary. HICO-DET's boxes are the official file's and count pixels from 1, as SCG's reader expects of
every file of that form; a file with a coordinate below 1 cannot do so, and is read as it is. V-COCO's are COCO's,
from 0.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np

from interplay.containers.guard import brief, locating
from interplay.datasets.builder import TableBuilder, id_number, pick
from interplay.datasets.content import mostly_known, named_like, same_names
from interplay.datasets.sources import Source
from interplay.errors import InputError
from interplay.table import InteractionTable
from interplay.vocabulary import Vocabulary


def is_hico_form(source: Source) -> bool:
    """Whether this is HICO-DET's variant, of any data set."""
    return source.mentions("annotation", "boxes_h", "boxes_o", "hoi")


def is_vcoco_form(source: Source) -> bool:
    """Whether this is V-COCO's variant, of any data set."""
    return source.mentions("annotations", "boxes_h", "boxes_o", "actions")


def is_hico_pairs(source: Source) -> bool:
    """Whether this is HICO-DET in its variant."""
    hico = Vocabulary.load("hico-det")

    def fits(content: dict[str, Any]) -> bool:
        classes = mostly_known(content["objects"], hico, "object") and mostly_known(content["verbs"], hico, "verb")
        return classes and named_like("hico-det", map(str, content["filenames"]))

    return is_hico_form(source) and _holds(source, fits)


def is_vcoco_pairs(source: Source) -> bool:
    """Whether this is V-COCO in its variant."""
    vcoco = Vocabulary.load("v-coco")

    def fits(content: dict[str, Any]) -> bool:
        objects, verbs = content["objects"][1:], content["classes"]
        classes = mostly_known(objects, vcoco, "object") and mostly_known(verbs, vcoco, "verb")
        return classes and named_like("v-coco", (str(image["file_name"]) for image in content["annotations"]))

    return is_vcoco_form(source) and _holds(source, fits)


def _holds(source: Source, fits: Callable[[dict[str, Any]], bool]) -> bool:
    """Whether a file's content fits; of a broken one the form is all that tells, and reading it says what is wrong."""
    try:
        return fits(source.content)
    except (InputError, KeyError, TypeError, IndexError, AttributeError):
        return True


def read_hico_pairs(source: Source, vocabulary: Vocabulary | None) -> InteractionTable:
    """HICO-DET, or one's own data; images without a visible pair are in the table, with nothing in them.

    Args:
        vocabulary: None for the names that the file holds.

    Raises:
        InputError: a field is missing or does not fit; names file, image and field.
    """
    content, where = source.content, str(source.path)
    with locating(where):
        files, annotations = content["filenames"], content["annotation"]
        sizes = content.get("size") or [(0, 0)] * len(files)
        if vocabulary is None:
            vocabulary = _vocabulary_in(source.path, content["objects"], content["verbs"], content)
        objects = _Classes(content["objects"], "object", vocabulary, "object")
        verbs = _Classes(content["verbs"], "verb", vocabulary, "verb")
        if not len(files) == len(sizes) == len(annotations):
            raise InputError(
                f"'filenames', 'size' and 'annotation' must be equally long, got {len(files)}, {len(sizes)} and "
                f"{len(annotations)}"
            )
        vocabulary.require_person("this form")
        origin = _origin(annotations, where)
    builder = TableBuilder(vocabulary)
    for file, size, annotation in zip(files, sizes, annotations, strict=True):
        with locating(f"{where}: {brief(file)}"):
            builder.image(file, size, origin=origin)
            _add_pairs(builder, annotation, verbs, objects)
    return builder.build()


def read_vcoco_pairs(source: Source, vocabulary: Vocabulary | None) -> InteractionTable:
    """V-COCO, or one's own data; the form holds pairs only: no people without an object, no body motions.

    Args:
        vocabulary: None for the names that the file holds.

    Raises:
        InputError: a field is missing or does not fit; names file, image and field.
    """
    content, where = source.content, str(source.path)
    with locating(where):
        annotations, classes = content["annotations"], content["classes"]
        background, *names = content["objects"]
        if background != "background":
            raise InputError(f"'objects' must start with 'background', got {brief(background)}")
        if vocabulary is None:
            vocabulary = _vocabulary_in(source.path, names, classes, {})
        objects = _Classes(names, "object", vocabulary, "objects", background=True)
        verbs = _Classes(classes, "verb", vocabulary, "actions")
        vocabulary.require_person("this form")
    builder = TableBuilder(vocabulary)
    for annotation in annotations:
        file = annotation.get("file_name") if isinstance(annotation, dict) else annotation
        with locating(f"{where}: {brief(file)}"):
            builder.image(annotation["file_name"])
            _add_pairs(builder, annotation, verbs, objects)
    return builder.build()


def _add_pairs(builder: TableBuilder, annotation: dict[str, Any], verbs: _Classes, objects: _Classes) -> None:
    """The pairs of one image, each with a person's box, an object's box and a verb."""
    names = ("boxes_h", "boxes_o", verbs.field, objects.field)
    for human, other, verb, label in zip(*(annotation[name] for name in names), strict=True):
        person = builder.box(human, builder.vocabulary.person)
        target = builder.box(other, objects.index(label))
        builder.triplet(person, verbs.index(verb), target)


def _vocabulary_in(path: Path, objects: Any, verbs: Any, content: dict[str, Any]) -> Vocabulary:
    """The vocabulary that a file carries; HICO-DET's own where it has exactly those names."""
    hico = Vocabulary.load("hico-det")
    if same_names(objects, hico.objects) and same_names(verbs, hico.verbs):
        return hico
    rows = [[id_number(value, "correspondence") for value in row] for row in content.get("correspondence") or []]
    rows.sort(key=lambda row: row[0])  # a file in circulation gives one number twice: both classes count
    pairs = [[pick(verbs, verb, "correspondence"), pick(objects, label, "correspondence")] for _, label, verb in rows]
    complete = [row[0] for row in rows] == list(range(len(rows)))
    groups = {name: content[name] for name in ("rare", "non_rare") if complete and content.get(name)}
    return Vocabulary.from_dict(
        {
            "name": path.stem,
            "objects": objects,
            "verbs": verbs,
            "interactions": pairs,
            "groups": groups,
        },
        source=str(path),
    )


class _Classes:
    """The objects or verbs that a file names, as a vocabulary has them. Those that are not used may be unknown.

    Args:
        names: in the order of their numbers.
        kind: what they are.
        vocabulary: in which they are looked up.
        field: of the pairs' numbers.
        background: whether the number 0 is the background's, which is not among the names.
    """

    def __init__(
        self,
        names: Sequence[str],
        kind: Literal["object", "verb"],
        vocabulary: Vocabulary,
        field: str,
        background: bool = False,
    ) -> None:
        find = vocabulary.find_object if kind == "object" else vocabulary.find_verb
        self.names, self.kind, self.vocabulary = names, kind, vocabulary
        self.field, self.background = field, background
        self.indices = [find(name) for name in names]

    def index(self, number: Any) -> int:
        """The vocabulary's index of the class of a number in the file.

        Raises:
            InputError: no class has this number, or the vocabulary has no class of that name.
        """
        place = id_number(number, self.field) - self.background
        field = f"{self.field} (less the background)" if self.background else self.field
        index = pick(self.indices, place, field)
        if index < 0:  # looked up once more for its error
            name = self.names[place]
            look_up = self.vocabulary.object_index if self.kind == "object" else self.vocabulary.verb_index
            return look_up(name)
        return index


def _origin(annotations: Sequence[dict[str, Any]], where: str) -> int:
    """Index of the first pixel: 1, unless a coordinate shows that it is 0."""
    boxes = [box for annotation in annotations for name in ("boxes_h", "boxes_o") for box in annotation[name]]
    try:
        lowest = np.array(boxes, np.float64).reshape(-1, 4)[:, :2].min(initial=np.inf)
    except (ValueError, TypeError, OverflowError):
        return 1  # something is no box, which reading it says
    if lowest >= 1:
        return 1
    warnings.warn(
        f"{where}: pixels count from 1 in this form, but a box starts at {lowest:g}: its boxes are read as they are, "
        "counted from 0",
        stacklevel=3,
    )
    return 0
