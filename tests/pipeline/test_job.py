import io
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console

import interplay
from interplay import Interactions, Vocabulary
from interplay.errors import InputError
from interplay.image_files import find_images
from interplay.locks import LockedError, locked
from interplay.pipeline import Job, job, run, run_job, screen

VCOCO = Vocabulary.load("v-coco")


class Shown:
    def __init__(self) -> None:
        self.screen = Console(file=io.StringIO(), width=100)
        self.messages = Console(file=io.StringIO(), width=100)

    def run(self, job: Job, model: Callable) -> int:
        return run_job(job, model, VCOCO, self.screen, self.messages)

    @property
    def tables(self) -> str:
        return self.screen.file.getvalue()  # type: ignore[attr-defined]

    @property
    def said(self) -> str:
        return self.messages.file.getvalue()  # type: ignore[attr-defined]


@pytest.fixture
def shown() -> Shown:
    return Shown()


@pytest.fixture(autouse=True)
def at_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_by_default_there_are_a_table_a_picture_and_a_file(
    model: Any, photo: Callable[..., Path], shown: Shown, tmp_path: Path
) -> None:
    assert shown.run(Job([photo("photo.png")]), model) == 0
    assert "riding a bicycle" in shown.tables
    assert "0.90" in shown.tables
    assert "wrote interplay_output/interactions.jsonl" in shown.tables
    assert "wrote interplay_output/pictures/photo.png" in shown.tables
    assert (tmp_path / "interplay_output/pictures/photo.png").is_file()
    assert len(interplay.read("interplay_output/interactions.jsonl")[0]) == 2


def test_every_run_without_an_output_has_a_folder_of_its_own(model: Any, photo: Callable[..., Path]) -> None:
    for settings in ({}, {}, {"min_score": 0.5}):
        Shown().run(Job([photo("a.png")], **settings), model)
    last = Shown()
    last.run(Job([photo("b.png")]), model)
    assert model.seen == ["a.png", "a.png", "a.png", "b.png"]
    for folder, name in (("", "a.png"), ("-2", "a.png"), ("-3", "a.png"), ("-4", "b.png")):
        assert interplay.read(f"interplay_output{folder}/interactions.jsonl").files == [str(photo(name))]
    assert "interplay_output holds other results, which stay as they are: these go to interplay_output-4" in last.said
    Shown().run(Job([photo("b.png")], overwrite=True), model)
    assert interplay.read("interplay_output/interactions.jsonl").files == [str(photo("b.png"))]


def test_a_run_that_fails_takes_no_results_away(model: Any, photo: Callable[..., Path]) -> None:
    Shown().run(Job([photo("a.png")]), model)
    Path("clip.mp4").write_bytes(b"no picture")
    for _ in range(2):  # the folder that was left empty is used again
        assert Shown().run(Job([Path("clip.mp4")], settings={"model": "other"}), model) == 1
    assert interplay.read("interplay_output/interactions.jsonl").files == [str(photo("a.png"))]
    shown = Shown()
    shown.run(Job([photo("b.png")]), model)
    assert interplay.read("interplay_output-2/interactions.jsonl").files == [str(photo("b.png"))]
    assert not Path("interplay_output-3").exists()


def test_lines_on_a_stream_as_soon_as_they_are_there(model: Any, photo: Callable[..., Path], shown: Shown) -> None:
    stream = io.StringIO()
    assert shown.run(Job([photo("a.png"), photo("b.png")], stream=stream), model) == 0
    Path("r.jsonl").write_text(stream.getvalue())
    assert interplay.read("r.jsonl").files == [str(photo("a.png")), str(photo("b.png"))]
    assert {path.name for path in Path().iterdir()} == {"a.png", "b.png", "r.jsonl"}


def test_only_what_is_asked_for_is_written(model: Any, photo: Callable[..., Path], shown: Shown) -> None:
    shown.run(Job([photo("a.png")], pictures=Path("p")), model)
    assert [path.name for path in Path("p").iterdir()] == ["a.png"]
    shown.run(Job([photo("a.png")], output=Path("r.parquet"), report=Path("r.html")), model)
    assert {path.name for path in Path().iterdir()} == {"a.png", "r.html", "p", "r.parquet", "r.parquet.run.json"}


def test_a_report_comes_on_top_of_the_default(model: Any, photo: Callable[..., Path], shown: Shown) -> None:
    shown.run(Job([photo("a.png")], report=Path("r.html")), model)
    assert {path.name for path in Path().iterdir()} == {"a.png", "r.html", "interplay_output"}


def test_many_images_are_summed_up(model: Any, photo: Callable[..., Path], shown: Shown) -> None:
    shown.run(Job([photo(f"{i}.png") for i in range(8)], output=Path("r.jsonl")), model)
    assert "16 interactions of 2 kinds in 8 images" in shown.tables


def stopped(model: Any) -> Callable:
    """The model, with Ctrl-C in the third batch."""

    def call(images: Sequence[np.ndarray], names: Sequence[str]) -> list[Interactions]:
        if len(model.batches) == 2:
            raise KeyboardInterrupt
        return model(images, names)

    return call


@pytest.mark.parametrize("name", ["r.jsonl", "r.parquet", "r.csv"])
def test_a_stopped_run_is_continued(model: Any, photo: Callable[..., Path], name: str) -> None:
    paths = [photo(f"{i:02}.png") for i in range(20)]

    def job() -> Job:
        return Job(paths, output=Path(name), pictures=Path("p"), report=Path("r.html"), batch_size=8)

    first, second, third = Shown(), Shown(), Shown()
    with pytest.raises(KeyboardInterrupt):
        first.run(job(), stopped(model))
    assert "of 20 images; run the same command again to continue" in first.said
    assert len(model.seen) == 16
    assert second.run(job(), model) == 0
    assert "of 20 already done" in second.said
    assert len(model.seen) < 16 + 20
    assert interplay.read(name, VCOCO).files == [str(path) for path in paths]
    assert len(list(Path("p").iterdir())) == 20
    assert Path("r.html").read_text().count("<article") == 20
    third.run(job(), model)
    assert "20 images of 20 already done" in third.said


def test_the_default_folder_is_continued_after_a_stop(model: Any, photo: Callable[..., Path]) -> None:
    paths = [photo(f"{i:02}.png") for i in range(20)]
    with pytest.raises(KeyboardInterrupt):
        Shown().run(Job(paths), stopped(model))
    Shown().run(Job(paths), model)
    assert len(model.seen) < 16 + 20
    assert len(interplay.read("interplay_output/interactions.jsonl", VCOCO)) == 20


def test_pictures_of_results_that_are_there_are_drawn_without_the_model(model: Any, photo: Callable[..., Path]) -> None:
    paths = [photo("a.png"), photo("b.png")]
    Shown().run(Job(paths, output=Path("r.jsonl")), model)
    Shown().run(Job(paths, output=Path("r.jsonl"), pictures=Path("p")), model)
    assert sorted(path.name for path in Path("p").iterdir()) == ["a.png", "b.png"]
    assert model.seen == ["a.png", "b.png"]


def test_overwrite_starts_over(model: Any, photo: Callable[..., Path]) -> None:
    Shown().run(Job([photo("a.png")], output=Path("r.jsonl")), model)
    Shown().run(Job([photo("b.png")], output=Path("r.jsonl"), overwrite=True), model)
    assert interplay.read("r.jsonl").files == [str(photo("b.png"))]


def test_other_settings_are_refused_before_anything_is_done(model: Any, photo: Callable[..., Path]) -> None:
    Shown().run(Job([photo("a.png")], output=Path("r.jsonl"), settings={"model": "one"}), model)
    with pytest.raises(InputError, match=r"model 'one' \(now 'two'\)"):
        Job([photo("a.png")], output=Path("r.jsonl"), settings={"model": "two"})
    with pytest.raises(InputError, match=r"min_score None \(now 0.5\)"):
        Job([photo("a.png")], output=Path("r.jsonl"), settings={"model": "one"}, min_score=0.5)


def test_only_this_jobs_images_are_shown(model: Any, photo: Callable[..., Path], shown: Shown) -> None:
    Shown().run(Job([photo("a.png")], output=Path("r.jsonl")), model)
    shown.run(Job([photo("b.png")], output=Path("r.jsonl")), model)
    assert "b.png" in shown.tables
    assert "a.png" not in shown.tables


def test_failures_are_counted_and_named(model: Any, photo: Callable[..., Path], shown: Shown) -> None:
    Path("broken [1].jpg").write_bytes(b"nothing")
    assert shown.run(Job([Path("broken [1].jpg"), photo("a.png")]), model) == 1
    assert "skipped broken [1].jpg: not an image" in shown.said
    assert "1 of 2 images could not be done, see above" in shown.said
    assert len(interplay.read("interplay_output/interactions.jsonl")) == 1


def test_pictures_of_an_earlier_run_are_not_photographs(model: Any, photo: Callable[..., Path]) -> None:
    a = photo("a.png")
    Shown().run(Job([a]), model)
    again = Job([a, Path("interplay_output/pictures/a.png")])
    assert list(again.images) == [a]
    with pytest.raises(InputError, match="earlier run"):
        Job([Path("interplay_output/pictures/a.png")])


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp", ".bmp"])
def test_drawn_pictures_are_left_out_wherever_they_are(model: Any, photo: Callable[..., Path], suffix: str) -> None:
    a = photo(f"a{suffix}")
    Shown().run(Job([a], pictures=Path("drawn")), model)
    [drawn] = Path("drawn").iterdir()
    elsewhere = drawn.rename(f"b{drawn.suffix}")
    shown = Shown()
    shown.run(Job(find_images(["."]), output=Path("r.jsonl")), model)
    assert interplay.read("r.jsonl").files == [a.name]
    assert f"left out 1 picture that interplay drew, such as {elsewhere}" in shown.said


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"output": Path("r.txt")}, r"\.jsonl or \.parquet"),
        ({"report": Path("r.pdf")}, r"\.html"),
        ({"pictures": Path("a.png")}, "expected a folder"),
        ({"batch_size": 0}, "batch size"),
        ({"top_k": 0}, "top-k"),
    ],
)
def test_what_cannot_be_done_is_said_at_once(photo: Callable[..., Path], wrong: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        Job([photo("a.png")], **wrong)


def test_progress_without_a_terminal_is_a_line_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    out = Console(file=io.StringIO(), width=100)
    clock = iter([0.0, 10.0, 31.0, 40.0, 70.0])
    monkeypatch.setattr(screen.time, "monotonic", lambda: next(clock))
    with screen.progress(out, "detecting", 4) as advance:
        for _ in range(4):
            advance()
    assert out.file.getvalue() == "detecting: 2 of 4 images, 0.1 images/s\n"  # type: ignore[attr-defined]


def test_a_foreign_file_is_left_as_it_is_also_in_the_default_folder(photo: Callable[..., Path]) -> None:
    notes = Path("interplay_output/interactions.jsonl")
    notes.parent.mkdir()
    notes.write_text("my notes")
    with pytest.raises(InputError, match="left as it is"):
        Job([photo("a.png")], output=notes)
    assert Job([photo("a.png")]).output == Path("interplay_output-2/interactions.jsonl")
    assert notes.read_text() == "my notes"


def test_an_output_that_another_process_writes_is_refused(model: Any, photo: Callable[..., Path], shown: Shown) -> None:
    job = Job([photo("a.png")], output=Path("r.jsonl"))
    with locked("r.jsonl"), pytest.raises(LockedError):
        shown.run(job, model)
    assert model.seen == []


@pytest.mark.parametrize("name", ["r.jsonl", "r.parquet"])
def test_an_output_that_vanishes_is_said_at_once(photo: Callable[..., Path], model: Any, name: str) -> None:
    paths = [photo(f"{i:02}.png") for i in range(40)]

    def call(images: Sequence[np.ndarray], names: Sequence[str]) -> list[Interactions]:
        for file in Path("out").iterdir():
            file.unlink()
        return model(images, names)

    with pytest.raises((InputError, FileNotFoundError), match="removed"):
        Shown().run(Job(paths, output=Path("out") / name, batch_size=4), call)
    assert len(model.seen) < 40


def test_names_that_are_not_utf8_are_written_escaped(model: Any, photo: Callable[..., Path]) -> None:
    photo("in/ok.png")
    try:
        photo("in/caf\udce9.png")
    except (OSError, UnicodeError):
        pytest.skip("this file system takes UTF-8 names only")
    for _ in range(2):
        shown = Shown()
        job = Job(find_images(["in"]), output=Path("r.jsonl"), pictures=Path("p"), report=Path("r.html"))
        assert shown.run(job, model) == 0
    assert "2 images of 2 already done" in shown.said
    assert interplay.read("r.jsonl").files == ["in/caf\\xe9.png", "in/ok.png"]
    assert len(list(Path("p").iterdir())) == 2
    assert Path("r.html").read_text().count('<img loading="lazy"') == 2


def test_a_name_of_any_length_has_its_picture(model: Any, photo: Callable[..., Path], shown: Shown) -> None:
    long = "a" * 247
    paths = [photo(f"{long}.png"), photo(f"{long}.bmp"), photo(f"{long}b.bmp")]
    assert shown.run(Job(paths, pictures=Path("p")), model) == 0
    assert len(list(Path("p").iterdir())) == 3


def test_a_picture_that_cannot_be_drawn_costs_no_result(
    model: Any, photo: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_memory(*_: Any, **__: Any) -> None:
        raise MemoryError

    paths = [photo("a.png"), photo("b.png")]
    with monkeypatch.context() as patch:  # undoing all of `monkeypatch` would also leave the test's own folder
        for place in (run, job):
            patch.setattr(place, "draw_interactions", no_memory)
        for seen in ("", "2 images of 2 already done"):
            shown = Shown()
            assert shown.run(Job(paths, output=Path("r.jsonl"), pictures=Path("p")), model) == 2
            assert seen in shown.said
            assert shown.said.count("no picture of") == 2
            assert len(interplay.read("r.jsonl")) == 2
    assert Shown().run(Job(paths, output=Path("r.jsonl"), pictures=Path("p")), model) == 0
    assert len(list(Path("p").iterdir())) == 2


def test_what_was_seen_is_said_and_survives_a_second_run(model: Any, photo: Callable[..., Path]) -> None:
    """Of dark images nothing scores 0.95 or more: the best one is 0.90, kept in the file for table and report."""
    paths = [photo("a.png"), photo("b.png")]
    said = "1 person, 1 object, no interaction above 0.95; best: riding a bicycle 0.90"
    for name in ("r.jsonl", "r.parquet"):
        for _ in range(2):
            shown = Shown()
            shown.run(Job(paths, output=Path(name), report=Path("r.html"), min_score=0.95), model)
            assert " ".join(shown.tables.replace("│", " ").split()).count(said) == 2
            assert Path("r.html").read_text().count(f'<p class="none seen">{said}</p>') == 2
        assert interplay.read(name)[0].left_out == "riding a bicycle"
    assert len(model.seen) == 4


def test_many_images_without_interactions_are_named(model: Any, photo: Callable[..., Path], shown: Shown) -> None:
    paths = [photo(f"{i:02}.png") for i in range(8)]
    shown.run(Job(paths, output=Path("r.jsonl"), min_score=0.95, rows=3), model)
    assert shown.tables.count("1 person, 1 object, no interaction above 0.95; best: riding a bicycle 0.90") == 3
    assert "and 5 more images without interactions" in shown.tables
    everything = Shown()
    everything.run(Job(paths, output=Path("r.jsonl"), min_score=0.95, rows=None), model)
    assert everything.tables.count("no interaction above 0.95") == 8
    assert "--rows" not in everything.tables


def test_a_file_may_keep_more_than_is_shown(model: Any, photo: Callable[..., Path], shown: Shown) -> None:
    """The bicycle is held with 0.40 and ridden with 0.90."""
    job = Job([photo("a.png")], output=Path("r.jsonl"), report=Path("r.html"), min_score=0.0, show_from=0.5)
    shown.run(job, model)
    assert "riding a bicycle" in shown.tables
    assert "holding" not in shown.tables
    assert "holding" not in Path("r.html").read_text()
    assert len(interplay.read("r.jsonl")[0]) == 2


def test_pictures_show_what_was_seen_unless_told_otherwise(model: Any, photo: Callable[..., Path]) -> None:
    path = photo("a.png")
    plain = np.asarray(interplay.read_image(path))
    for show, changed in (("all", True), ("interactions", False)):
        Shown().run(Job([path], pictures=Path(show), min_score=0.95, show=show), model)  # type: ignore[arg-type]
        assert (np.asarray(interplay.read_image(Path(show, "a.png"))) != plain).any() == changed
    with pytest.raises(InputError, match="interactions, all"):
        Job([path], show="nothing")  # type: ignore[arg-type]
