"""Columns that are registered here survive everything that built-in ones do."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from interplay import Column, Interactions, InteractionTable, Vocabulary, read, register_column, write
from interplay.cli import main
from interplay.columns import HasColumns, registered_columns
from interplay.datasets.builder import TableBuilder
from interplay.datasets.images import Sample
from interplay.datasets.transforms import mirror
from interplay.errors import InputError
from interplay.formats.jsonl import append_jsonl
from interplay.metrics.steps import keep_top_k
from interplay.visual.sheet import resize

NAMES = Vocabulary.from_names(["person", "kite", "dog"], ["fly", "walk"], "tiny")
GAZE = Column("gaze", per="box", dtype=np.float32, fill=np.nan, shape=(2,), doc="Where they look.", geometry="points")
TOUCH = Column("touch", per="box", dtype=bool, fill=False, shape=(3,))
HAPPY = Column("happy", per="box", dtype=bool, fill=False)
RLE = Column("rle", per="box", dtype=str, fill="", geometry="pixels")
HANDS = Column("hands", per="triplet", dtype=np.int32, fill=-1)
CERTAIN = Column("certain", per="triplet", dtype=bool, fill=False)
CAMERA = Column("camera", per="image", dtype=np.float64, fill=np.nan, shape=(2, 2))
WEATHER = Column("weather", per="image", dtype=str, fill="")
GRIP = Column("grip", per="triplet", dtype=np.float32, fill=None, shape=(None, 2), doc="Vertex and probability.")
SPOTS = Column("spots", per="box", dtype=np.int64, fill=None, shape=(None,))
OWN = (GAZE, TOUCH, HAPPY, RLE, HANDS, CERTAIN, CAMERA, WEATHER, GRIP, SPOTS)

VALUES = {
    "gaze": [[1.5, 2.25], [np.nan, np.nan], [3.0, np.nan]],
    "touch": [[True, False, True], [False] * 3, [False, False, True]],
    "happy": [True, False, True],
    "rle": ["a1", "", "bcd\n2"],
    "hands": [2, -1],
    "certain": [True, False],
    "camera": [[500.25, 0], [0, 1 / 3]],
    "weather": "sunny",
    "grip": [[[7, 0.5], [12271, 0.9]], None],
    "spots": [[], None, [1, 2**40, 3]],
    "track": [7, -1, 2**40],
}


def image(file: str, **columns: object) -> Interactions:
    """A person who flies a kite and walks, and a dog."""
    boxes = [[1, 2, 30, 60], [20, 4, 55, 33], [40, 40, 60, 60]]
    return Interactions(
        boxes, [0, 1, 2], [0, 0], [1, -1], [0, 1], NAMES, file=file, width=64, height=66, scored=False, **columns
    )


@pytest.fixture(autouse=True, scope="module")
def own_columns() -> Iterator[None]:
    """The columns are known to these tests alone: other tests in this process have fields of the same names."""
    for column in OWN:
        register_column(column)
    yield
    for column in OWN:
        delattr(HasColumns, column.name)


@pytest.fixture
def full() -> Interactions:
    return image("full.jpg", **VALUES)


@pytest.fixture
def bare() -> Interactions:
    return image("bare.jpg")


def filled(bare: Interactions) -> Interactions:
    """As `bare` is beside images that have every column."""
    counts = {"box": 3, "triplet": 2, "image": None}
    own = [column for column in registered_columns() if column.name in VALUES]
    return bare.with_columns(**{column.name: column.filled(counts[column.per]) for column in own})


def through_file(suffix: str) -> Callable[[list[Interactions], Path], list[Interactions]]:
    def form(images: list[Interactions], folder: Path) -> list[Interactions]:
        write(images, folder / f"a{suffix}")
        return list(read(folder / f"a{suffix}", NAMES))

    return form


def through_convert(suffix: str) -> Callable[[list[Interactions], Path], list[Interactions]]:
    def form(images: list[Interactions], folder: Path) -> list[Interactions]:
        NAMES.save(folder / "names.json")
        source = folder / f"a{'.jsonl' if suffix == '.parquet' else '.parquet'}"
        write(images, source)
        target = folder / f"b{suffix}"
        command = ["datasets", "convert", str(source), str(target), "--dataset", "own"]
        assert main([*command, "--vocabulary", str(folder / "names.json")]) == 0
        return list(read(target, NAMES))

    return form


def through_appended_lines(images: list[Interactions], folder: Path) -> list[Interactions]:
    with (folder / "a.jsonl").open("w") as stream:
        for each in images:
            append_jsonl(each, stream)
    return list(read(folder / "a.jsonl", NAMES))


ORDERS = {1: np.array([0]), 2: np.array([1, 0])}
FORMS = {
    "table": lambda images, folder: list(InteractionTable.from_list(images)),
    "select": lambda images, folder: list(InteractionTable.from_list(images[::-1]).select(ORDERS[len(images)])),
    "slices": lambda images, folder: list(InteractionTable.from_list(images)[::-1][::-1]),
    "pickle": lambda images, folder: list(pickle.loads(pickle.dumps(InteractionTable.from_list(images)))),  # noqa: S301
    "jsonl": through_file(".jsonl"),
    "parquet": through_file(".parquet"),
    "lines": through_appended_lines,
    "convert to jsonl": through_convert(".jsonl"),
    "convert to parquet": through_convert(".parquet"),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_keeps_own_columns(full: Interactions, bare: Interactions, form: str, tmp_path: Path) -> None:
    assert FORMS[form]([full, bare], tmp_path) == [full, filled(bare)]
    assert FORMS[form]([bare, full], tmp_path) == [filled(bare), full]
    assert FORMS[form]([bare], tmp_path) == [bare]


@pytest.mark.parametrize("column", OWN, ids=lambda column: column.name)
def test_each_column_alone(bare: Interactions, column: Column, tmp_path: Path) -> None:
    some = bare.with_columns(**{column.name: VALUES[column.name]})
    assert list(some.columns) == [column.name]
    for suffix in (".jsonl", ".parquet"):
        write([some], tmp_path / f"a{suffix}")
        assert read(tmp_path / f"a{suffix}", NAMES)[0] == some


def test_triplets_are_chosen_with_their_values(full: Interactions) -> None:
    for chosen in (full[1], full[[False, True]], full[::-1][:1], full.filter(verbs=["walk"])):
        assert chosen.hands.tolist() == [-1]
        assert chosen.gaze is full.gaze or np.array_equal(chosen.gaze, full.gaze, equal_nan=True)
        assert chosen.weather == "sunny"
    best = replace(full, score=[0.2, 0.9])
    assert keep_top_k(InteractionTable.from_list([best]), 1)[0].hands.tolist() == [-1]


def test_boxes_are_chosen_with_their_values(full: Interactions) -> None:
    kept = full.select_boxes([1, 0])
    assert kept.happy.tolist() == [False, True]
    assert kept.rle.tolist() == ["", "a1"]
    assert kept.human.tolist() == [1, 1]
    assert kept.object.tolist() == [0, -1]
    assert kept.camera.tolist() == VALUES["camera"]
    assert [None if row is None else row.tolist() for row in kept.spots] == [None, []]
    assert full.without_unused_boxes().track.tolist() == [7, -1]
    assert full.select_boxes([2, 0]).hands.tolist() == [-1]  # the kite and who flies it are gone


def test_concat_fills_what_a_part_lacks(full: Interactions, bare: Interactions) -> None:
    both = Interactions.concat([bare, full])
    assert both.hands.tolist() == [-1, -1, 2, -1]
    assert both.happy.tolist() == [False] * 3 + [True, False, True]
    assert both.rle.tolist() == ["", "", "", *VALUES["rle"]]
    assert np.isnan(both.gaze[:3]).all()
    assert both.weather == "sunny"
    assert both.keypoints is None


def test_supervision_keeps_columns(full: Interactions) -> None:
    detections = full.to_supervision()
    assert Interactions.from_supervision(detections) == full
    fewer = Interactions.from_supervision(detections[[2, 0]])
    assert fewer == full.select_boxes([2, 0])
    detections.metadata = {}  # of another origin
    assert Interactions.from_supervision(detections, NAMES).rle.tolist() == VALUES["rle"]


def test_tracker_ids_survive(full: Interactions) -> None:
    detections = full.to_supervision()
    assert detections.tracker_id.tolist() == VALUES["track"]
    detections.tracker_id = np.array([5, 6, 7])  # what a tracker does
    assert Interactions.from_supervision(detections).track.tolist() == [5, 6, 7]
    assert Interactions.from_supervision(detections[[2, 1]]).track.tolist() == [7, 6]
    assert image("a.jpg").to_supervision().tracker_id is None


def test_the_builder_takes_values(full: Interactions) -> None:
    builder = TableBuilder(NAMES, columns=["rle"])
    builder.image("a.jpg", weather="rain")
    first = builder.instance([0, 0, 5, 5], 0, gaze=[1, 2])
    second = builder.box([3, 3, 9, 9], 1)
    builder.triplet(first, 0, second, hands=2)
    builder.triplet(first, 1)
    builder.image("b.jpg")
    table = builder.build()
    assert table.hands.tolist() == [2, -1]
    assert table.weather.tolist() == ["rain", ""]
    assert np.array_equal(table.gaze, [[1, 2], [np.nan, np.nan]], equal_nan=True)
    assert table.rle.tolist() == ["", ""]
    assert table.happy is None
    with pytest.raises(InputError, match="weather is a column per image, not per box"):
        builder.instance([0, 0, 5, 5], 0, weather="rain")
    with pytest.raises(InputError, match="hands must be whole numbers, got float64"):
        builder.triplet(0, 1, hands=0.5)


def test_changes_of_the_picture(full: Interactions) -> None:
    pixels = np.zeros((66, 64, 3), np.uint8)
    half = resize(pixels, full, 0.5)[1]
    assert np.array_equal(half.gaze, np.array(VALUES["gaze"]) / 2, equal_nan=True)
    assert half.rle is None
    assert half.happy.tolist() == VALUES["happy"]
    mirrored = mirror(Sample(pixels, full, Path("full.jpg"))).interactions
    assert mirrored.gaze is None
    assert mirrored.rle is None
    assert mirrored.track.tolist() == VALUES["track"]


def test_attributes_can_be_set(bare: Interactions) -> None:
    assert bare.happy is None
    bare.happy = [True, False, True]
    assert bare.happy.dtype == bool
    bare.happy = None
    assert bare.columns == {}
    with pytest.raises(InputError, match=r"happy must have shape \(3,\), one row per box, got \(2,\)"):
        bare.happy = [True, False]
    table = InteractionTable.from_list([bare, bare])
    table.weather = ["dry", "wet"]
    assert table[1].weather == "wet"
    with pytest.raises(InputError, match=r"weather must have shape \(2,\), one row per image, got \(1,\)"):
        table.weather = ["dry"]


def test_a_shallow_copy_is_changed_alone(full: Interactions) -> None:
    other = copy.copy(full)
    other.happy = None
    other.rle = ["", "", "x"]
    assert full == image("full.jpg", **VALUES)


def test_equality_sees_columns(full: Interactions) -> None:
    assert full == full.with_columns()
    assert full != full.with_columns(happy=None)
    assert full != full.with_columns(happy=[False, False, True])


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"gaze": np.zeros((3, 3))}, r"gaze must have shape \(3, 2\), one row per box, got \(3, 3\)"),
        ({"gaze": [[1, 2], [3]] * 2}, r"gaze must have shape \(3, 2\)"),
        ({"hands": [1.5, 2.5]}, "hands must be whole numbers, got float64"),
        ({"hands": [1, 2**40]}, "hands holds numbers that int32 cannot hold"),
        ({"happy": ["a", "b", "c"]}, "happy must be true or false, got <U1"),
        ({"rle": [1, 2, 3]}, "rle must be text, got int64"),
        ({"camera": [1, 2]}, r"camera must have shape \(2, 2\), got \(2,\)"),
        ({"grip": [[[1, 0.5]]]}, "grip must have 2 rows, one per triplet, got 1 of them"),
        ({"grip": [[1, 0.5], None]}, r"grip: a row must have shape \(any, 2\), got \(2,\)"),
        ({"grip": [[[1, np.nan]], None]}, "grip: numbers must be finite"),
        ({"spots": [[0.5], [], None]}, "spots must be whole numbers, got float64"),
        ({"hapy": [1]}, "no column 'hapy'.*Did you mean 'happy'"),
    ],
)
def test_wrong_values_are_refused(columns: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        image("a.jpg", **columns)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"name": "keypoints"}, "the name 'keypoints' is taken by another column"),
        ({"name": "boxes"}, "the name 'boxes' is taken"),
        ({"name": "filter"}, "the name 'filter' is taken"),
        ({"name": "select"}, "the name 'select' is taken"),
        ({"name": "scores"}, "the name 'scores' is taken"),
        ({"name": "class_name"}, "the name 'class_name' is taken"),
        ({"name": "two words"}, "must be a Python identifier"),
        ({"per": "pixel"}, "per must be 'box', 'triplet' or 'image', got 'pixel'"),
        ({"dtype": complex}, "dtype must be bool, whole numbers, float32, float64 or str, got complex128"),
        ({"dtype": np.float16}, "got float16"),
        ({"dtype": np.uint8, "fill": -1}, "fill must be a value of uint8, got -1"),
        ({"fill": "none"}, "fill must be a value of float32"),
        ({"dtype": bool, "fill": True}, "fill must be False, got True"),
        ({"dtype": int, "fill": np.nan}, "fill must be a value of int64, got nan"),
        ({"shape": (0, 2)}, "shape must be whole numbers from 1 on"),
        ({"shape": (2, None)}, "shape must be whole numbers from 1 on, or begin with None"),
        ({"shape": (None,)}, "fill None is for rows of numbers of different lengths"),
        ({"shape": (None,), "fill": None, "dtype": str}, "fill None is for rows of numbers of different lengths"),
        ({"fill": None}, "fill None is for rows of numbers of different lengths"),
        ({"shape": (None, 2), "fill": None, "per": "image"}, "rows of different lengths are per box or triplet"),
        ({"geometry": "points"}, r"points need a shape that ends in 2 or more, got \(\)"),
    ],
)
def test_bad_columns_are_refused(fields: dict, message: str) -> None:
    good = {"name": "mine", "per": "box", "dtype": np.float32, "fill": np.nan}
    with pytest.raises(InputError, match=message):
        register_column(Column(**{**good, **fields}))


def test_registering_again_changes_nothing() -> None:
    again = Column("gaze", per="box", dtype="float32", fill=float("nan"), shape=(2,), doc="Where they look.",
                   geometry="points")  # fmt: skip
    assert register_column(again) == GAZE
    with pytest.raises(InputError, match="taken by another column"):
        register_column(replace(again, shape=(3,)))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('"happy": [3]', r"line 1, happy: expected indices into the 1 boxes, got \[3\]"),
        ('"gaze": [[1, "x"]]', r"line 1, gaze\[0\]: expected null or 2 values, each a number, got \[1, 'x'\]"),
        ('"rle": [4]', r"line 1, rle\[0\]: expected null or a text, got 4"),
        ('"rle": []', r"line 1, rle: expected one entry per box \(1\)"),
        ('"weather": 3', "line 1, weather: expected null or a text, got 3"),
        (
            '"spots": [[1, 2.5]]',
            r"spots\[0\]: expected null or any number of values, each a whole number, got \[1, 2.5\]",
        ),
        ('"track": [1.5]', r"line 1, track\[0\]: expected null or a whole number, got 1.5"),
    ],
)
def test_wrong_fields_of_a_file_are_named(text: str, message: str, tmp_path: Path) -> None:
    line = f'{{"file": "a.jpg", "boxes": [[0, 0, 1, 1]], "labels": ["person"], "interactions": [], {text}}}'
    (tmp_path / "a.jsonl").write_text(line)
    with pytest.raises(InputError, match=message):
        read(tmp_path / "a.jsonl", NAMES)


def test_files_without_own_columns_stay_as_they_are(tmp_path: Path) -> None:
    """What was written before columns could be registered reads, and is written the same."""
    import pyarrow.parquet as pq

    stored = Path(__file__).parent / "formats" / "stored"
    pose = np.full((2, 17, 3), np.nan, np.float32)
    pose[0] = np.arange(51).reshape(17, 3) / 4
    expected = Interactions(
        [[1, 2, 30.5, 60], [20, 4, 55, 33]], [0, 1], [0, 0], [1, -1], [0, 1], NAMES, [0.75, 0.5], [0.9, 0.25],
        interactiveness=[0.125, np.nan], keypoints=pose, unlabelled=[False, True], image_labels=[[1, 2], [0, -1]],
        file="a.jpg", width=64, height=66,
    )  # fmt: skip
    for suffix in (".jsonl", ".parquet"):
        table = read(stored / f"format1{suffix}", NAMES)
        assert table[0] == expected
        write(table, tmp_path / f"a{suffix}")
    assert (tmp_path / "a.jsonl").read_bytes() == (stored / "format1.jsonl").read_bytes()
    old, new = (pq.read_table(path) for path in (stored / "format1.parquet", tmp_path / "a.parquet"))
    assert new.schema.equals(old.schema, check_metadata=True)
    assert new.equals(old)


@pytest.mark.parametrize("large", [False, True])
def test_parquet_of_other_programs_reads(tmp_path: Path, large: bool) -> None:
    """Doubles instead of floats, interactions with other fields and in another order, lists with 64-bit offsets."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = pa.table(
        {
            "file": ["a.jpg"],
            "boxes": [[[0.0, 0.0, 9.0, 9.0], [1.0, 1.0, 5.0, 5.0]]],
            "labels": [["person", "kite"]],
            "interactions": [[{"object": 1, "hands": 2, "mine": "x", "verb": "fly", "human": 0}]],
            "gaze": [[None, [1.0, 2.0]]],
            "theirs": [3],
        }
    )
    if large:
        for name in ("interactions", "gaze"):
            index = rows.column_names.index(name)
            values = rows.column(name).cast(pa.large_list(rows.schema.field(name).type.value_type))
            rows = rows.set_column(index, name, values)
    pq.write_table(rows, tmp_path / "a.parquet")
    found = read(tmp_path / "a.parquet", NAMES)
    assert [t.phrase for t in found[0].triplets()] == ["flying a kite"]
    assert found.hands.tolist() == [2]
    assert np.array_equal(found.gaze, [[np.nan, np.nan], [1, 2]], equal_nan=True)
    assert set(found.columns) == {"hands", "gaze"}
    pq.write_table(rows[:0], tmp_path / "none.parquet")
    assert len(read(tmp_path / "none.parquet", NAMES)) == 0
