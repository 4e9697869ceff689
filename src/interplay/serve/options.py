"""Limits of the server."""

from __future__ import annotations

from dataclasses import dataclass, field

from interplay.defaults import DEFAULT_BATCH_SIZE
from interplay.errors import InputError


@dataclass(frozen=True)
class ServeOptions:
    """What the server allows.

    Attributes:
        max_bytes: of one upload, or of a picture that an address gives.
        max_pixels: of one picture.
        max_batch: pictures that the model sees at once.
        wait: seconds that a picture waits for others to share its batch.
        queue: pictures that may wait; beyond, requests are refused with 503.
        timeout: seconds until a request that waits or works is given up with 504.
        token: what requests must send as ``Authorization: Bearer TOKEN``; None for nothing. The page asks for it.
        url_hosts: hosts from which pictures may be fetched by address, over https; none by default.
    """

    max_bytes: int = 20_000_000
    max_pixels: int = 25_000_000
    max_batch: int = DEFAULT_BATCH_SIZE
    wait: float = 0.01
    queue: int = 64
    timeout: float = 60.0
    token: str | None = None
    url_hosts: frozenset[str] = field(default_factory=frozenset)

    def __post_init__(self) -> None:
        for name in ("max_bytes", "max_pixels", "max_batch", "queue"):
            if getattr(self, name) < 1:
                raise InputError(f"{name} must be at least 1, got {getattr(self, name)}")
        for name in ("wait", "timeout"):
            if not getattr(self, name) >= 0:
                raise InputError(f"{name} must be 0 seconds or more, got {getattr(self, name)}")
        if self.token is not None and not self.token.isascii():
            raise InputError("the token must be of ASCII characters: it is sent in a header")
