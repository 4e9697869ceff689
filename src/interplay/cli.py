"""The command line: a command's name -> the module that does it. Only the chosen module is imported."""

from __future__ import annotations

import argparse
import atexit
import codecs
import errno
import gc
import os
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from importlib import import_module
from keyword import iskeyword
from typing import Any

from interplay._version import __version__

COMMANDS = {
    "detect": "find interactions in images: pictures, a table and a result file",
    "batch": "find interactions in very many images, on several processes or a cluster",
    "contact": "say where a person touches objects, on a body in 3D",
    "reconstruct": "put a person and an object together in 3D, from a photograph or a clip",
    "view": "look at a scene in 3D in the browser",
    "explain": "draw where a model looked to find its interactions",
    "evaluate": "score a result file with an official protocol",
    "diagnose": "find out what is wrong with a result, and what each kind of error costs",
    "compare": "tell whether one result is better than another beyond chance",
    "suppress": "remove pairs that do not interact from any model's predictions",
    "serve": "a page and an HTTP API over a model",
    "train": "train a model from a configuration file",
    "plot": "draw the curves of trainings",
    "models": "list the models, or show one model's card",
    "import": "convert a published checkpoint into a weights file",
    "export": "write a model's network as an ONNX file, checked against PyTorch",
    "synthesize": "write a generated data set: people, objects and interactions with exact labels",
    "datasets": "check, describe, show, validate or convert data sets, or give people poses",
}

UNEXPECTED = 1
USAGE_ERROR = 2
INTERRUPTED = 130

DEBUG = "INTERPLAY_DEBUG"
"""Environment variable; where it is set, every error comes with Python's traceback."""


class _Parser(argparse.ArgumentParser):
    """argparse, with every error on one line that ends in how to get help, and exit code 2."""

    def error(self, message: str) -> None:  # type: ignore[override]
        print(f"{self.prog}: {message}\nTry '{self.prog} --help'.", file=sys.stderr)
        raise SystemExit(USAGE_ERROR)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code: 0 ok, 1 some inputs failed, 2 it could not be done at all."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    _end_at_once()
    if not given or given[0] in ("-h", "--help"):
        return _guarded("interplay", lambda: _show(_overview(), 0 if given else USAGE_ERROR))
    if given[0] in ("-V", "--version"):
        return _guarded("interplay", lambda: _show(f"interplay {__version__}", 0))
    name = given[0]
    if name not in COMMANDS:
        from interplay.errors import near_matches

        hint = near_matches(name, COMMANDS)
        print(f"interplay: unknown command {name!r}.{hint}\nTry 'interplay --help'.", file=sys.stderr)
        return USAGE_ERROR
    usual = warnings.formatwarning
    warnings.formatwarning = lambda message, *_: f"interplay {name}: warning: {message}\n"
    try:
        return _guarded(f"interplay {name}", lambda: _command(name, given[1:]))
    finally:
        warnings.formatwarning = usual


def _end_at_once() -> None:
    """At the end of the process nothing is worth collecting: to look for garbage in PyTorch's modules takes 0.4 s."""
    atexit.unregister(gc.freeze)  # a process may run several commands
    atexit.register(gc.freeze)


def _command(name: str, arguments: Sequence[str]) -> int:
    module = import_module(f"interplay.commands.{name}{'_' if iskeyword(name) else ''}")
    variants: Mapping[str, str] = getattr(module, "VARIANTS", {})
    if arguments and arguments[0] in variants:  # a command of two words, with options of its own
        module, name, arguments = (
            import_module(f"interplay.commands.{variants[arguments[0]]}"),
            f"{name} {arguments[0]}",
            arguments[1:],
        )
    parser = _Parser(
        prog=f"interplay {name}",
        description=module.__doc__,
        epilog=f"example:\n  {module.EXAMPLE}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    module.configure(parser)
    return module.run(parser.parse_args(arguments))


def _show(text: str, code: int) -> int:
    print(text)
    return code


def _guarded(name: str, work: Callable[[], int]) -> int:
    """Do some work; whatever ends it early is one line on standard error."""
    with printable_output():
        try:
            code = work()
            _flush()
            return code
        except SystemExit as stop:
            if isinstance(stop.__context__, BrokenPipeError):  # how rich ends the process
                return _reader_is_gone()
            _flush()
            raise
        except KeyboardInterrupt:
            return _tell(f"\n{name}: interrupted", INTERRUPTED)
        except BrokenPipeError:
            return _reader_is_gone()
        except Exception as error:
            if os.environ.get(DEBUG):
                raise
            text, code = describe(error)
            return _tell(f"{name}: {text}", code)


def describe(error: BaseException) -> tuple[str, int]:
    """What a user needs to know of an error, and the exit code."""
    from interplay.errors import InterplayError

    if isinstance(error, InterplayError):
        return str(error), USAGE_ERROR
    if isinstance(error, OSError) and error.errno is not None:
        place = _place(error)
        return f"{place}: {error.strerror}" if place else str(error.strerror), USAGE_ERROR
    if isinstance(error, MemoryError):
        return f"not enough memory ({error})" if str(error) else "not enough memory", USAGE_ERROR
    kind, text = type(error).__name__, " ".join(str(error).split())
    shown = f"{kind}: {text[:300]}" if text else kind
    return f"unexpected {shown} (run it again with {DEBUG}=1 to see where, and please report it)", UNEXPECTED


_OUTPUT_FAILS = {errno.ENOSPC, errno.EFBIG, errno.EIO, errno.EBADF, errno.EAGAIN}
"""What an error that names no file is then: whoever writes files names them (`interplay.files.naming`)."""


def _place(error: OSError) -> str:
    """The file that an error is about, or the output where that cannot be written."""
    if error.filename is not None:
        names = [name for name in (error.filename, error.filename2) if name is not None]
        return " and ".join(os.fsdecode(name) if isinstance(name, (str, bytes)) else repr(name) for name in names)
    return "standard output" if error.errno in _OUTPUT_FAILS else ""


def _flush() -> None:
    if sys.stdout is not None and not sys.stdout.closed:
        sys.stdout.flush()


def _reader_is_gone() -> int:
    """The reader of a pipe (head, less) has seen enough: nothing more is written, and nothing is wrong."""
    _drop_output()
    return 0


def _tell(text: str, code: int) -> int:
    try:
        print(text, file=sys.stderr)
        _flush()
    except (OSError, ValueError):
        _drop_output()
    return code


def _drop_output() -> None:
    """Send the rest of the output nowhere, or Python's last flush would fail again, with a message of its own."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError, AttributeError):
            with suppress(OSError, ValueError, AttributeError):
                nowhere = os.open(os.devnull, os.O_WRONLY)
                os.dup2(nowhere, stream.fileno())
                os.close(nowhere)


_ASCII = str.maketrans({"–": "-", "—": "-", "−": "-", "■": "#", "█": "#", "…": "...", "×": "x", "•": "*", "→": "->",
                        "━": "-", "─": "-", "│": "|", "’": "'", "‘": "'", "“": '"', "”": '"', "²": "^2"})  # fmt: skip
"""How characters are written where the console's encoding lacks them."""


def _simpler(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lacking = error.object[error.start : error.end]
    simple = lacking.translate(_ASCII)
    return simple.encode("ascii", "backslashreplace").decode("ascii"), error.end


@contextmanager
def printable_output() -> Iterator[None]:
    """Let what an encoding lacks be written in ASCII, instead of ending the work that is done."""
    codecs.register_error("interplay", _simpler)
    changed: list[tuple[Any, str]] = []
    for stream in (sys.stdout, sys.stderr):
        errors = getattr(stream, "errors", None)
        if errors is not None and hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="interplay")
            changed.append((stream, errors))
    try:
        yield
    finally:
        for stream, errors in changed:
            with suppress(OSError, ValueError):
                stream.reconfigure(errors=errors)


def run_script(main: Callable[[], None]) -> None:
    """Run a script's main function; a mistake in what it was given ends it with its message, as in a command.

    Args:
        main: reads its arguments from ``sys.argv``.
    """

    def work() -> int:
        main()
        return 0

    code = _guarded(sys.argv[0], work)
    if code:
        raise SystemExit(code)


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
