"""Users' meshes are turned, scaled and given places, or refused with a reason."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("trimesh")
pytest.importorskip("embreex")

import trimesh

from interplay import errors
from interplay.world.objects import make_object
from interplay.world.objects.user_meshes import load_user_meshes


def _export(category: str, path: Path, turn: np.ndarray | None = None, scale: float = 1.0) -> None:
    """Our own object of another seed as a file."""
    mesh = make_object(category, np.random.default_rng(5), fine=False).mesh
    vertices = mesh.vertices if turn is None else mesh.vertices @ turn.T
    colors = np.array([[*(np.array(m.color) * 255), 255] for m in mesh.materials], np.uint8)[mesh.face_material]
    trimesh.Trimesh(vertices * scale, mesh.faces, face_colors=colors, process=False).export(path)


Y_UP = np.array([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]])
LYING_BACKWARDS = np.array([[0.0, 0, 1], [-1, 0, 0], [0, -1, 0]])


@pytest.mark.filterwarnings("ignore:.*not closed")
@pytest.mark.parametrize(
    ("suffix", "turn", "scale"),
    [(".glb", Y_UP, 1.0), (".obj", np.eye(3), 100.0), (".stl", LYING_BACKWARDS, 39.37), (".ply", Y_UP, 1000.0)],
)
def test_a_chair_stands_on_its_feet_whatever_its_format_turn_and_unit(
    tmp_path: Path, suffix: str, turn: np.ndarray, scale: float
) -> None:
    path = tmp_path / f"chair{suffix}"
    _export("chair", path, turn, scale)
    chair = load_user_meshes({"chair": path})["chair"]
    assert chair.category == "chair"
    assert abs(chair.mesh.bounds()[0, 2]) < 0.01
    assert 0.7 < chair.size[2] < 1.2
    vertices = chair.mesh.vertices
    upper = vertices[vertices[:, 2] > 0.75 * chair.size[2]]
    assert upper[:, 1].mean() > 0.1, "the back is at +y"
    seat = chair.spots["seat"]
    under = np.linalg.norm(vertices - seat.position, axis=1).min()
    assert under < 0.06
    assert 0.35 < seat.position[2] < 0.6


@pytest.mark.filterwarnings("ignore:.*not closed")
def test_colours_and_handles_come_along(tmp_path: Path) -> None:
    _export("suitcase", tmp_path / "case.ply")
    case = load_user_meshes({"suitcase": tmp_path / "case.ply"})["suitcase"]
    assert len(case.mesh.materials) > 1
    for grip in case.grips.values():
        assert np.linalg.norm(case.mesh.vertices - grip.position, axis=1).min() < 0.06


def test_a_mesh_takes_the_place_of_ours(tmp_path: Path) -> None:
    trimesh.creation.icosphere(subdivisions=2).export(tmp_path / "ball.stl")
    library = load_user_meshes({"sports ball": tmp_path / "ball.stl"})
    assert make_object("sports ball", np.random.default_rng(0), library) is library["sports ball"]


def test_an_open_or_strangely_shaped_mesh_is_used_with_a_warning(tmp_path: Path) -> None:
    half = trimesh.creation.icosphere(subdivisions=2)
    half.update_faces(half.triangles_center[:, 2] > 0)
    half.export(tmp_path / "half.obj")
    with pytest.warns(UserWarning, match="not closed"):
        load_user_meshes({"bowl": tmp_path / "half.obj"})
    trimesh.creation.box((1.0, 1.0, 1.0)).export(tmp_path / "cube.obj")
    with pytest.warns(UserWarning, match="right category"):
        load_user_meshes({"surfboard": tmp_path / "cube.obj"})


def _write(path: Path, kind: str) -> None:
    if kind == "empty":
        path.write_text("v 0 0 0\n")
    elif kind == "flat":
        path.write_text("v 0 0 0\nv 1 0 0\nv 2 0 0\nf 1 2 3\n")
    elif kind == "heavy":
        trimesh.creation.icosphere(subdivisions=7).export(path)
    elif kind == "text":
        path.write_bytes(b"not a mesh")


@pytest.mark.parametrize(
    ("category", "name", "kind", "error", "message"),
    [
        ("chiar", "a.obj", "flat", errors.InputError, "chair"),
        ("chair", "a.blend", "text", errors.InputError, r"\.glb"),
        ("chair", "gone.obj", "", errors.MissingFileError, "no file"),
        ("chair", "a.obj", "empty", errors.InputError, "triangles"),
        ("chair", "a.glb", "text", errors.InputError, "not a mesh"),
        ("chair", "a.obj", "flat", errors.InputError, "on a line"),
        ("chair", "a.stl", "heavy", errors.InputError, "simplify"),
    ],
)
def test_what_cannot_be_used_is_refused(
    tmp_path: Path, category: str, name: str, kind: str, error: type[Exception], message: str
) -> None:
    _write(tmp_path / name, kind)
    with pytest.raises(error, match=message):
        load_user_meshes({category: tmp_path / name})
