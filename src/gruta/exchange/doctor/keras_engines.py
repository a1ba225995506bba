"""Engines that take Keras files, as `engines` has those that take ONNX files.

`make engines` has neither tf2onnx nor LiteRT: what is said of them was found once.
"""

from gruta.exchange.doctor.device_engines import LITERT, NEEDS_FLEX
from gruta.exchange.doctor.rules import Engine, Rule
from gruta.locale import translate as _

KERAS = (
    Engine(
        "TensorFlow.js",
        "4.22",
        [
            Rule(
                "refused",
                lambda layer: layer.reset == "after",
                lambda: _("reset_after=True: it is refused"),
            ),
            Rule(
                "wrong",
                lambda layer: "hard_sigmoid" in layer.activations,
                lambda: _("hard_sigmoid: it computes another one, up to 0.08 apart"),
            ),
        ],
    ),
    Engine(
        "hls4ml",
        "1.3.0",
        [
            Rule(
                "refused",
                lambda layer: "hard_sigmoid" in layer.activations,
                lambda: _("hard_sigmoid: it is refused"),
            ),
            Rule(
                "refused",
                lambda layer: layer.direction == "bidirectional" and layer.bias,
                lambda: _("Bidirectional with biases: it is refused"),
            ),
            Rule(
                "refused",
                lambda layer: layer.free_time,
                lambda: _("time free: it is refused"),
            ),
            Rule("refused", lambda layer: layer.lengths, lambda: _("a mask: it is refused")),
            Rule(
                "wrong",
                lambda layer: layer.initial == "given",
                lambda: _("initial_state: it is ignored"),
            ),
            Rule(
                "wrong",
                lambda layer: layer.cell == "rnn",
                lambda: _("SimpleRNN: it is never called, and what stood in memory comes out"),
            ),
            Rule(
                "wrong",
                lambda layer: layer.reset == "before",
                lambda: _("reset_after=False: computed as if it were True"),
            ),
            Rule(
                "wrong",
                lambda layer: layer.direction == "reverse",
                lambda: _("go_backwards: it is walked forward"),
            ),
        ],
    ),
    Engine(
        "tf2onnx",
        "1.17",
        [],
    ),
    Engine(
        "LiteRT",
        LITERT,
        [
            NEEDS_FLEX,
        ],
    ),
    Engine(
        "keras-export-torch",
        "3.15.1",
        [
            Rule(
                "refused",
                lambda layer: layer.cell == "rnn" and layer.free_time,
                lambda: _("SimpleRNN, time free: fails when it is run"),
            ),
            Rule(
                "wrong",
                lambda layer: layer.free_time,
                lambda: _("time free: the file holds one step"),
            ),
        ],
    ),
)
