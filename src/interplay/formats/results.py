"""Result files of any accepted kind, told apart by their name."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from interplay.errors import InputError, MissingFileError
from interplay.formats.vcoco_detections import VcocoDetections
from interplay.table import InteractionTable
from interplay.vocabulary import Vocabulary

ACCEPTED = (
    ".jsonl or .parquet (interplay's own), .json (PPDM, QPIC, CDN, GEN-VLKT), .pkl (V-COCO's official form), or a "
    "folder of detections_XX.mat (HICO-DET's official form)"
)


def read_results(
    path: str | os.PathLike[str],
    vocabulary: Vocabulary,
    files: Sequence[str] | None = None,
    progress: bool = False,
) -> InteractionTable | VcocoDetections:
    """Read predictions.

    Args:
        vocabulary: what names and numbers mean.
        files: names of the annotated images; HICO-DET's result files count images instead of naming them.
        progress: show how far a long read is.

    Raises:
        MissingFileError: nothing there.
        InputError: not of an accepted kind, or the content does not fit.
    """
    source = Path(path)
    suffix = source.suffix.lower()
    if not source.exists():
        raise MissingFileError(f"no predictions at {source}: expected {ACCEPTED}")
    if source.is_dir() or suffix == ".mat":
        from interplay.formats.hico_mat import read_hico_results

        return read_hico_results(source, vocabulary, files, progress)
    if suffix in (".jsonl", ".parquet"):
        from interplay.formats import read

        return read(source, vocabulary)
    if suffix == ".json":
        from interplay.formats.query_json import read_query_json

        return read_query_json(source, vocabulary)
    if suffix in (".pkl", ".pickle"):
        from interplay.formats.vcoco_pickle import read_vcoco_pickle

        if not any(record.role is not None for record in vocabulary.verb_records):
            raise InputError(f"{source}: a V-COCO pickle cannot be read in the vocabulary {vocabulary.name!r}")
        return read_vcoco_pickle(source, vocabulary)
    raise InputError(f"{source}: expected {ACCEPTED}")
