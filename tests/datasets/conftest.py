"""A tiny HICO-DET and a tiny V-COCO, written in every form in which the real ones circulate."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.io import savemat

from interplay import Vocabulary
from interplay.vocabulary import COCO_91_IDS

Box = tuple[int, int, int, int]


@dataclass
class HicoImage:
    """One image as the official file has it: boxes counted from 1; (verb, object) -> pairs, none if invisible."""

    file: str
    size: tuple[int, int]
    pairs: dict[tuple[str, str], list[tuple[Box, Box]]] = field(default_factory=dict)


RIDER, OTHER, BICYCLE, BENCH = (11, 21, 61, 121), (101, 21, 151, 121), (5, 60, 90, 140), (100, 90, 200, 140)


def hico_images(split: str) -> list[HicoImage]:
    return [
        HicoImage(
            f"HICO_{split}2015_00000001.jpg",
            (320, 240),
            {
                ("hold", "bicycle"): [(RIDER, BICYCLE), (OTHER, BICYCLE)],
                ("ride", "bicycle"): [(RIDER, BICYCLE)],
                ("sit on", "bench"): [(OTHER, BENCH), (OTHER, BENCH)],
                ("wash", "bicycle"): [],
            },
        ),
        HicoImage(f"HICO_{split}2015_00000002.jpg", (640, 480), {("carry", "umbrella"): []}),
        HicoImage(f"HICO_{split}2015_00000003.jpg", (100, 50), {("hug", "person"): [(RIDER, OTHER), (OTHER, RIDER)]}),
    ]


def interaction_number(verb: str, object: str) -> int:
    return Vocabulary.load("hico-det").interaction_index(verb, object)


def by_class(image: HicoImage) -> list[tuple[tuple[str, str], list[tuple[Box, Box]]]]:
    """In the order of the official files: by class."""
    return sorted(image.pairs.items(), key=lambda item: interaction_number(*item[0]))


def write_mat(path: Path) -> None:
    """``anno_bbox.mat`` with the nested structures of the official one."""

    def boxes(values: list[Box]) -> Any:
        if not values:
            return np.zeros((0, 0))
        rows = np.zeros((1, len(values)), [(name, object) for name in ("x1", "x2", "y1", "y2")])
        for i, (x1, y1, x2, y2) in enumerate(values):
            rows[0, i] = (x1, x2, y1, y2)
        return rows

    def structure(images: list[HicoImage]) -> Any:
        rows = np.zeros((1, len(images)), [(name, object) for name in ("filename", "size", "hoi")])
        for i, image in enumerate(images):
            fields = ("id", "bboxhuman", "bboxobject", "connection", "invis")
            hois = np.zeros((1, len(image.pairs)), [(name, object) for name in fields])
            for k, (name, pairs) in enumerate(by_class(image)):
                humans, objects = list(dict.fromkeys(h for h, _ in pairs)), list(dict.fromkeys(o for _, o in pairs))
                connection = [(humans.index(h) + 1, objects.index(o) + 1) for h, o in pairs]
                hois[0, k] = (
                    interaction_number(*name) + 1,
                    boxes(humans),
                    boxes(objects),
                    np.array(connection, np.uint8).reshape(-1, 2) if pairs else np.zeros((0, 0)),
                    int(not pairs),
                )
            size = {"width": image.size[0], "height": image.size[1], "depth": 3}
            rows[0, i] = (image.file, size, hois)
        return rows

    actions = [[f"{v} {o}"] for v, o in [("adjust", "tie")]]
    savemat(
        path,
        {
            "bbox_train": structure(hico_images("train")),
            "bbox_test": structure(hico_images("test")),
            "list_action": np.array(actions, object),
        },
    )


def write_hico_pairs(path: Path, split: str) -> None:
    """``instances_*2015.json``: objects in alphabetical order, boxes as in the official file."""
    vocabulary = Vocabulary.load("hico-det")
    objects = sorted(name.replace(" ", "_") for name in vocabulary.objects)
    verbs = [name.replace(" ", "_") for name in vocabulary.verbs]
    annotation = []
    for image in hico_images(split):
        record: dict[str, list] = {"boxes_h": [], "boxes_o": [], "hoi": [], "object": [], "verb": []}
        for (verb, name), pairs in by_class(image):
            for human, target in pairs:
                record["boxes_h"].append(human)
                record["boxes_o"].append(target)
                record["hoi"].append(interaction_number(verb, name))
                record["object"].append(objects.index(name.replace(" ", "_")))
                record["verb"].append(verbs.index(verb.replace(" ", "_")))
        annotation.append(record)
    content = {
        "annotation": annotation,
        "filenames": [image.file for image in hico_images(split)],
        "objects": objects,
        "verbs": verbs,
        "size": [image.size for image in hico_images(split)],
    }
    path.write_text(json.dumps(content))


def write_hico_hoia(path: Path, split: str) -> None:
    """``test_hico.json`` (boxes from 1) and ``trainval_hico.json`` (from 0, with ``hoi_category_id``)."""
    vocabulary = Vocabulary.load("hico-det")
    less = 0 if split == "test" else 1
    records = []
    for image in hico_images(split):
        boxes: list[tuple[Box, int]] = []
        hois = []
        for (verb, name), pairs in by_class(image):
            for human, target in pairs:
                entry: dict[str, int] = {}
                for key, box, label in (("subject_id", human, 0), ("object_id", target, vocabulary.object_index(name))):
                    known = (tuple(v - less for v in box), COCO_91_IDS[label])
                    if known not in boxes:
                        boxes.append(known)  # type: ignore[arg-type]
                    entry[key] = boxes.index(known)  # type: ignore[arg-type]
                entry["category_id"] = vocabulary.verb_index(verb) + 1
                if split != "test":
                    entry["hoi_category_id"] = interaction_number(verb, name) + 1
                hois.append(entry)
        if hois or split == "test":
            annotations = [{"bbox": box, "category_id": category} for box, category in boxes]
            records.append({"file_name": image.file, "annotations": annotations, "hoi_annotation": hois})
    path.write_text(json.dumps(records))


def write_hake(path: Path) -> None:
    """HAKE's instance-level file of the training split."""
    content = {}
    for image in hico_images("train"):
        labels = [
            {
                "hoi_id": interaction_number(*name) + 1,
                "human_bbox": human,
                "object_bbox": target,
                "width": image.size[0],
                "height": image.size[1],
            }
            for name, pairs in by_class(image)
            for human, target in pairs
        ]
        content[image.file] = {"dataset": "hico-det", "path_prefix": "images/train2015", "labels": labels}
    path.write_text(json.dumps(content))


# V-COCO: two images; id -> (image, COCO category, x, y, width, height)
COCO_IMAGES = {7: ("COCO_val2014_000000000007.jpg", 300, 200), 42: ("COCO_val2014_000000000042.jpg", 200, 100)}
COCO_BOXES: dict[int, tuple[int, int, list[float]]] = {
    101: (42, 1, [10, 10, 50, 80]),  # labelled: sits on 103, eats something unseen with 105
    102: (42, 1, [120.5, 5, 100, 90]),  # not labelled; reaches beyond the image
    103: (42, 62, [5, 60, 70, 35]),  # chair
    104: (42, 1, [30, 30, 1, 20]),  # too thin to be used
    105: (42, 48, [40, 40, 10, 10]),  # fork
    106: (7, 1, [0, 0, 100, 200]),  # labelled: stands, throws 107
    107: (7, 37, [120, 30, 20, 20]),  # sports ball
    108: (7, 1, [150, 20, 90, 150]),  # labelled, does nothing
}
LABELLED = (101, 106, 108)
ACTIONS: dict[str, tuple[list[str], dict[int, list[int]]]] = {
    "stand": ([], {106: []}),
    "sit": (["instr"], {101: [103]}),
    "eat": (["obj", "instr"], {101: [0, 105]}),
    "throw": (["obj"], {106: [107]}),
    "run": ([], {}),
}


def write_coco(path: Path, images: tuple[int, ...] = (7, 42)) -> None:
    content = {
        "info": {},
        "images": [
            {"id": i, "file_name": COCO_IMAGES[i][0], "width": COCO_IMAGES[i][1], "height": COCO_IMAGES[i][2]}
            for i in images
        ],
        "annotations": [
            {"id": i, "image_id": image, "category_id": category, "bbox": box, "area": box[2] * box[3], "iscrowd": 0}
            for i, (image, category, box) in COCO_BOXES.items()
            if image in images
        ],
        "categories": [{"id": i, "name": str(i)} for i in COCO_91_IDS],
    }
    path.write_text(json.dumps(content))


def write_vcoco_actions(path: Path, images: tuple[int, ...] = (7, 42)) -> None:
    """V-COCO's own form; `role_object_id` lists one role after the other."""
    people = [i for i in LABELLED if COCO_BOXES[i][0] in images]
    records = []
    for action, (roles, positives) in ACTIONS.items():
        ids = [people, *([positives.get(p, [0] * len(roles))[k] for p in people] for k in range(len(roles)))]
        records.append(
            {
                "image_id": [COCO_BOXES[p][0] for p in people],
                "ann_id": people,
                "role_object_id": [i for row in ids for i in row],
                "label": [int(p in positives) for p in people],
                "action_name": action,
                "role_name": ["agent", *roles],
                "include": [[]] * (len(roles) + 1),
            }
        )
    path.write_text(json.dumps(records))


def write_vcoco_hoia(path: Path) -> None:
    """QPIC's conversion: all of COCO's instances, as they are."""
    vocabulary = Vocabulary.load("v-coco")
    records = []
    for image, (file, _, _) in COCO_IMAGES.items():
        ids = [i for i, (where, _, _) in COCO_BOXES.items() if where == image]
        annotations = []
        for i in ids:
            x, y, w, h = COCO_BOXES[i][2]
            annotations.append({"bbox": [x, y, x + w, y + h], "category_id": COCO_BOXES[i][1]})
        hois = []
        for action, (roles, positives) in ACTIONS.items():
            for person, targets in positives.items():
                if person in ids:
                    verbs = [f"{action}_{role}" for role in roles] or [action]
                    for verb, target in zip(verbs, targets or [0], strict=True):
                        hois.append(
                            {
                                "subject_id": ids.index(person),
                                "object_id": ids.index(target) if target else -1,
                                "category_id": vocabulary.verb_index(verb),
                            }
                        )
        records.append({"file_name": file, "annotations": annotations, "hoi_annotation": hois})
    path.write_text(json.dumps(records))


def write_vcoco_pairs(path: Path) -> None:
    """``instances_vcoco_*.json``: only role-actions with an object."""
    classes = ["sit instr", "eat obj", "eat instr", "throw obj"]
    objects = ["background", *Vocabulary.load("v-coco").objects]
    annotations = []
    for image, (file, _, _) in COCO_IMAGES.items():
        record: dict[str, Any] = {"boxes_h": [], "boxes_o": [], "actions": [], "objects": [], "file_name": file}
        for action, (roles, positives) in ACTIONS.items():
            for person, targets in positives.items():
                for role, target in zip(roles, targets, strict=True):
                    if target and COCO_BOXES[person][0] == image:
                        for key, i in (("boxes_h", person), ("boxes_o", target)):
                            x, y, w, h = COCO_BOXES[i][2]
                            record[key].append([x, y, x + w, y + h])
                        record["actions"].append(classes.index(f"{action} {role}"))
                        record["objects"].append(COCO_91_IDS.index(COCO_BOXES[target][1]) + 1)
        annotations.append(record)
    content = {"annotations": annotations, "classes": classes, "objects": objects, "images": list(COCO_IMAGES)}
    path.write_text(json.dumps(content))


@pytest.fixture
def hico_folder(tmp_path: Path) -> Path:
    """HICO-DET in each form, one folder per form."""
    folder = tmp_path / "hico"
    for name in ("mat", "pairs", "hoia", "hake"):
        (folder / name).mkdir(parents=True)
    write_mat(folder / "mat" / "anno_bbox.mat")
    for split in ("train", "test"):
        write_hico_pairs(folder / "pairs" / f"instances_{split}2015.json", split)
    write_hico_hoia(folder / "hoia" / "test_hico.json", "test")
    write_hico_hoia(folder / "hoia" / "trainval_hico.json", "train")
    write_hake(folder / "hake" / "hico-det-training-set-instance-level.json")
    return folder


@pytest.fixture
def vcoco_folder(tmp_path: Path) -> Path:
    """V-COCO in each form, one folder per form."""
    folder = tmp_path / "vcoco"
    for name in ("official/vcoco", "hoia", "pairs"):
        (folder / name).mkdir(parents=True)
    write_coco(folder / "official" / "instances_vcoco_all_2014.json")
    write_vcoco_actions(folder / "official" / "vcoco" / "vcoco_test.json")
    write_vcoco_actions(folder / "official" / "vcoco" / "vcoco_train.json", (7,))
    write_vcoco_actions(folder / "official" / "vcoco" / "vcoco_val.json", (42,))
    write_vcoco_hoia(folder / "hoia" / "test_vcoco.json")
    write_vcoco_pairs(folder / "pairs" / "instances_vcoco_test.json")
    return folder


@pytest.fixture
def write_coco_file() -> Callable[[Path, tuple[int, ...]], None]:
    """Writes a COCO instances file with some of the images, making its folder."""

    def write(path: Path, images: tuple[int, ...]) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_coco(path, images)

    return write
