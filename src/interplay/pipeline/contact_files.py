"""What is written of contact: the result file, scores of every vertex, coloured meshes, and one picture."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from interplay.body.views import MeshViews
from interplay.errors import MissingExtraError
from interplay.files import atomic_path, fitting_name
from interplay.formats import write
from interplay.pipeline.contact import THRESHOLD, ContactResult, ContactTool, PairContact
from interplay.pipeline.pictures import save_picture
from interplay.visual.canvas import Canvas
from interplay.visual.labels import Label, LabelLayout
from interplay.visual.palette import INK, load_font, person_colour
from interplay.visual.placement import KeepClear

if TYPE_CHECKING:
    from PIL import Image

RESULT, PICTURE = "contact.jsonl", "contact.jpg"
_RED = np.array([255.0, 40.0, 40.0])
_GREY = np.array([170.0, 170.0, 170.0])
_PAPER = (255, 255, 255)
_VIEW, _GAP, _TEXT = 300, 12, 18
"""Pixels: side of a view, between pictures, height of text."""
_LONGEST_SIDE, _LINE = 900, 3
"""Of the photograph in the picture, and of lines on it, pixels."""


NOTHING_NEAR = "no object is near a person"
"""What is said where nothing was asked about."""


def write_contact(folder: Path, tool: ContactTool, image: NDArray[np.uint8], result: ContactResult) -> list[Path]:
    """Write what was found.

    ``contact.jsonl`` has the boxes and triplets with contact; ``contact.jpg`` shows the photograph and each pair's
    views. For each pair, such as ``person1_bicycle``, there are ``.npz`` (``scores`` of every vertex, ``vertices`` in
    contact, ``answer``, and ``scores_smplx`` of each body that they were carried to), ``.obj`` and ``.glb``, coloured
    from grey to red.

    Returns:
        The files.

    Raises:
        MissingExtraError: trimesh is not installed.
    """
    try:
        import trimesh  # noqa: F401 - before anything is written
    except ImportError as error:
        raise MissingExtraError("body", "trimesh") from error
    folder.mkdir(parents=True, exist_ok=True)
    written: list[Path] = []
    mesh = tool.finder.mesh
    for pair, name in zip(result.pairs, names_of(result.pairs), strict=True):
        scores = pair.contact.scores
        own = {} if tool.body is None else {"body": np.array(tool.body.name)}
        carried = {each.body.name: each.transfer(scores) for each in tool.onto}
        stored: dict[str, Any] = {
            "scores": scores,
            "vertices": pair.contact.vertices(THRESHOLD),
            "answer": np.array(pair.contact.answer),
            **own,
            **{f"scores_{body}": values for body, values in carried.items()},
        }
        targets = {end: folder / fitting_name(name, end) for end in (".npz", ".obj", ".glb")}
        with atomic_path(targets[".npz"]) as temporary, Path(temporary).open("wb") as stream:
            np.savez_compressed(stream, **stored)
        _write_meshes(targets, mesh.vertices, mesh.faces, scores)
        written += targets.values()
        for onto in tool.onto:
            more = {end: folder / fitting_name(f"{name}_{onto.body.name}", end) for end in (".obj", ".glb")}
            _write_meshes(more, onto.body.vertices, onto.body.faces, carried[onto.body.name])
            written += more.values()
    write([result.interactions], folder / RESULT)
    save_picture(picture(image, tool, result), folder / PICTURE)
    return [*written, folder / RESULT, folder / PICTURE]


def names_of(pairs: Sequence[PairContact]) -> list[str]:
    """Names of the pairs' files: person and object, with a number where one has several of a kind."""
    names: list[str] = []
    for pair in pairs:
        thing = "".join(c if c.isalnum() or c in "-_" else "_" for c in pair.contact.object.strip()) or "object"
        name = f"person{pair.person}_{thing}" if pair.person else thing
        repeats = sum(other == name or (other.startswith(f"{name}-") and other[len(name) + 1 :].isdecimal())
                      for other in names)  # fmt: skip
        names.append(f"{name}-{repeats + 1}" if repeats else name)
    return names


def _write_meshes(
    targets: dict[str, Path], vertices: NDArray[Any], faces: NDArray[Any], scores: NDArray[np.floating]
) -> None:
    with atomic_path(targets[".obj"]) as temporary:
        Path(temporary).write_text(coloured_obj(vertices, faces, scores), encoding="ascii")
    with atomic_path(targets[".glb"]) as temporary:
        Path(temporary).write_bytes(coloured_glb(vertices, faces, scores))


def coloured_obj(vertices: NDArray[Any], faces: NDArray[Any], scores: NDArray[np.floating]) -> str:
    """An OBJ file's text, each vertex between grey and red by its score."""
    colours = _blend(scores) / 255
    lines = [f"v {x:.5f} {y:.5f} {z:.5f} {r:.3f} {g:.3f} {b:.3f}" for x, y, z, r, g, b in np.c_[vertices, colours]]
    lines += [f"f {a} {b} {c}" for a, b, c in (faces + 1).tolist()]
    return "\n".join(lines) + "\n"


def coloured_glb(vertices: NDArray[Any], faces: NDArray[Any], scores: NDArray[np.floating]) -> bytes:
    """A GLB file's content, each vertex between grey and red by its score; y up."""
    import trimesh

    rgba = np.column_stack([_blend(scores), np.full(len(vertices), 255)]).astype(np.uint8)
    content: Any = trimesh.Trimesh(vertices, faces, vertex_colors=rgba, process=False).export(file_type="glb")
    return bytes(content)


def picture(image: NDArray[np.uint8], tool: ContactTool, result: ContactResult) -> NDArray[np.uint8]:
    """The photograph with its people and what they touch, and beside it each pair in words, with views where there is
    contact, in red: (H, W, 3)."""
    from PIL import Image, ImageDraw

    photograph = _photograph(image, result)
    mesh, font = tool.finder.mesh, load_font(_TEXT)
    rows = 2 if sum(pair.touches for pair in result.pairs) == 1 else 1  # a photograph is about as high as two
    blocks = [
        (pair.in_words(), _strip(mesh, pair.contact.scores, rows) if pair.touches else None) for pair in result.pairs
    ] or [(NOTHING_NEAR, None)]
    longest = min(max(int(font.getlength(words)) + 1 for words, _ in blocks), _LONGEST_SIDE)
    width = max(longest, *(0 if strip is None else strip.width for _, strip in blocks))
    line = _TEXT + _GAP
    height = sum(line if strip is None else line + strip.height + _GAP for _, strip in blocks)
    page = Image.new("RGB", (photograph.width + width + 3 * _GAP, max(photograph.height, height) + 2 * _GAP), _PAPER)
    page.paste(photograph, (_GAP, _GAP))
    pen, left, top = ImageDraw.Draw(page), photograph.width + 2 * _GAP, _GAP
    for words, strip in blocks:
        while len(words) > 4 and pen.textlength(words, font=font) > width:
            words = words[:-4] + "..."
        pen.text((left, top), words, font=font, fill=INK)
        top += line
        if strip is not None:
            page.paste(strip, (left, top))
            top += strip.height + _GAP
    return np.asarray(page)


def _strip(mesh: MeshViews, scores: NDArray[np.floating], rows: int) -> Image.Image:
    """All views in some rows, each cut to what it shows and of one height, contact in red."""
    from PIL import Image

    painted = []
    for pixels, faces, bary in zip(mesh.images, mesh.pix_to_face, mesh.bary, strict=True):
        there = faces >= 0
        of_pixel = (np.asarray(scores)[mesh.faces[faces[there]]] * bary[there]).sum(-1).clip(0, 1)[:, None]
        # shades of grey, so that red alone has a colour
        grey = 90 + 0.65 * pixels[there].mean(-1, keepdims=True).repeat(3, -1)
        view = pixels.copy()
        view[there] = ((1 - 0.8 * of_pixel) * grey + 0.8 * of_pixel * _RED).round()
        down, across = np.flatnonzero(there.any(1)), np.flatnonzero(there.any(0))
        if len(down):
            view = view[down[0] : down[-1] + 1, across[0] : across[-1] + 1]
        image = Image.fromarray(view)
        painted.append(
            image.resize((max(1, round(image.width * _VIEW / image.height)), _VIEW), Image.Resampling.LANCZOS)
        )
    per_row = -(-len(painted) // rows)
    lines = [painted[start : start + per_row] for start in range(0, len(painted), per_row)]
    columns = [max(line[i].width for line in lines if i < len(line)) for i in range(per_row)]
    page = Image.new("RGB", (sum(columns) + _GAP * (per_row - 1), len(lines) * (_VIEW + _GAP) - _GAP), _PAPER)
    for number, line in enumerate(lines):
        for i, view in enumerate(line):
            page.paste(view, (sum(columns[:i]) + i * _GAP, number * (_VIEW + _GAP)))
    return page


def _photograph(image: NDArray[np.uint8], result: ContactResult) -> Image.Image:
    """The photograph with numbered boxes of people, and of the objects that they touch."""
    from PIL import Image

    scale = min(1.0, _LONGEST_SIDE / max(image.shape[:2]))
    size = max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale))
    drawn = Image.fromarray(np.ascontiguousarray(image)).resize(size, Image.Resampling.LANCZOS)
    canvas, clear = Canvas(size, _LINE), list[KeepClear]()
    labels: dict[tuple[Any, ...], Label] = {}
    for pair in result.pairs:
        colour = person_colour(max(pair.person, 1))
        for box, text in ((pair.pair.object_box, pair.contact.object), (pair.pair.human_box, f"person {pair.person}")):
            if box is None or (box is pair.pair.object_box and not pair.touches):
                continue
            x1, y1, x2, y2 = (np.asarray(box, np.float64) * scale).clip(0, [*size, *size]).tolist()
            label = Label(text, np.array([x1, y1]), colour, needed=box is pair.pair.human_box)
            if labels.setdefault((text, x1, y1, x2, y2), label) is not label:
                continue  # a person of several pairs
            canvas.line(canvas.outline(np.array([x1, y1, max(x2, x1 + 1), max(y2, y1 + 1)]), _LINE), colour, _LINE)
            head = y1 + (y2 - y1) / 4
            clear.append(KeepClear((x1, y1, x2, y2 if box is pair.pair.object_box else head), 1.0))
    LabelLayout(list(labels.values()), size, clear).draw(canvas)
    return Image.fromarray(canvas.over(np.asarray(drawn)))


def _blend(scores: Any) -> NDArray[np.float64]:
    share = np.asarray(scores, np.float64)[..., None].clip(0, 1)
    return share * _RED + (1 - share) * _GREY
