"""InteractVLM learns from every data set of contact, affordance and questions, in the forms that they are given in."""

from __future__ import annotations

import csv
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from tests.body.synthetic import file_fields
from tests.models.interactvlm_tiny import tiny, write_tokenizer

from interplay.body.bodies import load_body
from interplay.body.cameras import view_set
from interplay.body.lifting import lift_points
from interplay.datasets.lemon import AFFORDANCES as LEMON_AFFORDANCES
from interplay.datasets.piad import AFFORDANCES as PIAD_AFFORDANCES
from interplay.errors import InputError, MissingFileError
from interplay.models.interactvlm.folder import save_folder
from interplay.models.interactvlm.lessons import Lesson, Source
from interplay.models.interactvlm.losses import IGNORED
from interplay.models.interactvlm.model import lifting
from interplay.models.interactvlm.sources import open_source
from interplay.training import load_config, train

pytest.importorskip("transformers")
pytest.importorskip("embreex")

SIZE = 64
ANSWERS = r"HVisual: A man.\nHContact: The hand.\nInteraction: Holds it.\nOVisual: Red.\nOContact: The rim."


def photograph(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.random.default_rng(len(path.name)).integers(0, 255, (48, 80, 3), np.uint8)).save(path)


@pytest.fixture(scope="module")
def body(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("bodies") / "smplh.npz"
    np.savez(file, **file_fields(52)[0])
    return file


def touched(body: Path) -> list[int]:
    return load_body(body).parts()["right hand"].tolist()


def damon(root: Path, body: Path) -> None:
    photograph(root / "images" / "a.jpg")
    np.save(root / "imgname.npy", np.array(["images/a.jpg"]))
    (root / "contact_label_objectwise.pkl").write_bytes(pickle.dumps([{"cup": touched(body), "kite": []}]))


def lemon(root: Path, body: Path) -> None:
    photograph(root / "Images" / "Cup" / "grasp" / "Cup_grasp_1.jpg")
    (root / "txt_scripts").mkdir()
    (root / "smplh_contact_pkl" / "Cup").mkdir(parents=True)
    (root / "txt_scripts" / "train.txt").write_text("Images/Cup/grasp/Cup_grasp_1.jpg\n")
    contact = np.zeros(6890)
    contact[touched(body)] = 1
    (root / "smplh_contact_pkl" / "Cup" / "Cup_grasp_1.pkl").write_bytes(pickle.dumps(contact))


def rich(root: Path, body: Path) -> None:
    photograph(root / "a.jpg")
    (root / "img_list_train.pkl").write_bytes(pickle.dumps(["a.jpg"]))
    (root / "contact_vertices_train.pkl").write_bytes(pickle.dumps([touched(body)]))


def lemon_points(root: Path, body: Path) -> None:
    photograph(root / "Images" / "Cup" / "grasp" / "Cup_grasp_1.jpg")
    (root / "txt_scripts").mkdir()
    (root / "txt_scripts" / "train.txt").write_text("Images/Cup/grasp/Cup_grasp_1.jpg\n")
    points(root / "Cup_1.txt", LEMON_AFFORDANCES, "")


def piad(root: Path, body: Path) -> None:
    photograph(root / "Img_Train_Cup_grasp_1.jpg")
    (root / "Img_Train.txt").write_text("Img_Train_Cup_grasp_1.jpg\n")
    points(root / "Point_Train_Cup_1.txt", PIAD_AFFORDANCES, "id Cup ")


def points(file: Path, affordances: tuple[str, ...], before: str) -> None:
    """A ball that can be grasped above its middle."""
    rows = []
    for place in np.random.default_rng(0).normal(size=(400, 3)):
        place /= np.linalg.norm(place)
        scores = [float(name == "grasp" and place[1] > 0) for name in affordances]
        rows.append(before + " ".join(map(str, [*place, *scores])))
    file.write_text("\n".join(rows) + "\n")


def pico(root: Path, body: Path) -> None:
    """A triangle that fills every view, touched on the left."""
    photograph(root / "images" / "cup__1.jpg")
    shown, bary = np.full((SIZE, SIZE, 3), -1), np.zeros((SIZE, SIZE, 3))
    shown[8:-8, 8:-8], bary[8:-8, 8:-8] = [0, 1, 2], 1 / 3
    mask = np.zeros((SIZE, SIZE, 3), np.uint8)
    mask[:, : SIZE // 2] = 255
    for view in view_set("4MV-Z_HM"):
        np.savez(root / f"p2vmap_cup__1_{view}.npz", pixel_to_vertices_map=shown, bary_coords_map=bary, num_vertices=4)
        Image.fromarray(mask).save(root / f"mask_cup__1_{view}.png")
        Image.fromarray(mask // 2 + 60).save(root / f"sam_cup__1_{view}.png")


def damon_in_photographs(root: Path, body: Path) -> None:
    photograph(root / "images" / "a.jpg")
    mask = np.zeros((48, 80), np.uint8)
    mask[10:30, 20:60] = 255
    folder = root / "contact_render_2d" / "cup"
    folder.mkdir(parents=True)
    Image.fromarray(mask).save(folder / "a_contact_mask.png")


def hoi_vqa(root: Path, body: Path) -> None:
    photograph(root / "images" / "a.jpg")
    (root / "damon.txt").write_text(f"images/a.jpg,cup-{ANSWERS}\n")


MAKERS: dict[str, Callable[[Path, Path], None]] = {
    "damon": damon,
    "lemon": lemon,
    "rich": rich,
    "lemon-affordance": lemon_points,
    "piad": piad,
    "pico": pico,
    "damon-2d": damon_in_photographs,
    "hoi-vqa": hoi_vqa,
}


def opened(name: str, root: Path, body: Path, **changes: Any) -> Source:
    given = {"data.dataset": name, "data.root": root, "data.body": body, "model.base": "x", **changes}
    recipe: Any = load_config("interactvlm/nano", [f"--{key}={value}" for key, value in given.items()])
    return open_source(recipe.data, recipe, SIZE)


def lesson(name: str, root: Path, body: Path) -> Lesson:
    MAKERS[name](root, body)
    source = opened(name, root, body)
    return source.lesson(0, np.random.default_rng(0), training=False)


@pytest.mark.parametrize("name", ["damon", "lemon", "rich"])
def test_contact_of_bodies(name: str, tmp_path: Path, body: Path) -> None:
    found = lesson(name, tmp_path, body)
    assert found.asked.endswith(f"in direct contact with the {'scene' if name == 'rich' else 'cup'} in this image.")
    assert found.taught is not None
    assert np.flatnonzero(found.taught.target).tolist() == sorted(touched(body))
    lift = lifting(found.taught.canvas, found.taught.dataset)
    assert lift is not None
    again = lift(torch.where(found.taught.masks == 1, 9.0, -9.0)) >= 0.5
    right = (again & (found.taught.target > 0)).sum() / again.sum()
    assert right > 0.8, "the masks, lifted, are the contact that they were drawn from"


@pytest.mark.parametrize("name", ["lemon-affordance", "piad"])
def test_affordance_of_objects(name: str, tmp_path: Path, body: Path) -> None:
    found = lesson(name, tmp_path, body)
    assert found.taught is not None
    assert "cup" in found.asked
    masks, target, canvas = found.taught.masks, found.taught.target, found.taught.canvas
    assert set(masks.unique().tolist()) == {0.0, 1.0, float(IGNORED)}
    again = lift_points(masks.clamp(min=0), canvas.pix_to_face, int(canvas.count))
    assert torch.equal(again > 0, (target > 0) & (again > 0))
    assert (again > 0).sum() > 0.8 * target.sum(), "four views show nearly all points"


def test_contact_of_objects(tmp_path: Path, body: Path) -> None:
    found = lesson("pico", tmp_path, body)
    assert found.taught is not None
    assert found.taught.dataset == "pico_ocontact"
    assert found.taught.target.tolist() == [1, 1, 1, 0]
    assert (found.taught.masks == 1).any(0)[:, : SIZE // 2].any()
    assert not (found.taught.masks == 1)[:, :, SIZE // 2 :].any()


def test_contact_in_photographs(tmp_path: Path, body: Path) -> None:
    found = lesson("damon-2d", tmp_path, body)
    assert found.taught is not None
    assert found.taught.masks.shape[1:] == (38, 64)
    assert found.taught.masks.mean() == pytest.approx(20 * 40 / (48 * 80), abs=0.02)
    Image.fromarray(np.zeros((5, 5), np.uint8)).save(tmp_path / "contact_render_2d" / "cup" / "a_contact_mask.png")
    with pytest.raises(InputError, match=r"expected the photograph's size \(48, 80\), got \(5, 5\)"):
        opened("damon-2d", tmp_path, body).lesson(0, np.random.default_rng(0))


def test_questions_in_words(tmp_path: Path, body: Path) -> None:
    found = lesson("hoi-vqa", tmp_path, body)
    assert found.taught is None
    assert (found.asked.startswith("Describe the human"), found.answered) == (True, "A man.")


def test_what_does_not_fit(tmp_path: Path, body: Path) -> None:
    damon(tmp_path / "damon", body)
    larger = tmp_path / "smplx.npz"
    np.savez(larger, **file_fields(55)[0])
    with pytest.raises(InputError, match="expected a body of 6,890 vertices, as damon labels, got one of 10,475"):
        opened("damon", tmp_path / "damon", larger)
    with pytest.raises(MissingFileError, match="contact_render_2d"):
        opened("damon-2d", tmp_path / "damon", body)
    (tmp_path / "damon" / "images" / "a.jpg").unlink()
    with pytest.raises(MissingFileError, match=r"no image images/a\.jpg"):
        opened("damon", tmp_path / "damon", body).lesson(0, np.random.default_rng(0))


def test_all_at_once(body: Path, tmp_path: Path) -> None:
    """As the published joint training, with every data set there is."""
    pytest.importorskip("peft")
    for name, make in MAKERS.items():
        (tmp_path / name).mkdir()
        make(tmp_path / name, body)
    save_folder(tiny(), tmp_path / "base")
    write_tokenizer(tmp_path / "base")
    changes: dict[str, Any] = {"data.dataset": "damon", "data.body": body, "data.validation": "train"}
    changes |= {"data.root": tmp_path / "damon", "output": tmp_path / "runs", "accelerator": "cpu", "batch_size": 4}
    for name in [each for each in MAKERS if each != "damon"]:  # in one order: lessons are drawn by place
        key = f"further.{name.replace('-', '_')}"
        changes |= {f"{key}.dataset": name, f"{key}.root": tmp_path / name, f"{key}.body": body, f"{key}.rate": 3}
    changes |= {
        "model.base": tmp_path / "base",
        "model.lora_rank": 2,
        "model.token_type": "Gen-Hu-Obj",
        "flip": "false",
    }
    changes |= {"samples": 48, "epochs": 1, "validate_every": 1, "log_every": 1}
    file = train(load_config("interactvlm/nano", [f"--{name}={value}" for name, value in changes.items()]))
    with (file.parent / "steps.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == 12
    for term in ("text", "mask_bce", "mask_l2", "hC", "oC", "oA"):
        assert any(float(row[term]) > 0 for row in rows), f"no sample had the term {term}"
