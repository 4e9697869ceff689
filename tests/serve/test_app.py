"""The HTTP API: answers, limits, batches, and what is refused."""

from __future__ import annotations

import asyncio
import io
import threading
import time
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from interplay import Interactions, Vocabulary, load_model
from interplay.images import ImageError
from interplay.samples import sample_path

pytest.importorskip("fastapi", reason="needs the extra app")

from fastapi.testclient import TestClient

from interplay.serve import ServeOptions, create_app
from interplay.serve.batching import Batcher, QueueFullError
from interplay.serve.fetch import fetch_picture

VCOCO = Vocabulary.load("v-coco")


class Fake:
    """Says of every picture that a person rides a bicycle, as surely as the picture is bright; notes its batches."""

    def __init__(self) -> None:
        self.model = load_model("tin-spatial-vcoco")
        self.batches: list[int] = []
        self.gate = threading.Event()
        self.gate.set()

    def __call__(self, images: Sequence[NDArray[np.uint8]]) -> list[Interactions]:
        self.gate.wait(10)
        self.batches.append(len(images))
        found = []
        for image in images:
            if image.max() < 10:
                raise ImageError("picture", "it is too dark")
            found.append(
                Interactions(
                    boxes=[[1, 1, 9, 9], [2, 5, 8, 9]],
                    labels=[0, 1],
                    box_scores=[0.9, 0.8],
                    human=[0],
                    object=[1],
                    verb=[VCOCO.verb_index("ride")],
                    score=[image.mean() / 255],
                    vocabulary=VCOCO,
                    width=image.shape[1],
                    height=image.shape[0],
                )
            )
        return found


def picture(grey: int = 200, size: tuple[int, int] = (16, 12)) -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", size, (grey,) * 3).save(stream, "PNG")
    return stream.getvalue()


@pytest.fixture
def fake() -> Fake:
    return Fake()


@pytest.fixture
def client(fake: Fake) -> Iterator[TestClient]:
    options = ServeOptions(max_bytes=50_000, max_pixels=10_000, timeout=5, url_hosts=frozenset({"pictures.example"}))
    with TestClient(create_app({"fake": fake, "other": fake}, options)) as client:  # type: ignore[dict-item]
        yield client


def post(client: TestClient, data: bytes, name: str = "a.png", **options: Any) -> Any:
    return client.post("/v1/detect", files={"file": (name, data)}, params=options)


def test_a_picture_is_answered(client: TestClient) -> None:
    answer = post(client, picture(), min_score=0)
    assert answer.status_code == 200
    body = answer.json()
    assert (body["name"], body["width"], body["height"], body["model"]) == ("a.png", 16, 12, "fake")
    assert [box["label"] for box in body["boxes"]] == ["person", "bicycle"]
    (one,) = body["interactions"]
    assert (one["person"], one["object"], one["verb"], one["phrase"]) == (0, 1, "ride", "riding a bicycle")
    assert one["score"] == pytest.approx(200 / 255, abs=0.001)
    assert post(client, picture(), min_score=0.9).json()["interactions"] == []
    assert post(client, picture(), model="other").json()["model"] == "other"


@pytest.mark.parametrize(
    ("data", "code", "text"),
    [
        (b"", 400, "empty"),
        (b"no picture", 400, "not an image"),
        (picture()[:45], 400, "damaged"),
        (picture(size=(200, 100)), 413, "200 x 100 pixels"),
        (bytes(60_000), 413, "more than 50,000 bytes"),
        (bytes(400_000), 413, "more than 50,000 bytes"),
        (picture(0), 400, "too dark"),
    ],
)
def test_what_cannot_be_done_is_refused(client: TestClient, data: bytes, code: int, text: str) -> None:
    answer = post(client, data)
    assert answer.status_code == code
    assert text in answer.json()["detail"]
    assert post(client, picture()).status_code == 200  # the server goes on


def test_bad_requests(client: TestClient) -> None:
    assert post(client, picture(), model="none").status_code == 404
    assert client.post("/v1/detect").status_code == 400
    assert post(client, picture(), min_score=-1).status_code == 422
    for url in (
        "https://evil.example/a.png",
        "http://pictures.example/a.png",
        "file:///etc/passwd",
        "https://pictures.example:8080/a",
        "https://pictures.example@evil.example/",
        "https://[::1",
    ):
        answer = client.post("/v1/detect", data={"url": url})
        assert answer.status_code == 400
        assert "address" in answer.json()["detail"]


def test_requests_that_come_together_share_batches(client: TestClient, fake: Fake) -> None:
    fake.gate.clear()
    codes: list[int] = []
    threads = [threading.Thread(target=lambda: codes.append(post(client, picture()).status_code)) for _ in range(9)]
    for thread in threads:
        thread.start()
    time.sleep(0.5)
    fake.gate.set()
    for thread in threads:
        thread.join(20)
    assert codes == [200] * 9
    assert len(fake.batches) < 9
    assert sum(fake.batches) == 9


def test_one_bad_picture_does_not_spoil_its_batch(client: TestClient, fake: Fake) -> None:
    fake.gate.clear()
    codes: dict[int, int] = {}
    greys = (200, 0, 100, 0, 50)
    threads = [
        threading.Thread(target=lambda i=i, g=g: codes.__setitem__(i, post(client, picture(g)).status_code))
        for i, g in enumerate(greys)
    ]
    for thread in threads:
        thread.start()
    time.sleep(0.5)
    fake.gate.set()
    for thread in threads:
        thread.join(20)
    assert [codes[i] for i in range(5)] == [200, 400, 200, 400, 200]


def test_too_many_and_too_slow(fake: Fake) -> None:
    options = ServeOptions(queue=2, max_batch=1, timeout=1)
    with TestClient(create_app({"fake": fake}, options)) as client:  # type: ignore[dict-item]
        fake.gate.clear()
        codes: list[int] = []
        threads = [threading.Thread(target=lambda: codes.append(post(client, picture()).status_code)) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)
        assert set(codes) == {503, 504}
        assert codes.count(503) >= 4
        fake.gate.set()


def test_a_token_is_asked_for(fake: Fake) -> None:
    with TestClient(create_app({"fake": fake}, ServeOptions(token="secret"))) as client:  # type: ignore[dict-item]
        assert post(client, picture()).status_code == 401
        assert client.get("/v1/models").status_code == 401
        assert client.get("/health").status_code == 200
        client.headers["Authorization"] = "Bearer secret"
        assert post(client, picture()).status_code == 200


def test_models_health_metrics_and_page(client: TestClient) -> None:
    first, second = client.get("/v1/models").json()
    assert (first["name"], first["system"], second["name"]) == ("fake", "tin-spatial", "other")
    assert client.get("/health").text == "ok\n"
    post(client, picture())
    text = client.get("/metrics").text
    assert 'interplay_requests_total{path="/v1/detect",status="200"} 1.0' in text
    assert "interplay_batch_size_count 1.0" in text
    page = client.get("/")
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert "http://" not in page.text.replace("http://www.w3.org/2000/svg", "")  # nothing from elsewhere
    assert "/v1/detect" in client.get("/openapi.json").json()["paths"]


def test_the_default_model_answers_over_http() -> None:
    from interplay.pipeline import load_predictor

    with TestClient(create_app({"default": load_predictor("tin-spatial-vcoco")})) as client:
        body = post(client, sample_path().read_bytes(), "tennis.jpg").json()
    assert "tennis racket" in {body["boxes"][one["object"]]["label"] for one in body["interactions"]}


def test_batches_stop_when_all_is_done() -> None:
    async def main() -> list[int]:
        batcher = Batcher[int, int](lambda items: [2 * item for item in items], most=3, wait=0.0, queue=100)
        await batcher.start()
        answers = await asyncio.gather(*(batcher.submit(i) for i in range(10)))
        await batcher.stop()
        with pytest.raises(QueueFullError):
            await batcher.submit(1)
        return list(answers)

    assert asyncio.run(main()) == [2 * i for i in range(10)]


def test_only_allowed_hosts_are_asked() -> None:
    with pytest.raises(Exception, match="allowed: none"):
        fetch_picture("https://pictures.example/a.png", frozenset(), 1000, 1.0)
