"""The page in a real browser: Chromium from the system, driven by Playwright."""

from __future__ import annotations

import base64
import json
import shutil
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import combinations
from typing import Any

import numpy as np
import pytest
from PIL import Image

from interplay.samples import sample_path

pytest.importorskip("fastapi", reason="needs the extra app")
playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright")

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
SOFTWARE_GL = ("--use-gl=angle", "--use-angle=swiftshader")
PATIENCE = 240_000
"""Milliseconds: other tests may share the processor."""
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium")


@contextmanager
def serving(app: Any) -> Iterator[str]:
    """The address of a server that runs in a thread."""
    import uvicorn

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="error"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    end = time.monotonic() + 30
    while not server.started and time.monotonic() < end:
        time.sleep(0.05)
    yield f"http://127.0.0.1:{port}/"
    server.should_exit = True
    thread.join(10)


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    from interplay.pipeline import load_predictor
    from interplay.serve import create_app

    app = create_app({"tin-spatial-vcoco": load_predictor("tin-spatial-vcoco")}, contact=_contact())
    with serving(app) as address:
        yield address


def _contact() -> dict[str, Any]:
    """The model of contact, where its extra is installed."""
    from interplay.errors import MissingExtraError
    from interplay.serve.contact import load_service

    try:
        return {"contact-geometry": load_service("contact-geometry")}
    except MissingExtraError:
        return {}


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", *SOFTWARE_GL])
        yield browser
        browser.close()


WORDS = """
() => [...document.querySelectorAll("#marks text")].map((each) => {
  const box = each.getBoundingClientRect();
  return [box.left, box.top, box.right, box.bottom - 4];  // letters may touch the next line
})
"""


@pytest.mark.parametrize("phone", [False, True])
def test_a_picture_from_upload_to_download(address: str, browser: Any, phone: bool) -> None:
    size = {"width": 390, "height": 800} if phone else {"width": 1200, "height": 900}
    page = browser.new_page(viewport=size)
    page.set_default_timeout(PATIENCE)
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    page.goto(address)
    page.set_input_files("#file", str(sample_path()))
    page.wait_for_selector("#list button")
    words = page.locator("#list button span").all_text_contents()
    assert any("tennis racket" in word for word in words)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")  # nothing sticks out
    drawn = page.locator("#marks line").count()
    assert drawn >= 2
    for one, other in combinations(page.evaluate(WORDS), 2):
        assert one[0] >= other[2] or other[0] >= one[2] or one[1] >= other[3] or other[1] >= one[3]  # words can be read
    page.locator("#list button").first.hover()
    assert page.locator("#marks line").count() == 1  # the chosen interaction alone
    page.mouse.move(0, 0)
    page.locator("#boxes").uncheck()
    assert page.locator("#marks rect").count() == 0
    page.locator("#least").evaluate("e => { e.value = 1; e.dispatchEvent(new Event('input')); }")
    assert page.locator("#list button").count() == 0
    assert "best:" in page.locator("#status").inner_text()
    with page.expect_download() as download:
        page.locator("#json").click()
    assert download.value.suggested_filename == "interactions.json"
    with page.expect_download() as download:
        page.locator("#picture").click()
    assert download.value.suggested_filename == "interactions.png"
    assert not problems
    page.close()


def test_the_threshold_asks_nothing_again(address: str, browser: Any) -> None:
    page = browser.new_page()
    page.set_default_timeout(PATIENCE)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(address)
    page.set_input_files("#file", str(sample_path()))
    page.wait_for_selector("#list button")
    counts = []
    for least in (0.01, 0.9):
        page.locator("#least").evaluate(f"e => {{ e.value = {least}; e.dispatchEvent(new Event('input')); }}")
        counts.append(page.locator("#list button").count())
    assert counts[0] > counts[1] > 0
    assert sum("/v1/detect" in url for url in asked) == 1
    page.close()


TRANSFER = """
async (kind) => {
  const data = Uint8Array.from(atob(window.picture), (c) => c.charCodeAt(0));
  const files = new DataTransfer();
  files.items.add(new File([data], "tennis.jpg", { type: "image/jpeg" }));
  const event = kind === "paste" ? new ClipboardEvent("paste", { clipboardData: files, bubbles: true })
    : new DragEvent("drop", { dataTransfer: files, bubbles: true, cancelable: true });
  document.body.dispatchEvent(event);
}
"""


@pytest.mark.parametrize("kind", ["paste", "drop"])
def test_pictures_are_pasted_and_dropped(address: str, browser: Any, kind: str) -> None:
    page = browser.new_page()
    page.set_default_timeout(PATIENCE)
    held: list[Any] = []

    def hold(route: Any) -> None:
        held.append(route)

    page.route("**/v1/models", hold)  # a slow server: the picture comes before the list of models
    page.goto(address)
    page.evaluate("text => { window.picture = text; }", base64.b64encode(sample_path().read_bytes()).decode())
    page.evaluate(TRANSFER, kind)
    page.get_by_text("looking ...").wait_for()
    held[0].continue_()
    page.wait_for_selector("#list button")
    assert "tennis racket" in page.locator("#list").inner_text()
    page.close()


def test_a_picture_waits_for_the_token(browser: Any) -> None:
    from interplay.pipeline import load_predictor
    from interplay.serve import ServeOptions, create_app

    app = create_app({"tin-spatial-vcoco": load_predictor("tin-spatial-vcoco")}, ServeOptions(token="secret"))
    with serving(app) as address:
        page = browser.new_page()
        page.set_default_timeout(PATIENCE)
        page.goto(address)
        page.set_input_files("#file", str(sample_path()))
        page.get_by_text("Authorization: Bearer").wait_for()
        page.locator("#token").fill("secret")
        page.locator("#token").blur()
        page.wait_for_selector("#list button")
        page.close()


def test_a_clip_is_looked_at_frame_by_frame(address: str, browser: Any, tmp_path: Any) -> None:
    av = pytest.importorskip("av", reason="needs the extra video")
    image = np.asarray(Image.open(sample_path()).convert("RGB").resize((480, 320)))
    clip = tmp_path / "clip.webm"
    with av.open(str(clip), "w") as container:
        stream = container.add_stream("libvpx", rate=10)
        stream.width, stream.height, stream.pix_fmt = 480, 320, "yuv420p"
        for _ in range(8):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, "rgb24")))
        container.mux(stream.encode())
    page = browser.new_page()
    page.set_default_timeout(PATIENCE)
    page.goto(address)
    page.set_input_files("#file", str(clip))
    page.get_by_text("frames of the clip").wait_for()
    page.wait_for_selector("#list button")
    with page.expect_download() as download:
        page.locator("#json").click()
    frames = json.loads(download.value.path().read_text(encoding="utf-8"))
    assert [frame["time"] for frame in frames] == [0, 0.5]
    assert frames[1]["interactions"]
    page.close()


def test_the_keyboard_reaches_everything(address: str, browser: Any) -> None:
    page = browser.new_page()
    page.set_default_timeout(PATIENCE)
    page.goto(address)
    page.set_input_files("#file", str(sample_path()))
    page.wait_for_selector("#list button")
    reached = set()
    for _ in range(25):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("document.activeElement.id || document.activeElement.tagName"))
    assert {"file", "model", "least", "boxes", "words", "json", "picture", "BUTTON"} <= reached
    page.close()


def test_a_file_that_is_no_picture_is_named(address: str, browser: Any, tmp_path: Any) -> None:
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"no picture")
    page = browser.new_page()
    page.set_default_timeout(PATIENCE)
    page.goto(address)
    page.set_input_files("#file", str(broken))
    page.wait_for_selector("#status.bad")
    assert "not an image" in page.locator("#status").inner_text()
    page.close()


def test_contact_is_shown_in_3d(address: str, browser: Any) -> None:
    page = browser.new_page(viewport={"width": 390, "height": 700})
    page.set_default_timeout(PATIENCE)
    problems, asked = [], []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    page.on("request", lambda request: asked.append(request.url))
    page.goto(address)
    page.set_input_files("#file", str(sample_path()))
    page.wait_for_selector("#list button")
    if not page.locator("#contact").is_visible():
        pytest.skip("needs the extra contact")
    page.locator("#contact").focus()
    page.keyboard.press("Enter")
    page.wait_for_selector("#pairs button")
    pair = page.locator("#pairs button").first
    assert "person 1, tennis racket: right hand" in pair.inner_text()
    pair.focus()
    assert page.locator("#marks rect").count() == 2  # the person and the racket alone
    page.keyboard.press("Enter")
    page.wait_for_selector("#body iframe")
    view = page.frame_locator("#body iframe")
    view.locator("div#status:empty").wait_for(state="attached")  # <model-viewer> has another #status
    frame = next(each for each in page.frames if "/viewer" in each.url)
    assert frame.evaluate("document.querySelector('model-viewer').loaded") is True
    assert "right hand" in frame.evaluate("document.querySelector('model-viewer').alt")
    assert frame.evaluate("document.getElementById('save').download") == "person1_tennis_racket.glb"
    assert "right hand" in page.locator("#status").inner_text()  # what a screen reader says
    assert pair.get_attribute("aria-pressed") == "true"
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.evaluate("document.getElementById('body-title').focus()")
    page.keyboard.press("Escape")
    assert page.locator("#body").is_hidden()
    assert page.evaluate("document.activeElement.closest('#pairs') !== null")
    outside = [url for url in asked if not url.startswith((address, "blob:", "data:"))]
    page.close()
    assert not outside
    assert not [each for each in problems if "WebGL" not in each]


def test_a_frame_shows_nothing_from_elsewhere(address: str, browser: Any) -> None:
    page = browser.new_page()
    page.set_default_timeout(PATIENCE)
    page.goto(address + "viewer#scene=javascript:alert(1)&title=<b>x</b>")
    assert page.evaluate("document.getElementById('save').getAttribute('href')") is None
    assert page.evaluate("document.querySelector('model-viewer').src") is None
    page.close()
