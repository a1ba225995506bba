"""An X-ray as one self-contained HTML file, and its pictures as PNG files."""

from collections.abc import Sequence
from pathlib import Path

from gruta.files import write_atomically
from gruta.health.advice import Advice
from gruta.insight.by_hand import ByHand, Product, in_sum, of_others
from gruta.insight.figures import figures
from gruta.insight.foretold import Foretold, guesses_told
from gruta.insight.views import Views, span
from gruta.locale import translate as _
from gruta.locale.numbers import brief, number, percent
from gruta.report.page import (
    Code,
    Column,
    Equation,
    Figure,
    Heading,
    Section,
    Sum,
    Table,
    png,
    render,
)

_TERMS = 5
"""So many terms of a sum are written out."""


def save(
    found: Views, path: str | Path, *, by_hand: ByHand | None = None, lag: int | None = None
) -> Path:
    """Write the page to `path`, whole or not at all (OSError)."""
    path = Path(path)
    page = render(
        _("Inside the network"), _lead(found), sections(found, figures(found), by_hand, lag)
    )
    write_atomically(path, page.encode())
    return path


def save_all(
    found: Views, directory: Path, *, by_hand: ByHand | None = None, lag: int | None = None
) -> Path:
    """Write each picture as a PNG into `directory`, and the page as xray.html; its path."""
    pictures, path = figures(found), directory / "xray.html"
    for picture in pictures:
        write_atomically(directory / f"{picture.name}.png", png(picture.figure))
    content = sections(found, pictures, by_hand, lag)
    write_atomically(path, render(_("Inside the network"), _lead(found), content).encode())
    return path


def sections(
    found: Views, pictures: list[Figure], by_hand: ByHand | None = None, lag: int | None = None
) -> list[Section]:
    """What the page shows."""
    content = [] if by_hand is None else [_by_hand(by_hand)]
    return [
        *content,
        *([_guesses(found.foretold)] if found.foretold else []),
        _advice(found.advice(lag)),
        Section(_("At a glance"), (found.naming(),), (_numbers(found),)),
        Section(_("Pictures"), (_how_to_read(),), tuple(pictures)),
    ]


def _lead(found: Views) -> str:
    parts = []
    for name, steps in {view.one.stack: view.steps for view in found.views}.items():
        told = _("{layer}, {steps} step" if steps == 1 else "{layer}, {steps} steps")
        when = span(found.labels.get(name, ()))
        parts.append(told.format(layer=name, steps=number(steps)) + (f" ({when})" if when else ""))
    read = _("A network while it reads one sequence: {layers}.").format(layers="; ".join(parts))
    return " ".join([read, *found.told()])


def _guesses(guesses: Sequence[Foretold]) -> Section:
    """Each step: what it read, what came, what it had found likely."""
    columns = [
        Column(_("it read")),
        Column(_("came")),
        Column(_("likely")),
        Column(_("its guesses")),
    ]
    rows: list[list[str | float | None]] = [
        [one.read, one.came, percent(one.probability, 1), guesses_told(one)] for one in guesses
    ]
    how = _(
        "At each step the network says how likely each unit is to come next, before it has seen it."
    )
    return Section(_("What it guessed"), (how,), (Table(columns, rows),))


def _advice(advice: list[Advice]) -> Section:
    if not advice:
        return Section(_("Advice"), (_("Nothing stands out: no advice."),))
    paragraphs: list[str] = []
    code = []
    for one in advice:
        where = f"{one.layer}: " if one.layer else ""
        paragraphs.append(
            _("{where}{finding}. Try this: {remedy} (confidence: {confidence}).").format(
                where=where,
                finding=one.finding,
                remedy=one.remedy,
                confidence=one.sureness,
            )
        )
        if one.code:
            code.append(one.code)
    blocks = (Code("\n".join(code)),) if code else ()
    return Section(_("Advice"), tuple(paragraphs), blocks)


def _numbers(found: Views) -> Table:
    names = {
        "gradient_slope": _("slope of the gradient, a step"),
        "gradient_reach": _("gradient that arrives at the first step"),
        "spectral_norm": _("σ_max of W_hh: below 1 gradients vanish"),
        "keep_mean": _("keep fraction, mean"),
        "reset_mean": _("reset gate, mean"),
        "time_constant_median": _("time constant, median (steps)"),
        "time_constant_90": _("time constant, 90th percentile (steps)"),
        "state_saturation": _("share of states beyond ±0.9"),
        "dead_units": _("share of dead units"),
    }
    rows = []
    for key, label in names.items():
        values = [view.numbers.get(key) for view in found.views]
        if any(v is not None for v in values):
            rows.append([label, *(brief(v) for v in values)])
    columns = [Column(_("measure")), *(Column(view.name) for view in found.views)]
    return Table(columns, rows)


def _how_to_read() -> str:
    return _(
        "Keep fraction is what the update gate z does in a GRU and the forget gate f in an LSTM: "
        "the share of the old state that stays. A unit that keeps for long is what lets a "
        "gradient, and with it learning, reach far back."
    )


def _by_hand(hand: ByHand) -> Section:
    """Every product, sum and squashing on the way to the unit's new state."""
    content: list[Heading | Equation | Sum] = []
    for k, stage in enumerate(hand.stages, 1):
        content.append(Heading(f"{k}. {stage.title}"))
        for line in stage.lines:
            equal = [*line.ours.split(" = "), *line.numbers.split(" = "), number(line.value, 4)]
            asides = [(_("In the textbook:"), line.theirs)] if line.theirs else []
            if line.note:
                asides.append((line.note, ""))
            content.append(Equation(equal, asides))
            content += [_sum(product) for product in line.products]
    how = _(
        "The sums show their largest terms; open one to see all. Names stand below the values that "
        "they are of; the values are as the layer reads them, scaled where the model scales them."
    )
    return Section(hand.title, (hand.verdict, how), content)


def _sum(product: Product) -> Sum:
    """A product of weights and values: the largest terms, and all as a table."""
    order = product.by_size()
    terms = [(product.written(j), product.names[j]) for j in order[:_TERMS]]
    others = order[_TERMS:]
    if others:
        rest = sum(product.products[j] for j in others)
        terms.append((in_sum(rest), of_others(len(others))))
    columns = [
        Column(_("value of")),
        Column(_("weight"), 4),
        Column(_("value"), 4),
        Column(_("weight · value"), 4),
    ]
    rows: list[list[str | float | None]] = [
        [product.names[j], product.weights[j], product.values[j], product.products[j]]
        for j in order
    ]
    return Sum((product.ours, number(product.sum, 4)), terms, Table(columns, rows))
