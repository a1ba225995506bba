"""What Keras itself makes of the files that `write` writes, where it is loaded.

It is not loaded for that: the first import of Keras chooses a backend for the whole process.
"""

import shutil
import sys
import warnings
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gruta.exchange.keras.bare import SUFFIX
from gruta.exchange.keras.write import model_config
from gruta.exchange.layer import Layer, matrix_size
from gruta.exchange.proof import Outputs
from gruta.exchange.weights.framework import inside

Array = NDArray[Any]

_LARGE = 2**22
"""Weights, above which no model is made: drawing those that it begins with takes long."""


def loaded(layers: Sequence[Layer]) -> str:
    """Keras 3 by its name and version where it is to be run on these; "" where it is not."""
    version = str(getattr(sys.modules.get("keras"), "__version__", ""))
    few = matrix_size(layers) <= _LARGE
    return f"Keras {version}" if version.startswith("3.") and few else ""


def outputs(file: Path, layers: Sequence[Layer], *, alone: bool) -> Outputs:
    """Of a file of these layers; alone: of weights alone. What Keras has past a row's end is 0."""
    return _outputs(_model(file, layers, alone))


def weighed(layer: Layer, sides: Sequence[Sequence[Array]]) -> Outputs:
    """Of such a layer with weights as Keras keeps them, of each direction."""
    model = _fresh([replace(layer, name="layer")])  # a user's may have strokes
    wanted = [weight.shape for weight in model.weights]
    each = len(wanted) // len(sides)
    none = [np.zeros(shape, np.float32) for shape in wanted[each - 1 :: each]]
    given = [[*side, bias][:each] for side, bias in zip(sides, none, strict=True)]
    model.set_weights([weight for side in given for weight in side])
    return _outputs(model)


def _outputs(model: Any) -> Outputs:
    found = model.layers

    def run(x: Array, states: Sequence[Array], lengths: Array | None) -> Sequence[Array]:
        finals: list[Sequence[Array]] = []
        for layer in found:
            both = hasattr(layer, "backward_layer")
            ways = [layer.forward_layer, layer.backward_layer] if both else [layer]
            sides = []
            for way in ways:
                initial = [state[len(finals)] for state in states]
                y, *last = _one(way, x, initial, lengths)
                sides.append(y)
                finals.append(last)
            x = np.concatenate(sides, -1)
        return x, *(np.stack(one) for one in zip(*finals, strict=True))

    return run


def _model(file: Path, layers: Sequence[Layer], alone: bool) -> Any:
    import keras

    with TemporaryDirectory() as folder:  # Keras goes by the end of the name
        own = Path(folder, f"m{SUFFIX if alone else '.keras'}")
        shutil.copyfile(file, own)
        if not alone:
            return keras.saving.load_model(own, compile=False)
        model = _fresh(layers)
        model.load_weights(own)
        return model


def _fresh(layers: Sequence[Layer]) -> Any:
    import keras

    return keras.Sequential.from_config(model_config(layers)["config"])


def _one(way: Any, x: Array, initial: Sequence[Array], lengths: Array | None) -> tuple[Array, ...]:
    """A direction of a layer: y in the order of time, and its final states."""
    from keras import ops

    way.return_state = True
    steps = np.arange(len(x))[:, None]
    mask = None if lengths is None else ops.convert_to_tensor((steps < lengths).T)
    first = [ops.convert_to_tensor(state) for state in initial]
    y, *last = way(ops.convert_to_tensor(x.swapaxes(0, 1)), mask=mask, initial_state=first)
    with warnings.catch_warnings():  # Keras' own, of NumPy's copies
        warnings.simplefilter("ignore", DeprecationWarning)
        made, *finals = (ops.convert_to_numpy(one) for one in (y, *last))
    made = made.swapaxes(0, 1)[:: -1 if way.go_backwards else 1]
    return made if lengths is None else inside(made, lengths), *finals
