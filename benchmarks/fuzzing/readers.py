"""The table of readers: how valid files are made, how they are read, and what must hold of what is accepted."""

from __future__ import annotations

import gzip
import importlib.util
import json
import pickle
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from interplay import (
    Interactions,
    InteractionTable,
    Vocabulary,
    load_annotations,
    load_detector,
    load_model,
    load_pose_estimator,
    read,
    read_image,
    write,
)
from interplay.datasets.coco_keypoints import people_table, read_coco_people
from interplay.detectors.pose.poses_file import read_pose_results
from interplay.errors import InterplayError
from interplay.formats.coco_images import CocoImages
from interplay.images import MAX_PIXELS

from .published import published_shapes, read_published, read_start, start_shapes
from .results import Different, agree, check_detections, check_numbers, check_shapes, check_table, nothing

_TESTS = Path(__file__).parents[2] / "tests"


@dataclass(frozen=True)
class Reader:
    """One way into the library for a user's file.

    Attributes:
        name: as ``--readers`` takes it.
        seeds: makes valid files in a folder; returns those to be damaged with their forms (`mutators.FORMS`).
        read: reads a damaged file, with what lies beside it, and returns what it holds.
        check: raises `results.Different` where what was accepted cannot be; gets a folder to write to.
        accepts: whether the valid files are whole; those of networks of full size are not.
        most_bytes: of memory; more for what stands for a file of this size.
    """

    name: str
    seeds: Callable[[Path], dict[Path, str]]
    read: Callable[[Path], Any]
    check: Callable[[Any, Path], None] = nothing
    accepts: bool = True
    most_bytes: int = 1 << 30


@cache
def _made_by(file: str) -> Any:
    """The module below ``tests`` that makes some kind of files for the tests too."""
    path = _TESTS / file
    described = importlib.util.spec_from_file_location(f"makes_{path.stem}", path)
    assert described is not None
    assert described.loader is not None
    module = importlib.util.module_from_spec(described)
    import sys

    sys.modules[described.name] = module
    described.loader.exec_module(module)
    return module


def _dump(path: Path, content: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


OWN = {"name": "own", "objects": ["person", "cup", "dog"], "verbs": ["hold", "wave", "walk"],
       "aliases": {"carry": "hold"}, "interactions": [["hold", "cup"], ["walk", "dog"], ["wave", None]]}  # fmt: skip


def _images(scored: bool) -> InteractionTable:
    vocabulary = Vocabulary.from_dict(OWN)
    pose = np.arange(51, dtype=np.float32).reshape(17, 3)
    more: dict[str, Any] = {"score": [0.5, 0.25], "box_scores": [0.9, 0.8, 0.5]} if scored else {}
    first = Interactions(
        np.array([[1, 2, 30, 40], [5.5, 6, 20, 21], [8, 9, 40, 41]]), [0, 1, 2], [0, 0], [1, -1], [0, 1], vocabulary,
        file="a.jpg", width=64, height=48, keypoints=np.stack([pose, pose * np.nan, pose * np.nan]), **more,
    )  # fmt: skip
    more = {"score": [], "box_scores": [0.5]} if scored else {}
    second = Interactions([[0, 0, 9, 9]], [0], [], [], [], vocabulary, file="b/ü.jpg", width=10, height=10, **more)
    return InteractionTable.from_list([first, second], vocabulary)


def _lines(folder: Path) -> dict[Path, str]:
    for name, scored in (("scored", True), ("annotations", False)):
        write(_images(scored), folder / f"{name}.jsonl")
    return {folder / "scored.jsonl": "jsonl", folder / "annotations.jsonl": "jsonl"}


def _read_lines(path: Path) -> InteractionTable | None:
    refusal = None
    try:
        return read(path, Vocabulary.from_dict(OWN))
    except InterplayError as error:
        refusal = error
        raise
    finally:
        agree(path, refusal)


def _parquet(folder: Path) -> dict[Path, str]:
    for name, scored in (("scored", True), ("annotations", False)):
        write(_images(scored), folder / f"{name}.parquet")
    return {folder / "scored.parquet": "binary", folder / "annotations.parquet": "binary"}


def _csv(folder: Path) -> dict[Path, str]:
    for name, scored in (("scored", True), ("annotations", False)):
        write(_images(scored), folder / f"{name}.csv")
    return {folder / "scored.csv": "csv", folder / "annotations.csv": "csv"}


def _hico(folder: Path) -> dict[Path, str]:
    make = _made_by("datasets/conftest.py")
    make.write_hico_pairs(folder / "instances_test2015.json", "test")
    make.write_hico_hoia(folder / "test_hico.json", "test")
    make.write_hico_hoia(folder / "trainval_hico.json", "train")
    make.write_hake(folder / "hico-det-training-set-instance-level.json")
    return dict.fromkeys(sorted(folder.glob("*.json")), "json")


def _hico_mat(folder: Path) -> dict[Path, str]:
    _made_by("datasets/conftest.py").write_mat(folder / "anno_bbox.mat")
    return {folder / "anno_bbox.mat": "binary"}


def _vcoco(folder: Path) -> dict[Path, str]:
    make = _made_by("datasets/conftest.py")
    for name in ("official", "hoia", "pairs"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    make.write_coco(folder / "official" / "instances_vcoco_all_2014.json")
    make.write_vcoco_actions(folder / "official" / "vcoco_test.json")
    make.write_vcoco_hoia(folder / "hoia" / "test_vcoco.json")
    make.write_vcoco_pairs(folder / "pairs" / "instances_vcoco_test.json")
    return dict.fromkeys(sorted(folder.rglob("*.json")), "json")


def _read_vcoco(path: Path) -> InteractionTable:
    official = path.parent / "vcoco_test.json"
    return load_annotations("v-coco", official if official.is_file() else path)


def _tools(folder: Path) -> dict[Path, str]:
    make = _made_by("datasets/test_tools.py")
    _dump(folder / "label_studio.json", make.label_studio())
    (folder / "hoi.odgt").write_text(make.lines(make.ODGT))
    return {folder / "label_studio.json": "json", folder / "hoi.odgt": "jsonl"}


def _boxes(folder: Path) -> dict[Path, str]:
    results = [
        {"file_name": "a.jpg", "category_id": 1, "bbox": [1, 2, 30, 40], "score": 0.5},
        {"file_name": "a.jpg", "category_id": 90, "bbox": [9, 9, 30.5, 30], "score": 0.9},
    ]
    write(_images(True), folder / "boxes.jsonl")
    return {_dump(folder / "coco.json", results): "json", folder / "boxes.jsonl": "jsonl"}


def _read_boxes(path: Path) -> dict[str, Any]:
    [found] = load_detector(path)([np.zeros((48, 64, 3), np.uint8)], ["a.jpg"])
    return {"boxes": found.boxes, "scores": found.scores}


def _poses(folder: Path) -> dict[Path, str]:
    points = [float(v) for k in range(17) for v in (10 + k, 10 + 2 * k, 0.9)]
    alpha = [{"image_id": "a.jpg", "keypoints": points, "box": [10, 5, 20, 40], "score": 2.9}]
    coco = [{"image_id": 42, "category_id": 1, "keypoints": points, "score": 0.8}]
    _dump(folder / "images.json", {"images": [{"id": 42, "file_name": "a.jpg"}]})
    return {_dump(folder / "alpha.json", alpha): "json", _dump(folder / "coco.json", coco): "json"}


def _read_poses(path: Path) -> Any:
    estimator = load_pose_estimator(path, annotations=path.parent / "images.json")
    return [estimator.estimate(np.zeros((48, 64, 3), np.uint8), [[8, 4, 32, 46]], "a.jpg")]


def _read_pose_results(path: Path) -> InteractionTable:
    return read_pose_results(path, CocoImages.read(path.parent / "images.json"))


def _check_poses(poses: Any, folder: Path) -> None:
    if any(np.isinf(pose).any() or (np.isnan(pose).any() and not np.isnan(pose).all()) for pose in poses):
        raise Different("a pose is not finite")


def _keypoints(folder: Path) -> dict[Path, str]:
    points = [float(v) for k in range(17) for v in (10 + k, 5 + 2 * k, 2)]
    person = {"image_id": 42, "category_id": 1, "iscrowd": 0, "num_keypoints": 17, "keypoints": points}
    content = {
        "images": [{"id": 42, "file_name": "COCO_val2014_000000000042.jpg", "width": 64, "height": 48}],
        "annotations": [
            {**person, "id": 1, "bbox": [8, 4, 24, 42], "area": 600.5},
            {**person, "id": 2, "bbox": [30, 4, 20, 30], "area": 300, "keypoints": [0] * 51, "iscrowd": 1},
        ],
        "categories": [{"id": 1, "name": "person"}],
    }
    return {_dump(folder / "person_keypoints_val2014.json", content): "json"}


def _read_keypoints(path: Path) -> InteractionTable:
    return people_table(read_coco_people(path))


def _queries(folder: Path) -> dict[Path, str]:
    def entry(person: int, other: int, verb: int) -> dict[str, Any]:
        return {
            "file_name": "a.jpg",
            "predictions": [{"bbox": [10, 10, 60, 120], "category_id": person},
                            {"bbox": [5, 60, 90, 140], "category_id": other}],
            "hoi_prediction": [{"subject_id": 0, "object_id": 1, "category_id": verb, "score": 0.9}],
        }  # fmt: skip

    return {
        _dump(folder / "ppdm.json", [entry(1, 2, 77)]): "json",
        _dump(folder / "qpic.json", [entry(0, 1, 76)]): "json",
        _dump(folder / "gen_vlkt.json", {"preds": [{**entry(0, 5, 500), "filename": "a.jpg"}]}): "json",
    }


def _read_queries(path: Path) -> InteractionTable:
    from interplay.formats.query_json import read_query_json

    return read_query_json(path, Vocabulary.load("hico-det"))


def _pickled(path: Path, content: Any, protocol: int) -> Path:
    path.write_bytes(pickle.dumps(content, protocol=protocol))
    return path


def _vcoco_pickles(folder: Path) -> dict[Path, str]:
    row = {"image_id": 42, "person_box": [10.0, 10, 60, 120], "hit_agent": 0.9, "hit_instr": [1, 2, 3, 4, 0.8],
           "hit_obj": [float("nan")] * 5, "walk_agent": float("nan"), "point_instr": None}  # fmt: skip
    arrays = {"image_id": np.int64(7), "person_box": np.array([1, 2, 3, 4], np.float32), "hold_agent": np.float32(0.5),
              "hold_obj": np.array([0, 0, 0, 0, 0.25])}  # fmt: skip
    return {_pickled(folder / f"p{n}.pkl", [row, arrays, dict(row)], n): "pickle" for n in (0, 2, 4, 5)}


def _read_vcoco_pickle(path: Path) -> Any:
    from interplay.formats.vcoco_pickle import read_vcoco_pickle

    return read_vcoco_pickle(path)


def _tin_pickles(folder: Path) -> dict[Path, str]:
    pose = [float(v) for v in range(51)]
    person, thing = [1.0, 2.0, 30.0, 40.0], [5.0, 20.0, 60.0, 80.0]
    found = {7: [[7, "Human", np.array(person, np.float32), None, 1, np.float32(0.95), pose],
                 [7, "Object", np.array(thing, np.float32), None, 2, np.float32(0.5), None]], 12: []}  # fmt: skip
    pairs = [[3, [10, 12], person, thing, None, None], [9, [11], np.array(person), np.array(thing), None, pose]]
    return {
        _pickled(folder / "Test_Faster_RCNN_R-50-PFN_2x_HICO_DET_with_pose.pkl", found, 2): "pickle",
        _pickled(folder / "Trainval_GT_HICO_with_pose.pkl", pairs, 4): "pickle",
    }


def _read_tin_pickle(path: Path) -> InteractionTable:
    from interplay.formats.tin_pickles import read_tin_pickle

    return read_tin_pickle(path)


def _result_mats(folder: Path) -> dict[Path, str]:
    from scipy.io import savemat

    vocabulary = Vocabulary.load("hico-det")
    rows = int((vocabulary.interactions[:, 1] == vocabulary.object_index("bicycle")).sum())
    cells = np.empty((rows, 3), object)
    for place in np.ndindex(cells.shape):
        cells[place] = np.zeros((0, 0))
    cells[3, 0] = np.array([[10.0, 10, 60, 120, 5, 60, 90, 140, 0.9]])
    savemat(folder / "detections_02.mat", {"all_boxes": cells})
    return {folder / "detections_02.mat": "binary"}


def _read_result_mats(path: Path) -> InteractionTable:
    from interplay.formats.hico_mat import read_hico_results

    return read_hico_results(path, Vocabulary.load("hico-det"), ["a.jpg", "b.jpg", "c.jpg"])


def _vocabularies(folder: Path) -> dict[Path, str]:
    numbered = {**OWN, "groups": {"near": [0]}}
    return {_dump(folder / "own.json", OWN): "json", _dump(folder / "groups.json", numbered): "json"}


def _check_vocabulary(vocabulary: Vocabulary, folder: Path) -> None:
    for name in (*vocabulary.objects, *vocabulary.verbs):
        if not isinstance(name, str):
            raise Different("a name is no text")
    if len(vocabulary.interactions) and not (
        vocabulary.interactions[:, 0].max() < len(vocabulary.verbs)
        and vocabulary.interactions[:, 1].max() < len(vocabulary.objects)
    ):
        raise Different("an interaction names no class")
    if not Vocabulary.from_dict(json.loads(json.dumps(vocabulary.to_dict()))) == vocabulary:
        raise Different("written and read again, another vocabulary")


def _configs(folder: Path) -> dict[Path, str]:
    """All of the package's, for one names another; of each system a few are damaged."""
    from interplay.training.config import find_config, list_configs

    chosen = {}
    for name in list_configs():
        path = folder / f"{name}.yaml"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(find_config(name).read_bytes())
        if name.endswith(("nano", "hico_s", "hico_dla34", "vcoco_rcd", "vcoco")):
            chosen[path] = "yaml"
    return chosen


def _read_config(path: Path) -> Any:
    from interplay.training.config import load_config

    return load_config(path)


def _state_dicts(folder: Path) -> dict[Path, str]:
    import torch
    from safetensors.torch import save_file

    weights = {"a.weight": torch.arange(6.0).view(2, 3), "b": torch.ones(()), "c": torch.ones(3, dtype=torch.float16)}
    torch.save({"model": weights, "epoch": 3}, folder / "w.pth")
    torch.save(weights, folder / "legacy.pth", _use_new_zipfile_serialization=False)
    save_file(weights, folder / "w.safetensors")
    arrays: dict[str, Any] = {name: tensor.numpy() for name, tensor in weights.items()}
    np.savez(folder / "w.npz", **arrays)
    np.savez_compressed(folder / "wc.npz", **arrays)
    _made_by("checkpoints/tensorflow/writer.py").write_v1(folder / "v1.ckpt", arrays)
    forms = {"w.pth": "zip", "legacy.pth": "binary", "w.safetensors": "safetensors", "w.npz": "zip", "wc.npz": "zip",
             "v1.ckpt": "binary"}  # fmt: skip
    return {folder / name: form for name, form in forms.items()}


def _read_state(path: Path) -> Any:
    from interplay.checkpoints.state_dicts import read_state_dict

    return read_state_dict(path)


def _tensorflow(folder: Path) -> dict[Path, str]:
    arrays = {"conv/weights": np.ones((3, 3, 2, 4), np.float32), "conv/biases": np.zeros(4, np.float32)}
    _made_by("checkpoints/tensorflow/writer.py").write_v2(folder / "m.ckpt", arrays)
    return dict.fromkeys(sorted(folder.iterdir()), "binary")


def _published(folder: Path) -> dict[Path, str]:
    """Files that hold a few tensors of published networks."""
    import torch

    made = {}
    for name, shapes in published_shapes(_made_by).items():
        few = {key: torch.zeros([min(length, 2) for length in shapes[key]]) for key in list(shapes)[::40]}
        torch.save({"model": few, "epoch": 3}, folder / f"{name}.pth")
        made[folder / f"{name}.pth"] = "zip"
    return made


def _listed(shapes: Callable[[Any], dict[str, Any]]) -> Callable[[Path], dict[Path, str]]:
    def seeds(folder: Path) -> dict[Path, str]:
        return {_dump(folder / f"{name}.json", listed): "shapes" for name, listed in shapes(_made_by).items()}

    return seeds


def _read_published(path: Path) -> Any:
    from interplay.models.published import import_published

    return import_published(path.stem.partition("_")[0], path)


def _weights(folder: Path) -> dict[Path, str]:
    for packed in sorted((_TESTS / "data" / "weights").glob("*.gz")):
        (folder / packed.stem).write_bytes(gzip.decompress(packed.read_bytes()))
    return dict.fromkeys(sorted(folder.glob("*.safetensors")), "safetensors")


def _read_weights(path: Path) -> Any:
    return load_model(path)


def _logs(folder: Path) -> dict[Path, str]:
    text = "epoch,loss,verbs,learning_rate,score,seconds\n1,3.0,2.0,0.1,,1.0\n2,1.5,1.0,0.05,0.2,1.0\n"
    (folder / "log.csv").write_text(text)
    return {folder / "log.csv": "csv"}


def _read_log(path: Path) -> Any:
    from interplay.training.plot import plot_runs, read_run

    plot_runs([path.parent], path.parent / "out.png")
    return read_run(path.parent)


def _foreign_logs(folder: Path) -> dict[Path, str]:
    epochs = [
        {"train_lr": 0.1, "train_loss": 3.0 - n, "train_loss_ce": 2.0, "test_mAP": 0.5, "epoch": n} for n in (0, 1)
    ]
    (folder / "log.txt").write_text("".join(json.dumps(one) + "\n" for one in epochs))
    return {folder / "log.txt": "jsonl"}


def _read_foreign_log(path: Path) -> Any:
    from interplay.training.plot import read_run

    return read_run(path)


def _checked(folder: Path) -> dict[Path, str]:
    np.save(folder / "corre_hico.npy", np.zeros((600, 80)))
    write(_images(False), folder / "own.jsonl")
    _made_by("datasets/conftest.py").write_hico_pairs(folder / "instances_test2015.json", "test")
    return {folder / "corre_hico.npy": "binary", folder / "own.jsonl": "jsonl",
            folder / "instances_test2015.json": "json"}  # fmt: skip


def _read_checked(path: Path) -> Any:
    from interplay.datasets.check import check_folder

    return check_folder(path.parent)


def _generated(folder: Path) -> dict[Path, str]:
    from interplay.formats.jsonl import write_jsonl

    write_jsonl(_images(False), folder / "annotations.jsonl")
    lines = [json.loads(line) for line in (folder / "annotations.jsonl").read_text().splitlines()]
    for index, line in enumerate(lines):
        line.update(file=f"images/{index:06d}.jpg", scene={"index": index, "settings": {"seed": 0}}, sha256="0" * 64)
    (folder / "annotations.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return {folder / "annotations.jsonl": "jsonl",
            _dump(folder / "generated.json", {"settings": {"seed": 0, "scenes": 2}, "done": True}): "json"}  # fmt: skip


def _read_generated(path: Path) -> Any:
    from interplay.datasets.generated.files import changed_pictures, read_settings

    return read_settings(path.parent / "generated.json"), changed_pictures(path.parent)


def _run_records(folder: Path) -> dict[Path, str]:
    write(_images(True), folder / "r.jsonl")
    _dump(folder / "r.jsonl.run.json", {"output": "r.jsonl", "settings": {"model": "x"}, "finished": False})
    _dump(folder / "r.run.json", {"output": "r.jsonl", "settings": {"model": "x"}, "finished": False})
    return {folder / "r.jsonl": "jsonl", folder / "r.jsonl.run.json": "json"}


def _read_run_record(path: Path) -> Any:
    from interplay.pipeline.results import ResultFile

    target = path.parent / "r.jsonl"
    before = target.read_bytes()
    try:
        done = ResultFile(target, Vocabulary.from_dict(OWN), {"model": "x"}).done
    finally:
        after = target.read_bytes()
        target.write_bytes(before)
    if not before.startswith(after.rstrip(b"\n")) or (after.count(b"\n") < before.count(b"\n")):
        raise Different("lines of a result file were lost")
    return done


def _meshes(folder: Path) -> dict[Path, str]:
    import trimesh

    box = trimesh.creation.box()
    made = {}
    for suffix, form in (("obj", "text"), ("ply", "binary"), ("stl", "binary"), ("glb", "binary"), ("gltf", "json")):
        data = box.export(file_type=suffix)
        if isinstance(data, dict):
            for name, content in data.items():
                (folder / name).write_bytes(content)
            made[folder / "model.gltf"] = form
        else:
            (folder / f"box.{suffix}").write_bytes(data.encode() if isinstance(data, str) else data)
            made[folder / f"box.{suffix}"] = form
    return made


def _read_mesh(path: Path) -> Any:
    from interplay.containers.meshes import read_mesh

    found = read_mesh(path, 10_000)
    return {"vertices": found.vertices, "rgb": 0 if found.rgb is None else found.rgb}


def _bodies(folder: Path) -> dict[Path, str]:
    """Files in the form of SMPL's, nearly all zeros, and a matrix from one body to another."""
    from scipy.sparse import coo_matrix

    count, joints = 6890, 24
    random = np.random.default_rng(0)
    template = random.normal(size=(count, 3)).astype(np.float32).round(2)
    weights = np.zeros((count, joints), np.float32)
    weights[np.arange(count), np.arange(count) % joints] = 1
    regressor = coo_matrix((np.ones(joints), (np.arange(joints), np.arange(joints))), (joints, count)).tocsc()
    tree = np.stack([np.maximum(np.arange(joints) - 1, 0), np.arange(joints)]).astype(np.uint32)
    faces = np.arange(30, dtype=np.uint32).reshape(10, 3)
    fields: dict[str, Any] = {"v_template": template, "f": faces, "weights": weights, "kintree_table": tree}
    np.savez_compressed(folder / "smpl.npz", J_regressor=regressor.toarray(), **fields)
    sparse = {name: getattr(regressor, name) for name in ("data", "indices", "indptr", "shape")}
    few = coo_matrix(weights).tocsc()
    fields["weights"] = {name: getattr(few, name) for name in ("data", "indices", "indptr", "shape")}
    made = {_pickled(folder / f"smpl{n}.pkl", {**fields, "J_regressor": sparse}, n): "pickle" for n in (2, 4)}
    matrix = np.eye(4, 5, dtype=np.float32)
    np.save(folder / "matrix.npy", matrix)
    np.savez(folder / "matrix.npz", matrix=matrix)
    return {**made, folder / "smpl.npz": "zip", folder / "matrix.npz": "zip", folder / "matrix.npy": "binary"}


def _read_body(path: Path) -> Any:
    from interplay.body.bodies import load_body
    from interplay.body.transfer import read_matrix

    if path.name.startswith("matrix"):
        return {"scores": read_matrix(path, 5, 4)(np.ones(5))}
    body = load_body(path)
    return {"vertices": body.vertices, "joints": body.joints, "weights": body.weights}


def _pictures(folder: Path) -> dict[Path, str]:
    from PIL import Image

    picture = Image.fromarray(np.arange(48 * 64 * 3, dtype=np.uint8).reshape(48, 64, 3))
    for name in ("a.jpg", "a.png", "a.gif", "a.bmp", "a.tif", "a.webp"):
        picture.save(folder / name)
    return dict.fromkeys(sorted(folder.iterdir()), "picture")


def _check_picture(pixels: Any, folder: Path) -> None:
    if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] != 3 or not 0 < pixels.size <= 3 * MAX_PIXELS:
        raise Different(f"pixels of {pixels.dtype} and shape {pixels.shape}")


def _read_checkpoint(path: Path) -> Any:
    from interplay.containers.tensors import read_torch

    return read_torch(path)


def _checkpoints(folder: Path) -> dict[Path, str]:
    import torch

    content = {"progress": {"epoch": 1, "step": 3}, "config": {"system": "tin"}, "model": {"a": torch.ones(3)},
               "rows": [np.float64(1.5)], "optimiser": {"state": {0: {"step": torch.ones(())}}}}  # fmt: skip
    torch.save(content, folder / "last.ckpt")
    return {folder / "last.ckpt": "zip"}


def _contact(folder: Path) -> dict[Path, str]:
    """Small files of the data sets of contact and affordance, in a folder each."""
    row = " ".join(["0.5"] * 20) + "\n"
    answers = "HVisual: a\\nHContact: b\\nInteraction: c\\nOVisual: d\\nOContact: e"
    texts = {"Cup_object_demo.txt": row * 3, "Point_Test_Cup_1.txt": f"a Cup {row}" * 3,
             "answers.txt": "".join(f"{i}.jpg,cup-{answers}\n" for i in range(4))}  # fmt: skip
    for name, text in texts.items():
        (folder / name).write_text(text)
    pickles = {"contact_label_objectwise.pkl": [{"cup": [3, 5]}, {"supporting": np.arange(9)}],
               "img_list_a.pkl": ["a.jpg", "b.jpg"], "contact_vertices_a.pkl": [[1], np.ones(6890)]}  # fmt: skip
    for name, content in pickles.items():
        (folder / name).write_bytes(pickle.dumps(content))
    np.save(folder / "imgname.npy", np.array(["a.jpg", "b.jpg"]))
    vertices, bary = np.zeros((4, 4, 3), int), np.ones((4, 4, 3))
    file = folder / "p2vmap_a_front.npz"
    np.savez(file, pixel_to_vertices_map=vertices, bary_coords_map=bary, num_vertices=3)
    forms = {".txt": "text", ".pkl": "pickle", ".npy": "npy", ".npz": "zip"}
    return {path: forms[path.suffix] for path in sorted(folder.iterdir())}


def _read_contact(path: Path) -> dict[str, Any]:
    from interplay.datasets import damon, hoi_vqa, lemon, piad, pico, rich

    if path.name == "answers.txt":
        return {str(n): row.answers for n, row in enumerate(hoi_vqa.read_hoi_vqa(path).rows)}
    if path.suffix == ".txt":
        read_points = piad.read_piad_points if path.name.startswith("Point") else lemon.read_lemon_points
        cloud = read_points(path)
        return {"points": cloud.points, "scores": cloud.scores}
    if path.suffix == ".npz":
        return {"bary": pico.read_pixel_map(path).vertices}
    found = rich.read_rich(path.parent, "a") if path.stem.endswith("_a") else damon.read_damon(path.parent)
    return {each.image: each.mask.astype(int) for each in found}


def _interactvlm(folder: Path) -> dict[Path, str]:
    make = _made_by("models/interactvlm_tiny.py")
    state = make.weights(make.tiny())
    whole = make.write_folder(folder / "whole", state)
    shards = make.write_folder(folder / "shards", state, "model.safetensors.index.json")
    files = {whole / "pytorch_model.bin": "zip", whole / "config.json": "json", shards / "config.json": "json"}
    return {**files, **{file: "json" if file.suffix == ".json" else "safetensors" for file in shards.glob("[mp]*")}}


def _read_interactvlm(path: Path) -> dict[str, tuple[int, ...]]:
    from interplay.models.published import load_published

    return {name: tuple(each.shape) for name, each in load_published("interactvlm", path.parent).named_parameters()}


READERS: dict[str, Reader] = {
    reader.name: reader
    for reader in (
        Reader("jsonl", _lines, _read_lines, check_table),
        Reader("parquet", _parquet, lambda path: read(path, Vocabulary.from_dict(OWN)), check_table),
        Reader("parquet-own", _parquet, read, check_table),
        Reader("csv", _csv, lambda path: read(path, Vocabulary.from_dict(OWN)), check_table),
        Reader("csv-own", _csv, read, check_table),
        Reader("hico", _hico, lambda path: load_annotations("hico-det", path), check_table),
        Reader("hico-mat", _hico_mat, lambda path: load_annotations("hico-det", path), check_table),
        Reader("vcoco", _vcoco, _read_vcoco, check_table),
        Reader("tools", _tools, lambda path: load_annotations("own", path), check_table),
        Reader("boxes", _boxes, _read_boxes, check_numbers),
        Reader("poses", _poses, _read_poses, _check_poses),
        Reader("pose-results", _poses, _read_pose_results, check_table),
        Reader("keypoints", _keypoints, _read_keypoints, check_table),
        Reader("queries", _queries, _read_queries, check_table),
        Reader("vcoco-pickle", _vcoco_pickles, _read_vcoco_pickle, check_detections),
        Reader("tin-pickle", _tin_pickles, _read_tin_pickle, check_table),
        Reader("hico-results", _result_mats, _read_result_mats, check_table),
        Reader("vocabulary", _vocabularies, Vocabulary.load, _check_vocabulary),
        Reader("config", _configs, _read_config),
        Reader("state-dict", _state_dicts, _read_state, check_shapes),
        Reader("tensorflow", _tensorflow, _read_state, check_shapes),
        Reader("published", _published, _read_published, accepts=False),
        Reader("published-names", _listed(published_shapes), read_published, most_bytes=4 << 30),
        Reader("start-names", _listed(start_shapes), read_start),
        Reader("weights", _weights, _read_weights),
        Reader("checkpoint", _checkpoints, _read_checkpoint),
        Reader("log", _logs, _read_log),
        Reader("detr-log", _foreign_logs, _read_foreign_log),
        Reader("check", _checked, _read_checked),
        Reader("generated", _generated, _read_generated),
        Reader("results", _run_records, _read_run_record),
        Reader("mesh", _meshes, _read_mesh, check_numbers),
        Reader("body", _bodies, _read_body, check_numbers),
        Reader("contact", _contact, _read_contact),
        Reader("interactvlm", _interactvlm, _read_interactvlm),
        Reader("image", _pictures, read_image, _check_picture),
    )
}
