"""`annotate_poses` and its command: poses become annotations, what is annotated stays, a stopped run goes on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from rich.console import Console

from interplay import Interactions, InteractionTable, Vocabulary, read, write
from interplay.cli import main
from interplay.errors import InputError
from interplay.locks import locked
from interplay.pipeline.annotate_poses import PoseJob, annotate_poses

NAMES = Vocabulary.load("v-coco")
FILES = ["a.png", "b.png", "c.png", "d.png"]
PERSON, OTHER, BALL = [10, 10, 50, 90], [60, 10, 100, 90], [80, 80, 95, 95]


class Upright:
    """Everybody stands in the middle of the box; the first keypoint is doubtful and the last out of the picture."""

    name = "upright"

    def __init__(self, stop_at: int | None = None) -> None:
        self.seen: list[str] = []
        self.stop_at = stop_at

    def estimate(self, image: np.ndarray, boxes: Any, file: str | None = None) -> np.ndarray:
        if len(self.seen) == self.stop_at:
            raise KeyboardInterrupt
        self.seen.append(str(file))
        boxes = np.asarray(boxes)
        x = np.repeat(boxes[:, None, [0, 2]].mean(2), 17, 1)
        y = np.linspace(boxes[:, 1], boxes[:, 3], 17).T
        poses = np.stack([x, y, np.full_like(x, 0.9)], -1).astype(np.float32)
        poses[:, 0, 2], poses[:, 16, 0] = 0.1, 500
        return poses


@pytest.fixture
def table(tmp_path: Path) -> InteractionTable:
    """Two people and a ball in each image; in the second one the first person has annotated keypoints."""
    images = []
    for number, file in enumerate(FILES):
        Image.new("RGB", (120, 100)).save(tmp_path / file)
        labels = [0, 0, NAMES.object_index("sports ball")]
        keypoints = np.full((3, 17, 3), np.nan, np.float32)
        if number == 1:
            keypoints[0], keypoints[0, :, 2], keypoints[0, 3] = 30, 1, 0
        images.append(
            Interactions(
                boxes=[PERSON, OTHER, BALL], labels=labels, human=[0], object=[2], verb=[NAMES.verb_index("kick")],
                vocabulary=NAMES, file=file, width=120, height=100, scored=False, keypoints=keypoints,
                unlabelled=[False, True, False],
            )
        )  # fmt: skip
    return InteractionTable.from_list(images)


def run(table: InteractionTable, folder: Path, estimator: Any, name: str = "out.jsonl", **changes: Any) -> Any:
    job = PoseJob(table, folder, folder / name, **changes)
    return annotate_poses(job, estimator, Console(file=open("/dev/null", "w")))  # noqa: PTH123


@pytest.mark.parametrize("name", ["out.jsonl", "out.parquet"])
def test_people_get_poses_with_visibility_and_all_else_stays(
    table: InteractionTable, tmp_path: Path, name: str
) -> None:
    counts = run(table, tmp_path, Upright(), name)
    assert (counts.kept, counts.posed, counts.without, counts.failed) == (1, 7, 0, 0)
    found = read(tmp_path / name, NAMES)
    assert not found.scored
    assert found.files == FILES
    for field in ("boxes", "labels", "human", "object", "verb", "unlabelled"):
        np.testing.assert_array_equal(getattr(found, field), getattr(table, field))
    first, second = found[0].keypoints, found[1].keypoints
    assert np.isnan(first[2]).all()
    np.testing.assert_array_equal(first[0, 0], 0)  # scored 0.1
    np.testing.assert_array_equal(first[0, 16], 0)  # out of the picture
    assert first[0, 5].tolist() == [30, 35, 2]
    np.testing.assert_array_equal(second[0], table[1].keypoints[0])
    assert second[1, 5].tolist() == [80, 35, 2]


def test_annotated_keypoints_go_where_that_is_asked_for(table: InteractionTable, tmp_path: Path) -> None:
    counts = run(table, tmp_path, Upright(), replace=True)
    assert (counts.kept, counts.posed) == (0, 8)
    assert set(np.unique(read(tmp_path / "out.jsonl", NAMES)[1].keypoints[0, :, 2])) == {0, 2}


def test_groups_get_no_pose(table: InteractionTable, tmp_path: Path) -> None:
    counts = run(table.with_columns(crowd=np.arange(12) % 3 == 1), tmp_path, Upright())
    assert (counts.kept, counts.posed) == (1, 3)
    assert np.isnan(read(tmp_path / "out.jsonl", NAMES)[0].keypoints[1]).all()


def test_nobody_is_posed_below_the_least_score(table: InteractionTable, tmp_path: Path) -> None:
    counts = run(table, tmp_path, Upright(), min_score=0.95)
    assert (counts.kept, counts.posed, counts.without) == (1, 0, 7)
    assert np.isnan(read(tmp_path / "out.jsonl", NAMES)[0].keypoints).all()


@pytest.mark.parametrize("name", ["out.jsonl", "out.parquet"])
def test_a_stopped_run_goes_on_where_it_was(table: InteractionTable, tmp_path: Path, name: str) -> None:
    with pytest.raises(KeyboardInterrupt):
        run(table, tmp_path, Upright(stop_at=2), name)
    estimator = Upright()
    run(table, tmp_path, estimator, name)
    assert estimator.seen == FILES[2:]
    run(table, tmp_path / "." if name else tmp_path, Upright(), f"whole_{name}")
    whole, continued = read(tmp_path / f"whole_{name}", NAMES), read(tmp_path / name, NAMES)
    assert continued.files == FILES
    np.testing.assert_array_equal(continued.keypoints, whole.keypoints)


def test_a_half_written_line_is_done_again(table: InteractionTable, tmp_path: Path) -> None:
    run(table, tmp_path, Upright())
    output = tmp_path / "out.jsonl"
    output.write_bytes(output.read_bytes()[:-40])
    estimator = Upright()
    run(table, tmp_path, estimator)
    assert estimator.seen == FILES[3:]
    assert read(output, NAMES).files == FILES


def test_other_settings_and_other_files_are_not_continued(table: InteractionTable, tmp_path: Path) -> None:
    run(table, tmp_path, Upright())
    with pytest.raises(InputError, match="made with min_score"):
        run(table, tmp_path, Upright(), min_score=0.5)
    run(table, tmp_path, Upright(), min_score=0.5, overwrite=True)
    (tmp_path / "mine.jsonl").write_text("precious\n")
    with pytest.raises(InputError, match="left as it is"):
        run(table, tmp_path, Upright(), "mine.jsonl")
    assert (tmp_path / "mine.jsonl").read_text() == "precious\n"


def test_an_image_that_cannot_be_read_is_left_out_and_done_later(table: InteractionTable, tmp_path: Path) -> None:
    image = (tmp_path / "b.png").read_bytes()
    (tmp_path / "b.png").write_bytes(b"broken")
    assert run(table, tmp_path, Upright()).failed == 1
    assert read(tmp_path / "out.jsonl", NAMES).files == ["a.png", "c.png", "d.png"]
    (tmp_path / "b.png").write_bytes(image)
    assert run(table, tmp_path, Upright()).kept == 1
    assert len(read(tmp_path / "out.jsonl", NAMES)) == 4


def test_what_cannot_be_annotated_is_refused(table: InteractionTable, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"ending in \.jsonl or \.parquet"):
        run(table, tmp_path, Upright(), "out.csv")
    with pytest.raises(InputError, match="visibility 0, 1 or 2"):
        run(table.with_columns(keypoints=np.full_like(table.keypoints, 0.4)), tmp_path, Upright())
    with pytest.raises(InputError, match="listed twice"):
        run(table.select(np.array([0, 0])), tmp_path, Upright())
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="4 of 4 annotated images are not below"):
        annotate_poses(PoseJob(table, tmp_path / "empty", tmp_path / "x.jsonl"), Upright(), Console(quiet=True))


def test_an_output_that_another_run_writes_is_refused(table: InteractionTable, tmp_path: Path) -> None:
    with locked(tmp_path / "out.jsonl"), pytest.raises(InputError, match="is being written"):
        run(table, tmp_path, Upright())


@pytest.fixture
def poses(tmp_path: Path) -> Path:
    """A file of poses, as an estimator that needs no network."""
    people = [[v for k in range(17) for v in (30.0, 12 + 4 * k, 0.8)], [v for k in range(17) for v in (80.0, 50, 0.05)]]
    boxes = [[10, 10, 40, 80], [60, 10, 40, 80]]
    records = [
        {"image_id": file, "keypoints": pose, "box": box}
        for file in FILES
        for pose, box in zip(people, boxes, strict=True)
    ]
    path = tmp_path / "poses.json"
    path.write_text(json.dumps(records))
    return path


def test_the_command(table: InteractionTable, tmp_path: Path, poses: Path, capsys: pytest.CaptureFixture) -> None:
    source = tmp_path / "mine.jsonl"
    write(table, source)
    command = ["datasets", "annotate-poses", str(source), "--pose", str(poses), "-o", str(tmp_path / "posed.jsonl")]
    assert main([*command, "--vocabulary", "v-coco", "--dataset", "own"]) == 0
    assert "3 people with a pose, 4 without, 1 kept theirs" in capsys.readouterr().out
    found = read(tmp_path / "posed.jsonl", NAMES)
    assert found[0].keypoints[0, 0].tolist() == [30, 12, 2]
    assert main([*command, "--vocabulary", "v-coco", "--dataset", "own"]) == 0
    assert "4 images of 4 already done" in " ".join(capsys.readouterr().err.split())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--pose", "movnet"], "unknown pose estimator 'movnet'"),
        (["--pose", "none.json"], "no file none.json"),
        (["-o", "mine.jsonl"], "is the file of the annotations"),
        (["-o", "out.csv"], "which hold keypoints"),
        (["--min-score", "2"], "a number from 0 to 1"),
    ],
)
def test_the_command_refuses(
    table: InteractionTable, tmp_path: Path, poses: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture, options: list[str], message: str,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    write(table, "mine.jsonl")
    usual = {"--pose": "poses.json", "-o": "out.jsonl"}
    usual.update([options])
    command = ["datasets", "annotate-poses", "mine.jsonl", "--dataset", "own", "--vocabulary", "v-coco"]
    try:
        code = main([*command, *(part for pair in usual.items() for part in pair)])
    except SystemExit as stop:
        code = stop.code
    assert code == 2
    assert message in capsys.readouterr().err
