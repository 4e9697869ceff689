"""Reconstructed people and objects against true ones: which belong together, and their scores in a table."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from interplay.body.geometry import Array
from interplay.body.proximity import signed_distance
from interplay.body.reconstructions import Reconstruction, find_reconstructions, read_reconstruction
from interplay.errors import InputError
from interplay.metrics.contact import contact_scores
from interplay.metrics.contact_evaluation import ContactEvaluation, Row
from interplay.metrics.coverage import cover
from interplay.metrics.reconstruction import aligned_chamfer, penetration_volume
from interplay.metrics.scores import mean, plain

NEAR = 0.05
"""Metres from the object up to which a vertex of the person counts as in contact."""


@dataclass(frozen=True)
class ReconstructionEvaluation(ContactEvaluation):
    """Scores of reconstructions.

    Attributes:
        scenes: scores by scene.
    """

    scenes: Mapping[str, Row] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """The JSON form."""
        return {**super().to_dict(), "scenes": plain(self.scenes)}


def reconstruction_scores(
    predicted: Reconstruction, true: Reconstruction, align: Literal["both", "human"] = "both"
) -> dict[str, float]:
    """Scores of one scene.

    Args:
        predicted, true: with the same body; with ``align="both"`` also with the same object.
        align: as of `interplay.metrics.reconstruction.aligned_chamfer`.

    Returns:
        ``chamfer_human`` and ``chamfer_object``, metres after alignment; ``contact_f1``, ``contact_precision``,
        ``contact_recall`` of the person's vertices that are within `NEAR` of the object, 0..1; ``penetration_volume``
        of the prediction, cubic metres.

    Raises:
        InputError: meshes that do not fit.
    """
    chamfer = aligned_chamfer(
        predicted.human_vertices,
        predicted.object_vertices,
        true.human_vertices,
        true.object_vertices,
        true.human_faces,
        predicted.object_faces,
        align,
        true.object_faces,
    )
    contact = contact_scores(_touching(predicted), _touching(true))
    volume = penetration_volume(
        predicted.human_vertices, predicted.human_faces, predicted.object_vertices, predicted.object_faces
    )
    return {
        "chamfer_human": chamfer.human,
        "chamfer_object": chamfer.object,
        "contact_f1": float(contact.f1),
        "contact_precision": float(contact.precision),
        "contact_recall": float(contact.recall),
        "penetration_volume": volume,
    }


def evaluate_reconstruction(
    predictions: str | os.PathLike[str],
    annotations: str | os.PathLike[str],
    align: Literal["both", "human"] = "both",
    allow_partial: bool = False,
    progress: Callable[[list[str]], Iterable[str]] = iter,
) -> ReconstructionEvaluation:
    """Score a folder of reconstructions against a folder of true scenes of the same names.

    Args:
        predictions, annotations: folders as of `interplay.body.reconstructions`.
        align: as of `interplay.metrics.reconstruction.aligned_chamfer`.
        allow_partial: score a part of the scenes.
        progress: shows how far it is.

    Raises:
        InputError: the files do not fit together; says what and why.
    """
    found, truth = find_reconstructions(predictions), find_reconstructions(annotations)
    _, coverage = cover(list(found), list(truth), allow_partial=allow_partial)
    rows: dict[str, dict[str, float]] = {}
    for name in progress([name for name in truth if name in found]):
        try:
            rows[name] = reconstruction_scores(
                read_reconstruction(found[name]), read_reconstruction(truth[name]), align
            )
        except InputError as error:
            raise InputError(f"{name}: {error}") from error
    means = {key: mean([row[key] for row in rows.values()]) for key in next(iter(rows.values()))}
    medians = {key: float(np.median([row[key] for row in rows.values()])) for key in means}
    table = {name: {"samples": len(rows), **row} for name, row in (("mean", means), ("median", medians))}
    missing = len(truth) - len(rows)
    notes = [f"{missing} of {len(truth)} scenes have no reconstruction and do not count"] if missing else []
    by = "person and object" if align == "both" else "the person"
    title = f"reconstructions, aligned by {by}"
    return ReconstructionEvaluation(title, align, means, {"all": table}, coverage, notes, rows)


def _touching(scene: Reconstruction) -> NDArray[np.float64]:
    distance: Array = signed_distance(scene.human_vertices, scene.object_vertices, scene.object_faces, 0.3)
    return (distance <= NEAR).astype(np.float64)
