"""Predicted against annotated contact and affordance: which rows belong together, and their scores in tables."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from interplay.body.geodesics import SurfaceDistances
from interplay.containers.arrays import read_npy
from interplay.containers.meshes import read_mesh
from interplay.datasets.contact_labels import BodyContact
from interplay.datasets.contact_truth import ContactTruth
from interplay.errors import InputError
from interplay.formats.contact_results import ContactResult
from interplay.metrics.contact import (
    ContactProtocol,
    GroupScores,
    SemanticScores,
    binary_scores,
    semantic_scores,
)
from interplay.metrics.coverage import Coverage, cover
from interplay.metrics.scores import plain
from interplay.ops.boxes import box_iou
from interplay.ops.image_names import ImageNames
from interplay.vocabulary import normalise

Row = Mapping[str, float]

_MOST_FACES = 500_000

_LEAST_OVERLAP = 0.5
"""IoU of a predicted and an annotated person, and of their objects, that are the same."""


@dataclass(frozen=True)
class ContactEvaluation:
    """Scores of contact, affordance or reconstructions.

    Attributes:
        title: data set, metric and rules.
        protocol: the rules.
        means: the scores that papers report: fractions, 0..1, distances in metres, volumes in cubic metres.
        tables: tables by name, each with rows by name: ``samples`` and scores.
        coverage: which part of the annotated images has predictions.
        notes: what the user should know.
    """

    title: str
    protocol: str
    means: Row
    tables: Mapping[str, Mapping[str, Row]]
    coverage: Coverage
    notes: list[str] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """The JSON form; numbers that do not exist are None."""
        return {
            "title": self.title,
            "protocol": self.protocol,
            "means": plain(self.means),
            **{name.replace(" ", "_"): plain(table) for name, table in self.tables.items()},
            "coverage": self.coverage.to_dict(),
            "notes": list(self.notes),
        }


def evaluate_contact(
    results: Sequence[ContactResult],
    truth: ContactTruth,
    protocol: ContactProtocol = "interactvlm",
    published_behaviour: bool = False,
    geodesic: Any = None,
    allow_partial: bool = False,
) -> ContactEvaluation:
    """Score contact of bodies, or of objects, against annotations.

    Rows belong together that have the image and the object's name in common (case, blanks and underlines do not count).
    Where an image has several such pairs, their boxes tell: the people overlap by an IoU of 0.5 at least, and so do the
    objects. Several predictions for one annotated pair are united. An annotated pair without prediction counts as
    predicted nowhere.

    Args:
        results: predictions.
        truth: annotations.
        protocol: what counts where nothing is predicted or annotated (`interplay.metrics.contact.ContactProtocol`).
        published_behaviour: the published evaluation with its mistakes (`semantic_scores`, `binary_scores`).
        geodesic: (V, V) distances in metres or `SurfaceDistances`; by default those that the data set brings.
        allow_partial: score a part of the images.

    Raises:
        InputError: the files do not fit together; says what and why.
    """
    if published_behaviour and protocol != "interactvlm":
        raise InputError(f"published behaviour is of the protocol interactvlm: leave {protocol} or it out")
    results, alone = _in_touch(results, truth)
    touched = list(dict.fromkeys(each.image for each in truth.contacts))
    position, coverage, notes = _match_images(results, touched, allow_partial)
    found, more = _match_rows(results, position, truth.contacts, touched, alone)
    notes += more
    width = _width(results, truth)
    pred = np.zeros((len(truth.contacts), width), np.float32)
    for row, rows in zip(pred, found, strict=True):
        for each in rows:
            row[: len(each.scores)] = np.maximum(row[: len(each.scores)], each.scores)
    gt = _dense(truth.contacts, width)
    distances = truth.surface if truth.surface is not None and len(truth.surface) == width else None
    geodesic = distances if geodesic is None else geodesic
    names = [each.object for each in truth.contacts]
    people = [_person(each) for each in truth.contacts]
    rules = {"protocol": protocol, "published_behaviour": published_behaviour}
    semantic = semantic_scores(pred, gt, names, geodesic, **rules)  # type: ignore[arg-type]
    # objects are different meshes, whose vertices have nothing in common
    binary = binary_scores(pred, gt, people, geodesic, **rules) if truth.side == "human" else None  # type: ignore[arg-type]
    whose = "people" if truth.side == "human" else "objects"
    title = f"{truth.dataset}: contact of {whose}, protocol {protocol}"
    title += ", with the published mistakes" if published_behaviour else ""
    return ContactEvaluation(title, protocol, _means(semantic, binary), _tables(semantic, binary), coverage, notes)


def read_geodesic(path: str | os.PathLike[str]) -> Any:
    """Distances over a body.

    Args:
        path: ``.npy`` (V, V) in metres, or a mesh in metres.

    Raises:
        MissingFileError: there is no such file.
        InputError: neither.
    """
    if Path(path).suffix != ".npy":
        mesh = read_mesh(path, _MOST_FACES)
        return SurfaceDistances(mesh.vertices, mesh.faces)
    distances = read_npy(path)
    square = distances.ndim == 2 and distances.shape[0] == distances.shape[1]
    if not square or distances.dtype.kind != "f" or not distances.min(initial=0) >= 0:
        raise InputError(f"{path}: expected distances (V, V) of 0 or more, got {distances.dtype} {distances.shape}")
    return distances


def _in_touch(results: Sequence[ContactResult], truth: ContactTruth) -> tuple[list[ContactResult], int]:
    """The results but those in annotated images where nobody touches anything, and how many these are."""
    names = {each.image for each in truth.contacts}
    touched, others = (ImageNames(name for name in truth.images if (name in names) is there) for there in (True, False))
    kept = [each for each in results if others.find(each.image) < 0 or touched.find(each.image) >= 0]
    return kept, len(results) - len(kept)


def _match_images(
    results: Sequence[ContactResult], annotated: Sequence[str], allow_partial: bool
) -> tuple[list[int], Coverage, list[str]]:
    """The annotated image of each result, -1 for none; names without a suffix find theirs."""
    predicted = list(dict.fromkeys(each.image for each in results))
    stems = defaultdict(list)
    for name in annotated:
        stems[_stem(name)].append(name)
    full = {name: _completed(name, stems) for name in predicted}
    names = list(dict.fromkeys(full.values()))
    match, coverage = cover(names, annotated, allow_partial=allow_partial)
    where = dict(zip(names, match.position.tolist(), strict=True))
    notes = match.notes() if results else ["no predictions: everything that is annotated counts as missed"]
    return [where[full[each.image]] for each in results], coverage, notes


def _completed(name: str, stems: Mapping[str, Sequence[str]]) -> str:
    base = name.replace("\\", "/").rpartition("/")[2]
    fitting = stems.get(base, ())
    return fitting[0] if len(fitting) == 1 else name


def _stem(name: str) -> str:
    base = name.replace("\\", "/").rpartition("/")[2]
    stem, dot, _ = base.rpartition(".")
    return stem if dot else base


def _match_rows(
    results: Sequence[ContactResult],
    position: Sequence[int],
    contacts: Sequence[BodyContact],
    images: Sequence[str],
    alone: int,
) -> tuple[list[list[ContactResult]], list[str]]:
    """The results of each annotated pair, and what to say of the others."""
    index = {name: i for i, name in enumerate(images)}
    wanted: dict[tuple[int, str], list[int]] = defaultdict(list)
    for i, contact in enumerate(contacts):
        wanted[index[contact.image], normalise(contact.object)].append(i)
    given: dict[tuple[int, str], list[ContactResult]] = defaultdict(list)
    for result, image in zip(results, position, strict=True):
        given[image, normalise(result.object)].append(result)
    found: list[list[ContactResult]] = [[] for _ in contacts]
    for key, rows in given.items():
        pairs = wanted.get(key, [])
        if not pairs:
            alone += len(rows) if key[0] >= 0 else 0
            continue
        for row, pair in zip(rows, _pairs_of(rows, pairs, contacts), strict=True):
            if pair is None:
                alone += 1
            else:
                found[pair].append(row)
    notes = []
    if alone:
        notes.append(f"{alone:,} predictions are of no annotated pair of person and object, and were left out")
    united = sum(len(rows) - 1 for rows in found if rows)
    if united:
        notes.append(f"{united:,} predictions are of a pair that has one already, and were united with it")
    missed = sum(not rows for rows in found)
    if missed:
        notes.append(f"{missed:,} of {len(found):,} annotated pairs have no prediction, and count as predicted nowhere")
    return found, notes


def _pairs_of(rows: Sequence[ContactResult], pairs: Sequence[int], contacts: Sequence[BodyContact]) -> list[int | None]:
    """The annotated pair, of those with the same image and name, that each result is of."""
    boxed = all(row.human_box is not None for row in rows) and all(contacts[i].human_box is not None for i in pairs)
    if not boxed:
        if len(pairs) == 1:
            return [pairs[0]] * len(rows)
        first = contacts[pairs[0]]
        raise InputError(
            f"{first.image}: {len(pairs)} people touch {first.object!r} there: the predictions need human_box and "
            "object_box, which say whom each row is of"
        )
    overlap = box_iou(np.array([row.human_box for row in rows]), np.array([contacts[i].human_box for i in pairs]))
    for r, row in enumerate(rows):
        for p, i in enumerate(pairs):
            theirs = contacts[i].object_box
            if row.object_box is not None and theirs is not None:
                overlap[r, p] = min(overlap[r, p], box_iou(row.object_box[None], theirs[None])[0, 0])
    best = overlap.argmax(1)
    return [pairs[p] if overlap[r, p] >= _LEAST_OVERLAP else None for r, p in enumerate(best.tolist())]


def _width(results: Sequence[ContactResult], truth: ContactTruth) -> int:
    """How many vertices a row has: of bodies always the same, of objects at most."""
    there = {each.num_vertices for each in truth.contacts if each.num_vertices}
    lengths = {len(each.scores) for each in results}
    if truth.side == "human" and lengths and there and lengths != there:
        got = ", ".join(f"{n:,}" for n in sorted(lengths))
        raise InputError(
            f"{truth.dataset}'s bodies have {' or '.join(f'{n:,}' for n in sorted(there))} vertices, the predictions "
            f"{got}: of another body. SMPL and SMPL-H have 6,890, SMPL-X 10,475, the built-in body 12,272"
        )
    needed = {int(each.vertices[-1]) + 1 for each in truth.contacts if len(each.vertices)} if not lengths else set()
    return max(lengths | there | needed, default=0)


def _dense(contacts: Sequence[BodyContact], width: int) -> NDArray[np.bool_]:
    """(N, width) whether each vertex is in contact.

    Raises:
        InputError: a vertex is beyond.
    """
    found = np.zeros((len(contacts), width), bool)
    for row, contact in zip(found, contacts, strict=True):
        if len(contact.vertices) and contact.vertices[-1] >= width:
            raise InputError(
                f"{contact.image}: {contact.object}: vertex {contact.vertices[-1]} is annotated, but {width} vertices "
                "are predicted: of another mesh"
            )
        row[contact.vertices] = True
    return found


def _person(contact: BodyContact) -> str:
    box = "" if contact.human_box is None else ",".join(f"{v:g}" for v in contact.human_box)
    return f"{contact.image}\n{box}"


_MEANS = {
    "semantic": ("f1", "geodesic_fp", "geodesic_fn"),
    "binary": ("f1", "precision", "recall", "geodesic_fp", "geodesic_fn"),
}
"""What is compared: precision and recall of single objects say little."""


def _means(semantic: SemanticScores, binary: GroupScores | None) -> dict[str, float]:
    groups = {"semantic": semantic.all} | ({} if binary is None else {"binary": binary})
    rows = {kind: _row(group) for kind, group in groups.items()}
    return {f"{kind}_{name}": rows[kind][name] for kind in rows for name in _MEANS[kind]}


def _tables(semantic: SemanticScores, binary: GroupScores | None) -> dict[str, dict[str, Row]]:
    tables = {
        "contact": {"semantic": semantic.all} | ({} if binary is None else {"binary": binary}),
        "by category": semantic.categories,
        "by object": dict(sorted(semantic.objects.items(), key=lambda item: -item[1].samples)),
    }
    return {name: {label: _row(group) for label, group in rows.items()} for name, rows in tables.items() if rows}


def _row(group: GroupScores) -> dict[str, float]:
    return {"geodesic_fp" if name == "geodesic" else name: value for name, value in asdict(group).items()}
