"""The files that a network becomes in C."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from gruta.errors import InputError
from gruta.exchange.c.source import WIDEST, Array, Tables, Weights, double, filled, single, wrapped
from gruta.locale import translate as _

BOUND = 1e-5
"""By how much the C may differ from what it was made of, over the largest number of an answer."""

_IDENTIFIER = re.compile(r"[a-zA-Z][a-zA-Z0-9_]*")
_LONGEST_NAME = 40
_KEYWORDS = frozenset(
    re.findall(
        r"\w+",
        """
        auto bool break case char const continue default do double else enum extern float for goto
        if inline int long main register restrict return short signed sizeof static struct switch
        typedef union unsigned void volatile while
        """,
    )
)

CELLS: Mapping[str, tuple[str, int, int]] = {
    "gru": ("gru.c", 3, 6),
    "gru_reset_before": ("gru_reset_before.c", 3, 6),
    "lstm": ("lstm.c", 4, 8),
    "rnn": ("rnn.c", 1, 2),
    "rnn_tanh": ("rnn.c", 1, 2),
    "rnn_relu": ("rnn.c", 1, 2),
}
"""Of each cell its template, its gates, and how many numbers a unit a step works with."""


@dataclass
class Program:
    """What a network becomes, piece by piece; `files` puts them together.

    name: what all names begin with. about: what it is, on one line. values, flags: for the
    templates; `described` says how it is used. constants: C behind the arrays. header, types, code,
    test: names of templates, of which types stand before the arrays. vector: what the test compares
    with. notes: what people should know of it.
    """

    name: str
    about: str
    version: str
    integers: bool
    values: dict[str, Any] = field(default_factory=dict)
    flags: set[str] = field(default_factory=set)
    constants: list[str] = field(default_factory=list)
    header: str = ""
    types: list[str] = field(default_factory=lambda: ["product.c"])
    code: list[str] = field(default_factory=list)
    test: str = ""
    vector: "Vector" = field(default_factory=lambda: Vector())
    bound: float = BOUND
    notes: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.tables = Tables(self.integers)
        self.values |= {
            "name": self.name,
            "NAME": self.name.upper(),
            "about": self.about,
            "version": self.version,
            "bound": double(self.bound),
        }

    def cell(self, kind: str) -> None:
        """Whose steps it takes."""
        template, gates, _work = CELLS[kind]
        self.values |= {"states": 2 if kind == "lstm" else 1}
        self.values["and_c"] = ", then c" if kind == "lstm" else ""
        self.values["gates"] = gates
        self.flags |= {kind} | ({"relu"} if kind == "rnn_relu" else set())
        if not kind.startswith("rnn"):
            self.needs("sigmoid.c")
        self.types.append("layer.c")
        self.code.append(template)

    def describe(self, *lines: str) -> None:
        """How it is used, a line of the header each."""
        self.values["described"] = "\n// ".join(lines).replace("// \n", "//\n")

    def needs(self, template: str) -> None:
        """Of those that stand before the arrays, once."""
        if template not in self.types:
            self.types.append(template)

    def layers(self, name: str, parts: Sequence[tuple[str, str]], weights: Weights) -> None:
        """A constant array of layers, each by the name of its tables and the place of its weights,
        such as `("encoder", "encoder.{}_l0")`.
        """
        rows = "".join(f"    {self._layer(one, weights, place)},\n" for one, place in parts)
        self.constants.append(f"static const layer {name}[{len(parts)}] = {{\n{rows}}};")

    def matrix(self, name: str, weights: Weights, weight: str, bias: str = "") -> str:
        """A constant matrix of this name, with a bias if that has one; of what it is made."""
        own = weights.array(bias) if bias else None
        made = self.tables.matrix(f"{name}_weight", weights.matrix(weight), own)
        self.constants.append(constant(f"static const matrix {name}", made))
        return made

    def files(self) -> dict[str, str]:
        """By name the text of each."""
        numbers = "numbers_int8.c" if self.integers else "numbers_float32.c"
        constants = "\n".join([*self.constants, "", ""]) if self.constants else ""
        recorded = f"// {self.about}\n// What gruta {self.version} computed.\n"
        source = [
            self._filled("begin.c", numbers, *self.types),
            self.tables.declared,
            constants,
            self._filled(*self.code),
            self.tables.defined,
        ]
        return {
            f"{self.name}.h": self._filled("begin.h", self.header, "end.h"),
            f"{self.name}.c": "".join(source),
            f"{self.name}_vector.h": f"{recorded}\n{self.vector.text}",
            "test_main.c": self._filled("test_main.c", self.test, "test_end.c"),
            "CMakeLists.txt": self._filled("CMakeLists.txt"),
        }

    def _layer(self, name: str, weights: Weights, place: str) -> str:
        """What makes a `layer`."""
        w_ih, w_hh = (place.format(one) for one in ("weight_ih", "weight_hh"))
        b_ih, b_hh = (weights.array(place.format(one)) for one in ("bias_ih", "bias_hh"))
        read = self.tables.matrix(f"{name}_input", weights.matrix(w_ih), b_ih)
        recurrent = self.tables.matrix(f"{name}_recurrent", weights.matrix(w_hh), b_hh)
        units = weights.matrix(w_hh)[0].shape[1]
        return f"{{{units},\n     {read},\n     {recurrent}}}"

    def _filled(self, *templates: str) -> str:
        text = "".join(filled(one, self.values, self.flags) for one in templates)
        return re.sub(r"\n{3,}", "\n\n", text)


class Vector:
    """What was computed of what: constant arrays for the test."""

    def __init__(self) -> None:
        self.text = ""

    def number(self, name: str, value: int) -> None:
        """A whole number by its name."""
        self.text += f"#define {name} {value}\n"

    def floats(self, name: str, array: Array) -> None:
        """In single precision."""
        self._array("float", name, map(single, np.asarray(array, np.float32).ravel()))

    def doubles(self, name: str, array: Array) -> None:
        """In double precision."""
        self._array("double", name, map(double, np.asarray(array, np.float64).ravel()))

    def whole(self, name: str, array: Sequence[int] | Array) -> None:
        """Whole numbers."""
        self._array("int", name, map(str, np.asarray(array).ravel().tolist()))

    def line(self, text: str) -> None:
        """Any other."""
        self.text += f"{text}\n"

    def _array(self, kind: str, name: str, values: Iterable[str]) -> None:
        written = wrapped(values)
        self.text += f"\n// clang-format off\nstatic const {kind} {name}[] = {{\n{written}\n}};\n"
        self.text += "// clang-format on\n"


def require_name(name: str) -> str:
    """InputError for what C has no name of."""
    if not _IDENTIFIER.fullmatch(name) or name in _KEYWORDS or len(name) > _LONGEST_NAME:
        problem = _("expected a name in C of up to {most} letters, figures and _, got {name!r}")
        raise InputError(name=problem.format(most=_LONGEST_NAME, name=name))
    return name


def name_of(text: str) -> str:
    """A name in C from that of a folder."""
    letters = re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")[:_LONGEST_NAME]
    if not letters or not letters[0].isalpha() or letters in _KEYWORDS:
        letters = f"model_{letters}".strip("_")[:_LONGEST_NAME]
    return letters


def constant(head: str, parts: str) -> str:
    """A constant of some parts between braces, in as many lines as it takes."""
    lines = [f"{head} = {{"]
    within, pieces = " " * len(lines[0]), parts.strip("{}").split(", ")
    for i, piece in enumerate(pieces):
        ending = "};" if i + 1 == len(pieces) else ", "
        if len(lines[-1]) + len(piece) + len(ending.rstrip()) > WIDEST:
            lines = [*lines[:-1], lines[-1].rstrip(), within]
        lines[-1] += piece + ending
    return "\n".join(lines)
