"""What training leaves, of whatever task."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel

from gruta.errors import InputError
from gruta.locale import translate as _
from gruta.runs import CHOICE, MODEL, Run, read_arrays, write_arrays
from gruta.runtime.file import Contents, parse
from gruta.settings import resolve
from gruta.tasks.task import C, Task

if TYPE_CHECKING:
    import torch

CODEC = "codec.json"
COUNTED = "counted.safetensors"
INNER = "inner.gruta"
FILES = ("run.json", "settings.toml", CODEC, MODEL, COUNTED, INNER, CHOICE)
"""All that answers are made from; the last three are not in every run."""


def is_unfinished(path: Path) -> bool:
    """Whether a training of a task was begun in this directory, and not ended."""
    return (path / "run.json").is_file() and not (path / CODEC).is_file()


@dataclass(frozen=True, eq=False)
class Trained(Generic[C]):
    """A task's codec, settings and weights, and the networks that these make.

    data: the fingerprint of what it was trained on. source: the file or folder that this was read
    from, if any. choice: what was tried to find some of the settings out, if it was. counted: what
    was counted beside the network. inner: a model that is asked beside it. The run directory holds
    them as codec.json, settings.toml, model.safetensors, counted.safetensors, inner.gruta and
    run.json.
    """

    task: Task[C]
    settings: Any
    codec: C
    weights: Mapping[str, NDArray[Any]]
    data: str
    source: str | None = None
    choice: Mapping[str, Any] | None = None
    counted: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    inner: Contents | None = None

    @cached_property
    def head(self) -> Any:
        """The network on NumPy arrays, which needs no PyTorch."""
        return self.task.head(self)

    @cached_property
    def network(self) -> "torch.nn.Module":
        """The network, in evaluation; RuntimeError if the weights are of another."""
        import torch

        # On "meta" it takes no memory, however large the settings say it is.
        with torch.inference_mode(False), torch.device("meta"):
            network = self.task.network(self.codec, self.settings)
        tensors = {name: torch.from_numpy(w.copy()) for name, w in self.weights.items()}
        network.load_state_dict(tensors, assign=True)
        return network.eval()

    @classmethod
    def load(cls, path: Path, task: Task[C]) -> "Trained[C]":
        """What a finished run, or `save`, left in a directory; InputError if it is not whole."""
        run = Run.open(path, task.name)
        asked = run.settings_as(partial(_resolved, task.settings))
        settings = resolve(task.settings, asked.model_dump() | run.chosen)
        codec = run.read_json(CODEC)
        weights = read_arrays(run, MODEL)[0]
        try:
            kept = {name: _single(w) for name, w in weights.items()}
            about = run.about
            found = cls(
                task,
                settings,
                task.codec.from_json(codec),
                kept,
                str(about["data"]),
                about.get("source"),
                choice_of(run),
                read_arrays(run, COUNTED)[0] if run.has(COUNTED) else {},
                inner_of(run),
            )
            _whole = found.head  # whether it all fits together
        except (KeyError, TypeError, ValueError, IndexError, OverflowError) as error:
            problem = _(
                "{path}: {codec}, {model} and settings.toml do not fit together ({error}); restore "
                "the files or train again"
            )
            raise InputError(
                problem.format(path=path, codec=CODEC, model=MODEL, error=error)
            ) from error
        return found

    def save(self, path: Path) -> None:
        """Write what `load` needs into a new directory."""
        run = Run.create(
            path, self.task.name, self.settings.model_dump(), self.data, source=self.source
        )
        run.write_json(CODEC, self.codec.to_json())
        write_arrays(run, MODEL, self.weights, {})
        if self.counted:
            write_arrays(run, COUNTED, self.counted, {})
        if self.inner is not None:
            run.write(INNER, self.inner.to_bytes())
        if self.choice is not None:
            run.write_json(CHOICE, self.choice)


def choice_of(run: Run) -> Mapping[str, Any] | None:
    """What was tried before training, where settings were left open."""
    found: Mapping[str, Any] | None = run.read_json(CHOICE) if run.has(CHOICE) else None
    return found


def inner_of(run: Run) -> Contents | None:
    """The model that a run asks beside its network, as a model file has it."""
    return parse(run.read(INNER), str(run.path / INNER)) if run.has(INNER) else None


def settings_of(run: Run, task: Task[Any]) -> dict[str, Any]:
    """The settings that a run was started with, with the defaults for what came later."""
    found: dict[str, Any] = run.settings_as(partial(_resolved, task.settings)).model_dump()
    return found


def _resolved(model: type[BaseModel], **given: Any) -> Any:
    return resolve(model, given)


def _single(weights: NDArray[Any]) -> NDArray[Any]:
    """In float32, the precision of all networks; ValueError for what is no finite number."""
    if weights.dtype.kind != "f" or not np.isfinite(weights).all():
        raise ValueError(
            _("expected finite floating-point weights, found {dtype}").format(dtype=weights.dtype)
        )
    return weights.astype(np.float32)
