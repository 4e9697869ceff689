"""V-COCO's result file: a pickle of one dict per detected person.

``{"image_id": 165, "person_box": [x1, y1, x2, y2], "hit_agent": 0.9, "hit_instr": [x1, y1, x2, y2, 0.8], ...}``.
A pickle can run code when it is opened; this one is read by `containers.pickles`, which makes plain data only.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from interplay.containers.pickles import load_plain_pickle
from interplay.errors import InputError
from interplay.formats.vcoco_detections import VcocoDetections
from interplay.vocabulary import Vocabulary


def read_vcoco_pickle(path: Path, vocabulary: Vocabulary | None = None) -> VcocoDetections:
    """Read a result file in the form that V-COCO's official evaluation takes.

    A key that a row does not have, None and NaN mean "no score". (UPT writes rows of a class of its own, for which
    the official code reads missing keys as score 0; such entries stand behind all real ones and are left out here.)

    Raises:
        InputError: not a pickle, it holds more than plain data, or rows that do not fit; says which.
    """
    vocabulary = vocabulary or Vocabulary.load("v-coco")
    rows = load_plain_pickle(path)
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise InputError(f"{path}: expected a list of dicts, one per detected person, got {type(rows).__name__}")
    for i, row in enumerate(rows):
        for key in ("image_id", "person_box"):
            if key not in row:
                raise InputError(f"{path}: row {i} has no {key!r}")
    names = [_image_name(row["image_id"], f"{path}: row {i}") for i, row in enumerate(rows)]
    images = {name: i for i, name in enumerate(dict.fromkeys(names))}

    agents: list[tuple[NDArray[np.int64], int, NDArray[np.float32]]] = []
    for index, action in enumerate(vocabulary.actions):
        person, values = _column(rows, f"{action.replace(' ', '_')}_agent", 1, path)
        agents.append((person, index, values[:, 0]))
    roles: list[tuple[NDArray[np.int64], int, NDArray[np.float32]]] = []
    for index, record in enumerate(vocabulary.verb_records):
        if record.role is not None:
            person, values = _column(rows, vocabulary.official_verbs[index], 5, path)
            roles.append((person, index, values))
    if rows and not any(len(person) for person, _, _ in agents + roles):
        raise InputError(f"{path}: no row has a score such as 'hold_agent' or 'hold_obj'; keys: {sorted(rows[0])[:6]}")
    role_values = np.concatenate([np.zeros((0, 5), np.float32), *(values for _, _, values in roles)])
    return VcocoDetections(
        vocabulary=vocabulary,
        images=list(images),
        person_image=np.array([images[name] for name in names], np.int64),
        person_box=_numbers([row["person_box"] for row in rows], 4, f"{path}: 'person_box'"),
        agent_person=_joined([person for person, _, _ in agents]),
        agent_action=_joined([np.full(len(person), index) for person, index, _ in agents]),
        agent_score=np.concatenate([np.zeros(0, np.float32), *(score for _, _, score in agents)]),
        role_person=_joined([person for person, _, _ in roles]),
        role_verb=_joined([np.full(len(person), index) for person, index, _ in roles]),
        role_box=role_values[:, :4],
        role_object=None,
        role_score=role_values[:, 4],
    )


def _joined(parts: list[NDArray[np.int64]]) -> NDArray[np.int64]:
    return np.concatenate([np.zeros(0, np.int64), *parts])


def _column(
    rows: list[dict[str, Any]], key: str, width: int, path: Path
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Rows that have the key, and its numbers."""
    values = [row.get(key) for row in rows]
    there = [i for i, value in enumerate(values) if value is not None]
    return np.array(there, np.int64), _numbers([values[i] for i in there], width, f"{path}: {key!r}")


def _numbers(values: list[Any], width: int, where: str) -> NDArray[np.float32]:
    if not values:
        return np.zeros((0, width), np.float32)
    wanted = f"{where} must hold {width} number{'s' * (width > 1)}"
    try:
        array = np.array(values, np.float32).reshape(len(values), -1)
    except (TypeError, ValueError) as error:
        raise InputError(f"{wanted} in every row: {error}") from None
    if array.shape[1] != width:
        raise InputError(f"{wanted}, got {array.shape[1]}")
    return array


def _image_name(value: Any, where: str) -> str:
    if isinstance(value, str):
        return value
    try:
        return str(int(value))
    except (TypeError, ValueError):
        raise InputError(f"{where}: 'image_id' must be a number, got {value!r}") from None
