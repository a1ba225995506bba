"""C from templates, which are C but for words between two @, and numbers as C writes them."""

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gruta.runtime.weights import SCALE, Stored

Array = NDArray[Any]

_TEMPLATES = Path(__file__).with_name("templates")
_WORD = re.compile(r"@(\w+)@")
WIDEST = 100
_BYTES = {"float": 4, "double": 8, "int8_t": 1, "uint8_t": 1, "uint16_t": 2, "int32_t": 4}
_BYTES |= {"uint32_t": 4}
_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t", "?": "\\?"}


def filled(template: str, values: Mapping[str, Any], flags: Iterable[str] = ()) -> str:
    """The template of this name with its words replaced; KeyError for one without a value.

    Lines between `//@if FLAG` and `//@else` or `//@end` stay where the flag is among `flags`.
    """
    text = (_TEMPLATES / f"{template}.in").read_text(encoding="utf-8")
    kept, stay, known = [], [True], frozenset(flags)
    for line in text.splitlines():
        mark = line.strip()
        if mark.startswith("//@if "):
            names = mark.removeprefix("//@if ").split()
            stay.append(bool(known & set(names)))
        elif mark == "//@else":
            stay[-1] = not stay[-1]
        elif mark == "//@end":
            stay.pop()
        elif all(stay):
            kept.append(line)
    return _WORD.sub(lambda found: str(values[found[1]]), "\n".join(kept) + "\n")


def quoted(text: str) -> str:
    """A literal of a text, in UTF-8."""
    written = []
    for letter in text:
        if letter in _ESCAPES:
            written.append(_ESCAPES[letter])
        elif ord(letter) < 32 or ord(letter) == 127:
            written.append(f"\\{ord(letter):03o}")
        else:
            written.append(letter)
    return f'"{"".join(written)}"'


def remark(text: str) -> str:
    """A text of a file that may stand behind //."""
    return "".join(one if one.isprintable() and one != "\\" else "?" for one in text)


def single(value: Any) -> str:
    """A number of single precision, by as many digits as tell it from all others."""
    text = str(np.float32(value))
    return {"inf": "INFINITY", "-inf": "-INFINITY", "nan": "NAN"}.get(text, f"{text}f")


def double(value: Any) -> str:
    """A number of double precision."""
    text = repr(float(value))
    return {"inf": "INFINITY", "-inf": "-INFINITY", "nan": "NAN"}.get(text, text)


class Tables:
    """Constant arrays: `declared`, to stand before the code, and `defined`, behind it.

    integers: of weights, whether they are stored in int8. size: bytes of all.
    """

    def __init__(self, integers: bool) -> None:
        self.integers = integers
        self.size = 0
        self._declared: list[str] = []
        self._defined: list[str] = []

    @property
    def declared(self) -> str:
        """What there is."""
        if not self._declared:
            return ""
        return "\n".join(["// The numbers stand at the end.", *self._declared, "", ""])

    @property
    def defined(self) -> str:
        """The numbers."""
        text = "\n\n".join(self._defined)
        return f"// clang-format off\n\n{text}\n\n// clang-format on\n" if text else ""

    def floats(self, name: str, array: Array) -> str:
        """In single precision; the name."""
        return self._table("float", name, array, map(single, array.ravel()))

    def doubles(self, name: str, array: Array) -> str:
        """In double precision; the name."""
        return self._table("double", name, array, map(double, array.ravel()))

    def whole(self, kind: str, name: str, array: Array) -> str:
        """Whole numbers of a kind of C's; the name."""
        return self._table(kind, name, array, map(str, array.ravel().tolist()))

    def texts(self, name: str, texts: Sequence[str], *, static: bool = False) -> None:
        """Texts by their places; the header declares those that are not static."""
        head = f"{'static ' if static else ''}const char* const {name}[{len(texts)}]"
        if static:
            self._declared.append(f"{head};")
        self._defined.append(f"{head} = {{\n{wrapped(map(quoted, texts))}\n}};")
        self.size += sum(len(one.encode()) + 5 for one in texts)

    def matrix(self, name: str, weight: tuple[Array, Array | None], bias: Array | None) -> str:
        """What makes a `matrix` of a weight `[rows, …]`, with its scales `[rows]` if it has some,
        and of a bias.
        """
        array, scale = weight
        rows = array.reshape(len(array), -1)
        sizes = [str(rows.shape[0]), str(rows.shape[1])]
        if self.integers:
            assert scale is not None
            parts = [self.whole("int8_t", name, rows), self.floats(f"{name}_scale", scale)]
        else:
            parts = [self.floats(name, rows)]
        parts.append("NULL" if bias is None else self.floats(f"{name}_bias", bias))
        return "{" + ", ".join(sizes + parts) + "}"

    def _table(self, kind: str, name: str, array: Array, values: Iterable[str]) -> str:
        head = f"static const {kind} {name}[{array.size}]"
        self.size += array.size * _BYTES[kind]
        self._declared.append(f"{head};")
        self._defined.append(f"{head} = {{\n{wrapped(values)}\n}};")
        return name


class Weights:
    """A network's weights by name, as they are stored."""

    def __init__(self, stored: Mapping[str, Stored]) -> None:
        self._stored = stored

    def __contains__(self, name: str) -> bool:
        return name in self._stored

    def array(self, name: str) -> Array:
        """One that is never rounded."""
        return self._stored[name].array

    def matrix(self, name: str) -> tuple[Array, Array | None]:
        """One with its scales, if it is of int8."""
        scale = self._stored.get(name + SCALE)
        return self._stored[name].array, None if scale is None else scale.array


def wrapped(values: Iterable[str], indent: str = "    ") -> str:
    """Values with commas between them, in lines that are not too long."""
    lines, line = [], indent
    for value in values:
        if len(line) + len(value) + 1 > WIDEST and line != indent:
            lines.append(line.rstrip())
            line = indent
        line += f"{value}, "
    lines.append(line.rstrip())
    return "\n".join(lines)
