"""Distances over a mesh's surface."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .raycast import check_mesh

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix


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
    from scipy.sparse.csgraph import dijkstra

    graph = _edge_graph(*_mesh(vertices, faces))
    starts = np.arange(graph.shape[0]) if sources is None else np.fromiter(sources, np.int64)
    distances = np.empty((len(starts), graph.shape[0]), np.float32)
    for first in range(0, len(starts), 512):  # double precision of all at once would take twice the memory
        block = slice(first, first + 512)
        distances[block] = dijkstra(graph, directed=False, indices=starts[block])
    return distances


class SurfaceDistances:
    """Distances along a mesh's edges to sets of vertices, without the matrix of all of them.

    Vertices in one place count as joined, and parts that are not joined, such as eyes, are joined to the largest one by
    the shortest straight line: every distance is finite.

    Args:
        vertices: (N, 3).
        faces: (F, 3).

    Raises:
        InputError: no mesh of triangles.

    Example:
        >>> square = SurfaceDistances([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]], [[0, 1, 2], [0, 2, 3]])
        >>> square.to_nearest([0, 1]).tolist()
        [0.0, 0.0, 1.0, 1.0]
    """

    def __init__(self, vertices: ArrayLike, faces: ArrayLike) -> None:
        points, triangles = _mesh(vertices, faces)
        self._graph = _edge_graph(points, triangles, joined=True)

    def __len__(self) -> int:
        """Number of vertices."""
        return int(self._graph.shape[0])

    def to_nearest(self, sources: Iterable[int]) -> NDArray[np.float64]:
        """(N,) distance of each vertex to the nearest of some, in the unit of the vertices."""
        from scipy.sparse.csgraph import dijkstra

        starts = np.fromiter(sources, np.int64)
        return np.asarray(dijkstra(self._graph, directed=False, indices=starts, min_only=True))


def _mesh(vertices: ArrayLike, faces: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.integer]]:
    points, triangles = np.asarray(vertices, np.float64), np.asarray(faces)
    check_mesh(points, triangles)
    return points, triangles


def _edge_graph(points: NDArray[np.float64], triangles: NDArray[np.integer], joined: bool = False) -> csr_matrix:
    """(N, N) lengths of the edges, each once."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components
    from scipy.spatial import cKDTree

    sides = np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]])
    edges = np.unique(np.sort(sides, 1), axis=0)
    if joined:
        _, first, place = np.unique(points, axis=0, return_index=True, return_inverse=True)
        twin = first[place.reshape(-1)]  # of vertices in one place, as on the seams of textures
        edges = np.concatenate([edges, np.stack([twin, np.arange(len(points))], 1)[twin != np.arange(len(points))]])
        count, part = connected_components(coo_matrix((np.ones(len(edges)), edges.T), (len(points),) * 2), False)
        largest = np.bincount(part).argmax()
        main = np.nonzero(part == largest)[0]
        tree = cKDTree(points[main])
        bridges = []
        for other in np.setdiff1d(np.arange(count), [largest]):
            members = np.nonzero(part == other)[0]
            distance, nearest = tree.query(points[members])
            bridges.append([members[distance.argmin()], main[nearest[distance.argmin()]]])
        edges = np.concatenate([edges, np.array(bridges, edges.dtype).reshape(-1, 2)])
    # a length of 0 is stored as such: to scipy's graphs it would be no edge
    lengths = np.maximum(np.linalg.norm(points[edges[:, 0]] - points[edges[:, 1]], axis=1), 1e-12)
    return coo_matrix((lengths, edges.T), shape=(len(points),) * 2).tocsr()
