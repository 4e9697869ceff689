"""The data sets of what is touched on objects, and of what objects afford, as lessons."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from interplay.body.cameras import OBJECT_DISTANCE, look_at
from interplay.body.lifting import contact_mask
from interplay.body.splatting import draw_points, point_table, position_colours
from interplay.body.views import draw_views, unit_object
from interplay.containers.meshes import Part
from interplay.datasets.affordance import PointAffordance, PointForm
from interplay.datasets.generated.contacts import read_touched_objects
from interplay.datasets.pico import object_of, read_pixel_map
from interplay.errors import InputError, MissingFileError
from interplay.images import read_image
from interplay.models.contact import ContactPair
from interplay.models.interactvlm.lessons import Lesson, Taught, canvas_of, part_of, pose_of, views_of, words_of
from interplay.models.interactvlm.losses import IGNORED
from interplay.models.interactvlm.model import Canvas
from interplay.models.interactvlm.recipe import InteractVlmRecipe
from interplay.models.pair_geometry import PairGeometry, annotated_pairs
from interplay.table import InteractionTable


class PointSource:
    """Affordance of objects as point clouds: an image of an affordance, with a shape of the same object that has it.

    Args:
        images: names with object and affordance.
        shapes: files of points by object, in lower case.
        form: how they are written.
        find: from an image's name to its file.
        radius: of a point in the views.
    """

    geometries = ()

    def __init__(
        self, images: Sequence[tuple[str, str, str]], shapes: dict[str, list[Path]], form: PointForm,
        find: Callable[[str], Path], recipe: InteractVlmRecipe, size: int, radius: float,
    ) -> None:  # fmt: skip
        self._images = [each for each in images if each[1].lower() in shapes]
        self._shapes, self._form, self._find, self._recipe = shapes, form, find, recipe
        self._size, self._radius = size, radius
        if not self._images:
            raise InputError(f"{form.dataset}: no image is of an object whose points are there")

    def __len__(self) -> int:
        return len(self._images)

    def name(self, index: int) -> str:
        """The image's name."""
        return self._images[index][0]

    def lesson(self, index: int, rng: np.random.Generator, training: bool = True) -> Lesson:
        """See `Source`."""
        file, thing, affordance = self._images[index]
        cloud = self._shape(thing.lower(), affordance, rng)
        views = views_of(self._recipe, self._recipe.model.object_views)
        R, T = (np.stack(each) for each in zip(*(look_at(*view) for view in views.values()), strict=True))
        points, size = cloud.normalised, self._size
        table = point_table(points, R, T, size, self._radius)
        pictures = draw_points(points, position_colours(points), R, T, size, self._radius)
        canvas = canvas_of(pictures, list(views.values()), table, len(points))
        target = torch.from_numpy(cloud.of(affordance).astype(np.float32))
        heat = torch.where(canvas.pix_to_face >= 0, target[canvas.pix_to_face.clamp(min=0)], float(IGNORED))
        asked, answered = words_of("oafford-kind", thing, rng, training, self._recipe, affordance=affordance)
        taught = Taught(canvas, heat, target, f"{self._form.dataset}_oafford")
        return Lesson(read_image(self._find(file)), asked, answered, taught)

    def _shape(self, thing: str, affordance: str, rng: np.random.Generator) -> PointAffordance:
        """A shape of an object that has an affordance, of a few that are drawn at random."""
        files = self._shapes[thing]
        cloud = None
        for number in rng.permutation(len(files))[:5]:
            cloud = self._form.read(files[number])
            if affordance in cloud.present:
                return cloud
        raise MissingFileError(f"{self._form.dataset}: no shape of {thing} affords {affordance}")


class TouchedMesh(NamedTuple):
    """A generated scene's object that somebody touches: the picture's name, the boxes, the object's mesh by itself
    (`TouchedObject`), which of its vertices are in contact, and person and object as annotated."""

    file: str
    pair: ContactPair
    mesh: Part
    vertices: NDArray[np.int64]
    geometry: PairGeometry


def touched_meshes(table: InteractionTable, root: Path) -> list[TouchedMesh]:
    """What people touch in generated scenes; see `read_touched_objects`."""
    touched = []
    for image, objects in zip(table, read_touched_objects(root, table.files), strict=True):
        for each in objects:
            human, object, vertices = each.contact.human, each.contact.object, each.contact.object_vertices
            if object is not None and len(vertices):
                name = table.vocabulary.objects[image.labels[object]]
                done = image.verb[(image.human == human) & (image.object == object)]
                verbs = tuple(table.vocabulary.verbs[verb] for verb in done.tolist())
                pair = ContactPair(name, image.boxes[human], image.boxes[object], verbs=verbs)
                geometry = annotated_pairs(image, [human], [object])
                touched.append(TouchedMesh(image.file or "", pair, each.mesh, vertices, geometry))
    return touched


_KEPT = 2_000_000_000
"""Bytes of views of objects that are kept: they take longer to draw than to learn from."""


class MeshSource:
    """Contact of generated scenes' objects, each on views of its own mesh.

    Args:
        touched: of `touched_meshes`.
        find: from an image's name to its file.
        size, mask_size: pixels on a side of what SAM sees, and of the masks.
        min_vertices: see `ContactDataConfig`.
    """

    def __init__(
        self, touched: Sequence[TouchedMesh], find: Callable[[str], Path],
        recipe: InteractVlmRecipe, size: int, mask_size: int, min_vertices: int,
    ) -> None:  # fmt: skip
        self._touched, self._find, self._recipe = touched, find, recipe
        self._size, self._mask_size, self._min_vertices = size, mask_size, min_vertices
        of_view = 20 * mask_size**2 + 3 * size**2  # tables of 8 and 12 bytes a pixel, and a picture
        self._canvas = lru_cache(_KEPT // (recipe.model.views * of_view))(self._draw)
        if not touched:
            raise InputError("generated-objects: the scenes hold no contact of a person with an object")

    @property
    def geometries(self) -> list[PairGeometry]:
        """See `Source`."""
        return [each.geometry for each in self._touched]

    def __len__(self) -> int:
        return len(self._touched)

    def name(self, index: int) -> str:
        """The image's name."""
        return self._touched[index][0]

    def lesson(self, index: int, rng: np.random.Generator, training: bool = True) -> Lesson:
        """See `Source`."""
        file, pair, mesh, vertices, geometry = self._touched[index]
        canvas = self._canvas(index)
        target = torch.zeros(len(mesh.vertices), dtype=torch.bool)
        target[torch.from_numpy(vertices)] = True
        mask = contact_mask(target, canvas.pix_to_face, canvas.faces, self._min_vertices)
        wanted = torch.where(canvas.pix_to_face >= 0, mask.float(), float(IGNORED))
        image = part_of(read_image(self._find(file)), pair, rng, training, self._recipe.jitter)
        asked, answered = words_of("ocontact", pair.object, rng, training, self._recipe)
        pose = pose_of(geometry, rng, training, self._recipe)
        return Lesson(image, asked, answered, Taught(canvas, wanted, target.float(), "generated_ocontact"), pose)

    def _draw(self, index: int) -> Canvas:
        mesh, views = self._touched[index].mesh, views_of(self._recipe, self._recipe.model.object_views)
        drawn = {name: view._replace(distance=OBJECT_DISTANCE) for name, view in views.items()}
        points = unit_object(mesh.vertices)
        lifted = draw_views(points, mesh.faces, drawn, self._mask_size, "positions")
        same = self._size == self._mask_size
        shown = lifted if same else draw_views(points, mesh.faces, drawn, self._size, "positions")
        return canvas_of(shown.images, list(views.values()), lifted.pix_to_face, len(points), lifted.bary, lifted.faces)


class PicoSource:
    """Contact of objects' meshes: PICO's prepared files ``sam_IMAGE_VIEW.png``, ``mask_IMAGE_VIEW.png`` and
    ``p2vmap_IMAGE_VIEW.npz``."""

    geometries = ()

    def __init__(self, root: Path, find: Callable[[str], Path], recipe: InteractVlmRecipe) -> None:
        self._views = views_of(recipe, recipe.model.object_views)
        first = next(iter(self._views))
        maps = sorted(root.rglob(f"p2vmap_*_{first}.npz"))
        self._stems = [(path.parent, path.name[len("p2vmap_") : -len(f"_{first}.npz")]) for path in maps]
        if not self._stems:
            raise MissingFileError(f"{root} holds no p2vmap_IMAGE_{first}.npz of an object's views")
        self._find, self._recipe = find, recipe

    def __len__(self) -> int:
        return len(self._stems)

    def name(self, index: int) -> str:
        """The image's name."""
        return f"{self._stems[index][1]}.jpg"

    def lesson(self, index: int, rng: np.random.Generator, training: bool = True) -> Lesson:
        """See `Source`."""
        folder, stem = self._stems[index]
        maps = [read_pixel_map(folder / f"p2vmap_{stem}_{view}.npz") for view in self._views]
        pictures = np.stack([read_image(folder / f"sam_{stem}_{view}.png") for view in self._views])
        masks = np.stack([read_image(folder / f"mask_{stem}_{view}.png")[..., 0] > 127 for view in self._views])
        corners = np.stack([each.vertices for each in maps])
        there = (corners >= 0).all(-1)
        faces, number = np.unique(corners[there], axis=0, return_inverse=True)
        table = np.full(there.shape, -1, np.int64)
        table[there] = number.reshape(-1)
        bary, count = np.stack([each.bary for each in maps]), maps[0].num_vertices
        canvas = canvas_of(pictures, list(self._views.values()), table, count, bary, faces)
        touched = faces[table[there & masks]].reshape(-1)
        target = torch.zeros(count)
        target[torch.from_numpy(touched)] = 1
        thing = object_of(self.name(index))
        asked, answered = words_of("ocontact", thing, rng, training, self._recipe)
        wanted = torch.from_numpy(np.where(there, masks, IGNORED).astype(np.float32))
        taught = Taught(canvas, wanted, target, "pico_ocontact")
        return Lesson(read_image(self._find(self.name(index))), asked, answered, taught)
