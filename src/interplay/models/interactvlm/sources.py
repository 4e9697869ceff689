"""The data sets of contact as questions about images with answers, and what masks are drawn on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from interplay.body.bodies import load_body
from interplay.body.lifting import contact_mask
from interplay.body.parts import DECO_PARTS
from interplay.body.views import draw_views, upright_body
from interplay.datasets import lemon, piad
from interplay.datasets.affordance import PointForm
from interplay.datasets.contact_labels import BodyContact
from interplay.datasets.damon import parts_of, read_damon
from interplay.datasets.generated.contacts import body_of, mirrored, read_contacts
from interplay.datasets.generated.pairs import scene_pairs
from interplay.datasets.hoi_vqa import read_hoi_vqa
from interplay.datasets.images import ImageFinder
from interplay.datasets.rich import read_rich
from interplay.errors import InputError, MissingFileError
from interplay.images import read_image
from interplay.models.contact import ContactPair
from interplay.models.interactvlm.lessons import Lesson, Source, Taught, canvas_of, part_of, pose_of, views_of, words_of
from interplay.models.interactvlm.losses import IGNORED
from interplay.models.interactvlm.model import Canvas
from interplay.models.interactvlm.object_sources import MeshSource, PicoSource, PointSource, touched_meshes
from interplay.models.interactvlm.prompts import Template
from interplay.models.interactvlm.recipe import ContactDataConfig, InteractVlmRecipe
from interplay.models.interactvlm.words import UNKNOWN
from interplay.models.pair_geometry import PairGeometry, annotated_pairs, flip
from interplay.table import InteractionTable


@dataclass(frozen=True)
class BodyLesson:
    """Where one person touches one object.

    Attributes:
        file: the image's name.
        pair: object and, where they are known, boxes.
        vertices: in contact.
        parts: body parts in contact, in words.
        geometry: person and object as annotated, of generated scenes.
    """

    file: str
    pair: ContactPair
    vertices: NDArray[np.int64]
    parts: tuple[str, ...]
    geometry: PairGeometry | None = None


class BodySource:
    """Contact of people, on one body's views.

    Args:
        name: of the data set.
        lessons: its labels.
        find: from an image's name to its file.
        canvas: the body's views.
        recipe: how to ask.
        min_vertices: see `ContactDataConfig`.
        mirror: (N,) vertices of the other side; None where images are not mirrored.
    """

    def __init__(
        self, name: str, lessons: Sequence[BodyLesson], find: Callable[[str], Path], canvas: Canvas,
        recipe: InteractVlmRecipe, min_vertices: int, mirror: NDArray[np.int64] | None = None,
    ) -> None:  # fmt: skip
        self._name, self.lessons, self._find, self.canvas = f"{name}_hcontact", lessons, find, canvas
        self._recipe, self._min_vertices, self._mirror = recipe, min_vertices, mirror

    @property
    def geometries(self) -> list[PairGeometry]:
        """See `Source`."""
        return [each.geometry for each in self.lessons if each.geometry is not None]

    def __len__(self) -> int:
        return len(self.lessons)

    def name(self, index: int) -> str:
        """The image's name."""
        return self.lessons[index].file

    def lesson(self, index: int, rng: np.random.Generator, training: bool = True) -> Lesson:
        """See `Source`."""
        lesson, recipe = self.lessons[index], self._recipe
        image, parts = read_image(self._find(lesson.file)), lesson.parts
        generated = self._name.startswith("generated")
        if generated:
            image = part_of(image, lesson.pair, rng, training, recipe.jitter)
        target = np.zeros(int(self.canvas.count), bool)
        target[lesson.vertices] = True
        geometry = lesson.geometry
        if training and recipe.flip and self._mirror is not None and rng.random() < 0.5:
            geometry = None if geometry is None else flip(geometry, torch.ones(1, dtype=torch.bool))
            image, target = np.ascontiguousarray(image[:, ::-1]), target[self._mirror]
            parts = tuple(_other_side(part) for part in parts)
        plain = not parts or not training or rng.random() < recipe.part_dropout
        template: Template = "hcontact" if plain else recipe.template
        named = ", ".join(parts)
        unknown = training and rng.random() < recipe.no_object
        asked, answered = words_of(template, UNKNOWN if unknown else lesson.pair.object, rng, training, recipe, named)
        pose = None if geometry is None else pose_of(geometry, rng, training, recipe)
        return Lesson(
            image, asked, answered, self._taught(torch.from_numpy(target)), pose, parts if generated else None
        )

    def _taught(self, target: Tensor) -> Taught:
        there = self.canvas.pix_to_face >= 0
        mask = contact_mask(target, self.canvas.pix_to_face, self.canvas.faces, self._min_vertices)
        return Taught(self.canvas, torch.where(there, mask.float(), float(IGNORED)), target.float(), self._name)


class ImageMaskSource:
    """Contact in photographs themselves: DAMON's, projected (``contact_render_2d/OBJECT/STEM_contact_mask.png``)."""

    geometries = ()

    def __init__(self, root: Path, find: Callable[[str], Path], recipe: InteractVlmRecipe, size: int) -> None:
        self._files = sorted((root / "contact_render_2d").glob("*/*_contact_mask.png"))
        if not self._files:
            raise MissingFileError(f"{root} holds no contact_render_2d/OBJECT/STEM_contact_mask.png")
        self._find, self._recipe, self._size = find, recipe, size

    def __len__(self) -> int:
        return len(self._files)

    def name(self, index: int) -> str:
        """The image's name."""
        return f"{self._files[index].name.removesuffix('_contact_mask.png')}.jpg"

    def lesson(self, index: int, rng: np.random.Generator, training: bool = True) -> Lesson:
        """See `Source`."""
        image = read_image(self._find(self.name(index)))
        mask = torch.from_numpy(read_image(self._files[index])[..., 0] > 127).float()
        if mask.shape != image.shape[:2]:
            raise InputError(
                f"{self._files[index]}: expected the photograph's size {image.shape[:2]}, got {tuple(mask.shape)}"
            )
        seen = torch.from_numpy(image.copy()).permute(2, 0, 1)[None]
        scale = self._size / max(image.shape[:2])
        size = [max(1, int(side * scale + 0.5)) for side in image.shape[:2]]
        seen = torch.nn.functional.interpolate(seen.float(), size, mode="bilinear", antialias=True).round().byte()
        mask = (torch.nn.functional.interpolate(mask[None, None], size, mode="area")[0, 0] > 0.5).float()
        views, empty = self._recipe.model.views, torch.zeros(0)
        canvas = Canvas(
            seen.expand(views, -1, -1, -1), torch.full((views, 5), torch.nan), empty.long(), empty,
            torch.zeros(0, 3, dtype=torch.int64), torch.tensor(0),
        )  # fmt: skip
        thing = self._files[index].parent.name
        asked, answered = words_of("hcontact", thing, rng, training, self._recipe)
        return Lesson(image, asked, answered, Taught(canvas, mask.expand(views, -1, -1), empty, "damon_h2dcontact"))


class WordSource:
    """Questions that are answered in words: HOI-VQA.

    Args:
        rows: image, question and answer.
        find: from an image's name to its file.
    """

    geometries = ()

    def __init__(self, rows: Sequence[tuple[str, str, str]], find: Callable[[str], Path]) -> None:
        self._rows, self._find = rows, find

    def __len__(self) -> int:
        return len(self._rows)

    def name(self, index: int) -> str:
        """The image's name."""
        return self._rows[index][0]

    def lesson(self, index: int, rng: np.random.Generator, training: bool = True) -> Lesson:
        """See `Source`."""
        file, asked, answered = self._rows[index]
        return Lesson(read_image(self._find(file)), asked, answered, None)


def open_source(
    data: ContactDataConfig, recipe: InteractVlmRecipe, size: int, split: str = "train",
    table: InteractionTable | None = None, mask_size: int | None = None,
) -> Source:  # fmt: skip
    """The lessons of a data set.

    Args:
        data: which one, and where.
        recipe: how to ask.
        size: pixels on a side of what SAM sees.
        split: ``train``, ``val`` or ``test``.
        table: annotations of generated scenes.
        mask_size: pixels on a side of the masks of bodies; None: `size`.

    Raises:
        InputError, MissingFileError: it is not there or not whole; says what was expected.
    """
    root = data.root
    assert root is not None  # checked before
    find = _finder(data.images or root)
    if data.dataset == "generated":
        assert table is not None
        return _generated(
            data, recipe, table, size, mask_size or size, recipe.negatives if split == data.train else 0.0
        )
    if data.dataset == "generated-objects":
        assert table is not None
        return _generated_objects(data, recipe, table, size, mask_size or size)
    if data.dataset == "hoi-vqa":
        files = [root] if root.is_file() else sorted(root.rglob("*.txt"))
        rows = [(row.image, *pair) for file in files for row in read_hoi_vqa(file).rows for pair in row.pairs]
        return WordSource(rows, _finder(data.images or (root if root.is_dir() else root.parent)))
    if data.dataset == "damon-2d":
        return ImageMaskSource(root, find, recipe, size)
    if data.dataset == "piad":
        named = _lines(root / f"Img_{split.capitalize()}.txt")
        parsed = [(line, *piad.parse_image_name(Path(line).name)[1:3]) for line in named]
        return PointSource(parsed, _by_object(piad.POINTS, root), piad.POINTS, find, recipe, size, 0.05)
    if data.dataset == "lemon-affordance":
        named = _lines(root / "txt_scripts" / f"{split}.txt")
        parsed = [(line, lemon.object_of(line), lemon.affordance_of(line)) for line in named]
        return PointSource(parsed, _by_object(lemon.POINTS, root), lemon.POINTS, find, recipe, size, 0.03)
    if data.dataset == "pico":
        return PicoSource(root, find, recipe)
    return _smpl(data, recipe, split, find, size, mask_size or size)


def _generated(
    data: ContactDataConfig, recipe: InteractVlmRecipe, table: InteractionTable, size: int, mask_size: int,
    negatives: float,
) -> BodySource:  # fmt: skip
    assert data.root is not None
    body = body_of(data.root, table.files)
    canvas = _body_canvas(upright_body(body.vertices), body.faces, recipe, size, mask_size)
    pairs = scene_pairs(table, read_contacts(data.root, table.files), negatives, recipe.seed)
    lessons = []
    for each in pairs:
        if each.contact is None and not negatives:
            continue
        image = table[each.image]
        name = table.vocabulary.objects[image.labels[each.object]]
        pair = ContactPair(name, image.boxes[each.human], image.boxes[each.object])
        geometry = annotated_pairs(image, [each.human], [each.object])
        parts = () if each.contact is None else each.contact.parts
        lessons.append(BodyLesson(image.file or "", pair, each.vertices, parts, geometry))
    if not any(len(each.vertices) for each in lessons):
        raise InputError(f"{data.root}: the {len(table)} scenes hold no contact of a person with an object")
    mirror = mirrored(body.vertices.astype(np.float64))
    find = _finder(data.images or data.root)
    return BodySource("generated", lessons, find, canvas, recipe, data.min_vertices, mirror)


def _generated_objects(
    data: ContactDataConfig, recipe: InteractVlmRecipe, table: InteractionTable, size: int, mask_size: int
) -> MeshSource:
    assert data.root is not None
    touched = touched_meshes(table, data.root)
    return MeshSource(touched, _finder(data.images or data.root), recipe, size, mask_size, data.min_vertices)


def _smpl(
    data: ContactDataConfig, recipe: InteractVlmRecipe, split: str, find: Callable[[str], Path], size: int,
    mask_size: int,
) -> BodySource:  # fmt: skip
    assert data.root is not None
    if data.body is None:
        raise InputError(f"{data.dataset}: its vertices are SMPL's: give body, a file of SMPL or SMPL-H of your own")
    body = load_body(data.body)
    members = {name: np.flatnonzero(body.deco_part == index) for index, name in enumerate(DECO_PARTS)}
    found: list[BodyContact]
    if data.dataset == "damon":
        below = data.root / split if (data.root / split).is_dir() else data.root
        found = read_damon(below, members, data.foot_ground)
    elif data.dataset == "lemon":
        found = lemon.read_lemon(data.root, split)
    else:
        found = read_rich(data.root, split)
    lessons = [
        BodyLesson(each.image, ContactPair(each.object), each.vertices, each.parts or parts_of(each.vertices, members))
        for each in found
        if len(each.vertices)
    ]
    if lessons and found[0].num_vertices != len(body.vertices):
        raise InputError(
            f"{data.body}: expected a body of {found[0].num_vertices:,} vertices, as {data.dataset} labels, got one of "
            f"{len(body.vertices):,}"
        )
    canvas = _body_canvas(body.vertices, body.faces, recipe, size, mask_size)
    return BodySource(data.dataset, lessons, find, canvas, recipe, data.min_vertices)


def _body_canvas(
    vertices: NDArray[Any], faces: NDArray[Any], recipe: InteractVlmRecipe, size: int, mask_size: int
) -> Canvas:
    """A body's views, which SAM sees at one size, with tables for masks of another."""
    views = views_of(recipe, recipe.model.human_views)
    mesh = draw_views(vertices, faces, views, mask_size)
    shown = mesh if size == mask_size else draw_views(vertices, faces, views, size)
    return canvas_of(shown.images, list(views.values()), mesh.pix_to_face, len(mesh.vertices), mesh.bary, mesh.faces)


def _other_side(part: str) -> str:
    words = {"left": "right", "right": "left"}
    return " ".join(words.get(word, word) for word in part.split(" "))


def _finder(folder: Path) -> Callable[[str], Path]:
    finder = ImageFinder(folder)

    def find(name: str) -> Path:
        path = finder.find(name)
        if path is None:
            raise MissingFileError(f"no image {name} in {folder}")
        return path

    return find


def _by_object(form: PointForm, root: Path) -> dict[str, list[Path]]:
    """Files of points by the object that they are of, in lower case."""
    found: dict[str, list[Path]] = {}
    for file in form.files(root):
        thing = form.read(file).object if form.named else file.stem.split("_")[0]
        found.setdefault(thing.lower(), []).append(file)
    return found


def _lines(path: Path) -> list[str]:
    from interplay.datasets.contact_labels import read_paths

    return read_paths(path)
