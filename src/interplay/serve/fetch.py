"""Pictures by address, from hosts that whoever runs the server allows, and from nowhere else."""

from __future__ import annotations

import http.client
import ssl
from urllib.parse import urlsplit

from interplay.errors import InputError


def fetch_picture(address: str, hosts: frozenset[str], most: int, timeout: float) -> bytes:
    """The bytes behind an https address.

    Redirects are not followed: they could lead to another host.

    Raises:
        InputError: another scheme or host, an answer that is no picture, or more than `most` bytes.
    """
    try:
        parts = urlsplit(address)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise InputError("not an address of a picture") from None
    if parts.scheme != "https" or host not in hosts or port not in (None, 443) or parts.username is not None:
        allowed = ", ".join(sorted(hosts)) or "none"
        raise InputError(f"addresses must be https and of an allowed host (allowed: {allowed})")
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    connection = http.client.HTTPSConnection(host, timeout=timeout, context=ssl.create_default_context())
    try:
        connection.request("GET", target, headers={"Accept": "image/*", "User-Agent": "interplay"})
        answer = connection.getresponse()
        if answer.status != 200:
            raise InputError(f"{host} answered {answer.status}, expected 200 (redirects are not followed)")
        data = answer.read(most + 1)
    except (OSError, http.client.HTTPException) as error:
        raise InputError(f"{host} could not be read: {error}") from None
    finally:
        connection.close()
    if len(data) > most:
        raise InputError(f"the picture has more than {most:,} bytes")
    return data
