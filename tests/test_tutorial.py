"""The tutorial, run as it stands."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("anny", reason="needs the extra body")
pytest.importorskip("cv2", reason="needs the extra offline")

TUTORIAL = Path(__file__).parents[1] / "docs" / "tutorial.md"


@pytest.mark.skipif(sys.platform == "win32", reason="its commands are of a POSIX shell")
def test_every_command_of_the_tutorial_works(tmp_path: Path) -> None:
    blocks = re.findall(
        r"^```(bash|python)\n(.*?)^```$", TUTORIAL.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE
    )
    assert len(blocks) > 7
    # the command of this environment, whatever the path is
    shell = f'set -e\ninterplay() {{ "{sys.executable}" -m interplay "$@"; }}\n'
    for kind, text in blocks:
        if "pip install" in text:
            continue
        command = ["bash", "-c", shell + text] if kind == "bash" else [sys.executable, "-c", text]
        done = subprocess.run(
            command, cwd=tmp_path, capture_output=True, text=True, timeout=600, env={**os.environ, "COLUMNS": "200"}
        )
        assert done.returncode == 0, f"{text}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
    assert (tmp_path / "diagnosis.html").stat().st_size > 10_000
    assert (tmp_path / "runs" / "second" / "best.safetensors").is_file()
