"""Vision-language models that answer a question about an image: behind an OpenAI-compatible endpoint, or local."""

from __future__ import annotations

import base64
import http.client
import io
import json
import os
import random
import threading
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import urlsplit

import numpy as np
from numpy.typing import NDArray

from interplay.devices import choose_device
from interplay.errors import InputError, InterplayError, MissingExtraError, ModelError

LARGEST_SIDE = 1024
"""Pixels of the images that are sent."""
LONGEST_ANSWER = 600
"""Tokens."""
_LARGEST_REPLY = 4 << 20
_AGAIN = {408, 409, 425, 429, 500, 502, 503, 504, 529}
_LONGEST_WAIT = 60.0


class ChatError(InterplayError):
    """One question got no answer; another may."""


class Chat(Protocol):
    """What answers questions about images."""

    def ask(self, image: NDArray[np.uint8], question: str) -> str:
        """The answer to a question about an image (H, W, 3) RGB.

        Raises:
            ChatError: no answer to this one.
            ModelError: there will be none to others either.
        """


@dataclass
class ChatEndpoint:
    """A model behind an endpoint that understands ``POST /chat/completions`` as OpenAI's does.

    Args:
        url: of the API, such as ``https://HOST/v1``. Without encryption only on this machine where a key is sent.
        model: its name there.
        key: sent as ``Authorization: Bearer``; never written or shown.
        per_minute: most requests started in a minute, from all threads together.
        retries: how often a request is sent again after a failure that may pass (busy, overloaded, no connection), each
            time after twice as long, or after what the server's ``Retry-After`` says.
        timeout: seconds for one request.
        first_wait: seconds before the first repetition.

    Raises:
        InputError: no such address, or a key that would travel unencrypted.
    """

    url: str
    model: str
    key: str = field(default="", repr=False)
    per_minute: float = 60.0
    retries: int = 6
    timeout: float = 120.0
    first_wait: float = 1.0

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.password:
            raise InputError(
                f"expected an address such as https://HOST/v1, without a key in it, got {parts.hostname!r}"
            )
        if self.key and parts.scheme == "http" and parts.hostname not in ("localhost", "127.0.0.1", "::1"):
            raise InputError(f"{parts.hostname}: the key would travel unencrypted; give an address with https")
        if self.key and not (self.key.isascii() and self.key.isprintable()):
            raise InputError("the key holds characters that a key cannot have, such as the end of a line")
        if not self.per_minute > 0:
            raise InputError(f"per_minute: expected a number above 0, got {self.per_minute}")
        self._address = self.url.rstrip("/") + "/chat/completions"
        self._opener = urllib.request.build_opener(_NoRedirects)
        self._turn = threading.Lock()
        self._next = 0.0

    def ask(self, image: NDArray[np.uint8], question: str) -> str:
        """The answer to a question about an image (H, W, 3) RGB.

        Raises:
            ChatError: no answer, also after all repetitions.
            ModelError: the key, the model's name or the address is wrong.
        """
        body = json.dumps(
            {
                "model": self.model,
                "messages": [
                    {
                        "role": "user",
                        "content": [
                            {"type": "text", "text": question},
                            {"type": "image_url", "image_url": {"url": _as_url(image)}},
                        ],
                    }
                ],
                "temperature": 0,
                "max_tokens": LONGEST_ANSWER,
            }
        ).encode()
        headers = {"Content-Type": "application/json", **({"Authorization": f"Bearer {self.key}"} if self.key else {})}
        pause, reason = self.first_wait, ""
        for attempt in range(self.retries + 1):
            self._wait_for_turn()
            wait = pause * random.uniform(1, 1.25)
            request = urllib.request.Request(self._address, body, headers, method="POST")
            try:
                with self._opener.open(request, timeout=self.timeout) as reply:
                    return _text_of(reply.read(_LARGEST_REPLY))
            except urllib.error.HTTPError as error:
                with error:
                    reason = f"{error.code}: {self._plain(error.read(2000))}"
                    if error.code not in _AGAIN:
                        kind = ChatError if error.code in (400, 413, 415, 422) else ModelError
                        raise kind(f"{self._host} answers {reason}") from None
                    wait = max(wait, _seconds(error.headers.get("Retry-After")))
            except (OSError, http.client.HTTPException) as error:
                reason = self._plain(str(getattr(error, "reason", error)).encode()) or type(error).__name__
            if attempt < self.retries:
                time.sleep(min(wait, _LONGEST_WAIT))
                pause *= 2
        raise ChatError(f"{self._host} gives no answer ({reason}), asked {self.retries + 1} times")

    @property
    def _host(self) -> str:
        return urlsplit(self.url).netloc

    def _plain(self, text: bytes) -> str:
        """What a server says, on one line, without the key that it may repeat."""
        said = " ".join(text.decode("utf-8", "replace").split())
        return (said.replace(self.key, "***") if self.key else said)[:300]

    def _wait_for_turn(self) -> None:
        with self._turn:
            now = time.monotonic()
            start = max(now, self._next)
            self._next = start + 60 / self.per_minute
        time.sleep(start - now)


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """A redirection would take the key elsewhere."""

    def redirect_request(self, *arguments: Any, **more: Any) -> None:
        return None


class LocalChat:
    """A vision-language model of `transformers`.

    Args:
        name: a folder, or a name on the hub.
        device: where to run.

    Raises:
        MissingExtraError: transformers is not installed.
        InputError: no such model, or one without a template for chats.
    """

    def __init__(self, name: str | os.PathLike[str], device: str | None = None) -> None:
        try:
            from transformers import AutoModelForImageTextToText, AutoProcessor
        except ImportError as error:
            raise MissingExtraError("contact", "transformers") from error
        try:
            self._processor = AutoProcessor.from_pretrained(str(name))
            model = AutoModelForImageTextToText.from_pretrained(str(name), torch_dtype="auto")
        except (OSError, ValueError, KeyError, ImportError) as error:
            raise InputError(
                f"{name}: no vision-language model of transformers ({' '.join(str(error).split())[:200]})"
            ) from None
        if not getattr(self._processor, "chat_template", None):
            raise InputError(f"{name}: has no chat template, so that it is not known how to ask it")
        self._model = model.eval().to(choose_device(device))
        self._turn = threading.Lock()

    def ask(self, image: NDArray[np.uint8], question: str) -> str:
        """The answer to a question about an image (H, W, 3) RGB, the likeliest token each time."""
        import torch
        from PIL import Image

        content = [{"type": "image", "image": Image.fromarray(_smaller(image))}, {"type": "text", "text": question}]
        with self._turn, torch.inference_mode():
            asked = self._processor.apply_chat_template(
                [{"role": "user", "content": content}],
                add_generation_prompt=True,
                tokenize=True,
                return_dict=True,
                return_tensors="pt",
            ).to(self._model.device, self._model.dtype)
            tokens = self._model.generate(**asked, max_new_tokens=LONGEST_ANSWER, do_sample=False)
        said = self._processor.batch_decode(tokens[:, asked["input_ids"].shape[1] :], skip_special_tokens=True)
        return str(said[0])


def _smaller(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    from PIL import Image

    scale = LARGEST_SIDE / max(image.shape[:2])
    if scale >= 1:
        return np.ascontiguousarray(image)
    size = (max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale)))
    return np.asarray(Image.fromarray(np.ascontiguousarray(image)).resize(size))


def _as_url(image: NDArray[np.uint8]) -> str:
    from PIL import Image

    stream = io.BytesIO()
    Image.fromarray(_smaller(image)).save(stream, "JPEG", quality=90)
    return f"data:image/jpeg;base64,{base64.b64encode(stream.getvalue()).decode()}"


def _text_of(reply: bytes) -> str:
    try:
        text = json.loads(reply)["choices"][0]["message"]["content"]
    except (ValueError, LookupError, TypeError):
        raise ChatError("a reply without choices[0].message.content: not an OpenAI-compatible endpoint?") from None
    if not isinstance(text, str):
        raise ChatError("a reply without a text")
    return text


def _seconds(header: str | None) -> float:
    try:
        return float(header or 0)
    except ValueError:  # a date
        return 0.0
