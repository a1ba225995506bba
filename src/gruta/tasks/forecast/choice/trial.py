"""What was tried, what is to be tried next, and what was best: functions of the trials so far."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gruta.codec.series.trust import standard_error
from gruta.errors import InputError
from gruta.locale import translate as _

Values = NDArray[np.float64]

HOPELESS = 2.0
"""What the linear path forecasts worse by so many standard errors, no network is trained on."""

FIRST_NETWORKS = 3
"""So many transforms and lookbacks are tried on networks before other numbers of hidden units."""


@dataclass(frozen=True)
class Candidate:
    """Settings that may be chosen, by their names."""

    transform: str
    lookback: int
    hidden: int


@dataclass(frozen=True, eq=False)
class Trial:
    """A candidate's errors after M rolling origins, and the seconds that they took.

    network: by networks that were trained for it, not by the linear path alone. missed `[M]`: the
    CRPS in the unit of each series; all NaN where the candidate cannot be, for want of rows.
    """

    candidate: Candidate
    network: bool
    missed: Values
    seconds: float

    @property
    def score(self) -> float | None:
        """The mean over the origins."""
        there = self.missed[~np.isnan(self.missed)]
        return float(there.mean()) if len(there) else None

    def above(self, other: "Trial", overlap: int) -> tuple[float, float]:
        """By how much its mean is above another's, and the standard error of that; NaN where they
        have no origin in common.
        """
        apart = self.missed - other.missed
        apart = apart[~np.isnan(apart)]
        if not len(apart):
            return np.nan, np.nan
        return float(apart.mean()), standard_error(apart.astype(np.float32), overlap)


@dataclass(frozen=True)
class Plan:
    """What may be tried, and in which order.

    start: the settings as they are. transforms, lookbacks, hidden: others for each. networks:
    whether what the linear path finds promising is then tried on networks.
    """

    start: Candidate
    transforms: Sequence[str] = ()
    lookbacks: Sequence[int] = ()
    hidden: Sequence[int] = ()
    networks: bool = False

    def upcoming(self, choice: "Choice") -> tuple[Candidate, bool] | None:
        """The first that was not tried yet, and whether on networks; None where all was."""
        done = {(trial.candidate, trial.network) for trial in choice.trials}
        return next((one for one in self._order(choice) if one not in done), None)

    def _order(self, choice: "Choice") -> Iterator[tuple[Candidate, bool]]:
        """Transforms, then lookbacks with the best of them, by the linear path; the most promising
        then on networks, and other numbers of hidden units with the best of these.
        """
        start = self.start
        yield start, False
        for transform in self.transforms:
            yield replace(start, transform=transform), False
        best = choice.best(network=False)
        for lookback in self.lookbacks:
            transform = best.candidate.transform if best else start.transform
            yield Candidate(transform, lookback, start.hidden), False
        if not self.networks:
            return
        yield start, True
        promising = choice.promising()
        for candidate in promising[:FIRST_NETWORKS]:
            yield candidate, True
        best = choice.best(network=True)
        for hidden in self.hidden:
            yield replace(best.candidate if best else start, hidden=hidden), True
        for candidate in promising[FIRST_NETWORKS:]:
            yield candidate, True


@dataclass(frozen=True, eq=False)
class Choice:
    """Trials in the order in which they were made, the first of either kind with the settings as
    they are.

    budget: seconds that there were, 0 for no limit. overlap: how many origins lie within a horizon.
    over: whether nothing more is to be tried; cut_short: as there was no time left.
    """

    budget: float
    overlap: int
    trials: tuple[Trial, ...] = ()
    over: bool = False
    cut_short: bool = False

    @property
    def seconds(self) -> float:
        """What all trials took."""
        return sum(trial.seconds for trial in self.trials)

    def of(self, *, network: bool) -> list[Trial]:
        """Those of one kind; the first has the settings as they are."""
        return [trial for trial in self.trials if trial.network == network]

    def best(self, *, network: bool) -> Trial | None:
        """Of one kind: the lowest mean of all that gain more than a standard error over the
        settings as they are, and else these.
        """
        every = self.of(network=network)
        if not every:
            return None
        start, *others = every
        gaining = [one for one in others if _pays(*one.above(start, self.overlap))]
        return min([start, *gaining], key=_score)

    def promising(self) -> list[Candidate]:
        """What is worth a network beside the settings as they are, by the linear path: the best
        first, without what is worse beyond chance.
        """
        start, *others = self.of(network=False)
        hopeful = []
        for one in sorted(others, key=_score):
            more, error = one.above(start, self.overlap)
            if more <= HOPELESS * error:
                hopeful.append(one.candidate)
        return hopeful

    @property
    def found(self) -> Trial | None:
        """The best by networks, where some were compared, or else by the linear path; None where
        there was time for no comparison.
        """
        for network in (True, False):
            if len(self.of(network=network)) > 1:
                return self.best(network=network)
        return None

    def to_json(self) -> dict[str, Any]:
        """Plain values; `from_json` gives the same."""
        return {
            "budget": self.budget,
            "seconds": self.seconds,
            "overlap": self.overlap,
            "over": self.over,
            "cut_short": self.cut_short,
            "trials": [self._told(trial) for trial in self.trials],
        }

    def _told(self, trial: Trial) -> dict[str, Any]:
        above, error = trial.above(self.of(network=trial.network)[0], self.overlap)
        return asdict(trial.candidate) | {
            "network": trial.network,
            "seconds": trial.seconds,
            "score": trial.score,
            "above": _finite(above),
            "standard_error": _finite(error),
            "missed": [_finite(value) for value in trial.missed.tolist()],
        }

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> "Choice":
        """What `to_json` gave; InputError if it is anything else."""
        try:
            trials = [
                Trial(
                    Candidate(str(one["transform"]), int(one["lookback"]), int(one["hidden"])),
                    bool(one["network"]),
                    np.array(one["missed"], float),
                    float(one["seconds"]),
                )
                for one in content["trials"]
            ]
            return cls(
                float(content["budget"]),
                int(content["overlap"]),
                tuple(trials),
                bool(content["over"]),
                bool(content["cut_short"]),
            )
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise InputError(
                _("choice.json: not what a forecaster tried ({error})").format(error=error)
            ) from error


def _pays(above: float, error: float) -> bool:
    return above < -error


def _score(trial: Trial) -> float:
    return np.inf if trial.score is None else trial.score


def _finite(value: float) -> float | None:
    """JSON has no word for NaN or infinity."""
    return value if np.isfinite(value) else None
