"""A run in an object store where things go wrong: a store in this process's memory."""

import json
import tempfile
import time
from pathlib import Path

import fsspec
import pytest

from gruta.errors import Exists, InputError, InUse
from gruta.runs import MODEL, Run, remote
from gruta.runs.lock import LOCK
from gruta.runs.remote import Remote, fetched, working_copy
from gruta.tasks.mirrored import Mirrored
from gruta.train import Progress

URL = "memory://bucket/run"


@pytest.fixture
def store(monkeypatch, tmp_path):
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    monkeypatch.setattr(remote, "SETTLED", 0.01)
    files = fsspec.filesystem("memory")
    yield files
    files.store.clear()


@pytest.fixture
def left(store, tmp_path):
    """What lies where temporary folders do."""
    return lambda: [path.name for path in (tmp_path / "temporary").iterdir()]


def begun(copy, **settings):
    run = Run.create(copy.folder, "adding", settings, "data")
    copy.push()
    return run


def names(store):
    return sorted(path.removeprefix("/bucket/") for path in store.find("/bucket"))


def fails(*_given, **_how):
    raise OSError("no route to host")


@pytest.mark.parametrize("url", ["memory://bucket", URL, "memory://bucket/run/"])
def test_what_no_run_left_is_not_removed(store, left, url):
    before = {"/bucket/run/notes.txt": b"mine", "/bucket/run/settings.toml": b""}
    for path, content in before.items():
        store.pipe_file(path, content)
    with pytest.raises(Exists, match="exists already"), working_copy(url, resume=False):
        pass
    assert {path: store.cat_file(path) for path in store.find("/bucket")} == before
    assert left() == []


def test_what_a_begin_that_was_cut_off_left_makes_room(store, monkeypatch):
    put = store.put_file
    with monkeypatch.context() as cut:

        def once(here, there):
            cut.setattr(store, "put_file", fails)
            put(here, there)

        cut.setattr(store, "put_file", once)
        with pytest.raises(InputError, match="no route"), working_copy(URL, resume=False) as copy:
            begun(copy)
    assert names(store) == ["run/settings.toml"]
    with working_copy(URL, resume=False) as copy:
        assert names(store) == [f"run/{LOCK}"]
        begun(copy)
    assert names(store) == ["run/run.json", "run/settings.toml"]


@pytest.mark.parametrize(
    "name", ["../out.txt", "a/../../out.txt", "/out.txt", "a//b", "a\\b", "C:x", "./a"]
)
def test_a_name_that_leads_out_of_the_folder_is_refused(store, left, tmp_path, name):
    for one in ("run.json", name):
        store.store[f"/bucket/run/{one}"] = store.open("/bucket/made", "wb")
    copy = Remote(URL, tmp_path / "here" / "run")
    with pytest.raises(InputError) as error:
        copy.pull()
    assert repr(name) in str(error.value)
    assert not (tmp_path / "here").exists()
    with pytest.raises(InputError, match="object named"), working_copy(URL, resume=True):
        pass
    assert left() == []


def test_only_what_was_asked_for_is_fetched(store, left):
    for name in ("run.json", MODEL, "checkpoint.safetensors", "members/a/run.json"):
        store.pipe_file(f"/bucket/run/{name}", b"12345")
    with fetched(URL, ["run.json", MODEL, "choice.json"]) as folder:
        assert {path.name for path in folder.iterdir()} == {"run.json", MODEL}
    assert left() == []


def test_what_is_wrong_with_what_is_fetched_names_the_url(store, left, monkeypatch):
    store.pipe_file("/bucket/run/run.json", b"12345")
    with (
        pytest.raises(InputError, match=f"^{URL}/run.json: expected a run's description"),
        fetched(URL, ["run.json"]) as folder,
    ):
        Run.open(folder)
    monkeypatch.setattr(remote, "LIMIT_BYTES", 4)
    monkeypatch.setattr(store, "get_file", fails)
    with (
        pytest.raises(InputError, match=f"{URL}/run.json: larger than 4 bytes"),
        fetched(URL, ["run.json"]),
    ):
        pass
    assert left() == []


def test_where_nothing_lies_the_url_is_named(store, left):
    with pytest.raises(InputError, match=f"^{URL}: expected .* a run"), fetched(URL, ["run.json"]):
        pass
    with (
        pytest.raises(InputError, match=f"^{URL}: expected .* a run"),
        working_copy(URL, resume=True),
    ):
        pass
    assert left() == []
    assert names(store) == []


def test_a_run_that_another_has_taken_is_not_written_to(store, left):
    other = json.dumps({"holder": "other:1:00", "at": time.time()}).encode()

    def overtaken():
        with working_copy(URL, resume=False) as copy:
            run = begun(copy)
            store.pipe_file(f"/bucket/run/{LOCK}", other)
            run.write(MODEL, b"mine")
            Mirrored(Progress(), copy).saved()

    with pytest.raises(InputError, match="another process has gone on there") as error:
        overtaken()
    assert "run/model.safetensors" not in names(store)
    assert store.cat_file(f"/bucket/run/{LOCK}") == other
    kept = Path(str(error.value).rpartition("lies in ")[2])
    assert (kept / MODEL).read_bytes() == b"mine"
    with pytest.raises(InUse, match="other:1 is training there"), working_copy(URL, resume=True):
        pass
    assert left() == [kept.parent.name]


def test_the_lock_is_renewed_only_while_it_is_ours(store, monkeypatch):
    monkeypatch.setattr(remote, "RENEWED", 0.01)
    path = f"/bucket/run/{LOCK}"

    def held(since):
        until = time.monotonic() + 5
        while (found := json.loads(store.cat_file(path)))["at"] <= since:
            assert time.monotonic() < until
        return found

    other = json.dumps({"holder": "other:1:00", "at": time.time()}).encode()
    with working_copy(URL, resume=False):
        first = held(0)
        assert held(first["at"])["holder"] == first["holder"]
        store.pipe_file(path, other)
        time.sleep(0.1)
        if store.cat_file(path) != other:  # a renewal was under way
            store.pipe_file(path, other)
            time.sleep(0.1)
        assert store.cat_file(path) == other
        store.pipe_file(path, json.dumps(first).encode())


def test_of_two_that_take_a_lost_lock_the_last_has_it(store, left, monkeypatch):
    path = f"/bucket/run/{LOCK}"
    other = json.dumps({"holder": "other:1:00", "at": time.time()}).encode()
    for lost in (json.dumps({"holder": "lost:1:00", "at": 0.0}).encode(), b"{"):
        store.pipe_file(path, lost)
        with monkeypatch.context() as patched:
            patched.setattr(remote.time, "sleep", lambda _s: store.pipe_file(path, other))
            with pytest.raises(InUse, match="another process"), working_copy(URL, resume=False):
                pass
        assert store.cat_file(path) == other
    assert left() == []


def test_what_ends_the_work_copies_what_is_behind_once_more(store, left, monkeypatch):
    def stopped(reachable):
        with working_copy(URL, resume=False) as copy, monkeypatch.context() as cut:
            if not reachable:
                monkeypatch.setattr(store, "put_file", fails)
            cut.setattr(store, "put_file", fails)
            with pytest.raises(InputError):
                begun(copy)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt) as error:
        stopped(reachable=True)
    assert names(store) == ["run/run.json", "run/settings.toml"]
    assert not hasattr(error.value, "__notes__")
    assert left() == []
    store.rm("/bucket", recursive=True)
    with pytest.raises(KeyboardInterrupt) as error:
        stopped(reachable=False)
    (note,) = error.value.__notes__
    assert note.startswith(f"{URL}: what could not be copied lies in ")
    assert Run(Path(note.rpartition("lies in ")[2])).has("run.json")


def test_a_store_whose_package_is_missing_names_the_extra(monkeypatch):
    from gruta import extras

    monkeypatch.setattr(extras, "find_spec", lambda name: None if name == "s3fs" else name)
    with pytest.raises(ModuleNotFoundError) as error, working_copy("s3://b/run", resume=False):
        pass
    assert "gruta[remote]" in extras.remedy(error.value)
