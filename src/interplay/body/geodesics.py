"""Distances over a mesh's surface."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .raycast import check_mesh


def geodesic_distances(
    vertices: ArrayLike, faces: ArrayLike, sources: Iterable[int] | None = None
) -> NDArray[np.float32]:
    """Lengths of the shortest ways along edges between vertices, which are a little longer than over the surface.

    Args:
        vertices: (N, 3).
        faces: (F, 3).
        sources: the vertices to start at, by default all: (N, N) takes 600 MB for a body.

    Returns:
        (S, N) in the unit of the vertices; infinite between parts that are not joined.

    Raises:
        InputError: no mesh of triangles.
    """
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import dijkstra

    points, triangles = np.asarray(vertices, np.float64), np.asarray(faces)
    check_mesh(points, triangles)
    edges = np.unique(
        np.sort(np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]]), 1), axis=0
    )
    lengths = np.linalg.norm(points[edges[:, 0]] - points[edges[:, 1]], axis=1)
    graph = coo_matrix((lengths, edges.T), shape=(len(points),) * 2).tocsr()
    starts = np.arange(len(points)) if sources is None else np.fromiter(sources, np.int64)
    distances = np.empty((len(starts), len(points)), np.float32)
    for first in range(0, len(starts), 512):  # double precision of all at once would take twice the memory
        block = slice(first, first + 512)
        distances[block] = dijkstra(graph, directed=False, indices=starts[block])
    return distances
