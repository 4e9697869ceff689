"""XML, without document types: entities could unfold a small file into any size, or name other files."""

from __future__ import annotations

import os
from xml.etree import ElementTree

from interplay.containers.guard import MEGABYTE, read_bytes, reading
from interplay.errors import InputError

_LIMIT = 256 * MEGABYTE


def read_xml(path: str | os.PathLike[str], what: str = "an XML file") -> ElementTree.Element:
    """The root of an XML file.

    Raises:
        MissingFileError: there is none.
        InputError: it is not XML, has a document type, or is larger than 256 MB.
    """
    data = read_bytes(path, what, _LIMIT)
    plain = data.replace(b"\0", b"").lower()  # also of UTF-16
    if b"<!doctype" in plain or b"<!entity" in plain:
        raise InputError(f"{path}: has a document type (<!DOCTYPE>), expected {what} without one")
    with reading(path, what):
        return ElementTree.fromstring(data)  # no entities left that could unfold
