"""A process of its own for one rival: `python -m gruta.bench.worker NAME THREADS`.

It reads requests and writes answers, a JSON object a line; arrays go through .npy files. The end of
the requests is its end.
"""

import json
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, TextIO

import numpy as np
from numpy.typing import NDArray

from gruta.bench import limits
from gruta.bench.blocks import block, estimate
from gruta.bench.cases import CASES, OF_RUNTIME, Case
from gruta.bench.inputs import draw
from gruta.bench.parity import truth
from gruta.bench.rivals import Job, Rival, load
from gruta.resident import peak

LIMITS, REFERENCE = "limits", "reference"
"""Processes that load no rival: one measures the machine, the other computes the truth."""


class Worker:
    """What a request can ask for; each method takes the request's fields."""

    def __init__(self, name: str, threads: int) -> None:
        self._name, self._threads = name, threads
        self._rival: Rival | None = None if name in (LIMITS, REFERENCE) else load(name, threads)
        self._jobs: dict[str, Job] = {}
        self._expected: dict[str, float] = {}

    def about(self) -> dict[str, Any]:
        """Versions, by name."""
        return self._loaded.about()

    def variants(self, case: str, slow: bool) -> dict[str, Any]:
        """The ways to do a case, and forget the case before."""
        self._jobs, self._expected = {}, {}
        return {"variants": self._loaded.variants(named(case), slow)}

    def prepare(self, case: str, variant: str, seed: int, directory: str) -> dict[str, Any]:
        """Make ready, and write the results to be compared: files by the array's name."""
        self._jobs[variant] = self._loaded.prepare(named(case), draw(named(case), seed), variant)
        return self._results(variant, directory)

    def _results(self, variant: str, directory: str) -> dict[str, Any]:
        job = self._jobs[variant]
        files = save(job.results(), directory, f"{self._name}-{variant}")
        return {"files": files, "note": job.note}

    def truth(self, case: str, seed: int, directory: str) -> dict[str, Any]:
        """The reference's results in float64."""
        return {"files": save(truth(named(case), draw(named(case), seed)), directory, self._name)}

    def warm(self, variant: str, seconds: float) -> dict[str, Any]:
        """Call for that long, and say how long one call takes."""
        self._expected[variant] = estimate(self._jobs[variant].call, seconds)
        return {"seconds": self._expected[variant]}

    def block(self, variant: str, seconds: float) -> dict[str, Any]:
        """One block of at least that long."""
        measured = block(self._jobs[variant].call, seconds, self._expected[variant])
        self._expected[variant] = measured.seconds
        return asdict(measured)

    def peak(self, case: str, variant: str, seed: int, directory: str) -> dict[str, Any]:
        """Peak memory of this process after one call, in bytes, and then the results."""
        job = self._loaded.prepare(named(case), draw(named(case), seed), variant)
        before = peak()
        job.call()
        most = peak()
        self._jobs[variant] = job
        return {"peak": most, "before": before} | self._results(variant, directory)

    def limit(self, kind: str, seconds: float, streamed: int) -> dict[str, Any]:
        """Flops or bytes a second, and the share of the time in which a thread had no core."""
        rate, waited = limits.rate(kind, self._threads, seconds, streamed)
        return {"rate": rate, "waited": waited}

    @property
    def _loaded(self) -> Rival:
        assert self._rival is not None
        return self._rival


def save(arrays: Mapping[str, NDArray[Any]], directory: str, prefix: str) -> dict[str, str]:
    """Write each array to a file of its own; the files by the arrays' names."""
    files = {name: str(Path(directory, f"{prefix}-{name}.npy")) for name in arrays}
    for name, array in arrays.items():
        np.save(files[name], array, allow_pickle=False)
    return files


def named(key: str) -> Case:
    """The case of that key."""
    return {case.key: case for case in (*CASES, *OF_RUNTIME)}[key]


def serve(requests: TextIO, answers: TextIO, methods: Callable[[], Worker]) -> None:
    """Answer every request; an error is an answer too."""
    worker: Worker | None = None
    for line in requests:
        request = json.loads(line)
        try:
            worker = worker or methods()
            answer = getattr(worker, request.pop("do"))(**request)
        except Exception as error:
            answer = {"error": f"{type(error).__name__}: {error}".partition("\n")[0]}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


def main() -> None:
    """Keep standard output for the answers; what libraries print goes to standard error."""
    name, threads = sys.argv[1], int(sys.argv[2])
    with os.fdopen(os.dup(1), "w") as answers:
        os.dup2(2, 1)
        serve(sys.stdin, answers, lambda: Worker(name, threads))


if __name__ == "__main__":
    main()
