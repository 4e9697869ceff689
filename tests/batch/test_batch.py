"""The whole command, on a real Ray: two nodes on this machine, workers that are killed, images that kill."""

from __future__ import annotations

import io
import json
import os
import re
import signal
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console

import interplay
from interplay.batch import BatchJob, job, run_batch
from interplay.batch.shards import done_shards
from interplay.batch.storage import Folder
from interplay.batch.worker import ShardWorker
from interplay.errors import InputError
from interplay.pipeline import ModelOptions
from interplay.samples import sample_path

ray = pytest.importorskip("ray", reason="needs the extra batch")

PLAIN = ModelOptions("tin-spatial-vcoco")


class Fragile(ShardWorker):
    """A worker that dies in the first tries of its second shard, and at any image that is called deadly."""

    def do(self, shard: int) -> Any:
        notes = Path(os.environ["INTERPLAY_TEST_NOTES"])
        (notes / f"{os.getpid()}-{shard}").touch()
        if shard == 1 and len(list(notes.glob("*-1"))) < 3:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().do(shard)

    def _predict(self, todo: Any) -> Any:
        def watched() -> Iterator[Any]:
            for item in todo:
                if "deadly" in item.name:
                    os.kill(os.getpid(), signal.SIGKILL)
                yield item

        return super()._predict(watched())


class Slow(ShardWorker):
    def __call__(self, rows: Mapping[str, np.ndarray]) -> dict[str, Any]:
        Path(os.environ["INTERPLAY_TEST_NOTES"], "pid").write_text(str(os.getpid()))
        outcome = super().__call__(rows)
        time.sleep(0.5)
        return outcome


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Two nodes with one core each, as processes."""
    from ray.cluster_utils import Cluster

    notes = tmp_path_factory.mktemp("notes")
    patch = pytest.MonkeyPatch()
    patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    patch.setenv("INTERPLAY_TEST_NOTES", str(notes))
    patch.setenv(
        "PYTHONPATH", os.pathsep.join([str(Path(__file__).parent), *filter(None, [os.environ.get("PYTHONPATH")])])
    )
    size = 80 * 1024 * 1024
    nodes = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "object_store_memory": size})
    nodes.add_node(num_cpus=1, object_store_memory=size)
    ray.init(address=nodes.address, log_to_driver=False, logging_level="ERROR")
    yield nodes
    ray.shutdown()
    nodes.shutdown()
    patch.undo()


def photos(folder: Path, *names: str) -> str:
    folder.mkdir(exist_ok=True)
    for name in names:
        (folder / name).write_bytes(sample_path().read_bytes())
    return str(folder)


def run(folder: str, output: Path | str, **options: Any) -> tuple[int, str]:
    screen = Console(file=io.StringIO(), width=200)
    chosen = {"model": PLAIN, "workers": 2, "shard_size": 2, "min_score": 0.5, **options}
    return run_batch(BatchJob([folder], str(output), **chosen), screen), screen.file.getvalue()  # type: ignore[attr-defined]


def test_nothing_is_lost_and_nothing_comes_twice_when_workers_die(
    cluster: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job, "ShardWorker", Fragile)
    names = [f"{i}.jpg" for i in range(6)]
    folder = photos(tmp_path / "in", *names)
    (tmp_path / "in/6-broken.jpg").write_bytes(b"\xff\xd8\xff not whole")
    photos(tmp_path / "in", "7-deadly.jpg")
    failures, said = run(folder, tmp_path / "out")
    assert failures == 2
    table = interplay.read(tmp_path / "out")
    assert [Path(file).name for file in table.files] == names
    broken = (tmp_path / "out/failures.jsonl").read_text()
    assert "6-broken.jpg" in broken
    assert "the process ended whenever it was done" in broken
    assert "2 of 8 images could not be done" in said
    assert list((tmp_path / "out/tries").iterdir()) == []
    same = interplay.load_model("tin-spatial-vcoco").predict(sample_path())
    assert table[0].verb.tolist()[:1] == same.filter(0.5).verb.tolist()[:1]


def test_a_worker_killed_from_outside_is_replaced(
    cluster: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job, "ShardWorker", Slow)
    names = [f"{i:02d}.jpg" for i in range(12)]
    folder = photos(tmp_path / "in", *names)
    output = tmp_path / "out"
    killed: list[int] = []

    def kill() -> None:
        while not killed:
            time.sleep(0.1)
            if len(done_shards(Folder(str(output)))) >= 2:
                killed.append(int(Path(os.environ["INTERPLAY_TEST_NOTES"], "pid").read_text()))
                os.kill(killed[0], signal.SIGKILL)

    killer = threading.Thread(target=kill, daemon=True)
    killer.start()
    failures, _ = run(folder, output, shard_size=1)
    killer.join(5)
    assert killed
    assert failures == 0
    assert [Path(file).name for file in interplay.read(output).files] == names


def test_ctrl_c_keeps_what_is_done_and_the_same_command_does_the_rest(
    cluster: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job, "ShardWorker", Slow)
    names = [f"{i}.jpg" for i in range(8)]
    folder = photos(tmp_path / "in", *names)
    (tmp_path / "in/0.jpg").write_bytes(b"nothing")
    output = tmp_path / "out"

    def interrupt() -> None:
        while len(done_shards(Folder(str(output)))) < 2:
            time.sleep(0.05)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=interrupt, daemon=True).start()
    screen = Console(file=io.StringIO(), width=200)
    with pytest.raises(KeyboardInterrupt):
        run_batch(BatchJob([folder], str(output), model=PLAIN, workers=1, shard_size=1, min_score=0.5), screen)
    stopped = re.search(r"stopped after (\d+) of 8 images", screen.file.getvalue())  # type: ignore[attr-defined]
    kept = {path.name: path.stat().st_mtime_ns for path in output.glob("part-*.parquet")}
    assert 2 <= len(kept) < 8
    assert stopped is not None
    assert 2 <= int(stopped[1]) <= len(kept)
    monkeypatch.undo()
    failures, said = run(folder, output, shard_size=1)
    assert failures == 1
    assert f"{len(kept)} shards of 8 already done" in said
    assert {name: (output / name).stat().st_mtime_ns for name in kept} == kept
    assert sorted(Path(file).name for file in interplay.read(output).files) == names[1:]
    assert [Path(json.loads(line)["file"]).name for line in (output / "failures.jsonl").read_text().splitlines()] == [
        "0.jpg"
    ]


@pytest.mark.parametrize("ends", [False, True], ids=["the iteration goes on", "the iteration ends"])
def test_ctrl_c_stops_where_ray_swallows_it(
    cluster: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ends: bool
) -> None:
    given: list[Any] = []

    def swallowing(self: Any) -> Iterator[Any]:
        for row in real(self):
            given.append(row)
            if ends:
                yield row
            with suppress(KeyboardInterrupt):
                signal.raise_signal(signal.SIGINT)
            if ends:
                return
            yield row

    real = ray.data.Dataset.iter_rows
    monkeypatch.setattr(ray.data.Dataset, "iter_rows", swallowing)
    folder = photos(tmp_path / "in", "0.jpg", "1.jpg", "2.jpg")
    with pytest.raises(KeyboardInterrupt):
        run(folder, tmp_path / "out", shard_size=1, workers=1)
    assert len(given) == 1


def test_a_second_run_does_what_has_come_since(cluster: Any, tmp_path: Path) -> None:
    folder = photos(tmp_path / "in", "a.jpg", "b.jpg", "c.jpg")
    run(folder, tmp_path / "out")
    kept = (tmp_path / "out/part-00000000.parquet").stat().st_mtime_ns
    photos(tmp_path / "in", "0.jpg")
    _, said = run(folder, tmp_path / "out")
    assert "2 shards of 3 already done" in said
    assert (tmp_path / "out/part-00000000.parquet").stat().st_mtime_ns == kept
    files = [Path(file).name for file in interplay.read(tmp_path / "out").files]
    assert sorted(files) == ["0.jpg", "a.jpg", "b.jpg", "c.jpg"]
    with pytest.raises(InputError, match=r"min_score 0\.5 \(now 0\.1\)"):
        run(folder, tmp_path / "out", min_score=0.1)
    (tmp_path / "in/b.jpg").unlink()
    run(folder, tmp_path / "out", overwrite=True, min_score=0.1)
    assert len(interplay.read(tmp_path / "out").files) == 3


def test_broken_images_are_tried_again_when_asked(cluster: Any, tmp_path: Path) -> None:
    folder = photos(tmp_path / "in", "a.jpg", "b.jpg")
    (tmp_path / "in/b.jpg").write_bytes(b"nothing")
    assert run(folder, tmp_path / "out", shard_size=1)[0] == 1
    photos(tmp_path / "in", "b.jpg")
    assert run(folder, tmp_path / "out", shard_size=1)[0] == 1
    assert run(folder, tmp_path / "out", shard_size=1, retry_failed=True)[0] == 0
    assert len(interplay.read(tmp_path / "out").files) == 2
