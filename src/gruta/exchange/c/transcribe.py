"""A recogniser in C: samples or features as they come, and the characters that are heard."""

from typing import Any

import numpy as np

from gruta.codec.audio.ctc import greedy
from gruta.codec.audio.mel import FLOORS, Mel, MelStream
from gruta.codec.audio.speech import SpeechCodec
from gruta.errors import InputError
from gruta.exchange.c.program import CELLS, Program
from gruta.exchange.c.source import Array, Weights, double, quoted
from gruta.locale import translate as _
from gruta.runtime.model import Model

_FRAMES = 48
"""Of the test."""


def compose(made: Program, weights: Weights, model: Model[Any]) -> None:
    """InputError for a network that reads backwards too, and for spectra that C does not make."""
    codec, s = model.codec, model.settings
    _require_streaming(codec, s)
    made.cell(s.cell)
    made.needs("sigmoid.c")
    made.types.append("convolution.c")
    parts = [(f"layer_{k}", f"layers.{k}.{{}}_l0") for k in range(s.layers)]
    made.layers("layers", parts, weights)
    made.matrix("output", weights, "output.weight", "output.bias")
    bands, maps = len(codec.names), not model.head.vectors
    width = _front(made, weights, model, bands if maps else 1, 1 if maps else bands)
    _norms(made, weights, s)
    for name, array in {"mean": codec.scaler.mean, "scale": codec.scaler.scale}.items():
        made.tables.doubles(name, array)
    letters = [codec.units.written(k) if k else "" for k in range(codec.size)]
    made.tables.texts("texts", letters, static=True)
    blank = np.array([int(not one.strip()) for one in letters])
    made.tables.whole("uint8_t", "is_blank", blank)
    made.values |= {
        "bands": bands,
        "units": codec.size,
        "hidden": s.hidden,
        "count": s.layers,
        "work": CELLS[s.cell][2] * s.hidden,
        "widest_found": width,
    }
    lines = {"BANDS": bands, "LAYERS": s.layers}
    if codec.mel is None:
        made.values |= {"silence": 0, "given": f"inputs + t * {made.name.upper()}_FEATURES"}
    else:
        lines |= _sound(made, codec.mel)
    made.constants.append("\n".join(f"#define {name} {value}" for name, value in lines.items()))
    made.flags |= {"norm"} if s.norm else set()
    made.flags |= {"integers"} if made.integers else set()
    made.header, made.test = "transcribe.h", "transcribe_test.c"
    made.code += ["mel.c"] if codec.mel is not None else []
    made.code.append("transcribe.c")
    _tell(made, model)


def _require_streaming(codec: SpeechCodec, s: Any) -> None:
    if s.direction != "forward":
        problem = _("it reads in both directions; train with direction forward")
        raise InputError(problem)
    if codec.by_recording:
        raise InputError(_("it scales each recording as a whole; train with normalise training"))
    mel = codec.mel
    if mel is not None and (not mel.centred or mel.size & (mel.size - 1)):
        problem = _("its spectra are Kaldi's, or not of a power of two of samples")
        raise InputError(problem)


def _front(made: Program, weights: Weights, model: Model[Any], width: int, maps: int) -> int:
    """The convolutions; how many numbers a frame has behind them."""
    rows, held, found = [], [], []
    for name, stream in zip(("first", "second"), model.head.streams_in_front(), strict=True):
        layer = stream.layer
        array, scale = weights.matrix(f"front.{name}.weight")
        if array.ndim == 3:
            array = array[..., None]
        frames, bands = array.shape[2:]
        step = layer.strides[1] if len(layer.strides) > 1 else 1
        wide = -(-width // step)
        turned = np.ascontiguousarray(array.transpose(0, 2, 3, 1))
        bias = weights.array(f"front.{name}.bias")
        filters = made.tables.matrix(f"front_{name}", (turned, scale), bias)
        sizes = frames, bands, maps, width, wide, layer.strides[0], step
        rows.append(f"    {{{', '.join(map(str, sizes))}, {filters}}},\n")
        held.append(frames * width * maps)
        width, maps = wide, layer.filters
        found.append(width * maps)
    made.constants.append(f"static const convolution front[2] = {{\n{''.join(rows)}}};")
    made.values |= {"first_held": held[0], "second_held": held[1]}
    made.values["widest_read"] = max(*found, model.settings.hidden)
    return found[1]


def _norms(made: Program, weights: Weights, s: Any) -> None:
    if not s.norm:
        return
    rows = []
    for k in range(s.layers):
        gain, offset = (weights.array(f"norms.{k}.{part}") for part in ("weight", "bias"))
        names = made.tables.floats(f"gain_{k}", gain), made.tables.floats(f"offset_{k}", offset)
        rows.append(f"    {{{', '.join(names)}}},\n")
    made.constants.append(
        f"static const float* const norms[{s.layers}][2] = {{\n{''.join(rows)}}};"
    )


def _sound(made: Program, mel: Mel) -> dict[str, int]:
    """Tables of spectra; sizes by their names in C."""
    size, tables = mel.size, made.tables
    turns = 2 * np.pi * np.arange(size // 2 + 1) / size
    tables.doubles("cosine", np.cos(turns))
    tables.doubles("sine", np.sin(turns))
    before = (size - mel.length) // 2
    tables.doubles("taper", mel.taper[before : before + mel.length])
    inside = mel.matrix != 0
    firsts = inside.argmax(0)
    widths = len(mel.matrix) - inside[::-1].argmax(0) - firsts
    tables.whole("int32_t", "band_firsts", firsts)
    tables.whole("int32_t", "band_widths", widths)
    columns = zip(mel.matrix.T, firsts, widths, strict=True)
    tables.doubles("band_weights", np.concatenate([own[a : a + n] for own, a, n in columns]))
    made.flags.add("sound")
    made.values |= {
        "rate": mel.rate,
        "fft": size,
        "floor": double(FLOORS[mel.way]),
        "silence": "s->begun ? SIZE / 2 : 0",
        "given": "inputs[t]",
    }
    return {"SIZE": size, "WINDOW": mel.length, "HOP": mel.step}


def _tell(made: Program, model: Model[Any]) -> None:
    name = made.name
    given = "a sample" if model.codec.mel is not None else "a frame"
    made.describe(
        f"{name}_init begins a recording. {name}_step hears {given} and gives what is heard by",
        f"then, {name}_finish what only the end makes sure of.",
    )
    if model.head.language is not None:
        note = _("In C each frame says its likeliest character, without the n-gram model.")
        made.notes.append(note)


def record(made: Program, model: Model[Any]) -> None:
    """Scores and text of a made-up recording."""
    codec, v = model.codec, made.vector
    given = _recording(codec)
    stream = model.head.stream()
    if codec.mel is None:
        parts = [stream.add(codec.encode(given)), stream.finish()]
    else:
        mel = MelStream(codec.mel)
        parts = [stream.add(codec.encode(mel.add(given)))]
        parts += [stream.add(codec.encode(mel.finish())), stream.finish()]
    scores = np.concatenate(parts)
    text = codec.text(greedy(scores))
    sizes = {"STEPS": len(given), "FRAMES": len(scores), "MOST_BYTES": 8 * len(scores) + 8}
    for name, value in (sizes | {"WIDEST": codec.size}).items():
        v.number(name, value)
    v.line(f"\nstatic const char transcript[] = {quoted(text)};")
    v.floats("inputs", given)
    v.doubles("expected", scores)


def _recording(codec: SpeechCodec) -> Array:
    """Noise that grows and fades over tones that rise, or features like those of the training."""
    rng = np.random.default_rng(0)
    if codec.mel is None:
        rows = rng.normal(size=(_FRAMES, len(codec.names)))
        return codec.scaler.decode(rows).astype(np.float32)
    count = _FRAMES * codec.mel.step
    at = np.arange(count) / codec.mel.rate
    tone = np.sin(2 * np.pi * (200 + 1500 * at) * at)
    sound = 0.2 * tone + 0.1 * np.sin(40 * at) * rng.normal(size=count)
    return np.asarray(sound, np.float32)
