"""Colours of what rays hit: materials, one sun with a soft shadow, light from the sky, glass."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .geometry import Array, dot, unit, vec
from .materials import Material, colors_at, fractal_noise, hash_noise
from .meshes import vertex_normals
from .raycast import Hits, RayScene
from .scene import SOURCE_REACH, Scene
from .wardrobe import Outfit, body_cut, outfit_colors

_OFFSET = 2e-4
"""Metres by which a secondary ray starts off its surface."""

_AMBIENT_REACH = 0.9
"""Metres within which something darkens the light from the sky."""

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
class Lit:
    """What was found for N rays.

    Attributes:
        albedo: (N, 3) share of the light that the surface sends back, less what air and glass in front take away.
        light: (N, 3) light that falls on the surface; noisy, as it comes from one ray to the sun and one to the sky.
        rest: (N, 3) linear RGB that comes on top: highlights, glow, haze, what is behind glass, the sky.
        normal: (N, 3) shading normal, zero for a miss.
    """

    albedo: Array
    light: Array
    rest: Array
    normal: Array

    @property
    def color(self) -> Array:
        """(N, 3) linear RGB."""
        return self.albedo * self.light + self.rest


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
            seeds: (N, 2) column and row of each ray's pixel, for the shadow noise.
            layer: how many panes of glass are in front.
        """
        out = Lit(*np.zeros((4, len(directions), 3)))
        missed, hit = np.nonzero(hits.mesh < 0)[0], np.nonzero(hits.mesh >= 0)[0]
        out.rest[missed] = self._sky(directions[missed])
        if not len(hit):
            return out
        ray = unit(directions[hit])
        triangle = self._first_face[hits.mesh[hit]] + hits.face[hit]
        corners = self._faces[triangle]
        weights = hits.weights[hit]
        world = self._world[corners]
        points = _blend(weights, world)
        flat = unit(np.cross(world[:, 1] - world[:, 0], world[:, 2] - world[:, 0]))
        flat = np.where((dot(flat, ray) > 0)[:, None], -flat, flat)
        normal = unit(_blend(weights, self._normal[corners]))
        normal = np.where((dot(normal, flat) < 0)[:, None], -normal, normal)
        local = _blend(weights, self._local[corners])
        albedo, gloss, sharpness, glow, opacity = self._surface(self._material[triangle], local)
        light = self.scene.light
        towards, strength = self._lamp(points)
        shade = _Shade(points + flat * _OFFSET * 5, flat, normal, seeds[hit])
        sun, open_sky = self._sunlit(shade, towards), self._open_sky(shade)
        beam = (sun * strength)[:, None] * np.asarray(light.sun)
        up = 0.5 + 0.5 * normal[:, 2:]
        ambient = (up * np.asarray(light.sky) + (1 - up) * np.asarray(light.bounce)) * open_sky[:, None]
        half = unit(unit(towards) - ray)
        shine = gloss * np.clip(dot(normal, half), 0, 1) ** sharpness
        rim = 0.25 * gloss * (1 - np.clip(-dot(normal, ray), 0, 1)) ** 3
        matt = 1 - glow[:, None]
        falling = np.clip(dot(normal, unit(towards)), 0, 1)[:, None] * beam + ambient
        rest = matt * (0.5 * shine[:, None] * beam + rim[:, None] * np.asarray(light.sky)) + 1.1 * albedo * (1 - matt)
        share = matt * opacity[:, None]
        rest = rest * opacity[:, None]
        clear = np.nonzero(opacity < 1)[0]
        if len(clear) and layer < _GLASS_LAYERS:
            start, onward = points[clear] + ray[clear] * 5 * _OFFSET, directions[hit[clear]]
            behind = self.light(start, onward, self.rays.cast(start, onward), seeds[hit[clear]], layer + 1)
            through = (1 - opacity[clear])[:, None] * (0.7 + 0.3 * albedo[clear])
            rest[clear] += through * behind.color
        air = self._air(points, origin if origin.ndim == 1 else origin[hit])
        out.albedo[hit] = albedo * share * air
        out.light[hit] = falling
        out.rest[hit] = rest * air + np.asarray(self.scene.horizon) * (1 - air)
        out.normal[hit] = normal
        return out

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
        return towards, (SOURCE_REACH**2 + 1) / (dot(towards, towards) + 1)

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
        side = unit(np.cross(aim, vec(0.31, 0.52, 0.8)))
        radius = light.softness * np.sqrt(shade.noise(0, facing))
        angle = 2 * np.pi * shade.noise(1, facing)
        jitter = (radius * np.cos(angle))[:, None] * side + (radius * np.sin(angle))[:, None] * np.cross(aim, side)
        rays = (aim + jitter) * distance[:, None]
        start = shade.start[facing]
        if light.source is None and not self.scene.shell:
            sun[facing] = ~self.rays.occluded(start, rays)
            return sun
        hits = self.rays.cast(start, rays)
        people_and_things = len(self.posed)
        inside = (hits.mesh >= people_and_things) & (hits.mesh < people_and_things + self.scene.shell)
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
    seeds: NDArray[np.int64]

    def noise(self, kind: int, chosen: NDArray[np.int64] | slice = slice(None)) -> Array:
        """Pseudo-random numbers 0..1 of a kind for the chosen points, spread evenly over every 4 x 4 pixels."""
        pixel = self.seeds[chosen]
        place = _STRATA[kind][pixel[:, 1] & 3, pixel[:, 0] & 3]
        return (place + hash_noise(pixel, kind)) / 16


def _blend(weights: Array, corners: Array) -> Array:
    """Values (N, K) inside triangles from those at the corners (N, 3, K)."""
    return (
        weights[:, 0, None] * corners[:, 0] + weights[:, 1, None] * corners[:, 1] + weights[:, 2, None] * corners[:, 2]
    )
