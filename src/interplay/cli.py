"""The command line: a command's name -> the module that does it. Only the chosen module is imported."""

from __future__ import annotations

import argparse
import sys
import warnings
from collections.abc import Callable, Sequence
from importlib import import_module
from keyword import iskeyword

from interplay._version import __version__

COMMANDS = {
    "detect": "find interactions in photographs: pictures, a table and a result file",
    "explain": "draw where a model looked to find its interactions",
    "evaluate": "score a result file with an official protocol",
    "suppress": "remove pairs that do not interact from any model's predictions",
    "train": "train a model from a configuration file",
    "plot": "draw the curves of trainings",
    "models": "list the models, or show one model's card",
    "import": "convert a published checkpoint into a weights file",
    "synthesize": "write a generated data set: people, objects and interactions with exact labels",
    "datasets": "check, describe, show, validate or convert data sets",
}

USAGE_ERROR = 2
INTERRUPTED = 130


class _Parser(argparse.ArgumentParser):
    """argparse, with every error on one line that ends in how to get help, and exit code 2."""

    def error(self, message: str) -> None:  # type: ignore[override]
        print(f"{self.prog}: {message}\nTry '{self.prog} --help'.", file=sys.stderr)
        raise SystemExit(USAGE_ERROR)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code: 0 ok, 1 some inputs failed, 2 usage."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if not given or given[0] in ("-h", "--help"):
        print(_overview())
        return 0 if given else USAGE_ERROR
    if given[0] in ("-V", "--version"):
        print(f"interplay {__version__}")
        return 0
    name = given[0]
    if name not in COMMANDS:
        from interplay.errors import near_matches

        hint = near_matches(name, COMMANDS)
        print(f"interplay: unknown command {name!r}.{hint}\nTry 'interplay --help'.", file=sys.stderr)
        return USAGE_ERROR
    module = import_module(f"interplay.commands.{name}{'_' if iskeyword(name) else ''}")
    parser = _Parser(
        prog=f"interplay {name}",
        description=module.__doc__,
        epilog=f"example:\n  {module.EXAMPLE}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    module.configure(parser)
    parsed = parser.parse_args(given[1:])

    from interplay.errors import InterplayError

    usual = warnings.formatwarning
    warnings.formatwarning = lambda message, *_: f"interplay {name}: warning: {message}\n"
    try:
        return module.run(parsed)
    except InterplayError as error:
        print(f"interplay {name}: {error}", file=sys.stderr)
        return USAGE_ERROR
    except KeyboardInterrupt:
        print(f"\ninterplay {name}: interrupted", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:  # the reader of a pipe (head, less) has seen enough
        sys.stderr.close()
        return 0
    finally:
        warnings.formatwarning = usual


def run_script(main: Callable[[], None]) -> None:
    """Run a script's main function; a mistake in what it was given ends it with its message, as in a command.

    Args:
        main: reads its arguments from ``sys.argv``.
    """
    from interplay.errors import InterplayError

    try:
        main()
    except (InterplayError, FileNotFoundError, NotADirectoryError) as error:
        print(f"{sys.argv[0]}: {error}", file=sys.stderr)
        raise SystemExit(USAGE_ERROR) from None
    except KeyboardInterrupt:
        print(f"\n{sys.argv[0]}: interrupted", file=sys.stderr)
        raise SystemExit(INTERRUPTED) from None


def _overview() -> str:
    rows = "\n".join(f"  {name:<12}{text}" for name, text in COMMANDS.items())
    return (
        "usage: interplay COMMAND [options]\n\n"
        "Human-object interaction: who does what with which object.\n\n"
        f"commands:\n{rows}\n\n"
        "Each command answers --help with an example. interplay --version tells the version.\n\n"
        "example:\n  interplay detect --sample"
    )


if __name__ == "__main__":
    raise SystemExit(main())
