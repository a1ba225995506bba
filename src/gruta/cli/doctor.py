"""`gruta doctor`: what a recurrent file holds, and which engines get it right."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gruta.cli.commands import Commands
from gruta.cli.console import console
from gruta.cli.verbs import Json
from gruta.errors import InputError
from gruta.locale import translate as _
from gruta.locale.numbers import exponential

if TYPE_CHECKING:
    from gruta.exchange.doctor.engines import Row
    from gruta.exchange.doctor.finding import Diagnosis, Recurrent
    from gruta.exchange.doctor.tried import Trial

doctor_app = Commands()

_BOUND = 1e-5


@doctor_app.command(
    help=_(
        "Tell what recurrent layers a model file holds, what it declares and does not keep, and "
        "which engines compute it right. Nothing in the file is executed."
    )
)
def doctor(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE",
            help=_("A model: .onnx, .keras, .weights.h5, .safetensors, .param, .xml, .tflite."),
        ),
    ],
    run: Annotated[
        bool,
        typer.Option(
            "--run",
            help=_("Run it in the engines that are installed, beside the NumPy reference."),
        ),
    ] = False,
    run_in: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="PLACE",
            help=_(
                "Run it in the engines of another Python too, or of a folder with node_modules; "
                "may be given again."
            ),
            show_default=False,
        ),
    ] = None,
    mend: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help=_("Write it here so that every engine gets it right.")),
    ] = None,
    reset_after: Annotated[
        bool,
        typer.Option(
            "--reset-after",
            help=_(
                "With --mend: give GRUs that have a recurrent bias of the candidate the form that "
                "goes with it, linear_before_reset=1."
            ),
        ),
    ] = False,
    as_json: Json = False,
) -> None:
    """Examine a file."""
    if reset_after and mend is None:
        raise InputError(reset_after=_("it changes what --mend writes; name a file there"))
    if mend is not None:
        _require_mendable(file, mend)
    places = run_in or []
    if run or places:
        _require_runnable(file)
    from gruta.exchange.doctor.engines import table
    from gruta.exchange.doctor.look import examine

    found = examine(file)
    rows = table(found.format, found.layers)
    if not as_json:  # what is not run or mended is told all the same
        _show(found, rows)
    trials: Sequence[Trial] = ()
    if run or places:
        from gruta.exchange.doctor.tried import tried

        trials = tried(file, places)
    mended = _mended(file, mend, reset_after)
    if as_json:
        told = found.to_json() | {"engines": [asdict(row) for row in rows], "mended": mended}
        print(json.dumps(told | {"tried": [trial.to_json() for trial in trials]}))
        return
    for trial in trials:
        console().print(_tried(trial))
    for name, said in mended.items():
        print(f"{name}: {said}")


def _require_mendable(file: Path, to: Path) -> None:
    if to.resolve() == file.resolve():
        raise InputError(mend=_("expected another file than the one that is read"))
    if file.suffix.lower() != ".onnx":
        raise InputError(_("{path}: only ONNX files are mended").format(path=file))


def _require_runnable(file: Path) -> None:
    from gruta.exchange.doctor.tried import KINDS
    from gruta.exchange.keras.bare import is_bare

    if is_bare(file):
        problem = _("{path}: it has weights alone, and no engine runs it: give the .keras file")
        raise InputError(problem.format(path=file))
    if file.suffix.lower() not in KINDS:
        problem = _(
            "{path}: only ONNX, Keras, OpenVINO and ncnn files are run: of others the doctor reads "
            "what they say of their layers, not the weights that a reference would need"
        )
        raise InputError(problem.format(path=file))


def _mended(file: Path, to: Path | None, reset_after: bool) -> dict[str, str]:
    if to is None:
        return {}
    from gruta.exchange.doctor.mend import mend

    return mend(file, to, reset_after=reset_after)


def _show(found: "Diagnosis", rows: "Sequence[Row]") -> None:
    from rich import box
    from rich.table import Table

    out = console()
    if not found.layers:
        out.print(_("{path}: no GRU, LSTM or RNN in it").format(path=found.path))
    for layer in found.layers:
        out.print(_told(layer, sized=found.format not in _UNSIZED))
    for doubt in found.doubts:
        out.print(_("! {doubt}").format(doubt=doubt), style="bold")
    if rows:
        shown = Table(box=box.SIMPLE, collapse_padding=True, pad_edge=False)
        for title in (_("engine"), _("seen in"), _("this file"), _("because")):
            shown.add_column(title, overflow="fold")
        for row in rows:
            shown.add_row(row.engine, row.version, _VERDICTS[row.verdict](), "; ".join(row.why))
        out.print(shown)


_UNSIZED = "safetensors", "keras_weights"
"""Weights alone say nothing of batch and time."""

_VERDICTS = {
    "right": lambda: _("right"),
    "refused": lambda: _("refused"),
    "wrong": lambda: _("WRONG"),
}


def _tried(trial: "Trial") -> str:
    told: dict[str, Any] = {"engine": trial.engine, "version": trial.version}
    if trial.error is None:
        return _("{engine} {version}: failed: {what}").format(what=trial.failed, **told)
    told["error"] = exponential(trial.error, 1)
    if trial.error <= _BOUND:
        return _("{engine} {version}: right, error {error}").format(**told)
    return _("{engine} {version}: WRONG, error {error}").format(**told)


def _told(layer: "Recurrent", *, sized: bool) -> str:
    """A layer in a line; sized: whether the file says how large batch and time are."""
    if layer.refused:
        return _("{name}: {cell} that the standard has not: {reason}").format(
            name=layer.name, cell=layer.cell.upper(), reason=layer.refused
        )
    parts = [
        _("{name}: {cell}, {inputs} inputs, {hidden} units, {direction}").format(
            name=layer.name,
            cell=layer.cell.upper(),
            inputs=layer.inputs or "?",
            hidden=layer.hidden or "?",
            direction=_DIRECTIONS[layer.direction](),
        )
    ]
    if layer.reset:
        after = layer.reset == "after"
        parts.append(_("reset after the product") if after else _("reset before the product"))
    if not layer.plain_activations:
        parts.append(", ".join(layer.activations))
    if layer.clip is not None:
        parts.append(f"clip={layer.clip:g}")
    parts += ["input_forget=1"] if layer.input_forget else []
    parts += [_("peepholes")] if layer.peepholes else []
    parts += ["layout=1"] if layer.layout else []
    if layer.initial != "untold":
        parts.append(_STARTS[layer.initial]())
    if layer.lengths:
        parts.append(_("rows have lengths"))
    parts += [_axes(layer)] if sized else []
    return ", ".join(parts)


def _axes(layer: "Recurrent") -> str:
    if layer.free_time:
        return _("any batch and time") if layer.free_batch else _("any time, a fixed batch")
    steps = layer.fixed_time
    if layer.free_batch:
        return _("any batch, {steps} steps").format(steps=steps)
    return _("a fixed batch, {steps} steps").format(steps=steps)


_DIRECTIONS = {
    "forward": lambda: _("forwards"),
    "reverse": lambda: _("backwards"),
    "bidirectional": lambda: _("both ways"),
}
_STARTS = {
    "given": lambda: _("its first state is an input"),
    "constant": lambda: _("its first state is in the file"),
    "zeros": lambda: _("it starts at zeros"),
}
