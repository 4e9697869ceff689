"""Files of predicted contact and affordance: which vertices, or points, of what in which image.

One ``.npz`` with a row per image and object, or a folder with such files:

=====================  =================================================================================================
``image``              (N,) or one text: the image's name
``object``             (N,) or one text: what is touched; what a person stands on is ``scene``
``scores``             (N, V) or (V,) probabilities of vertices or points, 0..1
``human_box``          (N, 4) or (4,) x1, y1, x2, y2 in pixels, where an image has several people; may be left out
``object_box``         the same of the object
``points``             (N,) or one text: name of the file with the object's points (affordance); may be left out
=====================  =================================================================================================

What ``interplay contact`` writes is read too: a ``.jsonl`` or ``.parquet`` whose triplets have contact, or a folder
with such a ``contact.jsonl`` in it or below.

The files that the published InteractVLM writes are read too: ``OBJECT__IMAGE_hcontact_vertices.npz`` with
``pred_contact_3d_smplh`` and ``OBJECT__IMAGE_oafford_vertices.npz`` with ``pred_contact_3d``.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from interplay.containers.arrays import read_npz
from interplay.errors import InputError, MissingFileError
from interplay.files import atomic_path

_PUBLISHED = ("pred_contact_3d_smplh", "pred_contact_3d")
_ENDINGS = ("_hcontact_vertices", "_ocontact_vertices", "_oafford_vertices")
_RESULT = "contact.jsonl"
"""What ``interplay contact`` calls its result file."""
_VERTICES = {"anny": 12_272, "smpl": 6890, "smplh": 6890, "smplx": 10_475}
"""Of the bodies that the column ``contact_body`` names."""
_WANTED = "expected arrays image, object and scores (see the docs, Contact in 3D)"


@dataclass(frozen=True)
class ContactResult:
    """What was predicted for one object in one image.

    Attributes:
        image: its name.
        object: name of what is touched.
        scores: (V,) probabilities of vertices or points, 0..1.
        human_box, object_box: (4,) x1, y1, x2, y2 in pixels, None where the file does not tell.
        points: name of the file of the object's points, "" where it does not tell.
    """

    image: str
    object: str
    scores: NDArray[np.float32]
    human_box: NDArray[np.float64] | None = None
    object_box: NDArray[np.float64] | None = None
    points: str = ""


def read_contact_results(
    path: str | os.PathLike[str], side: Literal["human", "object"] = "human"
) -> list[ContactResult]:
    """The rows of a file, or of all files in a folder and below.

    Args:
        path: an ``.npz`` file, a result file with contact, or a folder.
        side: which contact of a result file that has both.

    Raises:
        MissingFileError: there is nothing.
        InputError: a file does not fit; says what.
    """
    source = Path(path)
    if source.is_dir():
        lists = sorted(source.rglob(_RESULT))
        if lists:  # the scores beside them are the same, by names that say no image
            return [result for file in lists for result in _read_table(file, side)]
        files = sorted(source.rglob("*.npz"))
        if not files:
            raise MissingFileError(f"{source} holds no {_RESULT} and no .npz file of predicted contact")
        return [result for file in files for result in _read_file(file)]
    if source.suffix in (".jsonl", ".parquet"):
        return _read_table(source, side)
    if source.suffix != ".npz":
        raise InputError(f"{source}: expected predicted contact: an .npz, .jsonl or .parquet file, or a folder of them")
    return _read_file(source)


def write_contact_results(results: Sequence[ContactResult], path: str | os.PathLike[str]) -> None:
    """Write one ``.npz`` file.

    Args:
        results: all with the same number of scores; each with boxes, or none.

    Raises:
        InputError: different numbers of scores, or boxes of some only.
    """
    lengths = {len(each.scores) for each in results}
    if len(lengths) > 1:
        raise InputError(f"one file holds scores of one length, got {sorted(lengths)}: write several files to a folder")
    arrays: dict[str, Any] = {
        "image": np.array([each.image for each in results], str),
        "object": np.array([each.object for each in results], str),
        "scores": np.array([each.scores for each in results], np.float32).reshape(len(results), -1),
    }
    for name in ("human_box", "object_box"):
        boxes = [getattr(each, name) for each in results]
        there = [box for box in boxes if box is not None]
        if there and len(there) < len(boxes):
            raise InputError(f"{name}: {len(there)} of {len(boxes)} rows have one, expected all or none")
        if there:
            arrays[name] = np.array(boxes, np.float64)
    if any(each.points for each in results):
        arrays["points"] = np.array([each.points for each in results], str)
    with atomic_path(path) as temporary, Path(temporary).open("wb") as stream:
        np.savez_compressed(stream, **arrays)


def _read_file(file: Path) -> list[ContactResult]:
    stored = read_npz(file)
    published = next((name for name in _PUBLISHED if name in stored), None)
    if published is not None and "scores" not in stored:
        return [_published(file, stored[published])]
    missing = [name for name in ("image", "object", "scores") if name not in stored]
    if missing:
        raise InputError(f"{file}: {_WANTED}; {', '.join(missing)} missing, it holds {', '.join(stored) or 'nothing'}")
    scores = stored["scores"]
    scores = scores[None] if scores.ndim == 1 else scores
    if scores.ndim != 2:
        raise InputError(f"{file}: scores: expected (N, V), got {stored['scores'].shape}")
    count = len(scores)
    scores = _probabilities(scores, str(file))
    images, objects = (_texts(stored[name], count, f"{file}: {name}") for name in ("image", "object"))
    points = _texts(stored["points"], count, f"{file}: points") if "points" in stored else [""] * count
    boxes = [_boxes(stored, name, count, file) for name in ("human_box", "object_box")]
    return [ContactResult(*row) for row in zip(images, objects, scores, *boxes, points, strict=True)]


def _read_table(file: Path, side: str) -> list[ContactResult]:
    """The triplets of a result file that have contact."""
    from interplay.formats import read

    table = read(file)
    column = "body_contact" if side == "human" else "object_contact"
    if getattr(table, column) is None:
        raise InputError(f"{file}: no triplet says where the {side} is touched (column {column})")
    found = []
    for image in table:
        contact = getattr(image, column)
        for row, sparse in enumerate(() if contact is None else contact):
            if sparse is None:
                continue
            index = sparse[:, 0].astype(np.int64)
            count = int(index.max(initial=-1)) + 1
            if side == "human":
                body = str(image.contact_body or "")
                if body not in _VERTICES or count > _VERTICES[body]:
                    raise InputError(
                        f"{file}: {image.file}: contact_body: expected one of {', '.join(_VERTICES)}, got {body!r}"
                    )
                count = _VERTICES[body]
            scores = np.zeros(count, np.float32)
            scores[index] = sparse[:, 1]
            human, thing = int(image.human[row]), int(image.object[row])
            name = "" if image.contact_object is None else str(image.contact_object[row])
            found.append(
                ContactResult(
                    image.file or "",
                    name or ("scene" if thing < 0 else image.vocabulary.objects[image.labels[thing]]),
                    _probabilities(scores[None], str(file))[0],
                    image.boxes[human].astype(np.float64),
                    None if thing < 0 else image.boxes[thing].astype(np.float64),
                )
            )
    return found


def _published(file: Path, scores: NDArray[Any]) -> ContactResult:
    name = next((file.stem.removesuffix(end) for end in _ENDINGS if file.stem.endswith(end)), file.stem)
    thing, between, image = name.partition("__")
    if not (thing and between and image):
        raise InputError(f"{file}: expected a name such as bicycle__IMAGE_hcontact_vertices.npz")
    return ContactResult(image, thing.lower(), _probabilities(scores.reshape(1, -1), str(file))[0])


def _probabilities(scores: NDArray[Any], where: str) -> NDArray[np.float32]:
    if scores.dtype.kind not in "fbiu" or (scores.dtype.kind == "f" and not np.isfinite(scores).all()):
        raise InputError(f"{where}: scores: expected finite numbers")
    if scores.size and not 0 <= scores.min() <= scores.max() <= 1.001:
        raise InputError(
            f"{where}: scores: expected probabilities of 0..1, got {scores.min():.3g} to {scores.max():.3g}; logits "
            "become probabilities by the sigmoid function"
        )
    return scores.astype(np.float32).clip(0, 1)


def _texts(values: NDArray[Any], count: int, where: str) -> list[str]:
    if values.dtype.kind != "U" or values.shape not in ((), (count,)):
        raise InputError(f"{where}: expected {count} texts, or one for all, got {values.dtype} {values.shape}")
    return [str(value) for value in np.broadcast_to(values, (count,))]


def _boxes(stored: dict[str, NDArray[Any]], name: str, count: int, file: Path) -> list[NDArray[np.float64] | None]:
    if name not in stored:
        return [None] * count
    values = stored[name]
    if values.dtype.kind not in "iuf" or values.shape not in ((4,), (count, 4)) or not np.isfinite(values).all():
        raise InputError(f"{file}: {name}: expected ({count}, 4) finite numbers, got {values.dtype} {values.shape}")
    return list(np.broadcast_to(values.astype(np.float64), (count, 4)))
