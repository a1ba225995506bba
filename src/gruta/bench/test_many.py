"""Files for forecasts of many series, and places that are taken up again."""

from dataclasses import replace

import polars as pl
import pytest

from gruta.bench import many
from gruta.bench.many import Task, runs
from gruta.errors import InputError

SMALL = Task(series=7, days=40, files=5, horizon=3, hidden=4)


@pytest.fixture
def without_commands(monkeypatch):
    """A run is not trained: that takes seconds."""
    monkeypatch.setattr(many, "_gruta", lambda *arguments: "")


def test_series_are_spread_over_all_files_and_each_is_in_one(tmp_path, without_commands):
    source, _run = many._made(tmp_path, SMALL)
    found = [pl.read_parquet(path)["unique_id"].unique() for path in sorted(source.iterdir())]
    assert [len(names) for names in found] == [2, 2, 1, 1, 1]
    assert pl.concat(found).n_unique() == 7


def test_a_place_of_another_task_is_refused(tmp_path, without_commands):
    many._made(tmp_path, SMALL)
    many._made(tmp_path, SMALL)
    with pytest.raises(InputError, match=r'place: .*is of another task, .*"series": 7'):
        many._made(tmp_path, replace(SMALL, series=8))
    (tmp_path / many.TASK).unlink()
    with pytest.raises(InputError, match="is of another task"):
        many._made(tmp_path, SMALL)


def test_more_files_than_series_and_commands_that_fail_are_told(tmp_path):
    with pytest.raises(InputError, match="files: expected at most as many as series, 7; got 8"):
        list(runs(replace(SMALL, files=8), [1], "", tmp_path))
    with pytest.raises(InputError, match="gruta predict ended with status 2; what it said is"):
        many._gruta("predict", tmp_path / "nowhere", tmp_path)
