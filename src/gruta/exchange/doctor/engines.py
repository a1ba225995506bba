"""Which engine runs a layer right, refuses it, or computes something else without a word.

Each rule was found by running the engine, in the version named, against the NumPy reference; the
tests run those that are installed again, so that a release that mends itself is noticed. What is
not written here was right within 1e-5.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from gruta.exchange.doctor.device_engines import DEVICES, NCNN, OPENVINO, OPENVINO_LENGTHS
from gruta.exchange.doctor.finding import Recurrent
from gruta.exchange.doctor.keras_engines import KERAS
from gruta.exchange.doctor.rules import Engine, Rule, Verdict, free
from gruta.locale import translate as _


@dataclass(frozen=True)
class Row:
    """What an engine makes of a file: the worst of its layers, and why."""

    engine: str
    version: str
    verdict: Verdict
    why: tuple[str, ...]


def table(kind: str, layers: Sequence[Recurrent]) -> list[Row]:
    """A row an engine that takes files of this format, for one with these layers."""
    return [_row(engine, layers) for engine in ENGINES.get(kind, ()) if layers]


def misread(layers: Sequence[Recurrent]) -> list[str]:
    """A sentence for each engine that what is written as ONNX is held to, and computes these layers
    wrongly all the same.
    """
    return [
        _("{engine} {version} computes something else: {why}").format(
            engine=row.engine, version=row.version, why="; ".join(row.why)
        )
        for row in table("onnx", layers)
        if row.verdict == "wrong" and row.engine in HELD_TO
    ]


def _row(engine: Engine, layers: Sequence[Recurrent]) -> Row:
    held = [rule for rule in engine.rules if any(map(rule.when, layers))]
    for verdict in ("refused", "wrong"):  # what does not load gives no wrong number
        reasons = [rule.why() for rule in held if rule.verdict == verdict]
        if reasons:
            return Row(engine.name, engine.version, verdict, tuple(reasons))
    return Row(engine.name, engine.version, "right", ())


def _simple(layer: Recurrent) -> bool:
    return set(layer.activations) <= {"Sigmoid", "Tanh", "Relu"}


def _usual(layer: Recurrent) -> bool:
    """What the standard takes where a file names none."""
    return layer.plain_activations and not (layer.cell == "rnn" and "Relu" in layer.activations)


_LENGTHS_IGNORED = Rule(
    "wrong", lambda layer: layer.lengths, lambda: _("sequence_lens: lengths are ignored")
)
_CLIP_IGNORED = Rule(
    "wrong", lambda layer: layer.clip is not None, lambda: _("clip: it is ignored")
)
_FORGET_IGNORED = Rule(
    "wrong", lambda layer: layer.input_forget, lambda: _("input_forget: it is ignored")
)
_ACTIVATIONS_IGNORED = Rule(
    "wrong", lambda layer: not _usual(layer), lambda: _("activations: they are ignored")
)
_PEEPHOLES_IGNORED = Rule(
    "wrong", lambda layer: layer.peepholes, lambda: _("P: peepholes are ignored")
)
_REVERSE_FORWARD = Rule(
    "wrong",
    lambda layer: layer.direction == "reverse",
    lambda: _("direction=reverse: it is walked forward"),
)

_ONNXRUNTIME = [
    Rule("refused", lambda layer: layer.layout == 1, lambda: _("layout=1: does not load")),
    Rule(
        "refused",
        lambda layer: layer.precision == "float64",
        lambda: _("float64: fails when it is run"),
    ),
    Rule(
        "wrong",
        lambda layer: layer.lengths and layer.initial != "zeros",
        lambda: _("sequence_lens: a row of length 0 loses its initial state"),
    ),
]

_ONNX = (
    Engine("onnxruntime", "1.32.0", _ONNXRUNTIME),
    Engine("onnxruntime-web", "1.30.0", _ONNXRUNTIME),
    Engine(
        "openvino",
        OPENVINO,
        [
            Rule(
                "refused",
                lambda layer: not _simple(layer),
                lambda: _("activations: other than Sigmoid, Tanh and Relu do not load"),
            ),
            Rule(
                "refused",
                lambda layer: layer.layout == 1 and layer.initial != "zeros",
                lambda: _("layout=1 with a state: it is said to have another shape"),
            ),
            Rule(
                "wrong",
                lambda layer: layer.layout == 1,
                lambda: _("layout=1: the input is read as if time came first"),
            ),
            *OPENVINO_LENGTHS,
            Rule(
                "wrong",
                lambda layer: layer.turned_beside,
                lambda: _(
                    "its input is transposed for another node too, which gets it as it was: "
                    "another permutation, or a Gather, cures it"
                ),
            ),
            _FORGET_IGNORED,
            _PEEPHOLES_IGNORED,
        ],
    ),
    Engine(
        "tract",
        "0.23.9",
        [
            Rule(
                "refused",
                lambda layer: layer.looped,
                lambda: _("a layer in a Loop: does not load"),
            ),
            Rule(
                "refused",
                lambda layer: layer.lengths,
                lambda: _("sequence_lens: rows shorter than the input are refused"),
            ),
            Rule(
                "refused",
                lambda layer: layer.precision == "float64",
                lambda: _("float64: does not load"),
            ),
            Rule(
                "refused",
                lambda layer: layer.initial == "zeros" and free(layer),
                lambda: _("no initial state, batch or time free: the process ends"),
            ),
            Rule(
                "refused",
                lambda layer: (
                    layer.cell == "lstm"
                    and layer.initial == "zeros"
                    and layer.final
                    and layer.direction != "bidirectional"
                    and layer.layout == 0
                ),
                lambda: _("an LSTM without an initial state: Y_c fails with more than one row"),
            ),
            _REVERSE_FORWARD,
            _CLIP_IGNORED,
            _ACTIVATIONS_IGNORED,
            _FORGET_IGNORED,
        ],
    ),
    Engine(
        "MNN",
        "3.6.1",
        [
            Rule(
                "refused",
                lambda layer: (
                    free(layer)
                    and (layer.cell == "gru" or (layer.cell == "lstm" and layer.initial != "zeros"))
                ),
                lambda: _("batch or time free: fails when it is run"),
            ),
            Rule(
                "refused",
                lambda layer: layer.looped,
                lambda: _("a layer in a Loop: the process ends"),
            ),
            Rule("refused", lambda layer: layer.peepholes, lambda: _("P: does not load")),
            Rule(
                "refused",
                lambda layer: layer.precision == "float64",
                lambda: _("float64: its Python has no such inputs"),
            ),
            Rule(
                "refused",
                lambda layer: layer.cell == "lstm" and not _usual(layer),
                lambda: _("activations of an LSTM: do not load"),
            ),
            Rule(
                "refused",
                lambda layer: (
                    layer.layout == 1 and layer.cell != "rnn" and layer.initial != "zeros"
                ),
                lambda: _("layout=1 with a state: it is said to have another shape"),
            ),
            Rule(
                "wrong",
                lambda layer: layer.layout == 1,
                lambda: _("layout=1: the input is read as if time came first"),
            ),
            _LENGTHS_IGNORED,
            _REVERSE_FORWARD,
            Rule(
                "wrong",
                lambda layer: layer.reset == "before",
                lambda: _(
                    "linear_before_reset=0: computed in another form, unless converted with "
                    "--useOriginRNNImpl"
                ),
            ),
            _CLIP_IGNORED,
            _ACTIVATIONS_IGNORED,
            _FORGET_IGNORED,
        ],
    ),
    Engine(
        "ncnn",
        NCNN,
        [
            Rule(
                "refused",
                lambda layer: True,
                lambda: _("pnnx writes a layer without its sizes, which does not load"),
            )
        ],
    ),
    Engine(
        "TVM",
        "0.27",
        [
            Rule(
                "refused",
                lambda layer: True,
                lambda: _("its ONNX front end has no GRU, LSTM or RNN; its PyTorch one has"),
            )
        ],
    ),
    Engine(
        "IREE",
        "3.13",
        [
            Rule(
                "refused",
                lambda layer: layer.cell != "lstm" and free(layer),
                lambda: _("batch or time free: GRU and RNN do not compile"),
            ),
            Rule(
                "refused",
                lambda layer: (
                    layer.direction == "reverse"
                    or (layer.direction == "bidirectional" and layer.cell != "lstm")
                    or (layer.direction == "bidirectional" and layer.layout == 1)
                ),
                lambda: _("direction: but forward, an LSTM of both and layout=0 alone compiles"),
            ),
            Rule(
                "refused",
                lambda layer: layer.cell != "rnn" and layer.clip is not None,
                lambda: _("clip: does not compile"),
            ),
            Rule(
                "refused",
                lambda layer: layer.precision == "float64",
                lambda: _("float64: fails when it is run"),
            ),
            Rule(
                "refused",
                lambda layer: layer.input_forget,
                lambda: _("input_forget: does not compile"),
            ),
            _LENGTHS_IGNORED,
            _CLIP_IGNORED,
            Rule(
                "wrong",
                lambda layer: not layer.plain_activations,
                lambda: _("activations: they are ignored"),
            ),
            _PEEPHOLES_IGNORED,
        ],
    ),
    Engine(
        "onnx2tf",
        "2.6.9",
        [
            Rule(
                "refused",
                lambda layer: layer.looped,
                lambda: _("a layer in a Loop: fails when it is run"),
            ),
            Rule(
                "refused",
                lambda layer: layer.lengths,
                lambda: _("sequence_lens: it is refused"),
            ),
            Rule(
                "refused",
                lambda layer: layer.cell != "lstm" and layer.clip is not None,
                lambda: _("clip: it is refused"),
            ),
            Rule(
                "refused",
                lambda layer: layer.cell != "lstm" and not layer.plain_activations,
                lambda: _("activations: they are refused"),
            ),
            Rule("refused", lambda layer: layer.layout == 1, lambda: _("layout=1: it is refused")),
            Rule(
                "refused",
                lambda layer: layer.precision == "float64",
                lambda: _("float64: does not load"),
            ),
            Rule(
                "refused",
                lambda layer: layer.cell != "gru" and free(layer),
                lambda: _("batch or time free: an LSTM or RNN runs at one size alone"),
            ),
            Rule(
                "refused",
                lambda layer: layer.input_forget or layer.peepholes,
                lambda: _("input_forget, P: do not load"),
            ),
            Rule(
                "wrong",
                lambda layer: layer.cell != "gru" and layer.initial == "zeros",
                lambda: _(
                    "no initial state: it begins where the last run ended, unless "
                    "reset_all_variables() is called"
                ),
            ),
            Rule(
                "wrong",
                lambda layer: (
                    (layer.cell == "rnn" and layer.initial != "zeros" and layer.final)
                    or (layer.cell == "lstm" and layer.initial == "constant" and layer.final)
                ),
                lambda: _("Y_h: the initial state comes out for the last one"),
            ),
            Rule(
                "wrong",
                lambda layer: layer.cell == "lstm" and not layer.plain_activations,
                lambda: _("activations: they are ignored"),
            ),
            Rule(
                "wrong",
                lambda layer: layer.cell == "lstm" and layer.clip is not None,
                lambda: _("clip: other numbers"),
            ),
            Rule(
                "wrong",
                lambda layer: layer.cell == "lstm" and layer.direction != "forward",
                lambda: _("direction of an LSTM: other numbers unless forward"),
            ),
            Rule(
                "wrong",
                lambda layer: layer.cell == "gru" and layer.free_time,
                lambda: _("time free: the file holds one step"),
            ),
        ],
    ),
    Engine(
        "onnx.reference",
        "1.23.2",
        [
            Rule(
                "refused",
                lambda layer: (
                    layer.cell == "rnn" and not set(layer.activations) <= {"Tanh", "Affine"}
                ),
                lambda: _("activations of an RNN: other than Tanh and Affine are refused"),
            ),
            _LENGTHS_IGNORED,
            _CLIP_IGNORED,
            _ACTIVATIONS_IGNORED,
            _FORGET_IGNORED,
        ],
    ),
)

ENGINES = {"onnx": _ONNX, "keras": KERAS, **DEVICES}
"""By the format of the file."""

HELD_TO = "onnxruntime", "onnxruntime-web", "openvino", "tract"
"""What `gruta.exchange.to_onnx` writes is to be right there."""
