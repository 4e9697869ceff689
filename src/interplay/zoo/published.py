"""Weights that a model's authors publish where no login is needed: downloaded, verified, converted and kept."""

from __future__ import annotations

import hashlib
import http.client
import urllib.error
import urllib.request
from collections.abc import Callable
from importlib import resources
from pathlib import Path
from urllib.parse import unquote, urlsplit

from interplay.containers.guard import in_words
from interplay.errors import InputError, MissingFileError
from interplay.files import atomic_path, naming
from interplay.hub import fetch_weights, is_repository
from interplay.locks import locked
from interplay.zoo.cards import ModelCard, PublishedFile, cached_weights, get_card

_TIMEOUT = 30.0
"""Seconds without an answer."""

_BLOCK = 1 << 20

Progress = Callable[[int, int], None]
"""Is told how many bytes there are, of how many."""


def get_weights(name: str, progress: Progress = lambda done, total: None) -> Path:
    """The weights file of a model, fetched and converted where it is not here yet.

    A published file is compared with the hash in the model's card before anything reads it, and removed after it was
    converted. What is in the cache is taken from there, and nothing is asked of the network; `load_model` finds it too.

    Args:
        name: of a model that `interplay models` lists, or of one on the hub (``owner/name``).
        progress: of a download.

    Raises:
        MissingFileError: there is no such file without a login, and says which steps make one; or the network does not
            give it.
        InputError: unknown name; or the file is another one than the card says.
    """
    if is_repository(name):
        return fetch_weights(name)
    card = get_card(name)
    if card.weights:
        return Path(str(resources.files("interplay") / "weights" / card.weights))
    target = cached_weights(card)
    if target.is_file():
        return target
    if card.file is None:
        raise MissingFileError(card.how_to_get_weights())
    with locked(target):
        published = target.with_name(f"{card.file.sha256[:16]}-{_file_name(card.file.address)}")
        if not published.is_file():
            _download(card, card.file, published, progress)
        _convert(card, published, target)
        published.unlink(missing_ok=True)
    return target


def _file_name(address: str) -> str:
    return Path(unquote(urlsplit(address).path)).name or "weights"


def _convert(card: ModelCard, published: Path, target: Path) -> None:
    from interplay.models.published import convert
    from interplay.models.weights import is_weights_file

    if is_weights_file(published):
        published.replace(target)
    else:
        convert(card.system, published, target)


def _download(card: ModelCard, file: PublishedFile, target: Path, progress: Progress) -> None:
    """Write a published file, whole and verified or not at all."""
    digest, done = hashlib.sha256(), 0
    request = urllib.request.Request(file.address, headers={"User-Agent": "interplay"})
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT) as answer, atomic_path(target) as temporary:
            with naming(target, temporary), temporary.open("wb") as out:
                while block := answer.read(_BLOCK):
                    done += len(block)
                    if done > file.size:
                        break
                    digest.update(block)
                    out.write(block)
                    progress(done, file.size)
            if done != file.size or digest.hexdigest() != file.sha256:
                got = "more" if done > file.size else in_words(done)
                raise InputError(
                    f"{file.address} is another file than {card.name}'s card says: expected {in_words(file.size)} of "
                    f"SHA-256 {file.sha256}, got {got}{f' of {digest.hexdigest()}' if done == file.size else ''}. "
                    "Nothing was kept: try again, or another day"
                )
    except urllib.error.HTTPError as error:
        raise _unreachable(card, file, f"it answers {error.code} {error.reason}") from None
    except (urllib.error.URLError, http.client.HTTPException, TimeoutError, ConnectionError) as error:
        why = getattr(error, "reason", error)
        raise _unreachable(card, file, str(why) or type(error).__name__) from None


def _unreachable(card: ModelCard, file: PublishedFile, why: str) -> MissingFileError:
    output = f"{card.name}.safetensors"
    return MissingFileError(
        f"the weights of {card.name} are not on this machine, and {urlsplit(file.address).hostname} does not give them "
        f"({why}). On a machine with a network:\n  curl -L -o {_file_name(file.address)} {file.address}\n"
        f"then here:\n  interplay import {card.system} {_file_name(file.address)} -o {output}\n"
        f"  {card.use} --model {card.name} --weights {output}"
    )
