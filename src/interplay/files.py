"""Writing files so that an interruption never leaves half of one behind, and checking where they shall go."""

from __future__ import annotations

import errno
import hashlib
import os
import platform
import re
import secrets
import shutil
import stat
import tempfile
import threading
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from interplay.errors import InputError

_LONGEST_NAME = 255
"""Bytes of a file's name on the usual file systems."""

_LONGEST_SUFFIX = 16

# Of which machine and process a temporary file is, so that those of killed processes can be told.
_MACHINE = hashlib.sha256(platform.node().encode()).hexdigest()[:6]
_TEMPORARY = re.compile(r"\.interplay-([0-9a-f]{6})-(\d+)-[0-9a-f]{8}(\..*)?")
_ABANDONED_AFTER = 7 * 24 * 3600.0
"""Seconds after which a temporary file of another machine counts as left behind."""

_swept: set[tuple[int, int]] = set()
_sweeping = threading.Lock()


@contextmanager
def atomic_path(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield a temporary path beside `path`; on success it is renamed to `path`, on failure removed.

    Missing parent folders are made. The temporary name keeps the suffix, since some writers look at it. Who may read
    the file stays as it was; of a new file it follows from the umask, also where its writer, safetensors, is stricter.
    A link stays a link: the file behind it is replaced. What is no file, such as ``/dev/stdout``, is written to.
    Temporary files that killed processes left in the folder are removed.

    Raises:
        InputError: `path` is a folder, or below a file.
        OSError: names `path`.

    Example:
        >>> import tempfile, pathlib
        >>> target = pathlib.Path(tempfile.mkdtemp()) / "a.txt"
        >>> with atomic_path(target) as temporary:
        ...     _ = temporary.write_text("whole")
        >>> target.read_text()
        'whole'
    """
    wanted = Path(path)
    with naming(wanted):
        known = _state(wanted)
    if known is not None and stat.S_ISDIR(known.st_mode):
        raise InputError(f"{wanted} is a folder, expected a file")
    if known is not None and not stat.S_ISREG(known.st_mode):
        with _device(wanted) as temporary:
            yield temporary
        return
    target = Path(os.path.realpath(wanted)) if wanted.is_symlink() else wanted
    temporary = target.with_name(_temporary_name(target))
    try:
        with naming(wanted, temporary):
            _make_folder(target.parent)
            _sweep(target.parent)
            temporary.touch()
            mode = stat.S_IMODE((temporary.stat() if known is None else known).st_mode)
            temporary.unlink()
            yield temporary
            temporary.chmod(mode)
            temporary.replace(target)
    finally:
        with suppress(OSError):
            temporary.unlink()


@contextmanager
def naming(path: str | os.PathLike[str], *others: Path) -> Iterator[None]:
    """Let an `OSError` inside that names no file, or one of `others`, name `path`."""
    try:
        yield
    except OSError as error:
        if error.errno is not None and (error.filename is None or str(error.filename) in map(str, others)):
            raise OSError(error.errno, error.strerror, os.fspath(path)) from error
        raise


def check_target(path: str | os.PathLike[str], suffixes: Collection[str] = ()) -> Path:
    """The path of a file that can be written, checked before the work that fills it.

    Args:
        path: the file.
        suffixes: what its name may end in, whatever the case; anything if empty.

    Raises:
        InputError: another suffix, a folder, or a name or folder that cannot be written; says why.
    """
    target = Path(path)
    if suffixes and target.suffix.lower() not in suffixes:
        raise InputError(f"{path}: expected a name ending in {' or '.join(suffixes)}, got {target.suffix!r}")
    try:
        known = _state(target)
        if known is not None:
            if stat.S_ISDIR(known.st_mode):
                raise InputError(f"{path} is a folder, expected a file")
            if not stat.S_ISREG(known.st_mode):
                return target
        elif len(os.fsencode(target.name)) > _LONGEST_NAME:
            raise OSError(errno.ENAMETOOLONG, os.strerror(errno.ENAMETOOLONG))
        check_folder_target(Path(os.path.realpath(target)).parent)
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror}") from None
    return target


def check_other(target: str | os.PathLike[str], source: str | os.PathLike[str], what: str) -> None:
    """Whether what is to be written is another file than what is read.

    Args:
        target: the file to write.
        source: the file that is read.
        what: what the source is, for the error: ``"the image to explain"``.

    Raises:
        InputError: they are one file, maybe by other names.
    """
    if Path(target).exists() and Path(source).exists() and Path(target).samefile(source):
        raise InputError(f"{target} is {what}: give another name to write to")


def check_folder_target(folder: str | os.PathLike[str]) -> Path:
    """The path of a folder that is there or can be made, and in which files can be written.

    Raises:
        InputError: a file is in its place or above it, or it cannot be written; says why.
    """
    place = Path(folder)
    try:
        nearest = Path(os.path.abspath(place))  # noqa: PTH100  # keeps the links of the path that the user gave
        while (known := _state(nearest)) is None:
            nearest = nearest.parent
    except OSError as error:
        raise InputError(f"{folder} cannot be written: {error.strerror}") from None
    if not stat.S_ISDIR(known.st_mode):
        raise InputError(f"{nearest} is a file, expected a folder")
    if not os.access(nearest, os.W_OK | os.X_OK):
        raise InputError(f"the folder {nearest} cannot be written: {os.strerror(errno.EACCES)}")
    return place


def beside(path: Path, ending: str) -> Path:
    """The file beside another one that is named after it: its whole name, cut where that is too long, and `ending`."""
    return path.with_name(fitting_name(path.name, ending))


def fitting_name(stem: str, ending: str) -> str:
    """`stem` and `ending` as the name of a file; a stem that is too long is cut, and told apart by a digest."""
    encoded = os.fsencode(stem)
    room = _LONGEST_NAME - len(os.fsencode(ending))
    if len(encoded) <= room:
        return stem + ending
    digest = hashlib.sha256(encoded).hexdigest()[:8]
    return encoded[: room - 9].decode("utf-8", "ignore") + f"-{digest}{ending}"


def home_path(path: str | os.PathLike[str]) -> Path:
    """A path whose ``~`` is the home folder, unless something here has this very name or nobody's home is known."""
    given = Path(path)
    if str(given).startswith("~") and not os.path.lexists(given):
        with suppress(RuntimeError):
            return given.expanduser()
    return given


def cache_folder(name: str) -> Path:
    """Where something that can be made again is kept: below ``XDG_CACHE_HOME``, ``~/.cache``, or temporary files."""
    chosen = os.environ.get("XDG_CACHE_HOME")
    if chosen:
        return Path(chosen) / "interplay" / name
    try:
        return Path.home() / ".cache" / "interplay" / name
    except RuntimeError:  # nobody's home is known
        return Path(tempfile.gettempdir()) / "interplay" / name


def content_digest(path: str | os.PathLike[str]) -> str:
    """The first 16 digits of `file_sha256`; same errors."""
    return file_sha256(path)[:16]


def file_sha256(path: str | os.PathLike[str]) -> str:
    """SHA-256 of a file's content, 64 hexadecimal digits; a large file is never in memory as a whole.

    Raises:
        InputError: it cannot be read, or is no file; says why.
    """
    digest = hashlib.sha256()
    try:
        if not stat.S_ISREG(Path(path).stat().st_mode):  # a pipe would be waited for
            raise InputError(f"{path}: expected a file")
        with Path(path).open("rb") as stream:
            while block := stream.read(1 << 20):
                digest.update(block)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None
    return digest.hexdigest()


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        check_folder_target(folder)  # says which part of it is a file
        raise


def _state(path: Path) -> os.stat_result | None:
    """What is at a path, links followed, or None."""
    try:
        return path.stat()
    except (FileNotFoundError, NotADirectoryError):  # the latter below a file
        return None


@contextmanager
def _device(target: Path) -> Iterator[Path]:
    """A temporary file whose content is written to a pipe or device, which must not be replaced by a file."""
    with tempfile.TemporaryDirectory() as folder:
        temporary = Path(folder) / f"content{_short_suffix(target)}"
        yield temporary
        with naming(target), temporary.open("rb") as source, target.open("wb") as out:
            shutil.copyfileobj(source, out)


def _temporary_name(target: Path) -> str:
    return f".interplay-{_MACHINE}-{os.getpid()}-{secrets.token_hex(4)}{_short_suffix(target)}"


def _short_suffix(target: Path) -> str:
    return target.suffix if len(os.fsencode(target.suffix)) <= _LONGEST_SUFFIX else ""


def _sweep(folder: Path) -> None:
    """Remove temporary files of processes that are gone, once for each folder."""
    state = folder.stat()
    with _sweeping:
        key = (state.st_dev, state.st_ino)
        if key in _swept:
            return
        _swept.add(key)
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            with suppress(OSError):
                if is_abandoned(entry):
                    os.unlink(entry.path)  # noqa: PTH108  # of an entry


def is_temporary(name: str) -> bool:
    """Whether a file's name is one that `atomic_path` makes."""
    return _TEMPORARY.fullmatch(name) is not None


def is_abandoned(entry: os.DirEntry[str] | Path) -> bool:
    """Whether a file is a temporary one of a process that is gone."""
    found = _TEMPORARY.fullmatch(entry.name)
    if found is None:
        return False
    if found[1] == _MACHINE and os.name != "nt":
        return not process_runs(int(found[2]))
    return time.time() - entry.stat().st_mtime > _ABANDONED_AFTER


def process_runs(number: int) -> bool:
    """Whether there is a process of this number on this machine (not on Windows)."""
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):  # another user's
        return True
    try:  # one that has ended keeps its number until its parent asks for its status, which may take long in a container
        state = Path(f"/proc/{number}/stat").read_bytes().rpartition(b")")[2].split()[0]
    except (OSError, IndexError):  # no such folder on this system
        return True
    return state != b"Z"
