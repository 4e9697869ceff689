"""Ways to damage a valid file: its bytes, the numbers in it, and the structure of what it holds."""

from __future__ import annotations

import copy
import json
import pickle
import random
import re
import struct
import warnings
import zipfile
import zlib
from collections.abc import Callable, Iterator
from io import BytesIO
from typing import Any

NUMBERS = (
    "NaN", "Infinity", "-Infinity", "1e400", "-1e400", "1e39", "-0", "-0.0", "0", "-1", "-7", "0.5", "5.7", "1e300",
    "3000000000", "9223372036854775808", "9" * 401, "9" * 5000, "1e-320",
)  # fmt: skip
"""Also what is no number in strict JSON, or none that fits in 64 bits."""

_HALF = "half \ud800 of a character"
_TEXTS = (
    "",
    "x",
    "person",
    "ride",
    "../../up",
    "/etc/hostname",
    "\0",
    "~nobody/x",
    "a" * 3000,
    "{{objects}}",
    "$x^{2$",
)
Mutator = Callable[[bytes, random.Random], bytes]


def mutate(data: bytes, form: str, draw: random.Random) -> bytes:
    """A damaged copy of a valid file of a form; now and then damaged twice.

    Args:
        form: one of `FORMS`; any other has only its bytes damaged.
    """
    way = draw.choice(_BYTES if draw.random() < 0.3 else FORMS.get(form, _BYTES))
    try:
        data = way(data, draw)
    except IndexError:  # it has no numbers, or no keys, to choose from
        data = draw.choice(_BYTES)(data, draw)
    # the structure is only ever taken from the valid file: a damaged pickle must not be loaded here
    return draw.choice(_BYTES)(data, draw) if draw.random() < 0.2 else data


def _flip(data: bytes, draw: random.Random) -> bytes:
    changed = bytearray(data or b"\0")
    for _ in range(draw.choice((1, 1, 2, 8, 64))):
        changed[draw.randrange(len(changed))] = draw.choice((0, 1, 0x7F, 0x80, 0xFF, draw.randrange(256)))
    return bytes(changed)


def _flip_bit(data: bytes, draw: random.Random) -> bytes:
    changed = bytearray(data or b"\0")
    changed[draw.randrange(len(changed))] ^= 1 << draw.randrange(8)
    return bytes(changed)


def _flip_early(data: bytes, draw: random.Random) -> bytes:
    return _flip(data[:256], draw) + data[256:]


def _flip_late(data: bytes, draw: random.Random) -> bytes:
    return data[:-256] + _flip(data[-256:], draw)


def _cut(data: bytes, draw: random.Random) -> bytes:
    return data[: draw.randrange(len(data) + 1)]


def _drop(data: bytes, draw: random.Random) -> bytes:
    start = draw.randrange(len(data) + 1)
    return data[:start] + data[start + draw.choice((1, 4, 100)) :]


def _repeat(data: bytes, draw: random.Random) -> bytes:
    start = draw.randrange(len(data) + 1)
    part = data[start : start + draw.choice((1, 4, 8, 100, 1000))]
    return data[:start] + part * draw.choice((2, 3, 50)) + data[start:]


def _splice(data: bytes, draw: random.Random) -> bytes:
    a, b = (draw.randrange(len(data) + 1) for _ in range(2))
    return data[:a] + data[b:]


def _words(data: bytes, draw: random.Random) -> bytes:
    """Sizes and counts of headers: a word of 1, 2, 4 or 8 bytes becomes an extreme."""
    code = draw.choice(["<b", "<h", "<i", "<q", ">h", ">i", ">q"])
    size = struct.calcsize(code)
    start = draw.randrange(max(len(data) - size, 1))
    most = 2 ** (8 * size - 1)
    value = draw.choice((0, 1, -1, most - 1, -most, most // 2, draw.randrange(-most, most)))
    return data[:start] + struct.pack(code, value) + data[start + size :]


def _beginning(data: bytes, draw: random.Random) -> bytes:
    """Nothing, blanks, byte order marks, and the first bytes of other kinds of files."""
    other = (b"", b"\n", b" ", b"\0" * 64, b"\xef\xbb\xbf", b"\xff\xfe", b"PK\x03\x04", b"\x80\x04", b"PAR1", b"[",
             b"{", b"MATLAB 5.0 MAT-file", b"\x93NUMPY\x01\x00", b"\x89PNG\r\n\x1a\n", b"null\n")  # fmt: skip
    return draw.choice(other) + draw.choice((data, data, b""))


_BYTES: tuple[Mutator, ...] = (
    _flip, _flip_bit, _flip_early, _flip_late, _cut, _drop, _repeat, _splice, _words, _beginning,
)  # fmt: skip

_NUMBER = re.compile(rb"(?<![\w.\"])-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?(?![\w\"])")


def _number(data: bytes, draw: random.Random) -> bytes:
    """One number in a text becomes another, or none at all."""
    found = draw.choice(list(_NUMBER.finditer(data)))
    return data[: found.start()] + draw.choice(NUMBERS).encode() + data[found.end() :]


def _encoding(data: bytes, draw: random.Random) -> bytes:
    """Another encoding, other ends of lines, or a byte that is no UTF-8 inside a text."""
    text = data.decode("utf-8")
    way = draw.randrange(5)
    if way == 0:
        return text.encode(draw.choice(("utf-16", "utf-16-le", "utf-32", "utf-8-sig")))
    if way == 1:
        return text.replace("\n", draw.choice(("\r\n", "\r", "\u2028", "\n\n"))).encode()
    place = draw.choice([m.end() for m in re.finditer(r"[A-Za-z]", text)] or [0])
    return (
        text[:place].encode()
        + draw.choice((b"\xe9", b"\xff", b"\0", b"\\ud800", b"\xed\xa0\x80"))
        + text[place:].encode()
    )


def _deep(data: bytes, draw: random.Random) -> bytes:
    """A value nested far deeper than any program expects, in place of a number or of the whole."""
    depth = draw.choice((60, 500, 3000, 100_000))
    begin, end = draw.choice(((b"[", b"]"), (b'{"a":', b"}")))
    value = begin * depth + b"1" + end * draw.choice((depth, 0))
    places = list(_NUMBER.finditer(data))
    if not places or draw.random() < 0.2:
        return value
    found = draw.choice(places)
    return data[: found.start()] + value + data[found.end() :]


def _twice(data: bytes, draw: random.Random) -> bytes:
    """A key of an object comes twice."""
    found = draw.choice(list(re.finditer(rb'"\w+"\s*:', data)))
    return data[: found.start()] + found[0] + draw.choice((b" 1, ", b" null, ", b' "x", ')) + data[found.start() :]


def _places(value: Any, path: tuple[Any, ...] = (), depth: int = 0) -> Iterator[tuple[Any, ...]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield (*path, key)
        if depth < 12:
            yield from _places(inner, (*path, key), depth + 1)


def change(content: Any, draw: random.Random) -> Any:
    """A copy of nested lists and dicts in which one node is another, gone, twice there, or of another type."""
    content = copy.deepcopy(content)
    places = list(_places(content))
    if not places or draw.random() < 0.03:
        return _junk(content, draw)
    *keys, last = draw.choice(places)
    inner = content
    for key in keys:
        inner = inner[key]
    way = draw.randrange(6)
    if way == 0:
        del inner[last]
    elif way == 1 and isinstance(inner, list):
        inner.insert(last, copy.deepcopy(inner[last]))
    elif way == 1:
        inner[draw.choice((*map(str, NUMBERS[:4]), *_TEXTS, f"{last}2"))] = inner.pop(last)
    elif way == 2:
        other = content[draw.choice(list(content))] if isinstance(content, dict) else draw.choice(content)
        inner[last] = copy.deepcopy(other)
    else:
        inner[last] = _junk(inner[last], draw)
    return content


def _junk(value: Any, draw: random.Random) -> Any:
    if isinstance(value, (int, float)) and draw.random() < 0.4:
        return draw.choice((-1, -0.0, float("nan"), float("inf"), 1e39, 10**9, 2**63, 10**400, value + 0.5, -value - 1))
    return draw.choice(
        (None, True, False, 0, -1, 1.5, 10**9, 2**40, 1e300, float("nan"), float("-inf"), 10**400, [], {}, [value],
         [[1, 2]], [None], {"a": value}, {"": None}, _HALF, [value] * 50, str(value)[:50], *_TEXTS)
    )  # fmt: skip


def _json(data: bytes, draw: random.Random) -> bytes:
    return _dump(change(json.loads(data), draw))


def _json_lines(data: bytes, draw: random.Random) -> bytes:
    lines = data.splitlines()
    chosen = draw.randrange(len(lines))
    lines[chosen] = _dump(change(json.loads(lines[chosen]), draw))
    return b"\n".join(lines) + b"\n"


def _dump(content: Any) -> bytes:
    """As bytes; half characters are written now as they are, and now as escapes."""
    text = json.dumps(content, ensure_ascii=False)
    return text.encode("utf-8", "surrogatepass") if len(text) % 2 else json.dumps(content).encode()


def _yaml(data: bytes, draw: random.Random) -> bytes:
    import yaml

    return yaml.safe_dump(change(yaml.safe_load(data), draw), allow_unicode=True).encode("utf-8", "surrogatepass")


def _yaml_line(data: bytes, draw: random.Random) -> bytes:
    """Tags, aliases that unfold, and values of other types in place of a line's value."""
    lines = data.decode().splitlines()
    chosen = draw.choice([i for i, line in enumerate(lines) if ":" in line])
    key = lines[chosen].split(":")[0]
    bomb = "[" + ", ".join(["&a0 [x, x, x, x, x, x, x, x]"] + [
        f"&a{i} [" + ", ".join([f"*a{i - 1}"] * 8) + "]" for i in range(1, 9)
    ]) + "]"  # fmt: skip
    value = draw.choice(
        ("!!bool x", "!!timestamp x", "!!python/object/apply:os.getcwd []", "!!int x", "[a]", "&x [*x]", "{a: b}", bomb,
         "[" * 2000, "9" * 5000, "0x" + "f" * 5000, "2001-99-99", ".nan", ".inf", "null", "'", "!!binary x", "<<: *y")
    )  # fmt: skip
    lines[chosen] = f"{key}: {value}"
    return "\n".join(lines).encode()


def _pickle(data: bytes, draw: random.Random) -> bytes:
    content = change(pickle.loads(data), draw)  # noqa: S301  # one of our own seeds
    return pickle.dumps(content, protocol=draw.randrange(6))


def _pickle_bomb(data: bytes, draw: random.Random) -> bytes:
    """One list many times inside itself in other lists, or a list that holds itself, in place of a value."""
    content = copy.deepcopy(pickle.loads(data))  # noqa: S301
    bomb: list[Any] = ["x"] * 8
    for _ in range(draw.choice((3, 30))):
        bomb = [bomb] * 8
    if draw.random() < 0.3:
        bomb.append(bomb)
    places = list(_places(content))
    *keys, last = draw.choice(places)
    inner = content
    for key in keys:
        inner = inner[key]
    inner[last] = draw.choice((bomb, {"a": bomb}))
    return pickle.dumps(content, protocol=4)


def _pickle_code(data: bytes, draw: random.Random) -> bytes:
    """Names of functions, states set on what was made, and operations that find nothing on the stack."""
    made = draw.choice(_HOSTILE)
    return made if draw.random() < 0.7 else data[:-1] + made


_HOSTILE = (
    b"cposix\nsystem\n(S'true'\ntR.",
    b"cbuiltins\neval\n(S'1'\ntR.",
    b"\x80\x04\x8c\x05posix\x8c\x06system\x93.",
    b"cnumpy\ndtype\n(S'O'\nI0\nI1\ntR(I3\nS'|'\nNNNI-1\nI-1\nI61\ntb.",
    b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(I0\ntS'b'\ntR(I1\n(I1\ntcnumpy\ndtype\n(S'O8'\ntRI00\n"
    b"S'AAAAAAAA'\ntb.",
    b"ccopyreg\n_reconstructor\n(cbuiltins\nobject\ncbuiltins\nobject\nNtR.",
    b"\x80\x02}q\0U\x01aK\x01s}b.",
    b"(lp0\n(g0\ntp1\n.",
    b"I01\n0000.",
    b"\x80\x04\x95" + struct.pack("<Q", 2**62) + b".",
    b"\x80\x04\x8d" + struct.pack("<Q", 2**40),
    b"c" + b"x" * 200_000 + b"\nx\n.",
)


def _csv(data: bytes, draw: random.Random) -> bytes:
    lines = [line.split(",") for line in data.decode().splitlines()]
    row = draw.choice(lines)
    cell = draw.randrange(len(row))
    way = draw.randrange(4)
    if way == 0:
        row.pop(cell)
    elif way == 1:
        row.insert(cell, row[cell])
    else:
        row[cell] = draw.choice((*NUMBERS, *_TEXTS, '"', "a\nb"))
    return "\n".join(",".join(row) for row in lines).encode() + b"\n"


def _zip(data: bytes, draw: random.Random) -> bytes:
    """A member of a zip archive (also .npz and torch's) with damaged bytes, missing, twice there, or renamed."""
    with zipfile.ZipFile(BytesIO(data)) as archive:
        members = [(one.filename, archive.read(one)) for one in archive.infolist()]
    chosen = draw.randrange(len(members))
    name, content = members[chosen]
    way = draw.randrange(6)
    if way == 0:
        members.pop(chosen)
    elif way == 1:
        members.append((name, draw.choice(_BYTES)(content, draw)))
    elif way == 2:
        members[chosen] = (draw.choice(("../up.npy", "x", name + "2", "/data.pkl")), content)
    elif way == 3:
        members[chosen] = (name, content[:64] + b"\0" * draw.choice((0, 1 << 16, 1 << 20)))
    else:
        damage = draw.choice((_flip_early, _words, _number, *_BYTES))
        members[chosen] = (name, damage(content, draw))
    made = BytesIO()
    with (
        warnings.catch_warnings(),
        zipfile.ZipFile(made, "w", draw.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))) as archive,
    ):
        warnings.simplefilter("ignore")  # about names that come twice
        for name, content in members:
            archive.writestr(name, content)
    return made.getvalue()


def _safetensors(data: bytes, draw: random.Random) -> bytes:
    """Another header: shapes, types and places of tensors, and the description in it."""
    (size,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + size])
    described = header.get("__metadata__", {})
    if described and draw.random() < 0.5:
        key = draw.choice(list(described))
        try:
            described[key] = json.dumps(change(json.loads(described[key]), draw))
        except ValueError:
            described[key] = draw.choice((*_TEXTS, "null", "[]", "{"))
    else:
        header = change(header, draw)
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data[8 + size :]


def _floats(data: bytes, draw: random.Random) -> bytes:
    """Numbers in a binary file that are not finite, or extreme."""
    code = draw.choice(("<f", "<d"))
    size = struct.calcsize(code)
    start = draw.randrange(max(len(data) - size, 1))
    value = struct.pack(code, draw.choice((float("nan"), float("inf"), -float("inf"), 3e38, -1.0, -0.0)))
    return data[:start] + value + data[start + size :]


def _shapes(data: bytes, draw: random.Random) -> bytes:
    """A list of names and shapes: other names of a layer, other lengths of an axis, wherever it comes, other types."""
    content: dict[str, Any] = json.loads(data)
    names = list(content)
    chosen = draw.choice(names)
    way = draw.randrange(6)
    if way == 0:
        layer = chosen[: draw.randrange(len(chosen)) + 1]
        content = {name: shape for name, shape in content.items() if not name.startswith(layer)}
    elif way == 1:
        part = draw.choice(re.findall(r"\w+", chosen))
        other = draw.choice(("0", "7", "x", "99999999999", "weight", ""))
        content = {name.replace(part, other): shape for name, shape in content.items()}
    elif way == 2:
        length = draw.choice(content[chosen] or [1])
        other_length = draw.choice((0, 1, 2, 3, length + 1, 4096))
        content = {name: [other_length if n == length else n for n in shape] for name, shape in content.items()}
    elif way == 3:
        content[chosen] = draw.choice(([], content[chosen][:-1], [*content[chosen], 1], content[chosen][::-1], [0]))
    elif way == 4:
        kind = draw.choice(("float16", "bfloat16", "float64", "int64", "bool"))
        every = draw.random() < 0.3
        content = {name: [kind, *shape] if every or name == chosen else shape for name, shape in content.items()}
    else:
        content[draw.choice((chosen + ".x", "module." + chosen, chosen + ":0", "x"))] = content[draw.choice(names)]
    return json.dumps(content).encode()


def _picture_size(data: bytes, draw: random.Random) -> bytes:
    """Another width or height of a picture of 64 x 48 in its header, up to sizes that no memory holds."""
    length = draw.choice((64, 48))
    code = draw.choice((">H", "<H", ">I", "<I"))
    places = [m.start() for m in re.finditer(re.escape(struct.pack(code, length)), data[:4096])]
    most = 2 ** (8 * struct.calcsize(code)) - 1
    start = draw.choice(places)
    other = struct.pack(code, min(draw.choice((0, 1, 65, 9000, 30_000, 60_000, 65_500, 2**20, 2**31 - 1, most)), most))
    data = data[:start] + other + data[start + len(other) :]
    if data[12:16] == b"IHDR":  # its check sum is looked at first
        data = data[:29] + struct.pack(">I", zlib.crc32(data[12:29])) + data[33:]
    return data


_TEXT = (_number, _encoding, _deep, _twice)
_BINARY = (*_BYTES, _floats)
FORMS: dict[str, tuple[Mutator, ...]] = {
    "json": (_json, _json, _json, *_TEXT),
    "jsonl": (_json_lines, _json_lines, _json_lines, *_TEXT),
    "yaml": (_yaml, _yaml_line, _number, _encoding),
    "csv": (_csv, _csv, _encoding),
    "pickle": (_pickle, _pickle, _pickle, _pickle_bomb, _pickle_code, *_BINARY),
    "zip": (_zip, _zip, _zip, *_BINARY),
    "safetensors": (_safetensors, _safetensors, *_BINARY),
    "shapes": (_shapes, _shapes, _shapes, _json, _number),
    "picture": (_picture_size, *_BINARY),
    "text": (_number, _encoding),
    "binary": _BINARY,
}
"""Ways to damage a file by its form, beside damages of its bytes."""
