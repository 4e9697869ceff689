"""Parquet as data sets on the hub have it: a row an image, with ``objects`` and ``relations`` as nested columns.

``file_name`` (or ``image.path``), ``width``, ``height``; ``objects.bbox`` (x1, y1, x2, y2 in pixels),
``objects.category``; ``relations.subject`` and ``relations.object`` (positions in ``objects``; -1 for no object) and
``relations.predicate``; with predictions also ``objects.score`` and ``relations.score``. Called ``metadata.parquet``
beside the pictures, it is an image folder that `datasets.load_dataset` loads.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from interplay.containers.guard import locating
from interplay.containers.parquet import read_rows
from interplay.datasets.builder import TableBuilder, image_name, pick
from interplay.datasets.sources import Source
from interplay.errors import InputError
from interplay.files import atomic_path
from interplay.table import InteractionTable
from interplay.vocabulary import Vocabulary


def is_hub(source: Source) -> bool:
    """Whether this is Parquet with objects and relations."""
    return source.kind == "parquet" and source.holds(b"relations") and source.holds(b"objects")


def read_hub(source: Source, vocabulary: Vocabulary | None) -> InteractionTable:
    """Annotations in Parquet with objects and relations.

    Args:
        vocabulary: None for the names in the file.

    Raises:
        InputError: a column is missing or does not fit; names it.
    """
    where = str(source.path)
    rows: list[dict[str, Any]] = read_rows(source.path).to_pylist()
    with locating(where):
        if vocabulary is None:
            objects = dict.fromkeys(name for row in rows for name in row["objects"]["category"])
            verbs = dict.fromkeys(name for row in rows for name in row["relations"]["predicate"])
            vocabulary = Vocabulary.from_names(objects, verbs, source.path.stem)
        if any((row["relations"].get("score") or [None])[0] is not None for row in rows):
            raise InputError("holds predictions (relations have scores), expected annotations without scores")
    builder = TableBuilder(vocabulary)
    for i, row in enumerate(rows):
        with locating(f"{where}: row {i}"):
            file = row.get("file_name") or (row.get("image") or {}).get("path")
            builder.image(image_name(file), (row.get("width"), row.get("height")))
            found, relations = row["objects"], row["relations"]
            places = [
                builder.instance(box, vocabulary.object_index(name))
                for box, name in zip(found["bbox"], found["category"], strict=True)
            ]
            triplets = zip(relations["subject"], relations["predicate"], relations["object"], strict=True)
            for human, verb, other in triplets:
                target = -1 if other == -1 else pick(places, other, "object")
                builder.triplet(pick(places, human, "subject"), vocabulary.verb_index(verb), target)
    return builder.build()


def write_hub(table: InteractionTable, path: Path) -> None:
    """Write one Parquet file."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    vocabulary = table.vocabulary
    rows: dict[str, list[Any]] = {name: [] for name in ("file_name", "width", "height", "objects", "relations")}
    for image in table:
        rows["file_name"].append(image.file)
        rows["width"].append(image.width)
        rows["height"].append(image.height)
        rows["objects"].append(
            {
                "bbox": image.boxes.astype(np.float32).tolist(),
                "category": [vocabulary.objects[label] for label in image.labels.tolist()],
                **({"score": image.box_scores.tolist()} if table.scored else {}),
            }
        )
        rows["relations"].append(
            {
                "subject": image.human.tolist(),
                "object": image.object.tolist(),
                "predicate": [vocabulary.verbs[verb] for verb in image.verb.tolist()],
                **({"score": image.score.tolist()} if table.scored else {}),
            }
        )
    number, score = pa.int32(), [("score", pa.list_(pa.float32()))] if table.scored else []
    boxes = pa.list_(pa.list_(pa.float32()))
    schema = pa.schema(
        [
            ("file_name", pa.string()),
            ("width", number),
            ("height", number),
            ("objects", pa.struct([("bbox", boxes), ("category", pa.list_(pa.string())), *score])),
            (
                "relations",
                pa.struct(
                    [
                        ("subject", pa.list_(number)),
                        ("object", pa.list_(number)),
                        ("predicate", pa.list_(pa.string())),
                        *score,
                    ]
                ),
            ),
        ]
    )
    with atomic_path(path) as temporary:
        pq.write_table(pa.table(rows, schema=schema), temporary, compression="zstd")
