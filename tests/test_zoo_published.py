"""Published weights by address: a small server on this machine stands for the authors'."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from interplay import load_model
from interplay.cli import main
from interplay.errors import InputError, MissingFileError
from interplay.models.weights import save_weights
from interplay.zoo import cards
from interplay.zoo.cards import ModelCard, PublishedFile, cached_weights, get_card
from interplay.zoo.published import get_weights

DEFAULT = get_card("tin-spatial-vcoco")
Server = tuple[str, bytes, list[str]]


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """Address, content and the requests that came; the cache is an empty folder."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    model = load_model("tin-spatial-vcoco", device="cpu")
    save_weights(model, model.description(), tmp_path / "weights.safetensors")
    content, asked = (tmp_path / "weights.safetensors").read_bytes(), list[str]()

    class Published(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            there = self.path == "/a/weights.safetensors"
            self.send_response(200 if there else 404)
            self.end_headers()
            if there:
                self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    http = ThreadingHTTPServer(("127.0.0.1", 0), Published)
    Thread(target=http.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{http.server_port}/a/weights.safetensors", content, asked
    http.shutdown()
    http.server_close()


def listed(monkeypatch: pytest.MonkeyPatch, address: str, sha256: str, size: int) -> ModelCard:
    """A card of the default model, whose weights are elsewhere."""
    card = replace(DEFAULT, name="elsewhere", weights="", file=PublishedFile(address, sha256, size))
    monkeypatch.setattr(cards, "_cards", lambda: {card.name: card})
    return card


def test_verified_kept_and_found(
    server: Server, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    address, content, asked = server
    card = listed(monkeypatch, address, hashlib.sha256(content).hexdigest(), len(content))
    with pytest.raises(MissingFileError, match="interplay models get elsewhere"):
        load_model("elsewhere")
    assert main(["models", "get", "elsewhere"]) == 0
    assert capsys.readouterr().out.strip() == str(cached_weights(card))
    assert load_model("elsewhere").vocabulary.name == "v-coco"
    assert get_weights("elsewhere") == cached_weights(card)
    assert asked == ["/a/weights.safetensors"]  # once
    assert [file.name for file in cached_weights(card).parent.glob("[!.]*")] == [cached_weights(card).name]


def test_another_file_is_not_kept(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    address, content, _ = server
    for sha256, size in (("0" * 64, len(content)), (hashlib.sha256(content).hexdigest(), len(content) - 1)):
        card = listed(monkeypatch, address, sha256, size)
        with pytest.raises(InputError, match=r"another file than elsewhere's card says"):
            get_weights("elsewhere")
        assert not list(cached_weights(card).parent.glob("[!.]*"))


def test_no_network(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    address, content, _ = server
    sha256 = hashlib.sha256(content).hexdigest()
    for wrong, why in (
        (address.replace("weights.", "others."), "404"),
        ("http://127.0.0.1:9/weights.safetensors", "refused"),
    ):
        listed(monkeypatch, wrong, sha256, len(content))
        with pytest.raises(MissingFileError, match=rf"(?s){why}.*curl -L -o .*interplay import"):
            get_weights("elsewhere")


def test_no_address(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert main(["models", "get", "gen-vlkt-s-hico"]) == 2
    assert "interplay import gen-vlkt FILE" in capsys.readouterr().err
    assert main(["models", "get", "gen-vlkt-s-hixo"]) == 2
    assert "Did you mean" in capsys.readouterr().err
    assert get_weights("tin-spatial-vcoco").is_file()
