"""Recurrent layers on their way to other frameworks and file formats, and back.

`to_onnx`, `to_keras` and `to_c` write a layer, `from_onnx` and `from_keras` read those of a file;
all prove that nothing has changed. No framework is loaded by importing this: what a format needs is
imported when it is read or written.
README.md has who stores what in which order.
"""

from gruta.exchange.doors import from_keras, from_onnx, to_c, to_keras, to_onnx
from gruta.exchange.layer import Layer, Side
from gruta.exchange.proof import Proof, prove

__all__ = [
    "Layer",
    "Proof",
    "Side",
    "from_keras",
    "from_onnx",
    "prove",
    "to_c",
    "to_keras",
    "to_onnx",
]
