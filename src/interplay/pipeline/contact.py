"""Contact in a photograph: who loads, asks, and writes it down."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from interplay.body.contact import part_names
from interplay.body.model import PARTS, load_body_model
from interplay.body.views import MeshViews, unit_object, upright_body
from interplay.containers.meshes import read_mesh
from interplay.datasets.damon import parts_of
from interplay.errors import InputError, MissingExtraError
from interplay.files import atomic_path

if TYPE_CHECKING:
    from interplay.models.interactvlm.predict import ContactPredictor, VertexContact

MOST_FACES = 500_000
"""Of an object's mesh."""
_RED = np.array([255.0, 40.0, 40.0])
_GREY = np.array([170.0, 170.0, 170.0])


@dataclass(frozen=True)
class Found:
    """Contact with one object.

    Attributes:
        contact: scores and what the language model said.
        parts: names of the body parts of which at least a tenth is in contact, most vertices first; empty for contact
            of an object.
    """

    contact: VertexContact
    parts: tuple[str, ...]

    def in_words(self) -> str:
        """One line."""
        count = len(self.contact.vertices())
        if not self.contact.found:
            return f"{self.contact.object}: the model names no contact"
        where = ", ".join(self.parts) or ("no vertex" if not count else "touched")
        return f"{self.contact.object}: {where} ({count:,} of {len(self.contact.scores):,} vertices)"


def load_contact(model: str | Path, mesh: Path | None = None, device: str | None = None) -> ContactPredictor:
    """What finds contact on the built-in body, or on an object's mesh.

    Args:
        model: a folder of published weights, or one that ``interplay import interactvlm`` wrote.
        mesh: the object's mesh; None for contact of people.
        device: where to run, by default the CPU.

    Raises:
        MissingFileError, MissingExtraError, InputError: something is not there or cannot be read.
    """
    try:
        from transformers import AutoTokenizer
    except ImportError as error:
        raise MissingExtraError("contact", "transformers") from error
    from interplay.devices import choose_device
    from interplay.models.interactvlm.predict import ContactPredictor
    from interplay.models.published import load_published

    if mesh is None:
        body = load_body_model()
        vertices, faces = upright_body(body.template.vertices), body.faces
    else:
        read = read_mesh(mesh, MOST_FACES)
        vertices, faces = unit_object(read.vertices), read.faces
    network = load_published("interactvlm", model)
    try:
        tokenizer = AutoTokenizer.from_pretrained(str(model), local_files_only=True)
    except (OSError, ValueError, ImportError, KeyError) as error:
        raise InputError(f"{model}: no tokenizer that can be read ({' '.join(str(error).split())[:200]})") from None
    if device is not None:
        network = network.to(choose_device(device))
    return ContactPredictor(network, tokenizer, vertices, faces, "human" if mesh is None else "object")


def find_contact(predictor: ContactPredictor, image: NDArray[np.uint8], objects: Sequence[str]) -> list[Found]:
    """Contact with each of some objects, with names of body parts."""
    part = load_body_model().part if predictor.kind == "human" else None
    members = {} if part is None else {name: np.nonzero(part == index)[0] for index, name in enumerate(PARTS)}
    found = []
    for contact in predictor.predict(image, objects):
        touched = contact.vertices()
        enough = parts_of(touched, members)
        ordered = () if part is None else part_names(part[touched])
        found.append(Found(contact, tuple(name for name in ordered if name in enough)))
    return found


def write_contact(
    folder: Path, predictor: ContactPredictor, image: NDArray[np.uint8], found: Sequence[Found]
) -> list[Path]:
    """Write what was found: ``contact.json``, and for each object ``.npz``, a coloured ``.obj`` and a picture.

    Returns:
        The files.
    """
    folder.mkdir(parents=True, exist_ok=True)
    written, records = [], []
    for each in found:
        name = _file_name(each.contact.object)
        scores = each.contact.scores
        written += [folder / f"{name}.npz", folder / f"{name}.obj", folder / f"{name}.jpg"]
        with atomic_path(written[-3]) as temporary, Path(temporary).open("wb") as stream:
            np.savez_compressed(stream, scores=scores, vertices=each.contact.vertices())
        with atomic_path(written[-2]) as temporary:
            Path(temporary).write_text(coloured_obj(predictor.mesh, scores), encoding="ascii")
        with atomic_path(written[-1]) as temporary:
            _save_picture(temporary, picture(image, predictor.mesh, scores))
        records.append(
            {
                "object": each.contact.object,
                "found": each.contact.found,
                "answer": each.contact.answer,
                "parts": list(each.parts),
                "vertices": each.contact.vertices().tolist(),
            }
        )
    written.append(folder / "contact.json")
    with atomic_path(written[-1]) as temporary:
        content = {"of": predictor.kind, "num_vertices": len(predictor.mesh.vertices), "contact": records}
        Path(temporary).write_text(json.dumps(content, indent=1), encoding="utf-8")
    return written


def coloured_obj(mesh: MeshViews, scores: NDArray[np.floating]) -> str:
    """An OBJ file's text, each vertex between grey and red by its score."""
    colours = _blend(scores) / 255
    lines = [f"v {x:.5f} {y:.5f} {z:.5f} {r:.3f} {g:.3f} {b:.3f}" for x, y, z, r, g, b in np.c_[mesh.vertices, colours]]
    lines += [f"f {a} {b} {c}" for a, b, c in (mesh.faces + 1).tolist()]
    return "\n".join(lines) + "\n"


def picture(image: NDArray[np.uint8], mesh: MeshViews, scores: NDArray[np.floating]) -> NDArray[np.uint8]:
    """The photograph, and beside it the views with contact in red: (H, W, 3)."""
    from PIL import Image

    there = mesh.pix_to_face >= 0
    corners = mesh.faces[mesh.pix_to_face[there]]
    of_pixel = (np.asarray(scores)[corners] * mesh.bary[there]).sum(-1)
    painted = mesh.images.copy()
    painted[there] = (0.5 * painted[there] + 0.5 * _blend(of_pixel)).round()
    half = -(-len(painted) // 2)
    rows = [np.concatenate(list(part), 1) for part in (painted[:half], painted[half:]) if len(part)]
    width = max(row.shape[1] for row in rows)
    rows = [np.pad(row, ((0, 0), (0, width - row.shape[1]), (0, 0)), constant_values=255) for row in rows]
    views = np.concatenate(rows, 0)
    height = 768
    sides = [
        np.asarray(Image.fromarray(each).resize((max(1, round(each.shape[1] * height / each.shape[0])), height)))
        for each in (np.ascontiguousarray(image), views)
    ]
    return np.concatenate(sides, 1)


def _blend(scores: Any) -> NDArray[np.float64]:
    share = np.asarray(scores, np.float64)[..., None].clip(0, 1)
    return share * _RED + (1 - share) * _GREY


def _save_picture(path: str | Path, pixels: NDArray[np.uint8]) -> None:
    from PIL import Image

    Image.fromarray(pixels).save(path, format="JPEG", quality=90)


def _file_name(name: str) -> str:
    """An object's name as a file's, without what would lead elsewhere."""
    return "".join(letter if letter.isalnum() or letter in "-_" else "_" for letter in name.strip()) or "object"
