"""`interplay plot`: pictures of logs."""

from __future__ import annotations

import csv
import re
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


def test_a_log_divides_into_losses_metrics_and_rates(tmp_path: Path) -> None:
    log = read_run(_run(tmp_path / "a"))
    assert list(log.losses) == ["loss", "verbs", "boxes", "boxes_0"]
    assert list(log.rates) == ["learning_rate", "learning_rate_text"]
    assert log.metrics == {"score": [(2, 0.2), (4, 0.4), (6, 0.6)], "rare": [(e, 0.1) for e in range(1, 7)]}
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


def _words(picture: Path) -> list[str]:
    """The texts of an SVG of matplotlib's, which it writes as comments beside their outlines."""
    return re.findall(r"<!-- (.*?) -->", picture.read_text())


def test_runs_without_a_common_figure_show_the_first_of_each(tmp_path: Path) -> None:
    runs = [tmp_path / "tin_nano", tmp_path / "ggnet_nano"]
    for run, column, value in zip(runs, ("map", "score"), (0.2, 0.3), strict=True):
        run.mkdir()
        (run / "log.csv").write_text(f"epoch,loss,learning_rate,{column}\n1,3,0.1,{value}\n2,2,0.1,{value}\n")
    words = _words(plot_runs(runs, tmp_path / "c.svg"))
    assert {"validation: no metric in common", "tin_nano: map", "ggnet_nano: score"} <= set(words)


def test_a_run_without_validation_yet_is_compared_too(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    for run, metrics in ((first, ""), (second, "0.2")):
        run.mkdir()
        (run / "log.csv").write_text(f"epoch,loss,learning_rate,score\n1,3,0.1,{metrics}\n")
    assert "validation: score" in _words(plot_runs([first, second], tmp_path / "c.svg"))


def test_epochs_are_whole_and_the_run_has_its_name(tmp_path: Path) -> None:
    words = _words(plot_runs([_run(tmp_path / "nano", epochs=2)], tmp_path / "c.svg"))
    assert "nano" in words
    assert {"1", "2"} <= set(words)
    assert not {"1.5", "0.5", "1.25"} & set(words)


def test_a_single_point_at_zero_has_a_scale(tmp_path: Path) -> None:
    run = tmp_path / "nano"
    run.mkdir()
    (run / "log.csv").write_text("epoch,loss,learning_rate,score\n1,3,0.1,0\n")
    words = _words(plot_runs([run], tmp_path / "c.svg"))
    assert {"0.0", "1.0"} <= set(words)
    assert not [word for word in words if word.startswith(("\N{MINUS SIGN}0.0", "-0.0", "0.96", "0.98"))]


def test_shares_of_pairs_are_not_in_the_picture_of_precision(tmp_path: Path) -> None:
    run = tmp_path / "tin_nano"
    run.mkdir()
    (run / "log.csv").write_text("epoch,loss,learning_rate,map,nis_removed_interacting\n1,3,0.1,0.2,0.01\n")
    words = _words(plot_runs([run], tmp_path / "c.svg"))
    assert words.index("map") < words.index("validation: share of pairs") < words.index("nis_removed_interacting")


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


@pytest.mark.parametrize("epoch", ["-1e400", "nan", "-1", "1e12", "x", ""])
def test_an_epoch_that_is_none(tmp_path: Path, epoch: str) -> None:
    (tmp_path / "log.csv").write_text(f"epoch,loss,learning_rate\n1,3,0.1\n{epoch},2,0.1\n")
    with pytest.raises(InputError, match=r"log\.csv: line 3: epoch"):
        plot_runs([tmp_path], tmp_path / "out.png")


def test_a_log_of_detrs_code_is_drawn(tmp_path: Path) -> None:
    """What is no number, such as the mean of no rare class, is no point; lines between the epochs are passed over."""
    lines = [
        '{"train_lr": 0.1, "train_loss": 3.0, "train_loss_ce": 2.0, "train_loss_ce_unscaled": 9.0, "test_mAP": NaN, '
        '"test_coco_eval_bbox": [1, 2], "epoch": 0, "n_parameters": 7}',
        '{"mAP": 0.5}',
        '{"train_lr": 0.05, "train_loss": 1.5, "train_loss_ce": 1.0, "test_mAP": 0.5, "epoch": 1}',
        "Test result:{}",
    ]
    log = tmp_path / "log.txt"
    log.write_text("\n".join(lines))
    run = read_run(log)
    assert run.losses == {"loss": [(0, 3.0), (1, 1.5)], "ce": [(0, 2.0), (1, 1.0)]}
    assert (run.metrics, run.rates) == ({"mAP": [(1, 0.5)]}, {"learning_rate": [(0, 0.1), (1, 0.05)]})
    assert plot_runs([log], tmp_path / "curves.png").stat().st_size > 1000
    log.write_text("epoch 1 of 3")
    with pytest.raises(InputError, match=r"log\.txt: expected the folder of a run, or a log with"):
        read_run(log)
    log.write_text("{")
    with pytest.raises(InputError, match=r"log\.txt: line 1: not JSON"):
        read_run(log)
