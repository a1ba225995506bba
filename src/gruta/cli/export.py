"""`gruta export`: a trained run as one file, which is asked without PyTorch, or as C."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
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
    from gruta.tasks.changed import Change
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
    from gruta.tasks.exporting import require_directory, size_of

    require_directory(out)
    weights, judged = how.weights, _judged(trained, how.weights)
    size = written(judged.trained, out, weights)
    told: dict[str, Any] = {"path": str(out), "weights": weights, "bytes": size}
    text = _("Wrote {path}: {size} bytes").format(path=out, size=number(size))
    if weights != "float32":
        told["bytes_float32"] = size_of(trained)
        text = _("Wrote {path}: {size} bytes, as {weights}; {whole} as float32").format(
            path=out,
            size=number(size),
            weights=weights,
            whole=number(told["bytes_float32"]),
        )
    told, text = told | judged.told, "\n".join([text, *judged.lines])
    print(json.dumps(told) if how.as_json else text)
    return judged.well


def _as_c(trained: "Trained[Any]", out: Path, how: Asked) -> bool:
    """With its sizes, and how far it is from the run where a compiler tells; False where that is
    too far, or rounded weights change more than chance does.
    """
    from gruta.exchange.c import build
    from gruta.tasks.in_c import in_c

    judged = _judged(trained, how.weights, widened=True)
    made = in_c(judged.trained, out, how.weights, how.name)
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
    told, lines = told | judged.told, [*lines, *judged.lines]
    print(json.dumps(told) if how.as_json else "\n".join(lines))
    return well and judged.well


@dataclass(frozen=True, eq=False)
class _Judged:
    """The network to be written; for a program, for people, and whether nothing speaks against its
    weights.
    """

    trained: "Trained[Any]"
    told: dict[str, Any] = field(default_factory=dict)
    lines: Sequence[str] = ()
    well: bool = True


def _judged(trained: "Trained[Any]", weights: Any, *, widened: bool = False) -> _Judged:
    if weights not in KINDS[1:]:
        return _Judged(trained)  # exact, or refused by who writes
    from gruta.tasks.smaller import smaller

    made = smaller(trained, weights, widened=widened)
    if made.change is None:
        problem = _("Not scored, so nobody knows what the rounding costs: {reason}.")
        unknown = {"well": None, "reason": made.reason}
        return _Judged(trained, unknown, [problem.format(reason=made.reason)])
    told, lines = made.change.to_json(), _lines(made.change, weights)
    if made.share is not None:
        told["clipped_at"] = made.share
        line = _(
            "Weights above {share} % of the largest of their row are clipped: of four such "
            "bounds the validation part is met best by this one."
        )
        whole = _("No weight is clipped: of four bounds the validation part is met best by none.")
        clipped = line.format(share=number(100 * made.share))
        lines = [whole if made.share == 1 else clipped, *lines]
    return _Judged(made.trained, told, lines, made.change.well)


def _lines(found: "Change", weights: str) -> list[str]:
    """For people."""
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
    lines = [
        text.format(
            metric=_(found.title),
            before=before,
            after=after,
            verdict=verdict.format(error=error, other=other),
        )
    ]
    if found.seconds is not None:
        fast = _("To answer and score that took {before} s in float32, {after} s in {weights}.")
        slow, quick = (number(float(f"{one:.2g}")) for one in found.seconds)
        lines.append(fast.format(before=slow, after=quick, weights=weights))
    return lines


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
