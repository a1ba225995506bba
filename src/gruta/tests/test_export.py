"""`gruta export`: what is written, what it tells of smaller weights, and what it refuses."""

import json
import re
import shutil
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import gruta
from gruta.tasks import calibrated, changed, registry, smaller
from gruta.tasks.trained import Trained

RELEASES = sorted(Path(__file__).with_name("data").iterdir())


@pytest.mark.parametrize("left", RELEASES, ids=lambda path: path.name)
def test_a_run_of_an_earlier_version_is_exported_and_forecasts_the_same(left, run_gruta, tmp_path):
    done = run_gruta("export", left / "finished", tmp_path / "m.gruta")
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith(f"Wrote {tmp_path}/m.gruta: ")
    table = pl.read_csv(left / "series.csv", try_parse_dates=True)
    model = gruta.load(tmp_path / "m.gruta")
    columns = model.codec.encoding.columns
    rows = table[columns.target].count()
    given = {name: table[name].to_list() for name in columns.known}
    past = {name: table[name][:rows].to_list() for name in columns.past}
    target = table[columns.target][:rows].to_list()
    found = model(target, start=table[columns.time][0], known=given, past=past)
    then = pl.read_csv(left / "forecast.csv", try_parse_dates=True)
    assert found.times.tolist() == then[columns.time].to_list()
    np.testing.assert_allclose(found.median, then["forecast"].to_numpy(), rtol=1e-5)


def test_smaller_weights_are_held_to_the_score(trained, run_gruta, tmp_path, monkeypatch):
    _done, run, _path = trained
    out = tmp_path / "m.gruta"
    done = run_gruta("export", run, out, "--weights", "int8", "--json")
    told = json.loads(done.out)
    assert done.code == 0
    assert told["well"] is True
    assert told["clipped_at"] in calibrated.SHARES
    assert told["bytes"] == out.stat().st_size < told["bytes_float32"]
    assert abs(told["after"] - told["before"]) <= told["standard_error"]
    assert 0 < told["seconds_before"] < 60
    assert 0 < told["seconds_after"] < 60
    done = run_gruta("export", run, out, "--weights", "float16")
    assert "MAE on what training did not see: " in done.out
    assert "within its standard error of " in done.out
    assert re.search(r"that took [0-9.]+ s in float32, [0-9.]+ s in float16\.\n$", done.out)

    def spoilt(trained, weights, widened):
        return {name: own * 3 for name, own in trained.weights.items()}

    monkeypatch.setattr(smaller, "rounded", spoilt)
    done = run_gruta("export", run, out, "--weights", "bfloat16")
    assert done.code == 1
    assert "more than its standard error of " in done.out
    assert "this is not as good; take float16." in done.out


def test_a_run_whose_data_have_changed_is_not_scored_and_that_is_told(trained, run_gruta, tmp_path):
    _done, run, path = trained
    kept = path.read_text()
    path.write_text(kept.replace("9", "8"))
    try:
        done = run_gruta("export", run, tmp_path / "m.gruta", "--weights", "float16")
    finally:
        path.write_text(kept)
    assert done.code == 0
    assert "Not scored, so nobody knows what the rounding costs: " in done.out
    assert "not what the run was trained on any more" in done.out


def test_every_task_is_scored_by_what_decides_there(files):
    for trained, source, _path in files.values():
        known = Trained.load(source.parent / "run", registry.task(trained.task.name))
        found = smaller.smaller(known, "float32").change
        assert found.before == found.after
        assert found.well or found.error is None
        judged = [metric.name for metric in trained.task.metrics]
        assert found.name in {*judged, "exact", "crps", "nats"}


def test_whole_numbers_are_clipped_as_the_validation_part_likes_best(files, monkeypatch):
    for trained, source, _path in files.values():
        known = Trained.load(source.parent / "run", registry.task(trained.task.name))
        losses, loss = [], calibrated._loss

        def watched(*given, losses=losses, loss=loss):
            losses.append(loss(*given))
            return losses[-1]

        monkeypatch.setattr(calibrated, "_loss", watched)
        found, share = calibrated.calibrated(known, changed.seen(known).data)
        monkeypatch.undo()
        assert share == calibrated.SHARES[np.argmin(losses)]
        assert all(np.isfinite(losses))
        for name, weight in known.weights.items():
            if weight.ndim == 2 and found.weights[name] is not weight:
                most = np.abs(weight).max(1)
                np.testing.assert_allclose(np.abs(found.weights[name]).max(1), share * most, 1e-6)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["--to", "tf"], "--to: expected one of gruta, c, onnx, got 'tf'"),
        (["--to", "onnx", "--weights", "int8"], "--to onnx: expected float32, got 'int8'"),
        (["--weights", "int4"], "--weights: expected one of float32, float16, bfloat16, int8, got"),
    ],
)
def test_what_cannot_be_written_is_told(trained, run_gruta, tmp_path, given, message):
    done = run_gruta("export", trained[1], tmp_path / "m.gruta", *given)
    assert (done.code, done.out) == (2, "")
    assert message in done.err
    assert not (tmp_path / "m.gruta").exists()


def test_nothing_is_left_where_it_cannot_be_written(trained, run_gruta, tmp_path):
    done = run_gruta("export", trained[1], tmp_path / "none" / "m.gruta")
    assert done.code == 2
    assert "none: expected a directory to write m.gruta into" in done.err
    unfinished = shutil.copytree(trained[1], tmp_path / "run")
    (unfinished / "model.safetensors").unlink()
    done = run_gruta("export", unfinished, tmp_path / "m.gruta")
    assert done.code == 2
    assert "model.safetensors is missing, the run is incomplete" in done.err
    assert not list(tmp_path.glob("*.gruta"))
