"""Forecasts of very many files in an object store, and by the commands of the page."""

import shlex
from pathlib import Path

import polars as pl
import pytest

from gruta.errors import InputError
from gruta.tasks.forecast.task import TASK
from gruta.tests.docs import to_run
from gruta.tests.many.conftest import Stopped, forecasts, shops, stopping

QUICK = "--hidden 4 --steps 4 --batch-size 8 --validate-every 2"


@pytest.fixture
def store(monkeypatch):
    """A bucket of an object store that speaks S3, on loopback: its address."""
    pytest.importorskip("s3fs")
    moto = pytest.importorskip("moto.server")
    import fsspec

    monkeypatch.setattr("werkzeug.serving.WSGIRequestHandler.log_request", lambda *_: None)
    server = moto.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "nobody")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "nothing")
    if not fsspec.filesystem("s3").exists("shop"):  # servers of one process have one memory
        fsspec.filesystem("s3").mkdir("shop")
    yield "s3://shop"
    server.stop()
    fsspec.filesystem("s3").clear_instance_cache()


def test_an_object_store_is_read_and_written_as_a_folder_is(
    run, folder, tmp_path, in_this_process, store
):
    import fsspec

    bucket = fsspec.filesystem("s3")
    bucket.put(str(folder), f"{store}/in", recursive=True)
    out = f"{store}/out"
    with pytest.raises(Stopped):
        TASK.spread(run, f"{store}/in/", out, part_rows=120, watch=stopping(3))
    assert len(bucket.glob(f"{out}/**/*.parquet")) == 3
    told = TASK.spread(run, f"{store}/in/", out, part_rows=120).to_json()
    assert (told["parts"], told["before"], told["series"]) == (7, 3, 12)
    bucket.get(f"{out}/", str(tmp_path / "fetched"), recursive=True)
    TASK.spread(run, str(folder), str(tmp_path / "here"), part_rows=120)
    assert forecasts(tmp_path / "fetched").equals(forecasts(tmp_path / "here"))
    bucket.put(str(folder / "a.parquet"), f"{store}/in/region=SP/d.parquet")
    with pytest.raises(InputError, match=r"'s00' in s3://\S+/a.parquet and s3://\S+/d.parquet"):
        TASK.spread(run, f"{store}/in/**/*.parquet", out)
    told = TASK.spread(run, f"{store}/in/?.parquet", f"{store}/other").to_json()
    assert (told["parts"], told["series"]) == (2, 9)
    with pytest.raises(InputError, match="s3://nowhere/in: no file or folder of this name"):
        TASK.spread(run, "s3://nowhere/in", out)


def test_the_commands_of_the_page_do_what_it_says(
    run_gruta, store, tmp_path, monkeypatch, in_this_process
):
    import fsspec

    monkeypatch.setattr("gruta.report.page.png", lambda _: b"")  # to draw takes most of the time
    monkeypatch.setattr("gruta.report.page._svg", lambda _: b"")
    monkeypatch.chdir(tmp_path)
    shops(0, 8).write_parquet("sales.parquet")
    for place in ("sales", "by-date"):
        Path(place).mkdir()
    everything = shops(0, 12)
    everything.head(200).write_parquet("by-date/first.parquet")
    everything.tail(-200).write_parquet("by-date/then.parquet")
    shops(0, 6).write_parquet("sales/a.parquet")
    shops(6, 6).write_parquet("sales/b.parquet")
    fsspec.filesystem("s3").put("sales/", "shop/sales/", recursive=True)
    for kind, text in to_run("many-series.md"):
        if kind == "python":
            exec(compile(text, "many-series.md", "exec"), {})
            continue
        _gruta, *arguments = shlex.split(text, comments=True)
        more = QUICK.split() if arguments[0] == "train" else []
        done = run_gruta(*arguments, *more)
        assert done.code == 0, done.err
    whole = pl.read_parquet("forecasts/*.parquet").sort("unique_id", "ds")
    again = pl.read_parquet("forecasts-again/*.parquet").sort("unique_id", "ds")
    assert whole["unique_id"].n_unique() == 12
    assert len(whole) == 12 * 14
    assert ((whole["forecast"] - again["forecast"]).abs() < 1e-4).all()
    assert len(fsspec.filesystem("s3").glob("shop/forecasts/*.parquet")) == 2
    assert len(list(Path("without-short").glob("*.parquet"))) == 2
