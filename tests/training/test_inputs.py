"""What a training reads is looked for before anything slow begins."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

CONFIGS = Path(__file__).parents[2] / "src/interplay/configs"
PRINT_LOADED = (
    "import sys; from interplay.cli import main; code = main(sys.argv[1:]); "
    "print(code, *sorted({'torch', 'lightning_fabric'} & set(sys.modules)))"
)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["train", "nope.yaml"], "no configuration at nope.yaml"),
        (["train", "gen_vlkt/hico_s.yaml"], "give --data.root DIR"),
        (["train", "ggnet/hico_dla34.yaml", "--data.root", "nowhere"], "data.root: there is no nowhere"),
        (["train", "gen_vlkt/hico_s.yaml", "--data.root", ".", "--epochs", "ten"], "epochs: .*got 'ten'"),
        (["train", "ggnet/nano.yaml", "--data.rot", "."], "data.rot: no such field"),
        (["train", "gen_vlkt/hico_s.yaml", "--data.root", "."], "curl -LO .*detr-r50"),
        (["train", "ggnet/hico_dla34.yaml", "--data.root", "."], "--start_file ctdet_coco_dla_2x.pth"),
        (["train", "gen_vlkt/hico_s.yaml", "--data.root", ".", "--start_file", "gone.pth"], "no file gone.pth"),
        (["train", "tin/vcoco_rcd.yaml"], "give --data.root DIR"),
        (["train", "tin/vcoco_rcd.yaml", "--data.root", "."], "--start_file res50_faster_rcnn"),
        (["train", "tin/vcoco_rcd.yaml", "--data.root", ".", "--lern", "all"], "lern: no such field"),
        (["train", "tin_spatial/vcoco.yaml"], "give --data.root DIR"),
        (["train", "tin_spatial/vcoco.yaml", "--data.root", "nowhere"], "data.root: there is no nowhere"),
        (["suppress", "found.jsonl", "-o", "out.jsonl"], "nothing to do: give --remove-below"),
        (["suppress", "found.jsonl", "-o", "out.txt", "--rescore"], "name ending in .jsonl or .parquet"),
        (["detect", "--sample", "--output", "found.txt"], "name ending in .jsonl or .parquet"),
        (["detect", "--sample", "--model", "gen-vlkt-s-hicco"], "Did you mean 'gen-vlkt-s-hico'"),
        (["detect", "--sample", "--model", "gen-vlkt-s-hico"], "comes without weights"),
        (["detect", "--sample", "--weights", "gone.safetensors"], "no weights at gone.safetensors"),
    ],
)
def test_what_is_missing_or_wrong_is_said_without_importing_torch(
    arguments: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    given = [str(CONFIGS / word) if (CONFIGS / word).is_file() else word for word in arguments]
    done = subprocess.run(
        [sys.executable, "-c", PRINT_LOADED, *given], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    assert re.search(message, done.stderr)
    assert done.stdout.split() == ["2"]
