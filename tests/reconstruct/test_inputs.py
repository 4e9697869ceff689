"""What users give, and meshes to choose from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from interplay.body.materials import Material
from interplay.body.meshes import box, ellipsoid
from interplay.errors import InputError, MissingFileError
from interplay.reconstruct.inputs import camera_of_photograph, read_body_file, read_contact_file, read_mask_file
from interplay.reconstruct.objects import (
    Candidate,
    best_candidate,
    candidate_of_file,
    candidates_of_category,
    candidates_of_folder,
    in_usual_size,
    named_after,
)
from interplay.reconstruct.sizes import SizePrior

GREY = Material((0.5, 0.5, 0.5))
BALL = ellipsoid((0, 0, 3.0), 0.5, GREY)
SIZE = (640, 480)


def _saved(path: Path, **arrays: Any) -> Path:
    np.savez(path, **arrays)
    return path


def test_bodies_of_osx_and_sam_3d_body_have_their_cameras(tmp_path: Path) -> None:
    osx = read_body_file(
        _saved(
            tmp_path / "osx.npz",
            smpl_vertices=BALL.vertices[None],
            smpl_faces=BALL.faces,
            bbox_2=np.array([[10.0, 20, 96, 128]]),
        ),
        SIZE,
    )
    assert osx.camera is not None
    assert osx.camera.focal == (2500, 2500)
    np.testing.assert_allclose(osx.vertices, BALL.vertices)
    sam = read_body_file(
        _saved(
            tmp_path / "sam.npz",
            pred_vertices=BALL.vertices - [0, 0, 3],
            pred_cam_t=np.array([0.1, 0, 4.0]),
            focal_length=np.array(700.0),
            faces=BALL.faces,
        ),
        SIZE,
    )
    assert sam.camera is not None
    assert (sam.camera.focal, sam.camera.principal) == ((700, 700), (320, 240))
    np.testing.assert_allclose(sam.vertices, BALL.vertices + np.array([0.1, 0, 1]))


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"beta": np.zeros(10)}, r"expected smpl_vertices \(OSX\)"),
        ({"vertices": BALL.vertices}, "without 'faces'"),
        ({"vertices": BALL.vertices - [0, 0, 9], "faces": BALL.faces}, "not in front of the camera"),
        ({"vertices": BALL.vertices, "faces": BALL.faces + 10_000}, "body.npz"),
    ],
)
def test_bodies_that_are_none_are_refused(tmp_path: Path, arrays: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_body_file(_saved(tmp_path / "body.npz", **arrays), SIZE)


def test_contact_must_be_of_the_vertices(tmp_path: Path) -> None:
    scores = np.linspace(0, 1, 20)
    path = _saved(tmp_path / "contact.npz", pred_contact_3d=scores[None])
    np.testing.assert_allclose(read_contact_file(path, 20, "object"), scores)
    with pytest.raises(InputError, match="each of the object's 30 vertices"):
        read_contact_file(path, 30, "object")
    with pytest.raises(InputError, match="expected scores as"):
        read_contact_file(_saved(tmp_path / "other.npz", boxes=scores), 20, "body")


def test_a_mask_must_have_the_photographs_size(tmp_path: Path) -> None:
    path = tmp_path / "mask.png"
    Image.fromarray(np.zeros((480, 640), np.uint8)).save(path)
    with pytest.raises(InputError, match="no pixel is bright"):
        read_mask_file(path, SIZE)
    with pytest.raises(InputError, match="the mask is 640 x 480, the photograph 64 x 48"):
        read_mask_file(path, (64, 48))


def test_the_focal_length_that_a_camera_wrote_is_used(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0xA405] = 27
    Image.new("RGB", SIZE).save(tmp_path / "photo.jpg", exif=exif)
    camera = camera_of_photograph(tmp_path / "photo.jpg", SIZE)
    assert camera is not None
    assert camera.focal[0] == pytest.approx(27 / 36 * 640)
    Image.new("RGB", SIZE).save(tmp_path / "plain.jpg")
    assert camera_of_photograph(tmp_path / "plain.jpg", SIZE) is None


def test_the_mesh_whose_outline_fits_is_chosen() -> None:
    bar = box((0.1, 0.1, 1.0), GREY)
    meshes = [Candidate("ball", BALL.vertices, BALL.faces), Candidate("bar", bar.vertices, bar.faces)]
    long, round_ = np.zeros((100, 100), bool), np.hypot(*(np.mgrid[:100, :100] - 50)) < 30
    long[20:80, 46:53] = True
    assert best_candidate(meshes, long).name == "bar"
    assert best_candidate(meshes, round_).name == "ball"
    assert (best_candidate(meshes, round_).match or 0) > 0.8


def test_categories_and_files_that_are_not_there_say_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no shape of its own for 'sheep'.*--object FILE"):
        candidates_of_category("sheep")
    with pytest.raises(MissingFileError, match="expected a folder with meshes"):
        candidates_of_folder(tmp_path)
    pytest.importorskip("trimesh", reason="needs the extra body")
    lines = [f"v {x} {y} {z}" for x, y, z in BALL.vertices * 1000] + [f"f {a} {b} {c}" for a, b, c in BALL.faces + 1]
    (tmp_path / "ball.obj").write_text("\n".join(lines), encoding="ascii")
    with pytest.raises(InputError, match="--object-size"):
        in_usual_size(candidate_of_file(tmp_path / "ball.obj"), "beach ball")


def test_a_mesh_that_cannot_be_in_metres_gets_its_category_s_size() -> None:
    metres, millimetres = (Candidate("ball", BALL.vertices * k, BALL.faces) for k in (0.22, 220))
    assert in_usual_size(metres, "sports ball").size is None
    usual = in_usual_size(millimetres, "sports ball")
    assert usual.size is not None
    assert usual.size.longest == pytest.approx(0.22)
    assert "can hardly be metres" in usual.size_from
    small = Candidate("a child's bat", BALL.vertices * (0.5, 0.05, 0.05), BALL.faces)
    assert in_usual_size(small, "baseball bat").size is None
    given = Candidate("ball", BALL.vertices * 110, BALL.faces, size=SizePrior(0.3, 0.0, "given"))
    assert in_usual_size(given, "sports ball") is given


@pytest.mark.parametrize("length", [1.0, 2.0])
@pytest.mark.parametrize("of", ["side", "diagonal", "ball"])
def test_a_mesh_that_was_scaled_to_one_gets_its_category_s_size(of: str, length: float) -> None:
    own = BALL.vertices - BALL.vertices.mean(0)
    own = own * (1, 0.6, 0.5)
    sides = np.ptp(own, axis=0)
    now = {"side": sides.max(), "diagonal": np.linalg.norm(sides), "ball": 2 * np.linalg.norm(own, axis=1).max()}
    usual = in_usual_size(Candidate("case", own * length / now[of], BALL.faces), "suitcase")
    assert usual.size is not None
    assert "scaled" in usual.size_from


def test_a_folder_gives_its_good_meshes_and_says_which_are_bad(tmp_path: Path) -> None:
    pytest.importorskip("trimesh", reason="needs the extra body")
    lines = [f"v {x} {y} {z}" for x, y, z in BALL.vertices] + [f"f {a} {b} {c}" for a, b, c in BALL.faces + 1]
    (tmp_path / "bad.obj").write_text("v 1 2\nf nothing", encoding="ascii")
    with pytest.raises(InputError, match=r"none of its 1 meshes can be read.*bad\.obj"):
        candidates_of_folder(tmp_path)
    (tmp_path / "ball.obj").write_text("\n".join(lines), encoding="ascii")
    (tmp_path / "cut.glb").write_bytes(b"glTF\x02\x00")
    found, warnings = candidates_of_folder(tmp_path, 0.2)
    assert [Path(each.name).name for each in found] == ["ball.obj"]
    assert [any(name in each for each in warnings) for name in ("bad.obj", "cut.glb")] == [True, True]


def test_meshes_that_bear_the_category_s_name_come_first() -> None:
    names = ("benchmark/chairs/1.obj", "benchmark/tennis_racket-2.obj", "benchmark/archair.obj", "benchmark/x/3.obj")
    meshes = [Candidate(name, BALL.vertices, BALL.faces) for name in names]

    def chosen(category: str) -> list[int]:
        return [names.index(each.name) for each in named_after(meshes, "benchmark", category)]

    assert chosen("chair") == [0]
    assert chosen("tennis racket") == [1]
    assert chosen("bench") == [0, 1, 2, 3]
