"""From a scene to a picture, with the buffers that the labels are read from."""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from interplay.body.geometry import Array, dot
from interplay.world.scene import Scene

from .shading import ShadingPoints, Stage

_SUBPIXELS = np.array([[-0.125, -0.375], [0.375, -0.125], [0.125, 0.375], [-0.375, 0.125]])
"""Offsets of the extra rays of a pixel on an edge (a rotated grid), in pixels."""

JPEG_QUALITY = 92


@dataclass(frozen=True)
class Rendering:
    """A picture and what each of its pixels shows.

    Attributes:
        image: (H, W, 3) uint8 sRGB.
        mesh: (H, W) index of the mesh at the pixel's centre: people, then objects, then backdrop; -1 for the sky.
        depth: (H, W) metres along the view axis; infinite for the sky.
        stage: the scene as it was cast.
    """

    image: NDArray[np.uint8]
    mesh: NDArray[np.int64]
    depth: Array
    stage: Stage


def render(scene: Scene, rng: np.random.Generator) -> Rendering:
    """Cast, shade and expose a scene. `rng` drives the sensor's noise and exposure only."""
    stage = Stage(scene)
    camera = scene.camera
    shape = (camera.height, camera.width)
    rows, columns = np.mgrid[: camera.height, : camera.width]
    cells = np.stack([columns.ravel(), rows.ravel()], 1)
    seen = stage.trace(camera.position, camera.rays(cells + 0.5))
    mesh, distance = seen.hits.mesh.reshape(shape), seen.hits.distance.reshape(shape)
    normal, albedo, reached = np.zeros((*shape, 3)), np.ones((*shape, 3)), np.ones((*shape, 2))
    normal.reshape(-1, 3)[seen.hit] = seen.normal
    albedo.reshape(-1, 3)[seen.hit] = seen.albedo
    reached.reshape(-1, 2)[seen.hit] = stage.visibility(seen, cells[seen.hit])
    reached = _smoothed(reached, mesh, normal)
    image = stage.shade(seen, reached.reshape(-1, 2)[seen.hit], cells[seen.hit])
    edge = np.nonzero(_edges(mesh, normal, albedo, distance).ravel())[0]
    if len(edge):
        extra = np.zeros((len(edge), 3))
        for offset in _SUBPIXELS:
            part = stage.trace(camera.position, camera.rays(cells[edge] + 0.5 + offset))
            own = cells[edge[part.hit]]
            extra += np.minimum(stage.shade(part, _borrowed(stage, part, own, mesh, normal, reached), own), 1.5)
        image[edge] = extra / len(_SUBPIXELS)
    return Rendering(_develop(image.reshape(*shape, 3), rng), mesh, distance, stage)


def _borrowed(
    stage: Stage, seen: ShadingPoints, pixels: NDArray[np.int64], mesh: NDArray[np.int64], normal: Array, reached: Array
) -> Array:
    """Visibility (M, 2) for hits: that of the pixel itself or of one beside it that shows the same surface.

    Only where no such pixel is found are new rays cast, whose noise would show on the outlines.
    """
    h, w = mesh.shape
    own = seen.hits.mesh[seen.hit]
    best, source = np.full(len(own), 0.8), np.full(len(own), -1)
    for dx, dy in ((0, 0), (1, 0), (-1, 0), (0, 1), (0, -1)):
        x, y = np.clip(pixels[:, 0] + dx, 0, w - 1), np.clip(pixels[:, 1] + dy, 0, h - 1)
        alike = np.where(mesh[y, x] == own, dot(normal[y, x], seen.normal), -1.0)
        better = alike > best
        best[better], source[better] = alike[better], (y * w + x)[better]
    out = reached.reshape(-1, 2)[source]
    alone = np.nonzero(source < 0)[0]
    if len(alone):
        chosen = seen.only(alone)
        out[alone] = stage.visibility(chosen, pixels[alone])
    return out


def _smoothed(values: Array, mesh: NDArray[np.int64], normal: Array) -> Array:
    """(H, W, K) values averaged over neighbours on the same surface that face the same way.

    The average is taken along columns, then along rows, over the four pixels (the outer two of five by half) over
    which `Stage.visibility` spreads its rays.
    """
    for axis in (0, 1):
        total, weight = values.copy(), np.ones(mesh.shape)
        for reach, share in ((1, 1.0), (2, 0.5)):
            a = (slice(None),) * axis + (slice(None, -reach),)
            b = (slice(None),) * axis + (slice(reach, None),)
            alike = share * ((mesh[a] == mesh[b]) & (dot(normal[a], normal[b]) > 0.95))
            total[a] += alike[..., None] * values[b]
            total[b] += alike[..., None] * values[a]
            weight[a] += alike
            weight[b] += alike
        values = total / weight[..., None]
    return values


_COLOUR_STEP = 0.12
"""Difference of two neighbours' square roots of albedo (0..1) from which there is an edge between them: a hem, a
stripe, a window's frame."""


def _edges(mesh: NDArray[np.int64], normal: Array, albedo: Array, depth: Array) -> NDArray[np.bool_]:
    """(H, W) where an outline, a crease, a step in depth or the border between two colours passes through a pixel."""
    edge = np.zeros(mesh.shape, bool)
    tone = np.sqrt(albedo)
    depth = np.where(np.isfinite(depth), depth, 1e6)
    for axis in (0, 1):
        a = tuple(slice(None, -1) if i == axis else slice(None) for i in range(2))
        b = tuple(slice(1, None) if i == axis else slice(None) for i in range(2))
        step = (mesh[a] != mesh[b]) | (np.abs(depth[a] - depth[b]) > 0.04 * np.minimum(depth[a], depth[b]))
        step |= (dot(normal[a], normal[b]) < 0.6) | (np.abs(tone[a] - tone[b]).max(-1) > _COLOUR_STEP)
        edge[a] |= step
        edge[b] |= step
    return edge


def _develop(image: Array, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Expose linear light, add the sensor's noise, and encode as sRGB."""
    middle, bright = np.quantile(image.mean(-1), (0.5, 0.85))
    wanted = min(0.3 / max(middle, 1e-3), 1.15 / max(bright, 1e-3))
    exposure = float(np.clip(wanted, 0.5, 1.8)) * float(rng.uniform(0.85, 1.2))
    x = np.maximum(image * exposure, 0)
    x = x * (1 + x / 4.0) / (1 + x * 0.75)  # roll off the highlights
    shot = rng.normal(size=x.shape) * np.sqrt(0.0002 * np.maximum(x, 0.01)) * float(rng.uniform(0.3, 1.0))
    x = np.clip(x + shot, 0, 1)
    encoded = np.where(x <= 0.0031308, 12.92 * x, 1.055 * x ** (1 / 2.4) - 0.055)
    return np.round(encoded * 255).astype(np.uint8)


def encode_jpeg(image: NDArray[np.uint8]) -> bytes:
    """JPEG bytes of an (H, W, 3) picture; the same picture always gives the same bytes."""
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "JPEG", quality=JPEG_QUALITY, subsampling=0, optimize=False)
    return buffer.getvalue()
