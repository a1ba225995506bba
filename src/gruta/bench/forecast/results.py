"""What all trainings say together: means, ranks, and who came to the same error first."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from statistics import mean, median, pstdev
from typing import Any

from gruta.bench.forecast.contestants import DEFAULT, GRUTA, NEURAL, STATISTICAL
from gruta.bench.forecast.outcomes import Outcome, Stage


@dataclass(frozen=True)
class Line:
    """One contestant on one set, at its default or at its better way.

    scores: means over seeds. spread: the standard deviation of MASE between them. training,
    forecasting: CPU seconds, medians. peak: bytes, the largest. rank: by MAE, 1 is best.
    """

    set: str
    contestant: str
    way: str
    seeds: int
    scores: Mapping[str, float]
    spread: float
    training: float
    forecasting: float
    peak: int
    rank: int = 0

    @property
    def better(self) -> bool:
        """Whether this is the better of its ways, and not the default."""
        return self.way != DEFAULT

    @property
    def who(self) -> tuple[str, bool]:
        """The same contestant on any set, though its better way differs from set to set."""
        return self.contestant, self.better


@dataclass(frozen=True)
class Race:
    """gruta and a peer on one set: CPU seconds until each had an error that both reach.

    error: the larger of the two MAE that they end with, means over seeds.
    """

    set: str
    contestant: str
    way: str
    error: float
    gruta: float
    peer: float

    @property
    def ratio(self) -> float:
        """How many times as long the peer took."""
        return self.peer / self.gruta


@dataclass(frozen=True)
class Report:
    """All that is known after a run."""

    settings: Mapping[str, Any]
    machine: Mapping[str, Any]
    versions: Mapping[str, Mapping[str, str]]
    missing: Mapping[str, Sequence[str]]
    lines: Sequence[Line]
    races: Sequence[Race]
    outcomes: Sequence[Outcome]

    def ranks(self) -> dict[tuple[str, bool], float]:
        """The mean of ranks over the sets that a contestant forecast."""
        own: dict[tuple[str, bool], list[int]] = {}
        for line in self.lines:
            own.setdefault(line.who, []).append(line.rank)
        return {who: mean(ranks) for who, ranks in own.items()}

    def lost(self) -> list[Line]:
        """Neural peers whose mean error is below that of gruta's better way on the same set."""
        ours = [line for line in self.lines if line.contestant == GRUTA]
        own = {line.set: line for line in sorted(ours, key=lambda line: line.better)}
        return [
            line
            for line in self.lines
            if line.contestant in NEURAL and line.set in own and line.rank < own[line.set].rank
        ]

    def fastest(self) -> dict[str, Race]:
        """By set the race with the peer that came to the same error first."""
        found: dict[str, Race] = {}
        for race in self.races:
            if race.set not in found or race.ratio < found[race.set].ratio:
                found[race.set] = race
        return found

    def best_statistical(self) -> str | None:
        """The statistical model with the lowest mean rank, of those that forecast every set."""
        sets = {line.set for line in self.lines}
        count = {n: sum(line.contestant == n for line in self.lines) for n in STATISTICAL}
        whole = [name for name in STATISTICAL if count[name] == len(sets)]
        ranks = self.ranks()
        return min(whole, key=lambda name: ranks[name, False], default=None)

    def plain(self) -> dict[str, Any]:
        """For a program."""
        races = [asdict(race) | {"ratio": race.ratio} for race in self.races]
        ranks = [{"contestant": c, "better": b, "rank": r} for (c, b), r in self.ranks().items()]
        return asdict(self) | {"races": races, "mean_ranks": ranks}


def report(
    settings: Mapping[str, Any],
    machine: Mapping[str, Any],
    versions: Mapping[str, Mapping[str, str]],
    missing: Mapping[str, Sequence[str]],
    outcomes: Sequence[Outcome],
) -> Report:
    """What the outcomes on the test parts come to."""
    groups: dict[tuple[str, str, str], list[Outcome]] = {}
    for one in outcomes:
        if not one.problem:
            groups.setdefault((one.job.set, one.job.contestant, one.job.way), []).append(one)
    lines = _ranked([_line(*place, found) for place, found in groups.items()])
    races = [
        race(own, found)
        for (key, name, _), found in groups.items()
        if name in NEURAL and (own := groups.get((key, GRUTA, DEFAULT)))
    ]
    return Report(settings, machine, versions, missing, lines, races, outcomes)


def _line(key: str, name: str, way: str, found: Sequence[Outcome]) -> Line:
    measures = found[0].scores
    return Line(
        key,
        name,
        way,
        len(found),
        {measure: mean(one.scores[measure] for one in found) for measure in measures},
        pstdev([one.scores["mase"] for one in found]),
        median(one.training for one in found),
        median(one.forecasting for one in found),
        max(one.peak for one in found),
    )


def _ranked(lines: Iterable[Line]) -> list[Line]:
    own: dict[str, list[Line]] = {}
    for line in lines:
        own.setdefault(line.set, []).append(line)
    return [
        replace(line, rank=place)
        for group in own.values()
        for place, line in enumerate(sorted(group, key=lambda one: one.scores["mae"]), 1)
    ]


def race(gruta: Sequence[Outcome], peer: Sequence[Outcome]) -> Race:
    """Read off the curves of error over time, each the mean over seeds."""
    curves = curve(gruta), curve(peer)
    error = max(own[-1][1] for own in curves)
    own, other = (next(at for at, mae in each if mae <= error) for each in curves)
    job = peer[0].job
    return Race(job.set, job.contestant, job.way, error, own, other)


def curve(found: Sequence[Outcome]) -> list[tuple[float, float]]:
    """CPU seconds, and the mean over seeds of the MAE that each had by then.

    It begins when all have one.
    """
    moments = sorted({stage.seconds for one in found for stage in one.stages})
    begins = max(one.stages[0].seconds for one in found)
    return [
        (at, mean(_last(one, at).scores["mae"] for one in found)) for at in moments if at >= begins
    ]


def _last(one: Outcome, at: float) -> Stage:
    return [stage for stage in one.stages if stage.seconds <= at][-1]
