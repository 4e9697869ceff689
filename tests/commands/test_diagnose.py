"""`interplay diagnose` and `interplay compare` on small files."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from interplay import Interactions, InteractionTable, Vocabulary
from interplay.cli import main
from interplay.formats import write

VERB = "<b>ride</b>"


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """Three annotated pictures, a good result and a bad one; the verb's name would harm a page that does not escape."""
    own = Vocabulary.from_dict({"name": "zoo", "objects": ["person", "horse"], "verbs": [VERB, "feed"]})
    given = {"labels": [0, 1], "human": [0], "object": [1], "vocabulary": own}
    boxes = np.array([[10, 10, 60, 90], [5, 50, 90, 120]], np.float32)
    tables: dict[str, list[Interactions]] = {"truth": [], "good": [], "bad": []}
    for name, verb in (("a.png", 0), ("b.png", 0), ("c.png", 1)):
        Image.new("RGB", (160, 120), (90, 120, 150)).save(tmp_path / name)
        tables["truth"].append(Interactions(boxes=boxes, verb=[verb], file=name, scored=False, **given))
        tables["good"].append(Interactions(boxes=boxes, verb=[verb], score=[0.9], file=name, **given))
        tables["bad"].append(Interactions(boxes=boxes, verb=[1], score=[0.9 - 0.1 * verb], file=name, **given))
    for name, images in tables.items():
        write(InteractionTable.from_list(images), tmp_path / f"{name}.jsonl")
    return tmp_path


def test_a_report_with_pictures_and_all_numbers(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page, numbers = files / "page.html", files / "numbers.json"
    given = [str(files / "bad.jsonl"), str(files / "truth.jsonl"), "--dataset", "own", "--images", str(files)]
    assert (
        main(
            [
                "diagnose",
                *given,
                "-o",
                str(page),
                "--json",
                str(numbers),
                "--min-score",
                "0.5",
            ]
        )
        == 0
    )
    assert "verb" in capsys.readouterr().out
    text = page.read_text(encoding="utf-8")
    assert "a.png" in text
    assert text.count("data:image/jpeg;base64,") == 4  # the third is right; predicted and annotated
    assert VERB not in text
    content = json.loads(numbers.read_text(encoding="utf-8"))
    assert {cost["kind"]: cost["count"] for cost in content["costs"]}["verb"] == 2
    assert content["confusion"] == [{"annotated": VERB, "predicted": "feed", "count": 2}]


def test_pictures_are_wanted_without_a_report(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    given = [str(files / "bad.jsonl"), str(files / "truth.jsonl"), "--dataset", "own", "--images", str(files)]
    assert main(["diagnose", *given]) == 2
    assert "give -o REPORT.html" in capsys.readouterr().err


def test_two_results_are_compared(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = [str(files / f"{name}.jsonl") for name in ("bad", "good", "truth")]
    assert main(["compare", *names, "--dataset", "own", "--samples", "20", "--json", str(files / "c.json")]) == 0
    assert "16.67" in capsys.readouterr().out
    full = next(m for m in json.loads((files / "c.json").read_text())["means"] if m["metric"] == "full")
    assert (full["first"], full["second"]) == (pytest.approx(1 / 6), 1.0)  # "feed" comes third
