"""An X-ray as one self-contained HTML file, and its pictures as PNG files."""

from pathlib import Path

from gruta.files import write_atomically
from gruta.health.advice import Advice
from gruta.insight.by_hand import ByHand
from gruta.insight.figures import figures
from gruta.insight.views import Views
from gruta.locale import translate as _
from gruta.locale.numbers import brief, number
from gruta.report.page import Code, Column, Figure, Section, Table, png, render


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
    content = [_advice(found.advice(lag)), Section(_("At a glance"), (), (_numbers(found),))]
    content.append(Section(_("Pictures"), (_how_to_read(),), tuple(pictures)))
    if by_hand is not None:
        content.append(_by_hand(by_hand))
    return content


def _lead(found: Views) -> str:
    names = ", ".join(view.name for view in found.views)
    return _("One sequence of {steps} steps through {layers}.").format(
        steps=len(found.views[0].one.h), layers=names
    )


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
    rows = []
    for stage in hand.stages:
        for line in stage.lines:
            rows.append([stage.title, line.ours, line.theirs, line.numbers, number(line.value, 4)])
    table = Table(
        [
            Column(_("stage")),
            Column(_("equation")),
            Column(_("in the textbook")),
            Column(_("with numbers")),
            Column(_("result")),
        ],
        rows,
        note=_("By hand {result}, by the layer {by_layer}.").format(
            result=number(hand.result, 6), by_layer=number(hand.by_layer, 6)
        ),
    )
    title = _("{layer}, unit {unit}, step {at}, by hand").format(
        layer=hand.layer, unit=hand.unit, at=hand.at
    )
    return Section(title, (), (table,))
