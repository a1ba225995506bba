"""`gruta export`: a trained run as one file, which is asked without PyTorch, or as C."""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gruta.cli.commands import Commands
from gruta.cli.verbs import Json, RunPath
from gruta.errors import InputError
from gruta.locale import translate as _
from gruta.locale.numbers import exponential, number
from gruta.runtime.weights import KINDS
from gruta.tasks import registry

if TYPE_CHECKING:
    from gruta.tasks.trained import Trained

export_app = Commands()


@export_app.command(
    help=_("Write a trained run as one file, to be asked without PyTorch, or as C for a device.")
)
def export(
    run: RunPath,
    out: Annotated[
        Path,
        typer.Argument(
            metavar="OUT",
            help=_("What to write, such as model.gruta; of C a folder."),
            show_default=False,
        ),
    ],
    to: Annotated[
        str,
        typer.Option(
            "--to", help=_("What is written: gruta, a model file; c, C11; onnx, the network.")
        ),
    ] = "gruta",
    weights: Annotated[
        str,
        typer.Option(
            help=_("How matrices are stored: {kinds}.").format(kinds=", ".join(KINDS)),
        ),
    ] = "float32",
    name: Annotated[
        str,
        typer.Option(
            help=_("What all names of the C begin with; by default that of its folder."),
            show_default=False,
        ),
    ] = "",
    as_json: Json = False,
) -> None:
    """Write a trained run as one file, or as C."""
    from gruta.tasks.trained import Trained

    if to not in WRITERS:
        problem = _("expected one of {known}, got {given!r}")
        raise InputError(to=problem.format(known=", ".join(WRITERS), given=to))
    if name and to != "c":
        raise InputError(name=_("says nothing of {to}; leave it out").format(to=to))
    trained = Trained.load(run, registry.task_of(run))
    if WRITERS[to](trained, out, Asked(weights, name, as_json)):
        return
    raise typer.Exit(1)


@dataclass(frozen=True)
class Asked:
    """What the options say."""

    weights: Any
    name: str
    as_json: bool


def _as_model_file(trained: "Trained[Any]", out: Path, how: Asked) -> bool:
    """With what rounded weights change; False where that is not within chance."""
    from gruta.tasks.exporting import export as written
    from gruta.tasks.exporting import size_of

    weights, size = how.weights, written(trained, out, how.weights)
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
    print(json.dumps(told) if how.as_json else text)
    return well


def _as_c(trained: "Trained[Any]", out: Path, how: Asked) -> bool:
    """With its sizes, and how far it is from the run where a compiler tells; False where that is
    too far, or rounded weights change more than chance does.
    """
    from gruta.exchange.c import build
    from gruta.tasks.in_c import in_c

    made = in_c(trained, out, how.weights, how.name)
    files, name = made.files(), made.name
    found, sizes = build.error(files), build.sizes(files, name)
    build.write(out, files)
    state = build.state_of(files[f"{name}.h"])
    told: dict[str, Any] = {
        "path": str(out),
        "name": name,
        "files": sorted(files),
        "weights": how.weights,
        "bytes_of_constants": made.tables.size,
        "bytes_of_state": state,
        "sizes": [asdict(one) for one in sizes],
        "error": found,
        "bound": made.bound,
    }
    lines = [_("Wrote {path}: {files}").format(path=out, files=", ".join(sorted(files)))]
    line = _("{machine}: {code} bytes of code and constants, {state} bytes of RAM a stream")
    lines += [
        line.format(machine=one.machine, code=number(one.code), state=number(one.state))
        for one in sizes
    ]
    if not sizes:
        line = _("No compiler here: {constants} bytes of constants, {state} bytes of RAM a stream")
        lines.append(line.format(constants=number(made.tables.size), state=number(state)))
    well = found is None or found <= made.bound
    if found is not None:
        line = _("Its test here: largest error {error}, at most {bound} is allowed")
        lines.append(line.format(error=exponential(found, 1), bound=exponential(made.bound)))
    lines += [_(note) for note in made.notes]
    if how.weights != "float32":
        change, judged, alike = _change(trained, how.weights, widened=True)
        told, well = told | change, well and alike
        lines.append(judged)
    print(json.dumps(told) if how.as_json else "\n".join(lines))
    return well


def _change(
    trained: "Trained[Any]", weights: Any, *, widened: bool = False
) -> tuple[dict[str, Any], str, bool]:
    """For a program, for people, and whether nothing speaks against these weights."""
    from gruta.tasks.changed import changed

    try:
        found = changed(trained, weights, widened=widened)
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
    if found.seconds is not None:
        fast = _("To answer and score that took {before} s in float32, {after} s in {weights}.")
        slow, quick = (number(float(f"{one:.2g}")) for one in found.seconds)
        told = f"{told}\n{fast.format(before=slow, after=quick, weights=weights)}"
    return found.to_json(), told, found.well


def _as_onnx(trained: "Trained[Any]", out: Path, how: Asked) -> bool:
    """Proven beside the head."""
    from gruta.tasks.as_onnx import write

    if how.weights != "float32":
        problem = _("--to onnx: expected float32, got {given!r}; other tools make them smaller")
        raise InputError(weights=problem.format(given=how.weights))
    found = write(trained, out)
    if how.as_json:
        print(json.dumps({"path": str(out), **asdict(found)}))
        return True
    text = _("Wrote {path}: {size} bytes; by {by} {error} from the run's own answers at most")
    told = {"path": out, "size": number(found.bytes), "by": found.by}
    print(text.format(**told, error=exponential(found.error, 1)))
    sides = _("Inputs: {inputs}. Outputs: {outputs}.")
    print(sides.format(inputs=", ".join(found.inputs), outputs=", ".join(found.outputs)))
    for note in found.notes:
        print(note)
    return True


Writer = Callable[["Trained[Any]", Path, Asked], bool]

WRITERS: Mapping[str, Writer] = {"gruta": _as_model_file, "c": _as_c, "onnx": _as_onnx}
"""What a run can be written as, by the name that --to takes."""
