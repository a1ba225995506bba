"""What the lines and columns of the table are called, in the reader's language."""

from gruta.bench.cases import Case, Regime
from gruta.bench.limits import ARITHMETIC
from gruta.bench.rivals import ENTRIES
from gruta.locale import translate as _
from gruta.locale.numbers import decimals, number

UNITS = ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"), (1e-9, "ns"))


def regime_name(regime: Regime) -> str:
    """For a heading."""
    return {
        "step": _("streaming step"),
        "sequence": _("sequence, one row"),
        "half": _("sequence, 16-bit"),
        "inference": _("inference"),
        "training-one": _("training, one row"),
        "training": _("training"),
        "memory": _("peak memory, training"),
        "row": _("sequence, one row"),
        "stack": _("sequence, one row"),
    }[regime]


def job_name(job: str) -> str:
    """What a module is asked for, of `gruta bench modules`."""
    return {
        "step": _("step"),
        "step, training": _("step, training"),
        "autocast": _("autocast"),
        "kept in 16 bits": _("kept in 16 bits"),
    }[job]


def sizes(case: Case) -> str:
    """T, B, I and H."""
    return f"T{case.T} B{case.B} I{case.I} H{case.H}"


def threads_name(threads: int) -> str:
    """How many."""
    return _("1 thread") if threads == 1 else _("{n} threads").format(n=threads)


def rival_name(rival: str) -> str:
    """As its makers write it."""
    return ENTRIES[rival].title


def limit_name(kind: str) -> str:
    """What the machine's limit was made of."""
    return _("FMA peak") if kind == ARITHMETIC else _("{cache} stream").format(cache=kind)


def significant(value: float, digits: int = 3) -> str:
    """A number with that many digits."""
    return number(value, decimals([value], digits))


def duration(seconds: float) -> str:
    """A time with its unit."""
    size, unit = next(((s, u) for s, u in UNITS if seconds >= s), UNITS[-1])
    return f"{significant(seconds / size)} {unit}"


def megabytes(count: int) -> str:
    """Memory, in millions of bytes."""
    return f"{significant(count / 1e6)} MB"
