"""What tests of several rooms are given."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch

if TYPE_CHECKING:
    from gruta.exchange.doctor.tried import There
    from gruta.tasks.trained import Trained

ONE_WAY = "classify series"


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> Iterator[None]:
    """Networks as small as the tests' wait for a second thread longer than they compute."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def engines() -> "dict[str, There]":
    """Those of this Python, and of where GRUTA_ENGINES says: Pythons and folders that have
    node_modules, with a colon between two.
    """
    from gruta.exchange.doctor.tried import there

    places = os.environ.get("GRUTA_ENGINES", "").split(os.pathsep)
    return {one.engine: one for one in there([Path(place) for place in places if place])}


@pytest.fixture(scope="session")
def files(
    tmp_path_factory: pytest.TempPathFactory,
) -> "dict[str, tuple[Trained[Any], Path, Path]]":
    """Of each task's example its run, what it was trained on, and its model file; classes of series
    are read one way. Nobody changes them.
    """
    from gruta.tasks.exporting import export
    from gruta.tasks.fitting import fit
    from gruta.tasks.test_tasks import EXAMPLES, written

    found = {}
    for name in EXAMPLES:
        place = tmp_path_factory.mktemp("example")
        task, source, settings = written(name, place)
        changed = {"steps": 5} | ({"bidirectional": False} if name == ONE_WAY else {})
        trained = fit(task, source, settings.model_copy(update=changed), place / "run").trained
        for weights in trained.weights.values():  # of an output that is not zero at the start
            if not weights.any():
                weights += np.random.default_rng(0).normal(size=weights.shape).astype("f")
        export(trained, place / "model.gruta")
        found[name] = trained, source, place / "model.gruta"
    return found
