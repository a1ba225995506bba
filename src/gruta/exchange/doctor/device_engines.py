"""Engines that have files of their own, as `engines` has those that take ONNX files."""

from collections.abc import Mapping, Sequence

from gruta.exchange.doctor.rules import Engine, Rule, free
from gruta.locale import translate as _

OPENVINO, NCNN, LITERT = "2026.4.1", "1.0.20261020", "2.3"
"""Versions."""

OPENVINO_LENGTHS = (
    Rule(
        "wrong",
        lambda layer: layer.lengths and free(layer),
        lambda: _(
            "sequence_lens: lengths are ignored while batch or time are free; "
            "model.reshape to fixed sizes cures it"
        ),
    ),
    Rule(
        "wrong",
        lambda layer: layer.lengths and not free(layer) and layer.initial != "zeros",
        lambda: _("sequence_lens: a row of length 0 loses its initial state"),
    ),
)

NEEDS_FLEX = Rule(
    "refused",
    lambda layer: layer.free_batch,
    lambda: _("a free batch needs Flex operators: fix its size before converting"),
)

DEVICES: Mapping[str, Sequence[Engine]] = {
    "openvino": [Engine("openvino", OPENVINO, OPENVINO_LENGTHS)],
    "ncnn": [
        Engine(
            "ncnn",
            NCNN,
            [
                Rule(
                    "refused",
                    lambda layer: not layer.hidden,
                    lambda: _("a layer without its sizes does not load: pnnx writes such of ONNX"),
                )
            ],
        )
    ],
    "tflite": [Engine("LiteRT", LITERT, [NEEDS_FLEX])],
}
"""By the format of their files."""
