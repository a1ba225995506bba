"""Which cases, rivals and numbers of threads a person asked for."""

import re
from collections.abc import Mapping, Sequence

from gruta.bench.cases import CASES, OF_RUNTIME, REGIMES, Case
from gruta.bench.rivals import ENTRIES, GRUTA
from gruta.cells import CELLS
from gruta.cores import cores
from gruta.errors import InputError
from gruta.locale import translate as _

RIVALS = tuple(name for name in ENTRIES if name != GRUTA)
SIZES = ("T", "B", "I", "H")


def select(only: Sequence[str], quick: bool) -> tuple[list[Case], list[str]]:
    """The cases, and the rivals with gruta first.

    only: names of cells, regimes and rivals, and sizes such as H=64, each item one of them or
    several with commas between. Names of one kind add up, kinds narrow each other down, and a kind
    that is not named stays whole. InputError for an unknown name, or if no case is left.
    """
    kinds = {"cell": CELLS, "regime": REGIMES, "rival": (GRUTA, *RIVALS)}
    wanted = _wanted(only, kinds)
    chosen = [case for case in CASES if _fits(case, wanted) and (case.quick or not quick)]
    if not chosen:
        problem = (
            _("no case of the quick ones is all of {names}; name fewer")
            if quick
            else _("no case is all of {names}; name fewer")
        )
        raise _none_left(problem, wanted)
    rivals = [name for name in RIVALS if name in wanted.get("rival", RIVALS)]
    return chosen, [GRUTA, *rivals]


def select_of_runtime(cell: str, only: Sequence[str]) -> list[Case]:
    """The cases of `gruta bench runtime`: of this cell, and of regimes and sizes as `select`."""
    regimes = dict.fromkeys(case.regime for case in OF_RUNTIME)
    wanted = _wanted(only, {"regime": tuple(regimes)}) | {"cell": {cell}}
    chosen = [case for case in OF_RUNTIME if _fits(case, wanted)]
    if not chosen:
        raise _none_left(_("no case is all of {names}; name fewer"), wanted)
    return chosen


def _wanted(only: Sequence[str], kinds: Mapping[str, Sequence[str]]) -> dict[str, set[str]]:
    """The names by their kinds."""
    wanted: dict[str, set[str]] = {}
    for name in (name.strip() for item in only for name in item.split(",")):
        if name:
            wanted.setdefault(_kind(name, kinds), set()).add(name)
    return wanted


def _none_left(problem: str, wanted: dict[str, set[str]]) -> InputError:
    names = ",".join(name for of_kind in wanted.values() for name in sorted(of_kind))
    return InputError(only=problem.format(names=names))


def _kind(name: str, kinds: Mapping[str, Sequence[str]]) -> str:
    for kind, known in kinds.items():
        if name in known:
            return kind
    if re.fullmatch(rf"[{''.join(SIZES)}]=\d+", name):
        return name[0]
    known_names = ", ".join(n for known in kinds.values() for n in known)
    problem = _("expected some of {known}, or a size such as H=64, got {name!r}")
    raise InputError(only=problem.format(known=known_names, name=name))


def _fits(case: Case, wanted: dict[str, set[str]]) -> bool:
    own: dict[str, str] = {"cell": case.cell, "regime": case.regime}
    own |= {size: f"{size}={getattr(case, size)}" for size in SIZES}
    return all(value in wanted.get(kind, {value}) for kind, value in own.items())


def thread_counts(text: str) -> list[int]:
    """The numbers in a list such as 1,2, those above the machine's cores left out.

    InputError for anything else, or if none is left.
    """
    most = cores()
    found = [n for n in counts("threads", text) if n <= most]
    if not found:
        problem = _("expected at most {most}, the cores of this machine, got {given!r}")
        raise InputError(threads=problem.format(most=most, given=text))
    return found


def counts(name: str, text: str) -> list[int]:
    """The numbers from 1 in a list with commas, each once; InputError for anything else.

    name: what they are called.
    """
    parts = text.split(",")
    if not all(re.fullmatch(r"\s*[1-9]\d{0,5}\s*", part) for part in parts):
        problem = _("expected numbers from 1 with commas, such as 1,2, got {given!r}")
        raise InputError(**{name: problem.format(given=text)})
    return list(dict.fromkeys(map(int, parts)))
