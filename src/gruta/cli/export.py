"""`gruta export`: a trained run as one file, which is asked without PyTorch."""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gruta.cli.commands import Commands
from gruta.cli.verbs import Json, RunPath
from gruta.errors import InputError
from gruta.locale import translate as _
from gruta.locale.numbers import number
from gruta.runtime.weights import KINDS
from gruta.tasks import registry

if TYPE_CHECKING:
    from gruta.tasks.trained import Trained

export_app = Commands()


@export_app.command(help=_("Write a trained run as one file, to be asked without PyTorch."))
def export(
    run: RunPath,
    out: Annotated[
        Path,
        typer.Argument(
            metavar="OUT", help=_("What to write, such as model.gruta."), show_default=False
        ),
    ],
    to: Annotated[
        str,
        typer.Option("--to", help=_("What is written: gruta, a model file; onnx, the network.")),
    ] = "gruta",
    weights: Annotated[
        str,
        typer.Option(
            help=_("How matrices are stored: {kinds}.").format(kinds=", ".join(KINDS)),
        ),
    ] = "float32",
    as_json: Json = False,
) -> None:
    """Write a trained run as one file."""
    from gruta.tasks.trained import Trained

    if to not in WRITERS:
        problem = _("expected one of {known}, got {given!r}")
        raise InputError(to=problem.format(known=", ".join(WRITERS), given=to))
    trained = Trained.load(run, registry.task_of(run))
    WRITERS[to](trained, out, weights, as_json)


def _as_model_file(trained: "Trained[Any]", out: Path, weights: Any, as_json: bool) -> None:
    """With what rounded weights change; ends with 1 where that is not within chance."""
    from gruta.tasks.exporting import export as written
    from gruta.tasks.exporting import size_of

    size = written(trained, out, weights)
    told: dict[str, Any] = {"path": str(out), "weights": weights, "bytes": size}
    text, well = _("Wrote {path}: {size} bytes").format(path=out, size=number(size)), True
    if weights != "float32":
        told["bytes_float32"] = size_of(trained)
        text = _("Wrote {path}: {size} bytes, as {weights}; {whole} as float32").format(
            path=out,
            size=number(size),
            weights=weights,
            whole=number(told["bytes_float32"]),
        )
        change, judged, well = _change(trained, weights)
        told, text = told | change, f"{text}\n{judged}"
    print(json.dumps(told) if as_json else text)
    if not well:
        raise typer.Exit(1)


def _change(trained: "Trained[Any]", weights: Any) -> tuple[dict[str, Any], str, bool]:
    """For a program, for people, and whether nothing speaks against these weights."""
    from gruta.tasks.changed import changed

    try:
        found = changed(trained, weights)
    except InputError as reason:
        problem = _("Not scored, so nobody knows what the rounding costs: {reason}.")
        return {"well": None, "reason": str(reason)}, problem.format(reason=reason), True
    if found.error is None:
        verdict = _("too few were scored to tell whether that is chance: do not rely on it")
    elif found.well:
        verdict = _("within its standard error of {error}")
    else:
        verdict = _("more than its standard error of {error}: this is not as good; take {other}")
    before, after, error = (
        None if value is None else number(value * found.factor, 4)
        for value in (found.before, found.after, found.error)
    )
    other = "float16" if weights != "float16" else "float32"
    text = _("{metric} on what training did not see: {before} before, {after} after, {verdict}.")
    told = text.format(
        metric=_(found.title),
        before=before,
        after=after,
        verdict=verdict.format(error=error, other=other),
    )
    return found.to_json(), told, found.well


def _as_onnx(trained: "Trained[Any]", out: Path, weights: Any, as_json: bool) -> None:
    """Proven beside the head."""
    from gruta.tasks.as_onnx import write

    if weights != "float32":
        problem = _("--to onnx: expected float32, got {given!r}; other tools make them smaller")
        raise InputError(weights=problem.format(given=weights))
    found = write(trained, out)
    if as_json:
        print(json.dumps({"path": str(out), **asdict(found)}))
        return
    text = _("Wrote {path}: {size} bytes; by {by} {error} from the run's own answers at most")
    told = {"path": out, "size": number(found.bytes), "by": found.by}
    print(text.format(**told, error=f"{found.error:.1e}"))
    sides = _("Inputs: {inputs}. Outputs: {outputs}.")
    print(sides.format(inputs=", ".join(found.inputs), outputs=", ".join(found.outputs)))
    for note in found.notes:
        print(note)


Writer = Callable[["Trained[Any]", Path, Any, bool], None]

WRITERS: Mapping[str, Writer] = {"gruta": _as_model_file, "onnx": _as_onnx}
"""What a run can be written as, by the name that --to takes."""
