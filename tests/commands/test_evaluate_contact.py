"""`interplay evaluate damon`, `contact`, `affordance` and `contact2d` end to end: forms, rules, what is refused."""

from __future__ import annotations

import json
import pickle
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from interplay import Interactions, Vocabulary, write
from interplay.body.contact import Contact
from interplay.body.geodesics import SurfaceDistances, geodesic_distances
from interplay.cli import main
from interplay.datasets.contact_labels import SMPL_VERTICES, BodyContact
from interplay.datasets.contact_truth import ContactTruth, read_contact_truth
from interplay.errors import InputError
from interplay.formats.contact_results import ContactResult, read_contact_results, write_contact_results
from interplay.metrics.contact import geodesic_errors
from interplay.metrics.contact_evaluation import evaluate_contact
from interplay.world.writer.files import pack_contacts

LABELS = [{"cup": [5, 3, 7]}, {"supporting": [10, 11], "hair_drier": [20, 21]}]
"""DAMON's labels of two images."""


def smpl(*vertices: int) -> np.ndarray:
    scores = np.zeros(SMPL_VERTICES, np.float32)
    scores[list(vertices)] = 0.9
    return scores


def save(path: str, rows: Sequence[tuple[str, str, np.ndarray]]) -> None:
    write_contact_results([ContactResult(*row) for row in rows], path)


@pytest.fixture
def damon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """DAMON's test split of two images, and predictions: right, partly wrong, of one object alone."""
    monkeypatch.chdir(tmp_path)
    Path("damon/test").mkdir(parents=True)
    np.save("damon/test/imgname.npy", np.array(["images/a.jpg", "images/b.jpg"]))
    Path("damon/test/contact_label_objectwise.pkl").write_bytes(pickle.dumps(LABELS))
    rows = [
        ("a.jpg", "cup", smpl(3, 5, 7)),
        ("b.jpg", "supporting", smpl(10, 11)),
        ("b.jpg", "hair drier", smpl(20, 21)),
    ]
    save("right.npz", rows)
    save("wrong.npz", [("a.jpg", "cup", smpl(3, 8)), *rows[1:]])
    save("one.npz", rows[1:2])
    return tmp_path


def scores_of(command: list[str]) -> dict[str, Any]:
    assert main(["evaluate", *command, "--json", "scores.json"]) == 0
    return json.loads(Path("scores.json").read_text())


def test_damon(damon: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = scores_of(["damon", "--predictions", "right.npz", "--annotations", "damon"])
    assert found["means"]["semantic_f1"] == pytest.approx(1)
    assert found["means"]["binary_recall"] == pytest.approx(1)
    assert found["means"]["semantic_geodesic_fp"] is None
    assert set(found["by_category"]) == {"kitchen", "everyday-objects"}
    assert found["by_object"]["supporting"]["samples"] == 1
    assert found["coverage"]["share"] == 1
    assert "damon: contact of people, protocol interactvlm" in capsys.readouterr().out


def test_several_files_side_by_side(damon: Path) -> None:
    command = ["evaluate", "damon", "--predictions", "right.npz", "wrong.npz", "--annotations", "damon"]
    assert main([*command, "--table", "table.md", "--json", "scores.json"]) == 0
    assert "| wrong.npz | 80.00 | 70.00 |" in Path("table.md").read_text()
    assert main([*command, "--table", "table.tex"]) == 0
    assert r"\toprule" in Path("table.tex").read_text()
    assert set(json.loads(Path("scores.json").read_text())) == {"right.npz", "wrong.npz"}


def test_a_pair_without_prediction_counts_as_predicted_nowhere(damon: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = scores_of(["damon", "--predictions", "one.npz", "--annotations", "damon"])
    assert found["means"]["semantic_f1"] == pytest.approx(1 / 3)
    assert found["coverage"]["partial"]
    assert any("2 of 3 annotated pairs have no prediction" in note for note in found["notes"])
    assert "PARTIAL" in capsys.readouterr().out


def test_decos_rules(damon: Path) -> None:
    found = scores_of(["damon", "--predictions", "one.npz", "--annotations", "damon", "--protocol", "deco"])
    assert found["by_object"]["cup"] == {
        "samples": 1, "f1": 0, "precision": 1, "recall": 0, "geodesic_fp": None, "geodesic_fn": None,
    }  # fmt: skip
    assert found["protocol"] == "deco"


def test_the_published_mistakes(damon: Path) -> None:
    found = scores_of(["damon", "--predictions", "right.npz", "--annotations", "damon", "--published-behaviour"])
    assert set(found["by_category"]) == {"kitchen"}, "a name with a blank is in no category"
    assert found["by_object"]["cup"]["precision"] == pytest.approx(1 / 0.9), "above 1: of raw scores"
    assert main(["evaluate", "damon", "--predictions", "right.npz", "--annotations", "damon", "--published-behaviour",
                 "--protocol", "deco"]) == 2  # fmt: skip


def test_geodesic_errors_by_matrix_and_by_mesh(damon: Path) -> None:
    strip = np.stack([np.arange(SMPL_VERTICES), np.arange(SMPL_VERTICES) % 2, np.zeros(SMPL_VERTICES)], 1) / 100
    faces = np.stack([np.arange(SMPL_VERTICES - 2) + i for i in range(3)], 1)
    lines = [f"v {x:.6f} {y:.6f} {z:.6f}" for x, y, z in strip] + ["f {} {} {}".format(*(f + 1)) for f in faces]
    Path("body.obj").write_text("\n".join(lines) + "\n")
    found = scores_of(["damon", "--predictions", "wrong.npz", "--annotations", "damon", "--geodesic", "body.obj"])
    # vertex 8 is one edge of a hundredth times the square root of two from 7; 5 is two edges of 0.02 from 3 and 8
    assert found["by_object"]["cup"]["geodesic_fp"] == pytest.approx(0.5 * 2**0.5 / 100, rel=1e-3)
    assert found["means"]["binary_geodesic_fp"] == pytest.approx(0.25 * 2**0.5 / 100, rel=1e-3)
    np.save("small.npy", np.zeros((4, 4), np.float32))
    assert (
        main(["evaluate", "damon", "--predictions", "wrong.npz", "--annotations", "damon", "--geodesic", "small.npy"])
        == 2
    )


def test_distances_from_the_mesh_are_those_of_the_matrix() -> None:
    rng = np.random.default_rng(0)
    points = rng.random((30, 3))
    faces = np.array([[i, (i + 1) % 30, (i + 5) % 30] for i in range(30)])
    pred, gt = rng.random((6, 30)), rng.random((6, 30)) > 0.7
    gt[0], pred[1] = False, 0
    by_matrix = geodesic_errors(pred, gt, geodesic_distances(points, faces))
    by_mesh = geodesic_errors(pred, gt, SurfaceDistances(points, faces))
    np.testing.assert_allclose(np.stack(by_mesh), np.stack(by_matrix), rtol=1e-5, atol=1e-7)


def test_parts_of_a_mesh_that_are_not_joined_have_finite_distances() -> None:
    points = [[0, 0, 0], [1, 0, 0], [0, 1, 0], [5, 0, 0], [6, 0, 0], [5, 1, 0], [5, 0, 0]]
    distances = SurfaceDistances(points, [[0, 1, 2], [3, 4, 5], [6, 4, 5]]).to_nearest([0])
    assert distances.tolist() == pytest.approx([0, 1, 1, 5, 6, 6, 5])


def test_deco_s_own_file(damon: Path) -> None:
    labels = np.array(LABELS, dtype=object)
    names = np.array(["a.jpg", "b.jpg"], dtype=object)
    np.savez("hot_dca_test.npz", imgname=names, contact_label_objectwise=labels, pose=np.zeros((2, 72)))
    found = scores_of(["damon", "--predictions", "right.npz", "--annotations", "hot_dca_test.npz"])
    assert found["means"]["semantic_f1"] == pytest.approx(1)
    np.savez("evil.npz", imgname=names, contact_label_objectwise=np.array([Path("x"), print], dtype=object))
    assert main(["evaluate", "damon", "--predictions", "right.npz", "--annotations", "evil.npz"]) == 2


def test_what_the_published_code_writes(damon: Path) -> None:
    Path("published").mkdir()
    for name, vertices in (("cup__a", (3, 5, 7)), ("hair_drier__b", (20, 21)), ("supporting__b", (10, 11))):
        scores = smpl(*vertices)[None]
        np.savez(
            f"published/{name}_hcontact_vertices.npz", pred_contact_3d_smplh=scores, pred_contact_3d_smplx=scores[0]
        )
    found = scores_of(["damon", "--predictions", "published", "--annotations", "damon"])
    assert found["means"]["semantic_f1"] == pytest.approx(1)


def test_what_interplay_writes(tmp_path: Path) -> None:
    names = Vocabulary.load("generated")
    touch: dict[str, Any] = {
        "boxes": [[1, 0, 10, 20], [8, 8, 12, 12]], "labels": [names.person, names.objects.index("cup")],
        "human": [0, 0], "object": [1, -1], "verb": [0, 0], "score": [0.9, 0.8], "file": "000000.jpg",
        "vocabulary": names,
        "contact_body": "smplh", "contact_object": ["", "Tea cup"],
    }  # fmt: skip
    sparse = [np.array([[1, 0.75]], np.float32), None]
    found = [Interactions(**touch, body_contact=sparse, object_contact=sparse[::-1])]
    for place in ("out/contact.jsonl", "found.parquet"):
        (tmp_path / place).parent.mkdir(exist_ok=True)
        write(found, tmp_path / place)
        (row,) = read_contact_results(tmp_path / place)
        assert (row.image, row.object, len(row.scores)) == ("000000.jpg", "cup", SMPL_VERTICES)
        assert row.scores[:3].tolist() == [0, 0.75, 0]
        assert row.human_box is not None
        assert row.human_box.tolist() == [1, 0, 10, 20]
        (row,) = read_contact_results(tmp_path / place, "object")
        assert (row.object, row.object_box, row.scores.tolist()) == ("Tea cup", None, [0, 0.75])
    np.savez(tmp_path / "out" / "person1_cup.npz", scores=np.zeros(3))
    assert len(read_contact_results(tmp_path / "out")) == 1
    for change, message in (({"contact_body": "ghost"}, "contact_body"), ({}, "no triplet says")):
        bad = Interactions(**{**touch, **change}, **({"body_contact": sparse} if change else {}))
        write([bad], tmp_path / "bad.jsonl")
        with pytest.raises(InputError, match=message):
            read_contact_results(tmp_path / "bad.jsonl")


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"image": "a.jpg", "scores": smpl()}, "object missing"),
        ({"image": "a.jpg", "object": "cup", "scores": smpl() - 3}, "probabilities of 0..1"),
        ({"image": "a.jpg", "object": "cup", "scores": smpl() * np.nan}, "finite"),
        ({"image": "a.jpg", "object": "cup", "scores": np.zeros((2, 3, 4))}, r"expected \(N, V\)"),
        ({"image": ["a", "b"], "object": "cup", "scores": smpl()}, "1 texts"),
        ({"image": "a.jpg", "object": 3, "scores": smpl()}, "texts"),
        ({"image": "a.jpg", "object": "cup", "scores": smpl(), "human_box": [1, 2]}, "human_box"),
        ({"image": "a.jpg", "object": "cup", "scores": np.zeros(12_272)}, "of another body"),
        ({"image": "z.jpg", "object": "cup", "scores": smpl()}, "none of the 1 predicted images"),
    ],
)
def test_predictions_that_do_not_fit(damon: Path, arrays: dict[str, Any], message: str) -> None:
    np.savez("bad.npz", **arrays)
    truth = read_contact_truth("damon")
    with pytest.raises(InputError, match=message):
        evaluate_contact(read_contact_results("bad.npz"), truth)


def test_annotations_that_do_not_fit(damon: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("empty").mkdir()
    for command in (
        ["contact", "--predictions", "right.npz", "--annotations", "empty"],
        ["contact", "--predictions", "right.npz", "--annotations", "nowhere"],
        ["contact", "--predictions", "empty", "--annotations", "damon"],
        ["contact", "--predictions", "table.csv", "--annotations", "damon"],
        ["contact", "--of", "object", "--predictions", "right.npz", "--annotations", "damon"],
        ["damon", "--predictions", "right.npz", "--annotations", "right.npz"],
    ):
        assert main(["evaluate", *command]) == 2
    assert "expected DAMON, got own" in capsys.readouterr().err


def generated(folder: Path) -> None:
    """Two scenes as `interplay synthesize` writes them, with a body of four vertices; in one two people hold a cup."""
    (folder / "contact").mkdir(parents=True)
    np.savez(
        folder / "body.npz",
        vertices=np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]], np.float32),
        faces=np.array([[0, 1, 2], [0, 2, 3]], np.int32),
        part=np.zeros(4, np.int32),
        part_names=np.array(["hand"]),
        anny=np.arange(4, dtype=np.int32),
    )
    boxes = [[0, 0, 10, 20], [50, 0, 60, 20], [8, 8, 12, 12], [58, 8, 62, 12]]
    touching = [
        Contact(0, 2, np.array([1]), np.array([0, 4]), ("hand",), 0.0),
        Contact(1, 3, np.array([2]), np.array([2]), ("hand",), 0.0),
        Contact(1, None, np.array([3]), np.zeros(0, np.int64), ("hand",), 0.0),
    ]
    records = []
    for index, contacts in enumerate((touching, [])):
        described = [{"human": c.human, "object": c.object, "parts": ["hand"], "vertices": 1} for c in contacts]
        records.append({
            "file": f"images/{index:06d}.jpg", "boxes": boxes, "labels": ["person", "person", "cup", "cup"],
            "contact": described, "scene": {"index": index},
        })  # fmt: skip
        (folder / "contact" / f"{index:06d}.npz").write_bytes(pack_contacts(contacts))
    (folder / "annotations.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))


def test_generated_scenes(tmp_path: Path) -> None:
    generated(tmp_path)
    truth = read_contact_truth(tmp_path)
    first, second = (np.array(box, float) for box in ([1, 0, 10, 20], [50, 1, 60, 20]))
    rows = [
        ContactResult("000000.jpg", "cup", np.array([0, 0, 1, 0.0]), second, np.array([58, 8, 62, 12.0])),
        ContactResult("000000.jpg", "cup", np.array([0, 1, 0, 0.0]), first, np.array([8, 8, 12, 12.0])),
        ContactResult("000001.jpg", "cup", np.array([0, 1, 0, 0.0]), first, None),
    ]
    scores = evaluate_contact(rows, truth)
    assert scores.tables["by object"]["cup"]["f1"] == pytest.approx(1)
    assert scores.tables["by object"]["scene"]["f1"] == 0
    assert scores.tables["contact"]["binary"]["samples"] == 2, "two people"
    assert scores.tables["by object"]["scene"]["geodesic_fp"] == pytest.approx((1 + 2**0.5 + 1 + 0) / 4, abs=0.2)
    assert scores.coverage.share == 1, "nobody touches anything in the other image"
    assert any("1 predictions are of no annotated pair" in note for note in scores.notes)
    assert evaluate_contact(rows, truth.without_ground()).means["binary_f1"] == pytest.approx(1)
    with pytest.raises(InputError, match="2 people touch 'cup'"):
        evaluate_contact([ContactResult("000000.jpg", "cup", np.zeros(4, np.float32))], truth)
    objects = read_contact_truth(tmp_path, side="object")
    rows = [
        ContactResult("000000.jpg", "cup", np.array([1, 0, 0, 0, 1.0]), first),
        ContactResult("000000.jpg", "cup", np.array([0, 0, 1.0]), second),
    ]
    scores = evaluate_contact(rows, objects)
    assert scores.means["semantic_f1"] == pytest.approx(1)
    assert "binary_f1" not in scores.means
    with pytest.raises(InputError, match="of another mesh"):
        evaluate_contact([ContactResult("000000.jpg", "cup", np.zeros(3, np.float32), first)], objects)


def test_several_predictions_of_one_pair_are_united() -> None:
    truth = ContactTruth("own", "human", [BodyContact("a.jpg", "cup", np.array([0, 2]), 3)], ["a.jpg"])
    rows = [ContactResult("a.jpg", "Cup", np.eye(3, dtype=np.float32)[i]) for i in (0, 2)]
    scores = evaluate_contact(rows, truth)
    assert scores.means["semantic_f1"] == pytest.approx(1)
    assert "1 predictions are of a pair that has one already, and were united with it" in scores.notes
    nothing = evaluate_contact([], truth)
    assert nothing.means["semantic_f1"] == 0


def test_affordance_of_real_points(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for folder, image, points, affordance in (
        ("piad", "Img_Test_Bag_lift_1.jpg", "Point_Test_Bag_1.txt", "lift"),
        ("lemon", "Backpack_carry_demo.jpg", "Backpack_object_demo.txt", "carry"),
    ):
        from interplay.datasets import lemon, piad

        read = piad.read_piad_points if folder == "piad" else lemon.read_lemon_points
        gt = read(data / "public" / folder / points).of(affordance)
        write_contact_results([ContactResult(image, "x", gt.astype(np.float32), points=points)], "found.npz")
        command = ["affordance", "--predictions", "found.npz", "--annotations", str(data / "public" / folder)]
        found = scores_of(command)
        assert found["means"]["sim"] == pytest.approx(1, abs=1e-5)
        assert found["means"]["auc"] == pytest.approx(1)
        assert list(found["by_affordance"]) == [affordance]
        assert any("no list of images" in note for note in found["notes"])
        write_contact_results([ContactResult(image, "x", gt.astype(np.float32))], "found.npz")
        assert main(["evaluate", *command]) == 2, "nothing says which points"


def test_affordance_by_piads_lists(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("piad").mkdir()
    names = [f"Img_Test_Bag_{kind}_{i}.jpg" for i, kind in enumerate(("grasp", "lift", "open"), 1)]
    Path("piad/Img_Test.txt").write_text("".join(f"x/{name}\n" for name in names))
    Path("piad/Point_Test.txt").write_text("".join(f"x/Point_Test_Bag_{i}.txt\n" for i in (1, 2, 1)))
    for i, columns in ((1, {0: (1, 0, 0.6)}), (2, {2: (0, 0, 1)})):
        scores = np.zeros((3, 17))
        for column, values in columns.items():
            scores[:, column] = values
        lines = [" ".join(["id", "Bag", "0", "0", "0", *map(str, row)]) for row in scores]
        Path(f"piad/Point_Test_Bag_{i}.txt").write_text("\n".join(lines) + "\n")
    rows = [
        ContactResult(name, "Bag", np.array(s, np.float32))
        for name, s in zip(names, ([1, 0, 0.6], [0, 1, 0]), strict=False)
    ]
    write_contact_results(rows, "found.npz")
    command = ["affordance", "--predictions", "found.npz", "--annotations", "piad"]
    assert main(["evaluate", *command]) == 0
    found = scores_of([*command, "--allow-partial"])
    assert found["by_affordance"]["grasp"]["sim"] == pytest.approx(1)
    assert found["by_affordance"]["lift"]["sim"] == 0
    assert found["by_affordance"]["open"]["samples"] == 0, "no point affords it: left out"
    assert found["coverage"]["partial"]
    write_contact_results([ContactResult(names[0], "Bag", np.zeros(4, np.float32))], "found.npz")
    assert main(["evaluate", *command]) == 2, "another number of points"


def test_masks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, data: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for side in ("gt", "found"):
        for thing in ("cup", "ball"):
            Path(side, thing).mkdir(parents=True)
    half = np.zeros((4, 6), np.uint8)
    half[:2] = 255
    for path in ("gt/cup/a", "gt/ball/a", "found/cup/a"):
        Image.fromarray(half).save(f"{path}_contact_mask.png")
    np.save("found/ball/a.npy", np.where(half.T[:4, :].repeat(2, 1)[:, :6] > 0, 1.0, -1.0))
    command = ["contact2d", "--predictions", "found", "--annotations", "gt"]
    found = scores_of(command)
    assert found["by_object"]["cup"]["giou"] == pytest.approx(1, abs=1e-4)
    assert 0 < found["by_object"]["ball"]["giou"] < 1
    assert found["means"]["giou"] == pytest.approx((1 + found["by_object"]["ball"]["giou"]) / 2, abs=1e-4)
    Path("found/ball/a.npy").unlink()
    found = scores_of([*command, "--allow-partial"])
    assert found["by_object"]["ball"]["giou"] == 0
    Image.fromarray(np.tile(np.arange(6, dtype=np.uint8) * 40, (4, 1))).save("found/ball/a.png")
    assert main(["evaluate", *command]) == 2, "no mask of two colours"
    Image.fromarray(half[:2]).save("found/ball/a.png")
    assert main(["evaluate", *command]) == 2, "another size"
    real = data / "public" / "lemon"  # beside a photograph a mask of a person in red and a backpack in blue
    assert main(["evaluate", "contact2d", "--predictions", str(real), "--annotations", str(real)]) == 2
