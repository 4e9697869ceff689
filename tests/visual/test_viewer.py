"""The viewer of scenes in a real browser: Chromium from the system, driven by Playwright."""

from __future__ import annotations

import shutil
import urllib.error
import urllib.request
from pathlib import Path

import numpy as np
import pytest

from interplay.body.materials import Material
from interplay.body.meshes import box
from interplay.errors import InputError, MissingFileError
from interplay.reconstruct import Intrinsics, Scene
from interplay.visual.viewer import SceneServer, read_scene, viewer_page

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("trimesh", reason="needs the extra body")
    cube = box((1.0, 1.0, 1.0), Material((0.5, 0.5, 0.5)))
    made = Scene.empty(Intrinsics((100.0, 100.0), (50.0, 40.0)))
    made.add("person", cube.at(0, 0, 5).vertices, cube.faces, np.arange(24) < 4)
    made.add("object", cube.at(1.5, 0, 5).vertices, cube.faces, colour=(240, 170, 70))
    path = tmp_path_factory.mktemp("scene") / "scene.glb"
    made.save_glb(path, (100, 80))
    return path


def test_the_server_has_the_page_the_script_and_the_scene(scene: Path) -> None:
    with SceneServer(scene) as server:
        with urllib.request.urlopen(server.address) as answer:
            assert b"<model-viewer" in answer.read()
            assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
        with urllib.request.urlopen(server.address + "scene.glb") as answer:
            assert answer.read() == scene.read_bytes()
        with pytest.raises(urllib.error.HTTPError, match="404"):
            urllib.request.urlopen(server.address + "../secret")


def test_what_is_no_scene_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError):
        read_scene(tmp_path / "none.glb")
    (tmp_path / "text.glb").write_text("not a scene", encoding="utf-8")
    with pytest.raises(InputError, match="expected a GLB file"):
        read_scene(tmp_path / "text.glb")
    (tmp_path / "short.glb").write_bytes(b"glTF" + (2).to_bytes(4, "little") + (9999).to_bytes(4, "little"))
    with pytest.raises(InputError, match="cut short: 12 of 9,999 bytes"):
        read_scene(tmp_path / "short.glb")


def test_a_port_that_is_taken_is_said(scene: Path) -> None:
    with SceneServer(scene) as server:
        port = int(server.address.rsplit(":", 1)[1].strip("/"))
        with pytest.raises(InputError, match="choose another one with --port"):
            SceneServer(scene, port)


def test_a_title_is_text_not_markup() -> None:
    assert "<script>alert" not in viewer_page("<script>alert(1)</script>", "scene.glb")


@pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium")
def test_the_page_shows_the_scene_without_a_network(scene: Path) -> None:
    playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright")
    with SceneServer(scene) as server, playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--use-gl=angle", "--use-angle=swiftshader"]
        )
        page = browser.new_page(viewport={"width": 480, "height": 360})
        problems: list[str] = []
        asked: list[str] = []
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
        page.on("request", lambda request: asked.append(request.url))
        page.goto(server.address)
        page.wait_for_selector("#status:empty", state="attached", timeout=120_000)
        assert page.evaluate("document.querySelector('model-viewer').loaded") is True
        page.evaluate("document.querySelector('[data-orbit=\"0deg 2deg\"]').click()")
        assert page.evaluate("document.querySelector('model-viewer').cameraOrbit").startswith("0deg 2deg")
        page.evaluate("document.getElementById('turn').click()")
        assert page.evaluate("document.querySelector('model-viewer').autoRotate") is True
        outside = [url for url in asked if not url.startswith((server.address, "blob:", "data:"))]
        browser.close()
    assert not outside
    assert not [each for each in problems if "WebGL" not in each]
