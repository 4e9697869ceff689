"""JSON Lines files of interactions: one image a line (`interplay.formats.records`).

Reading goes through Arrow's parser, about ten times as fast as Python's. When that finds anything wrong the file
is read again line by line, to say where.
"""

from __future__ import annotations

import codecs
import json
import re
from pathlib import Path
from typing import Any, TextIO

import numpy as np
from numpy.typing import NDArray

from interplay.columns import Column, registered_columns
from interplay.containers.guard import reason, regular_file
from interplay.containers.json_files import iterate_json_lines
from interplay.errors import InputError
from interplay.files import atomic_path
from interplay.formats.reading import OwnNames
from interplay.formats.records import lists_indices, record_problems
from interplay.interactions import Interactions
from interplay.table import InteractionTable
from interplay.vocabulary import Vocabulary

_BLOCK_BYTES = 4 << 20  # Arrow parses blocks in parallel; a line may not be longer than one


def read_jsonl(path: Path, vocabulary: Vocabulary | OwnNames | None = None) -> InteractionTable:
    """Read a file; an empty one gives a table without images.

    Raises:
        InputError: names file, line and field of the first problem.
    """
    import pyarrow as pa  # here, since results of one picture are written before anything is read
    import pyarrow.json as pj

    from interplay.formats.arrow import from_arrow, full_schema

    known = vocabulary if isinstance(vocabulary, Vocabulary) else None
    regular_file(path, "a JSON Lines file")
    longest, lines, doubtful = _survey(path)
    if longest == 0:
        return InteractionTable.from_list([], known or Vocabulary.load("hico-det"))
    if doubtful:
        for _ in iterate_json_lines(path):  # which refuses what Arrow's parser lets pass in fields that are not used
            pass
    # Arrow's parser must only see lines that are objects: on a bare `null` it crashes the process.
    source = path if lines is not None else pa.BufferReader(_as_objects(path))
    try:
        rows = pj.read_json(
            source,
            read_options=pj.ReadOptions(block_size=max(_BLOCK_BYTES, 2 * longest)),
            parse_options=pj.ParseOptions(explicit_schema=full_schema(), unexpected_field_behavior="ignore"),
        )
        if lines is not None and len(rows) != lines:
            raise InputError("every line must be one record")
        return from_arrow(rows, vocabulary)
    except Exception as error:  # whatever is wrong, also with an encoding: say where it is
        for number, record in iterate_json_lines(path):
            for field, problem in record_problems(record, known):
                raise InputError(f"{path}, line {number}, {field}: {problem}") from None
        raise InputError(f"{path}: {reason(error, 'JSON Lines of interactions')}") from None


_DOUBTFUL = re.compile(rb"NaN|Infinity|\d{19}|\d[eE]\+?\d{3}|\\u[dD][89a-fA-F]")
_LONGEST_DOUBT = 20


def _survey(path: Path) -> tuple[int, int | None, bool]:
    """Length in bytes of the longest line with content, the number of lines that begin with ``{``, and doubts.

    The number is None where a line begins with something else and is not empty. Doubtful is a file that may hold
    numbers or text that JSON does not know; a few of these are harmless.
    """
    longest, carried, regular, lines = 0, 0, True, 0
    first, doubtful = True, False
    decoder, end = codecs.getincrementaldecoder("utf-8")(), b""
    with path.open("rb") as stream:
        while block := stream.read(1 << 24):
            codes = np.frombuffer(block, np.uint8)
            ends = np.flatnonzero(codes == ord("\n"))
            starts = ends[:-1] + 1 if len(ends) and ends[-1] == len(codes) - 1 else ends + 1
            heads = codes[np.concatenate([[0], starts])] if first else codes[starts]
            lines += int((heads == ord("{")).sum())
            regular = regular and bool(np.isin(heads, (ord("{"), ord("\n"))).all())
            first = bool(len(ends)) and ends[-1] == len(codes) - 1
            edges = np.concatenate([[-1 - carried], ends])
            longest = max(longest, int(np.diff(edges).max(initial=1)) - 1)
            carried = len(codes) - 1 - int(edges[-1])
            if not doubtful:
                doubtful = (
                    _DOUBTFUL.search(block) is not None or _DOUBTFUL.search(end + block[:_LONGEST_DOUBT]) is not None
                )
                end = (end + block)[-_LONGEST_DOUBT:] if len(block) < _LONGEST_DOUBT else block[-_LONGEST_DOUBT:]
                try:
                    decoder.decode(block)
                except UnicodeDecodeError:
                    doubtful = True
    return max(longest, carried), lines if regular else None, doubtful or bool(decoder.getstate()[0])


def _as_objects(path: Path) -> bytes:
    """The file's records, one object a line without indentation or other decoration.

    Raises:
        InputError: a line is not a JSON object.
    """
    lines = []
    for number, record in iterate_json_lines(path):
        if not isinstance(record, dict):
            raise InputError(f"{path}, line {number}: expected a JSON object, got {type(record).__name__}")
        lines.append(json.dumps(record))
    return "\n".join(lines).encode() + b"\n"


def write_jsonl(table: InteractionTable, path: Path) -> None:
    """Write a table, whole or not at all."""
    with atomic_path(path) as temporary, temporary.open("w", encoding="utf-8") as stream:
        write_lines(table, stream)


def append_jsonl(image: Interactions, stream: TextIO) -> None:
    """Write one image's line to an open text file and flush it, so that a long run can be resumed."""
    write_lines(InteractionTable.from_list([image]), stream)
    stream.flush()


def write_lines(table: InteractionTable, stream: TextIO) -> None:
    """Write one line per image to an open text file."""
    objects, verbs = table.vocabulary.objects, table.vocabulary.verbs
    boxes, box_scores = shortest(table.boxes).tolist(), shortest(table.box_scores).tolist()
    score, human = shortest(table.score).tolist(), table.human.tolist()
    target = [None if o < 0 else o for o in table.object.tolist()]
    labels, verb = table.labels.tolist(), table.verb.tolist()
    columns = [(column, table.columns[column.name]) for column in registered_columns() if column.name in table.columns]
    per_triplet = [(c.name, _plain(c, values)) for c, values in columns if c.per == "triplet"]
    per_box = [(c.name, _plain(c, values)) for c, values in columns if c.per == "box" and not lists_indices(c)]
    per_image = [(c.name, _plain(c, values)) for c, values in columns if c.per == "image"]
    marks = [(c.name, values) for c, values in columns if lists_indices(c)]
    for i, file in enumerate(table.files):
        b0, b1 = int(table.box_offsets[i]), int(table.box_offsets[i + 1])
        record: dict[str, Any] = {"file": file}
        for key, size in zip(("width", "height"), table.sizes[i].tolist(), strict=True):
            if size:
                record[key] = size
        record["boxes"] = boxes[b0:b1]
        record["labels"] = [objects[n] for n in labels[b0:b1]]
        if table.scored:
            record["scores"] = box_scores[b0:b1]
        interactions = []
        for t in range(int(table.triplet_offsets[i]), int(table.triplet_offsets[i + 1])):
            item: dict[str, Any] = {"human": human[t], "verb": verbs[verb[t]], "object": target[t]}
            if table.scored:
                item["score"] = score[t]
            item.update((name, values[t]) for name, values in per_triplet if values[t] is not None)
            interactions.append(item)
        record["interactions"] = interactions
        record.update((name, values[b0:b1]) for name, values in per_box)
        record.update((name, np.flatnonzero(values[b0:b1]).tolist()) for name, values in marks)
        record.update((name, values[i]) for name, values in per_image if values[i] is not None)
        if table.image_labels is not None and table.image_label_offsets is not None:
            pairs = table.image_labels[table.image_label_offsets[i] : table.image_label_offsets[i + 1]]
            record["image_labels"] = [
                {"verb": verbs[v], "object": objects[o] if o >= 0 else None} for v, o in pairs.tolist()
            ]
        stream.write(json.dumps(record, ensure_ascii=False) + "\n")


def _plain(column: Column, values: NDArray[Any]) -> list[Any]:
    """Rows (R, *shape) as JSON has them: null for the fill value, also of one number inside a row where it is NaN."""
    missing = column.is_fill(values)
    if column.ragged:
        return [None if row is None else (shortest(row) if row.dtype == np.float32 else row).tolist() for row in values]
    short: NDArray[Any] = shortest(values) if values.dtype == np.float32 else values
    if column.fill_is_nan and np.isnan(values[~missing]).any():
        short = short.astype(object)
        short[np.isnan(values)] = None
    return [None if left_out else row for left_out, row in zip(missing.tolist(), short.tolist(), strict=True)]


def shortest(values: NDArray[np.float32]) -> NDArray[np.float64]:
    """float32 values as the float64 with the fewest digits (6 to 9) that reads back as the same float32."""
    exact = values.astype(np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        magnitude = np.where((exact != 0) & np.isfinite(exact), np.floor(np.log10(np.abs(exact))), 0)
    result = exact.copy()
    undecided = np.isfinite(exact)
    for digits in (6, 7, 8, 9):
        power = digits - 1 - magnitude
        # dividing by a whole power of ten is exact rounding; multiplying by 1e-k is not
        rounded = np.where(
            power >= 0,
            np.round(exact * 10.0 ** np.maximum(power, 0)) / 10.0 ** np.maximum(power, 0),
            np.round(exact / 10.0 ** np.maximum(-power, 0)) * 10.0 ** np.maximum(-power, 0),
        )
        fits = undecided & (rounded.astype(np.float32) == values)
        result = np.where(fits, rounded, result)
        undecided &= ~fits
    return result
