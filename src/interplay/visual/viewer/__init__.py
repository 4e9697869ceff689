"""A scene in 3D in the browser: one page over ``<model-viewer>``, which comes with interplay, and a small local server.

``model-viewer.min.js`` is @google/model-viewer 4.4.0 (Apache-2.0; ``model-viewer.LICENSE``). Nothing is fetched from a
network at run time.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import resources
from pathlib import Path

from interplay.containers.guard import MEGABYTE, read_bytes
from interplay.errors import InputError
from interplay.visual.pages import page_template

SCRIPT = "model-viewer.min.js"

POLICY = (
    "default-src 'none'; script-src 'self' 'unsafe-inline' 'wasm-unsafe-eval' blob:; style-src 'unsafe-inline'; "
    "img-src 'self' blob: data:; connect-src 'self' blob: data:; worker-src blob:; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'self'"
)
"""Content security policy that the page works under; a page of the same server may hold it in a frame."""

LEGEND = (("person", "#c4cdd6"), ("object", "#f0aa46"), ("contact", "#d62828"))
CONTACT_LEGEND = (("body", "#aaaaaa"), ("contact", "#ff2828"))
"""Of bodies that `interplay.pipeline.contact_files` colours."""

_LARGEST = 256 * MEGABYTE


def viewer_script() -> bytes:
    """``<model-viewer>``'s code, for any page that shows scenes."""
    return (resources.files(__name__) / SCRIPT).read_bytes()


def viewer_page(title: str, scene: str | None, script: str = SCRIPT, legend: Sequence[tuple[str, str]] = LEGEND) -> str:
    """The page that shows a GLB file.

    Args:
        title: what it is headed with.
        scene: address of the file; None for a page in a frame, whose fragment says what to show:
            ``#scene=blob:...&title=...&name=FILE``. Of addresses there, only those of ``blob:`` are shown.
        script: address of `viewer_script`.
        legend: names and CSS colours.
    """
    page = page_template(__name__, "page.html")
    return page.render(title=title, scene=scene, script=script, legend=legend)


def read_scene(path: Path) -> bytes:
    """A GLB file.

    Raises:
        MissingFileError: there is none.
        InputError: another kind of file, or cut short.
    """
    data = read_bytes(path, "a scene", _LARGEST)
    if data[:4] != b"glTF" or len(data) < 12:
        raise InputError(f"{path}: expected a GLB file, such as the scene.glb of 'interplay reconstruct'")
    said = int.from_bytes(data[8:12], "little")
    if said > len(data):
        raise InputError(f"{path}: cut short: {len(data):,} of {said:,} bytes")
    return data


class SceneServer:
    """Serves the page of one scene on this machine alone; `start` and `stop`, or a ``with`` block.

    Args:
        path: a GLB file.
        port: 0 takes a free one.

    Raises:
        MissingFileError, InputError: no such scene, or the port is taken.
    """

    def __init__(self, path: Path, port: int = 0) -> None:
        served = {
            "/": ("text/html; charset=utf-8", viewer_page(path.name, "scene.glb").encode()),
            "/scene.glb": ("model/gltf-binary", read_scene(path)),
            f"/{SCRIPT}": ("text/javascript; charset=utf-8", viewer_script()),
        }

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                kind, content = served.get(self.path.partition("?")[0], ("", b""))
                self.send_response(200 if kind else 404)
                self.send_header("Content-Type", kind or "text/plain")
                self.send_header("Content-Length", str(len(content)))
                self.send_header("Content-Security-Policy", POLICY)
                self.send_header("X-Content-Type-Options", "nosniff")
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, format: str, *arguments: object) -> None:
                """Nothing: the console is the user's."""

        try:
            self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        except (OSError, OverflowError, socket.gaierror) as error:
            raise InputError(f"port {port} cannot be used ({error}); choose another one with --port") from None
        self._server.daemon_threads = True
        self.address = f"http://127.0.0.1:{self._server.server_address[1]}/"

    def serve(self) -> None:
        """Until the process is interrupted."""
        try:
            self._server.serve_forever()
        finally:
            self._server.server_close()

    def __enter__(self) -> SceneServer:
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(10)
