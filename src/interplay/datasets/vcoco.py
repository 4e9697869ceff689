"""V-COCO's own form: one record per action, boxes by annotation id in COCO's instances files.

``vcoco_{train,val,trainval,test}.json`` is a list of 26 actions, each with ``image_id``, ``ann_id``, ``label``
(lists over the same people), ``role_name`` and ``role_object_id`` (roles after one another; 0 is "no object").
V-COCO (Gupta and Malik, arXiv 1505.04474), github.com/s-gupta/v-coco.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from interplay.containers.guard import locating
from interplay.datasets.builder import TableBuilder
from interplay.datasets.coco import CocoImage, read_coco_images
from interplay.datasets.sources import Source
from interplay.errors import InputError
from interplay.table import InteractionTable
from interplay.vocabulary import Vocabulary, coco_80_index


@dataclass(frozen=True)
class _Action:
    """One action's labels: `verbs` (R,), `people` (P,) annotation ids, `label` (P,), `roles` (R, P) ids, 0 = none.

    A body motion has one verb and a row of zeros as its only role.
    """

    verbs: list[int]
    images: NDArray[np.int64]
    people: NDArray[np.int64]
    label: NDArray[np.int64]
    roles: NDArray[np.int64]


def is_vcoco_actions(source: Source) -> bool:
    """Whether this is V-COCO's own form."""
    return source.head.lstrip().startswith(b"[") and source.mentions("image_id", "ann_id")


def read_vcoco_actions(
    sources: Iterable[Source], coco: Iterable[Source], vocabulary: Vocabulary, with_ids: bool = False
) -> InteractionTable:
    """V-COCO with everything its official evaluation uses.

    Images come in order of their ids. Every instance of COCO is a box, in COCO's order; people whom V-COCO did
    not label are `unlabelled`. A positive label of an action gives one triplet per role, without object where the
    role has none, or one without a usable box; triplets of an image are in the order actions, people, roles.

    Args:
        sources: one file, or several that together make the split (train and val).
        coco: COCO's instances files, tried in order.
        with_ids: keep COCO's ids of the instances (``coco_id``).

    Raises:
        InputError: a field is missing, or COCO's files lack an image or an instance.
    """
    actions = [action for source in sources for action in _read_actions(source, vocabulary)]
    image_ids = np.unique(np.concatenate([action.images for action in actions]))
    images = read_coco_images(coco, set(image_ids.tolist()))
    labelled = set(np.concatenate([action.people for action in actions]).tolist())
    positives: dict[int, list[tuple[int, int, int]]] = {int(i): [] for i in image_ids}
    for action in actions:
        for p in np.flatnonzero(action.label == 1):
            triplets = positives[int(action.images[p])]
            for verb, role in zip(action.verbs, action.roles[:, p], strict=True):
                triplets.append((int(action.people[p]), verb, int(role)))
    builder = TableBuilder(vocabulary, columns=["unlabelled"])
    for image_id in image_ids.tolist():
        _add_image(builder, image_id, images[image_id], labelled, positives[image_id], with_ids)
    return builder.build()


def _read_actions(source: Source, vocabulary: Vocabulary) -> list[_Action]:
    actions = []
    for i, record in enumerate(source.content):
        with locating(f"{source.path}: action {i}"):
            name, roles = record["action_name"], record["role_name"]
            spelled = [f"{name}_{role}" for role in roles[1:]] or [name]
            images = np.asarray(record["image_id"], np.int64).reshape(-1)
            ids = np.asarray(record["role_object_id"], np.int64).reshape(len(roles), len(images))
            actions.append(
                _Action(
                    verbs=[vocabulary.verb_index(verb) for verb in spelled],
                    images=images,
                    people=np.asarray(record["ann_id"], np.int64).reshape(images.shape),
                    label=np.asarray(record["label"], np.int64).reshape(images.shape),
                    roles=ids[1:] if len(roles) > 1 else np.zeros_like(ids),
                )
            )
    if not actions:
        raise InputError(f"{source.path}: expected V-COCO's list of actions, got an empty one; download the file again")
    return actions


def _add_image(
    builder: TableBuilder,
    image_id: int,
    image: CocoImage,
    labelled: set[int],
    positives: list[tuple[int, int, int]],
    with_ids: bool,
) -> None:
    builder.image(image.file, (image.width, image.height))
    labels = coco_80_index(instance.category for instance in image.instances)
    position: dict[int, int] = {}
    for instance, label in zip(image.instances, labels.tolist(), strict=True):
        with locating(f"image {image_id}: COCO annotation {instance.id}"):
            if label < 0:
                raise InputError(f"category {instance.category} is not one of COCO's 80")
            person = label == builder.vocabulary.person
            unlabelled = person and instance.id not in labelled
            known = {"coco_id": instance.id} if with_ids else {}
            position[instance.id] = builder.instance(instance.box, label, unlabelled=unlabelled, **known)
    for human, verb, role in positives:
        for annotation in (human, role or human):
            if annotation not in position and annotation not in image.unusable:
                raise InputError(
                    f"image {image_id}: annotation {annotation} is not in COCO's file; "
                    "V-COCO belongs to COCO's 2014 annotations"
                )
        if human in position:  # the official evaluation knows nobody without a usable box either
            builder.triplet(position[human], verb, position.get(role, -1))
