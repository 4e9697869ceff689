from pathlib import Path

import pytest

from interplay.cli import main
from interplay.samples import sample_path

pytest.importorskip("ray", reason="needs the extra batch")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nothing-here", "-o", "out"], "no such file or folder: nothing-here"),
        ([".", "-o", "out", "--model", "tin-spatial-vcocoo"], "Did you mean 'tin-spatial-vcoco'"),
        ([".", "-o", "pyproject.toml/out"], "is a file"),
        (["s3x://a", "-o", "out"], "s3x"),
        (["photo.jpg", "-o", "out", "--address", "127.0.0.1:9"], "no Ray cluster at 127.0.0.1:9"),
        (["photo.jpg", "-o", "others"], "left as it is"),
    ],
)
def test_what_cannot_be_done_is_one_line(
    arguments: list[str],
    message: str,
    capfd: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pyproject.toml").touch()
    (tmp_path / "others").mkdir()
    (tmp_path / "others/diary.txt").write_text("mine")
    (tmp_path / "photo.jpg").write_bytes(sample_path().read_bytes())
    assert main(["batch", *arguments]) == 2
    said = capfd.readouterr().err
    assert message in said
    assert "Traceback" not in said
