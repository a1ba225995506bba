#!/usr/bin/env bash
# hls4ml 1.3.0, Vivado: of a Keras SimpleRNN the weights are written, and the layer is never called.
#
# The function that is made for the network loads the weights, and then nothing writes its output: the
# emulation answers with what stood in memory, 100 and more where an RNN says less than 1. Nothing is
# said while it is converted. A GRU and an LSTM are called.
#
# Output seen:
#   GRU: weights loaded, called
#   LSTM: weights loaded, called
#   SimpleRNN: weights loaded, never called
set -euo pipefail
here=$(mktemp -d) && trap 'rm -rf "$here"' EXIT
python3 -m venv "$here/env"
"$here/env/bin/pip" install --quiet hls4ml==1.3.0 keras==3.15.1 numpy==2.4.6 torch==2.13.0
KERAS_BACKEND=torch "$here/env/bin/python" - "$here" << 'PYTHON' 2> /dev/null
import contextlib
import io
import sys
from pathlib import Path

import hls4ml
import keras


def outcome(kind):
    layer = getattr(keras.layers, kind)(4, return_sequences=True)
    model = keras.Sequential([keras.Input(batch_shape=(1, 7, 3)), layer])
    place = Path(sys.argv[1], kind)
    with contextlib.redirect_stdout(io.StringIO()):
        how = hls4ml.utils.config_from_keras_model(model, granularity="name")
        hls4ml.converters.convert_from_keras_model(
            model, hls_config=how, output_dir=str(place), backend="Vivado"
        ).write()
    text = (place / "firmware/myproject.cpp").read_text()
    loads, layers = text.split("// hls-fpga-machine-learning insert layers")
    loaded = "weights loaded" if "load_weights" in loads else "no weights"
    return f"{loaded}, {'called' if 'nnet::' in layers else 'never called'}"


found = {kind: outcome(kind) for kind in ("GRU", "LSTM", "SimpleRNN")}
for kind, what in found.items():
    print(f"{kind}: {what}")
right, wrong = "weights loaded, called", "weights loaded, never called"
assert list(found.values()) == [right, right, wrong], "the behaviour has changed"
PYTHON
