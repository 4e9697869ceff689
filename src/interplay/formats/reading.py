"""What a reader of result files has to say beside the content."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from interplay.errors import some_of
from interplay.vocabulary import BUILT_IN, Vocabulary

Numbering = Literal["verbs", "classes"]
"""What interaction numbers of a query detector's ``.json`` count: ``verbs``, or ``classes`` (a verb with an object)."""

OwnNames = Literal["own"]
OWN_NAMES: OwnNames = "own"
"""In place of a vocabulary: the names in the file, whatever else knows them. A vocabulary made so has this name, and
the order of its names means nothing."""


@dataclass
class Reading:
    """What happened while a result file was read; readers fill it.

    Attributes:
        notes: sentences about what was left out or merged, for the user.
        absent_files: files that should be there and are not.
        absent_classes: interaction classes that they would hold.
    """

    notes: list[str] = field(default_factory=list)
    absent_files: list[str] = field(default_factory=list)
    absent_classes: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))

    @property
    def absence(self) -> str:
        """A sentence that names the missing files."""
        files = f"{len(self.absent_files)} result file{'s' * (len(self.absent_files) > 1)}"
        return f"{files} missing: {some_of(self.absent_files)}."


def own_names(vocabulary: Vocabulary) -> Vocabulary:
    """A built-in vocabulary reduced to names: without its interactions, groups and roles. Another one stays."""
    if vocabulary.name not in BUILT_IN or vocabulary != Vocabulary.load(vocabulary.name):
        return vocabulary
    records = tuple(replace(record, action=None, role=None) for record in vocabulary.verb_records)
    return Vocabulary(OWN_NAMES, vocabulary.objects, records)
