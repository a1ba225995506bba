"""An X-ray on the terminal: sparkline heat maps, the gradient, memory, advice."""

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console, Group
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from gruta.health.advice import Advice
from gruta.health.memory import Influence
from gruta.insight.by_hand import ByHand, Product, in_sum, of_others
from gruta.insight.foretold import Foretold, guesses_told, most_surprising
from gruta.insight.views import LayerView, Views, span, words
from gruta.locale import translate as _
from gruta.locale.numbers import brief, number, percent

Array = NDArray[Any]

BLOCKS = " ▁▂▃▄▅▆▇█"
UNITS = 8
_SURPRISES = 8
_GATE_COLORS = ("grey37", "blue", "cyan", "green", "yellow")


def show(found: Views, lag: int | None = None, console: Console | None = None) -> None:
    """Print the X-ray, fitted to the console's width."""
    console = console or Console()
    width = max(20, min(console.width, 120) - 16)
    if found.foretold:
        console.print(_of_guesses(found.foretold))
    for view in found.views:
        labels = found.labels.get(view.one.stack, ())
        title = ", ".join(filter(None, (view.name, span(labels))))
        drawn = Group(*_of_layer(view, words(labels), width))
        console.print(Panel(drawn, title=Text(title), expand=False))
    console.print(Text(found.naming(), style="dim"))
    for line in found.told():
        _say(console, line)
    for name, influence in found.influences.items():
        _say(console, _reach(influence).format(layer=name, lag=influence.horizon))
    for name, fade in found.through_depth().items():
        norms = ", ".join(brief(float(norm)) for norm in fade.norms)
        _say(
            console,
            _("{layer}: the gradient by layer, from the last one down: {norms}.").format(
                layer=name, norms=norms
            ),
        )
    if found.contexts:
        told = "; ".join(f"{steps}: {brief(loss)}" for steps, loss in found.contexts.items())
        _say(console, _("Loss by the steps that the layers remember: {told}.").format(told=told))
    show_advice(found.advice(lag), console)


def _of_guesses(guesses: Sequence[Foretold]) -> Table:
    """The steps that surprised it most."""
    table = Table(title=_("Where what came next was least expected"), title_justify="left")
    for name in (_("it read"), _("came"), _("likely"), _("its guesses")):
        table.add_column(name, justify="right" if name == _("likely") else "left")
    for guess in most_surprising(guesses, _SURPRISES):
        row = (guess.read, guess.came, percent(guess.probability, 1), guesses_told(guess))
        table.add_row(*map(Text, row))
    return table


def _reach(influence: Influence) -> str:
    """The memory horizon in a sentence; a layer that reads both ways looks ahead too."""
    one = influence.horizon == 1
    if influence.both_ways:
        return _(
            "{layer}: 95% of what moves an output lies at most {lag} step away, before or after."
            if one
            else "{layer}: 95% of what moves an output lies at most {lag} steps away, before or "
            "after."
        )
    return _(
        "{layer}: 95% of what moves an output lies at most {lag} step back."
        if one
        else "{layer}: 95% of what moves an output lies at most {lag} steps back."
    )


def show_advice(advice: list[Advice], console: Console) -> None:
    """Print at most three pieces of advice, or that there is none."""
    if not advice:
        console.print(_("Nothing stands out: no advice."))
    for k, one in enumerate(advice, 1):
        where = f"{one.layer}: " if one.layer else ""
        console.print(Text(f"{k}. {where}{one.finding}.", style="bold"))
        console.print(
            Text(
                "   "
                + _("Try this: {remedy} (confidence: {confidence}).").format(
                    remedy=one.remedy, confidence=one.sureness
                )
            )
        )
        if one.code:
            console.print(Text(f"   {one.code}", style="cyan"))


def _say(console: Console, line: str) -> None:
    """Print it as it is: names of layers and classes may look like markup."""
    console.print(line, markup=False)


def _of_layer(view: LayerView, labels: Sequence[str], width: int) -> Iterable[Any]:
    one = view.one
    tau = view.time_constants
    if 0 < len(labels) <= width and all(len(label) == 1 for label in labels):
        yield Text(" " * 12 + "".join(c if c.isprintable() else "·" for c in labels))
    if one.keep is not None and tau is not None:
        yield Text(_("keep fraction, the units with the longest memory (τ in steps)"))
        for unit in np.argsort(tau)[::-1][:UNITS]:
            values = one.keep[:, unit]
            values = values[::-1] if one.reverse else values
            name = f"{unit:>4} τ={min(tau[unit], 9999):<4.0f} "
            yield Text(f"{name:>12}") + heat_line(values, width)
    else:
        yield Text(_("hidden state, |h| of the first units"))
        for unit in range(min(UNITS, one.h.shape[1])):
            values = np.abs(one.h[:, unit])
            values = values[::-1] if one.reverse else values
            yield Text(f"{unit:>11} ") + heat_line(values / max(1.0, values.max()), width)
    if view.fade is not None and view.fade.norms[0] > 0:
        norms = view.fade.norms / view.fade.norms[0]
        with np.errstate(divide="ignore"):
            decades = np.clip(1 + np.log10(norms) / 8, 0, 1)  # from 1e-8 to 1
        yield Text(_("gradient through time, from the first step to the last (1e-8 to 1)"))
        yield Text(" " * 12) + heat_line(decades[::-1], width)
    yield _numbers(view)


def heat_line(values: Array, width: int) -> Text:
    """A line of blocks, one a step, or the mean of some steps where there are more than fit."""
    if len(values) > width:
        edges = np.linspace(0, len(values), width + 1).astype(int)
        values = np.array([values[a:b].mean() for a, b in pairwise(edges)])
    line = Text()
    for value in np.clip(values, 0.0, 1.0):
        block = BLOCKS[round(float(value) * (len(BLOCKS) - 1))]
        line.append(block, style=_GATE_COLORS[min(4, int(value * 5))])
    return line


def _numbers(view: LayerView) -> Text:
    found = view.numbers
    parts = []
    if "gradient_slope" in found:
        parts.append(
            _("gradient slope {value} a step").format(value=brief(found["gradient_slope"]))
        )
    if "spectral_norm" in found:
        parts.append(f"σ_max(W_hh) {number(found['spectral_norm'], 2)}")
    if "keep_mean" in found:
        parts.append(_("keeps {value} on average").format(value=number(found["keep_mean"], 2)))
    if view.exponents is not None and len(view.exponents):
        parts.append(f"λ₁ {brief(float(view.exponents[0]))}")
    if view.units.dead:
        count = len(view.units.dead)
        parts.append(
            _("{count} dead unit" if count == 1 else "{count} dead units").format(count=count)
        )
    return Text(" · ".join(parts), style="dim")


def show_by_hand(hand: ByHand, console: Console | None = None, most: int = 5) -> None:
    """Print a unit's step by hand: of each product the `most` largest terms, the rest as one."""
    console = console or Console()
    console.print(Text(hand.title, style="bold"))
    for k, stage in enumerate(hand.stages, 1):
        console.print(Text(f"\n{k}. {stage.title}", style="bold green"))
        for line in stage.lines:
            console.print(Text(f"  {line.ours}"))
            for aside in filter(None, (line.theirs, line.note)):
                console.print(Text(f"    {aside}", style="dim"))
            for product in line.products:
                console.print(_terms(product, most))
            console.print(Text(f"    = {line.numbers} = {number(line.value, 4)}", style="cyan"))
    console.print(Text(f"\n{hand.verdict}"))


def _terms(product: Product, most: int) -> Table:
    """The largest terms of a product, and the sum of the others."""
    table = Table.grid(padding=(0, 1))
    order = product.by_size()
    parts = [f"{product.written(j)} {product.names[j]}" for j in order[:most]]
    others = order[most:]
    if others:
        rest = sum(product.products[j] for j in others)
        parts.append(f"{of_others(len(others))}: {in_sum(rest)}")
    table.add_row(Text(f"      {product.ours} ="), Text(" + ".join(parts)))
    table.add_row("", Text(f"= {number(product.sum, 4)}"))
    return table
