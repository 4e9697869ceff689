"""Colours of what rays hit: materials, one sun with a soft shadow, light from the sky, glass."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .geometry import Array, unit, vec
from .materials import Material, colors_at, hash_noise
from .meshes import vertex_normals
from .raycast import Hits, RayScene
from .scene import Scene
from .wardrobe import Outfit, body_cut, outfit_colors

_OFFSET = 2e-4
"""Metres by which a secondary ray starts off its surface."""

_AMBIENT_REACH = 0.9
"""Metres within which something darkens the light from the sky."""

_GLASS_LAYERS = 3


@dataclass(frozen=True)
class Lit:
    """What was found for N rays.

    Attributes:
        color: (N, 3) linear RGB.
        normal: (N, 3) shading normal, zero for a miss.
    """

    color: Array
    normal: Array


class Stage:
    """A scene made ready for rays: all triangles in one numbering, with normals and materials.

    Attributes:
        rays: to cast at; mesh k is person k, then thing k - people, then the backdrop.
        posed: vertices (V, 3) in the world of each person and thing, in mesh order.
    """

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        people = [p.vertices() for p in scene.people]
        things = [t.vertices() for t in scene.things]
        self.posed: list[Array] = people + things
        world, local, normals, faces, materials = [], [], [], [], []
        self._materials: list[Material | Outfit] = []
        fields = body_cut().fields if people else np.zeros((0, 7))
        for person, vertices in zip(scene.people, people, strict=True):
            triangles = person.body.model.faces
            world.append(vertices)
            local.append(fields)
            normals.append(vertex_normals(vertices, triangles))
            faces.append(triangles)
            materials.append(np.full(len(triangles), len(self._materials)))
            self._materials.append(person.outfit)
        placed = [(t.model.mesh, v, t.pose[:3, :3]) for t, v in zip(scene.things, things, strict=True)]
        placed += [(m, m.vertices, np.eye(3)) for m in scene.backdrop]
        for mesh, vertices, turn in placed:
            world.append(vertices)
            local.append(np.pad(mesh.vertices, ((0, 0), (0, 4))))
            normals.append(mesh.normals() @ turn.T)
            faces.append(mesh.faces)
            materials.append(mesh.face_material + len(self._materials))
            self._materials.extend(mesh.materials)
        self.rays = RayScene(list(zip(world, faces, strict=True)))
        starts = np.cumsum([0, *(len(v) for v in world)])
        self._first_face = np.cumsum([0, *(len(f) for f in faces)])[:-1]
        self._faces = np.concatenate([f + s for f, s in zip(faces, starts[:-1], strict=True)])
        self._world, self._local, self._normal = (np.concatenate(x) for x in (world, local, normals))
        self._material = np.concatenate(materials)

    def light(self, origin: Array, directions: Array, hits: Hits, seeds: NDArray[np.int64], layer: int = 0) -> Lit:
        """Shade hits.

        Args:
            origin: (3,) or (N, 3) where the rays start.
            directions: (N, 3) of the rays.
            hits: what they hit.
            seeds: (N,) one number a ray; equal numbers give equal shadow noise.
            layer: how many panes of glass are in front.
        """
        color = self._sky(directions)
        normal_out = np.zeros_like(color)
        hit = np.nonzero(hits.mesh >= 0)[0]
        if not len(hit):
            return Lit(color, normal_out)
        ray = unit(directions[hit])
        triangle = self._first_face[hits.mesh[hit]] + hits.face[hit]
        corners = self._faces[triangle]
        weights = hits.weights[hit][:, :, None]
        points = (self._world[corners] * weights).sum(1)
        local = (self._local[corners] * weights).sum(1)
        normal = unit((self._normal[corners] * weights).sum(1))
        flat = self._world[corners]
        flat = unit(np.cross(flat[:, 1] - flat[:, 0], flat[:, 2] - flat[:, 0]))
        away = (flat * ray).sum(1) > 0
        flat = np.where(away[:, None], -flat, flat)
        normal = np.where(((normal * flat).sum(1) < 0)[:, None], -normal, normal)
        albedo, gloss, sharpness, glow, opacity = self._surface(self._material[triangle], local)
        sun, open_sky = self._visibility(points, flat, normal, seeds[hit])
        light = self.scene.light
        facing = np.clip((normal * light.direction).sum(1), 0, 1)[:, None] * sun[:, None]
        up = 0.5 + 0.5 * normal[:, 2:]
        ambient = (up * np.asarray(light.sky) + (1 - up) * np.asarray(light.bounce)) * open_sky[:, None]
        half = unit(light.direction - ray)
        shine = gloss * np.clip((normal * half).sum(1), 0, 1) ** sharpness * sun
        rim = 0.25 * gloss * (1 - np.clip(-(normal * ray).sum(1), 0, 1)) ** 3
        out = albedo * (facing * np.asarray(light.sun) + ambient)
        out = out + shine[:, None] * np.asarray(light.sun) * 0.5 + rim[:, None] * np.asarray(light.sky)
        out = out * (1 - glow[:, None]) + albedo * glow[:, None] * 1.1
        clear = np.nonzero(opacity < 1)[0]
        if len(clear) and layer < _GLASS_LAYERS:
            start, onward = points[clear] + ray[clear] * 5 * _OFFSET, directions[hit[clear]]
            behind = self.light(start, onward, self.rays.cast(start, onward), seeds[hit[clear]], layer + 1)
            share = opacity[clear][:, None]
            out[clear] = share * out[clear] + (1 - share) * behind.color * (0.7 + 0.3 * albedo[clear])
        color[hit] = out
        normal_out[hit] = normal
        return Lit(color, normal_out)

    def _sky(self, directions: Array) -> Array:
        height = np.clip(unit(directions)[:, 2], 0, 1)[:, None] ** 0.6
        return np.asarray(self.scene.horizon) * (1 - height) + np.asarray(self.scene.zenith) * height

    def _surface(self, material: NDArray[np.int64], local: Array) -> tuple[Array, Array, Array, Array, Array]:
        """Colour (N, 3), gloss, sharpness, glow and opacity (N,) of points."""
        albedo = np.zeros((len(material), 3))
        values = np.zeros((4, len(material)))
        order = np.argsort(material, kind="stable")
        bounds = np.searchsorted(material[order], np.arange(len(self._materials) + 1))
        for index, look in enumerate(self._materials):
            chosen = order[bounds[index] : bounds[index + 1]]
            if not len(chosen):
                continue
            if isinstance(look, Outfit):
                albedo[chosen] = outfit_colors(local[chosen], look)
                values[:, chosen] = np.array([0.06, 12.0, 0.0, 1.0])[:, None]
            else:
                albedo[chosen] = colors_at(look, local[chosen, :3])
                values[:, chosen] = np.array([look.gloss, look.sharpness, look.glow, look.opacity])[:, None]
        return albedo, *values

    def _visibility(self, points: Array, flat: Array, normal: Array, seeds: NDArray[np.int64]) -> tuple[Array, Array]:
        """How much of the sun and of the sky (N,) reaches points, by one jittered ray each."""
        start = points + flat * _OFFSET * 5
        noise = [hash_noise(seeds[:, None], k) for k in range(4)]
        towards = self.scene.light.direction
        side = unit(np.cross(towards, vec(0.31, 0.52, 0.8)))
        other = np.cross(towards, side)
        radius = self.scene.light.softness * np.sqrt(noise[0])
        angle = 2 * np.pi * noise[1]
        jittered = towards + (radius * np.cos(angle))[:, None] * side + (radius * np.sin(angle))[:, None] * other
        sun: Array = np.zeros(len(points))
        facing = np.nonzero((flat * towards).sum(1) > 0)[0]
        if len(facing):
            sun[facing] = ~self.rays.occluded(start[facing], jittered[facing])
        # a cosine-weighted direction: the normal plus a point on the unit sphere
        z = 2 * noise[2] - 1
        turn = 2 * np.pi * noise[3]
        ring = np.sqrt(np.maximum(1 - z * z, 0))
        around = unit(normal + 0.999 * np.stack([ring * np.cos(turn), ring * np.sin(turn), z], 1))
        open_sky: Array = np.asarray(1.0 - 0.75 * self.rays.occluded(start, around, _AMBIENT_REACH), np.float64)
        return sun, open_sky
