"""TIN's training pairs -> images with boxes that are there once, and interactions between them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from interplay.errors import InputError
from interplay.interactions import Interactions
from interplay.table import InteractionTable
from interplay.vocabulary import Vocabulary

VCOCO_ACTIONS = (
    "surf_instr", "ski_instr", "cut_instr", "walk", "cut_obj", "ride_instr", "talk_on_phone_instr", "kick_obj",
    "work_on_computer_instr", "eat_obj", "sit_instr", "jump_instr", "lay_instr", "drink_instr", "carry_obj",
    "throw_obj", "eat_instr", "smile", "look_obj", "hit_instr", "hit_obj", "snowboard_instr", "run", "point_instr",
    "read_obj", "hold_obj", "skateboard_instr", "stand", "catch_obj",
)  # fmt: skip
"""V-COCO's 29 action-roles in the order of iCAN's and TIN's class numbers, by their official names.

That 14 is carry, 18 look, 23 point and 25 hold is inferred; the published code confirms the others."""

UNKNOWN = "object"
"""What an object is called whose class a file does not tell."""


@dataclass(frozen=True)
class PairRecord:
    """A person and an object.

    Attributes:
        file: the image.
        classes: numbers of interactions (HICO-DET, 0..599) or of action-roles (V-COCO, see `VCOCO_ACTIONS`).
        motions: V-COCO's numbers of all that the person does.
        human, object: (4,) boxes; not finite where there is no object.
        pose: (17, 3), NaN where unknown.
    """

    file: str
    classes: tuple[int, ...]
    motions: tuple[int, ...]
    human: NDArray[np.float32]
    object: NDArray[np.float32]
    pose: NDArray[np.float32]


def vcoco_with_unknown_object() -> Vocabulary:
    """V-COCO's verbs, and its objects with one more for those whose class is not known."""
    plain = Vocabulary.load("v-coco")
    return Vocabulary.from_names([*plain.objects, UNKNOWN], plain.verbs, name="v-coco-unknown-object")


def collect_pairs(pairs: Iterable[PairRecord], vocabulary: Vocabulary) -> InteractionTable:
    """One image for all pairs of a file, with every box once; images in the order of their first pair.

    Raises:
        InputError: a class number that the vocabulary does not have.
    """
    images: dict[str, _Image] = {}
    for pair in pairs:
        images.setdefault(pair.file, _Image(vocabulary)).add(pair)
    return InteractionTable.from_list([image.interactions(file) for file, image in images.items()], vocabulary)


class _Image:
    """The boxes and interactions of an image, as they come in."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self.vocabulary = vocabulary
        self.boxes: dict[tuple[float, ...], int] = {}  # label and corners -> index
        self.poses: list[NDArray[np.float32]] = []
        self.triplets: dict[tuple[int, int, int], None] = {}  # human, verb, object; ordered

    def add(self, pair: PairRecord) -> None:
        person = self._box(self.vocabulary.person, pair.human, pair.pose)
        for verb, label in self._meanings(pair):
            object = -1
            if label is not None and np.isfinite(pair.object).all():
                object = self._box(label, pair.object)
            self.triplets[person, verb, object] = None

    def _meanings(self, pair: PairRecord) -> list[tuple[int, int | None]]:
        """Verb and object class (None: no object) of each of a pair's class numbers."""
        own = self.vocabulary
        if own.objects[-1] != UNKNOWN:
            classes = [_within(number, len(own.interactions)) for number in pair.classes]
            return [(int(verb), int(label)) for verb, label in own.interactions[classes].tolist()]
        roles = [_verb(number, own) for number in pair.classes]
        motions = [_verb(number, own) for number in pair.motions]
        records = Vocabulary.load("v-coco").verb_records
        with_role = [(verb, len(own.objects) - 1) for verb in roles if records[verb].role is not None]
        alone = dict.fromkeys(verb for verb in (*roles, *motions) if records[verb].role is None)
        return [*with_role, *((verb, None) for verb in alone)]

    def _box(self, label: int, corners: NDArray[np.float32], pose: NDArray[np.float32] | None = None) -> int:
        key = (label, *corners.tolist())
        if key not in self.boxes:
            self.boxes[key] = len(self.boxes)
            self.poses.append(np.full((17, 3), np.nan, np.float32))
        index = self.boxes[key]
        if pose is not None and np.isnan(self.poses[index]).all():
            self.poses[index] = pose
        return index

    def interactions(self, file: str) -> Interactions:
        keys = np.array(list(self.boxes), np.float64).reshape(-1, 5)
        human, verb, object = np.array(list(self.triplets), np.int64).reshape(-1, 3).T
        return Interactions(
            boxes=keys[:, 1:].astype(np.float32),
            labels=keys[:, 0].astype(np.int64),
            human=human,
            object=object,
            verb=verb,
            vocabulary=self.vocabulary,
            keypoints=np.array(self.poses, np.float32).reshape(-1, 17, 3),
            file=file,
            scored=False,
        )


def _verb(number: int, vocabulary: Vocabulary) -> int:
    official = VCOCO_ACTIONS[_within(number, len(VCOCO_ACTIONS))]
    return Vocabulary.load("v-coco").official_verbs.index(official)


def _within(number: int, count: int) -> int:
    if not 0 <= number < count:
        raise InputError(f"class numbers must be 0..{count - 1}, got {number}")
    return number
