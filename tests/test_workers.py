"""Work on several processes: what comes back, and how it ends early."""

import runpy
import time
from math import sqrt
from pathlib import Path

import pytest

from interplay.workers import in_processes

ENDLESS = """
import time
from pathlib import Path

begun, left = Path({begun!r}), Path({left!r})
begun.touch()
try:
    while True:
        time.sleep(0.01)
finally:
    left.touch()
"""


def test_results_of_all_tasks() -> None:
    assert sorted(in_processes(sqrt, [(4,), (9,), (16,)], 1)) == [2, 3, 4]


def test_an_error_in_a_worker_comes_here() -> None:
    with pytest.raises(ValueError, match="math domain"):
        list(in_processes(sqrt, [(-1,)], 1))


@pytest.mark.parametrize("stop", [GeneratorExit, KeyboardInterrupt])
def test_work_is_left_where_no_more_is_wanted(tmp_path: Path, stop: type[BaseException]) -> None:
    """Also what a worker was given before it was asked to stop."""
    quick = tmp_path / "quick.py"
    quick.write_text("")
    scripts = [quick]
    for name in "ab":
        script = tmp_path / f"{name}.py"
        script.write_text(ENDLESS.format(begun=str(tmp_path / f"{name}.begun"), left=str(tmp_path / f"{name}.left")))
        scripts.append(script)
    results = in_processes(runpy.run_path, [(str(script), {}) for script in scripts], 1, None)
    next(results)
    deadline = time.monotonic() + 60
    while not (tmp_path / "a.begun").exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert (tmp_path / "a.begun").exists()
    if stop is GeneratorExit:
        results.close()
    else:
        with pytest.raises(KeyboardInterrupt):
            results.throw(KeyboardInterrupt())
    assert (tmp_path / "a.left").exists()
    assert not (tmp_path / "b.begun").exists()
