"""HICO-DET result files for the official MATLAB evaluation: a folder ``detections_01.mat`` ... ``detections_80.mat``.

``all_boxes`` is a cell array with one row per interaction class of the file's object and one column per test image;
a cell holds n x 9 numbers: person box, object box (x1, y1, x2, y2 counted from 0; the evaluation adds 1), score.
Files are numbered by object in COCO's order (ho-rcnn, TIN, PPDM) or in alphabetical order (SCG, UPT); the numbers of
rows tell which. iCAN, TIN and PPDM first write a list with one row per detection: person box, object box, image
number, class inside the object, score; that is read as well. A single ``detections.mat`` has all 600 classes.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from interplay.containers.isolated import ReaderProcess, check_mat_version
from interplay.errors import InputError, MissingFileError
from interplay.formats.pair_table import pair_table
from interplay.formats.reading import Reading
from interplay.ops.image_names import image_number
from interplay.ops.numbers import finite_rows, whole_rows
from interplay.table import InteractionTable
from interplay.vocabulary import Vocabulary

_NUM_TEST_IMAGES = 9658
_OFFICIAL = "HICO_test2015_{:08d}.jpg"
_LIST_COLUMNS = 5
_MOST_IMAGES = 10**12
_NAME = re.compile(r"detections_(\d+)\.mat")
_NOT_THERE = frozenset(
    (
        504, 508, 511, 543, 567, 602, 622, 633, 653, 665, 681, 690, 701, 726, 727, 787, 1078, 1106, 1142, 1188, 1219,
        1227, 1272, 1273, 1307, 1339, 1347, 1353, 1355, 1387, 1388, 1427, 1437, 1447, 1683, 1716, 1728, 1779, 1783,
        1815, 1833, 1936, 1939, 1944, 1997, 2017, 2020, 2318, 2365, 2414, 2429, 2446, 2450, 2487, 2521, 2556, 2562,
        2839, 2869, 2888, 2903, 2914, 2922, 2932, 2978, 2997, 2999, 3008, 3016, 3115, 3116, 3141, 3193, 3489, 3524,
        3532, 3605, 3617, 3666, 3669, 3720, 3724, 4039, 4221, 4250, 4638, 4641, 4667, 4714, 4726, 4748, 4750, 4754,
        4786, 4884, 5236, 5240, 5290, 5300, 5324, 5356, 5738, 5739, 7215, 7429, 9061, 9062, 9063, 9064,
    )
)  # fmt: skip
"""Numbers up to 9767 that no test image has."""
_Block = tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.int64]]
"""Image, (n, 9) numbers and class of some detections."""


def read_hico_results(
    path: Path,
    vocabulary: Vocabulary | None = None,
    files: Sequence[str] | None = None,
    progress: bool = False,
    reading: Reading | None = None,
) -> InteractionTable:
    """Read a folder of result files, or a single ``detections.mat``.

    Args:
        files: names of the images, in the order of the columns; not needed for the 9,658 of the official test set.
        progress: show a progress bar; there are nearly six million cells in a full result.
        reading: takes the files that are missing in a folder.

    Raises:
        MissingFileError: no such files.
        InputError: a file that does not fit; says which and why.
    """
    from rich.progress import track

    vocabulary = vocabulary or Vocabulary.load("hico-det")
    found = _found(path)
    with ReaderProcess("a MATLAB file of version 5") as reader:  # a damaged file can end the process that reads it
        shapes = {number: reader.read(f"{__name__}:_shape", file) for number, file in found.items()}
        rows = {number: shape[0] for number, shape in shapes.items() if number and shape[1] != _LIST_COLUMNS}
        order = _object_order(rows, vocabulary, path)
        if reading is not None:
            _note_absent(path, found, order, vocabulary, reading)
        blocks: list[_Block] = []
        listed: list[bool] = []
        columns = 0
        # file by file: empty cells alone take more than a gigabyte for the whole test set
        for number, file in track(found.items(), description="reading result files", disable=not progress):
            classes = _classes_of(number, order, vocabulary)
            *block, width, is_list = reader.read(f"{__name__}:_detections", file, classes.tolist())
            blocks.append((block[0], block[1], block[2]))
            listed.append(is_list)
            columns = max(columns, 0 if is_list else width)
    names = _names(columns, files, path)
    if any(listed):
        names, blocks = _numbered(names, blocks, listed)
    image = np.concatenate([block[0] for block in blocks])
    numbers = np.concatenate([block[1] for block in blocks])
    label = np.concatenate([block[2] for block in blocks])
    pairs = vocabulary.interactions[label]
    return pair_table(
        vocabulary, names, image, numbers[:, :4], numbers[:, 4:8], pairs[:, 0], pairs[:, 1], numbers[:, 8]
    )


def official_test_images() -> list[str]:
    """Names of HICO-DET's 9,658 test images in official order, which result files number by."""
    last = _NUM_TEST_IMAGES + len(_NOT_THERE)
    return [_OFFICIAL.format(number) for number in range(1, last + 1) if number not in _NOT_THERE]


def _names(columns: int, files: Sequence[str] | None, path: Path) -> list[str]:
    """The image of every column; without columns, the images that are known."""
    if columns in (0, _NUM_TEST_IMAGES):
        known = [] if files is None or columns else list(files)
        return known or official_test_images()
    if files is None:
        raise InputError(
            f"{path}: the files have {columns} columns, but the official test set has {_NUM_TEST_IMAGES} images; "
            "give the names of the images"
        )
    if columns != len(files):
        raise InputError(f"{path}: the files have {columns} columns, but there are {len(files)} annotated images")
    return list(files)


def _found(path: Path) -> dict[int, Path]:
    """Result files by number of their object; 0 for the single file with all classes."""
    if path.is_file():
        match = _NAME.fullmatch(path.name)
        return {int(match.group(1)) if match else 0: path}
    numbered = {int(m.group(1)): p for p in sorted(path.glob("*.mat")) if (m := _NAME.fullmatch(p.name))}
    if numbered:
        return dict(sorted(numbered.items()))
    if (path / "detections.mat").is_file():
        return {0: path / "detections.mat"}
    raise MissingFileError(f"{path} has no detections_01.mat ... detections_80.mat and no detections.mat")


def _shape(path: str) -> tuple[int, int]:
    """Shape of ``all_boxes`` without reading it; (0, 5), an empty list, where it holds nothing. Run by a reader."""
    from scipy.io import whosmat

    check_mat_version(path)
    shapes = {name: shape for name, shape, _ in whosmat(path)}
    if "all_boxes" not in shapes:
        raise InputError(f"{path}: has no variable 'all_boxes'")
    shape = tuple(shapes["all_boxes"])
    if len(shape) != 2:
        raise InputError(f"{path}: 'all_boxes' must have two dimensions, got {shape}")
    return shape if all(shape) else (0, _LIST_COLUMNS)


def _detections(
    path: str, listed_classes: list[int]
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.int64], int, bool]:
    """One file's detections, the number of its columns, and whether it is a list. Run by a reader."""
    from scipy.io import loadmat

    classes = np.array(listed_classes, np.int64)
    cells = loadmat(path, variable_names=["all_boxes"])["all_boxes"]
    cells = cells if cells.size else np.empty((0, _LIST_COLUMNS), object)
    if _is_list(cells):
        return *_from_list(cells, classes, path), cells.shape[1], True
    return *_from_cells(cells, classes, path), cells.shape[1], False


def _is_list(cells: NDArray[Any]) -> bool:
    """Whether a row is one detection (its fourth entry is a number) instead of a class."""
    return cells.shape[1] == _LIST_COLUMNS and (not len(cells) or np.size(cells[0, 3]) == 1)


def _object_order(rows: dict[int, int], vocabulary: Vocabulary, path: Path) -> list[int]:
    """Objects in the order in which the files are numbered: the one that explains all numbers of rows."""
    counts = np.bincount(vocabulary.interactions[:, 1], minlength=len(vocabulary.objects))
    coco = list(range(len(vocabulary.objects)))
    alphabetical = sorted(coco, key=lambda o: vocabulary.objects[o].replace(" ", "_"))
    for order in (coco, alphabetical):
        if all(n <= len(order) and counts[order[n - 1]] == size for n, size in rows.items()):
            return order
    number = next(n for n, size in rows.items() if n > len(coco) or counts[n - 1] != size)
    expected = counts[number - 1] if number <= len(coco) else "no"
    raise InputError(
        f"{path}: detections_{number:02d}.mat has {rows[number]} rows, but the object has {expected} classes "
        "(in COCO's order; alphabetical order does not fit either)"
    )


def _note_absent(
    path: Path, found: dict[int, Path], order: list[int], vocabulary: Vocabulary, reading: Reading
) -> None:
    """Say which objects have no file in a folder."""
    absent = [n for n in range(1, len(order) + 1) if n not in found]
    if path.is_file() or 0 in found or not absent:
        return
    reading.absent_files = [f"detections_{n:02d}.mat ({vocabulary.objects[order[n - 1]]})" for n in absent]
    reading.absent_classes = np.concatenate([_classes_of(n, order, vocabulary) for n in absent])
    reading.notes.append(f"of {len(order)} expected files, {reading.absence}")


def _classes_of(number: int, order: list[int], vocabulary: Vocabulary) -> NDArray[np.int64]:
    if number == 0:
        return np.arange(len(vocabulary.interactions))
    if number > len(order):
        raise InputError(f"detections_{number:02d}.mat: there are only {len(order)} objects")
    return np.flatnonzero(vocabulary.interactions[:, 1] == order[number - 1])


def _from_cells(cells: NDArray[Any], classes: NDArray[np.int64], file: str) -> _Block:
    if len(cells) != len(classes):
        raise InputError(f"{file}: 'all_boxes' has {len(cells)} rows, expected one for each of {len(classes)} classes")
    if cells.dtype != object:
        raise InputError(f"{file}: 'all_boxes' must be a cell array, got numbers of shape {cells.shape}")
    full = [(row, column) for (row, column), cell in np.ndenumerate(cells) if np.size(cell)]
    parts = [_rows_of_nine(cells[place], f"{file}: cell {place[0] + 1}, {place[1] + 1}") for place in full]
    sizes = [len(part) for part in parts]
    places = np.array(full, np.int64).reshape(-1, 2)
    cell = np.repeat(np.arange(len(full)), sizes)

    def where(row: int) -> str:
        class_row, column = full[cell[row]]
        return f"{file}: cell {class_row + 1}, {column + 1}"

    return (
        np.repeat(places[:, 1], sizes),
        finite_rows(np.concatenate([np.zeros((0, 9)), *parts]), 9, where).astype(np.float64),
        np.repeat(classes[places[:, 0]], sizes),
    )


def _rows_of_nine(cell: Any, where: str) -> NDArray[np.float64]:
    numbers = np.asarray(cell)
    numbers = numbers[None] if numbers.ndim == 1 else numbers
    if numbers.dtype.kind not in "iuf" or numbers.ndim != 2 or numbers.shape[1] != 9:
        raise InputError(
            f"{where}: a cell must hold rows of 9 numbers (person box, object box, score), got {numbers.dtype} of "
            f"shape {numbers.shape}"
        )
    return numbers.astype(np.float64)


def _from_list(cells: NDArray[Any], classes: NDArray[np.int64], file: str) -> _Block:
    """Images are *numbers* here, still to be looked up."""
    rows = [[x for part in row for x in np.ravel(part).tolist()] for row in cells]
    short = next((i for i, row in enumerate(rows) if len(row) != 11), None)
    if short is not None:
        raise InputError(f"{file}: row {short + 1} must hold person box, object box, image number, class and score")
    flat = finite_rows(rows, 11, lambda i: f"{file}: row {i + 1}").astype(np.float64)
    image = whole_rows([row[8] for row in rows], lambda i: f"{file}: row {i + 1}: the image's number", _MOST_IMAGES)
    inner = whole_rows([row[9] for row in rows], lambda i: f"{file}: row {i + 1}: the class", len(classes))
    return image, flat[:, [0, 1, 2, 3, 4, 5, 6, 7, 10]], classes[inner]


def _numbered(names: list[str], blocks: list[_Block], is_list: list[bool]) -> tuple[list[str], list[_Block]]:
    """Turn image numbers into indices; images that have no name yet get the official one."""
    position = {number: i for i, number in enumerate(map(image_number, names)) if number is not None}
    names = list(names)
    changed = []
    for (image, numbers, label), listed in zip(blocks, is_list, strict=True):
        if listed:
            for number in np.unique(image).tolist():
                if number not in position:
                    position[number] = len(names)
                    names.append(_OFFICIAL.format(number))
            image = np.array([position[n] for n in image.tolist()], np.int64)
        changed.append((image, numbers, label))
    return names, changed
