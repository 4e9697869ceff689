"""Reading images safely, and finding them: files, folders, patterns, a list on standard input."""

from __future__ import annotations

import codecs
import glob
import io
import os
import re
import stat
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO, TypeAlias

import numpy as np
from numpy.typing import NDArray

from interplay.errors import InputError, MissingFileError
from interplay.files import home_path

if TYPE_CHECKING:
    from PIL import Image

    ImageSource: TypeAlias = str | os.PathLike[str] | bytes | NDArray | Image.Image

MAX_PIXELS = 89_478_485
"""Default limit on width x height: a quarter of a gigabyte of RGB, beyond any usual camera."""

# A file larger than these tell holds no image within the limit on pixels: four values of 16 bits, and much beside them.
_BYTES_PER_PIXEL = 8
_MOST_EXTRA = 64 << 20

IMAGE_SUFFIXES = frozenset(
    f".{suffix}"
    for suffix in (
        "jpg", "jpeg", "jpe", "jfif", "mpo", "png", "apng", "webp", "gif", "bmp", "dib", "tif", "tiff",
        "ppm", "pgm", "pbm", "pnm", "jp2", "avif", "tga",
    )
)  # fmt: skip
"""What counts as an image inside a folder or a pattern."""

WRITTEN_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp")
"""What the name of a picture that is written may end in."""

# Formats that Pillow decodes by itself. EPS and the like, for which it starts other programs, are not among them.
_FORMATS = ("JPEG", "MPO", "PNG", "WEBP", "GIF", "BMP", "DIB", "TIFF", "PPM", "JPEG2000", "AVIF", "TGA", "HEIF")

# First bytes of files that are often mistaken for images -> what to tell.
_MISTAKEN = (
    (b"<!doctype html", "it is a web page (HTML), probably an error page that was saved instead of the image"),
    (b"<html", "it is a web page (HTML), probably an error page that was saved instead of the image"),
    (b"<?xml", "it is an XML or SVG document; export it as PNG"),
    (b"<svg", "it is an SVG drawing; export it as PNG"),
    (b"%!ps", "it is PostScript; export it as PNG"),
    (b"%pdf", "it is a PDF document; export its pages as PNG"),
    (b"version https://git-lfs", "it is a Git LFS pointer; run: git lfs pull"),
    (b"{", "it is a JSON text, probably an error message that was saved instead of the image"),
)

# EXIF orientation (tag 0x0112) -> axes to swap and flip: (transpose, flip rows, flip columns)
_ORIENTATIONS = {
    2: (False, False, True),
    3: (False, True, True),
    4: (False, True, False),
    5: (True, False, False),
    6: (True, False, True),
    7: (True, True, True),
    8: (True, True, False),
}

_pillow_limit_lock = threading.Lock()


class ImageError(InputError):
    """One image cannot be read. A caller with many images skips it and names `file`.

    Attributes:
        file: the image's path, or what the caller called it.
        reason: what is wrong and, where there is a way, what to do.
    """

    def __init__(self, file: str, reason: str) -> None:
        self.file = file
        self.reason = reason
        super().__init__(f"{file}: {reason}")


def read_image(source: ImageSource, *, max_pixels: int = MAX_PIXELS) -> NDArray[np.uint8]:
    """An image as (H, W, 3) uint8 RGB, upright.

    The EXIF orientation is applied; transparency is laid on white; palette, greyscale, CMYK and bilevel images
    become RGB; of an animation the first frame is taken. 16-bit values are scaled from 0..65535; floating-point
    values from 0..1, or from 0..255 if any is above 1.

    Args:
        source: a path, an image file's bytes, a Pillow image, or an array or tensor (H, W), (H, W, 1), (H, W, 3) RGB
            or (H, W, 4) RGBA, channels last, of uint8, uint16, bool or floating point.
        max_pixels: limit on width x height, checked before anything is decoded.

    Raises:
        MissingFileError: no such file.
        ImageError: not an image, truncated, damaged or too large; names the file.

    Example:
        >>> read_image(np.zeros((4, 6))).shape
        (4, 6, 3)
    """
    from PIL import Image

    if isinstance(source, (str, os.PathLike)):
        return _decode(io.BytesIO(_content(os.fspath(source), max_pixels)), text_name(source), max_pixels)
    if isinstance(source, (bytes, bytearray, memoryview)):
        return _decode(io.BytesIO(source), "image bytes", max_pixels)
    if isinstance(source, Image.Image):
        return _to_rgb(source, "image", max_pixels)
    return _from_array(source)


def _content(name: str, max_pixels: int) -> bytes:
    """A file's bytes, after a look at what it is and how large."""
    shown = text_name(name)
    try:
        path = home_path(_named(name))
        state = path.stat()
        if not stat.S_ISREG(state.st_mode):
            raise ImageError(shown, f"cannot be read: it is {_kind(state.st_mode)}, not a file")
        if state.st_size > max_pixels * _BYTES_PER_PIXEL + _MOST_EXTRA:
            raise ImageError(
                shown,
                f"{state.st_size / 1e9:,.1f} GB, more than any image of {max_pixels:,} pixels has; it is not read",
            )
        return path.read_bytes()
    except ImageError:
        raise
    except FileNotFoundError:
        raise MissingFileError(f"no image {shown}{_url_hint(shown)}") from None
    except OSError as error:  # no permission, a link to itself, a failing disk
        raise ImageError(shown, f"cannot be read: {error.strerror or error}") from error
    except ValueError as error:  # a name with a zero byte
        raise MissingFileError(f"no image {shown!r}: {error}") from None
    except MemoryError:
        raise ImageError(shown, "not enough memory to read it") from None


def image_size(path: str | os.PathLike[str]) -> tuple[int, int] | None:
    """Width and height of an image file in pixels, as it is stored, without decoding it; None where it is no image."""
    from PIL import Image

    try:
        place = home_path(_named(os.fspath(path)))
        if not stat.S_ISREG(place.stat().st_mode):
            return None
        with _without_pillow_limit(), Image.open(place, formats=_known_formats()) as image:
            return image.size
    except Exception:  # whoever reads it says what is wrong
        return None


def _known_formats() -> list[str]:
    from PIL import Image

    Image.init()
    return [known for known in _FORMATS if known in Image.OPEN]


def _kind(mode: int) -> str:
    kinds = {stat.S_IFDIR: "a folder", stat.S_IFIFO: "a pipe", stat.S_IFSOCK: "a socket"}
    return kinds.get(stat.S_IFMT(mode), "a device")


def text_name(path: str | os.PathLike[str]) -> str:
    """A path as text that every file and console takes: bytes that are not UTF-8 are written ``\\xe9``.

    `read_image` finds the file under this name too.
    """
    try:
        raw = os.fsencode(path)
    except UnicodeEncodeError:  # text already, in a locale that knows ASCII only
        raw = os.fspath(path).encode("utf-8", "surrogateescape")
    return raw.decode("utf-8", "backslashreplace")


def _named(name: str) -> Path:
    """The file that `text_name` called so, where there is none of just this name."""
    try:
        path = Path(os.fsdecode(os.fsencode(name)))
    except UnicodeEncodeError:  # a locale that knows ASCII only
        return Path(os.fsdecode(name.encode("utf-8", "surrogateescape")))
    if "\\x" not in name or os.path.lexists(path):
        return path
    raw = re.sub(rb"\\x([89a-f][0-9a-f])", lambda found: bytes.fromhex(found[1].decode()), os.fsencode(name))
    return Path(os.fsdecode(raw))


def path_inside(folder: str | os.PathLike[str], name: str) -> Path:
    """Where a file of this name lies below a folder, for names that somebody else wrote.

    Raises:
        ImageError: the name leads out of the folder; links in it are followed.
    """
    base = os.path.abspath(folder)  # noqa: PTH100  # resolve() would follow links
    full = os.path.normpath(os.path.join(base, name))  # noqa: PTH118  # nothing like .. is left for the system
    if not Path(full).is_relative_to(base):
        raise ImageError(
            name, f"the name leads out of the folder {folder}, so it is not read unless asked for (outside)"
        )
    return Path(full)


def find_images(specs: Iterable[str | os.PathLike[str]], stdin: TextIO | None = None) -> list[Path]:
    """The image files that `specs` name, in order, each once.

    A folder below one of them that cannot be looked into stands in the list itself, so that whoever reads the images
    names it.

    Args:
        specs: files (taken whatever their suffix), folders (searched recursively for `IMAGE_SUFFIXES`, sorted,
            hidden files left out), patterns such as ``"photos/**/*.jpg"``, and ``"-"`` for a list on standard
            input, one of the former a line, in UTF-8 or, with its mark, UTF-16.
        stdin: what ``"-"`` reads; `sys.stdin` by default.

    Raises:
        InputError: something named does not exist, or a folder, pattern or list holds no image; names it.
    """
    found: dict[str, Path] = {}
    for spec in _with_listed(specs, stdin):
        for path in _expand(spec):
            found.setdefault(os.path.abspath(path), path)  # noqa: PTH100  # resolve() would follow links
    return list(found.values())


def _with_listed(specs: Iterable[str | os.PathLike[str]], stdin: TextIO | None) -> Iterator[str]:
    for spec in specs:
        if spec != "-":
            yield os.fspath(spec)
            continue
        listed = [line for line in _list_text(stdin or sys.stdin).splitlines() if line.strip()]
        if not listed:
            raise InputError("standard input names no image: expected a list of files and folders, one a line")
        for line in listed:
            # blanks around a name may belong to it
            yield line if os.path.lexists(line) or not line.strip() else line.strip()


def _list_text(stream: TextIO | None) -> str:
    """The names on standard input, whatever wrote them: Windows' shells mark their text, and some use UTF-16."""
    if stream is None:
        return ""
    if not hasattr(stream, "buffer"):
        return stream.read().removeprefix("\ufeff")
    raw: bytes = stream.buffer.read()
    if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        encoding = "utf-16"
    elif len(raw) > 3 and 0 in raw[:2]:  # UTF-16 without its mark: every other byte of a Latin letter is 0
        encoding = "utf-16-le" if raw[1] == 0 else "utf-16-be"
    else:
        return os.fsdecode(raw.removeprefix(codecs.BOM_UTF8))
    try:
        return raw.decode(encoding)
    except UnicodeDecodeError as error:
        raise InputError(f"standard input: a list in {encoding.upper()} that is damaged: {error.reason}") from None


def _expand(spec: str) -> list[Path]:
    try:
        path = home_path(spec)
        if path.is_dir():
            images = sorted(_walk(path))
            if not images:
                raise InputError(f"no image in the folder {spec} (looked for {', '.join(sorted(IMAGE_SUFFIXES))})")
            return images
        if os.path.lexists(path):
            return [path]
        if glob.has_magic(spec):
            matches = (Path(match) for match in glob.glob(str(path), recursive=True))  # noqa: PTH207  # has_magic's twin
            images = sorted(m for m in matches if m.suffix.lower() in IMAGE_SUFFIXES and not m.is_dir())
            if not images:
                raise InputError(f"no image matches the pattern {spec}")
            return images
    except (OSError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise InputError(f"{text_name(spec)[:300]!r} cannot be looked up: {reason}") from None
    raise InputError(f"no such file or folder: {text_name(spec)}{_url_hint(spec)}")


def _walk(folder: Path) -> Iterator[Path]:
    """Images below a folder, and folders that cannot be looked into."""
    unreadable: list[Path] = []
    for base, _, files in walk(folder, lambda error: unreadable.append(Path(error.filename))):
        for name in files:
            path = Path(base, name)
            if path.suffix.lower() in IMAGE_SUFFIXES and not name.startswith("."):
                yield path
    yield from unreadable


def walk(
    folder: str | os.PathLike[str], on_error: Callable[[OSError], object] | None = None
) -> Iterator[tuple[str, list[str], list[str]]]:
    """`os.walk` that follows links to folders (data sets are often linked), but no circles, and no hidden folders.

    Args:
        folder: where it begins.
        on_error: called for a folder that cannot be looked into.

    Returns:
        A stream of folders with the names of folders and files in them, both sorted; the former may be changed.
    """
    seen: set[tuple[int, int]] = set()
    for base, folders, files in os.walk(folder, onerror=on_error, followlinks=True):
        state = os.stat(base)  # noqa: PTH116  # of every folder of large trees
        if (state.st_dev, state.st_ino) in seen:
            folders.clear()
            continue
        seen.add((state.st_dev, state.st_ino))
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield base, folders, sorted(files)


def _url_hint(name: str) -> str:
    return " (addresses are not fetched: download it first)" if "://" in name else ""


def _decode(stream: io.BytesIO, name: str, max_pixels: int) -> NDArray[np.uint8]:
    from PIL import Image, UnidentifiedImageError

    start = stream.getvalue()[:64]
    if not start:
        raise ImageError(name, "the file is empty")
    formats = _known_formats()
    try:
        with _without_pillow_limit():
            image = Image.open(stream, formats=formats)
        return _to_rgb(image, name, max_pixels)
    except ImageError:
        raise
    except UnidentifiedImageError:
        raise ImageError(name, f"not an image: {_guess(start)}") from None
    except MemoryError:
        raise ImageError(name, "not enough memory to decode it") from None
    except Exception as error:  # decoders raise OSError, SyntaxError, struct.error, ValueError, EOFError, KeyError...
        raise ImageError(name, f"damaged or truncated: {error}") from error


def _guess(start: bytes) -> str:
    text = start.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    for signature, explanation in _MISTAKEN:
        if text.startswith(signature):
            return explanation
    if start[4:8] == b"ftyp":
        kind = start[8:12]
        if kind in (b"heic", b"heix", b"mif1", b"heif"):
            return "it is a HEIC photo, which Pillow cannot read; convert it to JPEG"
        return "it is a video"
    return f"no known format; it starts with {start[:8]!r}"


@contextmanager
def _without_pillow_limit() -> Iterator[None]:
    """Pillow's own limit is one for the whole process: lifted while a header is read, for `max_pixels` to rule."""
    from PIL import Image

    with _pillow_limit_lock:
        previous, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
        try:
            yield
        finally:
            Image.MAX_IMAGE_PIXELS = previous


def _to_rgb(image: Image.Image, name: str, max_pixels: int) -> NDArray[np.uint8]:

    width, height = image.size
    if width * height > max_pixels:
        raise ImageError(
            name, f"{width} x {height} pixels, more than the limit of {max_pixels:,}; shrink it or raise max_pixels"
        )
    orientation = _orientation(image)
    image.load()
    pixels: NDArray[np.uint8]
    if image.mode.startswith(("I", "F")):
        pixels = _grey_to_rgb(np.asarray(image))
    else:
        pixels = np.empty((height, width, 3), np.uint8)
        for top in range(0, height, _rows_at_once(width)):  # a whole copy of each step would be much memory
            bottom = min(top + _rows_at_once(width), height)
            pixels[top:bottom] = _plain_rgb(image.crop((0, top, width, bottom)))
    transpose, flip_rows, flip_columns = _ORIENTATIONS.get(orientation, (False, False, False))
    if transpose:
        pixels = pixels.transpose(1, 0, 2)
    pixels = pixels[:: -1 if flip_rows else 1, :: -1 if flip_columns else 1]
    return np.ascontiguousarray(pixels, np.uint8)


def _rows_at_once(width: int) -> int:
    return max(1, (1 << 20) // width)


def _plain_rgb(image: Image.Image) -> NDArray[np.uint8]:
    from PIL import Image

    if image.has_transparency_data:
        front = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", front.size, "white"), front)
    return np.asarray(image.convert("RGB"))


def _orientation(image: Image.Image) -> int:
    try:
        return int(image.getexif().get(0x0112, 1))
    except Exception:  # damaged EXIF (any of half a dozen exceptions) is no reason to refuse the picture
        return 1


def _grey_to_rgb(values: NDArray) -> NDArray[np.uint8]:
    if values.dtype.kind == "f":
        values = np.nan_to_num(values, nan=0.0)
        grey = values * 255 if values.size == 0 or values.max() <= 1 else values
    else:
        grey = values / 257  # 65535 -> 255; Pillow widens 16-bit grey to 32 bits in some versions
    return np.repeat(np.clip(np.rint(grey), 0, 255).astype(np.uint8)[..., None], 3, axis=2)


def is_one_image(source: Any) -> bool:
    """Whether something is one image for `read_image`, whatever its shape, and not a list of several."""
    if isinstance(source, (str, os.PathLike, bytes, bytearray, memoryview)):
        return True
    return hasattr(source, "__array__") or hasattr(source, "__array_interface__")  # arrays, tensors, Pillow's images


def _from_array(source: Any) -> NDArray[np.uint8]:
    try:
        array = np.asarray(source.detach().cpu() if hasattr(source, "detach") else source)
    except (TypeError, ValueError, RuntimeError) as error:  # rows of different lengths; a kind that numpy does not have
        raise ImageError("array", f"expected an array of numbers, got {type(source).__name__}: {error}") from None
    if array.dtype.kind not in "uibf" or array.dtype.itemsize > 8:
        raise ImageError("array", f"expected a path, bytes or an array of numbers, got {type(source).__name__}")
    if array.ndim == 2:
        array = array[..., None]
    if array.ndim != 3 or array.shape[2] not in (1, 3, 4) or 0 in array.shape:
        raise ImageError(
            "array", f"expected shape (H, W), (H, W, 3) or (H, W, 4), channels last, got {array.shape}{_hint(array)}"
        )
    if array.dtype == np.uint8:
        pixels = array
    elif array.dtype == np.uint16:
        pixels = np.rint(array / 257).astype(np.uint8)
    elif array.dtype == bool:
        pixels = array.astype(np.uint8) * 255
    elif array.dtype.kind == "f":
        values = np.nan_to_num(array, nan=0.0)
        pixels = np.clip(np.rint(values * 255 if values.max() <= 1 else values), 0, 255).astype(np.uint8)
    else:
        raise ImageError("array", f"expected uint8, uint16, bool or floating point values, got {array.dtype}")
    if pixels.shape[2] == 4:
        alpha = pixels[..., 3:].astype(np.float32) / 255
        pixels = np.rint(pixels[..., :3] * alpha + 255 * (1 - alpha)).astype(np.uint8)
    if pixels.shape[2] == 1:
        pixels = np.repeat(pixels, 3, axis=2)
    return np.array(pixels, order="C")


def _hint(array: NDArray) -> str:
    """What to do about an array of another shape."""
    if array.ndim == 3 and array.shape[0] in (1, 3, 4):
        return ", channels first: give np.moveaxis(image, 0, -1), of a tensor image.permute(1, 2, 0)"
    if array.ndim == 4:
        return ", several images: give a list of them"
    return ""
