"""Train a model from a configuration file.

Any field of the configuration can be overridden: --epochs 3, --optimiser.learning_rate 1e-3. A run that was stopped
continues when the same command is given again. 'interplay train CONFIG --help' lists the fields.
"""

from __future__ import annotations

import argparse
from textwrap import fill
from typing import TYPE_CHECKING

from interplay.errors import InputError

if TYPE_CHECKING:
    from interplay.training import TrainConfig

EXAMPLE = "interplay train tin_spatial/vcoco --data.root vcoco/ --output runs"

_HELP = ("-h", "--help")
_INDENT = " " * 6


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument(
        "config",
        nargs="?",
        metavar="CONFIG",
        help="a YAML file, or the name of one that comes with interplay, such as gen_vlkt/hico_s",
    )
    parser.add_argument("--list", action="store_true", help="list the configurations that come with interplay")
    overrides = parser.add_argument(
        "overrides", nargs=argparse.REMAINDER, metavar="--FIELD VALUE", help="fields to set instead of the file's"
    )
    overrides.required = False  # an error about a missing CONFIG must not ask for them


def run(arguments: argparse.Namespace) -> int:
    """Train, and say where the weights are."""
    from rich.console import Console

    from interplay.training.config import list_configs, load_config
    from interplay.training.inputs import check_inputs

    if arguments.list:
        print("\n".join(list_configs()))
        return 0
    if arguments.config is None:
        raise InputError("expected CONFIG: a YAML file, or a name that 'interplay train --list' shows")
    overrides = [word for word in arguments.overrides if word not in _HELP]
    config = load_config(arguments.config, overrides)
    if len(overrides) < len(arguments.overrides):
        _print_fields(config)
        return 0
    check_inputs(config)

    from interplay.training import train

    train(config, Console(stderr=True))
    return 0


def _print_fields(config: TrainConfig) -> None:
    """What can be set, what it is set to, and what it means."""
    from rich.console import Console
    from rich.text import Text

    from interplay.training.fields import list_sections, plain_text

    console = Console(highlight=False)
    for section in list_sections(config):
        if section.name and section.fields:
            console.print()
            console.print(Text.assemble((section.name, "bold underline"), f": {plain_text(section.meaning)}"))
        for line in section.fields:
            takes = f"({line.takes})"
            console.print(Text.assemble((f"--{line.name}", "bold"), f" {line.value}  ", (takes, "dim")), soft_wrap=True)
            meaning = fill(plain_text(line.meaning), console.width, initial_indent=_INDENT, subsequent_indent=_INDENT)
            console.print(Text(meaning))
