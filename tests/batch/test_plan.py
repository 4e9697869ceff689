import io
from contextlib import suppress
from pathlib import Path
from typing import Any

import fsspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from interplay.batch.plan import Plan
from interplay.batch.sources import Images, Rows, find_work, items
from interplay.batch.storage import Folder
from interplay.errors import InputError
from interplay.pipeline.pictures import save_picture


def picture(brightness: int = 100) -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (8, 6), (brightness,) * 3).save(stream, "PNG")
    return stream.getvalue()


def table(path: Path, columns: dict[str, Any], group: int = 2) -> str:
    pq.write_table(pa.table(columns), path, row_group_size=group)
    return str(path)


@pytest.fixture
def bucket() -> str:
    """A folder in an object store that lives in memory."""
    store = fsspec.filesystem("memory")
    for name in ("b/2.png", "b/1.jpg", "a.png", "notes.txt", ".hidden.png"):
        store.pipe_file(f"/bucket/{name}", picture())
    yield "memory://bucket"
    store.rm("/bucket", recursive=True)


def test_images_come_from_folders_patterns_and_stores(tmp_path: Path, bucket: str) -> None:
    for name in ("x.png", "y.png"):
        (tmp_path / name).write_bytes(picture())
    assert list(find_work([str(tmp_path)])) == [str(tmp_path / "x.png"), str(tmp_path / "y.png")]
    assert list(find_work([str(tmp_path / "x*")])) == [str(tmp_path / "x.png")]
    stored = [f"memory://bucket/{name}" for name in ("a.png", "b/1.jpg", "b/2.png")]
    assert [name.replace(":///", "://") for name in find_work([bucket])] == stored
    assert len(list(find_work([f"{bucket}/b/*.png"]))) == 1
    first = next(items(Images(tuple(find_work([bucket])))))
    assert first.read().shape == (6, 8, 3)


def test_pictures_that_interplay_drew_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(picture())
    save_picture(np.zeros((8, 8, 3), np.uint8), tmp_path / "drawn.jpg")
    assert list(find_work([str(tmp_path)])) == [str(tmp_path / "a.png")]
    with pytest.raises(InputError, match="besides what interplay drew"):
        list(find_work([str(tmp_path / "drawn.jpg")]))


def test_what_is_not_there_is_named(tmp_path: Path) -> None:
    for nothing in (str(tmp_path / "none.png"), "memory://nothing-here", "nosuchstore://bucket"):
        with pytest.raises(InputError, match=nothing.rpartition("/")[2]):
            list(find_work([nothing]))
    bad = tmp_path / "bad.parquet"
    bad.write_bytes(b"PAR1 not really")
    with pytest.raises(InputError, match=r"bad\.parquet"):
        list(find_work([str(bad)]))
    numbers = table(tmp_path / "numbers.parquet", {"n": [1, 2]})
    with pytest.raises(InputError, match="no column of images"):
        list(find_work([numbers]))
    with pytest.raises(InputError, match="no column 'imagee'"):
        list(find_work([numbers], "imagee"))
    with pytest.raises(InputError, match="holds no images"):
        list(find_work([numbers], "n"))


def test_parquet_files_hold_bytes_names_or_both(tmp_path: Path) -> None:
    (tmp_path / "there.png").write_bytes(picture())
    rows = {
        "bytes": ({"image": [picture(), picture()], "id": [7, 8]}, ["7", "8"]),
        "names": ({"path": ["there.png", str(tmp_path / "there.png")]}, [str(tmp_path / "there.png")] * 2),
        "both": (
            {"image": [{"bytes": picture(), "path": "p.png"}, {"bytes": None, "path": "there.png"}]},
            ["p.png", str(tmp_path / "there.png")],
        ),
        "unnamed": ({"jpg": [picture(), picture()]}, ["unnamed.parquet#0", "unnamed.parquet#1"]),
    }
    for kind, (columns, names) in rows.items():
        (group,) = find_work([table(tmp_path / f"{kind}.parquet", columns)])
        assert isinstance(group, Rows)
        found = list(items(group))
        assert [item.name.removeprefix(f"{tmp_path}/") for item in found] == [
            name.removeprefix(f"{tmp_path}/") for name in names
        ]
        assert all(item.read().shape == (6, 8, 3) for item in found)


def test_a_row_without_an_image_says_so(tmp_path: Path) -> None:
    file = table(tmp_path / "t.parquet", {"image": [picture(), None]})
    *_, empty = items(next(iter(find_work([file]))))  # type: ignore[arg-type]
    with pytest.raises(InputError, match="holds no image"):
        empty.read()


def test_a_table_that_changed_is_refused(tmp_path: Path) -> None:
    file = table(tmp_path / "t.parquet", {"image": [picture()] * 2})
    (group,) = find_work([file])
    table(tmp_path / "t.parquet", {"image": [picture()]})
    with pytest.raises(InputError, match="changed since it was listed"):
        list(items(group))  # type: ignore[arg-type]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    listings=st.lists(st.lists(st.integers(0, 40), max_size=30), min_size=1, max_size=4),
    size=st.integers(1, 9),
)
def test_every_image_is_in_one_shard_however_often_it_is_listed(
    tmp_path_factory: pytest.TempPathFactory, listings: list[list[int]], size: int
) -> None:
    folder = Folder(str(tmp_path_factory.mktemp("plan")))
    before: list[Any] = []
    for listing in listings:
        plan = Plan(folder)
        plan.extend((f"{n}.png" for n in listing), size)
        assert list(plan)[: len(before)] == before  # what was planned stays
        before = list(Plan(folder))
    names = [name for shard in before for name in shard.files]
    assert sorted(names) == sorted({f"{n}.png" for listing in listings for n in listing})
    assert all(1 <= len(shard) <= size for shard in before)
    assert [Plan(folder)[i] for i in range(len(before))] == before


def test_shards_of_a_table_are_whole_row_groups(tmp_path: Path) -> None:
    file = table(tmp_path / "t.parquet", {"image": [picture()] * 11}, group=2)
    plan = Plan(Folder(str(tmp_path / "out")))
    plan.extend(find_work([file]), 5)
    assert [(shard.first, len(shard)) for shard in plan] == [(0, 4), (4, 4), (8, 3)]  # type: ignore[union-attr]
    assert np.sum([len(shard) for shard in plan]) == 11


def test_a_file_in_a_store_is_whole_or_not_there() -> None:
    folder = Folder("memory://results")
    with suppress(RuntimeError), folder.writing("part.txt") as path:
        path.write_text("half")
        raise RuntimeError
    assert not folder.exists("part.txt")
    with folder.writing("deep/part.txt") as path:
        path.write_text("whole")
    assert folder.names("deep") == ["part.txt"]
    assert folder.read("deep/part.txt") == b"whole"
    folder.remove("deep/part.txt")
