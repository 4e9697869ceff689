"""Readers of the data sets of contact, affordance and their descriptions in words."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest

from interplay.datasets import damon, hoi_vqa, lemon, piad, pico, rich
from interplay.datasets.check import check_folder
from interplay.errors import InputError, MissingFileError

ANSWERS = r"HVisual: A man.\nHContact: The hand.\nInteraction: Holds it.\nOVisual: Red.\nOContact: The rim."

CONTACT = [{"cup": [5, 3, 3]}, {"supporting": [10, 11, 12, 40], "cup": []}]
"""DAMON's labels of two images."""


def test_real_points_have_their_own_columns(data: Path) -> None:
    backpack = lemon.read_lemon_points(data / "public/lemon/Backpack_object_demo.txt")
    assert backpack.present == ("carry",)
    assert backpack.of("carry").sum() == pytest.approx(501)
    bag = piad.read_piad_points(data / "public/piad/Point_Test_Bag_1.txt")
    assert (bag.object, len(bag.points)) == ("Bag", 2048)
    sums = {name: bag.of(name).sum() for name in bag.present}
    assert sums == pytest.approx({"grasp": 378.543, "contain": 867.679, "lift": 34.699, "open": 166.161}, abs=1e-3)
    assert np.linalg.norm(backpack.normalised, axis=1).max() == pytest.approx(1)
    with pytest.raises(InputError, match=r"expected 22 columns, got 20\. PIAD's lines"):
        piad.read_piad_points(data / "public/lemon/Backpack_object_demo.txt")
    with pytest.raises(InputError, match="unknown affordance 'ride'"):
        bag.of("ride")


@pytest.mark.parametrize(("name", "rows"), [("damon", 300), ("lemon", 300), ("piad", 295)])
def test_real_answers(data: Path, name: str, rows: int) -> None:
    found = hoi_vqa.read_hoi_vqa(data / "public" / "hoi_vqa" / f"{name}_first300.txt")
    assert (len(found.rows), len(found.incomplete)) == (rows, 300 - rows)
    assert all(answer and "*" not in answer[:2] for row in found.rows for answer in row.answers.values())


def test_a_folder_of_real_files(data: Path) -> None:
    found = {
        (f.dataset, f.status): f.detail for name in ("lemon", "piad") for f in check_folder(data / "public" / name)
    }
    assert found["lemon", "ok"] == "2,048 points; carry"
    assert found["piad", "ok"] == "Bag, 2,048 points; grasp, contain, lift, open"


@pytest.mark.parametrize(
    "line",
    [
        f"a.jpg,cup-{ANSWERS}",
        f"a.jpg,cup-Certainly!\\n\\n{ANSWERS}",
        "a.jpg,cup-"
        + ANSWERS.replace("HVisual:", "**HVisual:**").replace(r"\nHC", r"\n\n**HC").replace("act:", "act**:"),
        f"a.jpg,cup-{ANSWERS.replace('Interaction', 'HInteraction')}",
    ],
)
def test_answers_however_a_model_decorates_them(tmp_path: Path, line: str) -> None:
    file = tmp_path / "answers.txt"
    file.write_text(f"{line}\nb.jpg,t-shirt-{ANSWERS}\nc.jpg,cup-\n")
    found = hoi_vqa.read_hoi_vqa(file)
    assert [(row.image, row.object) for row in found.rows] == [("a.jpg", "cup"), ("b.jpg", "t-shirt")]
    assert list(found.rows[0].answers.values()) == ["A man.", "The hand.", "Holds it.", "Red.", "The rim."]
    assert found.incomplete == [3]
    first = hoi_vqa.conversations(found.rows)[0]
    assert first["conversations"][0]["value"].startswith("<image>\nDescribe the human")
    assert first["conversations"][2]["value"] == "What part of the human's body is in contact with the cup?"
    assert len(first["conversations"]) == 10


def test_text_that_holds_no_answers(tmp_path: Path) -> None:
    file = tmp_path / "other.txt"
    file.write_text("a.jpg\nb.jpg\n")
    with pytest.raises(InputError, match="2 of 2 lines are not so"):
        hoi_vqa.read_hoi_vqa(file)


@pytest.fixture
def labels(tmp_path: Path) -> Path:
    """DAMON's files of two images."""
    np.save(tmp_path / "imgname.npy", np.array(["images/a.jpg", "images/b.jpg"]))
    (tmp_path / "contact_label_objectwise.pkl").write_bytes(pickle.dumps(CONTACT))
    (tmp_path / "body_parts_objectwise.pkl").write_bytes(pickle.dumps({"a_cup": ["right hand"]}))
    return tmp_path


def test_damon(labels: Path) -> None:
    found = damon.read_damon(labels)
    assert [(each.image, each.object, each.vertices.tolist(), each.parts) for each in found] == [
        ("images/a.jpg", "cup", [3, 5], ("right hand",)),
        ("images/b.jpg", "supporting", [10, 11, 12, 40], ()),
        ("images/b.jpg", "cup", [], ()),
    ]
    assert found[0].mask.sum() == 2
    assert [finding.detail for finding in check_folder(labels)] == ["2 images, 3 contacts with 2 objects"]


def test_damon_with_the_ground(labels: Path) -> None:
    parts = {"left foot": np.arange(10, 20), "right foot": np.arange(40, 60), "head": np.arange(0, 3)}
    found = damon.read_damon(labels, parts, foot_ground=True)
    assert [(each.object, each.vertices.tolist()) for each in found] == [
        ("cup", [3, 5]),
        ("scene", [10, 11, 12]),
        ("cup", []),
    ]
    assert found[1].parts == ("left foot",), "a twentieth of the right foot is less than a tenth"
    with pytest.raises(InputError, match="left foot and right foot"):
        damon.read_damon(labels, {"head": np.arange(3)}, foot_ground=True)


def test_damon_in_numpys_files_of_objects(labels: Path) -> None:
    pickled = labels / "contact_label_objectwise.pkl"
    wanted = [(each.object, each.vertices.tolist()) for each in damon.read_damon(labels)]
    content = np.array(CONTACT, dtype=object)
    pickled.unlink()
    np.save(labels / "contact_label_objectwise.npy", content, allow_pickle=True)
    np.save(labels / "imgname.npy", np.array(["images/a.jpg", "images/b.jpg"], dtype=object), allow_pickle=True)
    assert [(each.object, each.vertices.tolist()) for each in damon.read_damon(labels)] == wanted


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([{"cup": [1]}], "2 dicts"),
        ([{"cup": [6890]}, {}], "6890 vertices"),
        ([{"cup": ["a"]}, {}], "expected numbers"),
        ([{"cup": [0.5]}, {}], "6890 vertices"),
        ([{"cup": 3}, {}], "expected indices"),
        ([[1], {}], "expected a dict"),
    ],
)
def test_damon_that_does_not_fit(labels: Path, content: object, message: str) -> None:
    (labels / "contact_label_objectwise.pkl").write_bytes(pickle.dumps(content))
    with pytest.raises(InputError, match=message):
        damon.read_damon(labels)


def test_lemons_people(tmp_path: Path) -> None:
    (tmp_path / "txt_scripts").mkdir()
    (tmp_path / "smplh_contact_pkl" / "Cup").mkdir(parents=True)
    (tmp_path / "txt_scripts" / "train.txt").write_text("Images\\Cup\\grasp\\Cup_grasp_1.jpg\n")
    with pytest.raises(MissingFileError, match="Cup_grasp_1"):
        lemon.read_lemon(tmp_path)
    contact = np.zeros(6890)
    contact[[7, 9]] = 1
    (tmp_path / "smplh_contact_pkl" / "Cup" / "Cup_grasp_1.pkl").write_bytes(pickle.dumps(contact))
    (tmp_path / "body_parts_train.pkl").write_bytes(pickle.dumps({"Cup_grasp_1": "left hand, right hand"}))
    (found,) = lemon.read_lemon(tmp_path)
    assert (found.object, found.vertices.tolist(), found.parts) == ("Cup", [7, 9], ("left hand", "right hand"))


def test_piads_pairs_and_names(tmp_path: Path) -> None:
    (tmp_path / "Img_Test.txt").write_text("a/Img_Test_Bag_lift_1.jpg\n")
    (tmp_path / "Point_Test.txt").write_text("a/Point_Test_Bag_1.txt\n")
    ((image, points),) = piad.read_piad_pairs(tmp_path)
    assert (piad.parse_image_name(image).affordance, points) == ("lift", "a/Point_Test_Bag_1.txt")
    (tmp_path / "Img_Test.txt").write_text("a.jpg\nb.jpg\n")
    with pytest.raises(InputError, match="2 lines"):
        piad.read_piad_pairs(tmp_path)
    for name, message in (("x.jpg", "such as"), ("Img_Test_Bag_fly_1.jpg", "unknown affordance 'fly'")):
        with pytest.raises(InputError, match=message):
            piad.parse_image_name(name)


@pytest.mark.parametrize("row", ["0 0 0" + " 2" * 17, "0 0 nan" + " 0" * 17, "0 0 x" + " 0" * 17])
def test_points_that_are_none(tmp_path: Path, row: str) -> None:
    (tmp_path / "a.txt").write_text(row + "\n")
    with pytest.raises(InputError, match=r"0\.\.1|numbers"):
        lemon.read_lemon_points(tmp_path / "a.txt")


def test_points_are_recognised_by_their_columns(tmp_path: Path) -> None:
    row = " ".join(["0.5"] * 20)
    for name, text in (
        ("a.txt", f"{row}\n"),
        ("b.txt", f"id Cup {row}\n"),
        ("c.txt", "x " * 20),
        ("d.txt", f"{row} 2\n"),
    ):
        (tmp_path / name).write_text(text)
    (tmp_path / "Img_Test.txt").write_text("a.jpg\nb.jpg\n")
    found = {(each.dataset, each.what): each.detail for each in check_folder(tmp_path)}
    assert found.pop(("lemon", "a.txt")).startswith("1 points; grasp, lift, open")
    assert found.pop(("piad", "b.txt")).startswith("Cup, 1 points; grasp, contain, lift")
    assert found.pop(("piad", "Img_Test.txt")) == "2 files"
    assert not found


def test_pico(tmp_path: Path) -> None:
    assert pico.vertices_of_faces(["f 1 3 2", "f 3/1 4//2 1/1/1\n"], 4).tolist() == [0, 1, 2, 3]
    for faces in (["f 1 2 5"], ["v 1 2 3"], [3], ["f 0 1 2"]):
        with pytest.raises(InputError, match=r"expected"):
            pico.vertices_of_faces(faces, 4)
    shown = np.full((2, 2, 3), -1)
    shown[0, 0] = [0, 1, 2]
    file = tmp_path / "p2vmap_a_front.npz"
    np.savez(file, pixel_to_vertices_map=shown, bary_coords_map=np.ones((2, 2, 3)) / 3, num_vertices=3)
    assert pico.read_pixel_map(file).vertices[0, 0].tolist() == [0, 1, 2]
    assert [finding.detail for finding in pico.check(tmp_path)] == ["2 px, 3 vertices"]
    np.savez(file, pixel_to_vertices_map=shown, bary_coords_map=np.ones((2, 2, 3)) / 3, num_vertices=2)
    assert pico.check(tmp_path)[0].status == "broken"
    (tmp_path / "contact_vertices_a.pkl").write_bytes(pickle.dumps([3, 1]))
    assert pico.read_body_contact(tmp_path / "contact_vertices_a.pkl").tolist() == [1, 3]
    assert pico.object_of("x/Tennis_Racket__1.jpg") == "tennis_racket"


@pytest.mark.parametrize("keyed", [False, True])
def test_rich(tmp_path: Path, keyed: bool) -> None:
    contacts = [[1, 2], [0]]
    for name, content in (("img_list", ["a.jpg", "b.jpg"]), ("contact_vertices", contacts)):
        stored = dict(zip(["a", "b"], content, strict=True)) if keyed and name != "img_list" else content
        (tmp_path / f"{name}_train.pkl").write_bytes(pickle.dumps(stored))
    found = rich.read_rich(tmp_path, "train")
    assert [(each.image, each.object, each.vertices.tolist()) for each in found] == [
        ("a.jpg", "scene", [1, 2]),
        ("b.jpg", "scene", [0]),
    ]
    (tmp_path / "contact_vertices_train.pkl").write_bytes(pickle.dumps(contacts[:1]))
    with pytest.raises(InputError, match="2 images"):
        rich.read_rich(tmp_path, "train")
    assert rich.check(tmp_path)[0].status == "broken"
