"""The safetensors files of a run, as tensors of PyTorch."""

from collections.abc import Mapping
from typing import Any

from safetensors.torch import load, save
from torch import Tensor

from gruta.runs import Run, tensors_of
from gruta.runs.tensors import metadata


def write_tensors(run: Run, name: str, tensors: Mapping[str, Tensor], about: Any = None) -> None:
    """Write tensors, and anything that JSON can hold, as one file."""
    kept = {k: t.detach().cpu().contiguous().clone() for k, t in tensors.items()}
    run.write(name, save(kept, metadata(about)))


def read_tensors(run: Run, name: str) -> tuple[dict[str, Tensor], Any]:
    """What `write_tensors` wrote; InputError if the file is missing or broken."""
    return tensors_of(run, name, load)
