"""HICO-DET's result files, as the published code bases write them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.io import savemat

from interplay import InteractionTable, Vocabulary
from interplay.errors import InputError, MissingFileError
from interplay.formats.hico_mat import official_test_images, read_hico_results

FILES = ["HICO_test2015_00000001.jpg", "HICO_test2015_00000002.jpg", "HICO_test2015_00000005.jpg"]
ROW = [10.0, 10, 60, 120, 5, 60, 90, 140]


def cells(vocabulary: Vocabulary, name: str, columns: int = 3) -> NDArray[Any]:
    """An empty cell array for an object's classes."""
    rows = int((vocabulary.interactions[:, 1] == vocabulary.object_index(name)).sum())
    made = np.empty((rows, columns), object)
    for place in np.ndindex(made.shape):
        made[place] = np.zeros((0, 0))
    return made


def write_folder(folder: Path, vocabulary: Vocabulary, alphabetical: bool) -> None:
    order = sorted(vocabulary.objects, key=lambda o: o.replace(" ", "_")) if alphabetical else vocabulary.objects
    for name in ("airplane", "bicycle", "person"):
        made = cells(vocabulary, name)
        if name == "bicycle":
            made[3, 0] = np.array([[*ROW, 0.9], [*ROW, 0.7]])
            made[3, 2] = np.array([[*ROW, 0.8]])
        savemat(folder / f"detections_{order.index(name) + 1:02d}.mat", {"all_boxes": made})


def classes(table: InteractionTable) -> list[int]:
    return table.vocabulary.interaction_lookup[table.verb, table.object_labels].tolist()


@pytest.mark.parametrize("alphabetical", [False, True])
def test_cells_in_either_order_of_objects(tmp_path: Path, hico: Vocabulary, alphabetical: bool) -> None:
    write_folder(tmp_path, hico, alphabetical)
    table = read_hico_results(tmp_path, hico, FILES)
    assert table.files == FILES
    assert np.diff(table.triplet_offsets).tolist() == [2, 0, 1]
    assert classes(table) == [10 + 3] * 3  # the fourth class of bicycle, whose first is 10
    assert table.score.tolist() == pytest.approx([0.9, 0.7, 0.8])
    assert table.human_boxes[0].tolist() == ROW[:4]
    assert table.object_boxes[2].tolist() == ROW[4:]


def test_lists_of_detections(tmp_path: Path, hico: Vocabulary) -> None:
    rows = np.empty((2, 5), object)
    for i, (image, inner, score) in enumerate([(5, 3, 900.0), (9, 0, 800.0)]):
        for j, value in enumerate([np.array(ROW[:4]), np.array(ROW[4:]), image, inner, score]):
            rows[i, j] = value
    number = hico.object_index("bicycle") + 1
    savemat(tmp_path / f"detections_{number:02d}.mat", {"all_boxes": rows})
    savemat(tmp_path / "detections_01.mat", {"all_boxes": []})
    table = read_hico_results(tmp_path, hico, FILES)
    assert table.files == [*FILES, "HICO_test2015_00000009.jpg"]
    assert np.diff(table.triplet_offsets).tolist() == [0, 0, 1, 1]
    assert classes(table) == [13, 10]
    assert table.score.tolist() == [900, 800]


def test_official_names(data: Path) -> None:
    published = json.loads((data / "hico_det" / "instances_test2015.json").read_text())
    assert official_test_images() == published["filenames"]


def test_one_file_with_all_classes(tmp_path: Path, hico: Vocabulary) -> None:
    made = np.empty((600, 3), object)
    for place in np.ndindex(made.shape):
        made[place] = np.zeros((0, 0))
    made[599, 1] = np.array([[*ROW, 0.5]])
    savemat(tmp_path / "detections.mat", {"all_boxes": made})
    for path in (tmp_path, tmp_path / "detections.mat"):
        table = read_hico_results(path, hico, FILES)
        assert classes(table) == [599]
        assert table.image_index.tolist() == [1]


def test_nothing_detected(tmp_path: Path, hico: Vocabulary) -> None:
    savemat(tmp_path / "detections_02.mat", {"all_boxes": cells(hico, "bicycle")})
    table = read_hico_results(tmp_path, hico, FILES)
    assert (len(table), len(table.verb)) == (3, 0)


def test_columns_must_be_images(tmp_path: Path, hico: Vocabulary) -> None:
    write_folder(tmp_path, hico, False)
    with pytest.raises(InputError, match="3 columns, but there are 2 annotated images"):
        read_hico_results(tmp_path, hico, FILES[:2])
    with pytest.raises(InputError, match="give the names of the images"):
        read_hico_results(tmp_path, hico)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"boxes": np.zeros((2, 2))}, "no variable 'all_boxes'"),
        ({"all_boxes": np.zeros((14, 3))}, "must be a cell array"),
        ({"all_boxes": np.full((9, 3), None)}, "has 9 rows, but the object has 14 classes"),
    ],
)
def test_content_that_does_not_fit(tmp_path: Path, hico: Vocabulary, content: Any, message: str) -> None:
    content = {k: cells(hico, "airplane")[:9] if v.dtype == object else v for k, v in content.items()}
    savemat(tmp_path / "detections_02.mat", content)
    with pytest.raises(InputError, match=message):
        read_hico_results(tmp_path, hico, FILES)


def test_cell_with_wrong_width(tmp_path: Path, hico: Vocabulary) -> None:
    made = cells(hico, "bicycle")
    made[0, 0] = np.zeros((1, 5))
    savemat(tmp_path / "detections_02.mat", {"all_boxes": made})
    with pytest.raises(InputError, match="rows of 9 numbers"):
        read_hico_results(tmp_path, hico, FILES)


def test_damaged_and_missing(tmp_path: Path, hico: Vocabulary) -> None:
    with pytest.raises(MissingFileError, match="detections_01"):
        read_hico_results(tmp_path, hico, FILES)
    (tmp_path / "detections_01.mat").write_bytes(b"not a mat file at all" * 20)
    with pytest.raises(InputError, match="not a MATLAB file"):
        read_hico_results(tmp_path, hico, FILES)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e39])
@pytest.mark.parametrize("place", [0, 5, 8])
def test_cells_with_numbers_that_are_none(tmp_path: Path, hico: Vocabulary, place: int, value: float) -> None:
    made = cells(hico, "bicycle")
    made[3, 0] = np.array([[*ROW, 0.9]])
    made[5, 2] = np.array([[*ROW, 0.9], [*ROW, 0.8]])
    made[5, 2][1, place] = value
    savemat(tmp_path / "detections_02.mat", {"all_boxes": made})
    with pytest.raises(InputError, match=r"detections_02\.mat: cell 6, 3: expected finite numbers"):
        read_hico_results(tmp_path, hico, FILES)


@pytest.mark.parametrize("cell", [np.zeros((9, 2)), np.zeros((18,)), np.full((1, 9), 1j), np.zeros((2, 3, 3))])
def test_cells_of_other_shapes(tmp_path: Path, hico: Vocabulary, cell: NDArray[Any]) -> None:
    """Nine rows of two numbers are no two rows of nine."""
    made = cells(hico, "bicycle")
    made[0, 1] = cell
    savemat(tmp_path / "detections_02.mat", {"all_boxes": made})
    with pytest.raises(InputError, match=r"cell 1, 2: a cell must hold rows of 9 numbers"):
        read_hico_results(tmp_path, hico, FILES)


@pytest.mark.parametrize("value", [np.nan, np.inf, -5.0, 5.7, 1e300])
@pytest.mark.parametrize("field", ["image", "class", "box", "score"])
def test_lists_with_numbers_that_are_none(tmp_path: Path, hico: Vocabulary, field: str, value: float) -> None:
    if np.isfinite(value) and value < 1e38 and field in ("box", "score"):
        return
    row = {"human": np.array(ROW[:4]), "box": np.array(ROW[4:]), "image": 5.0, "class": 3.0, "score": 1.0}
    row[field] = np.array([1, value, 3, 4]) if field == "box" else value
    rows = np.empty((2, 5), object)
    for j, key in enumerate(row):
        rows[0, j] = {"image": 5.0, "class": 3.0, "score": 1.0}.get(key, np.array(ROW[:4]))
        rows[1, j] = row[key]
    savemat(tmp_path / "detections_02.mat", {"all_boxes": rows})
    with pytest.raises(InputError, match=r"detections_02\.mat: row 2"):
        read_hico_results(tmp_path, hico, FILES)
