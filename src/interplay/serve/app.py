"""`create_app`: the HTTP API and the page."""

from __future__ import annotations

import asyncio
import hmac
import time
from collections.abc import AsyncIterator, Awaitable, Mapping, Sequence
from contextlib import asynccontextmanager
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar
from urllib.parse import quote

from fastapi import Depends, FastAPI, File, Form, HTTPException, Query, Request, UploadFile
from fastapi.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from prometheus_client import generate_latest
from starlette.concurrency import run_in_threadpool

from interplay._version import __version__
from interplay.errors import InputError, InterplayError
from interplay.interactions import Interactions
from interplay.pipeline.contact import THRESHOLD, ContactResult
from interplay.pipeline.contact_files import names_of
from interplay.pipeline.run import Failure, predict_batch
from interplay.serve.batching import Batcher, QueueFullError, model_thread
from interplay.serve.contact import ContactQuestion, ContactService, given_boxes
from interplay.serve.metrics import Metrics
from interplay.serve.options import ServeOptions
from interplay.serve.pictures import Pixels, picture_of
from interplay.serve.schema import Contact, Detection, Model, Problem, contact_of, detection_of
from interplay.visual.viewer import CONTACT_LEGEND, POLICY, SCRIPT, viewer_page, viewer_script

if TYPE_CHECKING:
    from interplay.models.inference import Inference

Named = TypeVar("Named")
Answer = TypeVar("Answer")

REFUSED: dict[int | str, dict[str, Any]] = {
    code: {"model": Problem, "description": text}
    for code, text in {
        400: "not a picture, or no picture; for contact also: nobody, or nothing to touch, is in it",
        401: "the token is missing or wrong",
        404: "no such model",
        413: "too many bytes or pixels",
        503: "too many requests wait; try again later",
        504: "it took too long",
    }.items()
}


def create_app(
    models: Mapping[str, Inference],
    options: ServeOptions | None = None,
    contact: Mapping[str, ContactService] | None = None,
) -> FastAPI:
    """The application.

    Args:
        models: by name; the first is the default.
        options: limits, token, allowed hosts.
        contact: models of contact by name, the default first; without one ``/v1/contact`` answers 404.

    Raises:
        InputError: no model.
    """
    if not models:
        raise InputError("the server needs a model")
    limits = options or ServeOptions()
    services = dict(contact or {})
    metrics = Metrics()
    pool = model_thread()  # one for all: they share detectors, and the cores anyway
    batchers = {
        name: Batcher[Pixels, Interactions](
            _worker(model), limits.max_batch, limits.wait, limits.queue, metrics.batch.observe, pool
        )
        for name, model in models.items()
    }
    contact_batchers = {
        name: Batcher[ContactQuestion, ContactResult](service, 1, 0.0, limits.queue, pool=pool)
        for name, service in services.items()
    }
    every: list[Batcher[Any, Any]] = [*batchers.values(), *contact_batchers.values()]
    metrics.waiting.set_function(lambda: float(sum(one.waiting for one in every)))

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        for batcher in every:
            await batcher.start()
        yield
        for batcher in every:
            await batcher.stop()
        pool.shutdown()

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
        chosen = _chosen(models, model)

        async def found_in() -> Interactions:
            return await batchers[chosen].submit(await picture_of(file, url, limits))

        found = await _in_time(found_in(), limits.timeout)
        least = models[chosen].model.default_min_score if min_score is None else min_score
        return detection_of(found.filter(least, top_k), _name_of(file, url), chosen)

    @app.post(
        "/v1/contact",
        response_model=Contact,
        responses={**REFUSED, 200: {"content": {GLB: {"schema": {"type": "string", "format": "binary"}}}}},
        dependencies=[Depends(allowed)],
    )
    async def find_contact(
        file: Annotated[UploadFile | None, File(description="a picture: JPEG, PNG, WebP, ...")] = None,
        url: Annotated[str | None, Form(description="an https address on an allowed host, instead of a file")] = None,
        boxes: Annotated[
            str | None,
            Form(
                description="people and objects, instead of those that are found: a JSON list of "
                '`{"box": [x1, y1, x2, y2], "label": "person"}`, with `score` and `keypoints` where they are known, '
                "such as the `boxes` of an earlier answer"
            ),
        ] = None,
        model: Annotated[str | None, Query(description="default: the server's first of contact")] = None,
        object: Annotated[list[str] | None, Query(description="what is touched; default: all near a person")] = None,
        people: Annotated[list[int] | None, Query(description="their numbers, from 1 on from left to right")] = None,
        scores: Annotated[bool, Query(description="add every vertex's probability")] = False,
        glb: Annotated[
            int | None, Query(ge=0, description="answer with the body of this pair, counted from 0, as a GLB file")
        ] = None,
    ) -> Contact | Response:
        """Where on their bodies people touch the objects in a picture, in 3D."""
        if not services:
            raise HTTPException(404, "this server has no model of contact (interplay serve --contact)")
        chosen = _chosen(services, model)
        service = services[chosen]

        async def found_in() -> tuple[ContactResult, bytes]:
            given = None if boxes is None else given_boxes(boxes)
            pixels = await picture_of(file, url, limits)
            question = ContactQuestion(
                pixels, given, tuple(object) if object else None, tuple(people) if people else None
            )
            result = await contact_batchers[chosen].submit(question)
            return result, b"" if glb is None else await run_in_threadpool(service.glb, result, glb)

        result, content = await _in_time(found_in(), limits.timeout)
        if glb is not None:
            disposition = f'attachment; filename="{quote(names_of(result.pairs)[glb])}.glb"'
            return Response(content, media_type=GLB, headers={"Content-Disposition": disposition})
        body = service.tool.body
        return contact_of(result, _name_of(file, url), chosen, "" if body is None else body.name, scores)

    @app.get("/v1/models", response_model=list[Model], dependencies=[Depends(allowed)])
    async def list_models() -> list[Model]:
        """The models that this server has, the default first."""
        found = [_described(name, inference) for name, inference in models.items()]
        return found + [Model(name=name, task="contact", default_min_score=THRESHOLD) for name in services]

    @app.get("/health", response_class=PlainTextResponse)
    async def health() -> str:
        """Whether the server takes requests."""
        return "ok\n"

    @app.get("/metrics", response_class=PlainTextResponse, include_in_schema=False)
    async def show_metrics() -> Response:
        return Response(generate_latest(metrics.registry), media_type="text/plain; version=0.0.4")

    page = (resources.files("interplay.serve") / "page.html").read_text(encoding="utf-8")

    viewer = viewer_page("contact", None, legend=CONTACT_LEGEND)

    @app.get("/viewer", response_class=HTMLResponse, include_in_schema=False)
    async def show_viewer() -> HTMLResponse:
        return HTMLResponse(viewer, headers={"Content-Security-Policy": POLICY})

    @app.get(f"/{SCRIPT}", include_in_schema=False)
    async def show_script() -> Response:
        return Response(viewer_script(), media_type="text/javascript", headers={"Cache-Control": "max-age=86400"})

    @app.get("/", response_class=HTMLResponse, include_in_schema=False)
    async def show_page() -> HTMLResponse:
        return HTMLResponse(page, headers={"Content-Security-Policy": _POLICY})

    return app


GLB = "model/gltf-binary"
_PATHS = frozenset(
    ("/", "/v1/detect", "/v1/contact", "/v1/models", "/health", "/metrics", "/docs", "/openapi.json", "/viewer")
)
_POLICY = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src blob: data:; media-src blob:; "
    "connect-src 'self'; frame-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def _described(name: str, inference: Inference) -> Model:
    model = inference.model
    return Model(
        name=name,
        task="interactions",
        system=str(model.description()["system"]),
        vocabulary=model.vocabulary.name,
        default_min_score=model.default_min_score,
        verbs=list(model.vocabulary.verbs),
    )


def _chosen(models: Mapping[str, Named], wanted: str | None) -> str:
    """A model's name, by default the first.

    Raises:
        HTTPException: 404, no such model.
    """
    if wanted is not None and wanted not in models:
        raise HTTPException(404, f"no model {wanted!r} here: there are {', '.join(models)}")
    return next(iter(models)) if wanted is None else wanted


async def _in_time(work: Awaitable[Answer], timeout: float) -> Answer:
    """An answer, unless it takes too long.

    Raises:
        HTTPException: 504 after `timeout` seconds; 400 for what cannot be done with the request's picture.
    """
    try:
        return await asyncio.wait_for(work, timeout)
    except asyncio.TimeoutError:
        raise HTTPException(504, f"it took more than {timeout:g} seconds") from None
    except InterplayError as error:
        raise HTTPException(400, str(error)) from None


def _name_of(file: UploadFile | None, url: str | None) -> str | None:
    return file.filename if file is not None else url


_NAME = Path("picture")


def _worker(inference: Inference) -> Any:
    """What a batcher calls: a picture that the model cannot do does not spoil the others'."""

    def work(images: Sequence[Pixels]) -> list[Interactions | Exception]:
        answers = predict_batch([(_NAME, image) for image in images], lambda batch, names: inference(batch))
        return [InputError(one.reason) if isinstance(one, Failure) else one for one in answers]

    return work
