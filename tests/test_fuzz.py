"""Damaged files for every reader: read right, or refused with a reason.

``benchmarks/fuzz.py`` does the same for many more inputs; the readers and the ways to damage files are in
``benchmarks/fuzzing``.
"""

from __future__ import annotations

import json
import os
import random
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from interplay import Vocabulary, read
from interplay.containers.json_files import parse_json
from interplay.containers.pickles import parse_plain_pickle
from interplay.containers.yaml_files import parse_yaml
from interplay.errors import InterplayError

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))
from fuzzing import watch
from fuzzing.mutators import FORMS, mutate
from fuzzing.readers import READERS, Reader
from fuzzing.run import damaged

INPUTS = 100
FEWER = {"log": 20, **dict.fromkeys(
    ("hico-mat", "hico-results", "mesh", "body", "weights", "config", "check", "published-names", "start-names"), 60
)}  # fmt: skip
"""Of readers that take longer for each."""

quick = settings(max_examples=100, deadline=None, derandomize=True,
                 suppress_health_check=[HealthCheck.function_scoped_fixture])  # fmt: skip


@pytest.fixture(scope="module")
def worker() -> Iterator[watch.Worker]:
    made = watch.Worker()
    yield made
    made.close()


@pytest.mark.parametrize("name", READERS)
def test_damaged_files(name: str, worker: watch.Worker, tmp_path: Path) -> None:
    if name == "mesh":
        pytest.importorskip("trimesh")
    tries = list(damaged(READERS[name], tmp_path, worker, FEWER.get(name, INPUTS), seed=1, keep=None))
    findings = [
        f"{t.number} {t.seed_file.name}: {t.answer.outcome}: {t.answer.detail}"
        for t in tries
        if t.answer.outcome in watch.FINDINGS
    ]
    assert not findings, "\n".join(findings)
    outcomes = Counter(t.answer.outcome for t in tries)
    assert outcomes["accepted"] or not READERS[name].accepts
    assert outcomes["refused"] > 5 or name == "check"  # which reports and goes on


@pytest.mark.parametrize(
    ("read_it", "outcome"),
    [
        (lambda path: json.loads(path.read_text()), "traceback"),
        (lambda path: read(path, Vocabulary.load("hico-det")), "refused"),
        (lambda path: path.name, "accepted"),
    ],
)
def test_what_the_watch_tells_apart(read_it: Callable[[Path], object], outcome: str, tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text("{")
    assert watch.outcome_of(Reader("x", lambda folder: {}, read_it), tmp_path / "a.jsonl")[0] == outcome


def test_a_crash_is_seen(worker: watch.Worker, tmp_path: Path) -> None:
    assert worker.read("jsonl", tmp_path / "none.jsonl").outcome == "refused"
    assert worker._process is not None
    worker._process.kill()
    assert worker.read("jsonl", tmp_path / "none.jsonl").outcome == "crash"
    assert worker.read("jsonl", tmp_path / "none.jsonl").outcome == "refused"  # by another process


@pytest.mark.parametrize("form", FORMS)
def test_damage_is_repeatable_and_changes_files(form: str, tmp_path: Path) -> None:
    reader = next(r for r in READERS.values() if form in r.seeds(_new(tmp_path / r.name)).values())
    data = next(p for p, f in sorted(reader.seeds(_new(tmp_path / "again")).items()) if f == form).read_bytes()
    made = [mutate(data, form, random.Random(i)) for i in range(40)]
    assert made == [mutate(data, form, random.Random(i)) for i in range(40)]
    assert sum(one != data for one in made) > 30


def _new(folder: Path) -> Path:
    os.makedirs(folder, exist_ok=True)  # noqa: PTH103
    return folder


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
fields = st.fixed_dictionaries(
    {"file": st.text(max_size=5) | values},
    optional={
        "boxes": st.lists(st.lists(st.floats() | st.integers(), min_size=4, max_size=4), max_size=3) | values,
        "labels": st.lists(st.sampled_from(["person", "bicycle", "x"]), max_size=3) | values,
        "interactions": st.lists(
            st.fixed_dictionaries({"human": st.integers(-2, 3), "verb": st.sampled_from(["ride", "x"])},
                                  optional={"object": st.integers(-2, 3) | st.none(), "score": st.floats()}),
            max_size=3) | values,
        "width": st.integers(-1, 10**12) | values, "height": st.integers(-1, 10**12) | values,
        "keypoints": values, "scores": values, "unlabelled": values, "image_labels": values,
    },
)  # fmt: skip


@quick
@given(st.lists(fields, max_size=3))
def test_records_of_any_values(tmp_path: Path, records: list) -> None:
    path = tmp_path / "a.jsonl"
    text = "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records)
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    reader = READERS["jsonl"]
    message = _refusal(lambda: reader.check(reader.read(path), tmp_path))
    assert "a.jsonl" in (message or "a.jsonl")


@quick
@given(values)
def test_json_is_read_as_it_is_or_refused(value: object) -> None:
    text = json.dumps(value)
    message = _refusal(lambda: _same(parse_json(text, "a.json"), value))
    if message is not None:
        assert message.startswith("a.json: ")
        doubt = [x for x in _leaves(value) if isinstance(x, (int, float)) and not abs(x) < 2**63]
        assert doubt or "\\ud" in text


def _refusal(work: Callable[[], object]) -> str | None:
    """The message of what was refused."""
    try:
        work()
    except InterplayError as error:
        return str(error)[:1000] if len(str(error)) < 1500 else pytest.fail(f"too long: {error}")
    return None


def _same(found: object, expected: object) -> None:
    assert found == expected


def _leaves(value: object) -> Iterator[object]:
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for inner in value:
            yield from _leaves(inner)
    else:
        yield value


@quick
@given(st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode()))
def test_any_bytes(data: bytes) -> None:
    for parse in (
        lambda: parse_json(data, "a.json"),
        lambda: parse_yaml(data.decode("utf-8", "replace"), "a.yaml"),
        lambda: parse_plain_pickle(data),
    ):
        _refusal(parse)
