"""A forecaster from a model file: whole series, or one row after the other as they come."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gruta.codec.series.codec import ForecastCodec
from gruta.codec.series.frequency import as_shown
from gruta.codec.series.series import Series
from gruta.errors import InputError
from gruta.locale import translate as _
from gruta.runtime import checks
from gruta.runtime.model import Model
from gruta.tasks.forecast.coming import with_rows_to_come
from gruta.tasks.forecast.forecasts import quantiles, require_reach
from gruta.tasks.forecast.given import Given, as_series

if TYPE_CHECKING:
    from gruta.tasks.forecast.stream import ForecastStream

Values = NDArray[np.float64]
POLICIES = ("error", "hold", "season")


@dataclass(frozen=True, eq=False)
class Forecast:
    """Of one series: times `[K]` by the data's clock, or rows' numbers; quantiles `[K, Q]` at
    `levels`, in the target's unit.
    """

    series: str
    times: NDArray[Any]
    levels: tuple[float, ...]
    quantiles: Values

    @property
    def median(self) -> Values:
        """`[K]`: the point forecast."""
        return self.quantiles[:, self.levels.index(0.5)]


class ForecastModel(Model[ForecastCodec]):
    """Says how series go on."""

    @property
    def levels(self) -> tuple[float, ...]:
        """Of the quantiles."""
        levels: tuple[float, ...] = self.settings.quantiles
        return levels

    @property
    def horizon(self) -> int:
        """Steps that are forecast by default."""
        return self.codec.encoding.horizon

    @property
    def history(self) -> int:
        """Rows that a forecast needs; more make its intervals better."""
        return self.codec.encoding.history

    def __call__(
        self,
        target: Any,
        *,
        start: Any = None,
        times: Any = None,
        known: Mapping[str, Any] | None = None,
        past: Mapping[str, Any] | None = None,
        static: Mapping[str, Any] | None = None,
        series: str | None = None,
        horizon: int | None = None,
        missing_known: str | None = None,
    ) -> Forecast:
        """What follows the values of a target `[N]`.

        start: the stamp of the first by the data's clock, such as "2024-03-31T00:30", or a
        datetime; times: those of all `[N]`, in its place. known: by column what is known of these
        rows and of the steps to come `[N + horizon]`; past: by column of these rows `[N]`; numbers,
        or texts where training had texts. static: by column one value. series: which one, where
        training had several. horizon, missing_known: in place of the training's. InputError names
        the argument that does not fit.
        """
        given = Given.of(
            self.codec.encoding,
            target,
            start=start,
            times=times,
            known=known,
            past=past,
            static=static,
            series=series,
        )
        (found,) = self._forecasts([given], horizon, missing_known)
        return found

    def many(
        self,
        cases: Sequence[Mapping[str, Any]],
        *,
        horizon: int | None = None,
        missing_known: str | None = None,
    ) -> list[Forecast]:
        """Of several series in one pass: of each what the call takes, by name. Series of a
        hierarchy are given together, and sum up.
        """
        given = []
        for i, case in enumerate(cases):
            try:
                given.append(Given.of(self.codec.encoding, **case))
            except InputError as error:
                raise InputError(error.told(lambda name, i=i: f"cases[{i}].{name}")) from error  # type: ignore[misc]
            except TypeError as error:
                raise InputError(**{f"cases[{i}]": str(error)}) from error
        return self._forecasts(given, horizon, missing_known) if given else []

    def stream(self, **how: Any) -> "ForecastStream":
        """A series whose rows come one after the other; see `ForecastStream`."""
        from gruta.tasks.forecast.stream import ForecastStream

        return ForecastStream(self, **how)

    def blank(self) -> "ForecastStream":
        """One to be restored."""
        from gruta.tasks.forecast.stream import ForecastStream

        return ForecastStream.bare(self)

    def _advance(self, ready: "list[ForecastStream]") -> None:
        from gruta.tasks.forecast.stream import advanced

        advanced(self, ready)

    def _forecasts(
        self, given: Sequence[Given], horizon: int | None, missing_known: str | None
    ) -> list[Forecast]:
        if horizon is not None:
            checks.whole("horizon", horizon, 1)
        policy = missing_known or self.settings.missing_known
        if policy not in POLICIES:
            problem = _("expected one of {known}, got {given!r}")
            known = ", ".join(POLICIES)
            raise InputError(missing_known=problem.format(known=known, given=missing_known))
        steps, encoding = require_reach(self, horizon), self.codec.encoding
        series = with_rows_to_come(as_series(encoding, given), encoding, policy, steps)
        origins = series.ends - 1
        found = quantiles(self, series, origins, steps=steps, needed=True)
        return self.told(series, origins, found)

    def told(self, series: Series, origins: NDArray[np.int64], found: Values) -> list[Forecast]:
        """Quantiles `[S, K, Q]` after a row of each series, with their stamps."""
        at = origins[:, None] + np.arange(1, found.shape[1] + 1)
        times = as_shown(series.times_at(at), series.frequency)
        parts = zip(series.ids, times, found, strict=True)
        return [Forecast(name, own, self.levels, values) for name, own, values in parts]


MODEL = ForecastModel
