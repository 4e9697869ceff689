"""`create_app`: the HTTP API and the page."""

from __future__ import annotations

import asyncio
import hmac
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from fastapi import Depends, FastAPI, File, Form, HTTPException, Query, Request, UploadFile
from fastapi.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from numpy.typing import NDArray
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from starlette.concurrency import run_in_threadpool

from interplay._version import __version__
from interplay.errors import InputError, InterplayError
from interplay.images import ImageError, image_size, read_image
from interplay.interactions import Interactions
from interplay.pipeline.run import Failure, predict_batch
from interplay.serve.batching import Batcher, QueueFullError
from interplay.serve.fetch import fetch_picture
from interplay.serve.options import ServeOptions
from interplay.serve.schema import Detection, Model, Problem, detection_of

if TYPE_CHECKING:
    from interplay.models.inference import Inference

Pixels = NDArray[np.uint8]

REFUSED: dict[int | str, dict[str, Any]] = {
    code: {"model": Problem, "description": text}
    for code, text in {
        400: "not a picture, or no picture",
        401: "the token is missing or wrong",
        404: "no such model",
        413: "too many bytes or pixels",
        503: "too many requests wait; try again later",
        504: "it took too long",
    }.items()
}


def create_app(models: Mapping[str, Inference], options: ServeOptions | None = None) -> FastAPI:
    """The application.

    Args:
        models: by name; the first is the default.
        options: limits, token, allowed hosts.

    Raises:
        InputError: no model.
    """
    if not models:
        raise InputError("the server needs a model")
    limits = options or ServeOptions()
    metrics = _Metrics()
    batchers = {
        name: Batcher[Pixels, Interactions](
            _worker(model), limits.max_batch, limits.wait, limits.queue, metrics.batch.observe
        )
        for name, model in models.items()
    }
    metrics.waiting.set_function(lambda: float(sum(one.waiting for one in batchers.values())))

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        for batcher in batchers.values():
            await batcher.start()
        yield
        for batcher in batchers.values():
            await batcher.stop()

    app = FastAPI(
        title="interplay",
        version=__version__,
        description="Who does what with which object, in pictures.",
        lifespan=lifespan,
    )

    def allowed(request: Request) -> None:
        if limits.token is None:
            return
        given = request.headers.get("authorization", "")
        if not hmac.compare_digest(given.encode(), f"Bearer {limits.token}".encode()):
            raise HTTPException(401, "send the header 'Authorization: Bearer TOKEN'", {"WWW-Authenticate": "Bearer"})

    @app.middleware("http")
    async def measured(request: Request, call: Any) -> Response:
        start = time.perf_counter()
        length = request.headers.get("content-length", "")
        most = limits.max_bytes + 100_000  # a form has some bytes around the picture
        if length.isdigit() and int(length) > most:
            response: Response = JSONResponse({"detail": f"more than {limits.max_bytes:,} bytes"}, 413)
        else:
            response = await call(request)
        path = request.url.path if request.url.path in _PATHS else "other"
        metrics.requests.labels(path, str(response.status_code)).inc()
        metrics.seconds.labels(path).observe(time.perf_counter() - start)
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response

    @app.exception_handler(QueueFullError)
    async def full(request: Request, error: QueueFullError) -> JSONResponse:
        return JSONResponse({"detail": "too many requests wait; try again later"}, 503, {"Retry-After": "1"})

    @app.post("/v1/detect", response_model=Detection, responses=REFUSED, dependencies=[Depends(allowed)])
    async def detect(
        file: Annotated[UploadFile | None, File(description="a picture: JPEG, PNG, WebP, ...")] = None,
        url: Annotated[str | None, Form(description="an https address on an allowed host, instead of a file")] = None,
        model: Annotated[str | None, Query(description="default: the server's first")] = None,
        min_score: Annotated[float | None, Query(description="default: the model's own", ge=0)] = None,
        top_k: Annotated[int | None, Query(ge=1)] = None,
    ) -> Detection:
        """The people, objects and interactions in a picture."""
        chosen = next(iter(models)) if model is None else model
        if chosen not in models:
            raise HTTPException(404, f"no model {chosen!r} here: there are {', '.join(models)}")
        if (file is None) == (url is None):
            raise HTTPException(400, "send one picture: a form with 'file', or with 'url'")

        async def found_in() -> Interactions:
            if file is not None:
                data = await _limited(file, limits.max_bytes)
            else:
                data = await run_in_threadpool(
                    fetch_picture, url or "", limits.url_hosts, limits.max_bytes, limits.timeout
                )
            pixels = await run_in_threadpool(_decoded, data, limits.max_pixels)
            return await batchers[chosen].submit(pixels)

        try:
            found = await asyncio.wait_for(found_in(), limits.timeout)
        except asyncio.TimeoutError:
            raise HTTPException(504, f"it took more than {limits.timeout:g} seconds") from None
        except InterplayError as error:
            raise HTTPException(400, str(error)) from None
        least = models[chosen].model.default_min_score if min_score is None else min_score
        return detection_of(found.filter(least, top_k), file.filename if file is not None else url, chosen)

    @app.get("/v1/models", response_model=list[Model], dependencies=[Depends(allowed)])
    async def list_models() -> list[Model]:
        """The models that this server has, the default first."""
        return [_described(name, inference) for name, inference in models.items()]

    @app.get("/health", response_class=PlainTextResponse)
    async def health() -> str:
        """Whether the server takes requests."""
        return "ok\n"

    @app.get("/metrics", response_class=PlainTextResponse, include_in_schema=False)
    async def show_metrics() -> Response:
        return Response(generate_latest(metrics.registry), media_type="text/plain; version=0.0.4")

    page = (resources.files("interplay.serve") / "page.html").read_text(encoding="utf-8")

    @app.get("/", response_class=HTMLResponse, include_in_schema=False)
    async def show_page() -> HTMLResponse:
        return HTMLResponse(page, headers={"Content-Security-Policy": _POLICY})

    return app


_PATHS = frozenset(("/", "/v1/detect", "/v1/models", "/health", "/metrics", "/docs", "/openapi.json"))
_POLICY = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src blob: data:; media-src blob:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def _described(name: str, inference: Inference) -> Model:
    model = inference.model
    return Model(
        name=name,
        system=str(model.description()["system"]),
        vocabulary=model.vocabulary.name,
        default_min_score=model.default_min_score,
        verbs=list(model.vocabulary.verbs),
    )


_NAME = Path("picture")


def _worker(inference: Inference) -> Any:
    """What a batcher calls: a picture that the model cannot do does not spoil the others'."""

    def work(images: Sequence[Pixels]) -> list[Interactions | Exception]:
        answers = predict_batch([(_NAME, image) for image in images], lambda batch, names: inference(batch))
        return [InputError(one.reason) if isinstance(one, Failure) else one for one in answers]

    return work


async def _limited(file: UploadFile, most: int) -> bytes:
    data = await file.read(most + 1)
    if len(data) > most:
        raise HTTPException(413, f"more than {most:,} bytes")
    if not data:
        raise HTTPException(400, "the file is empty")
    return data


def _decoded(data: bytes, most: int) -> Pixels:
    try:
        width, height = image_size(data)
    except ImageError as error:
        raise InputError(error.reason) from None
    if width * height > most:
        raise HTTPException(413, f"{width} x {height} pixels, expected at most {most:,} pixels")
    try:
        return read_image(data, max_pixels=most)
    except ImageError as error:
        raise InputError(error.reason) from None


class _Metrics:
    """Prometheus' figures, in a registry of their own so that several applications can live in one process."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "interplay_requests", "Requests by path and status", ["path", "status"], registry=self.registry
        )
        self.seconds = Histogram("interplay_request_seconds", "Time to answer", ["path"], registry=self.registry)
        self.batch = Histogram(
            "interplay_batch_size", "Pictures a batch", buckets=(1, 2, 4, 8, 16, 32), registry=self.registry
        )
        self.waiting = Gauge("interplay_waiting", "Pictures that wait", registry=self.registry)
