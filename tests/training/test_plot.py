"""`interplay plot`: pictures of logs."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from interplay.cli import main
from interplay.errors import InputError, MissingFileError
from interplay.training.plot import plot_runs, read_run, total


def _run(folder: Path, shift: float = 0.0, epochs: int = 6) -> Path:
    folder.mkdir()
    rows = [
        {"epoch": e, "loss": 3 / e + shift, "verbs": 2 / e, "boxes": 1 / e + shift, "boxes_0": 0.1,
         "learning_rate": 0.1 / e, "learning_rate_text": 0.01, "score": e / 10 if e % 2 == 0 else "", "rare": 0.1,
         "skipped_photographs": 0, "seconds": 1.0}
        for e in range(1, epochs + 1)
    ]  # fmt: skip
    with (folder / "log.csv").open("w", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return folder


def test_a_log_divides_into_losses_figures_and_rates(tmp_path: Path) -> None:
    log = read_run(_run(tmp_path / "a"))
    assert list(log.losses) == ["loss", "verbs", "boxes", "boxes_0"]
    assert list(log.rates) == ["learning_rate", "learning_rate_text"]
    assert log.figures == {"score": [(2, 0.2), (4, 0.4), (6, 0.6)], "rare": [(e, 0.1) for e in range(1, 7)]}
    assert total(log.losses)[1] == (2, 1.5)
    assert total({"a": [(1, 1.0), (2, 0.5)], "b": [(1, 2.0), (2, 1.0)]}) == [(1, 3.0), (2, 1.5)]


@pytest.mark.parametrize("suffix", ["png", "pdf", "svg"])
def test_pictures_are_written(tmp_path: Path, suffix: str) -> None:
    one, two = _run(tmp_path / "a"), _run(tmp_path / "b", shift=1.0, epochs=1)
    picture = plot_runs([one, two], tmp_path / f"curves.{suffix}")
    assert picture.stat().st_size > 5000
    if suffix == "png":
        alone = plot_runs([one], tmp_path / "alone.png")
        assert (np.asarray(Image.open(alone)) < 200).any()
        assert alone.read_bytes() != picture.read_bytes()


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output = tmp_path / "c.svg"
    assert main(["plot", str(_run(tmp_path / "nano")), str(_run(tmp_path / "large")), "-o", str(output)]) == 0
    assert capsys.readouterr().out.strip() == str(output)
    assert "<svg" in output.read_text()


def test_what_is_no_run(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match=r"no log\.csv in .*none"):
        plot_runs([tmp_path / "none"], tmp_path / "c.png")
    with pytest.raises(InputError, match=r"ends in \.png"):
        plot_runs([_run(tmp_path / "a")], tmp_path / "c.bmp")
    (tmp_path / "a" / "log.csv").write_text("epoch,loss,learning_rate\n1,much,0.1\n")
    with pytest.raises(InputError, match="line 2: loss is not a number: 'much'"):
        read_run(tmp_path / "a")
    (tmp_path / "a" / "log.csv").write_text("a,b\n1,2\n")
    with pytest.raises(InputError, match="column 'epoch'"):
        read_run(tmp_path / "a")
