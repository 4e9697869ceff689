"""`interplay evaluate pose` from end to end: result files, COCO's forms, estimators, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from interplay import Interactions, InteractionTable, Vocabulary, write
from interplay.cli import main
from interplay.errors import InputError
from interplay.evaluation import evaluate_pose, read_pose_truth

NAMES = Vocabulary.load("v-coco")
FILES = ["COCO_val2014_000000000001.jpg", "COCO_val2014_000000000002.jpg"]
PERSON = np.column_stack([np.linspace(20, 60, 17), np.linspace(10, 90, 17)])


def keypoints(away: float = 0.0, third: float = 2.0) -> np.ndarray:
    return np.column_stack([PERSON + away, np.full(17, third)])


def image(file: str, pose: np.ndarray, **fields: Any) -> Interactions:
    return Interactions(
        boxes=[[15, 5, 65, 95]], labels=[0], human=[], object=[], verb=[], vocabulary=NAMES, file=file, width=120,
        height=100, keypoints=pose[None], **fields,
    )  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """COCO's annotations of one person in each of two images; results of every kind, of which the second is wrong."""
    monkeypatch.chdir(tmp_path)
    images = [{"id": i, "file_name": file, "width": 120, "height": 100} for i, file in enumerate(FILES, 1)]
    annotations = [
        {
            "id": i, "image_id": i, "category_id": 1, "iscrowd": 0, "area": 2000.0, "bbox": [15, 5, 50, 90],
            "num_keypoints": 17, "keypoints": keypoints().reshape(-1).tolist(),
        }
        for i in (1, 2)
    ]  # fmt: skip
    content = {"images": images, "annotations": annotations, "categories": [{"id": 1, "name": "person"}]}
    Path("person_keypoints_val2014.json").write_text(json.dumps(content))
    results = [
        {"image_id": i, "category_id": 1, "score": 1.0 / i, "keypoints": keypoints(away, 0.9).reshape(-1).tolist()}
        for i, away in ((1, 0), (2, 200))
    ]
    Path("results.json").write_text(json.dumps(results))
    found = [
        image(FILES[0], keypoints(0, 0.9), box_scores=[0.9]),
        image(FILES[1], keypoints(200, 0.9), box_scores=[0.4]),
    ]
    for name in ("found.jsonl", "found.parquet"):
        write(InteractionTable.from_list(found), name)
    truth = [image(file, keypoints(), scored=False, area=[2000.0]) for file in FILES]
    write(InteractionTable.from_list(truth), "truth.jsonl")
    for file in FILES:
        Image.new("RGB", (120, 100)).save(file)
    return tmp_path


def evaluate(*options: str) -> int:
    return main(["evaluate", "pose", *options])


@pytest.mark.parametrize("predictions", ["results.json", "found.jsonl", "found.parquet"])
@pytest.mark.parametrize("annotations", ["person_keypoints_val2014.json", "truth.jsonl"])
def test_every_form_gives_the_same_scores(folder: Path, predictions: str, annotations: str) -> None:
    assert evaluate("--predictions", predictions, "--annotations", annotations, "--json", "scores.json") == 0
    scores = json.loads(Path("scores.json").read_text())
    assert scores["people"] == {"all": 2, "medium": 2, "large": 0}
    assert scores["poses"] == 2
    assert scores["means"]["ap50"] == pytest.approx(51 / 101)  # recall 0.5 with precision 1, then nothing
    assert scores["means"]["ar"] == 0.5
    assert scores["means"]["ap_large"] is None


def test_files_are_compared_and_estimators_beside_them(
    folder: Path, capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Right:
        name = "right"

        def estimate(self, image: np.ndarray, boxes: Any, file: str | None = None) -> np.ndarray:
            return np.repeat(keypoints(0, 0.8)[None], len(boxes), 0).astype(np.float32)

    monkeypatch.setattr("interplay.evaluation.load_pose_estimator", lambda name, device=None: Right())
    options = ("--annotations", "truth.jsonl", "--table", "t.md")
    assert evaluate("--predictions", "found.jsonl", "movenet", *options) == 0
    assert "ranked by the scores of keypoints" in " ".join(capsys.readouterr().out.split())
    rows = Path("t.md").read_text().splitlines()
    assert rows[2].startswith("| predictions | ap | ap50 | ap75 | ap medium | ar |")
    assert [row.split(" | ")[2] for row in rows[4:]] == ["50.50", "100.00"]


def test_an_estimator_may_be_given_as_an_object(folder: Path) -> None:
    class Nobody:
        name = "nobody"

        def estimate(self, image: np.ndarray, boxes: Any, file: str | None = None) -> np.ndarray:
            return np.full((len(boxes), 17, 3), np.nan, np.float32)

    with pytest.raises(InputError, match="the predictions hold no poses"):
        evaluate_pose(Nobody(), "truth.jsonl")
    with pytest.raises(InputError, match="needs the images"):
        evaluate_pose(Nobody(), read_pose_truth("truth.jsonl"))


def test_annotations_without_keypoints_take_cocos(folder: Path) -> None:
    plain = [image(file, np.full((17, 3), np.nan), scored=False).with_columns(keypoints=None) for file in FILES]
    write(InteractionTable.from_list(plain), "plain.jsonl")
    with pytest.raises(InputError, match="no keypoint is annotated"):
        evaluate_pose("results.json", "plain.jsonl")
    scores = evaluate_pose("results.json", "plain.jsonl", keypoints="person_keypoints_val2014.json")
    assert scores.means["ar"] == 0.5


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["movenot", "truth.jsonl"], "unknown pose estimator 'movenot'"),
        (["none.json", "truth.jsonl"], "no file none.json"),
        (["truth.jsonl", "truth.jsonl"], "holds annotations"),
        (["person_keypoints_val2014.json", "truth.jsonl"], "holds annotations"),
        (["results.json", "results.json"], "person_keypoints"),
        (["results.json", "found.jsonl"], "found.jsonl holds no annotations"),
        (["results.json", "nowhere"], "nowhere"),
        (["found.csv", "truth.jsonl"], "found.csv"),
    ],
)
def test_what_does_not_fit_is_said(
    folder: Path, capsys: pytest.CaptureFixture, options: list[str], message: str
) -> None:
    Path("found.csv").write_text("")
    assert evaluate("--predictions", options[0], "--annotations", options[1]) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("record", "message"),
    [
        ({"score": None}, r"\[0\]: 'score': expected a finite number"),
        ({"score": "high"}, r"\[0\]: 'score'"),
        ({"keypoints": [1.0]}, r"\[0\]: 'keypoints' must be 51 numbers"),
        ({"image_id": 2.5}, r"\[0\]: 'image_id'"),
        ({"image_id": 77}, r"\[0\]: expected one of the 2 images that the annotations lists, got the number 77"),
        ({"image_id": "77.jpg"}, "none of the 1 predicted images is annotated"),
    ],
)
def test_broken_results_are_named(folder: Path, record: dict, message: str) -> None:
    pose = {"image_id": 1, "score": 1.0, "keypoints": keypoints().reshape(-1).tolist(), **record}
    Path("broken.json").write_text(json.dumps([pose]))
    with pytest.raises(InputError, match=message):
        evaluate_pose("broken.json", "truth.jsonl")


def test_the_command_for_data_sets_names_it(capsys: pytest.CaptureFixture) -> None:
    with pytest.raises(SystemExit):
        main(["evaluate", "--help"])
    assert "interplay evaluate pose --help" in " ".join(capsys.readouterr().out.split())
