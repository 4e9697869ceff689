from __future__ import annotations

import importlib.util
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml

from interplay.cli import main
from interplay.errors import InputError, InterplayError, MissingFileError
from interplay.systems import SYSTEMS
from interplay.training import load_config
from interplay.training.checkpoints import read_checkpoint, write_config
from interplay.training.config import find_config, parse_overrides
from interplay.training.fields import field_meanings, list_sections, markdown_options

CONFIGS = sorted((Path(__file__).parents[2] / "src/interplay/configs").glob("*/*.yaml"))
SPATIAL = next(path for path in CONFIGS if path.parent.name == "tin_spatial")
GEN_VLKT = SPATIAL.parents[1] / "gen_vlkt" / "hico_s.yaml"


@pytest.mark.parametrize("path", CONFIGS, ids=lambda p: f"{p.parent.stem}-{p.stem}")
def test_shipped_configurations_are_valid(path: Path) -> None:
    assert load_config(path).name


def write_configs(folder: Path, **contents: str) -> Path:
    """Files by their stems; returns the last."""
    for stem, content in contents.items():
        path = folder / f"{stem}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return path


def test_a_file_states_what_differs_from_its_base(tmp_path: Path) -> None:
    path = write_configs(
        tmp_path,
        root="name: r\nsystem: ggnet\nepochs: 7\nbatch_size: 4\ndata: {dataset: own, train: train}\n"
        "model: {network: {gaze_steps: 0, matching: shared, context: [human]}}\n"
        "optimiser: {learning_rate: 1.0e-3, reference_batch: 4}\n",
        middle="base: root.yaml\nname: m\nepochs: 9\nmodel: {network: {context: [object]}}\n",
    )
    (tmp_path / "below").mkdir()
    path = write_configs(tmp_path / "below", leaf="name: l\nbase: ../middle.yaml\noptimiser: {learning_rate: 0.5}\n")
    config = load_config(path, ["--batch_size", "2"])
    assert (config.name, config.epochs, config.batch_size, config.system) == ("l", 9, 2, "ggnet")
    assert (config.optimiser.learning_rate, config.optimiser.reference_batch) == (0.5, 4)
    assert config.model.network.context == ("object",)
    assert config.model.network.matching == "shared"
    write_config(config.model_copy(update={"output": tmp_path, "name": "run"}), [])
    written = tmp_path / "run" / "config.yaml"
    assert "base" not in yaml.safe_load(written.read_text())
    assert load_config(written).model == config.model


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"a": "base: b.yaml"}, r"no configuration at \S*b\.yaml, the base of \S*a\.yaml"),
        ({"a": "base: a.yaml"}, r"bases go in a circle: \S*a\.yaml -> \S*a\.yaml; remove one 'base:'"),
        (
            {"b": "base: c.yaml", "c": "base: b.yaml", "a": "base: b.yaml"},
            r"circle: \S*a\.yaml -> .*b\.yaml -> .*c\.yaml",
        ),
        ({"a": "base: [b.yaml]"}, r"a\.yaml: base: expected another file, .* got \['b\.yaml'\]"),
        ({"b": "name: [", "a": "base: b.yaml"}, r"b\.yaml: not YAML"),
        ({"b": "system: ggnet\ngaze: 1", "a": "base: b.yaml"}, r"a\.yaml:\n[\s\S]*gaze: no such field"),
    ],
)
def test_mistakes_with_bases(files: dict[str, str], message: str, tmp_path: Path) -> None:
    with pytest.raises(InterplayError, match=message):
        load_config(write_configs(tmp_path, **files))


def test_overrides_reach_nested_fields() -> None:
    config = load_config(SPATIAL, ["--data.root", "x", "--optimiser.learning_rate=1e-4", "--augmentation.flip", "no"])
    assert config.data.root == Path("x")
    assert config.optimiser.learning_rate == 1e-4
    assert config.augmentation.flip is False


@pytest.mark.parametrize("spelling", ["v-coco", "vcoco", "V-COCO", "v_coco"])
def test_data_sets_go_by_any_spelling(spelling: str) -> None:
    assert load_config(SPATIAL, ["--data.dataset", spelling]).data.dataset == "v-coco"


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["--epoch", "3"], r"epoch: no such field, got 3\. Did you mean 'epochs'"),
        (["--optimiser.lerning_rate", "1"], r"optimiser\.lerning_rate: no such field, .* Did you mean 'learning_rate'"),
        (["--epochs", "true"], "epochs: .*integer, got True"),
        (["--seed", "-1"], "seed: .*greater than or equal to 0, got -1"),
        (["--optimiser.learning_rate", ".inf"], r"optimiser\.learning_rate: .*finite number, got inf"),
        (["--loggers", "tensorboard"], r"loggers: expected a list such as \[tensorboard\], got 'tensorboard'"),
        (["--loggers", "[tensorbord]"], r"loggers\.0: .*'tensorboard'.*got 'tensorbord'"),
        (["--epochs", "many"], r"epochs: .*integer.*got 'many'"),
        (["--epochs", "0"], "epochs: .*greater than 0, got 0"),
        (["--model.heads", "true"], r"model\.heads: .*integer, got True"),
        (["--model.heads", "7"], r"model: .*width must be a multiple of heads, got \d+ and 7"),
        (["--precision", "8"], r"precision: .*'32-true'.*got 8"),
        (["--epochs"], "--epochs needs a value"),
        (["epochs"], "expected an option"),
        (["--name.x", "1"], "'name' has no fields"),
    ],
)
def test_mistakes_name_field_value_and_choices(overrides: list[str], message: str) -> None:
    with pytest.raises(InputError, match=message):
        load_config(SPATIAL, overrides)


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["--augmentation.short_sides", "[]"], r"augmentation\.short_sides: .*at least 1 item"),
        (["--augmentation.crop_min", "700"], r"augmentation: .*crop_min=700 is larger than crop_max=600$"),
        (["--schedule.milestones", "60"], r"schedule\.milestones: expected a list such as \[60\], got 60"),
        (["--model.network.heads", "3"], r"model\.network: .*heads=3$"),
        (
            ["--model.text.zero_shot", "rare-first", "--model.network.classes", "verb"],
            r"model: .*text\.zero_shot with network\.interaction_text=true needs network\.classes=interaction",
        ),
    ],
)
def test_mistakes_of_gen_vlkt(overrides: list[str], message: str) -> None:
    with pytest.raises(InputError, match=message):
        load_config(GEN_VLKT, overrides)


def test_a_run_may_be_called_by_a_number() -> None:
    assert load_config(SPATIAL, ["--name", "5"]).name == "5"


def test_help_of_a_configuration_lists_every_field(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    assert main(["train", str(SPATIAL), "--epochs", "7", "--help"]) == 0
    lines = capsys.readouterr().out.splitlines()
    shown = {line.split()[0]: (line, lines[i + 1].strip()) for i, line in enumerate(lines) if line.startswith("--")}
    assert shown["--epochs"] == ("--epochs 7  (a whole number)", "How many times every training image is seen.")
    assert shown["--precision"][0] == "--precision 32-true  (32-true | bf16-mixed | 16-mixed)"
    assert shown["--start_file"][0] == "--start_file null  (a path | null)"
    assert shown["--schedule.milestones"][0] == "--schedule.milestones []  (a list: a whole number)"
    assert "schedule: How the learning rates change." in lines
    fields = load_config(SPATIAL).model_dump()
    names = [f"--{s}.{f}" for s, value in fields.items() if isinstance(value, dict) for f in value]
    assert set(names) <= set(shown)


@pytest.mark.parametrize("system", SYSTEMS)
def test_every_field_of_every_system_says_what_it_means(system: str) -> None:
    lines = [line for section in list_sections(SYSTEMS[system].recipe_class()) for line in section.fields]
    assert len(lines) > 50
    assert not [line.name for line in lines if len(line.meaning.split()) < 3]
    fragments = ("of ", "for ", "see ")  # "of the backbone" says nothing without the name
    assert not [line.name for line in lines if line.meaning.startswith(fragments) or "see `interplay" in line.meaning]


def test_meanings_come_from_the_class_and_those_that_it_extends() -> None:
    meanings = field_meanings(SYSTEMS["gen-vlkt"].recipe_class())
    assert meanings["epochs"] == "how many times every training image is seen."
    assert meanings["start"].startswith("where backbone, transformer and box heads come from")


def test_the_reference_of_options_has_every_field_of_every_system() -> None:
    for system in SYSTEMS.values():
        page = markdown_options(system.recipe_class())
        rows = [line for line in page.splitlines() if line.startswith("| `")]
        names = [line.name for section in list_sections(system.recipe_class()) for line in section.fields]
        assert [row.split("`")[1] for row in rows] == names
        assert "| `accumulate` | `1` | a whole number | Parts that a process computes one after the other" in page


def test_the_page_of_options_is_filled_when_the_documentation_is_built() -> None:
    docs = Path(__file__).parents[2] / "docs"
    spec = importlib.util.spec_from_file_location("hook", docs / "training_options.py")
    assert spec is not None
    assert spec.loader is not None
    hook = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(hook)
    text = (docs / "training_options.md").read_text()
    page = SimpleNamespace(file=SimpleNamespace(src_uri="training_options.md"))
    filled = hook.on_page_markdown(text, page=page, config={})
    assert all(f"## {system}\n" in filled for system in SYSTEMS)
    assert "`model.decoding.nms_threshold`" in filled
    assert "<!--" not in filled
    page.file.src_uri = "index.md"
    assert hook.on_page_markdown(text, page=page, config={}) == text


def test_what_is_missing_is_the_configuration_alone(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train"]) == 2
    assert "expected CONFIG" in capsys.readouterr().err


def test_files_that_are_no_configuration(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match="no configuration"):
        load_config(tmp_path / "none.yaml")
    for content, message in (
        ("a: [", "not YAML"),
        ("- 1", "expected fields"),
        ("name: x", "system: is missing"),
    ):
        (tmp_path / "c.yaml").write_text(content)
        with pytest.raises(InputError, match=message):
            load_config(tmp_path / "c.yaml")


@pytest.mark.parametrize("content", [b"garbage", b"PK\x03\x04 and no more"])
def test_a_damaged_checkpoint_is_named_without_unsafe_advice(content: bytes, tmp_path: Path) -> None:
    config = load_config(SPATIAL, ["--output", str(tmp_path)])
    assert read_checkpoint(config) is None
    config.folder.mkdir()
    (config.folder / "last.ckpt").write_bytes(content)
    with pytest.raises(InputError, match=r"last\.ckpt: damaged.*remove it to start over$"):
        read_checkpoint(config)


def test_values_are_read_as_yaml() -> None:
    assert parse_overrides(["--a", "1e-3", "--b=[1, 2]", "--c", "x: y"]) == [
        ("a", "1e-3"),
        ("b", [1, 2]),
        ("c", {"x": "y"}),
    ]


def test_configurations_come_with_the_package(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "--list"]) == 0
    names = capsys.readouterr().out.split()
    assert {"gen_vlkt/hico_s", "ggnet/vcoco_hourglass", "tin/hico_rcd", "tin_spatial/vcoco"} <= set(names)
    assert load_config("gen_vlkt/hico_s") == load_config(find_config("gen_vlkt/hico_s"))
    (tmp_path / "own.yaml").write_text("base: gen_vlkt/hico_s\nname: mine\n")
    assert load_config(tmp_path / "own.yaml").model == load_config("gen_vlkt/hico_s").model
    with pytest.raises(MissingFileError, match=r"Did you mean 'gen_vlkt/hico_s'"):
        load_config("gen_vlkt/hico_ss")
    with pytest.raises(MissingFileError, match="'interplay train --list' shows all"):
        load_config("configs/none.yaml")
