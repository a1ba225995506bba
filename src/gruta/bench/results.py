"""What was measured: a row for each case and number of threads, an outcome for each variant."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from statistics import median
from typing import Any

import numpy as np

from gruta.bench.blocks import Block
from gruta.bench.cases import Case
from gruta.bench.goals import Verdict
from gruta.bench.parity import Parity

CALM = 0.05
"""Of a block's time: more than this without a core, and others disturbed it."""

ENOUGH = 3
"""So many calm blocks, and the disturbed ones do not count."""


def calm(waited: Iterable[float]) -> int:
    """How many of the blocks were calm."""
    return sum(share <= CALM for share in waited)


def counted(values: Sequence[float], waited: Sequence[float]) -> list[float]:
    """The values of the calm blocks; all of them if the calm ones are too few."""
    chosen = [v for v, share in zip(values, waited, strict=True) if share <= CALM]
    return chosen if len(chosen) >= min(ENOUGH, len(values)) else list(values)


@dataclass(frozen=True)
class Timing:
    """The blocks of one contestant in one row."""

    blocks: tuple[Block, ...]

    @cached_property
    def _seconds(self) -> list[float]:
        return counted([b.seconds for b in self.blocks], [b.waited for b in self.blocks])

    @property
    def seconds(self) -> float:
        """The median time of a call."""
        return median(self._seconds)

    @property
    def spread(self) -> float:
        """Half the distance between the quartiles, as a share of the median."""
        low, high = np.percentile(self._seconds, [25, 75])
        return float(high - low) / 2 / self.seconds

    @property
    def cores(self) -> float:
        """CPU time over wall time, the median."""
        return median(b.cores for b in self.blocks)

    @property
    def disturbed(self) -> bool:
        """Whether too few blocks were calm for them alone to count."""
        return calm(b.waited for b in self.blocks) < min(ENOUGH, len(self.blocks))


@dataclass(frozen=True)
class Outcome:
    """What became of one way of one rival: a timing or a peak of memory, or else a problem.

    parity says how far its results were from the reference; None if it gave none. peak: in bytes,
    of the whole process; before: the peak before the step, libraries, inputs and weights in it.
    """

    rival: str
    variant: str
    parity: Parity | None = None
    timing: Timing | None = None
    peak: int | None = None
    before: int | None = None
    problem: str = ""
    note: str = ""

    @property
    def cost(self) -> float | None:
        """Seconds or bytes, whichever the row is about."""
        return self.timing.seconds if self.timing else self.peak


@dataclass(frozen=True)
class Row:
    """A case on a number of threads. limit: GFLOP/s of the machine in the same minutes."""

    case: Case
    threads: int
    outcomes: tuple[Outcome, ...]
    limit_kind: str = ""
    limit: float | None = None
    verdict: Verdict = field(default_factory=Verdict)

    def of(self, rival: str) -> Outcome | None:
        """The rival's best way, else one with a problem, else None."""
        own = [o for o in self.outcomes if o.rival == rival]
        good = [o for o in own if o.cost is not None]
        return min(good, key=lambda o: o.cost or 0) if good else next(iter(own), None)

    def gflops(self, outcome: Outcome) -> float | None:
        """The rate of an outcome, by the case's count of flops."""
        return self.case.flops / outcome.timing.seconds / 1e9 if outcome.timing else None

    @property
    def disturbed(self) -> bool:
        """Whether gruta or one that it is compared with was disturbed."""
        return any(o.timing.disturbed for o in self.outcomes if o.timing)

    def plain(self) -> dict[str, Any]:
        """For JSON."""
        case = asdict(self.case)
        del case["goal"], case["quick"]
        return {
            **case,
            "threads": self.threads,
            "flops": self.case.flops,
            "limit": {"kind": self.limit_kind, "gflops": self.limit} if self.limit else None,
            "outcomes": [self._plain(outcome) for outcome in self.outcomes],
            "verdict": asdict(self.verdict),
            "disturbed": self.disturbed,
        }

    def _plain(self, outcome: Outcome) -> dict[str, Any]:
        found: dict[str, Any] = {"rival": outcome.rival, "variant": outcome.variant}
        if outcome.timing is not None:
            timing = outcome.timing
            found |= {
                "seconds": timing.seconds,
                "spread": timing.spread,
                "gflops": self.gflops(outcome),
                "cores": timing.cores,
                "disturbed": timing.disturbed,
                "blocks": [asdict(b) for b in timing.blocks],
            }
        if outcome.parity is not None:
            parity = asdict(outcome.parity)
            finite = np.isfinite(outcome.parity.error)
            found["parity"] = parity | {"error": outcome.parity.error if finite else None}
        peaks = {"peak_bytes": outcome.peak, "before_bytes": outcome.before}
        rest = {**peaks, "problem": outcome.problem, "note": outcome.note}
        return found | {name: value for name, value in rest.items() if value}


@dataclass(frozen=True)
class Report:
    """A whole run. about: versions by rival; limits: by number of threads, kind and unit."""

    machine: dict[str, Any]
    settings: dict[str, Any]
    about: dict[str, dict[str, str]]
    missing: dict[str, list[str]]
    limits: dict[int, dict[str, float]]
    rows: tuple[Row, ...]

    def plain(self) -> dict[str, Any]:
        """For JSON."""
        found = {name: getattr(self, name) for name in ("machine", "settings", "about", "missing")}
        limits = {str(threads): rates for threads, rates in self.limits.items()}
        return {**found, "limits": limits, "rows": [row.plain() for row in self.rows]}
