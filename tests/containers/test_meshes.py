"""Meshes: what is refused, and that nothing outside the mesh's folder is opened."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from interplay.containers.meshes import read_mesh
from interplay.errors import InputError

pytest.importorskip("trimesh")

SQUARE = "v 0 0 0\nv 1 0 0\nv 1 1 0\nv 0 1 0\n"
PLY = """ply
format ascii 1.0
element vertex 3
property float x
property float y
property float z
element face 1
property list uchar int vertex_indices
end_header
0 0 0
1 0 0
0 1 0
3 0 1 {}
"""


def test_a_mesh_is_read_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "a.obj").write_text(f"{SQUARE}f 1 2 3\nf 1 3 4\n")
    found = read_mesh(tmp_path / "a.obj", 10)
    np.testing.assert_array_equal(found.vertices[found.faces[0]], [[0, 0, 0], [1, 0, 0], [1, 1, 0]])
    assert len(found.faces) == 2
    assert not found.closed
    assert found.rgb is None


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.ply", PLY.format(67108880), "names vertex 67108880"),
        ("a.ply", PLY.format(-1), "names vertex|not a mesh"),
        ("a.obj", SQUARE.replace("1 1 0", "nan 1 0") + "f 1 2 3\n", "not finite"),
        ("a.obj", SQUARE.replace("1 1 0", "1e154 1 0") + "f 1 2 3\n", "farther away"),
        ("a.obj", SQUARE + "f 1 1 1\n", "no area|no triangles"),
        ("a.obj", SQUARE, "no triangles|not a mesh"),
        ("a.obj", SQUARE + "f 1 2 3\n" * 11, "11 triangles are more than 10"),
        ("a.glb", "glTF", "not a mesh"),
        ("a.stl", "", "not a mesh|no triangles"),
        ("a.txt", "", "ends in"),
    ],
)
def test_what_is_no_mesh(tmp_path: Path, name: str, text: str, message: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(InputError, match=rf"{name}: .*({message})"):
        read_mesh(tmp_path / name, 10)


def test_materials_come_from_ordinary_files_of_the_same_folder(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    os.mkfifo(tmp_path / "in" / "pipe.mtl")
    (tmp_path / "secret.mtl").write_text("newmtl red\nKd 1 0 0\n")
    for name in ("pipe.mtl", "../secret.mtl", "/dev/zero"):
        (tmp_path / "in" / "a.obj").write_text(f"mtllib {name}\n{SQUARE}usemtl red\nf 1 2 3\n")
        rgb = read_mesh(tmp_path / "in" / "a.obj", 10).rgb
        assert rgb is None or rgb[0, 0] <= rgb[0, 1] + 1  # not the red of outside
