"""Result files of any accepted kind, told apart by their name."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from interplay.errors import InputError, MissingFileError
from interplay.formats import SUFFIXES, is_sharded, read
from interplay.formats.reading import Numbering, OwnNames, Reading
from interplay.formats.vcoco_detections import VcocoDetections
from interplay.formats.vidhoi_results import is_vidhoi_results_text, read_vidhoi_predictions
from interplay.table import InteractionTable
from interplay.vocabulary import Vocabulary

ACCEPTED = (
    ".jsonl, .parquet or .csv (interplay's own), .json (PPDM, QPIC, CDN, GEN-VLKT; ST-HOI), .pkl (V-COCO's official "
    "form), or a folder of detections_XX.mat (HICO-DET's official form)"
)

_QUERY_KEY = b'"hoi_prediction"'
_PEEK = 1 << 20


def read_results(
    path: str | os.PathLike[str],
    vocabulary: Vocabulary | OwnNames | None = None,
    files: Sequence[str] | None = None,
    progress: bool = False,
    reading: Reading | None = None,
    numbering: Numbering | None = None,
) -> InteractionTable | VcocoDetections:
    """Read predictions.

    Args:
        vocabulary: what names and numbers mean. By default what the file or its form says: V-COCO's of a pickle,
            HICO-DET's of ``.mat`` files. A ``.json`` file has only numbers and says nothing. ``"own"``: the names in
            the file, as for `interplay.read`.
        files: names of the annotated images; HICO-DET's result files count images instead of naming them.
        progress: show how far a long read is.
        reading: takes what there is to say about the file; without it a folder that lacks files is refused.
        numbering: what interaction numbers of a ``.json`` file count, where it does not tell.

    Raises:
        MissingFileError: nothing there.
        InputError: not of an accepted kind, the content does not fit, or a ``.json`` without a vocabulary.
    """
    source = Path(path)
    suffix = source.suffix.lower()
    if not source.exists():
        raise MissingFileError(f"no predictions at {source}: expected {ACCEPTED}")
    if has_names(source):
        return read(source, vocabulary)
    if isinstance(vocabulary, str):
        raise InputError(
            f"{source}: its classes are numbers, and your own annotations do not say what they mean: give the "
            "vocabulary (--vocabulary FILE), or predictions by name (.jsonl, .parquet)"
        )
    if source.is_dir() and not is_foreign_result(source):
        raise InputError(
            f"{source}: a folder without results: expected the parts of a batch (part-*.parquet) or HICO-DET's "
            "detections_01.mat ... detections_80.mat"
        )
    if source.is_dir() or suffix == ".mat":
        from interplay.formats.hico_mat import read_hico_results

        told = reading or Reading()
        table = read_hico_results(source, vocabulary, files, progress, told)
        if reading is None and told.absent_files:
            raise InputError(f"{source}: expected a result file for every object; {told.absence}")
        return table
    if suffix == ".json":
        from interplay.formats.query_json import read_query_json

        if _begins_as_vidhoi(source):
            return read_vidhoi_predictions(source, vocabulary or Vocabulary.load("vidhoi"))
        if vocabulary is None:
            raise InputError(
                f"{source}: its classes are numbers, and it does not say what they mean: give the vocabulary, such as "
                "hico-det or v-coco (--vocabulary)"
            )
        return read_query_json(source, vocabulary, numbering)
    if suffix in (".pkl", ".pickle"):
        from interplay.formats.vcoco_pickle import read_vcoco_pickle

        if vocabulary is not None and not any(record.role is not None for record in vocabulary.verb_records):
            raise InputError(f"{source}: a V-COCO pickle cannot be read in the vocabulary {vocabulary.name!r}")
        return read_vcoco_pickle(source, vocabulary, reading)
    raise InputError(f"{source}: expected {ACCEPTED}")


def read_result_table(
    path: str | os.PathLike[str],
    vocabulary: Vocabulary | None = None,
    files: Sequence[str] | None = None,
    progress: bool = False,
    reading: Reading | None = None,
    numbering: Numbering | None = None,
) -> InteractionTable:
    """Like `read_results`, as triplets also where the file has V-COCO's people; see `VcocoDetections.to_table`."""
    found = read_results(path, vocabulary, files, progress, reading, numbering)
    return found.to_table() if isinstance(found, VcocoDetections) else found


def has_names(path: str | os.PathLike[str]) -> bool:
    """Whether a result file has the names of its classes, not numbers."""
    return Path(path).suffix.lower() in SUFFIXES or is_sharded(Path(path))


def _begins_as_vidhoi(path: Path) -> bool:
    with path.open("rb") as stream:
        return is_vidhoi_results_text(stream.read(_PEEK))


def is_foreign_result(path: str | os.PathLike[str]) -> bool:
    """Whether a path is a result file of another code base, as far as its name and first megabyte tell."""
    source = Path(path)
    if source.is_dir():
        return any(source.glob("detections*.mat"))
    suffix = source.suffix.lower()
    if suffix == ".mat":
        return source.stem.startswith("detections")
    if suffix == ".json" and source.is_file():
        with source.open("rb") as stream:
            head = stream.read(_PEEK)
        return _QUERY_KEY in head or is_vidhoi_results_text(head)
    return suffix in (".pkl", ".pickle")
