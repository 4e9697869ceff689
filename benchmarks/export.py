"""How long a network takes in PyTorch, compiled, in ONNX Runtime with 32 and 8 bits, and in OpenVINO where it is there.

    python benchmarks/export.py                          # GEN-VLKT-s, one image of 800 x 1067, random weights
    python benchmarks/export.py --network ggnet-dla34 --compile
    python benchmarks/export.py --network tin            # one image of 480 x 640 with random boxes
    python benchmarks/export.py --accuracy MODEL SCENES   # what 8 bits cost

Rows take turns on the machine, so that other work disturbs all alike; medians count. CPU seconds are of all threads
together, and hold also where other work waits for the same cores; but threads that wait for each other spin, which
counts: on a busy machine take ``--threads 1``. ``--accuracy`` scores a trained model on what
``interplay synthesize SCENES`` wrote, given the annotated boxes where it needs boxes; PyTorch, 32 bits and 8 bits.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.console import Console
from rich.table import Table

from interplay import Interactions, InteractionTable, Vocabulary, evaluate, load_annotations, load_model, read_image
from interplay.cli import run_script
from interplay.datasets.images import ImageFinder
from interplay.detectors import Detections
from interplay.errors import InputError
from interplay.export import export_model
from interplay.export.compare import Call, noise, plain_examples, record
from interplay.export.session import OnnxSession
from interplay.models.base import HoiModel
from interplay.models.gen_vlkt import GenVlkt, GenVlktConfig
from interplay.models.ggnet import GGNet, GGNetConfig
from interplay.models.tin.config import TinConfig
from interplay.models.tin.model import TinModel
from interplay.models.turbo.config import TurboConfig
from interplay.models.turbo.model import Turbo
from timing import measure

NETWORKS: dict[str, Callable[[], HoiModel]] = {
    "gen-vlkt-s": lambda: GenVlkt(Vocabulary.load("hico-det"), GenVlktConfig()),
    "tin": lambda: TinModel(Vocabulary.load("hico-det"), TinConfig()),
    "tin-spatial": lambda: load_model("tin-spatial-vcoco", device="cpu"),
    "turbo": lambda: Turbo(Vocabulary.load("hico-det"), TurboConfig()),
    "ggnet-hourglass": lambda: GGNet(Vocabulary.load("hico-det"), GGNetConfig()),
    "ggnet-dla34": lambda: GGNet(
        Vocabulary.load("hico-det"), GGNetConfig.model_validate({"network": {"backbone": "dla-34"}})
    ),
}


def runs(build: Callable[[], HoiModel], folder: Path, compiled: bool) -> Iterator[tuple[str, Callable[[], Any]]]:
    """Each way to run a network, by name, on the same picture."""
    torch.manual_seed(0)
    plain = build().eval()
    try:
        plain.canvas, dynamic = plain.fixed_size(), False
    except InputError:  # a network that looks at images of their own sizes
        dynamic = True
    image = noise(0, *(plain.canvas or (480, 640)))
    call = record(plain, [image])[0]
    examples = plain_examples(plain, call)
    yield "PyTorch, as trained", _torch(plain, call)
    prepared = build().eval()
    prepared.load_state_dict(plain.state_dict())
    prepared.prepare_inference()
    yield "PyTorch, prepared for inference", _torch(prepared, call)
    if compiled:
        yield "PyTorch, prepared and compiled", _torch(torch.compile(prepared), call)
    for int8 in (False, True):
        path = folder / f"{int8}.onnx"
        try:
            export_model(plain, path, dynamic=dynamic, int8=int8)
        except InputError as error:
            Console(stderr=True).print(f"{'8 bits' if int8 else '32 bits'}: {error}")
            continue
        yield f"ONNX Runtime, {'8' if int8 else '32'} bits", partial(OnnxSession(path.read_bytes(), path), *examples)
    if (other := _openvino(folder / "False.onnx", examples)) is not None:
        yield "OpenVINO, 32 bits", other


def _torch(model: Any, call: Call) -> Callable[[], Any]:
    def run() -> Any:
        with torch.inference_mode():
            return model(*call.arguments, **call.options)

    return run


def _openvino(path: Path, examples: tuple[torch.Tensor, ...]) -> Callable[[], Any] | None:
    try:
        import openvino
    except ImportError:
        return None
    core = openvino.Core()
    settings = {"INFERENCE_NUM_THREADS": torch.get_num_threads(), "INFERENCE_PRECISION_HINT": "f32"}
    model = core.compile_model(core.read_model(path), "CPU", settings)
    given = [value.numpy() for value in examples]
    return lambda: model(given)


def speed(options: argparse.Namespace) -> Table:
    """The table of times."""
    title = f"{options.network}, {torch.get_num_threads()} threads, load {os.getloadavg()[0]:.1f}"
    table = Table("", "wall s", "CPU s", "CPU s of prepared / this", title=title)
    with tempfile.TemporaryDirectory() as folder:
        ways = dict(runs(NETWORKS[options.network], Path(folder), options.compile))
        times = measure(ways, options.rounds)
    base = times["PyTorch, prepared for inference"][1]
    for name, (wall, cpu) in times.items():
        table.add_row(name, f"{wall:.3f}", f"{cpu:.3f}", f"{base / cpu:.2f}")
    return table


def accuracy(model: HoiModel, scenes: Path, limit: int) -> Table:
    """Mean AP on generated scenes, with PyTorch and exported."""
    truth = load_annotations("generated", scenes)
    truth = truth.select(np.arange(min(limit, len(truth)))) if limit else truth
    table = Table("", "mAP %", title=f"{len(truth)} scenes")
    with tempfile.TemporaryDirectory() as folder:
        ways = {"PyTorch": model}
        for name, int8 in (("ONNX Runtime, 32 bits", False), ("ONNX Runtime, 8 bits", True)):
            path = Path(folder) / f"{int8}.onnx"
            export_model(model, path, dynamic=True, int8=int8)
            ways[name] = load_model(path)
        for name, way in ways.items():
            found = InteractionTable.from_list(_predictions(way, truth, scenes), model.vocabulary)
            scores = evaluate("generated", found, truth)
            table.add_row(name, f"{100 * next(iter(scores.means.values())):.2f}")
    return table


def _predictions(model: HoiModel, truth: InteractionTable, scenes: Path) -> Iterator[Interactions]:
    finder = ImageFinder(scenes)
    for annotated in truth:
        path = finder.find(str(annotated.file))
        assert path is not None
        given = None
        if model.needs_detections:
            scores = np.ones(len(annotated.boxes), np.float32)
            given = Detections(annotated.boxes, annotated.labels, scores, objects=annotated.vocabulary.objects)
        yield model.predict(read_image(path), detections=given, files=annotated.file, min_score=0)


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--network", choices=NETWORKS, default="gen-vlkt-s")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--compile", action="store_true", help="also torch.compile, which takes minutes")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--accuracy", nargs=2, metavar=("MODEL", "SCENES"))
    parser.add_argument("--limit", type=int, default=0, help="score so many scenes (default: all)")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    if options.accuracy:
        name, scenes = options.accuracy
        Console().print(accuracy(load_model(name, device="cpu"), Path(scenes), options.limit))
    else:
        Console().print(speed(options))


if __name__ == "__main__":
    run_script(main)
