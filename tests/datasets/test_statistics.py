"""Counting what annotations hold."""

from __future__ import annotations

import json
from pathlib import Path

from interplay import Vocabulary, load_annotations
from interplay.datasets import statistics
from interplay.table import InteractionTable


def test_hico_counts(hico_folder: Path) -> None:
    counts = statistics(load_annotations("hico-det", hico_folder / "mat"))
    assert (counts.images, counts.images_without_interactions) == (3, 1)
    assert (counts.boxes, counts.people, counts.acting_people) == (6, 4, 4)
    assert counts.interactions == 7
    assert counts.pairs == 5  # holding and riding is one pair, so is the bench that is annotated twice
    assert counts.image_labels == 2
    assert counts.unlabelled_people is None
    assert counts.people_per_image == (1, 0, 2)
    assert {k: v for k, v in counts.per_verb.items() if v} == {"hold": 2, "hug": 2, "ride": 1, "sit on": 2}
    assert {k: v for k, v in counts.per_object.items() if v} == {"person": 2, "bicycle": 3, "bench": 2}
    assert {k: v for k, v in counts.boxes_per_object.items() if v} == {"person": 4, "bicycle": 1, "bench": 1}
    assert len(counts.per_interaction) == 600
    assert counts.per_interaction["sit on bench"] == 2
    assert counts.groups["no_interaction"] == (80, 0)
    assert sum(counts.groups[name][1] for name in ("rare", "non_rare")) == 7


def test_vcoco_counts(vcoco_folder: Path) -> None:
    counts = statistics(load_annotations("v-coco", vcoco_folder / "official"))
    assert counts.unlabelled_people == 1
    assert (counts.people, counts.acting_people) == (4, 2)
    assert (counts.interactions, counts.without_object, counts.pairs) == (5, 2, 3)


def test_an_own_vocabulary_counts_what_occurs(vcoco_folder: Path) -> None:
    table = load_annotations("v-coco", vcoco_folder / "official")
    names = Vocabulary.from_names(table.vocabulary.objects, table.vocabulary.verbs)
    table.vocabulary = names
    counts = statistics(table)
    assert counts.per_interaction == {"stand": 1, "sit chair": 1, "eat": 1, "eat with fork": 1, "throw sports ball": 1}
    assert counts.not_listed == 0


def test_nothing_can_be_counted() -> None:
    counts = statistics(InteractionTable.from_list([], Vocabulary.load("hico-det")))
    assert (counts.images, counts.boxes, counts.interactions, counts.pairs) == (0, 0, 0, 0)
    assert json.dumps(counts.to_dict())
