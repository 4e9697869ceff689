"""Arrow tables with one row per image <-> `InteractionTable`. JSON Lines and Parquet both go through this."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from interplay.columns import INTERACTION_FIELDS, Column, get_column, registered_columns
from interplay.errors import InputError
from interplay.formats.reading import OWN_NAMES, OwnNames
from interplay.formats.records import lists_indices
from interplay.table import InteractionTable, offsets
from interplay.vocabulary import Vocabulary

_COMMON = ("hico-det", "v-coco", "pastanet-hoi", "coco")
"""Vocabularies that names without a vocabulary are looked up in."""

_PAIR = pa.struct([("verb", pa.string()), ("object", pa.string())])
_ALWAYS = ("interactiveness", "keypoints", "unlabelled")
"""Columns that every file has, with nulls where there is nothing; others are only in files of tables that have them."""


def schema(columns: Iterable[str] = ()) -> pa.Schema:
    """One row per image; the fields of `interplay.formats.records`.

    Args:
        columns: names of the columns that are there beside those that every file has.
    """
    chosen = {*_ALWAYS, *columns}
    there = [column for column in registered_columns() if column.name in chosen]
    in_interactions = [(column.name, _row_type(column)) for column in there if column.per == "triplet"]
    in_rows = [(column.name, _field_type(column)) for column in there if column.per != "triplet"]
    interaction = [("human", pa.int32()), ("verb", pa.string()), ("object", pa.int32()), ("score", pa.float32())]
    return pa.schema(
        [
            ("file", pa.string()),
            ("width", pa.int32()),
            ("height", pa.int32()),
            ("boxes", pa.list_(pa.list_(pa.float32()))),
            ("labels", pa.list_(pa.string())),
            ("scores", pa.list_(pa.float32())),
            ("interactions", pa.list_(pa.struct(interaction + in_interactions))),
            *in_rows,
            ("image_labels", pa.list_(_PAIR)),
        ]
    )


def full_schema() -> pa.Schema:
    """The `schema` with every registered column."""
    return schema(column.name for column in registered_columns())


def to_arrow(table: InteractionTable) -> pa.Table:
    """The rows of `schema`. Fields that nothing in the table fills are null."""
    form = schema(table.columns)
    objects, verbs = pa.array(table.vocabulary.objects, pa.string()), pa.array(table.vocabulary.verbs, pa.string())
    count = len(table)
    none = pa.nulls(count)
    inside = [
        _rows(get_column(name), table.columns[name]) if name in table.columns else pa.nulls(len(table.verb), kind)
        for name, kind in _interaction_columns(form)
    ]
    interactions = pa.StructArray.from_arrays(
        [
            pa.array(table.human.astype(np.int32)),
            verbs.take(pa.array(table.verb)),
            pa.array(table.object.astype(np.int32), mask=table.object < 0),
            pa.array(table.score) if table.scored else pa.nulls(len(table.verb), pa.float32()),
            *inside,
        ],
        fields=list(form.field("interactions").type.value_type),
    )
    columns: dict[str, Any] = {
        "file": pa.array(table.files, pa.string()),
        "width": pa.array(table.sizes[:, 0], mask=table.sizes[:, 0] == 0),
        "height": pa.array(table.sizes[:, 1], mask=table.sizes[:, 1] == 0),
        "boxes": _lists(table.box_offsets, _fixed(table.boxes)),
        "labels": _lists(table.box_offsets, objects.take(pa.array(table.labels))),
        "scores": _lists(table.box_offsets, pa.array(table.box_scores)) if table.scored else none,
        "interactions": _lists(table.triplet_offsets, interactions),
        "image_labels": none,
    }
    for column in registered_columns("box") + registered_columns("image"):
        values = table.columns.get(column.name)
        columns[column.name] = none if values is None else _field(column, values, table)
    if table.image_labels is not None and table.image_label_offsets is not None:
        verb, label = table.image_labels.T
        pairs = pa.StructArray.from_arrays(
            [verbs.take(pa.array(verb)), objects.take(pa.array(label, mask=label < 0))], fields=list(_PAIR)
        )
        columns["image_labels"] = _lists(table.image_label_offsets, pairs)
    return pa.table([columns[f.name].cast(f.type) for f in form], schema=form)


def from_arrow(rows: pa.Table, vocabulary: Vocabulary | OwnNames | None) -> InteractionTable:
    """The `InteractionTable` of rows of `full_schema` (missing columns count as null).

    Args:
        vocabulary: what the names mean; None looks them up in the built-in ones, `OWN_NAMES` does not.

    Raises:
        InputError: a row does not fit; says the field, not the row.
    """
    rows = rows.combine_chunks()
    count = rows.num_rows
    form = full_schema()

    def column(name: str) -> pa.Array:
        kind = form.field(name).type
        if name not in rows.column_names:
            return pa.nulls(count, kind)
        found = rows.column(name)
        if name == "interactions":
            kind = _with_fields_of(found.type, kind)
        return found.cast(kind).combine_chunks()

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

    if vocabulary is None or isinstance(vocabulary, str):
        names = [labels, pairs.field("object")], [verbs, pairs.field("verb")]
        vocabulary = _vocabulary_of(vocabulary is None, *([_distinct(a) for a in group] for group in names))
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
    sides = [column(name) for name in ("width", "height")]
    positive = all(bool((s.drop_null().to_numpy(zero_copy_only=False) > 0).all()) for s in sides)
    _require(positive, "width, height: expected positive numbers of pixels")
    size = [s.fill_null(0).to_numpy(zero_copy_only=False) for s in sides]

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
    numbers = (table.boxes, table.score, table.box_scores)
    _require(all(bool(np.isfinite(values).all()) for values in numbers), "numbers must be finite")
    for extra in registered_columns():
        if extra.per == "triplet":
            there = interactions.type.get_field_index(extra.name) >= 0
            values = interactions.field(extra.name) if there else pa.nulls(len(verbs))
        else:
            values = column(extra.name)
        if values.null_count < len(values):
            setattr(table, extra.name, _read_field(extra, values, box_offsets))
    if pairs_column.null_count < count:
        _require(pairs.null_count == 0 and pairs.field("verb").null_count == 0, "image_labels: a verb is missing")
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


def _row_type(column: Column) -> pa.DataType:
    """How one row of a column is stored: nested lists of values."""
    kind = pa.string() if column.kind == "U" else pa.from_numpy_dtype(column.dtype)
    for _ in column.shape:
        kind = pa.list_(kind)
    return kind


def _field_type(column: Column) -> pa.DataType:
    """How a column per box or image is stored in an image's record."""
    if column.per == "image":
        return _row_type(column)
    return pa.list_(pa.int32() if lists_indices(column) else _row_type(column))


def _interaction_columns(form: pa.Schema) -> list[tuple[str, pa.DataType]]:
    """Name and type of the columns inside interactions."""
    fields = list(form.field("interactions").type.value_type)
    return [(f.name, f.type) for f in fields if f.name not in INTERACTION_FIELDS]


def _with_fields_of(found: pa.DataType, wanted: pa.DataType) -> pa.DataType:
    """The wanted list of structs with only those optional fields that are found, and in the order found.

    Not every version of Arrow casts a struct to one with more fields or with another order.
    """
    is_list = pa.types.is_list(found) or pa.types.is_large_list(found)
    if not (is_list and pa.types.is_struct(found.value_type)):
        return wanted
    fields = {f.name: f for f in wanted.value_type}
    required = [name for name in INTERACTION_FIELDS if found.value_type.get_field_index(name) < 0]
    names = [f.name for f in found.value_type if f.name in fields]
    return pa.list_(pa.struct([fields[name] for name in [*names, *required]]))


def _field(column: Column, values: NDArray[Any], table: InteractionTable) -> pa.Array:
    """A column per box or image as a field of the images' records."""
    if column.per == "image":
        return _rows(column, values)
    if not lists_indices(column):
        return _lists(table.box_offsets, _rows(column, values))
    rows = np.flatnonzero(values)
    image = table.box_image_index[rows]
    counts = np.bincount(image, minlength=len(table))
    return _lists(offsets(counts), pa.array((rows - table.box_offsets[image]).astype(np.int32)))


def _rows(column: Column, values: NDArray[Any]) -> pa.Array:
    """Rows (R, *shape) as nested lists, null where a row is the fill value throughout."""
    missing = column.is_fill(values)
    if not column.shape:
        return pa.array(values, mask=missing)
    lengths: Any = column.shape[0]
    values = values[~missing]
    if column.ragged:
        lengths = np.zeros(len(missing), np.int64)
        lengths[~missing] = [len(row) for row in values]
        values = np.concatenate([np.zeros((0, *column.row_shape), column.dtype), *values])
    nested = pa.array(values.reshape(-1), from_pandas=column.fill_is_nan)  # unknown: null, as in JSON Lines
    for size in column.shape[:0:-1]:
        nested = pa.ListArray.from_arrays(pa.array(np.arange(0, len(nested) + 1, size, dtype=np.int32)), nested)
    starts = offsets(np.where(missing, 0, lengths)).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(starts), nested, mask=pa.array(missing))


def _read_field(column: Column, values: pa.Array, box_offsets: NDArray[np.int64]) -> NDArray[Any]:
    """The rows (R, *shape) of a column that is not null everywhere; the fill value where nothing is given."""
    if column.per != "box":
        return _read_rows(column, values)
    counts = np.diff(box_offsets)
    rows, starts = _flat(values, column.name, required=False)
    if lists_indices(column):
        index = rows.to_numpy(zero_copy_only=False)
        limit = np.repeat(counts, np.diff(starts))
        _require(bool(((index >= 0) & (index < limit)).all()), f"{column.name}: no index of a box")
        marked = column.filled(int(box_offsets[-1]))
        marked[index + np.repeat(box_offsets[:-1], np.diff(starts))] = True
        return marked
    given = ~values.is_null().to_numpy(zero_copy_only=False)
    _require(np.array_equal(np.diff(starts)[given], counts[given]), f"{column.name}: expected one entry per box")
    return _spread(column, _read_rows(column, rows), np.repeat(given, counts))


def _read_rows(column: Column, rows: pa.Array) -> NDArray[Any]:
    """Nested lists as (R, *shape); the fill value where a row is null."""
    there = ~rows.is_null().to_numpy(zero_copy_only=False)
    values = rows.drop_null() if rows.null_count else rows
    starts = np.zeros(1, np.int64)
    if column.ragged:
        values, starts = _flat(values, column.name)
    for size in column.row_shape:
        lengths = pc.list_value_length(values).to_numpy(zero_copy_only=False)
        fits = values.null_count == 0 and bool((lengths == size).all())
        _require(fits, f"{column.name}: expected rows of {' x '.join(map(str, column.row_shape))} values")
        values = values.flatten()
    if column.kind == "f":  # what is unknown is null; NaN is what went wrong
        finite = np.isfinite(values.drop_null().to_numpy(zero_copy_only=False))
        _require(bool(finite.all()), f"{column.name}: numbers must be finite")
    if column.fill_is_nan and values.null_count:
        values = values.fill_null(float("nan"))
    _require(values.null_count == 0, f"{column.name}: a value is missing")
    flat = values.to_numpy(zero_copy_only=False).astype(str if column.kind == "U" else column.dtype, copy=False)
    flat = flat.reshape(-1, *column.row_shape)
    if column.ragged:
        flat = column.as_array(np.split(flat, starts[1:-1]) if len(starts) > 1 else [], len(starts) - 1)
    return _spread(column, flat, there)


def _spread(column: Column, values: NDArray[Any], there: NDArray[np.bool_]) -> NDArray[Any]:
    """Rows for all places where `there` is True, with the fill value at the others."""
    if there.all():
        return values
    position = np.where(there, np.cumsum(there) - 1, -1)
    return np.concatenate([values, column.filled(1)])[position]


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


def _vocabulary_of(look_up: bool, objects: list[list[str]], verbs: list[list[str]]) -> Vocabulary:
    object_names = list(dict.fromkeys(n for group in objects for n in group))
    verb_names = list(dict.fromkeys(n for group in verbs for n in group))
    for name in _COMMON if look_up else ():
        vocabulary = Vocabulary.load(name)
        known = all(vocabulary.find_object(n) >= 0 for n in object_names)
        if known and all(vocabulary.find_verb(n) >= 0 for n in verb_names):
            return vocabulary
    return Vocabulary.from_names(object_names, verb_names, OWN_NAMES)
