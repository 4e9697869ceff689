"""Which people and objects of generated scenes a training of contact learns from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from interplay.body.contact import Contact
from interplay.table import InteractionTable


@dataclass(frozen=True)
class ScenePair:
    """A person and an object of a picture.

    Attributes:
        image: number of the picture in its table.
        human, object: numbers of their boxes.
        verbs: what the person is annotated to do with it.
        contact: where they touch; None for a pair that does not.
    """

    image: int
    human: int
    object: int
    verbs: tuple[int, ...] = ()
    contact: Contact | None = None

    @property
    def vertices(self) -> NDArray[np.int64]:
        """Of the body, in contact."""
        return np.zeros(0, np.int64) if self.contact is None else self.contact.body_vertices


def scene_pairs(
    table: InteractionTable, contacts: Sequence[Sequence[Contact]], negatives: float, seed: int
) -> list[ScenePair]:
    """All pairs that touch, those that are annotated to do something without touching (to look at, to point at), and
    then a sample of the others, which do not touch; of people who are marked as not labelled none is taken.

    Args:
        table: annotations of generated scenes.
        contacts: of `read_contacts`.
        negatives: how many of the others for each pair that touches.
        seed: which ones.
    """
    chosen: list[ScenePair] = []
    others: list[ScenePair] = []
    person = table.vocabulary.person
    for number, (image, found) in enumerate(zip(table, contacts, strict=True)):
        touching = {(each.human, each.object): each for each in found if each.object is not None}
        acting: dict[tuple[int, int], list[int]] = {}
        for human, thing, verb in zip(
            *(each.tolist() for each in (image.human, image.object, image.verb)), strict=True
        ):
            if thing >= 0:
                acting.setdefault((human, thing), []).append(verb)
        for human in np.flatnonzero(image.labels == person).tolist():
            for thing in np.flatnonzero(image.labels != person).tolist():
                pair = (human, thing)
                if pair in touching or pair in acting:
                    chosen.append(ScenePair(number, *pair, tuple(acting.get(pair, ())), touching.get(pair)))
                elif image.unlabelled is None or not image.unlabelled[human]:
                    others.append(ScenePair(number, *pair))
    wanted = min(len(others), round(negatives * sum(1 for each in chosen if len(each.vertices))))
    sample = np.sort(np.random.default_rng(seed).permutation(len(others))[:wanted])
    return [*chosen, *(others[place] for place in sample)]
