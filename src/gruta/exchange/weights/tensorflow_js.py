"""TensorFlow.js: gru (the reset before the product alone), lstm and simpleRNN, as Keras has them.

A model's gates must be built with recurrentActivation "sigmoid": its default is a piece of lines.
"""

from gruta.exchange.keras.layers import ORDER, weights_of
from gruta.exchange.layer import Layer, Side, blocks, inverse
from gruta.exchange.weights.framework import Arrays, Framework, Tree, alone


def _out(layer: Layer, side: Side) -> Tree:
    return dict(zip(("kernel", "recurrentKernel", "bias"), weights_of(layer, side), strict=True))


def _back(kind: str, tree: Tree) -> Arrays:
    order = inverse(ORDER[kind.split("_")[0]])
    named = tree["kernel"].T, tree["recurrentKernel"].T, tree["bias"]
    w_ih, w_hh, bias = (blocks(a, order) for a in named)
    return Arrays(w_ih, w_hh, *alone(bias))


TENSORFLOW_JS = Framework(
    "tensorflow.js",
    {
        "gru_reset_before": "gru",
        "lstm": "lstm",
        "rnn_tanh": "simpleRNN",
        "rnn_relu": "simpleRNN",
    },
    _out,
    _back,
    "",
)
