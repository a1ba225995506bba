"""Forecasts of many files by Ray, with processes of it that are killed: `make test-ray`."""

import shutil

import pytest

from gruta.errors import InputError
from gruta.runs import MODEL
from gruta.tasks.forecast.many.files import Place, files_of
from gruta.tasks.forecast.many.parts import planned
from gruta.tasks.forecast.many.work import Question, Worker
from gruta.tests.deadly import Deadly
from gruta.tests.many.conftest import contents

ray = pytest.importorskip("ray")


# What Ray leaves open as it ends is its own.
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::FutureWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_ray_begins_anew_what_a_killed_process_was_at(run, folder, tmp_path, monkeypatch):
    from gruta.tasks.forecast.many.on_ray import done_on_ray

    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    out, alone = tmp_path / "out", Place(str(tmp_path / "alone"))
    parts = planned(files_of(str(folder), str(out)), "unique_id", 240).parts
    for one in map(Worker(run, Question(), "asked", alone), parts):
        assert not one.problem
    place = Deadly(str(out), once=["a.parquet"], often=["region=SP/c.parquet"])
    done = {
        one.part.output: one for one in done_on_ray(parts, (run, Question(), "asked", place), 2)
    }
    assert done.keys() == {part.output for part in parts}
    assert (tmp_path / "out.a.parquet").exists()  # somebody died of it
    problem = done.pop("region=SP/c.parquet").problem
    assert "Ray gave it up after 3 tries" in problem
    assert {one.problem for one in done.values()} == {""}
    expected = contents(tmp_path / "alone")
    del expected["region=SP/c.parquet"]
    assert contents(out) == expected
    assert not ray.is_initialized()


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::FutureWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_run_that_no_process_can_load_is_told_once(run, folder, tmp_path, monkeypatch):
    from gruta.tasks.forecast.many.on_ray import done_on_ray

    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    spoilt = shutil.copytree(run, tmp_path / "spoilt")
    (spoilt / MODEL).write_bytes((spoilt / MODEL).read_bytes()[:-8])
    parts = planned(files_of(str(folder), str(tmp_path / "out")), "unique_id", 240).parts
    start = spoilt, Question(), "asked", Place(str(tmp_path / "out"))
    with pytest.raises(InputError, match=f"^{spoilt}: a process of Ray cannot load it: "):
        list(done_on_ray(parts, start, 1))
    assert contents(tmp_path / "out") == {}
