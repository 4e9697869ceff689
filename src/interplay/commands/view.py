"""Look at a scene in 3D in the browser: turn it with the mouse, a finger or the arrow keys.

The page comes from this machine and fetches nothing from a network. Ctrl-C ends it.
"""

from __future__ import annotations

import argparse
from pathlib import Path

EXAMPLE = "interplay view reconstruction/scene.glb"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument(
        "scene", type=Path, metavar="FILE", help="a .glb file, or the folder that 'interplay reconstruct' wrote"
    )
    parser.add_argument("--port", type=int, default=0, metavar="N", help="default: a free one")
    parser.add_argument("--no-browser", action="store_true", help="only say the address")


def run(arguments: argparse.Namespace) -> int:
    """Serve until Ctrl-C."""
    import webbrowser

    from rich.console import Console

    from interplay.visual.viewer import SceneServer

    scene = arguments.scene / "scene.glb" if arguments.scene.is_dir() else arguments.scene
    server = SceneServer(scene, arguments.port)
    Console(stderr=True).print(f"{server.address} (Ctrl-C ends it)", highlight=False)
    if not arguments.no_browser:
        webbrowser.open(server.address)
    server.serve()
    return 0
