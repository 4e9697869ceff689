"""From masks in views to scores of vertices, and back: InteractVLM's "lift" step.

The views' tables (`interplay.body.raycast.pixel_table`) say which triangle each pixel shows. All functions are sums
over pixels without loops, take numpy's arrays or torch's tensors and give back the same kind, and let gradients flow
where the result is not a yes or no.
"""

from __future__ import annotations

from typing import Any

from interplay.errors import InputError
from interplay.ops.backends import in_kind

MASK_THRESHOLD = 0.3
"""From this score on a pixel belongs to an object's contact; of people's in the older rule, from this logit on."""
_LARGEST_LOGIT = 20.0


@in_kind
def lift_human(logits: Any, pix_to_face: Any, bary: Any, faces: Any, num_vertices: int) -> Any:
    """Contact of a body's vertices from masks in its views, by the rule of the published code since 2026-04.

    A pixel's probability counts for the three vertices of its triangle by its barycentric coordinates. A vertex has the
    weighted mean in each view, and of those the mean over the views that show it.

    Args:
        logits: (..., V, H, W) of the V views; ... are samples that share the tables.
        pix_to_face: (V, H, W) triangle, -1 where there is none.
        bary: (V, H, W, 3) its barycentric coordinates.
        faces: (F, 3) vertices.
        num_vertices: N.

    Returns:
        (..., N) probabilities; 0 for a vertex that no view shows. A vertex is in contact from 0.5 on.

    Raises:
        InputError: the shapes do not fit.
    """
    corners = _Corners(logits, pix_to_face, bary, faces, num_vertices)
    prob = corners.of(logits).clamp(-_LARGEST_LOGIT, _LARGEST_LOGIT).sigmoid()
    return corners.mean_over_views(prob, corners.weight).clamp(0, 1)


@in_kind
def lift_human_hard(logits: Any, pix_to_face: Any, bary: Any, faces: Any, num_vertices: int) -> Any:
    """Contact of a body's vertices by the rule of the published code before 2026-04.

    A vertex is in contact if the mean barycentric coordinate of the pixels with a logit above 0.3 around it, of all
    views together, is above 0.3. How many of its pixels are in the mask does not count.

    Args:
        logits, pix_to_face, bary, faces, num_vertices: as of `lift_human`.

    Returns:
        (..., N) float32, 0 or 1; no gradient.
    """
    corners = _Corners(logits, pix_to_face, bary, faces, num_vertices)
    chosen = (corners.of(logits) > MASK_THRESHOLD).float()
    weight = corners.sum(chosen * corners.weight).sum(-2)
    count = corners.sum(chosen).sum(-2)
    return (weight / count.clamp(min=1) > MASK_THRESHOLD).float()


@in_kind
def lift_object(logits: Any, pix_to_face: Any, bary: Any, faces: Any, num_vertices: int) -> Any:
    """Contact or affordance of an object's vertices from masks in its views.

    As `lift_human`, over the pixels with a probability above 0.3 alone: a vertex that one such pixel touches has that
    pixel's probability, and one without any has 0.

    Args:
        logits, pix_to_face, bary, faces, num_vertices: as of `lift_human`.

    Returns:
        (..., N) probabilities, 0 or above 0.3.
    """
    corners = _Corners(logits, pix_to_face, bary, faces, num_vertices)
    prob = corners.of(logits).sigmoid()
    return corners.mean_over_views(prob, corners.weight * (prob > MASK_THRESHOLD))


@in_kind
def lift_points(prob: Any, pixel_to_point: Any, num_points: int) -> Any:
    """Affordance of a point cloud from maps in its views: the mean of a point's pixels, then of the views that show it.

    Args:
        prob: (..., V, H, W) probabilities.
        pixel_to_point: (V, H, W) nearest point, -1 where there is none.
        num_points: N.

    Returns:
        (..., N); 0 for a point that no view shows.
    """
    import torch

    _check_shapes(prob, pixel_to_point)
    _check_range(pixel_to_point, num_points, "pixel_to_point", "points")
    view, row, column = torch.nonzero(pixel_to_point >= 0, as_tuple=True)
    values = prob[..., view, row, column]
    values = values if values.is_floating_point() and values.element_size() > 2 else values.float()
    target = view * num_points + pixel_to_point[view, row, column].long()
    views = len(pixel_to_point)
    total = _scatter(values, target, views, num_points)
    return _over_views(total, _scatter(torch.ones_like(values), target, views, num_points))


@in_kind
def contact_mask(contact_vertices: Any, pix_to_face: Any, faces: Any, min_vertices: int = 3) -> Any:
    """Masks of contact in views: pixels whose triangle has enough vertices in contact.

    Args:
        contact_vertices: (..., N) bool, or numbers of which those above 0 are contact.
        pix_to_face: (V, H, W) triangle, -1 where there is none.
        faces: (F, 3) vertices.
        min_vertices: how many of a triangle's vertices must be in contact, 1 to 3 (DAMON's labels: 2).

    Returns:
        (..., V, H, W) bool.
    """
    import torch

    if min_vertices not in (1, 2, 3):
        raise InputError(f"min_vertices: expected 1, 2 or 3, got {min_vertices}")
    _check_range(faces, contact_vertices.shape[-1], "faces", "vertices")
    _check_range(pix_to_face, len(faces), "pix_to_face", "faces")
    contact = contact_vertices > 0
    of_face = contact[..., faces.long()].sum(-1) >= min_vertices
    nothing = torch.zeros_like(of_face[..., :1])
    return torch.cat([of_face, nothing], -1)[..., pix_to_face.long()]  # -1 is the last


class _Corners:
    """The corners of the triangles that pixels show: three for each of the P pixels with a triangle."""

    def __init__(self, logits: Any, pix_to_face: Any, bary: Any, faces: Any, num_vertices: int) -> None:
        _check_shapes(logits, pix_to_face)
        if tuple(bary.shape) != (*pix_to_face.shape, 3):
            raise InputError(f"bary: expected {(*pix_to_face.shape, 3)} beside pix_to_face, got {tuple(bary.shape)}")
        _check_range(faces, num_vertices, "faces", "vertices")
        flat = pix_to_face.reshape(-1)
        self._pixels = (flat >= 0).nonzero()[:, 0]  # few, of the many that show nothing
        face = flat[self._pixels].long()
        _check_range(face, len(faces), "pix_to_face", "faces")
        view = self._pixels // pix_to_face[0].numel()
        self._target = (view[:, None] * num_vertices + faces.long()[face]).flatten()
        self._views, self._count = len(pix_to_face), num_vertices
        self.weight = bary.reshape(-1, 3)[self._pixels].float().flatten()
        """(3P,) barycentric coordinates"""

    def of(self, values: Any) -> Any:
        """(..., V, H, W) of pixels -> (..., 3P) of corners, in single precision."""
        return values.flatten(-3)[..., self._pixels].float().repeat_interleave(3, -1)

    def sum(self, values: Any) -> Any:
        """(..., 3P) of corners -> (..., V, N) of vertices."""
        return _scatter(values, self._target, self._views, self._count)

    def mean_over_views(self, values: Any, weight: Any) -> Any:
        """Weighted means (..., N) of corners, in each view and then over the views with any weight."""
        return _over_views(self.sum(weight * values), self.sum(weight))


def _scatter(values: Any, target: Any, views: int, count: int) -> Any:
    """Sums (..., V, N) of values (..., K) at view * N + index (K,)."""
    import torch

    flat = values.reshape(-1, values.shape[-1])
    # sums of many small weights in single precision would depend on their order
    total = torch.zeros(len(flat), views * count, dtype=torch.float64, device=values.device)
    total = total.index_add(1, target, flat.double())
    return total.reshape(*values.shape[:-1], views, count).to(values.dtype)


def _over_views(total: Any, weight: Any) -> Any:
    seen = weight > 0
    per_view = total / weight.masked_fill(~seen, 1)
    return per_view.sum(-2) / seen.sum(-2).clamp(min=1)


def _check_shapes(maps: Any, table: Any) -> None:
    if table.ndim != 3 or maps.shape[-3:] != table.shape:
        raise InputError(
            f"expected maps (..., V, H, W) and a table (V, H, W) of one size, got {tuple(maps.shape)} "
            f"and {tuple(table.shape)}"
        )


def _check_range(indices: Any, count: int, name: str, of: str) -> None:
    if indices.numel() and int(indices.max()) >= count:
        raise InputError(f"{name}: expected indices of {count} {of}, got {int(indices.max())}")
