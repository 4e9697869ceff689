"""The annotations that a configuration names: to train on, and to validate on."""

from __future__ import annotations

import hashlib
import warnings
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from interplay.datasets import load_annotations
from interplay.datasets.box_check import usable_boxes
from interplay.datasets.content import MISFIT
from interplay.datasets.image_check import require_images
from interplay.errors import InputError, MissingFileError
from interplay.table import InteractionTable
from interplay.training.inputs import check_data
from interplay.training.sections import DataConfig
from interplay.vocabulary import Vocabulary


@dataclass(frozen=True)
class Tables:
    """Annotations and where their images are.

    Attributes:
        training, validation: may be the same.
        images, validation_images: folders of their images.
    """

    training: InteractionTable
    validation: InteractionTable
    images: Path
    validation_images: Path

    def record(self) -> dict[str, Any]:
        """What a weights file says about the data."""
        return {"training": fingerprint(self.training), "validation": fingerprint(self.validation)}

    def check_images(self) -> None:
        """Whether the images of both splits are there; see `require_images`.

        Raises:
            InputError: too many are not.
        """
        require_images(self.training, self.images, "data.images")
        if self.validation is not self.training:
            require_images(self.validation, self.validation_images, "data.images")


def load_tables(data: DataConfig) -> Tables:
    """Read what is trained and validated on; see `DataConfig`.

    Raises:
        InputError: no root, or nothing annotated.
        MissingFileError: nothing there, or not the split that is asked for.
    """
    tables = _tables(data)
    if not len(tables.validation.verb):
        warnings.warn(
            f"the {len(tables.validation)} images to validate on hold no interaction: there will be no score, and "
            "best.safetensors will hold the weights of the last epoch. Give --data.validation_root FILE with "
            "interactions, a larger --data.holdout such as 0.3, or --data.holdout 0 to validate on the training images",
            stacklevel=2,
        )
    return tables


def _tables(data: DataConfig) -> Tables:
    training, images = load_training_table(data)
    assert data.root is not None  # or that would have raised
    if data.validation_root is not None:
        validation = load_annotations(
            data.dataset, data.validation_root, data.validation or "val", training.vocabulary, data.keypoints
        )
        return Tables(training, validation, images, data.images or _folder(data.validation_root))
    if data.validation is not None:
        try:
            validation = load_annotations(data.dataset, data.root, data.validation, training.vocabulary, data.keypoints)
        except MissingFileError as error:
            raise MissingFileError(
                f"{error}\nTo validate on a tenth of the training images instead, give --data.validation null "
                "--data.holdout 0.1"
            ) from None
        return Tables(training, validation, images, images)
    if not data.holdout:
        return Tables(training, training, images, images)
    held_out = held_out_images(training.files, data.holdout)
    parts = training.select(np.flatnonzero(~held_out)), training.select(np.flatnonzero(held_out))
    if not all(map(len, parts)):
        raise InputError(
            f"holding out {data.holdout:.0%} of {len(training)} images leaves {len(parts[0])} to train on and "
            f"{len(parts[1])} to validate on: give --data.validation_root FILE, or --data.holdout 0 to validate on the "
            "training images"
        )
    return Tables(*parts, images, images)


def load_training_table(data: DataConfig, section: str = "data") -> tuple[InteractionTable, Path]:
    """All that is annotated to train on, and the folder of the images.

    Args:
        data: which data set.
        section: where `data` stands in the configuration, for the errors.

    Raises:
        InputError: no root, or nothing annotated.
        MissingFileError: nothing there.
    """
    check_data(data, section)
    assert data.root is not None  # checked
    vocabulary = Vocabulary.load(data.vocabulary) if data.vocabulary is not None else None
    training = load_annotations(data.dataset, data.root, data.train, vocabulary, data.keypoints)
    _check_people(training, data.root)
    if data.unlabelled == "negative":
        training = training.with_columns(unlabelled=None)
    if data.dataset == "own":
        training = usable_boxes(training)
    if not len(training):
        raise InputError(f"{data.root} holds no annotated image to train on (--{section}.root)")
    if not len(training.verb):
        raise InputError(
            f"the {len(training)} images of {data.root} hold no interaction, so there is nothing to learn "
            f"(--{section}.root)"
        )
    if not len(training.vocabulary.interactions):
        training = replace(training, vocabulary=listing_what_occurs(training))
    return training, data.images or _folder(data.root)


def _check_people(table: InteractionTable, root: Path) -> None:
    """Whether those who act are people, as far as their boxes are labelled.

    Raises:
        InputError: the vocabulary has no people, or more than `MISFIT` of the humans are labelled as something else.
    """
    person = table.vocabulary.require_person("training")
    labels = table.labels[table.human_rows]
    others = labels[labels != person]
    if len(others) > MISFIT * len(labels):
        name = table.vocabulary.objects[np.bincount(others).argmax()]
        raise InputError(
            f"{root}: in {len(others)} of {len(labels)} interactions the human is labelled as another object than "
            f"{table.vocabulary.objects[person]!r} (mostly {name!r}). Correct the annotations, or give a vocabulary "
            f'file with the object that people are: "human": "{name}"'
        )


def listing_what_occurs(table: InteractionTable) -> Vocabulary:
    """The vocabulary of annotations with the interactions that occur in them, most networks' classes."""
    pairs = np.unique(np.stack([table.verb, table.object_labels], 1), axis=0)
    return replace(table.vocabulary, interactions=pairs.astype(np.int64))


def held_out_images(files: list[str], share: float) -> np.ndarray:
    """(I,) bool: which images are held out, by their names, so that it is the same ones whatever their order."""
    digests = [hashlib.sha256(name.encode()).digest() for name in files]
    return np.array([int.from_bytes(d[:4], "big") / 2**32 for d in digests]) < share


def fingerprint(table: InteractionTable) -> dict[str, Any]:
    """Size and content hash of annotations."""
    content = hashlib.sha256()
    content.update("\n".join(table.files).encode())
    for column in (table.boxes, table.labels, table.human, table.object, table.verb):
        content.update(np.ascontiguousarray(column).tobytes())
    return {
        "images": len(table),
        "interactions": int((table.object >= 0).sum()),
        "sha256": content.hexdigest(),
    }


def _folder(root: Path) -> Path:
    return root if root.is_dir() else root.parent
