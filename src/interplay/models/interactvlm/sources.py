"""The data sets of contact as questions about images with answers, and what masks are drawn on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from interplay.body.bodies import load_body
from interplay.body.cameras import View, look_at, view_set
from interplay.body.lifting import contact_mask
from interplay.body.parts import DECO_PARTS
from interplay.body.splatting import draw_points, point_table, position_colours
from interplay.body.views import draw_views, upright_body
from interplay.datasets import lemon, piad
from interplay.datasets.affordance import PointAffordance, PointForm
from interplay.datasets.contact_labels import BodyContact
from interplay.datasets.damon import parts_of, read_damon
from interplay.datasets.generated.contacts import body_of, mirrored, read_contacts
from interplay.datasets.hoi_vqa import read_hoi_vqa
from interplay.datasets.images import ImageFinder
from interplay.datasets.rich import read_rich
from interplay.errors import InputError, MissingFileError
from interplay.images import read_image
from interplay.models.contact import ContactPair
from interplay.models.interactvlm.losses import IGNORED
from interplay.models.interactvlm.model import Canvas
from interplay.models.interactvlm.predict import crop
from interplay.models.interactvlm.prompts import Template, TokenType, answer, question
from interplay.models.interactvlm.recipe import ContactDataConfig, InteractVlmRecipe
from interplay.table import InteractionTable

WORDINGS = 5
"""Of each question and answer."""


@dataclass(frozen=True)
class Taught:
    """A mask to learn.

    Attributes:
        canvas: what it is drawn on; the same object for all samples of one body.
        masks: (V, H, W); see `losses.ContactSample`.
        target: (N,) of vertices or points, empty for masks alone.
        dataset: which names the kind of label.
    """

    canvas: Canvas
    masks: Tensor
    target: Tensor
    dataset: str


@dataclass(frozen=True)
class Lesson:
    """One image with a question and the answer to learn.

    Attributes:
        image: (H, W, 3) uint8.
        asked, answered: in words.
        taught: the mask of the answer; None for an answer in words.
    """

    image: NDArray[np.uint8]
    asked: str
    answered: str
    taught: Taught | None


class Source(Protocol):
    """A data set."""

    def __len__(self) -> int:
        """Number of lessons."""
        ...

    def name(self, index: int) -> str:
        """The image's name."""
        ...

    def lesson(self, index: int, rng: np.random.Generator, training: bool = True) -> Lesson:
        """One lesson, asked in a wording drawn at random; in validation always in the same, without body parts.

        Raises:
            ImageError, MissingFileError: its image cannot be read.
        """
        ...


@dataclass(frozen=True)
class BodyLesson:
    """Where one person touches one object.

    Attributes:
        file: the image's name.
        pair: object and, where they are known, boxes.
        vertices: in contact.
        parts: body parts in contact, in words.
    """

    file: str
    pair: ContactPair
    vertices: NDArray[np.int64]
    parts: tuple[str, ...]


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

    def __len__(self) -> int:
        return len(self.lessons)

    def name(self, index: int) -> str:
        """The image's name."""
        return self.lessons[index].file

    def lesson(self, index: int, rng: np.random.Generator, training: bool = True) -> Lesson:
        """See `Source`."""
        lesson, recipe = self.lessons[index], self._recipe
        image, parts = read_image(self._find(lesson.file)), lesson.parts
        if self._name.startswith("generated"):
            image = crop(image, lesson.pair, float(rng.uniform(0.05, 0.2)) if training else 0.1)
        target = np.zeros(int(self.canvas.count), bool)
        target[lesson.vertices] = True
        if training and recipe.flip and self._mirror is not None and rng.random() < 0.5:
            image, target = np.ascontiguousarray(image[:, ::-1]), target[self._mirror]
            parts = tuple(_other_side(part) for part in parts)
        plain = not parts or not training or rng.random() < recipe.part_dropout
        template: Template = "hcontact" if plain else recipe.template
        asked, answered = _words(template, lesson.pair.object, rng, training, recipe.model.token_type, ", ".join(parts))
        return Lesson(image, asked, answered, self._taught(torch.from_numpy(target)))

    def _taught(self, target: Tensor) -> Taught:
        there = self.canvas.pix_to_face >= 0
        mask = contact_mask(target, self.canvas.pix_to_face, self.canvas.faces, self._min_vertices)
        return Taught(self.canvas, torch.where(there, mask.float(), float(IGNORED)), target.float(), self._name)


class PointSource:
    """Affordance of objects as point clouds: an image of an affordance, with a shape of the same object that has it.

    Args:
        images: names with object and affordance.
        shapes: files of points by object, in lower case.
        form: how they are written.
        find: from an image's name to its file.
        radius: of a point in the views.
    """

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
        views = _views(self._recipe, self._recipe.model.object_views)
        R, T = (np.stack(each) for each in zip(*(look_at(*view) for view in views.values()), strict=True))
        points, size = cloud.normalised, self._size
        table = point_table(points, R, T, size, self._radius)
        pictures = draw_points(points, position_colours(points), R, T, size, self._radius)
        canvas = _canvas(pictures, list(views.values()), table, len(points))
        target = torch.from_numpy(cloud.of(affordance).astype(np.float32))
        heat = torch.where(canvas.pix_to_face >= 0, target[canvas.pix_to_face.clamp(min=0)], float(IGNORED))
        asked, answered = _words(
            "oafford-kind", thing, rng, training, self._recipe.model.token_type, affordance=affordance
        )
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


class ImageMaskSource:
    """Contact in photographs themselves: DAMON's, projected (``contact_render_2d/OBJECT/STEM_contact_mask.png``)."""

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
        asked, answered = _words("hcontact", thing, rng, training, self._recipe.model.token_type)
        return Lesson(image, asked, answered, Taught(canvas, mask.expand(views, -1, -1), empty, "damon_h2dcontact"))


class WordSource:
    """Questions that are answered in words: HOI-VQA.

    Args:
        rows: image, question and answer.
        find: from an image's name to its file.
    """

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
        return _generated(data, recipe, table, size, mask_size or size)
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
    data: ContactDataConfig, recipe: InteractVlmRecipe, table: InteractionTable, size: int, mask_size: int
) -> BodySource:
    assert data.root is not None
    body = body_of(data.root, table.files)
    canvas = _body_canvas(upright_body(body.vertices), body.faces, recipe, size, mask_size)
    lessons = []
    for image, contacts in zip(table, read_contacts(data.root, table.files), strict=True):
        for contact in contacts:
            if contact.object is None:
                continue
            name = table.vocabulary.objects[image.labels[contact.object]]
            pair = ContactPair(name, image.boxes[contact.human], image.boxes[contact.object])
            lessons.append(BodyLesson(image.file or "", pair, contact.body_vertices, contact.parts))
    if not lessons:
        raise InputError(f"{data.root}: the {len(table)} scenes hold no contact of a person with an object")
    mirror = mirrored(body.vertices.astype(np.float64))
    find = _finder(data.images or data.root)
    return BodySource("generated", lessons, find, canvas, recipe, data.min_vertices, mirror)


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


class PicoSource:
    """Contact of objects' meshes: PICO's prepared files ``sam_IMAGE_VIEW.png``, ``mask_IMAGE_VIEW.png`` and
    ``p2vmap_IMAGE_VIEW.npz``."""

    def __init__(self, root: Path, find: Callable[[str], Path], recipe: InteractVlmRecipe) -> None:
        self._views = _views(recipe, recipe.model.object_views)
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
        from interplay.datasets.pico import object_of, read_pixel_map

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
        canvas = _canvas(pictures, list(self._views.values()), table, count, bary, faces)
        touched = faces[table[there & masks]].reshape(-1)
        target = torch.zeros(count)
        target[torch.from_numpy(touched)] = 1
        thing = object_of(self.name(index))
        asked, answered = _words("ocontact", thing, rng, training, self._recipe.model.token_type)
        wanted = torch.from_numpy(np.where(there, masks, IGNORED).astype(np.float32))
        taught = Taught(canvas, wanted, target, "pico_ocontact")
        return Lesson(read_image(self._find(self.name(index))), asked, answered, taught)


def _body_canvas(
    vertices: NDArray[Any], faces: NDArray[Any], recipe: InteractVlmRecipe, size: int, mask_size: int
) -> Canvas:
    """A body's views, which SAM sees at one size, with tables for masks of another."""
    views = _views(recipe, recipe.model.human_views)
    mesh = draw_views(vertices, faces, views, mask_size)
    shown = mesh if size == mask_size else draw_views(vertices, faces, views, size)
    return _canvas(shown.images, list(views.values()), mesh.pix_to_face, len(mesh.vertices), mesh.bary, mesh.faces)


def _canvas(
    images: NDArray[np.uint8], views: Sequence[View], table: NDArray[np.int64], count: int,
    bary: NDArray[Any] | None = None, faces: NDArray[Any] | None = None,
) -> Canvas:  # fmt: skip
    return Canvas(
        torch.from_numpy(np.array(images)).permute(0, 3, 1, 2).contiguous(),
        torch.tensor([list(view) for view in views], dtype=torch.float32),
        torch.from_numpy(np.array(table)),
        torch.zeros(0) if bary is None else torch.from_numpy(np.array(bary, np.float32)),
        torch.zeros(0, 3, dtype=torch.int64) if faces is None else torch.from_numpy(np.array(faces, np.int64)),
        torch.tensor(count),
    )


def _views(recipe: InteractVlmRecipe, name: str) -> dict[str, View]:
    """The first views of a set, as many as the recipe takes."""
    found = view_set(name)
    if len(found) < recipe.model.views:
        raise InputError(f"model.views: {name} has {len(found)} views, got {recipe.model.views}")
    return dict(list(found.items())[: recipe.model.views])


def _words(
    template: Template, thing: str, rng: np.random.Generator, training: bool, token_type: TokenType,
    parts: str = "", affordance: str = "",
) -> tuple[str, str]:  # fmt: skip
    name = thing.replace("_", " ").lower()
    first, second = rng.integers(WORDINGS, size=2).tolist() if training else (0, 0)
    return question(template, name, first), answer(template, second, token_type, parts, affordance, name)


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
