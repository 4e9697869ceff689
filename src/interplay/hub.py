"""Models of `transformers`, and weights of our own, from the hub's cache or the hub."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from interplay.errors import InputError, MissingExtraError, MissingFileError

WEIGHTS = "model.safetensors"
"""What a model's weights are called in its repository."""

_REPOSITORY = re.compile(r"[\w.-]{1,96}/[\w.-]{1,96}(@[\w./-]{1,200})?")


def is_repository(name: str) -> bool:
    """Whether a name can be a model's on the hub (``owner/name`` or ``owner/name@revision``), and is no file's."""
    return bool(_REPOSITORY.fullmatch(name)) and not name.startswith(".") and not os.path.lexists(name)


def fetch_weights(name: str) -> Path:
    """The weights file of a model on the hub; one that is in the cache is taken from there.

    Of ``owner/name@revision`` a commit is the surest revision: it never changes, and is never asked for again.

    Raises:
        MissingFileError: neither in the cache nor to be had from the hub; says why, and how to bring it here.
        InputError: no name of a repository.
    """
    from huggingface_hub import get_hf_file_metadata, hf_hub_download, hf_hub_url

    if not _REPOSITORY.fullmatch(name):
        raise InputError(f"{name!r} is no name of a model on the hub: expected owner/name or owner/name@revision")
    repository, _, revision = name.partition("@")
    wanted: dict[str, Any] = {"repo_id": repository, "filename": WEIGHTS, "revision": revision or None}
    try:
        return Path(hf_hub_download(**wanted, local_files_only=True))
    except Exception:  # of the hub's client, which differ between versions; asking the hub says more
        pass
    try:
        # asked once: the download itself would try again for half a minute where there is no network
        get_hf_file_metadata(hf_hub_url(**wanted, endpoint=_endpoint()), timeout=10)
        return Path(hf_hub_download(**wanted, endpoint=_endpoint(), etag_timeout=10))
    except Exception as error:  # of the HTTP library, too
        why = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise MissingFileError(
            f"the weights of {name} are not on this machine, and the hub does not give them ({why}). On a machine with "
            f"a network: hf download {repository} {WEIGHTS} --local-dir {Path(repository).name}; then give "
            f"{Path(repository).name}/{WEIGHTS} as the model"
        ) from None


def publish_folder(folder: Path, repository: str, private: bool, token: str | None, message: str) -> str:
    """Put a folder's files on the hub, in a repository that is made where there is none; returns its address.

    Raises:
        InputError: no name of a repository, or the hub refuses or cannot be reached.
    """
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError

    if not _REPOSITORY.fullmatch(repository) or "@" in repository:
        raise InputError(f"{repository!r} is no name of a repository: expected owner/name")
    hub = HfApi(endpoint=_endpoint(), token=token)
    try:
        address = hub.create_repo(repository, private=private, exist_ok=True)
        hub.upload_folder(repo_id=repository, folder_path=folder, commit_message=message)
    except Exception as error:  # of the hub's client and the HTTP library
        why = (str(error).strip().splitlines() or [type(error).__name__])[0]
        if isinstance(error, HfHubHTTPError):
            raise InputError(f"{repository}: the hub refused: {why}. 'hf auth login' stores a token") from None
        raise InputError(
            f"{repository}: the hub cannot be reached ({why}). model.save(FILE) keeps the weights on this machine"
        ) from None
    return str(address)


def _endpoint() -> str | None:
    """The hub's address, where the environment names another one; asked late, since tests and users change it."""
    return os.environ.get("HF_ENDPOINT") or None


def load_pretrained(kind: Any, source: str | os.PathLike[str], what: str, extra: str = "transformers") -> Any:
    """A model, processor or tokenizer of transformers; a model ready for inference.

    The network is asked only for what is not on this machine, and once: transformers itself would retry every file for
    half a minute. Code that comes with a model is never run, nor asked for. A model that lacks weights, as one of
    another kind does, is refused; transformers would give it random ones.

    Args:
        kind: a class of transformers, such as ``AutoModel``.
        source: a folder, or a name on the hub.
        what: it is, for errors, with its article: ``"a Depth Pro model"``.
        extra: of interplay, that brings what this kind needs.

    Raises:
        MissingExtraError: a package that the model needs is not installed.
        MissingFileError: neither on this machine nor to be had from the hub; says the command that brings it.
        InputError: another kind of model.
    """
    name = os.fspath(source)
    try:
        with quietly():
            return _loaded(kind, name)
    except ImportError as error:
        raise MissingExtraError(extra, f"{error.name or 'that transformers names'}: {error}") from None
    except OSError as error:
        why = (str(error).strip().splitlines() or [type(error).__name__])[0]
        if Path(name).is_dir():
            raise MissingFileError(
                f"the folder {name} is not a complete model: expected {what} with config.json, weights, and what "
                f"prepares its input ({why})"
            ) from None
        raise MissingFileError(
            f"{name} is not on this machine and cannot be fetched ({why}); expected {what}. Where there is a network, "
            f"run: {fetch_command(name)} and name the folder instead"
        ) from None
    except Exception as error:  # many libraries read these files, each with errors of its own
        raise InputError(
            f"{name}: not {what} of transformers, or its config.json and its weights do not belong together "
            f"({' '.join(str(error).split())[:200]})"
        ) from None


def _loaded(kind: Any, name: str) -> Any:
    if Path(name).is_dir():
        return _complete(kind, name)
    try:
        return _complete(kind, name, local_files_only=True)
    except OSError:
        _check_hub(name)
    return _complete(kind, name)


def _complete(kind: Any, name: str, **options: Any) -> Any:
    from transformers import PreTrainedModel

    if not (issubclass(kind, PreTrainedModel) or hasattr(kind, "_model_mapping")):
        return kind.from_pretrained(name, trust_remote_code=False, **options)
    model, found = kind.from_pretrained(name, trust_remote_code=False, output_loading_info=True, **options)
    missing = sorted(found["missing_keys"])
    if missing:
        raise ValueError(f"it lacks {len(missing)} of the weights, such as {missing[0]}")
    return model.eval().requires_grad_(False)


@contextmanager
def quietly() -> Iterator[None]:
    """Loading without transformers' own progress bars and reports of what a checkpoint holds besides."""
    from transformers.utils import logging

    bars, verbosity = logging.is_progress_bar_enabled(), logging.get_verbosity()
    logging.disable_progress_bar()
    logging.set_verbosity_error()
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        if bars:
            logging.enable_progress_bar()


def fetch_command(source: str) -> str:
    """The command that brings a model of the hub into a folder."""
    return f"hf download {source} --local-dir {Path(source).name}"


def _check_hub(name: str) -> None:
    from huggingface_hub import HfApi

    try:
        HfApi().model_info(name, timeout=10)
    except Exception as error:  # of the HTTP library, which differs between versions of the hub's client
        raise OSError(str(error).strip() or type(error).__name__) from error
