"""V-COCO's result file: a pickle of one dict per detected person.

``{"image_id": 165, "person_box": [x1, y1, x2, y2], "hit_agent": 0.9, "hit_instr": [x1, y1, x2, y2, 0.8], ...}``.
A pickle can run code when it is opened; this one is read by `containers.pickles`, which makes plain data only.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from interplay.containers.guard import brief
from interplay.containers.pickles import load_plain_pickle
from interplay.errors import InputError, some_of
from interplay.formats.reading import Reading
from interplay.formats.vcoco_detections import VcocoDetections
from interplay.ops.numbers import finite_rows, whole_number
from interplay.vocabulary import Vocabulary

_KEYS = ("image_id", "person_box")


def read_vcoco_pickle(
    path: Path, vocabulary: Vocabulary | None = None, reading: Reading | None = None
) -> VcocoDetections:
    """Read a result file in the form that V-COCO's official evaluation takes.

    - ``image_id`` is a whole number (7, 7.0, an array of one) or a text: the number, or the image's name.
    - A key that a row does not have, None, an empty list and NaN mean "no score". (UPT writes rows of a class of its
      own, for which the official code reads missing keys as score 0; such entries stand behind all real ones and are
      left out here.)
    - An object box of NaN, None or zeros means "no object". A person box with NaN overlaps nobody, so its scores count
      as false.
    - Rows that repeat another one count again, and keys of no action or role do not, as in the official code.
    - Other numbers must be finite (`interplay.ops.numbers`).

    Args:
        reading: takes notes about such rows and keys.

    Raises:
        InputError: not a pickle, it holds more than plain data, or rows that do not fit; says which.
    """
    vocabulary = vocabulary or Vocabulary.load("v-coco")
    rows = _rows(load_plain_pickle(path), path)
    names = [_image_name(row["image_id"], f"{path}: row {i}: 'image_id'") for i, row in enumerate(rows)]
    images = {name: i for i, name in enumerate(dict.fromkeys(names))}
    person_image = np.array([images[name] for name in names], np.int64)
    person_box = _numbers([row["person_box"] for row in rows], list(range(len(rows))), 4, path, "person_box")

    agents = {f"{action.replace(' ', '_')}_agent": index for index, action in enumerate(vocabulary.actions)}
    official = vocabulary.official_verbs
    roles = {official[index]: index for index, record in enumerate(vocabulary.verb_records) if record.role is not None}
    found = {key: _column(rows, key, 1 if key in agents else 5, path) for key in (*agents, *roles)}
    if rows and not any(len(person) for person, _ in found.values()):
        keys = brief(sorted(map(str, rows[0]))[:6])
        raise InputError(f"{path}: no row has a score such as 'hold_agent' or 'hold_obj'; keys: {keys}")
    if reading is not None:
        reading.notes += _notes(rows, person_image, person_box, found, agents)
    role_values = np.concatenate([np.zeros((0, 5), np.float32), *(found[key][1] for key in roles)])
    return VcocoDetections(
        vocabulary=vocabulary,
        images=list(images),
        person_image=person_image,
        person_box=person_box,
        agent_person=_joined([found[key][0] for key in agents]),
        agent_action=_joined([np.full(len(found[key][0]), index) for key, index in agents.items()]),
        agent_score=np.concatenate([np.zeros(0, np.float32), *(found[key][1][:, 0] for key in agents)]),
        role_person=_joined([found[key][0] for key in roles]),
        role_verb=_joined([np.full(len(found[key][0]), index) for key, index in roles.items()]),
        role_box=role_values[:, :4],
        role_object=None,
        role_score=role_values[:, 4],
    )


def _rows(content: Any, path: Path) -> list[dict[str, Any]]:
    """The rows, checked to be dicts with an image and a box."""
    if not isinstance(content, (list, tuple)):
        raise InputError(
            f"{path}: expected a list of dicts, one per detected person, got the type {type(content).__name__}"
        )
    for i, row in enumerate(content):
        if not isinstance(row, dict):
            hint = "; join the lists of all images" if isinstance(row, (list, tuple)) else ""
            raise InputError(
                f"{path}: expected a list of dicts, one per detected person, but entry {i} is of type "
                f"{type(row).__name__}{hint}"
            )
        for key in _KEYS:
            if key not in row:
                raise InputError(f"{path}: row {i} has no {key!r}")
    return list(content)


def _joined(parts: list[NDArray[np.int64]]) -> NDArray[np.int64]:
    return np.concatenate([np.zeros(0, np.int64), *parts])


def _column(
    rows: list[dict[str, Any]], key: str, width: int, path: Path
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Rows that have the key, and its numbers."""
    values = [row.get(key) for row in rows]
    there = [i for i, value in enumerate(values) if value is not None and not _is_empty(value)]
    return np.array(there, np.int64), _numbers([values[i] for i in there], there, width, path, key)


def _is_empty(value: Any) -> bool:
    return value.size == 0 if isinstance(value, np.ndarray) else isinstance(value, (list, tuple)) and not value


def _numbers(values: list[Any], rows: list[int], width: int, path: Path, key: str) -> NDArray[np.float32]:
    return finite_rows(values, width, lambda i: f"{path}: row {rows[i]}: {key!r}", nan=True)


def _image_name(value: Any, where: str) -> str:
    if isinstance(value, str) and value:
        return value
    number = whole_number(value, where)
    if number < 0:
        raise InputError(f"{where}: expected a number of 0 or more, or a name, got {number}")
    return str(number)


def _notes(
    rows: list[dict[str, Any]],
    person_image: NDArray[np.int64],
    person_box: NDArray[np.float32],
    found: dict[str, tuple[NDArray[np.int64], NDArray[np.float32]]],
    agents: dict[str, int],
) -> list[str]:
    """What is odd about the rows."""
    notes = []
    unknown = sorted({str(key) for row in rows for key in row} - {*_KEYS, *found})
    if unknown:
        notes.append(f"keys of no action or role of V-COCO were left out: {some_of([*map(brief, unknown)])}")
    absent = [key for key, (person, _) in found.items() if not len(person)]
    if rows and absent:
        notes.append(f"no row has a score for {len(absent)} of {len(found)} keys: {some_of(absent)}")
    width = 1 + person_box.shape[1] + sum(values.shape[1] for _, values in found.values())
    content = np.full((len(rows), width), np.nan, np.float32)
    content[:, 0], content[:, 1:5] = person_image, person_box
    column = 5
    for person, values in found.values():
        content[person, column : column + values.shape[1]] = values
        column += values.shape[1]
    with_agent = np.zeros(len(rows), bool)
    for key in agents:
        with_agent[found[key][0]] = True
    counts = {
        "have no agent score": int((~with_agent).sum()),
        "have a person box with NaN, which overlaps nobody: their scores count as false": int(
            np.isnan(person_box).any(axis=1).sum()
        ),
        "repeat another row; each counts, as in V-COCO's own code, so the copies count as false": len(rows)
        - len(np.unique(content.view(f"V{content.itemsize * width}"))),
    }
    return notes + [f"{count} of {len(rows)} rows {what}" for what, count in counts.items() if count]
