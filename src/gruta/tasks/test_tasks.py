"""Every registered task keeps the contract of task.py."""

import shutil
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch

import gruta.tasks.fitting
from gruta.errors import InputError
from gruta.locale import spoken
from gruta.nn.draws import drawing
from gruta.report.terminal import lines
from gruta.runs import MODEL, Run
from gruta.settings import resolve
from gruta.tasks import registry
from gruta.tasks.caption.conftest import SMALL, clips, pictures
from gruta.tasks.classify.conftest import waves, words
from gruta.tasks.conftest import PHONEMES, tones
from gruta.tasks.fitting import fit
from gruta.tasks.forecast.conftest import hourly
from gruta.tasks.generate.conftest import rhyme
from gruta.tasks.generate.notes.conftest import as_rolls, tunes
from gruta.tasks.look import xrayed
from gruta.tasks.rehearsal import rehearse
from gruta.tasks.trained import Trained
from gruta.tasks.transcribe.conftest import archive
from gruta.tasks.translate.conftest import sentences, sounds
from gruta.train import Progress, train

SHORT = {"hidden": 6, "steps": 20, "batch_size": 8, "validate_every": 5, "checkpoint_every": 5}
EXAMPLES = {
    "forecast": ("forecast", hourly(), SHORT | {"horizon": 3, "lookback": 24}, "y"),
    "classify texts": ("classify", words(), SHORT | {"embedding": 5, "layers": 2}, "label"),
    "classify series": ("classify", waves(), SHORT | {"pooling": "attention"}, "a"),
    "generate": ("generate", rhyme(), SHORT | {"embedding": 5, "tbptt": 16}, None),
    "generate notes": (
        "generate",
        as_rolls(tunes(30)),
        SHORT | {"units": "notes", "frames": 1, "embedding": 5, "tbptt": 16},
        None,
    ),
    "translate texts": ("translate", sentences(), SHORT | {"embedding": 5}, "target"),
    "translate words": (
        "translate",
        sounds(),
        SHORT | {"embedding": 5, "input_feeding": True, "attention": "additive", "cell": "lstm"},
        "sounds",
    ),
    "transcribe features": ("transcribe", archive(), SHORT | {"filters": 2, "layers": 2}, None),
    "speak": (
        "speak",
        tones(),
        SHORT
        | {"rate": 2000, "bands": 16, "embedding": 5, "encoder": 5, "prenet": 5, "cell": "lstm"},
        None,
    ),
    "speak phonemes": (
        "speak",
        tones(),
        SHORT
        | {"rate": 2000, "bands": 16, "embedding": 5, "encoder": 5, "prenet": 5}
        | {"phonemes": str(PHONEMES)},
        None,
    ),
    "vocode": ("vocode", tones(), SHORT | {"rate": 2000, "bands": 16, "frames": 3}, None),
    "caption pictures": ("caption", pictures(), SHORT | SMALL, "caption"),
    "caption clips": (
        "caption",
        clips(),
        SHORT
        | SMALL
        | {"cell": "lstm", "frames": 3, "input_feeding": True, "layers": 2, "flip": True},
        "picture",
    ),
}
"""By name: the task, a table or text that it reads, settings that make it small, a column to spoil.
"""


HEARING = ("transcribe", "vocode", "speak")
"""Tasks whose examples are archives of NumPy."""


class PowerCut(Exception):
    pass


def written(example, place):
    """An example's task, its data in a file in the folder `place`, and its settings."""
    name, content, given, _column = EXAMPLES[example]
    task = registry.task(name)
    kind = {str: "txt", bytes: "npz" if name in HEARING else "json"}
    source = place / f"data.{kind.get(type(content), 'csv')}"
    if isinstance(content, str | bytes):
        source.write_bytes(content.encode() if isinstance(content, str) else content)
    else:
        content.write_csv(source)
    return task, source, resolve(task.settings, given)


@pytest.fixture(params=EXAMPLES, scope="module")
def example(request, tmp_path_factory):
    """The task, its data in a file, its settings, a whole training, and a column to spoil."""
    place = tmp_path_factory.mktemp("example")
    task, source, settings = written(request.param, place)
    column = EXAMPLES[request.param][-1]
    fitted = fit(task, source, settings, place / "whole")
    return task, source, settings, fitted, column


def test_every_task_has_an_example():
    assert {name for name, *_ in EXAMPLES.values()} == set(registry.HOMES)


def test_training_cut_off_goes_on_to_the_same_bits(example, tmp_path, monkeypatch):
    task, source, settings, _, _ = example

    def cut_off(lesson, *rest):
        batch = lesson.batch
        lesson.batch = lambda step: batch(step) if step != 12 else cut()
        return train(lesson, *rest)

    def cut():
        raise PowerCut

    with monkeypatch.context() as patched:
        patched.setattr(gruta.tasks.fitting, "train", cut_off)
        with pytest.raises(PowerCut):
            fit(task, source, settings, tmp_path / "cut")
    fit(task, source, settings, tmp_path / "cut", resume=True)
    whole = source.with_name("whole")
    for file in (MODEL, "codec.json"):
        assert (tmp_path / "cut" / file).read_bytes() == (whole / file).read_bytes()


def test_batches_drawn_ahead_are_the_same_to_the_bit(example, tmp_path):
    task, source, settings, _, _ = example
    ahead = settings.model_copy(update={"ahead": 3})
    fit(task, source, ahead, tmp_path / "ahead")
    expected = (source.with_name("whole") / MODEL).read_bytes()
    assert (tmp_path / "ahead" / MODEL).read_bytes() == expected


def test_batch_in_shares_has_the_loss_and_the_gradient_of_the_whole(example):
    task, source, settings, _, _ = example
    quiet = {"word_dropout": 0.0} if "word_dropout" in type(settings).model_fields else {}
    settings = settings.model_copy(update=quiet)
    data = task.read(source, settings)
    codec = task.fit_codec(data, settings)
    with drawing(0):
        lesson = task.lesson(task.network(codec, settings), codec, data, settings)
    lesson.prepare(Progress())
    network = lesson.model.eval()
    for p in network.parameters():  # an output that is zero at the start tells nothing
        torch.nn.init.normal_(p, std=0.1, generator=torch.Generator().manual_seed(1))

    def found(count):
        network.zero_grad()
        losses = []
        for share in lesson.shares(lesson.batch(0), count):
            if share.weight:
                loss = lesson.loss(share.batch, None)[0] * share.weight
                loss.backward()
                losses.append(float(loss.detach()))
        gradient = [p.grad.flatten() for p in network.parameters() if p.grad is not None]
        return sum(losses), torch.cat(gradient)

    loss, gradient = found(1)
    for count in (2, 3, settings.batch_size + 1):
        in_parts = found(count)
        assert in_parts[0] == pytest.approx(loss, rel=1e-6)
        assert in_parts[1] == pytest.approx(
            gradient, rel=1e-5, abs=1e-6 * float(gradient.abs().max())
        )


def test_saved_and_loaded_it_answers_alike(example, tmp_path):
    task, source, _, fitted, _ = example
    fitted.trained.save(tmp_path / "kept")
    expected = task.answer(fitted.trained, source)
    for path in (tmp_path / "kept", source.with_name("whole")):
        assert registry.task_of(path).name == task.name
        assert task.answer(Trained.load(path, task), source).equals(expected)


def test_weights_of_another_network_are_refused(example, tmp_path):
    task, source, _, _, _ = example
    run = Run(shutil.copytree(source.with_name("whole"), tmp_path / "run"))
    about = run.read_json("run.json")
    del about["settings"]
    run.write_json("run.json", about)
    changed = (run.path / "settings.toml").read_text().replace("hidden = 6", "hidden = 7")
    (run.path / "settings.toml").write_text(changed)
    with pytest.raises(InputError, match=r"do not fit together \(.*expected shape"):
        Trained.load(run.path, task)


def test_simple_models_stand_beside_the_network(example):
    task, source, settings, fitted, _ = example
    found = task.evaluate(fitted.trained, **task.held_out(source, settings))
    network, *simple = found.scores
    assert network.model.split("+")[0] == settings.cell
    assert network.parameters > 0
    assert len(simple) >= 2
    for metric in task.metrics:
        assert all(metric.name in scores.values for scores in found.scores)
        assert metric.best is None or network.values[metric.name] is not None
    assert set(found.lost_to) <= {scores.model for scores in simple}


def test_simple_models_are_not_fitted_again_for_another_network(example, monkeypatch):
    task, source, settings, fitted, _ = example
    given = task.held_out(source, settings)
    first = task.evaluate(fitted.trained, **given)
    fits = "baselines" if task.name == "forecast" else "simple_models"
    monkeypatch.setattr(f"{type(first).__module__}.{fits}", None)
    again = task.evaluate(fitted.trained, like=first, **given)
    assert [s.to_json() for s in again.scores] == [s.to_json() for s in first.scores]


@pytest.mark.parametrize("language", ["en", "pt_BR"])
def test_page_and_terminal_say_the_same_in_both_languages(example, language):
    task, source, settings, fitted, _ = example
    with spoken(language):
        found = task.evaluate(fitted.trained, **task.held_out(source, settings))
        told = task.report(fitted.trained, found, fitted.metrics)
        told.save(source.with_name("page.html"))
        table, verdict = task.scores(found), task.verdict(found)
    page = source.with_name("page.html").read_text("utf-8")
    assert verdict == told.lead
    assert all(row[0] in page for row in table.rows)
    assert [str(cell) for cell in lines(table).columns[0].cells] == [row[0] for row in table.rows]
    assert f'lang="{language.replace("_", "-")}"' in page
    assert {"loss", "gradient"} < told.plot().keys()


def test_a_loaded_network_is_reported_on_without_its_training(example):
    task, source, settings, _, _ = example
    trained = Trained.load(source.with_name("whole"), task)
    told = task.report(trained, task.evaluate(trained, **task.held_out(source, settings)), [])
    assert told.plot()
    assert "loss" not in told.plot()


def test_network_can_be_looked_into(example):
    task, source, _, fitted, _ = example
    found = xrayed(task, fitted.trained, source)
    assert found.views
    assert np.isfinite(found.loss)
    assert all(np.isfinite(view.one.h).all() for view in found.views)


def test_head_computes_what_the_network_does(example):
    task, source, _, fitted, _ = example
    trained = fitted.trained
    for weights in trained.weights.values():  # of an output that is not zero at the start
        if weights.dtype.kind == "f" and not weights.any():
            weights += np.random.default_rng(0).normal(size=weights.shape).astype("f")
    look = task.look(trained, source)
    with torch.no_grad():
        network = look.model(*look.inputs)
    expected = (network[0] if isinstance(network, tuple) else network).numpy()
    found = trained.head(look.arrays)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


def test_an_error_in_the_data_names_file_and_place(example, tmp_path):
    task, source, settings, _, column = example
    if column is None:
        path = tmp_path / f"spoilt{source.suffix}"
        content = source.read_bytes() + "é".encode() + b"\xe9"
        path.write_bytes(content[: len(content) // 2] if task.name in HEARING else content)
        told = rf"{path}: (.* byte [\d,]+ |not JSON .* position \d+|not an array of NumPy)"
        with pytest.raises(InputError, match=told):
            fit(task, path, settings, tmp_path / "run")
        assert not (tmp_path / "run").exists()
        return
    wrong = None if column in ("label", "target", "sounds", "caption") else "many"
    spoilt = pl.read_csv(source, infer_schema=False).with_columns(
        pl.when(pl.int_range(pl.len()) == 4)
        .then(pl.lit(wrong))
        .otherwise(pl.col(column))
        .alias(column)
    )
    path = Path(tmp_path / "spoilt.csv")
    spoilt.write_csv(path)
    with pytest.raises(InputError, match=rf"{path}: row 5, column '{column}': "):
        fit(task, path, settings, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_rehearsal_tells_the_data_and_keeps_nothing(example):
    task, source, settings, fitted, _ = example
    found = rehearse(task, source, settings)
    trained = fitted.trained.network
    assert found.parameters == sum(p.numel() for p in trained.parameters())
    assert found.seconds > 0
    told = found.to_json()
    assert {"parameters", "seconds", "bytes", "data"} == set(told)
    with spoken("pt_BR"):
        assert dict(found.told())
        assert found.to_json() == told
        assert "O que seria treinado" in found.table().caption


@pytest.mark.parametrize("verb", ["evaluate", "predict", "inspect", "explain", "generate"])
def test_an_option_of_several_tasks_takes_the_same_of_each(verb):
    """The command line has one option for all of them."""
    kinds = {}
    for task in registry.all_tasks():
        for name, field in getattr(task.options, verb).model_fields.items():
            assert kinds.setdefault(name, field.annotation) == field.annotation, name
