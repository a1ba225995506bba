"""The tables of `gruta bench speech`."""

from collections.abc import Sequence
from typing import Any

from gruta.bench.names import megabytes, significant, threads_name
from gruta.bench.speech.dividing import Division, Making
from gruta.bench.speech.listening import BLOCK, Listening
from gruta.bench.speech.training import Training
from gruta.cli.bench_tables import table_of
from gruta.cli.console import console
from gruta.locale import translate as _
from gruta.locale.numbers import MISSING, number, percent


def print_speech(found: Sequence[Any]) -> None:
    """A table a measure: trainings, a step's time, a batch's, sound as it comes."""
    for measure, show in (
        ("training", _print_trainings),
        ("step", _print_divisions),
        ("batch", lambda some: _print_making(some[0])),
        ("listening", _print_listenings),
    ):
        show([one for one in found if one.measure == measure])


def _print_trainings(found: Sequence[Training]) -> None:
    lengths = {"own": _("rows of several lengths"), "one": _("rows of one length")}
    table = table_of(
        _("a step of training: gruta / torch.nn"),
        _("seconds"),
        _("times as fast"),
        _("goal"),
        _("nats a character after step {steps}").format(steps=found[0].steps),
    )
    for one in found:
        goal = MISSING
        if one.goal is not None:
            goal = f"{significant(one.goal, 2)}×: {_('met') if one.met else _('missed')}"
        table.add_row(
            f"{one.cell.upper()}, {threads_name(one.threads)}, {lengths[one.lengths]}",
            f"{significant(one.seconds)} / {significant(one.torch_seconds)}",
            f"{significant(one.ratio)}×",
            goal,
            f"{number(one.loss, 4)} / {number(one.torch_loss, 4)}",
        )
    console().print(table)


def _print_divisions(found: Sequence[Division]) -> None:
    table = table_of(
        _("where a step of the GRU's training spends its time, ms"),
        _("step"),
        _("waiting for the batch"),
        _("forward pass"),
        _("backward pass"),
        _("optimiser"),
    )
    for one in found:
        ahead = _("batches as they are needed")
        if one.ahead:
            ahead = _("{count} batches ahead").format(count=one.ahead)
        waiting = f"{number(1e3 * one.waiting, 1)} ({percent(one.waiting / one.seconds)})"
        rest = (number(1e3 * part, 1) for part in (one.forward, one.backward, one.optimizer))
        name = f"{threads_name(one.threads)}, {ahead}"
        table.add_row(name, number(1e3 * one.seconds, 1), waiting, *rest)
    console().print(table)


def _print_making(one: Making) -> None:
    table = table_of(
        _("a batch of {sound} s of sound, made by itself").format(sound=number(one.sound, 1)),
        _("ms"),
    )
    rest = one.batch - one.speed - one.spectra - one.changes
    for name, seconds in (
        (_("resampled, to be faster or slower"), one.speed),
        (_("spectra"), one.spectra),
        (_("scaled, and hidden in part"), one.changes),
        (_("put together, and all else"), max(rest, 0.0)),
        (_("all of it"), one.batch),
    ):
        table.add_row(name, number(1e3 * seconds, 1))
    console().print(table)


def _print_listenings(found: Sequence[Listening]) -> None:
    table = table_of(
        _("sound as it comes, {block} s at once, on one core").format(block=number(BLOCK, 1)),
        _("minutes"),
        _("times real time"),
        _("memory in the first quarter, at most"),
        _("in the last"),
        _("characters heard wrong"),
    )
    for one in found:
        memory = (MISSING if m is None else megabytes(m) for m in (one.first, one.last))
        table.add_row(
            one.name,
            number(one.sound / 60, 0),
            number(one.factor, 0),
            *memory,
            percent(one.error, 1),
        )
    console().print(table)
