from __future__ import annotations

from pathlib import Path

import pytest

from interplay.errors import InputError, MissingFileError
from interplay.training import load_config
from interplay.training.config import parse_overrides

CONFIGS = sorted((Path(__file__).parents[2] / "configs" / "tin").glob("*.yaml"))
SPATIAL = next(path for path in CONFIGS if path.stem == "vcoco_spatial")


@pytest.mark.parametrize("path", CONFIGS, ids=lambda p: p.stem)
def test_shipped_configurations_are_valid(path: Path) -> None:
    assert load_config(path).name


def test_overrides_reach_nested_fields() -> None:
    config = load_config(SPATIAL, ["--data.root", "x", "--optimiser.learning_rate=1e-4", "--augmentation.flip", "no"])
    assert config.data.root == Path("x")
    assert config.optimiser.learning_rate == 1e-4
    assert config.augmentation.flip is False


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["--epoch", "3"], r"epoch: no such field\. Did you mean 'epochs'"),
        (["--optimiser.lerning_rate", "1"], r"optimiser\.lerning_rate: no such field\. Did you mean 'learning_rate'"),
        (["--epochs", "many"], r"epochs: .*integer.*got 'many'"),
        (["--epochs", "0"], "epochs: .*greater than 0, got 0"),
        (["--precision", "8"], r"precision: .*'32-true'.*got 8"),
        (["--epochs"], "--epochs needs a value"),
        (["epochs"], "expected an option"),
        (["--name.x", "1"], "'name' has no fields"),
    ],
)
def test_mistakes_name_field_value_and_choices(overrides: list[str], message: str) -> None:
    with pytest.raises(InputError, match=message):
        load_config(SPATIAL, overrides)


def test_files_that_are_no_configuration(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match="no configuration"):
        load_config(tmp_path / "none.yaml")
    for content, message in (
        ("a: [", "not a YAML file"),
        ("- 1", "expected fields"),
        ("name: x", "system: is missing"),
    ):
        (tmp_path / "c.yaml").write_text(content)
        with pytest.raises(InputError, match=message):
            load_config(tmp_path / "c.yaml")


def test_values_are_read_as_yaml() -> None:
    assert parse_overrides(["--a", "1e-3", "--b=[1, 2]", "--c", "x: y"]) == [
        ("a", "1e-3"),
        ("b", [1, 2]),
        ("c", {"x": "y"}),
    ]
