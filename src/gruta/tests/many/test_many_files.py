"""Forecasts of series in very many files: what is written, what goes on, what is refused."""

import json
import os
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from gruta.errors import InputError
from gruta.tasks.forecast import Forecaster
from gruta.tasks.forecast.many import here
from gruta.tasks.forecast.many import outputs as many_outputs
from gruta.tasks.forecast.many.files import Place
from gruta.tasks.forecast.many.parts import Part, planned
from gruta.tasks.forecast.many.work import Worker
from gruta.tasks.forecast.task import TASK
from gruta.tests.deadly import Deadly
from gruta.tests.many.conftest import (
    SMALL,
    Stopped,
    contents,
    forecasts,
    outputs,
    rows_of,
    shops,
    stopping,
)


def test_answers_are_those_of_one_file_with_all(run, folder, tmp_path, in_this_process):
    whole = shops(0, 12)
    expected = Forecaster.load(run).predict(whole)
    whole.head(0).write_parquet(folder / "none.parquet")
    told = TASK.spread(run, str(folder), str(tmp_path / "out"), part_rows=120).to_json()
    names = ["a.1-of-2.parquet", "a.2-of-2.parquet"]
    names += [f"b.{i}-of-3.parquet" for i in (1, 2, 3)] + ["none.parquet"]
    assert list(outputs(tmp_path / "out")) == [
        *names, "region=SP/c.1-of-2.parquet", "region=SP/c.2-of-2.parquet"
    ]  # fmt: skip
    found = forecasts(tmp_path / "out")
    assert found.schema == expected.schema
    assert found[:, :2].equals(expected[:, :2])
    for name in found.columns[2:]:
        np.testing.assert_array_equal(found[name], expected[name])
    assert told["parts"] == 8
    assert (told["series"], told["unseen"], told["absent"]) == (12, 4, 0)
    assert told["rows"] == len(whole)


def test_what_was_stopped_goes_on_and_ends_with_the_same_bytes(
    run, folder, tmp_path, in_this_process
):
    line = (run, str(folder))
    TASK.spread(*line, str(tmp_path / "whole"), part_rows=120)
    with pytest.raises(Stopped):
        TASK.spread(*line, str(tmp_path / "out"), part_rows=120, watch=stopping(3))
    before = {name: path.stat().st_mtime_ns for name, path in outputs(tmp_path / "out").items()}
    assert len(before) == 3
    (tmp_path / "out" / ".a.parquet.host-1.partial").write_bytes(b"half")
    told = TASK.spread(*line, str(tmp_path / "out"), part_rows=120).to_json()
    assert (told["before"], told["changed"], told["series"]) == (3, 0, 12)
    after = outputs(tmp_path / "out")
    assert {name: after[name].stat().st_mtime_ns for name in before} == before
    assert contents(tmp_path / "out") == contents(tmp_path / "whole")
    assert not list((tmp_path / "out").glob(".*"))
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert {one["state"] for one in manifest["parts"]} == {"done"}
    assert manifest["parts"][0]["input"]["size"] == (folder / "a.parquet").stat().st_size
    assert [one["output"] for one in manifest["parts"]] == list(after)


def test_a_file_that_changed_is_done_again_and_the_others_are_not(
    run, folder, tmp_path, in_this_process
):
    out = tmp_path / "out"
    TASK.spread(run, str(folder), str(out), part_rows=120)
    before = contents(out)
    shops(0, 2).write_parquet(folder / "a.parquet")
    told = TASK.spread(run, str(folder), str(out), part_rows=120).to_json()
    assert (told["before"], told["changed"]) == (5, 0)  # of what is cut otherwise now none is left
    after = contents(out)
    assert before.keys() - after.keys() == {"a.1-of-2.parquet", "a.2-of-2.parquet"}
    assert {name for name in after if after[name] != before.get(name)} == {"a.parquet"}
    shops(9, 3, rows=61).write_parquet(folder / "region=SP" / "c.parquet")
    told = TASK.spread(run, str(folder), str(out), part_rows=120).to_json()
    assert (told["before"], told["changed"]) == (4, 2)


def test_forecasts_of_files_that_are_gone_go_and_of_unreadable_ones_stay(
    run, folder, tmp_path, in_this_process
):
    out = tmp_path / "out"
    line = (run, str(folder), str(out))
    TASK.spread(*line, part_rows=120)
    shops(0, 9).write_parquet(folder / "b.parquet")
    (folder / "a.parquet").unlink()
    lost = folder / "region=SP" / "c.parquet"
    whole, stamp = lost.read_bytes(), lost.stat().st_mtime_ns
    lost.write_bytes(whole[:99])
    spread = TASK.spread(*line)
    kept = [f"region=SP/c.{i}-of-2.parquet" for i in (1, 2)]
    assert list(outputs(out)) == ["b.parquet", *kept]
    assert forecasts(out)["unique_id"].value_counts()["count"].unique().to_list() == [3]
    assert list(spread.problems) == [str(lost)]
    assert f"there of it, {', '.join(kept)}, are kept" in spread.problems[str(lost)]
    told = json.loads((out / "manifest.json").read_text())["parts"]
    assert [(one["output"], one["state"]) for one in told] == [
        ("b.parquet", "done"), (kept[0], "failed"), (kept[1], "failed")
    ]  # fmt: skip
    lost.write_bytes(whole)
    os.utime(lost, ns=(stamp, stamp))
    assert TASK.spread(*line, part_rows=120).to_json()["before"] == 2
    lost.unlink()
    TASK.spread(*line)
    assert list(outputs(out)) == ["b.parquet"]


def test_forecasts_of_another_folder_or_of_others_are_never_removed(
    run, folder, tmp_path, in_this_process
):
    out, other = tmp_path / "out", tmp_path / "other"
    TASK.spread(run, str(folder), str(out))
    before = contents(out)
    other.mkdir()
    shops(20, 1).write_parquet(other / "z.parquet")
    with pytest.raises(InputError, match=r"out: .*a.parquet is there, of another file"):
        TASK.spread(run, str(other), str(out))
    (folder / "a.parquet").unlink()
    with pytest.raises(InputError, match="by another run or with other options"):
        TASK.spread(run, str(folder), str(out), horizon=2)
    assert contents(out) == before
    shops(0, 1).write_parquet(out / "a.parquet")
    with pytest.raises(InputError, match=r"a.parquet is there, and none of these forecasts"):
        TASK.spread(run, str(folder), str(out))
    assert (out / "a.parquet").exists()


def test_a_series_in_two_files_is_refused_by_name(run, folder, tmp_path, in_this_process):
    shops(3, 2).write_parquet(folder / "again.parquet")
    out = tmp_path / "out"
    with pytest.raises(InputError, match=r"2 series .*'s03' in \S+a.parquet and \S+again.parquet"):
        TASK.spread(run, str(folder), str(out))
    assert not out.exists()


def test_two_parts_with_one_output_are_refused(run, folder, tmp_path, in_this_process):
    out = tmp_path / "out"
    shops(20, 1).write_parquet(folder / "b.1-of-3.parquet")
    both = r"\S+b.1-of-3.parquet and \S+b.parquet, part 1 of 3 would both be written to b.1-of-3"
    with pytest.raises(InputError, match=both):
        TASK.spread(run, str(folder), str(out), part_rows=120)
    assert not out.exists()
    assert TASK.spread(run, str(folder), str(out)).to_json()["series"] == 13


def test_rows_without_a_name_in_two_files_fail_their_parts_alone(
    run, folder, tmp_path, in_this_process
):
    for name, first in (("x", 20), ("y", 22)):
        nobody = rows_of(None, 9, 0).cast({"unique_id": pl.String})
        pl.concat([shops(first, 2), nobody]).write_parquet(folder / f"{name}.parquet")
    spread = TASK.spread(run, str(folder), str(tmp_path / "out"))
    assert {Path(what).name for what in spread.problems} == {"x.parquet", "y.parquet"}
    assert spread.to_json()["series"] == 12


def test_a_bad_file_is_named_at_the_end_and_loses_no_other(
    run, folder, tmp_path, in_this_process, run_gruta
):
    whole = (folder / "a.parquet").read_bytes()
    (folder / "torn.parquet").write_bytes(whole[: len(whole) // 2])
    odd = rows_of("odd", 9, 0).with_columns(y=pl.lit("much"))
    odd.write_parquet(folder / "words.parquet")
    rows_of("s99", 9, 0).drop("y").write_parquet(folder / "lacks.parquet")
    out = tmp_path / "out"
    done = run_gruta("predict", run, folder, "--out", out, "--json")
    assert done.code == 2
    told = json.loads(done.out)
    assert (told["parts"], told["series"]) == (6, 12)
    problems = {Path(one["what"]).name: one["problem"] for one in told["failed"]}
    assert problems.keys() == {"torn.parquet", "words.parquet", "lacks.parquet"}
    assert "not a whole Parquet file" in problems["torn.parquet"]
    assert "column 'y': expected a number, found 'much'" in problems["words.parquet"]
    assert "expected a column 'y', as in training" in problems["lacks.parquet"]
    assert all(f"gruta: {problem}" in done.err for problem in problems.values())
    assert list(outputs(out)) == ["a.parquet", "b.parquet", "region=SP/c.parquet"]
    for name in problems:
        (folder / name).unlink()
    done = run_gruta("predict", run, folder, "--out", out)
    assert done.code == 0, done.err
    assert "parts that were there already" in done.out


def test_short_and_unvarying_series_are_forecast_or_told(run, tmp_path, in_this_process):
    place, out = tmp_path / "in", tmp_path / "out"
    place.mkdir()
    dull = rows_of("dull", 30, 0, value=4.0)
    dull.write_parquet(place / "dull.parquet")
    none = rows_of("none", 3, 0).with_columns(y=pl.lit(None, pl.Float64))
    some = pl.concat([rows_of("s00", 30, 0), rows_of("new", 29, 1)])
    pl.concat([some, none]).write_parquet(place / "x.parquet")
    refused = TASK.spread(run, str(place), str(out)).problems
    assert list(refused) == [str(place / "x.parquet")]
    assert "x.parquet: series 'none': 0 rows with a target" in next(iter(refused.values()))
    kept = tmp_path / "kept"
    told = TASK.spread(run, str(place), str(kept), short="leave-out").to_json()
    assert told["left_out"] == {"count": 1, "first": ["none"]}
    assert told["unseen"] == 2
    expected = Forecaster.load(run).predict(pl.concat([dull, some]))
    found = forecasts(kept)
    assert found["unique_id"].equals(expected["unique_id"])
    np.testing.assert_array_equal(found["forecast"], expected["forecast"])


def test_what_else_lies_there_is_left_alone(run, folder, tmp_path, in_this_process):
    out = tmp_path / "out"
    line = (run, str(folder), str(out))
    out.mkdir()
    shops(0, 1).write_parquet(out / "a.parquet")
    with pytest.raises(InputError, match=r"out: .*a.parquet is there, and none of these forecasts"):
        TASK.spread(*line)
    assert list(outputs(out)) == ["a.parquet"]
    (out / "a.parquet").unlink()
    TASK.spread(*line)
    with pytest.raises(InputError, match="by another run or with other options"):
        TASK.spread(*line, horizon=2)
    moved = folder.rename(tmp_path / "moved")
    with pytest.raises(InputError, match="is there, of another file"):
        TASK.spread(run, str(moved), str(out))
    for source in (moved, moved / "**" / "*.parquet", moved / "*.parquet"):
        with pytest.raises(InputError, match=r"out: .*is read too; name a directory beside"):
            TASK.spread(run, str(source), str(moved))
    with pytest.raises(InputError, match=r"out: .*is read too; name a directory beside"):
        TASK.spread(run, str(moved / "*" / "*.parquet"), str(moved))


def test_a_directory_may_be_an_address_of_this_machine(run, folder, tmp_path, in_this_process):
    TASK.spread(run, folder.as_uri(), (tmp_path / "out").as_uri())
    TASK.spread(run, str(folder), str(tmp_path / "plain"))
    assert contents(tmp_path / "out") == contents(tmp_path / "plain")


def test_a_place_that_is_away_is_told_in_a_sentence(run, folder, tmp_path, monkeypatch):
    from fsspec.implementations.memory import MemoryFileSystem

    def away(self, *_arguments, **_more):
        raise ConnectionError("nobody answers\nthere")

    place = Place("memory://forecasts")
    place.write("a.parquet", b"none")
    for name in ("find", "_open", "pipe_file", "rm_file"):
        monkeypatch.setattr(MemoryFileSystem, name, away)
    whole = r"^out: memory://forecasts{}: cannot be reached: nobody answers$"
    with pytest.raises(InputError, match=whole.format("")):
        place.names()
    with pytest.raises(InputError, match=whole.format("/a.parquet")), place.opened("a.parquet"):
        pass
    with pytest.raises(InputError, match=whole.format("/b.parquet")):
        place.write("b.parquet", b"")
    with pytest.raises(InputError, match=whole.format("/a.parquet")):
        place.remove(["a.parquet"])


def test_a_manifest_that_was_not_written_waits_for_the_next_time(
    run, folder, tmp_path, in_this_process, monkeypatch
):
    write, tries = Place.write, []

    def failing(self, name, content):
        if name == "manifest.json":
            tries.append(name)
            if len(tries) == 2:
                raise InputError(out="full")
        write(self, name, content)

    monkeypatch.setattr(Place, "write", failing)
    monkeypatch.setattr(many_outputs, "_LEAST_PAUSE", 0.0)
    monkeypatch.setattr(many_outputs, "_SHARE", 0.0)
    out = tmp_path / "out"
    assert not TASK.spread(run, str(folder), str(out)).problems
    assert len(tries) >= 3
    told = json.loads((out / "manifest.json").read_text())["parts"]
    assert {one["state"] for one in told} == {"done"}


def test_what_is_no_folder_of_series_is_refused(run, folder, tmp_path, run_gruta):
    out = str(tmp_path / "out")
    done = run_gruta("predict", run, folder)
    assert (done.code, done.err) == (
        2, "gruta: --out: expected a directory to write into, as there are many files\n"
    )  # fmt: skip
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=r"expected files that end with .parquet, found 0"):
        TASK.spread(run, str(tmp_path / "empty"), out)
    with pytest.raises(InputError, match="no file or folder of this name"):
        TASK.spread(run, str(tmp_path / "nowhere"), out)
    lone = tmp_path / "lone"
    Forecaster(**SMALL).fit(rows_of("a", 60, 0).drop("unique_id")).save(lone)
    with pytest.raises(InputError, match="expected a run of many series in long form"):
        TASK.spread(lone, str(folder), out)


def test_workers_that_are_killed_lose_nothing(run, folder, tmp_path):
    from gruta.tasks.forecast.many.files import files_of
    from gruta.tasks.forecast.many.work import Question

    out = tmp_path / "out"
    parts = planned(files_of(str(folder), str(out)), "unique_id", 240).parts
    assert len(parts) == 4
    place = Deadly(str(out), once=["a.parquet"], often=["region=SP/c.parquet"])
    done = list(here.done_here(parts, (run, Question(), "asked", place), workers=2))
    assert sorted(one.part.output for one in done) == [part.output for part in parts]
    assert {one.part.output for one in done if one.problem} == {"region=SP/c.parquet"}
    assert "was killed 3 times" in next(one.problem for one in done if one.problem)
    assert (tmp_path / "out.a.parquet").exists()  # somebody died of it
    alone = Place(str(tmp_path / "alone"))
    for one in map(Worker(run, Question(), "asked", alone), parts):
        assert not one.problem
    expected = contents(tmp_path / "alone")
    del expected["region=SP/c.parquet"]
    assert contents(out) == expected


def test_processes_that_cannot_begin_are_given_up_at_once(
    run, folder, tmp_path, monkeypatch, capfd
):
    from gruta.tasks.forecast.many.files import files_of
    from gruta.tasks.forecast.many.work import Question

    pools, pool = [], here._pool
    monkeypatch.setattr(here, "_pool", lambda *given: pools.append(1) or pool(*given))
    out = tmp_path / "out"
    parts = planned(files_of(str(folder), str(out)), "unique_id", 240).parts
    start = tmp_path / "nowhere", Question(), "asked", Place(str(out))
    with pytest.raises(InputError, match=r"processes end before they take a part: .*nowhere"):
        list(here.done_here(parts, start, workers=1))
    assert len(pools) == 1
    assert "Traceback" not in capfd.readouterr().err


def test_a_cluster_without_cores_yet_is_given_work_and_errors_tell_their_cause():
    from gruta.tasks.forecast.many.files import File
    from gruta.tasks.forecast.many.on_ray import _ahead, _lost

    assert [_ahead(found) for found in ({}, {"CPU": 0.0}, {"CPU": 3.0})] == [1, 1, 6]
    part, raised = Part(File("x.parquet", "x.parquet", 1, "")), RuntimeError("a long traceback")
    raised.cause = InputError("no run here")
    assert _lost(part, raised) == "x.parquet: no run here"
    raised.cause = OSError("no disk")
    assert _lost(part, raised) == "x.parquet: OSError: no disk"
    assert _lost(part, RuntimeError("lost")) == "x.parquet: Ray gave it up after 3 tries: lost"
