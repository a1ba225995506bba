"""What was tried before training, as it is told."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from gruta.locale import translate as _
from gruta.locale.numbers import decimals, number
from gruta.report.page import Column, Section, Table
from gruta.tasks.forecast.choice.trial import Choice, Trial


def told(trial: Trial) -> str:
    """A trial in a line."""
    return _("{by}: {candidate}: error {score}, {seconds} s").format(
        by=_("network") if trial.network else _("linear path"),
        candidate=_candidate(asdict(trial.candidate), network=trial.network),
        score=number(trial.score, 4),
        seconds=number(trial.seconds, 1),
    )


def why(content: Mapping[str, Any]) -> str:
    """What was chosen of what a choice.json has, and what that rests on."""
    choice, chosen = Choice.from_json(content), dict(content["chosen"])
    best, taken = choice.found, _candidate(chosen)
    if best is None:
        text = _("the settings stay as they are: the series are too short to try others on")
        if choice.cut_short:
            text = _(
                "the settings stay as they are: {seconds} s were too few to compare them with any"
            )
        return text.format(seconds=number(choice.budget))
    start = choice.of(network=best.network)[0]
    above, error = best.above(start, choice.overlap)
    if best is start:
        text = _("chosen: {taken}, as before: nothing that was tried is better beyond chance")
    else:
        text = _("chosen: {taken}, whose error is {gain} ± {error} below that of {start}")
    found = text.format(
        taken=taken,
        gain=number(-above, decimals([error], 2)),
        error=number(error, decimals([error], 2)),
        start=_candidate({n: v for n, v in asdict(start.candidate).items() if n in chosen}),
    )
    if choice.cut_short:
        ended = _("{found}; after {seconds} s there was no time for all")
        found = ended.format(found=found, seconds=number(choice.budget))
    return found


def _candidate(values: Mapping[str, Any], *, network: bool = True) -> str:
    names = {
        "transform": _("transform {value}"),
        "lookback": _("lookback {value}"),
    } | ({"hidden": _("{value} hidden units")} if network else {})
    return ", ".join(t.format(value=values[n]) for n, t in names.items() if n in values)


def table(content: Mapping[str, Any]) -> Table:
    """A row a trial."""
    choice = Choice.from_json(content)
    rows: list[list[str | float | None]] = []
    for trial in choice.trials:
        start = choice.of(network=trial.network)[0]
        above, error = trial.above(start, choice.overlap)
        none = trial is start or trial.score is None
        apart = (None, None) if none else (above, error)
        one = trial.candidate
        by = _("network") if trial.network else _("linear path")
        hidden = one.hidden if trial.network else None
        shown = (by, one.transform, one.lookback, hidden)
        rows.append([*shown, trial.score, *apart, trial.seconds])
    digits = decimals((trial.score for trial in choice.trials), 3)
    columns = [
        Column(_("by")),
        Column(_("transform")),
        Column(_("lookback"), 0),
        Column(_("hidden units"), 0),
        Column(_("error"), digits),
        Column(_("above the first"), digits),
        Column(_("standard error"), digits),
        Column(_("seconds"), 1),
    ]
    note = _(
        "The error is the CRPS of rolling origins before the test, in units of each series' "
        "deviation; the first of either kind has the settings as they were. Another is taken "
        "where its mean is lower by more than the standard error of the difference."
    )
    return Table(columns, rows, _("What was tried before training"), note)


def section(content: Mapping[str, Any]) -> Section:
    """For the page."""
    words = why(content)
    return Section(_("What was tried"), [words[:1].upper() + words[1:] + "."], [table(content)])
