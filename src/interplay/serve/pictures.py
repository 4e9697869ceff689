"""The picture of a request: uploaded, or behind an address, within the server's limits."""

from __future__ import annotations

import numpy as np
from fastapi import HTTPException, UploadFile
from numpy.typing import NDArray
from starlette.concurrency import run_in_threadpool

from interplay.errors import InputError
from interplay.images import ImageError, image_size, read_image
from interplay.serve.fetch import fetch_picture
from interplay.serve.options import ServeOptions

Pixels = NDArray[np.uint8]


async def picture_of(file: UploadFile | None, url: str | None, limits: ServeOptions) -> Pixels:
    """The upright picture (H, W, 3) RGB that a request brings.

    Raises:
        HTTPException: 400 for no picture or two, 413 for more bytes or pixels than the limits allow.
        InputError: not a picture, or an address that is not allowed.
    """
    if (file is None) == (url is None):
        raise HTTPException(400, "send one picture: a form with 'file', or with 'url'")
    if file is not None:
        data = await _limited(file, limits.max_bytes)
    else:
        data = await run_in_threadpool(fetch_picture, url or "", limits.url_hosts, limits.max_bytes, limits.timeout)
    return await run_in_threadpool(_decoded, data, limits.max_pixels)


async def _limited(file: UploadFile, most: int) -> bytes:
    data = await file.read(most + 1)
    if len(data) > most:
        raise HTTPException(413, f"more than {most:,} bytes")
    if not data:
        raise HTTPException(400, "the file is empty")
    return data


def _decoded(data: bytes, most: int) -> Pixels:
    try:
        width, height = image_size(data)
    except ImageError as error:
        raise InputError(error.reason) from None
    if width * height > most:
        raise HTTPException(413, f"{width} x {height} pixels, expected at most {most:,} pixels")
    try:
        return read_image(data, max_pixels=most)
    except ImageError as error:
        raise InputError(error.reason) from None
