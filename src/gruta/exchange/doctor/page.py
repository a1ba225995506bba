"""What runs a GRU right, as a page in each language, made of the table that `gruta doctor` goes by.

python -m gruta.exchange.doctor.page docs
"""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gruta.exchange.doctor.device_engines import DEVICES
from gruta.exchange.doctor.engines import ENGINES, table
from gruta.exchange.doctor.finding import Recurrent
from gruta.exchange.doctor.rules import Engine
from gruta.locale import spoken
from gruta.locale import translate as _

FILES = {"en": "what-runs-your-gru-right.md", "pt_BR": "what-runs-your-gru-right.pt-BR.md"}

_SIGNS = {"right": "✓", "wrong": "**✗**", "refused": "–"}


@dataclass(frozen=True)
class Case:
    """title: what a file says; layers: what is in it."""

    title: str
    layer: Recurrent


def _onnx() -> list[Case]:
    def of(title: str, cell: str = "gru", **changes: Any) -> Case:
        activations = ("Sigmoid", "Tanh")
        usual: dict[str, Any] = {"initial": "given", "final": True, "activations": activations}
        if cell == "gru":
            usual["reset"] = "after"
        return Case(title, Recurrent(cell, cell, 8, 32, **usual | changes))

    free: dict[str, Any] = {"free_batch": True, "free_time": True}
    return [
        of(_("a GRU as torch.nn computes it, sizes fixed")),
        of(_("the same, batch and time free"), **free),
        of(_("an LSTM, sizes fixed"), "lstm"),
        of(_("an LSTM, batch and time free"), "lstm", **free),
        of(_("an RNN, sizes fixed"), "rnn"),
        of(_("an RNN, batch and time free"), "rnn", **free),
        of(_("an RNN with ReLU"), "rnn", activations=("Relu",)),
        of(_("an LSTM without an initial state"), "lstm", initial="zeros"),
        of("linear_before_reset=0", reset="before"),
        of("direction=bidirectional", direction="bidirectional"),
        of("direction=reverse", direction="reverse"),
        of(_("sequence_lens without an initial state, sizes fixed"), lengths=True, initial="zeros"),
        of(_("sequence_lens with one, sizes fixed"), lengths=True),
        of(_("sequence_lens with one, batch and time free"), lengths=True, **free),
        of("clip", clip=1.0),
        of(_("other activations"), activations=("Elu",), plain_activations=False),
        of("layout=1", layout=1),
        of("input_forget=1", "lstm", input_forget=True),
        of(_("peepholes"), "lstm", peepholes=True),
        of("float64", precision="float64"),
    ]


def _keras() -> list[Case]:
    def of(title: str, cell: str = "gru", **changes: Any) -> Case:
        usual: dict[str, Any] = {"reset": "after"} if cell == "gru" else {}
        return Case(title, Recurrent(cell, cell, 8, 32, **usual | changes))

    return [
        of(_("GRU, sizes fixed")),
        of("reset_after=False", reset="before"),
        of(_("LSTM, sizes fixed"), "lstm"),
        of(_("SimpleRNN, sizes fixed"), "rnn"),
        of("Bidirectional", direction="bidirectional"),
        of("go_backwards", direction="reverse"),
        of("initial_state", initial="given"),
        of(_("a mask"), lengths=True),
        of("recurrent_activation=hard_sigmoid", activations=("hard_sigmoid",)),
        of(_("time free"), free_time=True),
        of(_("batch free"), free_batch=True),
    ]


def _matrix(kind: str, cases: Sequence[Case]) -> list[str]:
    engines = ENGINES[kind]
    names = [f"{one.name} {one.version}" for one in engines]
    lines = [f"| {' | '.join(['', *names])} |", "| --- |" + " :---: |" * len(names)]
    for case in cases:
        signs = [_SIGNS[row.verdict] for row in table(kind, [case.layer])]
        lines.append(f"| {' | '.join([case.title, *signs])} |")
    return lines


def _reasons(engines: Sequence[Engine]) -> list[str]:
    lines = [
        f"| {_('engine')} | {_('refuses')} | {_('computes something else')} |",
        "| --- | --- | --- |",
    ]
    for one in engines:
        told = [
            "; ".join(r.why() for r in one.rules if r.verdict == v) for v in ("refused", "wrong")
        ]
        lines.append(f"| {one.name} {one.version} | {told[0] or '–'} | {told[1] or '–'} |")
    return lines


def page(language: str) -> str:
    """The whole page, in en or pt_BR."""
    with spoken(language):
        return "\n".join(_lines(language)) + "\n"


def _lines(language: str) -> list[str]:
    other = next(name for name in FILES if name != language)
    with spoken(other):
        link = _("*In English: [{file}]({file}).*").format(file=FILES[other])
    sections: Sequence[tuple[str, str, Callable[[], list[Case]]]] = (
        (_("ONNX files"), "onnx", _onnx),
        (_("Keras files"), "keras", _keras),
    )
    lines = [
        f"# {_('What runs your GRU right')}",
        "",
        link,
        "",
        _(
            "A file with a GRU, an LSTM or an RNN is loaded by many engines. Some compute other"
            " numbers than the file says, and none tells. What is said of each was found by "
            "running it, in the version named, beside a reference in NumPy, within 1e-5, and of"
            " Keras files beside Keras; what is not said of it came out right where it was "
            "tried."
        ),
        "",
        _("✓ right, **✗** wrong without a word, – refused with an error."),
    ]
    for title, kind, cases in sections:
        lines += ["", f"## {title}", "", *_matrix(kind, cases()), "", *_reasons(ENGINES[kind])]
    devices = [one for engines in DEVICES.values() for one in engines]
    lines += ["", f"## {_('Files of OpenVINO, ncnn and LiteRT')}", "", *_reasons(devices)]
    return [*lines, "", f"## {_('What to do')}", "", *_remedies()]


def _remedies() -> list[str]:
    commands = {
        "model.onnx": _("what the file holds, and its row of this table"),
        "model.onnx --run": _("runs the engines that are installed, and prints the error"),
        "model.onnx --run-in PLACE": _("those of another Python or of a node_modules too"),
        "model.onnx --mend mended.onnx": _(
            "writes a file that all of them compute right, where that is possible"
        ),
    }
    width = max(map(len, commands))
    return [
        "```sh",
        *(f"gruta doctor {given:<{width}}  # {what}" for given, what in commands.items()),
        "```",
        "",
        _(
            "`gruta.exchange.to_onnx(module, path, lengths=True)` and `gruta export RUN "
            "model.onnx --to onnx` write no attribute that some engine misreads: "
            "`linear_before_reset` is always there, the layout is 0, a layer that walks "
            "backwards reads its input turned around, and lengths are no `sequence_lens` but "
            "plain operators around the layer. What they wrote was run in ONNX Runtime, its "
            "package for the web and Node, OpenVINO and tract, which takes no Loop and with it no "
            "translator and no captioner. Two things tract computes "
            "otherwise, which `to_onnx(…).notes` says and no network of a task has: tanh in an "
            "RNN with ReLU, and a cell state of an LSTM that moves past a row's end by 1e-6 a "
            "step."
        ),
        "",
        _(
            "`make engines` installs all but tf2onnx and LiteRT, whose columns were found once,"
            " and runs the other cells of these tables again, so that a release that mends "
            "itself is noticed, a test a rule: all but what ends an engine's process. Of Keras "
            "files the bound is 1e-3 there, and 5e-2 of hls4ml, which computes with a fixed point. "
            "`python -m gruta.exchange.doctor.page docs` writes this page."
        ),
    ]


def main() -> None:
    """Write the pages into a folder."""
    folder = Path(sys.argv[1])
    for language, name in FILES.items():
        (folder / name).write_text(page(language))


if __name__ == "__main__":
    main()
