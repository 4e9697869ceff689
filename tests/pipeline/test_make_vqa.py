"""`interplay datasets make-vqa` against a small local server: going on, retries, rate, keys, and what it refuses."""

from __future__ import annotations

import base64
import io
import json
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from interplay.cli import main
from interplay.datasets.hoi_vqa import QUESTIONS, answers_in, read_hoi_vqa, to_line
from interplay.errors import InputError, ModelError
from interplay.text.chat import ChatEndpoint, ChatError, LocalChat

GOOD = "HVisual: A man, in red.\n**HContact**: The hand.\nInteraction: Holds it.\n\nOVisual: Blue.\nOContact: The rim."
KEY = "secret-of-a-user"


class Server(ThreadingHTTPServer):
    """Answers by a list of (status, headers, text), then well; keeps what it was asked."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.asked: list[dict[str, Any]] = []
        self.keys: list[str | None] = []
        self.times: list[float] = []
        self.script: list[tuple[int, dict[str, str], str]] = []
        self.lock = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1"


class _Handler(BaseHTTPRequestHandler):
    server: Server

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with self.server.lock:
            self.server.asked.append(asked)
            self.server.keys.append(self.headers.get("Authorization"))
            self.server.times.append(time.monotonic())
            status, headers, text = self.server.script.pop(0) if self.server.script else (200, {}, GOOD)
        if self.path != "/v1/chat/completions":
            status, text = 404, "no such path"
        reply = text if status != 200 else json.dumps({"choices": [{"message": {"content": text}}]})
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(reply.encode())

    def log_message(self, *arguments: Any) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield running
        running.shutdown()


@pytest.fixture
def run(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """The command on three images, with a key, and pauses that are short."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MY_KEY", KEY)
    monkeypatch.setattr("interplay.text.chat._LONGEST_WAIT", 0.05)
    Path("images").mkdir()
    for name in "abc":
        Image.fromarray(np.full((40, 1200, 3), 90, np.uint8)).save(f"images/{name}.jpg")
    Path("pairs.txt").write_text("a.jpg,cup\nb.jpg,t-shirt\nc.jpg,wine_glass\na.jpg,cup\n")

    def command(*more: str) -> int:
        return main(["datasets", "make-vqa", "pairs.txt", "--images", "images", "-o", "answers.txt", "--endpoint",
                     server.url, "--model", "seer", "--key-variable", "MY_KEY", "--per-minute", "60000",
                     *more])  # fmt: skip

    return command


def test_answers_are_read_again(run: Callable[..., int], server: Server) -> None:
    assert run() == 0
    found = read_hoi_vqa("answers.txt")
    assert sorted((row.image, row.object) for row in found.rows) == [
        ("a.jpg", "cup"), ("b.jpg", "t-shirt"), ("c.jpg", "wine_glass"),
    ]  # fmt: skip
    assert list(found.rows[0].answers.values()) == ["A man, in red.", "The hand.", "Holds it.", "Blue.", "The rim."]
    asked = next(each for each in server.asked if "wine glass" in each["messages"][0]["content"][0]["text"])
    assert asked["model"] == "seer"
    text, picture = asked["messages"][0]["content"]
    assert all(topic in text["text"] for topic in QUESTIONS)
    data = picture["image_url"]["url"].removeprefix("data:image/jpeg;base64,")
    assert Image.open(io.BytesIO(base64.b64decode(data))).size == (1024, 34)
    assert set(server.keys) == {f"Bearer {KEY}"}
    assert not any(KEY in path.read_text() for path in Path().glob("answers*"))


def test_a_stopped_run_goes_on(run: Callable[..., int], server: Server) -> None:
    assert run() == 0
    lines = Path("answers.txt").read_text().splitlines()
    Path("answers.txt").write_text(f"{lines[0]}\n{lines[1][:20]}")  # killed while it wrote the second
    server.asked.clear()
    assert run() == 0
    assert len(server.asked) == 2
    assert len(read_hoi_vqa("answers.txt").rows) == 3
    server.asked.clear()
    assert run() == 0
    assert not server.asked
    assert run("--model", "other") == 2, "another model's answers"
    Path("answers.txt").write_text("a.jpg,cup\n")
    assert run() == 2, "not a line of answers"


def test_busy_servers_are_asked_again(run: Callable[..., int], server: Server) -> None:
    server.script = [(429, {"Retry-After": "0.01"}, "slow down"), (500, {}, "oops"), (503, {"Retry-After": "Thu"}, "")]
    assert run("--parallel", "1") == 0
    assert len(server.asked) == 6


def test_incomplete_answers_are_asked_again_and_told(
    run: Callable[..., int], server: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    server.script = [(200, {}, GOOD), *[(200, {}, "HVisual: A man.")] * 3]
    assert run("--parallel", "1") == 1
    assert "lacks HContact, Interaction, OVisual, OContact, asked 3 times" in capsys.readouterr().err
    assert len(read_hoi_vqa("answers.txt").rows) == 2
    assert run() == 0, "the missing one is asked again"
    Path("images/c.jpg").unlink()
    Path("answers.txt").write_text("")
    assert run() == 1, "an image that is not there"


def test_a_wrong_key_ends_it_and_is_not_shown(
    run: Callable[..., int], server: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    server.script = [(401, {}, f"no such key: {KEY}")]
    assert run("--parallel", "1") != 0
    said = capsys.readouterr().err
    assert "401: no such key: ***" in said
    assert KEY not in said
    assert len(server.asked) == 1
    server.script = [(302, {"Location": f"{server.url}/elsewhere"}, "")]
    assert run("--parallel", "1") != 0, "the key does not go elsewhere"
    assert len(server.asked) == 2


def test_no_server(run: Callable[..., int], server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    chat = ChatEndpoint("http://127.0.0.1:9/v1", "seer", retries=1, first_wait=0.01, per_minute=60000)
    with pytest.raises(ChatError, match="asked 2 times"):
        chat.ask(np.zeros((4, 4, 3), np.uint8), "?")
    server.script = [(200, {}, "no JSON of ours")]
    with pytest.raises(ModelError, match="404"):
        ChatEndpoint(server.url + "/else", "seer").ask(np.zeros((4, 4, 3), np.uint8), "?")
    for url, message in (("ftp://a", "https://HOST/v1"), ("http://example.org/v1", "unencrypted")):
        with pytest.raises(InputError, match=message):
            ChatEndpoint(url, "seer", KEY)
    with pytest.raises(InputError, match="characters that a key cannot have"):
        ChatEndpoint(server.url, "seer", "a\r\nX: b")
    assert KEY not in repr(ChatEndpoint(server.url, "seer", KEY))


def test_requests_keep_to_the_rate(server: Server) -> None:
    chat = ChatEndpoint(server.url, "seer", per_minute=600)
    threads = [threading.Thread(target=chat.ask, args=(np.zeros((4, 4, 3), np.uint8), "?")) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert max(server.times) - min(server.times) >= 0.25, "three pauses of a tenth of a second, less what sending takes"


def test_a_local_model_that_is_none(run: Callable[..., int], capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("transformers")
    Path("model").mkdir()
    command = ["datasets", "make-vqa", "pairs.txt", "--images", "images", "-o", "answers.txt", "--model", "model"]
    assert main(command) == 2
    assert "no vision-language model of transformers" in capsys.readouterr().err
    assert not Path("answers.txt").exists()


def test_a_local_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A LLaVA of a few hundred random numbers, with an alphabet of eight words."""
    transformers = pytest.importorskip("transformers")
    from tokenizers import Tokenizer, models, pre_tokenizers

    words = ["<pad>", "<unk>", "<image>", "</s>", "HVisual", ":", "A", "man"]
    alphabet = Tokenizer(models.WordLevel({word: i for i, word in enumerate(words)}, unk_token="<unk>"))
    alphabet.pre_tokenizer = pre_tokenizers.Whitespace()
    special = {"pad_token": "<pad>", "unk_token": "<unk>", "eos_token": "</s>"}
    processor = transformers.LlavaProcessor(
        image_processor=transformers.CLIPImageProcessor(size={"shortest_edge": 8}, crop_size={"height": 8, "width": 8}),
        tokenizer=transformers.PreTrainedTokenizerFast(
            tokenizer_object=alphabet, additional_special_tokens=["<image>"], **special
        ),
        patch_size=4,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
        chat_template="{% for m in messages %}{% for c in m['content'] %}{% if c['type'] == 'image' %}<image> "
        "{% else %}{{ c['text'] }} {% endif %}{% endfor %}{% endfor %}",
    )
    small = {"hidden_size": 8, "intermediate_size": 8, "num_attention_heads": 2}
    config = transformers.LlavaConfig(
        vision_config=transformers.CLIPVisionConfig(num_hidden_layers=2, image_size=8, patch_size=4, **small),
        text_config=transformers.LlamaConfig(vocab_size=8, num_hidden_layers=1, num_key_value_heads=2, **small),
        image_token_index=2,
    )
    transformers.LlavaForConditionalGeneration(config).save_pretrained(tmp_path)
    processor.save_pretrained(tmp_path)
    monkeypatch.setattr("interplay.text.chat.LONGEST_ANSWER", 4)
    said = LocalChat(tmp_path, "cpu").ask(np.zeros((20, 30, 3), np.uint8), "HVisual : A man")
    assert set(said.split()) <= set(words)


def test_pairs_that_are_none(run: Callable[..., int]) -> None:
    for text in ("", "no comma\n", "a.jpg,\n"):
        Path("pairs.txt").write_text(text)
        assert run() == 2
    with pytest.raises(InputError, match="cannot be written as a line"):
        to_line("a", "cup", answers_in(GOOD))
