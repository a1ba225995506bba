"""An explanation for people: a sentence, tables, pictures."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gruta.codec.series.frequency import show
from gruta.locale import translate as _
from gruta.locale.numbers import decimals, number, percent, stamp
from gruta.report.charts import ACCENTS, FAINT
from gruta.report.page import Column, Figure, Section, Table, Value
from gruta.tasks.forecast.chart import Panel, Window, forecasts
from gruta.tasks.forecast.explain import charts
from gruta.tasks.forecast.explain.charts import COLORS, Part
from gruta.tasks.forecast.explain.explanation import Change, Explanation
from gruta.tasks.forecast.explain.sources import Source, span
from gruta.tasks.forecast.names import model_name
from gruta.tasks.task import Report

Values = NDArray[np.float64]

_MOST_PARTS = len(COLORS) - 1
_NAMED = 3


@dataclass(frozen=True, eq=False)
class Told:
    """A forecast's explanation, and what changed since another where that was asked.

    cell: of the network. summed: whether its forecasts are reconciled with those of other series.
    """

    explanation: Explanation
    change: Change | None
    cell: str
    summed: bool = False

    def to_json(self) -> dict[str, Any]:
        """For a program."""
        change = {"change": self.change.to_json()} if self.change else {}
        return self.explanation.to_json() | change

    def report(self) -> Report:
        """The page."""
        found = self.explanation
        of = f"{found.target} ({found.series})" if found.series else found.target
        sections = [self._sources(), self._reach()]
        if self.change:
            sections.insert(0, self._change(self.change))
        return Report(
            _("What makes the forecast of {target}").format(target=of), self.lead, sections
        )

    @property
    def lead(self) -> str:
        """The forecast, where it starts from, and what moves it most."""
        found = self.explanation
        forecast, baseline = found.forecast.mean(), found.baseline.mean()
        digits = decimals([forecast, baseline])
        text = _(
            "From {first} to {last} the forecast is {forecast} on average; with all that is read "
            "at its mean in training it would be {baseline}. What moves it most: {parts}."
        )
        if len(found.times) == 1:
            text = _(
                "For {first} the forecast is {forecast}; with all that is read at its mean in "
                "training it would be {baseline}. What moves it most: {parts}."
            )
        if self.summed:
            text += " " + _("That is before it is reconciled with the series of its hierarchy.")
        return text.format(
            first=stamp(show(found.times[0])),
            last=stamp(show(found.times[-1])),
            forecast=number(float(forecast), digits),
            baseline=number(float(baseline), digits),
            parts=_largest(found.sources, found.added),
        )

    def _sources(self) -> Section:
        found = self.explanation
        words = [
            _(
                "Each value counts as far as it lies from its mean in training. The linear path's "
                "parts are exact: weights times these distances. What the network corrects is "
                "shared out by Shapley values: the mean of what a source adds over all orders in "
                "which they may join. All parts and the mean sum to the forecast."
            ),
            _(
                "Share tells how much a source moves the forecast, up or down, of what all do. "
                "Sources that tell the same (an hour and yesterday's value at that hour) share "
                "what they tell, and neither alone is the cause."
            ),
        ]
        pictures = [self._forecast(), self._components()] if len(found.times) > 1 else []
        return Section(
            _("What moves the forecast"), words, [*pictures, self._bars(), self._table()]
        )

    def _table(self) -> Table:
        found = self.explanation
        means = zip(found.linear.mean(1), found.network.mean(1), strict=True)
        digits = decimals(np.abs(found.added).mean(1).max(keepdims=True), 3)
        rows: list[list[Value]] = [
            [source.name, float(a), float(b), float(a + b), 100 * float(share)]
            for source, (a, b), share in zip(found.sources, means, found.shares, strict=True)
        ]
        rows.sort(key=lambda row: -float(row[4] or 0))
        rows.insert(0, [_("mean"), None, None, float(found.baseline.mean()), None])
        if found.held.any():
            rows.append([_("kept at 0 or above"), None, None, float(found.held.mean()), None])
        rows.append([_("forecast"), None, None, float(found.forecast.mean()), None])
        columns = [
            Column(_("source")),
            Column(_("linear path"), digits),
            Column(_("network"), digits),
            Column(_("together"), digits),
            Column(_("share (%)"), 1),
        ]
        caption = _("What each source adds to the forecast of {target}, mean over the steps")
        return Table(columns, rows, caption.format(target=found.target))

    def _bars(self) -> Figure:
        found = self.explanation
        order = np.argsort(-found.shares, kind="stable")
        linear, network = found.linear.mean(1)[order], found.network.mean(1)[order]
        groups = [(_("linear path"), linear, COLORS[0])]
        if found.network.any():
            groups.append((_("network"), network, ACCENTS[self.cell]))
        return Figure(
            "sources",
            _("What each source adds to the forecast, mean over the steps."),
            _("Bar chart of what each source adds: {parts}.").format(
                parts=_largest(found.sources, found.added)
            ),
            charts.by_source([found.sources[i].name for i in order], groups, found.target),
        )

    def _forecast(self) -> Figure:
        found, color = self.explanation, ACCENTS[self.cell]
        stamps, values = found.before
        many = len(found.levels) > 1
        ends = (found.quantiles[:, 0], found.quantiles[:, -1]) if many else (None, None)
        window = Window(found.times, found.forecast, *ends)
        chart = forecasts(
            np.concatenate([stamps, found.times]),
            np.concatenate([values, found.truth]),
            [Panel(model_name(self.cell), color, [window])],
            found.target,
            found.levels[-1] - found.levels[0] if many else None,
        )
        return Figure(
            "forecast",
            _("The forecast that is taken apart."),
            _("Line chart of the forecast."),
            chart,
        )

    def _components(self) -> Figure:
        found = self.explanation
        parts = self._parts(found.sources, found.linear, found.correction, found.held)
        return Figure(
            "components",
            _(
                "What adds to the mean at each step: what lies above 0 raises the forecast, what "
                "lies below lowers it, and the line is their sum, the forecast less the mean."
            ),
            _("Stacked bars of the forecast's parts: {parts}.").format(
                parts=_largest(found.sources, found.added)
            ),
            charts.stacked(found.times, parts, found.forecast - found.baseline, found.target),
        )

    def _parts(
        self,
        sources: Sequence[Source],
        linear: Values,
        correction: Values,
        held: Values,
        baseline: Values | None = None,
    ) -> list[Part]:
        """The linear path's, of the target's older values together, and what is beside it."""
        merged: dict[str, Values] = {}
        for source, values in zip(sources, linear, strict=True):
            name = source.name
            if source.kind == "own" and source.first:
                name = _("{column} before").format(column=source.column)
            merged[name] = merged.get(name, np.zeros(len(values))) + values
        by_size = sorted(merged, key=lambda name: -np.abs(merged[name]).mean())
        kept = by_size if len(by_size) <= _MOST_PARTS + 1 else by_size[:_MOST_PARTS]
        others = [name for name in merged if name not in kept]
        named = [name for name in merged if name in kept]  # in the order of the sources
        parts = [
            Part(name, color, merged[name]) for name, color in zip(named, COLORS, strict=False)
        ]
        if others:
            rest = np.sum([merged[name] for name in others], 0)
            parts.append(Part(_("the other sources"), COLORS[len(named)], rest))
        if correction.any():
            parts.append(Part(_("correction by the network"), ACCENTS[self.cell], correction))
        if baseline is not None and baseline.any():
            parts.append(Part(_("the mean, other steps ahead"), "#8f949c", baseline))
        if held.any():
            parts.append(Part(_("kept at 0 or above"), FAINT, held))
        return parts

    def _reach(self) -> Section:
        found = self.explanation
        sizes = np.abs(found.by_lag).mean(0)
        total = sizes.sum()
        stretches = list(zip(found.ranges, found.shares_by_range, strict=True))
        rows: list[list[Value]] = [[span(*lags), 100 * float(share)] for lags, share in stretches]
        table = Table(
            [Column(_("steps before the newest value")), Column(_("share (%)"), 1)],
            rows,
            _("How far back the values of {target} count").format(target=found.target),
        )
        picture = Figure(
            "lags",
            _(
                "How much each value of the past moves the forecast by the linear path, as a share "
                "of what all of them do; 0 is the newest. A season before is among them."
            ),
            _("Bar chart of the share of each lag. By stretches: {shares}.").format(
                shares="; ".join(f"{span(*lags)}: {percent(float(s))}" for lags, s in stretches)
            ),
            charts.by_lag(sizes / total if total else sizes, COLORS[0]),
        )
        how = _("The table counts the network's correction too, in stretches ever farther back.")
        return Section(_("How far back"), [how], [picture, table])

    def _change(self, change: Change) -> Section:
        earlier, later = (float(values.mean()) for values in change.forecasts)
        digits = decimals([later - earlier], 3)
        words = [
            _(
                "From {first} to {last} this forecast is {later} on average, the one it is held "
                "against {earlier}: a difference of {difference}. What changed it most: {parts}."
            ).format(
                first=stamp(show(change.times[0])),
                last=stamp(show(change.times[-1])),
                later=number(later, digits),
                earlier=number(earlier, digits),
                difference=_signed(later - earlier, digits),
                parts=_largest(change.sources, change.added),
            )
        ]
        correction = change.network.sum(0)
        parts = self._parts(change.sources, change.linear, correction, change.held, change.baseline)
        content: list[Figure | Table] = [_change_table(change)]
        if len(change.times) > 1:
            content.insert(
                0,
                Figure(
                    "change",
                    _(
                        "What changed the forecast of each step: above 0 what raised it, below "
                        "what lowered it; the line is the whole difference."
                    ),
                    _("Stacked bars of what changed the forecast: {parts}.").format(
                        parts=_largest(change.sources, change.added)
                    ),
                    charts.stacked(change.times, parts, change.difference, change.target),
                ),
            )
        return Section(_("What changed"), words, content)


def _change_table(change: Change) -> Table:
    linear, network = change.linear.mean(1), change.network.mean(1)
    rows: list[list[Value]] = [
        [source.name, float(a), float(b), float(a + b)]
        for source, a, b in zip(change.sources, linear, network, strict=True)
    ]
    rows.sort(key=lambda row: -abs(float(row[3] or 0)))
    if change.baseline.any():
        ahead = _("the mean, other steps ahead")
        rows.append([ahead, None, None, float(change.baseline.mean())])
    if change.held.any():
        rows.append([_("kept at 0 or above"), None, None, float(change.held.mean())])
    rows.append([_("difference"), None, None, float(change.difference.mean())])
    digits = decimals([max(abs(float(row[3] or 0)) for row in rows)], 3)
    columns = [
        Column(_("source")),
        Column(_("linear path"), digits),
        Column(_("network"), digits),
        Column(_("together"), digits),
    ]
    caption = _("What changed the forecast of {target}, mean over the steps")
    return Table(columns, rows, caption.format(target=change.target))


def _largest(sources: Sequence[Source], added: Values) -> str:
    """The sources that move it most, with what they add on average."""
    sizes = np.abs(added).mean(1)
    order = np.argsort(-sizes, kind="stable")[:_NAMED]
    digits = decimals([float(sizes[order[0]])], 3)
    return "; ".join(
        f"{sources[i].name} ({_signed(float(added[i].mean()), digits)})" for i in order
    )


def _signed(value: float, digits: int) -> str:
    text = number(value, digits)
    return f"+{text}" if value > 0 else text
