"""``POST /v1/contact``: pairs, boxes that are given, GLB files, and what is refused."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from interplay.samples import sample_path

pytest.importorskip("fastapi", reason="needs the extra app")
pytest.importorskip("anny", reason="needs the extra contact")
pytest.importorskip("cv2", reason="needs the extra contact")
pytest.importorskip("ai_edge_litert", reason="needs the extra contact")
pytest.importorskip("trimesh", reason="needs the extra contact")

from fastapi.testclient import TestClient

from interplay import load_model
from interplay.serve import ServeOptions, create_app
from interplay.serve.contact import ContactService, load_service

PHOTO = sample_path().read_bytes()


@pytest.fixture(scope="module")
def service() -> ContactService:
    return load_service("contact-geometry", device="cpu")


@pytest.fixture(scope="module")
def client(service: ContactService) -> Iterator[TestClient]:
    model = load_model("tin-spatial-vcoco").inference()
    options = ServeOptions(max_bytes=2_000_000, max_pixels=2_000_000, token="secret")
    with TestClient(create_app({"default": model}, options, {"contact-geometry": service})) as client:
        client.headers["Authorization"] = "Bearer secret"
        yield client


@pytest.fixture(scope="module")
def answer(client: TestClient) -> dict[str, Any]:
    got = post(client, scores=True)
    assert got.status_code == 200, got.text
    return dict(got.json())


def post(client: TestClient, boxes: Any = None, data: bytes = PHOTO, **options: Any) -> Any:
    form = {} if boxes is None else {"boxes": boxes if isinstance(boxes, str) else json.dumps(boxes)}
    return client.post("/v1/contact", files={"file": ("tennis.jpg", data)}, data=form, params=options)


def test_the_hand_touches_the_racket(answer: dict[str, Any]) -> None:
    assert (answer["name"], answer["model"]) == ("tennis.jpg", "contact-geometry")
    assert (answer["body"], answer["num_vertices"]) == ("anny", 12_272)
    (pair,) = answer["pairs"]
    assert answer["boxes"][pair["person"]]["label"] == "person"
    assert answer["boxes"][pair["object"]]["label"] == pair["label"] == "tennis racket"
    assert pair["touches"]
    assert pair["parts"] == ["right hand"]
    assert pair["sentence"].startswith("person 1, tennis racket: right hand (")
    scores = np.frombuffer(base64.b64decode(pair["scores"]), np.uint8) / 255
    assert len(scores) == answer["num_vertices"]
    assert set(np.flatnonzero(scores > 0.51)) <= set(pair["vertices"]) <= set(np.flatnonzero(scores > 0.49))
    assert pair["score"] == pytest.approx(scores.max(), abs=0.01)


def test_boxes_of_an_answer_give_the_same_answer(client: TestClient, answer: dict[str, Any]) -> None:
    again = post(client, answer["boxes"], scores=True).json()
    first, second = (
        np.frombuffer(base64.b64decode(each["pairs"][0]["scores"]), np.uint8).astype(int) for each in (answer, again)
    )
    assert np.abs(first - second).max() <= 3  # boxes and keypoints are rounded in an answer


def test_boxes_without_poses_get_poses(client: TestClient, answer: dict[str, Any]) -> None:
    pair = answer["pairs"][0]
    given = [
        {"box": answer["boxes"][pair[who]]["box"], "label": answer["boxes"][pair[who]]["label"]}
        for who in ("person", "object")
    ]
    found = post(client, given).json()
    assert [len(box["keypoints"] or ()) for box in found["boxes"]] == [17, 0]
    assert found["pairs"][0]["parts"] == ["right hand"]


def test_a_pair_as_a_glb_file(client: TestClient, answer: dict[str, Any]) -> None:
    got = post(client, answer["boxes"], glb=0)
    assert got.headers["content-type"] == "model/gltf-binary"
    assert got.headers["content-disposition"] == 'attachment; filename="person1_tennis_racket.glb"'
    import trimesh

    mesh = trimesh.load(trimesh.util.wrap_as_stream(got.content), file_type="glb", force="mesh", process=False)
    assert len(mesh.vertices) == answer["num_vertices"]
    colours = np.asarray(mesh.visual.vertex_colors, int)
    red = set(np.flatnonzero(colours[:, 0] - colours[:, 1] > 120))
    touched = set(answer["pairs"][0]["vertices"])
    assert len(red & touched) > 0.8 * len(touched)
    assert not red - touched


@pytest.mark.parametrize(
    ("options", "code", "text"),
    [
        ({"object": "bicycle"}, 400, "the detector finds no bicycle"),
        ({"people": 7}, 400, "no person 7"),
        ({"glb": 3}, 400, "no pair 3: there are 1"),
        ({"glb": -1}, 422, "greater than or equal"),
        ({"model": "other"}, 404, "there are contact-geometry"),
        ({"boxes": "no list"}, 400, "Invalid JSON"),
        ({"boxes": []}, 400, "expected 1 to 1,000"),
        ({"boxes": [{"box": [5, 5, 1, 9], "label": "person"}]}, 400, "no box: expected x1 < x2"),
        ({"boxes": [{"box": [1, 1, 9], "label": "person"}]}, 400, "Field required"),
        ({"boxes": '[{"box": [1, 1, 9, NaN], "label": "person"}]'}, 400, "finite"),
        ({"boxes": [{"box": [1, 1, 9, 9], "label": "person"}]}, 400, "no object"),
        ({"data": b"no picture"}, 400, "not an image"),
        ({"data": bytes(3_000_000)}, 413, "more than 2,000,000 bytes"),
    ],
)
def test_what_cannot_be_done_is_refused(client: TestClient, options: dict[str, Any], code: int, text: str) -> None:
    got = post(client, **options)
    assert got.status_code == code
    assert text in str(got.json()["detail"])


def test_token_address_and_description(client: TestClient) -> None:
    assert client.post("/v1/contact", headers={"Authorization": "Bearer wrong"}).status_code == 401
    refused = client.post("/v1/contact", data={"url": "https://evil.example/a.png"})
    assert (refused.status_code, "allowed: none" in refused.json()["detail"]) == (400, True)
    assert client.post("/v1/contact").status_code == 400
    operation = client.get("/openapi.json").json()["paths"]["/v1/contact"]["post"]
    assert set(operation["responses"]["200"]["content"]) == {"application/json", "model/gltf-binary"}
    tasks = {model["name"]: model["task"] for model in client.get("/v1/models").json()}
    assert tasks == {"default": "interactions", "contact-geometry": "contact"}


def test_a_server_without_contact_says_so() -> None:
    with TestClient(create_app({"default": load_model("tin-spatial-vcoco").inference()})) as client:
        got = post(client)
        assert (got.status_code, "no model of contact" in got.json()["detail"]) == (404, True)
        viewer = client.get("/viewer")
        assert "frame-ancestors 'self'" in viewer.headers["content-security-policy"]
        assert "<model-viewer" in viewer.text
        assert 'src="None"' not in viewer.text
        assert client.get("/model-viewer.min.js").headers["content-type"].startswith("text/javascript")
