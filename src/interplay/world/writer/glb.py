"""A scene as a GLB file, for any viewer of 3D models."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from interplay.body.geometry import Array
from interplay.body.materials import Material, colors_at
from interplay.body.meshes import Mesh
from interplay.errors import MissingExtraError
from interplay.world.scene import Scene
from interplay.world.wardrobe import body_cut, outfit_colors


def glb_bytes(scene: Scene) -> bytes:
    """The scene with a colour per vertex, in metres, y up as glTF wants it; nodes are named ``person 0``, ``thing 1
    chair``, ``backdrop 2``. An object's mesh is in its own frame (`ObjectModel`), and its node places it. The
    camera is a node of its own."""
    try:
        import trimesh
    except ImportError as error:
        raise MissingExtraError("body", "trimesh") from error

    upright = np.array([[1.0, 0, 0, 0], [0, 0, 1, 0], [0, -1, 0, 0], [0, 0, 0, 1]])
    out = trimesh.Scene(base_frame="world")

    def add(name: str, vertices: Array, faces: NDArray[np.int64], colors: Array, pose: Array | None = None) -> None:
        encoded = np.clip(np.where(colors <= 0.0031308, 12.92 * colors, 1.055 * colors ** (1 / 2.4) - 0.055), 0, 1)
        rgba = np.column_stack([encoded * 255, np.full(len(vertices), 255)]).astype(np.uint8)
        mesh = trimesh.Trimesh(vertices, faces, vertex_colors=rgba, process=False)
        out.add_geometry(mesh, node_name=name, geom_name=name, transform=upright if pose is None else upright @ pose)

    for i, person in enumerate(scene.people):
        colors = np.clip(outfit_colors(body_cut().fields, person.outfit), 0, 1)
        add(f"person {i}", scene.posed[i], person.body.model.faces, colors)
    for k, object in enumerate(scene.objects):
        add(f"thing {k} {object.category}", object.model.mesh.vertices, *_colored(object.model.mesh), object.pose)
    for k, mesh in enumerate(scene.backdrop):
        add(f"backdrop {k}", mesh.vertices, *_colored(mesh))
    camera = scene.camera
    pose = np.eye(4)
    pose[:3, :3] = camera.rotation.T @ np.diag([1.0, -1, -1])  # glTF's cameras look along -z with y up
    pose[:3, 3] = camera.position
    fov = np.degrees(2 * np.arctan(np.array([camera.width, camera.height]) / (2 * camera.focal)))
    out.camera = trimesh.scene.Camera(name="camera", resolution=(camera.width, camera.height), fov=fov)
    out.camera_transform = upright @ pose
    return bytes(out.export(file_type="glb"))


def _colored(mesh: Mesh) -> tuple[NDArray[np.int64], Array]:
    """Faces, and a colour for each vertex from the material of one of its faces."""
    material = np.zeros(len(mesh.vertices), np.int64)
    for corner in range(3):
        material[mesh.faces[:, corner]] = mesh.face_material
    colors = np.zeros((len(mesh.vertices), 3))
    for k, one in enumerate(mesh.materials):
        members = material == k
        colors[members] = _material_colors(one, mesh.vertices[members])
    return mesh.faces, np.clip(colors, 0, 1)


def _material_colors(material: Material, points: Array) -> Array:
    return np.asarray(colors_at(material, points)) if len(points) else np.zeros((0, 3))
