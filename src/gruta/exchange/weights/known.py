"""The frameworks whose weights are known, by name."""

from gruta.exchange.weights.equinox import EQUINOX
from gruta.exchange.weights.flax_linen import FLAX_LINEN
from gruta.exchange.weights.flax_nnx import FLAX_NNX
from gruta.exchange.weights.framework import Framework
from gruta.exchange.weights.haiku import HAIKU
from gruta.exchange.weights.like_torch import MINDSPORE, PADDLE, TINYGRAD
from gruta.exchange.weights.mlx import MLX
from gruta.exchange.weights.ncnn import NCNN
from gruta.exchange.weights.openvino import OPENVINO
from gruta.exchange.weights.tensorflow_js import TENSORFLOW_JS

FRAMEWORKS: dict[str, Framework] = {
    one.name: one
    for one in (
        FLAX_LINEN,
        FLAX_NNX,
        HAIKU,
        EQUINOX,
        PADDLE,
        MINDSPORE,
        MLX,
        TINYGRAD,
        TENSORFLOW_JS,
        NCNN,
        OPENVINO,
    )
}
