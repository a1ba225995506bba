"""The table of engines is run again, rule by rule: a release that mends itself is noticed.

`make engines` makes what is not in this Python. What ends an engine's process is not tried.
"""

from itertools import product

import numpy as np
import pytest

from gruta.exchange.compute import compute
from gruta.exchange.conftest import KINDS, drawn
from gruta.exchange.doctor import page
from gruta.exchange.doctor.conftest import (
    CLOSE,
    answers,
    deciding,
    node_file,
    require_some_right,
    rules,
    verdict,
)
from gruta.exchange.doctor.engines import ENGINES, misread, table
from gruta.exchange.doctor.finding import Recurrent
from gruta.exchange.doctor.look import examine
from gruta.exchange.doctor.tried import Asked, asked
from gruta.exchange.onnx.write import pieces

STATES = {"gru": ["initial_h"], "lstm": ["initial_h", "initial_c"], "rnn": ["initial_h"]}
ACTIVATIONS = {"gru": ["Sigmoid", "Elu"], "lstm": ["Sigmoid", "Elu", "Tanh"], "rnn": ["Elu"]}
T, B, I, H = 7, 3, 3, 4
ENDS = "the process ends"


def made(path, layer: Recurrent):
    """A file with such a layer."""
    attributes = {"direction": layer.direction}
    if layer.reset:
        attributes["linear_before_reset"] = int(layer.reset == "after")
    if not layer.plain_activations:
        attributes["activations"] = ACTIVATIONS[layer.cell]
    elif layer.activations == ("Relu",):
        attributes["activations"] = ["Relu"]
    said = {"clip": layer.clip, "layout": layer.layout, "input_forget": int(layer.input_forget)}
    attributes |= {key: value for key, value in said.items() if value}
    states = [] if layer.initial == "zeros" else STATES[layer.cell]
    extra = {"P": layer.peepholes, "sequence_lens": layer.lengths}
    return node_file(
        path,
        layer.cell.upper(),
        given=[*states, *(name for name, wanted in extra.items() if wanted)],
        kept=states if layer.initial == "constant" else (),
        fixed=None if layer.free_time else (T, B),
        dtype=np.dtype(layer.precision),
        looped=layer.looped,
        turned_beside=layer.turned_beside,
        **attributes,
    )


def cases():
    """The page's, and what its rules say of other cells."""
    usual = {"initial": "given", "final": True}
    more = [
        Recurrent("gru", "gru", I, H, reset="after", looped=True, **usual),
        Recurrent("gru", "gru", I, H, reset="after", turned_beside=True, **usual),
        Recurrent("lstm", "lstm", I, H, clip=0.5, **usual),
        Recurrent("lstm", "lstm", I, H, plain_activations=False, **usual),
        Recurrent("lstm", "lstm", I, H, layout=1, **usual),
        Recurrent("lstm", "lstm", I, H, direction="reverse", **usual),
        Recurrent("lstm", "lstm", I, H, direction="bidirectional", **usual),
        Recurrent("lstm", "lstm", I, H, initial="constant", final=True),
        Recurrent("lstm", "lstm", I, H, lengths=True, **usual),
        Recurrent("rnn", "rnn", I, H, clip=0.5, **usual),
        Recurrent("rnn", "rnn", I, H, plain_activations=False, **usual),
        Recurrent("rnn", "rnn", I, H, layout=1, **usual),
        Recurrent("rnn", "rnn", I, H, layout=1, initial="zeros", final=True),
        Recurrent("rnn", "rnn", I, H, direction="reverse", **usual),
        Recurrent("rnn", "rnn", I, H, lengths=True, **usual),
    ]
    return [case.layer for case in page._onnx()] + more


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """The cases' files, each with its layer as the doctor tells of it."""
    folder = tmp_path_factory.mktemp("cases")
    paths = [made(folder / f"{k}.onnx", layer) for k, layer in enumerate(cases())]
    return [(path, *examine(path).layers) for path in paths]


@pytest.fixture(scope="module")
def ran(told, engines):
    """What an engine makes of each case, by its number; run once, and not where it is not here."""

    kept = {}

    def of(engine):
        if engine.name not in kept:
            own = [k for k, (_path, layer) in enumerate(told) if not ending(engine, layer)]
            found = answers(engines, engine.name, [asked(told[k][0]) for k in own])
            require_some_right(engine, [told[k][1] for k in own], found)
            kept[engine.name] = dict(zip(own, found, strict=True))
        return kept[engine.name]

    return of


def ending(engine, layer):
    return any(rule.why().endswith(ENDS) for rule in deciding(engine, layer))


@pytest.mark.parametrize(("engine", "rule"), rules("onnx"))
def test_an_engine_still_does_with_onnx_files(engine, rule, told, ran):
    own = [k for k, (_path, layer) in enumerate(told) if deciding(engine, layer) == [rule]]
    if rule.why().endswith(ENDS):
        pytest.skip("what ends an engine's process is not tried")
    assert own, "no case stands on this rule alone"
    found = [ran(engine)[k] for k in own]
    assert [verdict(one) for one in found] == [rule.verdict] * len(own), found


@pytest.mark.parametrize("engine", ENGINES["onnx"], ids=lambda one: one.name)
def test_what_no_rule_speaks_of_is_right_and_what_several_do_is_as_they_say(engine, told, ran):
    changed = []
    for k, trial in ran(engine).items():
        layer = told[k][1]
        (row,) = (row for row in table("onnx", [layer]) if row.engine == engine.name)
        alone = len(deciding(engine, layer)) == 1
        close = row.verdict != "right" or (trial.error is not None and trial.error < CLOSE)
        if not alone and (row.verdict != verdict(trial) or not close):
            changed.append((row.verdict, trial, layer))
    assert not changed


def written(path, form, directions, lengths, batch_first, sizes):
    """Two layers as `to_onnx` writes them, and what the reference makes of them."""
    rng = np.random.default_rng(0)
    first = drawn(rng, I, H, directions=directions, **form)
    layers = [first, drawn(rng, H * len(directions), H, directions=directions, **form)]
    told = {"batch_first": batch_first, "lengths": lengths, "sizes": sizes}
    path.write_bytes(b"".join(pieces(layers, **told)))
    given, wanted = [], []
    for T, B in [sizes] if sizes else ((1, 1), (7, 3), (40, 2)):
        x = rng.normal(size=(T, B, I)).astype(np.float32)
        shape = (1 + (form["cell"] == "lstm"), 2 * len(directions), B, H)
        states = list(rng.normal(size=shape).astype(np.float32))
        counts = np.linspace(0, T, B).astype(np.int64) if lengths else None
        y, *finals = compute(layers, x, states, counts, truth=True)
        named = dict(zip(("h_0", "c_0"), states, strict=False))
        named["x"] = x.swapaxes(0, 1) if batch_first else x
        given.append(named | ({"lengths": counts} if lengths else {}))
        wanted.append([y.swapaxes(0, 1) if batch_first else y, *finals])
    return Asked(path, given, wanted)


@pytest.mark.parametrize("sizes", [None, (7, 3)], ids=["free", "fixed"])
@pytest.mark.parametrize("engine", ["onnxruntime-web", "openvino", "tract"])
def test_what_is_written_is_right_in_an_engine_or_that_it_is_not_is_said(
    engine, sizes, engines, tmp_path
):
    files, forms, ways = [], [], ((False,), (True,), (False, True))
    for kind, directions, lengths in product(KINDS, ways, (False, True)):
        by_row = len(files) // 2 % 2 == 1
        told = KINDS[kind], directions, lengths, by_row, sizes
        forms.append((kind, lengths))
        files.append(written(tmp_path / f"{len(files)}.onnx", *told))
    found = answers(engines, engine, files)
    for (kind, lengths), file, trial in zip(forms, files, found, strict=True):
        said = [note for note in misread(examine(file.path).layers) if engine in note]
        if engine == "tract" and (kind, lengths) == ("lstm", True):
            assert trial.error < 40 * 2e-6  # c, by as much a step past a row's end
            continue
        assert verdict(trial) == ("wrong" if said else "right"), (kind, lengths, trial)
        assert said or trial.error < CLOSE
        assert bool(said) == ((engine, kind) == ("tract", "rnn-relu"))
