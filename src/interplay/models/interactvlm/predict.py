"""Contact in photographs, from pixels and names of objects to scores of vertices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from interplay.body.cameras import OBJECT_DISTANCE, view_set
from interplay.body.lifting import lift_human, lift_object
from interplay.body.views import MeshViews, Paint, draw_views
from interplay.errors import InputError
from interplay.models.contact import ContactPair, VertexContact
from interplay.models.interactvlm.modules import resize_masks
from interplay.models.interactvlm.network import InteractVlm, Masks, expand_images, sam_pixels
from interplay.models.interactvlm.prompts import IMAGE, Template, answer, conversation, question, segmentation_tokens
from interplay.models.pair_geometry import NUM_FEATURES, found_geometry, pair_features

MOST_TOGETHER = 16
"""Questions that go through the network at once."""
_MARKS = (IMAGE, *segmentation_tokens("Gen-Int"), *segmentation_tokens("Gen-Hu-Obj"))
"""What a question may hold once, or not at all."""


class ContactPredictor:
    """A network with its tokenizer and the views of one mesh, for any number of images.

    Args:
        model: in evaluation mode.
        tokenizer: `transformers`', of the published folder.
        vertices, faces: of the body, upright (`interplay.body.views.upright_body`), or of the object
            (`unit_object`).
        kind: ``human`` for contact of a body (``hcontact`` templates), ``object`` for an object's (``ocontact``,
            ``oafford``).
        template, max_new_tokens: how to ask, and the longest answer, unless `predict` is told; by default with body
            parts in words for people, plainly for objects.
        given: see `InteractVlmDecodingOptions`.

    The views are drawn and SAM's embeddings of them computed once.
    """

    def __init__(
        self,
        model: InteractVlm,
        tokenizer: Any,
        vertices: NDArray[Any],
        faces: NDArray[Any],
        kind: str = "human",
        template: Template | None = None,
        max_new_tokens: int = 512,
        given: bool = False,
    ) -> None:
        if kind not in ("human", "object"):
            raise InputError(f"kind: expected human or object, got {kind!r}")
        self.model = model
        self._questions = Questions(model, tokenizer)
        self.kind: Any = kind
        self.template: Template = template or ("hcontact-parts" if kind == "human" else "ocontact")
        self.max_new_tokens = max_new_tokens
        self.given = given
        options = model.options
        views = view_set(options.human_views if kind == "human" else options.object_views)
        paint: Paint = "normals" if kind == "human" else "positions"
        # an object's mesh is drawn from nearer than the conditioning says
        near = {name: view._replace(distance=OBJECT_DISTANCE) for name, view in views.items()}
        drawn = views if kind == "human" else near
        self.views = list(views.values())
        lifted = options.view_size or model.image_size
        self.mesh: MeshViews = draw_views(vertices, faces, drawn, lifted, paint)
        shown = self.mesh if lifted == model.image_size else draw_views(vertices, faces, drawn, model.image_size, paint)
        images = torch.from_numpy(shown.images).permute(0, 3, 1, 2)
        first = next(model.sam.vision_encoder.parameters())
        self._embeddings = model.encode_views(sam_pixels(images, model.image_size).to(first.device, first.dtype))

    def predict(
        self,
        image: NDArray[np.uint8],
        objects: Sequence[str],
        template: Template | None = None,
        answers: Sequence[str] | None = None,
        max_new_tokens: int | None = None,
    ) -> list[VertexContact]:
        """Contact with each of several objects in one photograph; all questions go through the network together.

        Args:
            image: (H, W, 3) RGB.
            objects: names, as in "baseball bat".
            template: how to ask.
            answers: given answers (`prompts.answer`) instead of the language model's own, one per object.
            max_new_tokens: the longest answer.

        Raises:
            InputError: no object, or another number of answers.
        """
        return self._found([image] * len(objects), objects, template, answers, max_new_tokens)

    @torch.no_grad()
    def _found(
        self,
        images: Sequence[NDArray[np.uint8]],
        objects: Sequence[str],
        template: Template | None = None,
        answers: Sequence[str] | None = None,
        max_new_tokens: int | None = None,
        poses: Tensor | None = None,
    ) -> list[VertexContact]:
        """As `predict`, with an image for each object, and `poses` as of `InteractVlm.hidden_states`."""
        longest = self.max_new_tokens if max_new_tokens is None else max_new_tokens
        asking = template or self.template
        if self.given and answers is None:
            asking = "hcontact" if self.kind == "human" else "ocontact"
            names, token_type = [name.replace("_", " ").lower() for name in objects], self.model.options.token_type
            answers = [answer(asking, token_type=token_type, object_name=name, named=True) for name in names]
        asked = self._questions.ask(images, asking, objects, answers, longest)
        masks = self.model(asked.ids, asked.pixels, self._embeddings, self.views, self.kind, asked.mask, poses)
        scores = self._lift(masks)
        return [
            VertexContact(name, score, said, found)
            for name, score, said, found in zip(objects, scores, asked.answers, masks.found.tolist(), strict=True)
        ]

    def predict_pairs(self, image: NDArray[np.uint8], pairs: Sequence[ContactPair]) -> list[VertexContact]:
        """Contact of each pair, `MOST_TOGETHER` of them at a time; see `ContactFinder`.

        The network goes by the names of the objects. Where several people are asked about, which names do not tell
        apart, and in a network that was trained so, it looks at the part of the image about each person and object. One
        that knows poses is told keypoints and boxes, as far as they are known.
        """
        people = {None if pair.human_box is None else tuple(np.asarray(pair.human_box).tolist()) for pair in pairs}
        apart = self.model.options.crops or len(people) > 1
        found: list[VertexContact] = []
        for start in range(0, len(pairs), MOST_TOGETHER):
            some = pairs[start : start + MOST_TOGETHER]
            images = [crop(image, pair) if apart else image for pair in some]
            poses = None if self.model.pose_encoder is None else poses_of(some, image.shape[1], image.shape[0])
            found += self._found(images, [pair.object for pair in some], poses=poses)
        return found

    @property
    def uses_poses(self) -> bool:
        """See `ContactFinder`."""
        return self.model.pose_encoder is not None

    def _lift(self, masks: Masks) -> NDArray[np.float32]:
        """(S, N) scores of vertices."""
        seen, size = self.model.image_size, self.mesh.images.shape[1]
        lift = lift_human if self.kind == "human" else lift_object
        tables = (self.mesh.pix_to_face, self.mesh.bary, self.mesh.faces)
        rows = []
        for logits, found in zip(masks.logits, masks.found.tolist(), strict=True):  # one by one: masks are large
            if not found:
                rows.append(np.zeros(len(self.mesh.vertices), np.float32))
                continue
            full = resize_masks(logits, seen, (seen, seen), (size, size))
            rows.append(lift(full.cpu().numpy(), *tables, len(self.mesh.vertices)))
        return np.stack(rows)


@dataclass(frozen=True)
class ImageContact:
    """Where, in the photograph itself, a person touches an object.

    Attributes:
        object: name of the object asked about.
        logits: (H, W) of the photograph's pixels; the published code takes those above 0.5.
        answer: what the language model said.
        found: whether it asked for a mask.
    """

    object: str
    logits: NDArray[np.float32]
    answer: str
    found: bool

    def mask(self, threshold: float = 0.5) -> NDArray[np.bool_]:
        """(H, W) the pixels in contact."""
        return self.logits > threshold


@torch.no_grad()
def contact_in_image(
    model: InteractVlm,
    tokenizer: Any,
    image: NDArray[np.uint8],
    objects: Sequence[str],
    template: Template = "hcontact",
    answers: Sequence[str] | None = None,
    max_new_tokens: int = 512,
) -> list[ImageContact]:
    """Contact with each of several objects in the photograph itself (the published models of ``h2dcontact``).

    SAM sees the photograph as many times as there are views, by no camera.

    Args:
        model, tokenizer: as of `ContactPredictor`.
        image, objects, template, answers, max_new_tokens: as of `ContactPredictor.predict`.

    Raises:
        InputError: no object, or another number of answers.
    """
    asked = Questions(model, tokenizer).ask([image] * len(objects), template, objects, answers, max_new_tokens)
    first = next(model.sam.vision_encoder.parameters())
    size, views = model.image_size, model.options.views
    photo = sam_pixels(torch.from_numpy(np.array(image)).permute(2, 0, 1)[None], size)
    seen = model.encode_views(photo.to(first.device, first.dtype)).expand(views, -1, -1, -1)
    masks = model(asked.ids, asked.pixels, seen, [None] * views, "image", asked.mask)
    height, width = image.shape[:2]
    scale = size / max(height, width)
    inside = (int(height * scale + 0.5), int(width * scale + 0.5))
    logits = resize_masks(masks.logits.mean(1, keepdim=True), size, inside, (height, width))[:, 0]
    return [
        ImageContact(name, one.cpu().numpy(), answer, found)
        for name, one, answer, found in zip(objects, logits, asked.answers, masks.found.tolist(), strict=True)
    ]


class _Asked(NamedTuple):
    """Questions with their answers: tokens (S, T), which of them count (S, T), the photograph (S, 3, H, W), answers."""

    ids: Tensor
    mask: Tensor
    pixels: Tensor
    answers: list[str]


class Questions:
    """Asks a network's language model about photographs."""

    def __init__(self, model: InteractVlm, tokenizer: Any) -> None:
        self.model, self.tokenizer = model, tokenizer
        self._first = next(model.llava.model.multi_modal_projector.parameters())

    def ask(
        self,
        images: Sequence[NDArray[np.uint8]],
        template: Template,
        objects: Sequence[str],
        answers: Sequence[str] | None,
        max_new_tokens: int,
    ) -> _Asked:
        """Ask about each object in its image, unless answers are given."""
        if not objects or (answers is not None and len(answers) != len(objects)):
            raise InputError(f"expected objects, and an answer for each if any; got {len(objects)}, {answers}")
        for name in objects:
            if not name.strip() or any(mark in name for mark in _MARKS):
                raise InputError(f"expected the name of an object, such as 'baseball bat'; got {name!r}")
        asked = [question(template, name.replace("_", " ")) for name in objects]
        seen = {id(image): self._clip_pixels(image) for image in {id(image): image for image in images}.values()}
        pixels = torch.cat([seen[id(image)] for image in images])
        if answers is not None:
            ids, mask = self.batch([conversation(*pair) for pair in zip(asked, answers, strict=True)], left=False)
            return _Asked(ids, mask, pixels, list(answers))
        ids, mask = self.batch([conversation(each) for each in asked], left=True)
        start = ids.shape[1]
        ids = self.model.generate(ids, pixels, mask, max_new_tokens)
        mask = torch.cat([mask, torch.ones_like(ids[:, start:])], 1)
        said = [self.tokenizer.decode(row[start:], skip_special_tokens=True) for row in ids.tolist()]
        return _Asked(ids, mask, pixels, said)

    def batch(self, texts: Sequence[str], left: bool) -> tuple[Tensor, Tensor]:
        """Tokens (S, T) of texts, filled up on one side, and where they are."""
        rows = [
            expand_images(tokens_of(text, self.tokenizer, self.model.options.image_token_id), self.model.options)
            for text in texts
        ]
        longest, filler = max(map(len, rows)), self.tokenizer.pad_token_id or 0
        ids = torch.full((len(rows), longest), filler)
        mask = torch.zeros_like(ids)
        for index, row in enumerate(rows):
            place = slice(longest - len(row), longest) if left else slice(0, len(row))
            ids[index, place], mask[index, place] = torch.tensor(row), 1
        device = self._first.device
        return ids.to(device), mask.to(device)

    def _clip_pixels(self, image: NDArray[np.uint8]) -> Tensor:
        return clip_pixels(image, self.model).to(self._first.device, self._first.dtype)[None]


def poses_of(pairs: Sequence[ContactPair], width: int, height: int) -> Tensor:
    """(P, F) what a network that knows poses is told of the pairs of an image; NaN for one without both boxes."""
    told = torch.full((len(pairs), NUM_FEATURES), torch.nan)
    rows = [row for row, pair in enumerate(pairs) if pair.human_box is not None and pair.object_box is not None]
    if rows:
        told[rows] = pair_features(found_geometry([pairs[row] for row in rows], width, height))
    return told


def tokens_of(text: str, tokenizer: Any, image_token_id: int) -> list[int]:
    """Tokens of a text with one number for its image: the text's two parts are made into tokens by themselves."""
    first, *others = (list(tokenizer(part).input_ids) for part in text.split(IMAGE))
    start = tokenizer.bos_token_id
    for other in others:
        first = [*first, image_token_id, *(other[1:] if other[:1] == [start] else other)]
    return first


def clip_pixels(image: NDArray[np.uint8], model: InteractVlm) -> Tensor:
    """(3, S, S) what the vision tower sees: the middle square of a photograph."""
    from transformers import CLIPImageProcessor

    seen = model.llava.config.vision_config.image_size
    processor = CLIPImageProcessor(size={"shortest_edge": seen}, crop_size={"height": seen, "width": seen})
    pixels = np.array(image)
    return processor(images=pixels, return_tensors="pt", input_data_format="channels_last")["pixel_values"][0]


def crop(
    image: NDArray[np.uint8], pair: ContactPair, margin: float = 0.1, shift: tuple[float, float] = (0.0, 0.0)
) -> NDArray[np.uint8]:
    """The square (S, S, 3) about a person and an object, with grey beyond the image; all of it without boxes.

    Args:
        margin: what is shown around both, in their longer side.
        shift: how far it is moved to the right and down, in its side.
    """
    if pair.human_box is None and pair.object_box is None:
        return image
    left, top, side = crop_square(pair, margin, shift)
    square = np.full((side, side, 3), 127, np.uint8)
    height, width = image.shape[:2]
    inside = slice(max(top, 0), min(top + side, height)), slice(max(left, 0), min(left + side, width))
    part = image[inside]
    square[inside[0].start - top : inside[0].start - top + len(part), inside[1].start - left :][:, : part.shape[1]] = (
        part
    )
    return square


def crop_square(
    pair: ContactPair, margin: float = 0.1, shift: tuple[float, float] = (0.0, 0.0)
) -> tuple[int, int, int]:
    """Left, top and side of what `crop` shows, in pixels of the image; it may go beyond it."""
    boxes = [np.asarray(box, np.float64) for box in (pair.human_box, pair.object_box) if box is not None]
    x1, y1 = np.min([box[:2] for box in boxes], 0)
    x2, y2 = np.max([box[2:] for box in boxes], 0)
    side = max(int(np.ceil((1 + 2 * margin) * max(x2 - x1, y2 - y1))), 1)
    return round((x1 + x2 - side) / 2 + shift[0] * side), round((y1 + y2 - side) / 2 + shift[1] * side), side
