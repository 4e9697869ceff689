"""A page and an HTTP API over a model, on this machine unless told otherwise.

The page takes pictures and clips; the API is described at /docs. Set the environment variable INTERPLAY_TOKEN to ask
for a token.
"""

from __future__ import annotations

import argparse
import os

from interplay.commands._options import add_device, add_pose
from interplay.commands._types import names, positive
from interplay.defaults import DEFAULT_BATCH_SIZE, DEFAULT_CONTACT_MODEL, DEFAULT_MODEL
from interplay.errors import InputError, MissingExtraError

EXAMPLE = "interplay serve --port 8000"

TOKEN = "INTERPLAY_TOKEN"
"""Environment variable with the token: on the command line every user of the machine could read it."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument(
        "--model", type=names, default=[DEFAULT_MODEL], metavar="A,B", help=f"models (default: {DEFAULT_MODEL})"
    )
    parser.add_argument(
        "--contact",
        type=names,
        metavar="A,B",
        help=f"models of contact, or 'none' (default: {DEFAULT_CONTACT_MODEL}, where the extra contact is installed)",
    )
    parser.add_argument("--detector", metavar="NAME", help="what finds people and objects for models that need it")
    add_pose(parser)
    add_device(parser)
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s, this machine)")
    parser.add_argument("--port", type=positive, default=8000, metavar="N", help="default: %(default)s")
    limits = parser.add_argument_group("limits")
    limits.add_argument("--max-bytes", type=positive, default=20_000_000, metavar="N", help="default: %(default)s")
    limits.add_argument("--max-pixels", type=positive, default=25_000_000, metavar="N", help="default: %(default)s")
    limits.add_argument(
        "--batch-size", type=positive, default=DEFAULT_BATCH_SIZE, metavar="N", help="pictures at once (%(default)s)"
    )
    limits.add_argument("--queue", type=positive, default=64, metavar="N", help="pictures that may wait (%(default)s)")
    limits.add_argument("--timeout", type=positive, default=60, metavar="S", help="seconds a request may take")
    limits.add_argument(
        "--allow-url",
        type=names,
        default=[],
        metavar="HOSTS",
        help="hosts from which pictures may be fetched by their https address (default: none)",
    )


def run(arguments: argparse.Namespace) -> int:
    """Serve until Ctrl-C; what is being worked on is finished first."""
    try:
        import uvicorn

        from interplay.serve.app import create_app
        from interplay.serve.contact import load_service
    except ImportError as error:
        raise MissingExtraError("app", error.name or "fastapi") from None
    from rich.console import Console

    from interplay.pipeline import check_predictor, load_predictor
    from interplay.serve.options import ServeOptions

    console = Console(stderr=True)
    token = os.environ.get(TOKEN) or None
    if arguments.port > 65535:
        raise InputError(f"ports go to 65,535, got {arguments.port}")
    options = ServeOptions(
        max_bytes=arguments.max_bytes,
        max_pixels=arguments.max_pixels,
        max_batch=arguments.batch_size,
        queue=arguments.queue,
        timeout=arguments.timeout,
        token=token,
        url_hosts=frozenset(arguments.allow_url),
    )
    given = {"detector": arguments.detector, "pose": arguments.pose, "device": arguments.device}
    for name in arguments.model:
        check_predictor(name, **given)
    models = {}
    for name in arguments.model:
        with console.status(f"loading {name}"):
            models[name] = load_predictor(name, **given)
    contact = {}
    shared = next((one.detector for one in models.values() if one.model.needs_detections), arguments.detector)
    for name in [DEFAULT_CONTACT_MODEL] if arguments.contact is None else arguments.contact:
        if arguments.contact == ["none"]:
            break
        with console.status(f"loading {name}"):
            try:
                contact[name] = load_service(name, shared, arguments.device)
            except MissingExtraError as error:
                if arguments.contact is not None:
                    raise
                console.print(f"note: without contact: {error}", markup=False, soft_wrap=True)
    if token is None and arguments.host not in ("127.0.0.1", "localhost", "::1"):
        console.print(f"note: everybody who reaches {arguments.host} can use this server; {TOKEN} sets a token")
    console.print(f"http://{arguments.host}:{arguments.port}/ (Ctrl-C ends it; the API is at /docs)", highlight=False)
    uvicorn.run(
        create_app(models, options, contact),
        host=arguments.host,
        port=arguments.port,
        log_level="warning",
        timeout_graceful_shutdown=max(int(arguments.timeout), 1),
    )
    return 0
