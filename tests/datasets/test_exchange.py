"""Other tools' forms: what is written is read again, and what is lost is said."""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import mkdtemp
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from interplay import Interactions, InteractionTable, Vocabulary, load_annotations
from interplay.cli import main
from interplay.datasets.exchange import EXPORTS, export
from interplay.defaults import EXPORT_FORMS
from interplay.errors import InputError
from interplay.formats import read, write

OWN = Vocabulary.from_dict(
    {
        "name": "own",
        "objects": ["person", "race horse", "küvet & <tub>"],
        "verbs": ["ride", "sit on", "stand 2", 'say "a"'],
    }
)
READ_BACK = sorted(name for name in EXPORTS if name not in ("boxes-by-image", "hoia", "vidvrd", "vidhoi"))


@st.composite
def tables(draw: st.DrawFn, complete: bool) -> InteractionTable:
    """Annotated images; with `complete`, every box takes part in an interaction with an object."""
    images = []
    for number in range(draw(st.integers(1, 3))):
        people = draw(st.integers(1, 3))
        others = draw(st.lists(st.integers(1, 2), min_size=people, max_size=people))
        corner = st.integers(0, 190)
        corners = draw(st.lists(st.tuples(corner, corner), min_size=2 * people, max_size=2 * people, unique=True))
        boxes = np.array([[x + 0.25, y + 0.5, x + 31, y + 47.75] for x, y in corners], np.float32)
        verbs = draw(st.lists(st.integers(0, 3), min_size=people, max_size=people))
        human, other, verb = list(range(people)), [people + p for p in range(people)], list(verbs)
        if not complete:
            human, other, verb = [*human, 0], [*other, -1], [*verb, 2]
            human, other, verb = human[1:], other[1:], verb[1:]
        images.append(
            Interactions(
                boxes=boxes,
                labels=[0] * people + others,
                human=human,
                object=other,
                verb=verb,
                vocabulary=OWN,
                file=f"a b-{number}.jpg",
                width=320,
                height=240,
                scored=False,
            )
        )
    return InteractionTable.from_list(images)


def content(table: InteractionTable) -> list[tuple[Any, ...]]:
    """What a table says, in an order of its own."""
    names = table.vocabulary
    found = []
    for image in table:
        boxes = [
            (names.objects[label], *np.round(box, 2).tolist())
            for label, box in zip(image.labels, image.boxes, strict=True)
        ]
        said = [
            (boxes[h], names.verbs[v], boxes[o] if o >= 0 else None)
            for h, v, o in zip(image.human, image.verb, image.object, strict=True)
        ]
        found.append((image.file, image.width, image.height, sorted(boxes), sorted(said, key=repr)))
    return found


@pytest.mark.parametrize("form", READ_BACK)
@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(data=st.data())
def test_what_is_written_is_read_again(form: str, tmp_path: Path, data: st.DataObject) -> None:
    chosen = EXPORTS[form]
    table = data.draw(tables(complete="lone boxes" not in chosen.holds))
    target = Path(mkdtemp(dir=tmp_path)) / f"out{chosen.suffix}"
    assert export(table, target, form) == []
    assert content(load_annotations("own", target)) == content(table)


def test_numbers_come_with_a_vocabulary(tmp_path: Path) -> None:
    table = InteractionTable.from_list([picture()])
    lost = export(table, tmp_path / "a.json", "hoia")
    assert [note.split(" (")[0] for note in lost] == ["hoia cannot hold the sizes of images"]
    names = Vocabulary.load(str(tmp_path / "a.vocabulary.json"))
    again = load_annotations("own", tmp_path / "a.json", vocabulary=names)
    assert [row[3:] for row in content(again)] == [row[3:] for row in content(table)]


def picture(scored: bool = False, **changed: Any) -> Interactions:
    given: dict[str, Any] = {
        "boxes": [[10, 10, 60, 90], [5, 50, 90, 120], [100, 5, 140, 60]],
        "labels": [0, 1, 2],
        "human": [0, 0],
        "object": [1, -1],
        "verb": [0, 2],
        "vocabulary": OWN,
        "file": "a.jpg",
        "width": 160,
        "height": 120,
        "scored": scored,
    }
    return Interactions(
        **{**given, **({"score": [0.9, 0.4], "box_scores": [0.8, 0.7, 0.6]} if scored else {}), **changed}
    )


def test_predictions_become_pre_annotations_that_are_reviewed(tmp_path: Path) -> None:
    path = tmp_path / "tasks.json"
    lost = export(InteractionTable.from_list([picture(True), picture(True, file="b.jpg")]), path, "label-studio")
    assert lost == ["label-studio cannot hold the scores of interactions (4)"]
    tasks = json.loads(path.read_text(encoding="utf-8"))
    assert tasks[0]["data"]["image"] == "/data/local-files/?d=a.jpg"
    assert "annotations" not in tasks[0]
    config = ElementTree.parse(tmp_path / "tasks.config.xml").getroot()
    assert [label.get("value") for label in config.iter("Label")] == list(OWN.objects)
    with pytest.raises(InputError, match="reviewed"):
        load_annotations("own", path)
    # the reviewer keeps the first picture, and says that the person sits; nobody looks at the second one
    result = tasks[0]["predictions"][0]["result"]
    next(part for part in result if part["type"] == "relation")["labels"] = ["sit on"]
    tasks[0]["annotations"] = [{"result": result}]
    path.write_text(json.dumps(tasks), encoding="utf-8")
    with pytest.warns(UserWarning, match="1 tasks that nobody annotated"):
        reviewed = load_annotations("own", path)
    assert content(reviewed) == content(InteractionTable.from_list([picture(verb=[1, 2])]))


def test_what_a_form_cannot_hold_is_said() -> None:
    assert set(EXPORT_FORMS) == set(EXPORTS)


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ("pairs", ["the scores of interactions (2)", "the scores of boxes (3)", "interactions without an object (1)",
                   "boxes that take part in no interaction (1)"]),
        ("boxes-by-image", ["interactions (2)", "the sizes of images (1)"]),
        ("hub", []),
        ("coco-relations", []),
        ("cvat", ["the scores of interactions (2)", "the scores of boxes (3)"]),
    ],
)  # fmt: skip
def test_losses_of_predictions(tmp_path: Path, form: str, expected: list[str]) -> None:
    target = tmp_path / f"out{EXPORTS[form].suffix}"
    lost = export(InteractionTable.from_list([picture(True)]), target, form)
    assert lost == [f"{form} cannot hold {what}" for what in expected]


def test_boxes_for_two_stage_repositories(tmp_path: Path) -> None:
    export(InteractionTable.from_list([picture(True)]), tmp_path / "out", "boxes-by-image")
    found = json.loads((tmp_path / "out" / "a.json").read_text(encoding="utf-8"))
    assert found["labels"] == [0, 1, 2]
    assert found["scores"] == pytest.approx([0.8, 0.7, 0.6])


def test_boxes_by_image_are_read_back(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = InteractionTable.from_list([picture(True)])
    export(table, tmp_path / "out", "boxes-by-image")
    back, names = str(tmp_path / "boxes.jsonl"), str(tmp_path / "out.vocabulary.json")
    assert main(["datasets", "convert", str(tmp_path / "out"), back]) == 2
    assert "--vocabulary says what they count" in capsys.readouterr().err
    assert main(["datasets", "convert", str(tmp_path / "out"), back, "--vocabulary", names]) == 0
    [image] = read(back, table.vocabulary)
    assert image.file == "a.jpg"
    assert np.allclose(image.boxes, table.boxes)
    assert np.allclose(image.box_scores, table.box_scores)
    assert (image.labels.tolist(), len(image)) == (table.labels.tolist(), 0)
    (tmp_path / "out" / "b.json").write_text('{"boxes": [[1, 2, 3]], "labels": [0]}', encoding="utf-8")
    assert main(["datasets", "convert", str(tmp_path / "out"), back, "--vocabulary", names]) == 2
    assert "b.json" in capsys.readouterr().err


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_the_command_reads_back_what_it_wrote(tmp_path: Path, capsys: pytest.CaptureFixture[str], suffix: str) -> None:
    own, other, back = (str(tmp_path / name) for name in ("own.jsonl", f"other{suffix}", "back.jsonl"))
    table = InteractionTable.from_list([picture()])
    write(table, own)
    hub = ["--to", "hub"] if suffix == ".parquet" else []
    assert main(["datasets", "convert", own, other, *hub]) == 0
    lone = "csv cannot hold boxes that take part in no interaction (1)"
    assert (lone in capsys.readouterr().out.replace("\n", " ")) == (suffix == ".csv")
    assert main(["datasets", "convert", other, back]) == 0
    assert len(read(back, OWN)) == 1
    assert [image[4] for image in content(read(back, OWN))] == [image[4] for image in content(table)]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("ride > x", "expected VERB > NUMBER"),
        ("> 2", "expected VERB > NUMBER"),
        ("ride > 9", "no box has this number"),
    ],
)
def test_interactions_that_nobody_can_read_are_refused(tmp_path: Path, text: str, problem: str) -> None:
    path = tmp_path / "a.xml"
    export(InteractionTable.from_list([picture()]), path, "cvat")
    path.write_text(path.read_text(encoding="utf-8").replace("ride &gt; 2; stand 2", text.replace(">", "&gt;")))
    with pytest.raises(InputError, match=problem):
        load_annotations("own", path)


def test_xml_with_entities_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.xml"
    export(InteractionTable.from_list([picture()]), path, "cvat")
    head, _, rest = path.read_text(encoding="utf-8").partition("\n")
    path.write_text(f'{head}\n<!DOCTYPE annotations [<!ENTITY a "ride">]>\n{rest}', encoding="utf-8")
    with pytest.raises(InputError, match="document type"):
        load_annotations("own", path)


def test_two_boxes_with_one_number_are_refused(tmp_path: Path) -> None:
    export(InteractionTable.from_list([picture()]), tmp_path / "out", "labelme")
    path = tmp_path / "out" / "a.json"
    path.write_text(path.read_text(encoding="utf-8").replace('"group_id": 2', '"group_id": 1'), encoding="utf-8")
    with pytest.raises(InputError, match="two boxes have the number 1"):
        load_annotations("own", path)


def test_bad_targets(tmp_path: Path) -> None:
    table = InteractionTable.from_list([picture()])
    with pytest.raises(InputError, match=r"ending in \.json"):
        export(table, tmp_path / "a.txt", "coco-relations")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").touch()
    with pytest.raises(InputError, match="new or empty folder"):
        export(table, tmp_path / "full", "labelme")
    with pytest.raises(InputError, match="Did you mean"):
        export(table, tmp_path / "a.json", "labelstudio")
    with pytest.raises(InputError, match=r"the size of a\.jpg is unknown"):
        export(InteractionTable.from_list([picture(width=None, height=None)]), tmp_path / "a.json", "label-studio")
    assert not (tmp_path / "a.json").exists()


def test_the_command_converts_there_and_back(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(InteractionTable.from_list([picture()]), tmp_path / "own.jsonl")
    there = ["datasets", "convert", str(tmp_path / "own.jsonl"), str(tmp_path / "tasks.json"), "--dataset", "own"]
    assert main([*there, "--to", "label-studio", "--images-at", "https://example.org/"]) == 0
    assert json.loads((tmp_path / "tasks.json").read_text())[0]["data"]["image"] == "https://example.org/a.jpg"
    assert main(["datasets", "convert", str(tmp_path / "tasks.json"), str(tmp_path / "again.jsonl")]) == 0
    assert content(load_annotations("own", tmp_path / "again.jsonl")) == content(
        InteractionTable.from_list([picture()])
    )
    assert main([*there, "--to", "cvat"]) == 2
    assert "ending in .xml" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("form", "written"),
    [("coco-relations", "2 interactions"), ("pairs", "1 interaction"), ("boxes-by-image", "3 boxes")],
)
def test_the_command_counts_what_it_wrote(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], form: str, written: str
) -> None:
    write(InteractionTable.from_list([picture()]), tmp_path / "own.jsonl")
    target = tmp_path / ("out" if form == "boxes-by-image" else "out.json")
    assert main(["datasets", "convert", str(tmp_path / "own.jsonl"), str(target), "--to", form]) == 0
    assert f"1 image, {written}" in capsys.readouterr().out.replace("\n", " ")
