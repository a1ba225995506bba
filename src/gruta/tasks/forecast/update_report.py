"""What an update tells: what had changed since training, and what learning from it was worth."""

from gruta.codec.series.frequency import show
from gruta.locale import translate as _
from gruta.locale.numbers import decimals, number, stamp
from gruta.report.page import Column, Section, Table, Value
from gruta.tasks.forecast.drift import Drift
from gruta.tasks.forecast.names import model_name
from gruta.tasks.forecast.report import report as report_of
from gruta.tasks.forecast.report import report_of_training
from gruta.tasks.forecast.scores import Difference
from gruta.tasks.forecast.update import Updated
from gruta.tasks.task import Report


def tables(found: Updated) -> list[Table]:
    """The drift of errors and inputs, and before and after the update."""
    errors = [error_table(found.drift)] if found.drift.errors else []
    return [*errors, input_table(found.drift), *_gains(found)]


def sentences(found: Updated) -> list[str]:
    """In words: how the network did since, and whether the update made it better."""
    drift = found.drift
    since = _("{rows} rows have come since training, which saw those up to {until}.").format(
        rows=number(drift.rows), until=stamp(show(drift.until))
    )
    if not drift.errors or drift.errors[0].change.error is None:
        return [since, _("They are too few, or the file begins too late, to compare errors.")]
    own = drift.errors[0]
    digits = decimals([own.before, own.since])
    said = {
        "larger": _("The network's error has grown since: {since} on average, after {before}."),
        "smaller": _("The network's error has shrunk since: {since} on average, after {before}."),
        "alike": _("The network's error is as it was: {since} on average since, after {before}."),
    }[_direction(own.change)]
    words = [since, said.format(since=number(own.since, digits), before=number(own.before, digits))]
    if found.gain is not None:
        words.append(
            {
                "larger": _("On what is held out the update made it worse: keep the old run."),
                "smaller": _("On what is held out the update made it better."),
                "alike": _("On what is held out the update changed no more than chance may."),
            }[_direction(found.gain)]
        )
    return words


def error_table(drift: Drift) -> Table:
    """A row a model."""
    values = [v for e in drift.errors for v in (e.before, e.since, e.change.error)]
    digits = decimals(values, 2)
    said = {"larger": _("larger"), "smaller": _("smaller"), "alike": _("about as large")}
    rows: list[list[Value]] = [
        [
            model_name(e.model),
            e.before,
            e.since,
            e.change.value,
            e.change.error,
            _("too few forecasts") if e.change.error is None else said[_direction(e.change)],
        ]
        for e in drift.errors
    ]
    titles = [_("MAE in validation"), _("since"), _("difference"), _("standard error")]
    return Table(
        [Column(_("model")), *(Column(title, digits) for title in titles), Column(_("it is"))],
        rows,
        _("Errors since training"),
        _(
            "Where simple forecasts err more too, the series has become harder; where the network "
            "alone does, it is out of date. The weights were chosen by the validation part, so a "
            "small rise is no wonder."
        ),
    )


def input_table(drift: Drift) -> Table:
    """A row a column."""
    inputs = drift.inputs
    digits = decimals((v for one in inputs for v in (one.deviation, one.deviation_since)), 3)
    titles = [
        _("mean in training"),
        _("mean since"),
        _("deviation in training"),
        _("deviation since"),
    ]
    return Table(
        [
            Column(_("column")),
            *(Column(title, digits) for title in titles),
            Column(_("shift (deviations)"), 2),
            Column(_("outside the range (%)"), 1),
        ],
        [
            [
                one.column,
                one.mean,
                one.mean_since,
                one.deviation,
                one.deviation_since,
                one.shift,
                None if one.outside is None else 100 * one.outside,
            ]
            for one in inputs
        ],
        _("Columns since training"),
        _(
            "Shift: of the mean, in units of the deviation in training. Outside: values that lie "
            "below or above all that training saw."
        ),
    )


def _gains(found: Updated) -> list[Table]:
    """Before and after, on what is held out; none where nothing is."""
    if found.found is None or found.gain is None:
        return []
    after = found.found.scores[0].mae
    digits = decimals([after, found.mae_before, found.gain.error], 2)
    titles = [_("MAE before"), _("MAE after"), _("difference"), _("standard error")]
    model = model_name(found.found.scores[0].model)
    rows = [[model, found.mae_before, after, found.gain.value, found.gain.error]]
    columns = [Column(_("model")), *(Column(title, digits) for title in titles)]
    return [Table(columns, rows, _("What the update was worth, on what is held out"))]


def report(found: Updated) -> Report:
    """The drift first, then the page of any training."""
    settings = found.trained.settings
    told = (
        report_of_training(found.metrics, settings)
        if found.found is None
        else report_of(found.found, found.metrics, settings)
    )
    words = sentences(found)
    drift = Section(_("What has changed since training"), words, tables(found))
    return Report(told.title, told.lead or words[-1], [drift, *told.sections])


def _direction(change: Difference) -> str:
    if not change.beyond_chance:
        return "alike"
    return "larger" if change.value > 0 else "smaller"
