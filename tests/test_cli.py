from __future__ import annotations

import subprocess
import sys

import pytest

import interplay
from interplay.cli import COMMANDS, main


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.strip() == f"interplay {interplay.__version__}"


def test_overview_lists_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    text = capsys.readouterr().out
    assert all(name in text for name in COMMANDS)
    assert main([]) == 2


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself_with_an_example(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main([name, "--help"])
    assert stop.value.code == 0
    text = capsys.readouterr().out
    assert f"interplay {name}" in text.split("example:")[1]


@pytest.mark.parametrize("name", ["", *COMMANDS])
def test_help_imports_nothing_heavy(name: str) -> None:
    """What keeps `--help` within half a second, without timing it."""
    heavy = ("torch", "torchvision", "scipy", "pyarrow", "cv2", "supervision", "transformers", "matplotlib")
    code = (
        "import sys, interplay.cli as cli\n"
        "try: cli.main(sys.argv[1].split())\n"
        "except SystemExit: pass\n"
        f"print('LOADED', *[m for m in {heavy} if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code, f"{name} --help"], capture_output=True, text=True, check=True)
    assert done.stdout.strip().splitlines()[-1] == "LOADED"


def test_usage_errors(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["detct"]) == 2
    assert "detect" in capsys.readouterr().err
    with pytest.raises(SystemExit) as stop:
        main(["models", "--no-such-option"])
    assert stop.value.code == 2


def test_a_warning_is_one_plain_line() -> None:
    code = (
        "import sys, warnings; from interplay.cli import main; from interplay.commands import models; "
        "models.run = lambda args: warnings.warn('objects are numbered 1..80') or 0; sys.exit(main(['models']))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr == "interplay models: warning: objects are numbered 1..80\n"


def test_public_names_exist() -> None:
    assert len(interplay.__all__) <= 22
    for name in interplay.__all__:
        assert getattr(interplay, name) is not None
    assert dir(interplay) == sorted(interplay.__all__)  # and no imports, such as Any
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        interplay.nothing  # noqa: B018
