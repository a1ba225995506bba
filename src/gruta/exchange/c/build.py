"""What a compiler makes of a program in C: how large it is, and whether it computes the same."""

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from gruta.errors import InputError
from gruta.files import naming, write_atomically
from gruta.locale import translate as _

WARNINGS = ("-std=c11", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Werror")

_SECONDS = 300
_TYPES = {"float": 4, "double": 8, "int": 4, "bool": 1, "int64_t": 8, "uint64_t": 8}
_TYPES |= {"uint8_t": 1, "uint16_t": 2, "int32_t": 4, "char": 1}


@dataclass(frozen=True)
class Size:
    """Bytes on a machine: of code with its constants, and of a state, which is all the memory that
    it takes.
    """

    machine: str
    code: int
    state: int


@dataclass(frozen=True)
class Compiler:
    """command: with what makes code for its machine. size: the program that tells sections."""

    machine: str
    command: Sequence[str]
    size: str


def compilers() -> list[Compiler]:
    """Those that are installed: for this machine, and for a Cortex-M4."""
    found = []
    own = next(
        filter(None, map(shutil.which, (os.environ.get("CC", ""), "cc", "gcc", "clang"))), ""
    )
    if own and shutil.which("size"):
        found.append(Compiler(os.uname().machine, [own, "-O2"], "size"))
    arm = ["arm-none-eabi-gcc", "-mcpu=cortex-m4", "-mthumb", "-mfloat-abi=hard", "-Os"]
    if shutil.which(arm[0]) and shutil.which("arm-none-eabi-size"):
        found.append(Compiler("Cortex-M4", [*arm, "-mfpu=fpv4-sp-d16"], "arm-none-eabi-size"))
    return found


def sizes(files: Mapping[str, str], name: str) -> list[Size]:
    """By each of the compilers; those that cannot compile it are left out."""
    found = []
    with tempfile.TemporaryDirectory() as place:
        _put(files, Path(place))
        told = f'#include "{name}.h"\nchar state[sizeof({name}_state)];\n'
        Path(place, "state.c").write_text(told, encoding="utf-8")
        for compiler in compilers():
            code = _size(compiler, Path(place), f"{name}.c")
            state = _size(compiler, Path(place), "state.c")
            if code and state:
                found.append(Size(compiler.machine, sum(code[:2]), state[2]))
    return found


def error(files: Mapping[str, str]) -> float | None:
    """The largest error that the program's own test finds on this machine; None without a compiler.

    InputError where that does not compile, or crashes.
    """
    own = next((one for one in compilers() if one.machine == os.uname().machine), None)
    if own is None:
        return None
    with tempfile.TemporaryDirectory() as place:
        _put(files, Path(place))
        sources = [one for one in files if one.endswith(".c")]
        done = _run(
            [*own.command, "-O1", *WARNINGS[:1], *sources, "-lm", "-o", "test"], Path(place)
        )
        if done.returncode == 0:
            done = _run(["./test"], Path(place))
    found = re.match(r"largest error (\S+),", done.stdout)
    if found is None:
        problem = _("what was written does not run here: {said}")
        raise InputError(problem.format(said=(done.stderr or done.stdout).strip()[-500:]))
    return float(found[1])


def write(out: Path, files: Mapping[str, str]) -> None:
    """Put them into a folder, which is made if it is not there."""
    with naming(out):
        out.mkdir(exist_ok=True)
    for name, text in files.items():
        write_atomically(out / name, text.encode())


def state_of(header: str) -> int:
    """Bytes of a state by its declaration, as a machine of 32 or 64 bits lays it out."""
    numbers = {n: _value(v, {}) for n, v in re.findall(r"#define (\w+) (\d+)", header)}
    body, _rest, _name = header.rpartition("typedef struct {")[2].partition("}")
    structs = {}
    for own, name in re.findall(r"typedef struct {([^}]*)} (\w+);", header)[:-1]:
        structs[name] = _laid_out(own, numbers, {})
    for own, name, extents in re.findall(r"typedef (\w+) (\w+)((?:\[\w+\])+);", header):
        size = _laid_out(f"{own} {name}{extents};", numbers, {})[0]
        structs[name] = size, _TYPES[own]
    return _laid_out(body, numbers, structs)[0]


def _laid_out(
    body: str, numbers: Mapping[str, int], structs: Mapping[str, tuple[int, int]]
) -> tuple[int, int]:
    """Bytes, and to how many they are aligned."""
    at, widest = 0, 1
    for line in re.sub(r"//.*", "", body).split(";"):
        kind, _blank, names = line.strip().partition(" ")
        if not names:
            continue
        size, align = structs.get(kind) or (_TYPES[kind], _TYPES[kind])
        widest = max(widest, align)
        for one in names.split(","):
            count = 1
            for extent in re.findall(r"\[([^]]*)\]", one):
                count *= _value(extent, numbers)
            at = -(-at // align) * align + size * count
    return -(-at // widest) * widest, widest


def _value(text: str, numbers: Mapping[str, int]) -> int:
    """Of a sum of products of numbers and names."""
    total = 0
    for part in text.split("+"):
        product = 1
        for one in part.split("*"):
            one = one.strip()
            product *= int(one) if one.isdigit() else numbers[one]
        total += product
    return total


def _size(compiler: Compiler, place: Path, source: str) -> tuple[int, int, int] | None:
    """Bytes of text, data and bss; None where it does not compile."""
    done = _run([*compiler.command, *WARNINGS[:1], "-c", source, "-o", "size.o"], place)
    if done.returncode:
        return None
    told = _run([compiler.size, "size.o"], place).stdout.splitlines()[-1].split()
    return int(told[0]), int(told[1]), int(told[2])


def _put(files: Mapping[str, str], place: Path) -> None:
    for name, text in files.items():
        (place / name).write_text(text, encoding="utf-8")


def _run(command: Sequence[str], place: Path) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            command, cwd=place, capture_output=True, text=True, timeout=_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(command, 1, "", _("it takes too long"))
