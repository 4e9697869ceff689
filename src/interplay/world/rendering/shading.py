"""Colours of what rays hit: materials, one sun with a soft shadow, light from the sky, glass."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from interplay.body.geometry import Array, cross, dot, unit, vec
from interplay.body.materials import Material, colors_at, fractal_noise, hash_noise
from interplay.body.meshes import vertex_normals
from interplay.body.raycast import Hits
from interplay.world.scene import SOURCE_REACH, Scene
from interplay.world.wardrobe import Outfit, body_cut, outfit_colors

_OFFSET = 2e-4
"""Metres by which a secondary ray starts off its surface."""

_AMBIENT_REACH = 0.9
"""Metres within which something darkens the light from the sky."""

_LAMP_SIZE = 3.0
"""Square metres: the larger, the less a lamp burns out what is close to it."""

_GLASS_LAYERS = 3

_STRATA = np.array(
    [
        [[0, 8, 2, 10], [12, 4, 14, 6], [3, 11, 1, 9], [15, 7, 13, 5]],
        [[5, 14, 8, 3], [10, 1, 7, 12], [15, 4, 2, 9], [0, 11, 13, 6]],
        [[9, 2, 13, 6], [4, 15, 0, 11], [14, 5, 10, 1], [3, 8, 7, 12]],
        [[7, 12, 1, 10], [2, 9, 4, 15], [11, 0, 13, 6], [14, 5, 8, 3]],
    ]
)
"""For each kind of noise, which sixteenth of 0..1 the pixels of a 4 x 4 tile draw from."""


@dataclass(frozen=True)
class ShadingPoints:
    """What N rays hit first.

    Attributes:
        directions: (N, 3) of the rays.
        hits: what they hit.
        hit: (M,) indices of the rays that hit something; everything below belongs to these.
        origin: (3,) or (M, 3) where they started.
        points: (M, 3) in the world.
        flat: (M, 3) the triangles' normals, towards the ray.
        normal: (M, 3) smoothed normals.
        albedo: (M, 3) linear RGB of the surfaces.
        gloss, sharpness, glow, opacity: (M,) as in `Material`.
    """

    directions: Array
    hits: Hits
    hit: NDArray[np.int64]
    origin: Array
    points: Array
    flat: Array
    normal: Array
    albedo: Array
    gloss: Array
    sharpness: Array
    glow: Array
    opacity: Array

    def only(self, chosen: NDArray[np.int64]) -> ShadingPoints:
        """The same rays with some of their hits, by index into the M."""
        start = self.origin if self.origin.ndim == 1 else self.origin[chosen]
        own = (self.points, self.flat, self.normal, self.albedo, self.gloss, self.sharpness, self.glow, self.opacity)
        return ShadingPoints(self.directions, self.hits, self.hit[chosen], start, *(values[chosen] for values in own))


class Stage:
    """A scene made ready for rays: all triangles in one numbering, with normals and materials.

    Attributes:
        scene: what was made ready.
        rays, posed: as in `Scene`.
    """

    def __init__(self, scene: Scene) -> None:
        self.scene, self.rays, self.posed = scene, scene.rays, scene.posed
        people, objects = scene.posed[: len(scene.people)], scene.posed[len(scene.people) :]
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
        placed = [(t.model.mesh, v, t.pose[:3, :3]) for t, v in zip(scene.objects, objects, strict=True)]
        placed += [(m, m.vertices, np.eye(3)) for m in scene.backdrop]
        for mesh, vertices, turn in placed:
            world.append(vertices)
            local.append(np.pad(mesh.vertices, ((0, 0), (0, 4))))
            normals.append(mesh.normals() @ turn.T)
            faces.append(mesh.faces)
            materials.append(mesh.face_material + len(self._materials))
            self._materials.extend(mesh.materials)
        starts = np.cumsum([0, *(len(v) for v in world)])
        self._first_face = np.cumsum([0, *(len(f) for f in faces)])[:-1]
        self._faces = np.concatenate([f + s for f, s in zip(faces, starts[:-1], strict=True)])
        self._world, self._local, self._normal = (np.concatenate(x) for x in (world, local, normals))
        self._material = np.concatenate(materials)

    def trace(self, origin: Array, directions: Array) -> ShadingPoints:
        """Cast rays from (3,) or (N, 3) along directions (N, 3) and gather what their hits look like."""
        hits = self.rays.cast(origin, directions)
        hit = np.nonzero(hits.mesh >= 0)[0]
        ray, weights = directions[hit], hits.weights[hit]
        triangle = self._first_face[hits.mesh[hit]] + hits.face[hit]
        corners = self._faces[triangle]
        world = self._world[corners]
        flat = unit(cross(world[:, 1] - world[:, 0], world[:, 2] - world[:, 0]))
        flat = np.where((dot(flat, ray) > 0)[:, None], -flat, flat)
        normal = unit(_blend(weights, self._normal[corners]))
        normal = np.where((dot(normal, flat) < 0)[:, None], -normal, normal)
        look = self._surface(self._material[triangle], _blend(weights, self._local[corners]))
        start = origin if origin.ndim == 1 else origin[hit]
        return ShadingPoints(directions, hits, hit, start, _blend(weights, world), flat, normal, *look)

    def visibility(self, seen: ShadingPoints, pixels: NDArray[np.int64]) -> Array:
        """(M, 2) whether the light and how much of the sky reach points: noisy, by one ray each.

        Args:
            seen: M hits.
            pixels: (M, 2) column and row of each, which say where in the light and the sky its rays go.
        """
        shade = _Shade(seen.points + seen.flat * _OFFSET * 5, seen.flat, seen.normal, pixels)
        return np.stack([self._sunlit(shade, self._lamp(seen.points)[0]), self._open_sky(shade)], 1)

    def shade(self, seen: ShadingPoints, visibility: Array, pixels: NDArray[np.int64], layer: int = 0) -> Array:
        """Linear RGB (N, 3) of what rays see.

        Args:
            seen: N rays and their M hits.
            visibility: (M, 2) of the light and of the sky.
            pixels: (M, 2) for the noise of what is behind glass.
            layer: how many panes of glass are in front.
        """
        light, albedo, normal = self.scene.light, seen.albedo, seen.normal
        color = np.empty((len(seen.directions), 3))
        missed = np.nonzero(seen.hits.mesh < 0)[0]
        color[missed] = self._sky(seen.directions[missed])
        ray = unit(seen.directions[seen.hit])
        towards, strength = self._lamp(seen.points)
        towards = unit(towards)
        beam = (visibility[:, 0] * strength)[:, None] * np.asarray(light.sun)
        up = 0.5 + 0.5 * normal[:, 2:]
        ambient = (up * np.asarray(light.sky) + (1 - up) * np.asarray(light.bounce)) * visibility[:, 1:]
        out = albedo * (np.clip(dot(normal, towards), 0, 1)[:, None] * beam + ambient)
        shiny = np.nonzero(seen.gloss > 0)[0]
        gloss, facing = seen.gloss[shiny], normal[shiny]
        half = unit(towards[shiny] - ray[shiny])
        shine = gloss * np.clip(dot(facing, half), 0, 1) ** seen.sharpness[shiny]
        rim = 0.25 * gloss * (1 - np.clip(-dot(facing, ray[shiny]), 0, 1)) ** 3
        out[shiny] += 0.5 * shine[:, None] * beam[shiny] + rim[:, None] * np.asarray(light.sky)
        glow = seen.glow[:, None]
        out = out * (1 - glow) + 1.1 * albedo * glow
        clear = np.nonzero(seen.opacity < 1)[0]
        if len(clear) and layer < _GLASS_LAYERS:
            behind = self.trace(seen.points[clear] + ray[clear] * 5 * _OFFSET, seen.directions[seen.hit[clear]])
            own = pixels[clear][behind.hit]
            through = self.shade(behind, self.visibility(behind, own), own, layer + 1)
            share = seen.opacity[clear][:, None]
            out[clear] = share * out[clear] + (1 - share) * through * (0.7 + 0.3 * albedo[clear])
        air = self._air(seen.points, seen.origin)
        color[seen.hit] = out * air + np.asarray(self.scene.horizon) * (1 - air)
        return color

    def _air(self, points: Array, origin: Array) -> Array:
        """Share (N, 1) of a point's light that the air in front of it lets through."""
        if not np.isfinite(self.scene.haze):
            return np.ones((len(points), 1))
        distance = np.sqrt(dot(points - origin, points - origin))
        return np.exp(-distance / self.scene.haze)[:, None]

    def _sky(self, directions: Array) -> Array:
        d = unit(directions)
        height = np.clip(d[:, 2], 0, 1)[:, None] ** 0.6
        color = np.asarray(self.scene.horizon) * (1 - height) + np.asarray(self.scene.zenith) * height
        cover = self.scene.clouds
        seen = np.nonzero(d[:, 2] > 0.02)[0]
        if cover > 0 and len(seen):
            up = d[seen, 2]
            plane = d[seen, :2] / (up + 0.12)[:, None]
            billow = fractal_noise(plane * vec(1.3, 1.3) + 7.0, 4, seed=31)
            share = np.clip((billow - (0.78 - 0.5 * cover)) * 5, 0, 1) * np.clip(up * 8, 0, 1)
            white = np.asarray(self.scene.horizon).mean() * (1.15 - 0.35 * np.clip(billow - 0.5, 0, 1))
            color[seen] += (share * 0.9)[:, None] * (white[:, None] - color[seen])
        return color

    def _lamp(self, points: Array) -> tuple[Array, Array]:
        """Vectors (N, 3) from points to the light (of length 1 for a distant one), and its strength there (N,)."""
        light = self.scene.light
        if light.source is None:
            return np.broadcast_to(light.direction, points.shape), np.ones(len(points))
        towards = light.source - points
        return towards, (SOURCE_REACH**2 + _LAMP_SIZE) / (dot(towards, towards) + _LAMP_SIZE)

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

    def _sunlit(self, shade: _Shade, towards: Array) -> Array:
        """(N,) 1 where one jittered ray reaches the light, otherwise 0."""
        light = self.scene.light
        facing = np.nonzero(dot(shade.flat, towards) > 0)[0]
        sun: Array = np.zeros(len(shade.start))
        if not len(facing):
            return sun
        aim, distance = unit(towards[facing]), np.sqrt(dot(towards[facing], towards[facing]))
        side = unit(cross(aim, vec(0.31, 0.52, 0.8)))
        radius = light.softness * np.sqrt(shade.noise(0, facing))
        angle = 2 * np.pi * shade.noise(1, facing)
        jitter = (radius * np.cos(angle))[:, None] * side + (radius * np.sin(angle))[:, None] * cross(aim, side)
        rays = (aim + jitter) * distance[:, None]
        start = shade.start[facing]
        if light.source is None and not self.scene.shell:
            sun[facing] = ~self.rays.occluded(start, rays)
            return sun
        hits = self.rays.cast(start, rays)
        people_and_objects = len(self.posed)
        inside = (hits.mesh >= people_and_objects) & (hits.mesh < people_and_objects + self.scene.shell)
        beyond = hits.distance > 1 if light.source is not None else hits.mesh < 0
        sun[facing] = (hits.mesh < 0) | inside | beyond
        return sun

    def _open_sky(self, shade: _Shade) -> Array:
        """(N,) how much of the light from all round comes in, by one ray in a cosine-weighted direction."""
        z = 2 * shade.noise(2) - 1  # the normal plus a point on the unit sphere
        turn = 2 * np.pi * shade.noise(3)
        ring = np.sqrt(np.maximum(1 - z * z, 0))
        around = unit(shade.normal + 0.999 * np.stack([ring * np.cos(turn), ring * np.sin(turn), z], 1))
        return np.where(self.rays.occluded(shade.start, around, _AMBIENT_REACH), 0.25, 1.0)


@dataclass(frozen=True)
class _Shade:
    """N points that secondary rays start from: just off the surface, its own normal, the smoothed one, pixels."""

    start: Array
    flat: Array
    normal: Array
    pixels: NDArray[np.int64]

    def noise(self, kind: int, chosen: NDArray[np.int64] | slice = slice(None)) -> Array:
        """Pseudo-random numbers 0..1 of a kind for the chosen points, spread evenly over every 4 x 4 pixels."""
        pixel = self.pixels[chosen]
        place = _STRATA[kind][pixel[:, 1] & 3, pixel[:, 0] & 3]
        return (place + hash_noise(pixel, kind)) / 16


def _blend(weights: Array, corners: Array) -> Array:
    """Values (N, K) inside triangles from those at the corners (N, 3, K)."""
    return (
        weights[:, 0, None] * corners[:, 0] + weights[:, 1, None] * corners[:, 1] + weights[:, 2, None] * corners[:, 2]
    )
