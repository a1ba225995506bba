"""What a `.keras` or `.weights.h5` file says of its recurrent layers."""

from pathlib import Path

from gruta.errors import InputError
from gruta.exchange.doctor.finding import Diagnosis, Recurrent
from gruta.exchange.keras.archive import Kept, read, unread
from gruta.exchange.keras.bare import assumed, each, is_bare
from gruta.exchange.keras.layers import CELLS, beyond, layer_of
from gruta.locale import translate as _


def examine(path: Path) -> Diagnosis:
    """InputError for a file that is none of Keras 3."""
    alone = is_bare(path)
    kept = list(each(path)) if alone else read(path)
    doubts = [doubt for one in kept for doubt in _doubts(one)]
    if alone:
        doubts += [assumed(one) for one in kept]
    else:
        problem = _("{name}: {kind} is not read: make it a GRU, an LSTM or a SimpleRNN")
        doubts += [problem.format(name=name, kind=kind) for name, kind in unread(path)]
    kind = "keras_weights" if alone else "keras"
    return Diagnosis(str(path), kind, [_recurrent(one, alone) for one in kept], doubts)


def _recurrent(kept: Kept, alone: bool) -> Recurrent:
    given, cell = kept.config, CELLS[kept.kind]
    kernel, recurrent = kept.sides[0][:2]
    after = bool(given.get("reset_after", False))
    functions = ["activation"] if cell == "rnn" else ["recurrent_activation", "activation"]
    backwards = kept.wrapped is None and bool(given.get("go_backwards"))
    return Recurrent(
        name=kept.name,
        cell=cell,
        inputs=int(kernel.shape[0]),
        hidden=int(recurrent.shape[0]),
        direction="bidirectional" if kept.wrapped else "reverse" if backwards else "forward",
        reset="" if cell != "gru" else "after" if after else "before",
        activations=tuple(str(given.get(name)) for name in functions),
        plain_activations=not any("activation" in name for name in beyond(kept)),
        bias=len(kept.sides[0]) > 2,
        lengths=kept.masked,
        initial="untold" if alone else "given" if kept.given_state else "zeros",
        free_batch=kept.fixed[0] is None,
        free_time=kept.fixed[1] is None,
        fixed_time=kept.fixed[1],
        precision=str(kernel.dtype),
    )


def _doubts(kept: Kept) -> list[str]:
    """Weights that do not go with the settings, and settings that others read differently."""
    found = []
    plain = Kept(kept.name, kept.kind, {**kept.config, **_PLAIN}, None, kept.sides)
    try:
        layer_of(plain)
    except InputError as error:
        found.append(str(error))
    if kept.around:
        problem = _("{name}: an RNN of cells, told as a {kind}; engines were tried with that")
        found.append(problem.format(name=kept.name, kind=kept.kind))
    merged = (kept.wrapped or {}).get("merge_mode", "concat")
    if merged != "concat":
        problem = _("{name}: merge_mode={mode!r}: only concat has an image outside Keras")
        found.append(problem.format(name=kept.name, mode=merged))
    return found


_PLAIN = {"activation": "tanh", "recurrent_activation": "sigmoid", "go_backwards": False}
