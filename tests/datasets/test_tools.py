"""Files of annotation tools: read where they say who does what, else named, with Python that makes use of the boxes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from interplay import Vocabulary, load_annotations, read
from interplay.datasets import check_folder, detect_dataset, tools, validate
from interplay.datasets.sources import Source
from interplay.errors import InputError, MissingFileError

PERSON, BENCH = [10.0, 20.0, 60.0, 90.0], [40.0, 60.0, 120.0, 100.0]


def xywh(box: list[float]) -> list[float]:
    return [box[0], box[1], box[2] - box[0], box[3] - box[1]]


def coco(**more: Any) -> dict[str, Any]:
    return {
        "images": [
            {"id": 4, "file_name": "a.jpg", "width": 200, "height": 100},
            {"id": 9, "file_name": "b.jpg", "width": 200, "height": 100},
        ],
        "annotations": [
            {"id": 71, "image_id": 4, "category_id": 2, "bbox": xywh(BENCH)},
            {"id": 70, "image_id": 4, "category_id": 1, "bbox": xywh(PERSON)},
        ],
        "categories": [{"id": 1, "name": "person"}, {"id": 2, "name": "bench"}],
        **more,
    }


RELATION = {"id": 0, "image_id": 4, "subject_id": 70, "object_id": 71, "predicate_id": 3}
RELATIONS = coco(rel_annotations=[RELATION], rel_categories=[{"id": 3, "name": "sit on"}])


def rectangle(name: str, box: list[float], label: str) -> dict[str, Any]:
    x, y, w, h = xywh(box)
    value = {"x": x / 2, "y": y, "width": w / 2, "height": h, "rotation": 0, "rectanglelabels": [label]}
    sizes = {"original_width": 200, "original_height": 100}
    return {"id": name, "type": "rectanglelabels", "from_name": "l", "to_name": "i", "value": value, **sizes}


def label_studio(**relation: Any) -> list[dict[str, Any]]:
    link = {"type": "relation", "from_id": "p", "to_id": "b", "direction": "right", "labels": ["sit on"], **relation}
    result = [rectangle("b", BENCH, "bench"), rectangle("p", PERSON, "person"), link]
    one = {"id": 1, "annotations": [{"id": 1, "was_cancelled": False, "result": result}]}
    return [
        {**one, "data": {"image": "/data/upload/1/2f3a4b5c-a.jpg"}},
        {"id": 2, "data": {"image": "/data/local-files/?d=photos/b.jpg"}, "annotations": [{"id": 2, "result": []}]},
    ]


ODGT = [
    {
        "file_name": "a.jpg",
        "width": 200,
        "height": 100,
        "gtboxes": [{"tag": "bench", "box": xywh(BENCH)}, {"tag": "person", "box": xywh(PERSON)}],
        "hoi": [{"subject_id": 1, "object_id": 0, "interaction": "sit on"}],
    },
    {"file_name": "b.jpg", "width": 200, "height": 100, "gtboxes": [], "hoi": []},
]


def lines(records: list[dict[str, Any]]) -> str:
    return "".join(json.dumps(record) + "\n" for record in records)


READ = {
    "COCO with relations": ("rel.json", json.dumps(RELATIONS)),
    "Label Studio": ("ls.json", json.dumps(label_studio())),
    "odgt": ("hoi.odgt", lines(ODGT)),
}


@pytest.mark.parametrize(("name", "content"), READ.values(), ids=READ)
@pytest.mark.parametrize("vocabulary", [None, Vocabulary.from_names(["bench", "person"], ["lie on", "sit on"])])
def test_relations_are_interactions(tmp_path: Path, name: str, content: str, vocabulary: Vocabulary | None) -> None:
    path = tmp_path / name
    path.write_text(content)
    assert detect_dataset(path) == "own"
    table = load_annotations("own", path, vocabulary=vocabulary)
    assert table.files == ["a.jpg", "b.jpg"]
    (triplet,) = table[0].triplets()
    assert (triplet.verb, triplet.object) == ("sit on", "bench")
    assert (triplet.human_box.tolist(), triplet.object_box.tolist()) == (PERSON, BENCH)
    assert (table[0].width, table[0].height) == (200, 100)
    assert validate(path, vocabulary).errors == 0
    assert any(f.status == "ok" and f.what == name for f in check_folder(tmp_path))


@pytest.mark.parametrize(("direction", "humans"), [("left", [BENCH]), ("right", [PERSON]), ("bi", [PERSON, BENCH])])
def test_label_studio_s_relations_have_a_direction(tmp_path: Path, direction: str, humans: list) -> None:
    path = tmp_path / "ls.json"
    path.write_text(json.dumps(label_studio(direction=direction)))
    assert load_annotations("own", path)[0].human_boxes.tolist() == humans


def test_a_relation_without_a_label_is_counted(tmp_path: Path) -> None:
    path = tmp_path / "ls.json"
    path.write_text(json.dumps(label_studio(labels=[])))
    with pytest.warns(UserWarning, match="left out 1 relations without a label"):
        assert not len(load_annotations("own", path).verb)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"subject_id": 5}, "'a.jpg': 'subject_id' holds 5"),
        ({"predicate_id": 1}, "'predicate_id' holds 1"),
        ({"object_id": None}, "'object_id'.*got None"),
        ({"image_id": [4]}, "image_id"),
    ],
)
def test_a_relation_to_nothing_is_named(tmp_path: Path, changes: dict, message: str) -> None:
    path = tmp_path / "rel.json"
    path.write_text(json.dumps({**RELATIONS, "rel_annotations": [{**RELATION, **changes}]}))
    with pytest.raises(InputError, match=f"rel.json.*{message}"):
        load_annotations("own", path)


@pytest.mark.parametrize("corners", [False, True])
def test_corners_where_a_form_has_width_and_height(tmp_path: Path, corners: bool) -> None:
    write = list if corners else xywh
    boxes = [[100 + i, 60, 150 + i, 95] for i in range(8)]
    images = [
        {
            "file_name": f"{i}.jpg",
            "width": 200,
            "height": 100,
            "gtboxes": [{"tag": "person", "box": write(box)}],
            "hoi": [],
        }
        for i, box in enumerate(boxes)
    ]
    images[0]["hoi"] = [{"subject_id": 0, "object_id": 0, "interaction": "hug"}]
    path = tmp_path / "hoi.odgt"
    path.write_text(lines(images))
    if not corners:
        assert load_annotations("own", path).boxes.tolist() == boxes
        return
    with pytest.raises(InputError, match="look like x1, y1, x2, y2; this form has x, y, width, height"):
        load_annotations("own", path)


LABELME = {
    "version": "5.0.1",
    "flags": {},
    "shapes": [
        {"label": "person", "points": [[60.0, 20.0], [10.0, 90.0]], "shape_type": "rectangle"},
        {"label": "bench", "points": [[40.0, 60.0], [120.0, 70.0], [50.0, 100.0]], "shape_type": "polygon"},
    ],
    "imagePath": "a.jpg",
    "imageData": None,
    "imageHeight": 100,
    "imageWidth": 200,
}


def region(box: list[float], label: str) -> dict[str, Any]:
    shape = dict(zip(("x", "y", "width", "height"), xywh(box), strict=True))
    return {"shape_attributes": {"name": "rect", **shape}, "region_attributes": {"label": label}}


VIA = {"a.jpg123": {"filename": "a.jpg", "size": 123, "regions": [region(PERSON, "person"), region(BENCH, "bench")]}}
CVAT = """<?xml version="1.0" encoding="utf-8"?>
<annotations><version>1.1</version><image id="0" name="a.jpg" width="200" height="100">
<box label="person" xtl="10.0" ytl="20.0" xbr="60.0" ybr="90.0" z_order="0"></box>
<box label="bench" xtl="40.0" ytl="60.0" xbr="120.0" ybr="100.0" z_order="0"></box></image></annotations>"""
VOC = """<annotation><filename>a.jpg</filename><size><width>200</width><height>100</height><depth>3</depth></size>
<object><name>person</name><bndbox><xmin>10</xmin><ymin>20</ymin><xmax>60</xmax><ymax>90</ymax></bndbox></object>
<object><name>bench</name><bndbox><xmin>40</xmin><ymin>60</ymin><xmax>120</xmax><ymax>100</ymax></bndbox></object>
</annotation>"""
CROWD = [
    {
        "ID": "a",
        "gtboxes": [
            {"tag": "person", "fbox": xywh(PERSON), "vbox": xywh(PERSON)},
            {"tag": "bench", "fbox": xywh(BENCH), "vbox": xywh(BENCH)},
        ],
    }
]
YOLO = "0 0.175 0.55 0.25 0.7\n1 0.4 0.8 0.4 0.4\n"
ONLY_BOXES = {
    "LabelMe": json.dumps(LABELME),
    "VGG Image Annotator": json.dumps(VIA),
    "COCO": json.dumps({**coco(), "images": coco()["images"][:1]}),
    "CVAT (XML for images)": CVAT,
    "Pascal VOC": VOC,
    "odgt (CrowdHuman)": lines(CROWD),
    "YOLO": YOLO,
    "interplay, as one JSON list": json.dumps(
        [{"file": "a.jpg", "boxes": [PERSON, BENCH], "labels": ["person", "bench"], "interactions": []}], indent=1
    ),
}


@pytest.mark.parametrize(("tool", "content"), ONLY_BOXES.items(), ids=ONLY_BOXES)
def test_boxes_without_interactions_are_refused_with_what_converts_them(
    tmp_path: Path, tool: str, content: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "some.file"
    path.write_text(content)
    for refuse in (detect_dataset, validate, lambda file: load_annotations("own", file)):
        with pytest.raises(InputError) as error:
            refuse(path)
        assert f" is of {tool}" in str(error.value)
    script = str(error.value).split("Your own data):\n")[1]
    exec(compile(script, "script", "exec"), {})  # noqa: S102
    converted = tmp_path / "boxes.jsonl"
    converted.write_text(capsys.readouterr().out.replace("IMAGE.jpg", "a.jpg").replace("640", "200"))
    table = read(converted)
    names = [table.vocabulary.objects[label] for label in table.labels]
    found = dict(zip(names, table.boxes.tolist(), strict=True))
    assert table.files == ["a.jpg"]
    if tool == "YOLO":  # which does not know the size of the image: the script says 640 x 480
        assert found["person"] == pytest.approx([32, 96, 192, 432])
    else:
        assert found == {"person": PERSON, "bench": BENCH}


def test_every_entry_is_distinct() -> None:
    assert len({tool.name for tool in tools.TOOLS}) == len(tools.TOOLS)
    assert all(bool(tool.read) != bool(tool.convert) or "video" in tool.name for tool in tools.TOOLS)


def test_a_folder_of_a_tool_s_files_names_the_tool(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps(LABELME))
    with pytest.raises(MissingFileError, match=r"a\.json is of LabelMe"):
        detect_dataset(tmp_path)
    with pytest.raises(MissingFileError, match=r"a\.json is of LabelMe"):
        load_annotations("own", tmp_path)


def test_a_check_notes_a_tool_s_files(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps(LABELME))
    (finding,) = check_folder(tmp_path)
    assert (finding.status, finding.what) == ("note", "a.json")
    assert "is of LabelMe" in finding.detail


def test_our_own_files_are_no_tool_s(tmp_path: Path) -> None:
    path = tmp_path / "own.jsonl"
    path.write_text('{"file": "a.jpg", "boxes": [], "labels": [], "interactions": []}\n')
    assert tools.tool_of(Source(path)) is None


def test_exports_of_cvat(data: Path) -> None:
    for name in ("instances-case-1.json", "instances-video-1.json"):
        with pytest.raises(InputError, match=r"is of COCO .also CVAT's"):
            detect_dataset(data / "public" / "cvat" / name)
