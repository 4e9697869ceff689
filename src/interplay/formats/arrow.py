"""Arrow tables with one row per image <-> `InteractionTable`. JSON Lines and Parquet both go through this."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from interplay.errors import InputError
from interplay.table import InteractionTable, offsets
from interplay.vocabulary import BUILT_IN, Vocabulary

_PAIR = pa.struct([("verb", pa.string()), ("object", pa.string())])
SCHEMA = pa.schema(
    [
        ("file", pa.string()),
        ("width", pa.int32()),
        ("height", pa.int32()),
        ("boxes", pa.list_(pa.list_(pa.float32()))),
        ("labels", pa.list_(pa.string())),
        ("scores", pa.list_(pa.float32())),
        (
            "interactions",
            pa.list_(
                pa.struct(
                    [
                        ("human", pa.int32()),
                        ("verb", pa.string()),
                        ("object", pa.int32()),
                        ("score", pa.float32()),
                        ("interactiveness", pa.float32()),
                    ]
                )
            ),
        ),
        ("keypoints", pa.list_(pa.list_(pa.list_(pa.float32())))),
        ("unlabelled", pa.list_(pa.int32())),
        ("image_labels", pa.list_(_PAIR)),
    ]
)
"""One row per image; the fields of `interplay.formats.records`."""


def to_arrow(table: InteractionTable) -> pa.Table:
    """The rows of `SCHEMA`. Fields that nothing in the table fills are null."""
    objects, verbs = pa.array(table.vocabulary.objects, pa.string()), pa.array(table.vocabulary.verbs, pa.string())
    count = len(table)
    none = pa.nulls(count)
    interactions = pa.StructArray.from_arrays(
        [
            pa.array(table.human.astype(np.int32)),
            verbs.take(pa.array(table.verb)),
            pa.array(table.object.astype(np.int32), mask=table.object < 0),
            pa.array(table.score) if table.scored else pa.nulls(len(table.verb), pa.float32()),
            _nullable(table.interactiveness, len(table.verb)),
        ],
        fields=list(SCHEMA.field("interactions").type.value_type),
    )
    columns: dict[str, Any] = {
        "file": pa.array(table.files, pa.string()),
        "width": pa.array(table.sizes[:, 0], mask=table.sizes[:, 0] == 0),
        "height": pa.array(table.sizes[:, 1], mask=table.sizes[:, 1] == 0),
        "boxes": _lists(table.box_offsets, _fixed(table.boxes)),
        "labels": _lists(table.box_offsets, objects.take(pa.array(table.labels))),
        "scores": _lists(table.box_offsets, pa.array(table.box_scores)) if table.scored else none,
        "interactions": _lists(table.triplet_offsets, interactions),
        "keypoints": none if table.keypoints is None else _lists(table.box_offsets, _poses(table.keypoints)),
        "unlabelled": none,
        "image_labels": none,
    }
    if table.unlabelled is not None:
        rows = np.flatnonzero(table.unlabelled)
        image = table.box_image_index()[rows]
        counts = np.bincount(image, minlength=count)
        columns["unlabelled"] = _lists(offsets(counts), pa.array((rows - table.box_offsets[image]).astype(np.int32)))
    if table.image_labels is not None and table.image_label_offsets is not None:
        verb, label = table.image_labels.T
        pairs = pa.StructArray.from_arrays(
            [verbs.take(pa.array(verb)), objects.take(pa.array(label, mask=label < 0))], fields=list(_PAIR)
        )
        columns["image_labels"] = _lists(table.image_label_offsets, pairs)
    return pa.table([columns[f.name].cast(f.type) for f in SCHEMA], schema=SCHEMA)


def from_arrow(rows: pa.Table, vocabulary: Vocabulary | None) -> InteractionTable:
    """The `InteractionTable` of rows of `SCHEMA` (missing columns count as null).

    Raises:
        InputError: a row does not fit; says the field, not the row.
    """
    rows = rows.combine_chunks()
    count = rows.num_rows

    def column(name: str) -> pa.Array:
        if name not in rows.column_names:
            return pa.nulls(count, SCHEMA.field(name).type)
        chunks = rows.column(name).cast(SCHEMA.field(name).type)
        return pa.concat_arrays(chunks.chunks) if chunks.num_chunks != 1 else chunks.chunk(0)

    files = column("file")
    _require(files.null_count == 0, "file: every image needs its name")
    boxes, box_offsets = _flat(column("boxes"), "boxes")
    box_values = _numbers(boxes, 4, "boxes")
    labels, label_offsets = _flat(column("labels"), "labels")
    _require(np.array_equal(label_offsets, box_offsets), "labels: expected one object name per box")
    interactions, triplet_offsets = _flat(column("interactions"), "interactions")
    human, target = interactions.field("human"), interactions.field("object")
    verbs = interactions.field("verb")
    _require(interactions.null_count == 0 and human.null_count == 0, "interactions: 'human' is missing")
    _require(labels.null_count == 0 and verbs.null_count == 0, "labels and verbs must be names")
    pairs_column = column("image_labels")
    pairs, pair_offsets = _flat(pairs_column, "image_labels", required=False)

    if vocabulary is None:
        names = [labels, pairs.field("object")], [verbs, pairs.field("verb")]
        vocabulary = _vocabulary_of(*([_distinct(a) for a in group] for group in names))
    label_index = _positions(labels, vocabulary.object_index)
    verb_index = _positions(verbs, vocabulary.verb_index)

    score, scores = interactions.field("score"), column("scores")
    scored = score.null_count < len(score) or scores.null_count < count
    _require(not scored or score.null_count == 0, "interactions: some have a 'score' and some have not")
    box_scores = np.ones(len(boxes), np.float32)
    if scores.null_count < count:
        values, score_offsets = _flat(scores, "scores", required=False)
        given = ~scores.is_null().to_numpy(zero_copy_only=False)
        same = np.diff(score_offsets)[given] == np.diff(box_offsets)[given]
        _require(bool(same.all()) and values.null_count == 0, "scores: expected one number per box")
        box_scores[np.repeat(given, np.diff(box_offsets))] = values.to_numpy(zero_copy_only=False)

    human_index = human.to_numpy(zero_copy_only=False).astype(np.int64)
    object_index = target.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
    limit = np.repeat(np.diff(box_offsets), np.diff(triplet_offsets))
    _require(bool(((human_index >= 0) & (human_index < limit)).all()), "interactions: 'human' is no index of a box")
    negative = (object_index < 0) & ~target.is_null().to_numpy(zero_copy_only=False)
    _require(not negative.any() and bool((object_index < limit).all()), "interactions: 'object' is no index of a box")
    size = [column(name).fill_null(0).to_numpy(zero_copy_only=False) for name in ("width", "height")]
    _require(all(bool((s >= 0).all()) for s in size), "width, height: expected positive numbers of pixels")

    table = InteractionTable(
        vocabulary=vocabulary,
        files=files.to_pylist(),
        sizes=np.stack(size, axis=1).astype(np.int32),
        box_offsets=box_offsets,
        boxes=box_values,
        labels=label_index,
        box_scores=box_scores,
        triplet_offsets=triplet_offsets,
        human=human_index,
        object=object_index,
        verb=verb_index,
        score=score.to_numpy(zero_copy_only=False).astype(np.float32) if scored else np.ones(len(verbs), np.float32),
        scored=scored,
    )
    _require(bool(np.isfinite(table.boxes).all() and np.isfinite(table.score).all()), "numbers must be finite")
    interactiveness = interactions.field("interactiveness")
    if interactiveness.null_count < len(interactiveness):
        table.interactiveness = interactiveness.to_numpy(zero_copy_only=False).astype(np.float32)
    if column("keypoints").null_count < count:
        table.keypoints = _read_poses(column("keypoints"), box_offsets)
    unlabelled = column("unlabelled")
    if unlabelled.null_count < count:
        values, starts = _flat(unlabelled, "unlabelled", required=False)
        rows_of = values.to_numpy(zero_copy_only=False) + np.repeat(box_offsets[:-1], np.diff(starts))
        inside = values.to_numpy(zero_copy_only=False) < np.repeat(np.diff(box_offsets), np.diff(starts))
        _require(bool(inside.all()), "unlabelled: no index of a box")
        table.unlabelled = np.zeros(len(boxes), bool)
        table.unlabelled[rows_of] = True
    if pairs_column.null_count < count:
        verb = _positions(pairs.field("verb"), vocabulary.verb_index)
        label = _positions(pairs.field("object"), vocabulary.object_index)
        table.image_labels, table.image_label_offsets = np.stack([verb, label], axis=1), pair_offsets
    return table


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise InputError(message)


def _lists(starts: NDArray[np.int64], values: pa.Array) -> pa.Array:
    return pa.ListArray.from_arrays(pa.array(starts.astype(np.int32)), values)


def _fixed(values: NDArray[np.float32]) -> pa.Array:
    starts = np.arange(len(values) + 1, dtype=np.int32) * values.shape[1]
    return pa.ListArray.from_arrays(pa.array(starts), pa.array(values.reshape(-1)))


def _nullable(values: NDArray[np.float32] | None, length: int) -> pa.Array:
    return pa.nulls(length, pa.float32()) if values is None else pa.array(values, mask=np.isnan(values))


def _poses(keypoints: NDArray[np.float32]) -> pa.Array:
    missing = np.isnan(keypoints).all(axis=(1, 2))
    rows = _fixed(keypoints[~missing].reshape(-1, 3))
    counts = np.where(missing, 0, 17)
    return pa.ListArray.from_arrays(pa.array(offsets(counts).astype(np.int32)), rows, mask=pa.array(missing))


def _read_poses(column: pa.Array, box_offsets: NDArray[np.int64]) -> NDArray[np.float32]:
    poses, starts = _flat(column, "keypoints", required=False)
    given = ~column.is_null().to_numpy(zero_copy_only=False)
    same = np.diff(starts)[given] == np.diff(box_offsets)[given]
    _require(bool(same.all()), "keypoints: expected one entry per box")
    there = ~poses.is_null().to_numpy(zero_copy_only=False)
    joints, joint_starts = _flat(poses, "keypoints", required=False)
    _require(bool((np.diff(joint_starts)[there] == 17).all()), "keypoints: expected 17 rows per pose")
    result = np.full((int(box_offsets[-1]), 17, 3), np.nan, np.float32)
    chosen = np.flatnonzero(np.repeat(given, np.diff(box_offsets)))[there]
    result[chosen] = _numbers(joints, 3, "keypoints").reshape(-1, 17, 3)
    return result


def _flat(column: pa.Array, name: str, required: bool = True) -> tuple[pa.Array, NDArray[np.int64]]:
    """The values of a list column and where each row's begin; a null row counts as empty."""
    _require(not required or column.null_count == 0, f"{name}: missing")
    counts = pc.list_value_length(column).fill_null(0).to_numpy(zero_copy_only=False)
    return column.flatten(), offsets(counts.astype(np.int64))


def _numbers(rows: pa.Array, width: int, name: str) -> NDArray[np.float32]:
    counts = pc.list_value_length(rows)
    good = rows.null_count == 0 and (len(rows) == 0 or pc.min_max(counts).as_py() == {"min": width, "max": width})
    _require(good, f"{name}: expected {width} numbers in a row")
    values = rows.flatten()
    _require(values.null_count == 0, f"{name}: a number is missing")
    return values.to_numpy(zero_copy_only=False).astype(np.float32, copy=False).reshape(-1, width)


def _distinct(names: pa.Array) -> list[str]:
    return [n for n in pc.unique(names).to_pylist() if n is not None]


def _positions(names: pa.Array, index_of: Any) -> NDArray[np.int64]:
    """Index of every name, looking each distinct one up once; -1 for null."""
    encoded = names.dictionary_encode()
    table = np.array([index_of(n) for n in encoded.dictionary.to_pylist()] + [-1], np.int64)
    return table[encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False)]


def _vocabulary_of(objects: list[list[str]], verbs: list[list[str]]) -> Vocabulary:
    object_names = list(dict.fromkeys(n for group in objects for n in group))
    verb_names = list(dict.fromkeys(n for group in verbs for n in group))
    for name in BUILT_IN[:-1]:
        vocabulary = Vocabulary.load(name)
        try:
            for n in object_names:
                vocabulary.object_index(n)
            for n in verb_names:
                vocabulary.verb_index(n)
        except InputError:
            continue
        return vocabulary
    return Vocabulary.from_names(object_names, verb_names)
