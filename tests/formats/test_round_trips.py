from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from interplay import Interactions, InteractionTable, Vocabulary, read, write
from interplay.errors import InputError, MissingFileError
from interplay.formats.jsonl import append_jsonl

SUFFIXES = (".jsonl", ".parquet")
HICO = Vocabulary.load("hico-det")
FINITE = st.floats(-1e6, 1e6, width=32)


@st.composite
def images(draw: st.DrawFn) -> list[Interactions]:
    """A few images with every combination of optional fields."""
    scored, posed, paired, marked, labelled = (draw(st.booleans()) for _ in range(5))
    result = []
    for i in range(draw(st.integers(1, 3))):
        n = draw(st.integers(0, 4))
        t = draw(st.integers(0, 5)) if n else 0

        def floats(*shape: int) -> np.ndarray:
            return draw(hnp.arrays(np.float32, shape, elements=FINITE))

        def indices(size: int, low: int, high: int) -> np.ndarray:
            return draw(hnp.arrays(np.int64, size, elements=st.integers(low, high)))

        keypoints = None
        if posed:
            keypoints = floats(n, 17, 3)
            keypoints[: n // 2] = np.nan
        result.append(
            Interactions(
                boxes=floats(n, 4),
                labels=indices(n, 0, 79),
                human=indices(t, 0, n - 1) if t else [],
                object=indices(t, -1, n - 1) if t else [],
                verb=indices(t, 0, 116),
                vocabulary=HICO,
                score=floats(t) if scored else None,
                box_scores=floats(n) if scored else None,
                interactiveness=floats(t) if paired else None,
                keypoints=keypoints,
                unlabelled=draw(hnp.arrays(bool, n)) if marked else None,
                image_labels=np.stack([indices(2, 0, 116), indices(2, -1, 79)], axis=1) if labelled else None,
                file=f"{i} ä\n.jpg",
                width=draw(st.one_of(st.none(), st.integers(1, 9999))),
                height=7,
                scored=scored,
            )
        )
    return result


def _meaning(image: Interactions) -> tuple:
    """What must survive; an optional array without a single value may come back as None."""
    optional = [image.interactiveness, image.keypoints, image.unlabelled, image.image_labels]
    return (
        image.file,
        image.width,
        image.height,
        [t.phrase for t in image.triplets(-np.inf)],
        [None if a is None or a.size == 0 or not a.any() else np.nan_to_num(a, nan=-1.5).tolist() for a in optional],
    )


@pytest.mark.parametrize("suffix", SUFFIXES)
@given(items=images())
@settings(max_examples=40, deadline=None)
def test_round_trip_is_lossless(tmp_path_factory: pytest.TempPathFactory, suffix: str, items: list) -> None:
    path = tmp_path_factory.mktemp("r") / f"a{suffix}"
    write(items, path)
    back = list(read(path, HICO))
    has_scores = any(len(i.boxes) for i in items)
    for old, new in zip(items, back, strict=True):
        for name in ("boxes", "labels", "box_scores", "human", "object", "verb", "score"):
            assert np.array_equal(getattr(old, name), getattr(new, name)), name
        assert _meaning(old) == _meaning(new)
        if has_scores:
            assert old.scored == new.scored


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_exact_equality(ride: Interactions, tmp_path: Path, suffix: str) -> None:
    write([ride], tmp_path / f"a{suffix}")
    assert read(tmp_path / f"a{suffix}")[0] == ride


def test_the_documented_line_reads(tmp_path: Path) -> None:
    line = {
        "file": "a.jpg", "width": 640, "height": 480, "boxes": [[1, 2, 30, 40], [5.5, 6, 70, 80]],
        "labels": ["person", "tennis_racket"], "scores": [0.9, 0.8], "mine": {"ignored": True},
        "interactions": [{"human": 0, "verb": "hit_instr", "object": 1, "score": 0.83},
                         {"human": 0, "verb": "stand", "object": None, "score": 0.5}],
    }  # fmt: skip
    (tmp_path / "p.jsonl").write_text(json.dumps(line) + "\n\n")
    table = read(tmp_path / "p.jsonl", "v-coco")
    assert [t.phrase for t in table[0].triplets()] == ["hitting with a tennis racket", "standing"]
    assert table.scored


def test_annotations_have_no_scores_on_disk(ride: Interactions, tmp_path: Path) -> None:
    ride.scored = False
    write([ride], tmp_path / "a.jsonl")
    assert "score" not in (tmp_path / "a.jsonl").read_text()
    assert not read(tmp_path / "a.jsonl").scored


def test_json_numbers_are_short(ride: Interactions, tmp_path: Path) -> None:
    write([ride], tmp_path / "a.jsonl")
    text = (tmp_path / "a.jsonl").read_text()
    assert '"score": 0.83,' in text or '"score": 0.83}' in text
    assert "[100.5, 50.0, 180.0, 90.0]" in text


def test_lines_can_be_appended(ride: Interactions, tmp_path: Path) -> None:
    with (tmp_path / "a.jsonl").open("w") as stream:
        append_jsonl(ride, stream)
        append_jsonl(ride[:1], stream)
    assert [len(i) for i in read(tmp_path / "a.jsonl")] == [3, 1]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_empty_files(tmp_path: Path, suffix: str) -> None:
    write([], tmp_path / f"a{suffix}", vocabulary=HICO)
    assert len(read(tmp_path / f"a{suffix}")) == 0


def test_vocabulary_is_inferred_from_names(tmp_path: Path) -> None:
    def line(verb: str, label: str) -> str:
        return json.dumps(
            {"file": "a", "boxes": [[0, 0, 1, 1]] * 2, "labels": ["person", label],
             "interactions": [{"human": 0, "verb": verb, "object": 1}]}
        )  # fmt: skip

    for verb, label, expected in (("ride", "horse", "hico-det"), ("hit_instr", "fork", "v-coco"), ("x", "y", "own")):
        (tmp_path / "a.jsonl").write_text(line(verb, label))
        assert read(tmp_path / "a.jsonl").vocabulary.name == expected


def _good() -> dict:
    return {
        "file": "a.jpg",
        "boxes": [[0, 0, 1, 1], [1, 1, 2, 2]],
        "labels": ["person", "horse"],
        "interactions": [{"human": 0, "verb": "ride", "object": 1}],
    }


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"file": None}, "line 2, file: expected the image's name"),
        ({"boxes": [[0, 0, 1], [1, 1, 2, 2]]}, r"line 2, boxes\[0\]: expected four numbers"),
        ({"boxes": None}, "line 2, boxes: expected a list"),
        ({"boxes": [[0, 0, 1, 1], [1, 1, "2", 2]]}, r"line 2, boxes\[1\]"),
        ({"labels": ["person"]}, r"line 2, labels: expected one object name per box \(2\), got 1"),
        ({"labels": ["person", "hrose"]}, r"line 2, labels\[1\]: unknown object 'hrose'.*horse"),
        ({"scores": [0.1]}, "line 2, scores: expected one number per box"),
        ({"width": -3}, "line 2, width: expected a positive"),
        ({"interactions": [{"human": 2, "verb": "ride", "object": 1}]}, r"interactions\[0\].human: .*got 2"),
        ({"interactions": [{"human": 0, "verb": "ride", "object": -1}]}, r"interactions\[0\].object: .*got -1"),
        ({"interactions": [{"human": 0, "verb": "rdie", "object": 1}]}, r"interactions\[0\].verb: unknown verb"),
        ({"interactions": [{"human": 0, "object": 1}]}, r"interactions\[0\].verb: expected the name of a verb"),
        ({"interactions": [7]}, r"interactions\[0\]: expected \{human"),
        ({"unlabelled": [5]}, "line 2, unlabelled"),
        ({"keypoints": [None]}, "line 2, keypoints: expected one entry per box"),
        ({"keypoints": [None, [[1, 2, 3]]]}, r"line 2, keypoints\[1\]: expected null or 17"),
    ],
)
def test_errors_name_file_line_and_field(tmp_path: Path, change: dict, message: str) -> None:
    path = tmp_path / "p.jsonl"
    path.write_text(json.dumps(_good()) + "\n" + json.dumps({**_good(), **change}) + "\n")
    with pytest.raises(InputError, match=message) as caught:
        read(path, HICO)
    assert "p.jsonl" in str(caught.value)


def test_decorated_lines_read_too(tmp_path: Path) -> None:
    text = json.dumps(_good())
    (tmp_path / "p.jsonl").write_text(f"\n  {text}\r\n\t{text}")
    assert [len(i) for i in read(tmp_path / "p.jsonl")] == [1, 1]


@pytest.mark.parametrize(
    "content", [b"{\n", b"{} null\n", b"1\n", b'"x"', b"[1, 2]\n", b"\xff\xfe\x00", b'{"file": "a"}\n', b"null\n"]
)
def test_files_that_are_something_else(tmp_path: Path, content: bytes) -> None:
    for suffix in SUFFIXES:
        path = tmp_path / f"p{suffix}"
        path.write_bytes(content)
        with pytest.raises(InputError, match="p" + suffix):
            read(path)


def test_wrong_names(tmp_path: Path, ride: Interactions) -> None:
    with pytest.raises(MissingFileError, match="no file"):
        read(tmp_path / "none.jsonl")
    with pytest.raises(InputError, match=r"ending in \.jsonl or \.parquet"):
        write([ride], tmp_path / "a.txt")


def test_a_failed_write_leaves_the_old_file(
    tmp_path: Path, ride: Interactions, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.jsonl"
    write([ride], path)
    before = path.read_bytes()
    monkeypatch.setattr(json, "dumps", lambda *a, **k: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        write([ride, ride], path)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["a.jsonl"]


def test_table_from_list_fills_optional_fields(ride: Interactions, tmp_path: Path) -> None:
    posed = ride[:]
    posed.keypoints = np.ones((3, 17, 3), np.float32)
    table = InteractionTable.from_list([ride, posed])
    assert table.keypoints is not None
    write(table, tmp_path / "a.parquet")
    back = read(tmp_path / "a.parquet")
    assert back[1].keypoints is not None
    assert np.isnan(back[0].keypoints).all()
    assert back[1] == table[1]


def test_a_folder_without_results_says_what_was_expected(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"x")
    with pytest.raises(InputError, match="a folder without results: expected the parts of a batch"):
        read(tmp_path)
    (tmp_path / "plan").mkdir()
    with pytest.raises(InputError, match="this batch has no finished part yet"):
        read(tmp_path)
