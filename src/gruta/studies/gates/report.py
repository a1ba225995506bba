"""What the gates study found, told and drawn."""

from collections.abc import Sequence

import numpy as np

from gruta.locale import translate as _
from gruta.locale.numbers import number, percent
from gruta.report.charts import ACCENTS, Curve, Stroke, lines
from gruta.report.maps import heat_maps
from gruta.report.page import Column, Figure, Formula, Formulas, Section, Table
from gruta.studies import equations
from gruta.studies.gates.measure import HIDDEN, SEQUENCES, Followed, Found, T, kept_by_carriers
from gruta.studies.problems import recall


def title() -> str:
    """Of the report."""
    return _("One fact, and the gates that guard it")


def lead() -> str:
    """What the study shows, in a paragraph."""
    return _(
        "An update gate near 1 keeps the old state nearly whole, without computing it anew; near 0 "
        "it lets go, and the proposal takes its place. So one hidden state serves as short and as "
        "long memory: some units pass each symbol on, others guard one for as long as it is "
        "needed, and write the next in its place."
    )


def sections(found: Found) -> list[Section]:
    """The pictures, and what they say."""
    return [
        _in_symbols(),
        _task(found),
        *(_cell(cell, own, found.times) for cell, own in found.cells.items()),
    ]


def _in_symbols() -> Section:
    text = _(
        "The keep fraction is the share of its old state that a unit keeps at a step: the update "
        "gate z in a GRU, the forget gate f in an LSTM. How much of a unit's state is about a fact "
        "is the share η² of its variance over the sequences that the fact explains: h̄ is the "
        "unit's mean over all of them, h̄ᵥ its mean over the Nᵥ whose fact is v."
    )
    shown = [
        *equations.gru(),
        *equations.lstm_keeps(),
        Formula("η^2 = {∑_v N_v (h̄_v − h̄)^2}/{∑_s (h_s − h̄)^2}", _("about the fact")),
    ]
    return Section(_("In symbols"), (text, equations.about_chrono()), (Formulas(shown),))


def _task(found: Found) -> Section:
    (marked, asked), (marked_next, asked_next) = found.times
    text = _(
        "Each of {steps} steps shows one of {kinds} symbols, which is to be repeated at the "
        "next step. At step {marked} one is marked, and at step {asked} it is asked for; then "
        "another is marked at step {next} and asked for at step {last}. What follows is measured "
        "over {count} sequences that share these times and differ in all symbols; in training the "
        "times vary."
    ).format(
        steps=T,
        kinds=recall.SYMBOLS,
        marked=marked,
        asked=asked,
        next=marked_next,
        last=asked_next,
        count=number(SEQUENCES),
    )
    curves = []
    for cell, own in found.cells.items():
        for k, known in enumerate(own.known):
            label = f"{cell.upper()}, {_('first fact') if k == 0 else _('second fact')}"
            stroke = Stroke(ACCENTS[cell], "-" if k == 0 else (0, (4, 2)), 1.8)
            curves.append(Curve(label, np.arange(T, dtype=float), known, stroke))
    figure = Figure(
        "known",
        _(
            "How often a fact can be told from the state alone, step by step (nearest mean). A "
            "network that lets go forgets the first fact when it is of no more use."
        ),
        _("Line chart of how often each fact can be told from the state, by step."),
        lines(
            curves,
            _("step"),
            _("share told right"),
            limit=(recall.CHANCE, _("by chance")),
            marks=_marks(found.times),
        ),
    )
    return Section(_("What the state knows"), (text,), (figure,))


def _cell(cell: str, own: Followed, times: Sequence[tuple[int, int]]) -> Section:
    if not own.carriers[0]:
        text = _(
            "No unit carries the fact half-way to the question: {share} of the answers are right. "
            "This network has not learned the task."
        ).format(share=percent(own.accuracy, 1))
        return Section(cell.upper(), (text,), (_maps(cell, own, times),))
    pictures = (_gate_figure(cell, own, times), _maps(cell, own, times), _table(own, times))
    return Section(cell.upper(), (_told(cell, own, times),), pictures)


def _told(cell: str, own: Followed, times: Sequence[tuple[int, int]]) -> str:
    keep = kept_by_carriers(own, times)
    gate = _("update gate z") if cell == "gru" else _("forget gate f")
    count = len(own.carriers[0])
    carry = _(
        "1 of {all} units carries the first fact."
        if count == 1
        else "{count} of {all} units carry the first fact."
    ).format(count=count, all=HIDDEN)
    guarded = _(
        "At the step of the mark, where the fact is written down, the {gate} keeps {written} of "
        "the state, and {held} on average while the fact is guarded; what leaks away meanwhile the "
        "units write to each other anew."
    ).format(
        gate=gate,
        written=percent(keep["when_marked"]),
        held=percent(keep["while_guarded"]),
    )
    silent = min(count, HIDDEN - count)
    silenced = _(
        "With one of them silenced {without} of the first questions are answered right; with one "
        "other silenced, {others}."
        if silent == 1
        else "With {silent} of them silenced {without} of the first questions are answered right; "
        "with {silent} others silenced, {others}."
    ).format(silent=silent, without=percent(own.silenced[0]), others=percent(own.silenced[1]))
    ((_marked, asked), (marked_next, _asked_next)) = times
    after = _(
        "After the question it keeps {low} at step {when}, its least before the next mark, and "
        "just before that mark the fact can be told in {known} of the sequences, from {asked} at "
        "the question: "
    ).format(
        low=percent(keep["lowest_after"]),
        when=int(keep["lowest_after_at"]),
        known=percent(float(own.known[0][marked_next - 1])),
        asked=percent(float(own.known[0][asked])),
    )
    released = own.known[0][marked_next - 1] < 0.5
    return f"{carry} {guarded} {silenced} {after}" + (
        _("it lets go of it.") if released else _("it holds it until the next takes its place.")
    )


def _maps(cell: str, own: Followed, times: Sequence[tuple[int, int]]) -> Figure:
    (marked, asked), *_second = times
    order = np.argsort(-own.carried[0][(marked + asked) // 2])
    return Figure(
        f"{cell}-carried",
        _(
            "How much of each unit's state is about the first fact, and about the second, and what "
            "share of its state it keeps. The units that hold the first fact half-way to the "
            "question stand on top."
        ),
        _("Heat maps, units by steps."),
        heat_maps(
            [
                (_("about the first fact"), own.carried[0].T[order], False),
                (_("about the second fact"), own.carried[1].T[order], False),
                (_("keep fraction"), own.keep.T[order], False),
            ],
            _("step"),
            _("units, sorted"),
        ),
    )


def _gate_figure(cell: str, own: Followed, times: Sequence[tuple[int, int]]) -> Figure:
    steps = np.arange(T, dtype=float)
    carriers = list(own.carriers[0])
    others = [j for j in range(HIDDEN) if j not in carriers]
    curves = [
        Curve(_("carriers"), steps, own.keep[:, carriers].mean(axis=1), Stroke(ACCENTS[cell])),
        Curve(_("other units"), steps, own.keep[:, others].mean(axis=1), Stroke("#8f949c")),
    ]
    return Figure(
        f"{cell}-gate",
        _(
            "The share of their state that units keep at each step, on average over the sequences: "
            "those that carry the first fact, and the others."
        ),
        _("Line chart of the keep fraction by step."),
        lines([c for c in curves if len(c.y)], _("step"), _("keep fraction"), marks=_marks(times)),
    )


def _table(own: Followed, times: Sequence[tuple[int, int]]) -> Table:
    (marked, asked), (marked_next, _asked_next) = times
    rows: list[list[str | float | None]] = [
        [
            number(j),
            percent(float(own.carried[0][(marked + asked) // 2, j])),
            percent(float(own.keep[marked, j])),
            percent(float(own.keep[marked + 1 : asked, j].mean())),
            percent(float(own.keep[asked, j])),
            percent(float(own.keep[marked_next, j])),
        ]
        for j in list(own.carriers[0])[:8]
    ]
    return Table(
        [
            Column(_("unit")),
            Column(_("about the fact")),
            Column(_("keeps at the mark")),
            Column(_("while guarded")),
            Column(_("at the question")),
            Column(_("at the next mark")),
        ],
        rows,
        caption=_("The units that carry the first fact"),
    )


def _marks(times: Sequence[tuple[int, int]]) -> list[tuple[float, str]]:
    names = _("marked"), _("asked")
    return [(float(t), name) for pair in times for t, name in zip(pair, names, strict=True)]
