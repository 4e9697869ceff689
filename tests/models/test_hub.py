"""Models on the hub: a small server on this machine stands for it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
import torch

from interplay import load_model
from interplay.errors import InputError, MissingFileError
from interplay.hub import is_repository
from interplay.models.sharing import card_markdown
from interplay.models.weights import save_weights

COMMIT = "0123456789012345678901234567890123456789"


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """A hub with the repository ``somebody/model``; yields the paths that it was asked for."""
    model = load_model("tin-spatial-vcoco")
    save_weights(model, model.description(), tmp_path / "model.safetensors")
    data = (tmp_path / "model.safetensors").read_bytes()
    asked: list[str] = []

    class Hub(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.answer(b"")

        def do_GET(self) -> None:
            self.answer(data)

        def answer(self, body: bytes) -> None:
            asked.append(f"{self.command} {self.path}")
            there = self.path.startswith("/somebody/model/resolve/") and self.path.endswith("/model.safetensors")
            self.send_response(200 if there else 404)
            if there:
                self.send_header("ETag", f'"{hashlib.sha256(data).hexdigest()}"')
                self.send_header("X-Repo-Commit", COMMIT)
                self.send_header("Content-Length", str(len(data)))
            else:
                self.send_header("X-Error-Code", "RepoNotFound")
                self.send_header("Content-Length", "0")
            self.end_headers()
            if there:
                self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    yield asked
    server.shutdown()


def test_a_model_is_fetched_once(hub: list[str]) -> None:
    own = load_model("tin-spatial-vcoco")
    model = load_model("somebody/model")
    for name, value in own.state_dict().items():
        torch.testing.assert_close(model.state_dict()[name], value)
    asked = len(hub)
    assert asked
    load_model("somebody/model")
    assert len(hub) == asked


def test_what_the_hub_does_not_have_is_said(hub: list[str]) -> None:
    with pytest.raises(MissingFileError, match=r"hf download somebody/else model\.safetensors"):
        load_model("somebody/else")


def test_names_of_repositories(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert is_repository("somebody/model")
    assert is_repository("somebody/model@main")
    for name in ("tin-spatial-vcoco", "a/b/c", "./a/b", "../b", "a b/c"):
        assert not is_repository(name)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "first").mkdir()
    assert not is_repository("runs/first")  # a folder of ours


def test_a_card_says_what_the_model_is_and_how_to_use_it() -> None:
    card = card_markdown(load_model("tin-spatial-vcoco"), "somebody/model", "Trained on V-COCO.")
    assert card.startswith("---\nlibrary_name: interplay\n")
    assert 'interplay.load_model("somebody/model")' in card
    assert card.endswith("Trained on V-COCO.\n")


def test_publishing_needs_a_name_and_a_hub(hub: list[str]) -> None:
    model = load_model("tin-spatial-vcoco")
    with pytest.raises(InputError, match="expected owner/name"):
        model.push_to_hub("model")
    with pytest.raises(InputError, match="the hub refused"):
        model.push_to_hub("somebody/new", token="no")


def test_without_a_network_the_hub_is_asked_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    monkeypatch.setattr("huggingface_hub.utils._http.time.sleep", lambda seconds: pytest.fail("tried again"))
    with pytest.raises(MissingFileError, match=r"(?i)refused.*hf download somebody/model model\.safetensors"):
        load_model("somebody/model")
    with pytest.raises(InputError, match=r"(?i)cannot be reached \(.*refused.*model\.save"):
        load_model("tin-spatial-vcoco").push_to_hub("somebody/new", token="no")
