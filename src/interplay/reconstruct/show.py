"""A reconstruction to look at: a GLB file for any viewer of 3D models, and one picture of it from several sides."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from interplay.body.cameras import Camera
from interplay.body.geometry import Array, unit
from interplay.body.meshes import vertex_normals
from interplay.errors import InputError, MissingExtraError
from interplay.files import atomic_path
from interplay.images import read_image
from interplay.ops.backends import to_numpy

from .camera import Intrinsics
from .fit import Fit
from .silhouette import fragments

HUMAN, OBJECT, CONTACT = (196, 205, 214), (240, 170, 70), (214, 40, 40)
"""sRGB of the person, the object, and of what touches on both."""

_BESIDE = 1.0  # metres from what touches, up to which other people and objects are shown from other sides
_TO_GLTF = {"camera": np.diag([1.0, -1.0, -1.0]), "world": np.array([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]])}


class Scene:
    """A person and a placed object, with what touches in another colour.

    Args:
        human_vertices, human_faces: (V, 3) and (F, 3) as given to `fit_object`.
        object_vertices, object_faces: of the object, before it is placed.
        fit: what `fit_object` found.
        camera: as given to `fit_object`.
        human_contact, object_contact: (V,) scores or truth values; from 0.5 on a vertex has the contact's colour.
    """

    def __init__(
        self,
        human_vertices: Any,
        human_faces: Any,
        object_vertices: Any,
        object_faces: Any,
        fit: Fit,
        camera: Camera | Intrinsics,
        human_contact: Any = None,
        object_contact: Any = None,
    ) -> None:
        self.camera = camera
        self.meshes: dict[str, tuple[Array, NDArray[np.int64], NDArray[np.uint8]]] = {}
        self.add("person", human_vertices, human_faces, human_contact, HUMAN)
        self.add("object", fit.place(to_numpy(object_vertices)), object_faces, object_contact, OBJECT)

    @classmethod
    def empty(cls, camera: Camera | Intrinsics) -> Scene:
        """A scene to which everything is added."""
        scene = cls.__new__(cls)
        scene.camera, scene.meshes = camera, {}
        return scene

    def add(
        self,
        name: str,
        vertices: Any,
        faces: Any,
        contact: Any = None,
        colour: tuple[int, int, int] = HUMAN,
    ) -> None:
        """Add a person, or an object where it is.

        Args:
            name: of its node in files; no two have the same.
            vertices, faces: (V, 3) in the frame of the camera, or in its world if it is a `Camera`, and (F, 3).
            contact: (V,) scores or truth values.
            colour: sRGB of what is not in contact.

        Raises:
            InputError: contact of another number of vertices, or a name that is taken.
        """
        if name in self.meshes:
            raise InputError(f"the scene has a mesh {name!r} already")
        points = to_numpy(vertices)
        colours = np.tile(np.array(colour, np.uint8), (len(points), 1))
        if contact is not None:
            touched = to_numpy(contact) >= 0.5
            if touched.shape != (len(points),):
                raise InputError(f"contact: expected {len(points)} scores for the {name}, got {touched.shape}")
            colours[touched] = CONTACT
        self.meshes[name] = points.astype(np.float64), to_numpy(faces).astype(np.int64), colours

    def save_glb(self, path: str | os.PathLike[str], size: tuple[int, int] | None = None) -> None:
        """Write a GLB file: metres, y up and the camera looking along -z, as glTF has it.

        Its nodes are ``person``, ``object`` (or the names that were added) and ``camera``.

        Args:
            size: width and height of the photograph, for the camera of an `Intrinsics`; without it there is none.

        Raises:
            MissingExtraError: trimesh is not installed.
        """
        try:
            import trimesh
        except ImportError as error:
            raise MissingExtraError("body", "trimesh") from error
        in_world = isinstance(self.camera, Camera)
        upright = np.eye(4)
        upright[:3, :3] = _TO_GLTF["world" if in_world else "camera"]
        out = trimesh.Scene(base_frame="world")
        for name, (vertices, faces, colours) in self.meshes.items():
            rgba = np.column_stack([colours, np.full(len(colours), 255, np.uint8)])
            mesh = trimesh.Trimesh(vertices, faces, vertex_colors=rgba, process=False)
            out.add_geometry(mesh, node_name=name, geom_name=name, transform=upright)
        pose = np.diag([1.0, -1.0, -1.0, 1.0])
        if isinstance(self.camera, Camera):
            size = (self.camera.width, self.camera.height)
            pose[:3, :3] = self.camera.rotation.T @ pose[:3, :3]
            pose[:3, 3] = self.camera.position
        if size:
            focal = np.array(Intrinsics.of(self.camera).focal if isinstance(self.camera, Camera) else self.camera.focal)
            fov = np.degrees(2 * np.arctan(np.array(size) / (2 * focal)))
            out.camera = trimesh.scene.Camera(name="camera", resolution=size, fov=fov)
            out.camera_transform = upright @ pose
        with atomic_path(path) as target:
            target.write_bytes(bytes(out.export(file_type="glb", tree_postprocessor=_with_material)))

    def picture(self, photograph: Any, height: int = 360) -> NDArray[np.uint8]:
        """The photograph, the meshes over it, and both from the side and from above: (H, W, 3) uint8.

        Args:
            photograph: what `interplay.images.read_image` takes; of the camera's size.
            height: of the picture in pixels.
        """
        image = read_image(photograph)
        factor = height / image.shape[0]
        width = max(round(image.shape[1] * factor), 1)
        rows = ((np.arange(height) + 0.5) / factor).astype(np.int64)
        columns = ((np.arange(width) + 0.5) / factor).astype(np.int64).clip(0, image.shape[1] - 1)
        small = image[rows.clip(0, image.shape[0] - 1)][:, columns]
        intrinsics = Intrinsics.of(self.camera) if isinstance(self.camera, Camera) else self.camera
        camera = intrinsics.cropped(0, 0, factor)
        over, there = _drawn(self._in_camera(), camera, (height, width))
        overlay = np.where(there[..., None], 0.2 * small + 0.8 * over, small).astype(np.uint8)
        return np.concatenate([small, overlay, *(self._from(side, height) for side in ("side", "top"))], 1)

    def _in_camera(self) -> list[tuple[Array, NDArray[np.int64], NDArray[np.uint8]]]:
        camera = self.camera
        if not isinstance(camera, Camera):
            return list(self.meshes.values())
        return [((v - camera.position) @ camera.rotation.T, f, c) for v, f, c in self.meshes.values()]

    def _together(self) -> list[tuple[Array, NDArray[np.int64], NDArray[np.uint8]]]:
        """What touches, and what is near it: beside people far behind, a pair would be too small to see. All if nothing
        touches."""
        meshes = self._in_camera()
        touching = [v for v, _, colours in meshes if (colours == CONTACT).all(1).any()]
        if not touching:
            return meshes
        points = np.concatenate(touching)
        low, high = points.min(0) - _BESIDE, points.max(0) + _BESIDE
        return [each for each in meshes if ((each[0].max(0) >= low) & (each[0].min(0) <= high)).all()]

    def _from(self, side: str, size: int) -> NDArray[np.uint8]:
        """What belongs together from the camera's right or from above, whole, from far away."""
        if side == "top":
            forward = self._down()
            right = unit(np.cross(forward, [0.0, 0.0, -1.0]))
        else:
            forward, right = np.array([-1.0, 0.0, 0.0]), np.array([0.0, 0.0, 1.0])
        return self._seen_along(np.stack([right, np.cross(forward, right), forward]), size)

    def turntable(self, frames: int = 36, size: int = 320) -> list[NDArray[np.uint8]]:
        """Pictures (size, size, 3) while all turns once around the vertical, beginning as the camera sees it."""
        down = self._down()
        ahead = np.array([0.0, 0.0, 1.0])
        ahead = unit(ahead - (ahead @ down) * down)
        across = np.cross(down, ahead)
        pictures = []
        for angle in np.arange(frames) * (2 * np.pi / frames):
            level = np.cos(angle) * ahead + np.sin(angle) * across
            forward = unit(level + 0.2 * down)  # from a little above
            right = unit(np.cross(down, forward))
            pictures.append(self._seen_along(np.stack([right, np.cross(forward, right), forward]), size, turning=True))
        return pictures

    def _down(self) -> Array:
        """The vertical as the camera sees it; level, where it is only known from within."""
        if isinstance(self.camera, Camera):
            return -self.camera.rotation[:, 2]  # the world's z, seen by the camera
        return np.array([0.0, 1.0, 0.0])

    def _seen_along(self, axes: Array, size: int, turning: bool = False) -> NDArray[np.uint8]:
        """What belongs together from far away, along the last of three axes (3, 3): right, down, forward."""
        meshes = self._together()
        points = np.concatenate([v for v, _, _ in meshes])
        middle = (points.min(0) + points.max(0)) / 2
        local = [((v - middle) @ axes.T, f, c) for v, f, c in meshes]
        if turning:  # as large from all sides
            radius = float(np.linalg.norm(points - middle, axis=1).max())
        else:
            radius = max(float(np.abs(v[:, :2]).max()) for v, _, _ in local)
        far = 20 * radius
        camera = Intrinsics((0.46 * size * far / radius,) * 2, (size / 2, size / 2))
        away = np.array([0.0, 0.0, far])
        drawn, there = _drawn([(v + away, f, c) for v, f, c in local], camera, (size, size))
        return np.where(there[..., None], drawn, 255).astype(np.uint8)


def _with_material(tree: dict[str, Any]) -> None:
    """Give meshes a dull surface that is seen from both sides; glTF's own is of metal, which looks nearly black."""
    surface = {"metallicFactor": 0.0, "roughnessFactor": 0.85}
    tree["materials"] = [{"name": "dull", "pbrMetallicRoughness": surface, "doubleSided": True}]
    for mesh in tree["meshes"]:
        for primitive in mesh["primitives"]:
            primitive["material"] = 0


def save_gif(path: str | os.PathLike[str], pictures: Sequence[NDArray[np.uint8]], seconds: float = 3.0) -> None:
    """Write pictures of one size as a GIF that goes on for ever; all of them take `seconds`."""
    from PIL import Image

    if not pictures:
        raise InputError(f"{path}: there is no picture to write")
    frames = [Image.fromarray(each).quantize(64) for each in pictures]
    with atomic_path(path) as target:
        frames[0].save(
            target,
            format="GIF",
            save_all=True,
            append_images=frames[1:],
            duration=round(1000 * seconds / len(frames)),
            loop=0,
        )


def _drawn(
    meshes: list[tuple[Array, NDArray[np.int64], NDArray[np.uint8]]], camera: Intrinsics, size: tuple[int, int]
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Shaded meshes (H, W, 3) 0..255 in the camera's frame, lit from the camera, and where there are any."""
    image = np.zeros((size[0] * size[1], 3))
    nearest = np.full(size[0] * size[1], np.inf)
    for vertices, faces, colours in meshes:
        points = torch.from_numpy(vertices)
        shown = fragments(camera.project(points), points[:, 2], torch.from_numpy(faces), size)
        pixel, corners, weights = shown.pixel.numpy(), faces[shown.face.numpy()], shown.weights.numpy()[..., None]
        normal = (vertex_normals(vertices, faces)[corners] * weights).sum(1)
        toward = (vertices[corners] * weights).sum(1)
        cosine = np.abs((normal * toward).sum(1)) / np.maximum(
            np.linalg.norm(normal, axis=1) * np.linalg.norm(toward, axis=1), 1e-9
        )
        front = shown.depth.numpy() < nearest[pixel]
        shaded = (colours[corners] * weights).sum(1) * (0.35 + 0.65 * cosine[:, None])
        image[pixel[front]] = shaded[front]
        nearest[pixel[front]] = shown.depth.numpy()[front]
    return image.reshape(*size, 3), np.isfinite(nearest).reshape(size)
