"""Processes that train together, as tests start them: forks of one that has imported torch."""

import multiprocessing
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist

from gruta.errors import InputError, RankLost
from gruta.runs import Run
from gruta.settings import StreamSettings
from gruta.tests.adding import Adding, run_at
from gruta.train import Interrupted, beats, together, train

Told = dict[str, Any]
os.environ.setdefault("TORCH_CPP_LOG_LEVEL", "ERROR")  # a store that is gone is no news
CONTEXT: Any = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(["gruta.tests.test_ranks", "torch._dynamo"])


def start(size: int, act: Callable[..., Any], *arguments: Any, **how: Any) -> list[Any]:
    """So many processes, of which each calls `act(rank, *arguments)` among the others.

    how: `missed`, seconds after which one that is silent is lost; `words` and `told`, what one that
    is ended is to say, and the file that has standard error; more of the environment, and the
    `store` of earlier ones.
    """
    where = "127.0.0.1", 0
    store = how.pop("store", None) or dist.TCPStore(  # type: ignore[attr-defined]
        *where, is_master=True, wait_for_workers=False
    )
    common = {
        "WORLD_SIZE": str(size),
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(store.port),
        "TORCHELASTIC_USE_AGENT_STORE": "True",  # as where torchrun is: the store outlives them
    }
    processes = []
    for rank in range(size):
        ours, theirs = CONTEXT.Pipe(duplex=False)
        own = common | {"RANK": str(rank), "LOCAL_RANK": str(rank)} | how
        process = CONTEXT.Process(target=_among, args=(own, theirs, act, arguments), daemon=True)
        process.start()
        theirs.close()
        process.told, process.store = ours, store
        processes.append(process)
    return processes


def ended(processes: list[Any], within: float = 60.0) -> list[Told | None]:
    """What each of them told in the end; None where one was killed."""
    until = time.monotonic() + within
    found = []
    for process in processes:
        process.join(max(0.0, until - time.monotonic()))
        if process.is_alive():
            process.kill()
            raise AssertionError("a process did not end")
        found.append(process.told.recv() if process.exitcode == 0 else None)
        process.close()
    return found


def _among(where: dict[str, Any], pipe: Any, act: Callable[..., Any], arguments: Any) -> None:
    torch.set_num_threads(1)
    beats.MISSED = where.pop("missed", beats.MISSED)
    words = where.pop("words", "")
    if file := where.pop("told", None):
        os.dup2(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND), 2)
    os.environ.update(where)
    told: Told = {}
    try:
        with together(words) as ranks:
            told["found"] = act(ranks.rank, *arguments)
    except (InputError, Interrupted, RankLost) as error:
        told |= {"error": type(error).__name__, "message": str(error)}
        told["silent"] = isinstance(error, RankLost) and error.told
    told["at"] = time.monotonic()
    pipe.send(told)


def adding(
    rank: int, path: Path, given: dict[str, Any], act: Callable[[int, int], None] | None = None
) -> list[str]:
    """Train at `path`; `act(rank, step)` is called as the batch of a step is drawn. Which files the
    process has written below its own folder.
    """
    settings = StreamSettings(**given)
    lesson = Adding(settings)
    batch = lesson.batch

    def drawn(step: int) -> Any:
        if act is not None:
            act(rank, step)
        return batch(step)

    lesson.batch = drawn  # type: ignore[method-assign]
    own = path if rank == 0 else path.with_name(f"{path.name}-{rank}")
    run = run_at(path, settings) if rank == 0 else Run(own)
    train(lesson, settings, run)
    return sorted(file.name for file in own.glob("*"))
