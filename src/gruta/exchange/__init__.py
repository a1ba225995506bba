"""Recurrent layers on their way to other frameworks and file formats, and back.

`to_onnx`, `to_keras` and `to_c` write a layer, `from_onnx` and `from_keras` read those of a file,
`to_weights` and `from_weights` name weights as other frameworks do; all prove that nothing has
changed. No framework is loaded by importing this: what a format needs is imported when it is read
or written.
README.md has who stores what in which order.
"""

from gruta.exchange.doors import from_keras, from_onnx, to_c, to_keras, to_onnx
from gruta.exchange.layer import Layer, Side
from gruta.exchange.proof import Proof, proof_of, prove
from gruta.exchange.weights.door import Mapped, from_weights, to_weights
from gruta.exchange.weights.known import FRAMEWORKS

__all__ = [
    "FRAMEWORKS",
    "Layer",
    "Mapped",
    "Proof",
    "Side",
    "from_keras",
    "from_onnx",
    "from_weights",
    "proof_of",
    "prove",
    "to_c",
    "to_keras",
    "to_onnx",
    "to_weights",
]
