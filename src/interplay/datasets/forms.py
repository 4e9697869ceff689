"""The forms in which annotations circulate, and recognising them by content."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from interplay.datasets import coco, hake, hico_mat, hoia, pair_lists, tools, vcoco, vidhoi
from interplay.datasets.exchange.hub import is_hub
from interplay.datasets.sources import Source
from interplay.table import InteractionTable
from interplay.vocabulary import Vocabulary

Reader = Callable[[Source, Vocabulary | None, str], InteractionTable]
"""Reads a file: which names its numbers mean (None for those that it holds), and which split of it."""


@dataclass(frozen=True)
class Form:
    """One way to write annotations down.

    Attributes:
        name: short name, for reports.
        datasets: data sets that come in this form.
        description: how the published files are called and who uses them.
        recognise: whether a file is in this form and holds one of these data sets, told by its content.
        read: reads one file; None where that takes more than a file and a vocabulary (see `load`).
        every_split: whether one file holds every split.
    """

    name: str
    datasets: tuple[str, ...]
    description: str
    recognise: Callable[[Source], bool]
    read: Reader | None = None
    every_split: bool = False


def _is_own(source: Source) -> bool:
    if source.kind == "parquet":
        return not is_hub(source)
    line = source.first_line
    annotates = isinstance(line, dict) and "boxes" in line and "labels" in line
    return source.kind == "json" and annotates and "scores" not in line  # scores: predictions


def _is_generated(source: Source) -> bool:
    line = source.first_line
    return _is_own(source) and isinstance(line, dict) and "scene" in line and "sha256" in line


def _read_generated(source: Source, vocabulary: Vocabulary | None, split: str) -> InteractionTable:
    from interplay.formats import read

    table = read(source.path, vocabulary)
    if table.unlabelled is None:  # of everybody there it is known what they do
        table.unlabelled = np.zeros(len(table.boxes), bool)
    return table


def _named(read: Callable[[Source, Vocabulary, str], InteractionTable]) -> Reader:
    """A reader of a form whose files hold no names."""

    def checked(source: Source, vocabulary: Vocabulary | None, split: str) -> InteractionTable:
        assert vocabulary is not None  # of a published data set
        return read(source, vocabulary, split)

    return checked


def _read_own_pairs(source: Source, vocabulary: Vocabulary | None, split: str) -> InteractionTable:
    is_hico = pair_lists.is_hico_form(source)
    read = pair_lists.read_hico_pairs if is_hico else pair_lists.read_vcoco_pairs
    return read(source, vocabulary)


GENERATED = Form(
    "generated",
    ("generated",),
    "annotations.jsonl, as 'interplay synthesize' writes it",
    _is_generated,
    _read_generated,
)
OWN = Form(
    "own",
    ("hico-det", "v-coco", "pastanet-hoi", "hoi-a", "vidhoi", "own"),
    "JSON Lines or Parquet as interplay writes them (see the docs, Your own data)",
    _is_own,
)
VCOCO_ACTIONS = Form(
    "vcoco-actions",
    ("v-coco",),
    "vcoco_{train,val,trainval,test}.json, official, with COCO's instances files beside it",
    vcoco.is_vcoco_actions,
)
OWN_NUMBERS = Form(
    "own-hoia",
    ("own",),
    "the form of trainval_hico.json with classes of your own, which the vocabulary (--vocabulary FILE) names",
    hoia.is_hoia,
    lambda source, vocabulary, split: hoia.read_own_hoia(source, vocabulary),
)
HAKE = Form(
    "hake",
    ("hico-det", "pastanet-hoi"),
    "hico-det-training-set-instance-level.json, hake_large_annotation.json (HAKE)",
    hake.is_hake,
    _named(lambda source, vocabulary, split: hake.read_hake(source, vocabulary)),
)
FORMS: tuple[Form, ...] = (
    GENERATED,
    Form(
        "hico-mat",
        ("hico-det",),
        "anno_bbox.mat, official",
        hico_mat.is_hico_mat,
        _named(hico_mat.read_hico_mat),
        every_split=True,
    ),
    Form(
        "hico-pairs",
        ("hico-det",),
        "instances_{train,test}2015.json (SCG, UPT, PViC)",
        pair_lists.is_hico_pairs,
        lambda source, vocabulary, split: pair_lists.read_hico_pairs(source, vocabulary),
    ),
    Form(
        "hico-hoia",
        ("hico-det",),
        "trainval_hico.json, test_hico.json (PPDM, QPIC, CDN, GEN-VLKT)",
        hoia.is_hico_hoia,
        _named(lambda source, vocabulary, split: hoia.read_hico_hoia(source, vocabulary)),
    ),
    HAKE,
    VCOCO_ACTIONS,
    Form(
        "vcoco-hoia",
        ("v-coco",),
        "trainval_vcoco.json, test_vcoco.json (QPIC, CDN, GEN-VLKT)",
        hoia.is_vcoco_hoia,
        _named(lambda source, vocabulary, split: hoia.read_vcoco_hoia(source, vocabulary)),
    ),
    Form(
        "vcoco-pairs",
        ("v-coco",),
        "instances_vcoco_{trainval,test}.json (SCG, UPT, PViC); pairs with an object only",
        pair_lists.is_vcoco_pairs,
        lambda source, vocabulary, split: pair_lists.read_vcoco_pairs(source, vocabulary),
    ),
    Form(
        "hoi-a",
        ("hoi-a",),
        "trainval_hoia.json, test_hoia.json (PPDM, AS-Net)",
        hoia.is_hoi_a,
        _named(lambda source, vocabulary, split: hoia.read_hoi_a(source, vocabulary)),
    ),
    Form(
        "vidhoi",
        ("vidhoi",),
        "train_frame_annots.json, val_frame_annots.json (ST-HOI)",
        vidhoi.is_vidhoi,
        _named(lambda source, vocabulary, split: vidhoi.read_vidhoi(source, vocabulary)),
    ),
    Form(
        "vidhoi-results",
        ("vidhoi",),
        "all_results_vidor_*.json, results of the published code, which hold the annotations, too (ST-HOI)",
        vidhoi.is_vidhoi_results,
        _named(lambda source, vocabulary, split: vidhoi.read_vidhoi_result_annotations(source, vocabulary)),
        every_split=True,
    ),
    OWN_NUMBERS,
    Form(
        "own-pairs",
        ("own",),
        "the form of instances_train2015.json or instances_vcoco_test.json with names of your own",
        lambda source: pair_lists.is_hico_form(source) or pair_lists.is_vcoco_form(source),
        _read_own_pairs,
    ),
    Form(
        "own-tool",
        ("own",),
        "Label Studio's JSON, COCO's JSON with rel_annotations, odgt with interactions; CVAT's XML, LabelMe's and "
        "FiftyOne's JSON and Parquet of objects and relations, as 'interplay datasets convert --to' writes them",
        tools.has_interactions,
        lambda source, vocabulary, split: tools.read_tool(source, vocabulary),
    ),
    OWN,
)
"""All forms; of those of one data set, the one with the most information first."""


def recognise(source: Source, dataset: str | None = None) -> Form | None:
    """The form of a file, or None; of the forms that fit, the first one that `dataset` comes in."""
    for form in FORMS:
        if (dataset is None or dataset in form.datasets) and form.recognise(source):
            return form
    return None


def is_coco_instances(source: Source) -> bool:
    """Whether this is a COCO instances file, which V-COCO's own form needs."""
    return coco.is_coco_instances(source)


def accepted(dataset: str) -> str:
    """The accepted forms of a data set as an indented list, for error messages."""
    return "\n".join(f"  - {form.description}" for form in FORMS if dataset in form.datasets)
