"""Whose annotations a file holds. A form tells nothing: people write data of their own in every published one.

A data set is recognised by the names of its images, and by the names of its classes where the file has them. What was
read is checked again: of a published data set at most `MISFIT` of the images may have other names, and at most `MISFIT`
of the interactions may be none of its classes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Literal

import numpy as np

from interplay.datasets.sources import Source
from interplay.errors import InputError
from interplay.ops.image_names import base_name
from interplay.table import InteractionTable
from interplay.vocabulary import Vocabulary, normalise

MISFIT = 0.1
"""Share of the images, and of the interactions, of a file that need not be those of a published data set."""

IMAGE_NAMES: Mapping[str, tuple[re.Pattern[str], str]] = {
    "hico-det": (re.compile(r"HICO_(train|test)2015_\d{8}\.\w+"), "HICO_test2015_00000001.jpg"),
    "v-coco": (re.compile(r"(COCO_\w+_)?\d{12}\.\w+"), "COCO_val2014_000000000042.jpg"),
    "hoi-a": (re.compile(r"(trainval|train|val|test)_\d{6}\.\w+"), "test_000000.png"),
}
"""What the images of a published data set are called, with an example."""

_FILE_NAME = re.compile(rb'"file_name": ?"((?:[^"\\]|\\.)*)"')


def named_like(dataset: str, files: Iterable[str]) -> bool:
    """Whether all but `MISFIT` of some images have names as those of a published data set."""
    given = list(files)
    return bool(given) and len(_other_names(dataset, given)) <= MISFIT * len(given)


def first_file_names(source: Source) -> list[str]:
    """The images that the beginning of a JSON file names."""
    return [name.decode(errors="replace") for name in _FILE_NAME.findall(source.head)]


def same_names(given: Any, expected: Iterable[str]) -> bool:
    """Whether a list from a file holds these names, in any order and spelling."""
    if not isinstance(given, list) or not all(isinstance(name, str) for name in given):
        return False
    return {normalise(name) for name in given} == {normalise(name) for name in expected}


def mostly_known(given: Any, known: Vocabulary, kind: Literal["object", "verb"]) -> bool:
    """Whether a list from a file holds no more names than a vocabulary, and all but `MISFIT` of them are among its."""
    if not isinstance(given, list):
        return False
    names, find = (known.objects, known.find_object) if kind == "object" else (known.verbs, known.find_verb)
    return len(given) <= len(names) and sum(find(name) < 0 for name in given) <= MISFIT * len(given)


def check_content(dataset: str, table: InteractionTable, source: Source) -> None:
    """Whether what was read as a published data set is that.

    Raises:
        InputError: too much is not; says what, and how data of one's own are read.
    """
    cure = "Data of your own, in this form too, are read with --dataset own --vocabulary FILE"
    if dataset in IMAGE_NAMES:
        others = _other_names(dataset, table.files)
        if len(others) > MISFIT * len(table):
            raise InputError(
                f"{source.path} holds other data than {dataset}: {len(others)} of {len(table)} images, such as "
                f"{others[0]!r}, are not named as {dataset}'s ({IMAGE_NAMES[dataset][1]}); at most {MISFIT:.0%} may "
                f"differ. {cure}"
            )
    vocabulary = table.vocabulary
    if len(vocabulary.interactions) and len(table.verb):
        listed = vocabulary.interaction_lookup[table.verb, table.object_labels] >= 0
        # a role without object is no pair, and V-COCO lists pairs only
        unlisted = ~listed & (table.object >= 0)
        if unlisted.sum() > MISFIT * len(table.verb):
            pair = np.stack([table.verb, table.object_labels], 1)[unlisted][:1]
            raise InputError(
                f"{source.path} holds other data than {dataset}: {int(unlisted.sum())} of {len(table.verb)} "
                f"interactions, such as {vocabulary.pair_names(pair)[0]!r}, are none of its classes; at most "
                f"{MISFIT:.0%} may be. {cure}"
            )


def _other_names(dataset: str, files: Iterable[str]) -> list[str]:
    pattern = IMAGE_NAMES[dataset][0]
    return [file for file in files if not pattern.fullmatch(base_name(file))]
