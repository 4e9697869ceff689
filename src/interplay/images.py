"""Reading images safely."""

from __future__ import annotations

import io
import os
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from interplay.errors import InputError, MissingFileError
from interplay.files import home_path
from interplay.image_files import named_file, text_name, url_hint

if TYPE_CHECKING:
    from PIL import Image

    ImageSource: TypeAlias = str | os.PathLike[str] | bytes | NDArray | Image.Image

MAX_PIXELS = 89_478_485
"""Default limit on width x height: a quarter of a gigabyte of RGB, beyond any usual camera."""

# A file larger than these tell holds no image within the limit on pixels: four values of 16 bits, and much beside them.
_BYTES_PER_PIXEL = 8
_MOST_EXTRA = 64 << 20

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
    values of a file from 0..1, or from 0..255 if any is above 1. Arrays of floating-point values are in one of these
    two ranges, or at most a tenth beyond it, as resizing leaves them.

    Args:
        source: a path, an image file's bytes, a Pillow image, or an array or tensor (H, W), (H, W, 1), (H, W, 3) RGB
            or (H, W, 4) RGBA, channels last, of uint8, uint16, bool or floating point.
        max_pixels: limit on width x height, checked before anything is decoded.

    Raises:
        MissingFileError: no such file.
        ImageError: not an image, truncated, damaged or too large; names the file. Or an array of another shape or
            range.

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
    path = _ordinary_file(name, max_pixels)
    try:
        return path.read_bytes()
    except OSError as error:  # a failing disk
        raise ImageError(text_name(name), f"cannot be read: {error.strerror or error}") from error
    except MemoryError:
        raise ImageError(text_name(name), "not enough memory to read it") from None


def _ordinary_file(name: str, max_pixels: int) -> Path:
    """The file of this name; a pipe would be waited for, and a folder, device or endless file is no image."""
    shown = text_name(name)
    try:
        path = home_path(named_file(name))
        state = path.stat()
        if stat.S_ISDIR(state.st_mode):
            os.scandir(path).close()  # whose error says more
    except FileNotFoundError:
        raise MissingFileError(f"no image {shown}{url_hint(shown)}") from None
    except OSError as error:  # no permission, a link to itself
        raise ImageError(shown, f"cannot be read: {error.strerror or error}") from error
    except ValueError as error:  # a name with a zero byte
        raise MissingFileError(f"no image {shown!r}: {error}") from None
    if not stat.S_ISREG(state.st_mode):
        raise ImageError(shown, f"cannot be read: it is {_kind(state.st_mode)}, not a file")
    if state.st_size > max_pixels * _BYTES_PER_PIXEL + _MOST_EXTRA:
        raise ImageError(
            shown, f"{state.st_size / 1e9:,.1f} GB, more than any image of {max_pixels:,} pixels has; it is not read"
        )
    return path


def image_size(source: str | os.PathLike[str] | bytes) -> tuple[int, int]:
    """Width and height of an image file, or of its bytes, in pixels, as it is stored; nothing is decoded.

    Raises:
        MissingFileError: no such file.
        ImageError: not an image, or its beginning is damaged; names the file.
    """
    from PIL import UnidentifiedImageError

    shown = "image bytes" if isinstance(source, bytes) else text_name(source)
    place = io.BytesIO(source) if isinstance(source, bytes) else _ordinary_file(os.fspath(source), MAX_PIXELS)
    try:
        with _without_pillow_limit(), _open(place) as image:
            return image.size
    except UnidentifiedImageError:
        raise ImageError(shown, "not an image, or its beginning is damaged") from None
    except Exception as error:  # decoders raise many kinds
        raise ImageError(shown, f"damaged or truncated: {error}") from error


def _open(source: str | Path | io.BytesIO) -> Image.Image:
    """Pillow's image; what it needs for the rarer formats is loaded when the usual ones do not fit."""
    from PIL import Image, UnidentifiedImageError

    Image.preinit()
    try:
        return Image.open(source, formats=_loaded_formats())
    except UnidentifiedImageError:
        Image.init()
        return Image.open(source, formats=_loaded_formats())


def _loaded_formats() -> list[str]:
    from PIL import Image

    return [known for known in _FORMATS if known in Image.OPEN]


def _kind(mode: int) -> str:
    kinds = {stat.S_IFDIR: "a folder", stat.S_IFIFO: "a pipe", stat.S_IFSOCK: "a socket"}
    return kinds.get(stat.S_IFMT(mode), "a device")


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


def _decode(stream: io.BytesIO, name: str, max_pixels: int) -> NDArray[np.uint8]:
    from PIL import UnidentifiedImageError

    start = stream.getvalue()[:64]
    if not start:
        raise ImageError(name, "the file is empty")
    try:
        with _without_pillow_limit():
            image = _open(stream)
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
        pixels = _from_floats(np.nan_to_num(array, nan=0.0))
    else:
        raise ImageError("array", f"expected uint8, uint16, bool or floating point values, got {array.dtype}")
    if pixels.shape[2] == 4:
        alpha = pixels[..., 3:].astype(np.float32) / 255
        pixels = np.rint(pixels[..., :3] * alpha + 255 * (1 - alpha)).astype(np.uint8)
    if pixels.shape[2] == 1:
        pixels = np.repeat(pixels, 3, axis=2)
    return np.array(pixels, order="C")


def _from_floats(values: NDArray) -> NDArray[np.uint8]:
    """Values of 0..1 or 0..255, a little more where an image was resized; others are probably normalised ones."""
    least, most = float(values.min()), float(values.max())
    whole = 1 if most <= 1.1 else 255
    if least < -0.1 * whole or most > 1.1 * whole or (whole == 255 and most < 8):
        raise ImageError(
            "array",
            f"expected floating-point values from 0 to 1 or from 0 to 255, got {least:.3g} to {most:.3g}: undo their "
            "normalisation, or give uint8",
        )
    return np.clip(np.rint(values * (255 / whole)), 0, 255).astype(np.uint8)


def _hint(array: NDArray) -> str:
    """What to do about an array of another shape."""
    if array.ndim == 3 and array.shape[0] in (1, 3, 4):
        return ", channels first: give np.moveaxis(image, 0, -1), of a tensor image.permute(1, 2, 0)"
    if array.ndim == 4:
        return ", several images: give a list of them"
    return ""
