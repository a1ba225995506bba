"""gruta and its rivals behind one door: what each does with a case, in a process of its own."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Protocol

from numpy.typing import NDArray

from gruta.bench.cases import Case
from gruta.bench.inputs import Inputs

GRUTA = "gruta"
TORCH = "torch"
STREAM = "gruta-stream"
QUANTISED = "int8"


@dataclass(frozen=True)
class Job:
    """A case made ready.

    call: does the work once, as a user would have it done. results: does it from the initial state
    and returns what came out: h `[T, B, H]`, maybe h_n and c_n `[B, H]`, and in training the
    gradients d_x, d_w_ih, d_w_hh, d_b_ih, d_b_hh in torch.nn's layout. note: how it is done. state:
    bytes that a stream keeps, where that is more than h and c.
    """

    call: Callable[[], object]
    results: Callable[[], Mapping[str, NDArray[Any]]]
    note: str = ""
    state: int = 0


class Rival(Protocol):
    """One library, told in its constructor how many threads to use."""

    def about(self) -> dict[str, str]:
        """Versions and whatever else explains a speed."""

    def variants(self, case: Case, slow: bool) -> tuple[str, ...]:
        """The ways in which it can do a case, none if it cannot; the fastest one counts.

        slow: those too that take minutes to make ready.
        """

    def prepare(self, case: Case, inputs: Inputs, variant: str) -> Job:
        """Take in the inputs, before any time is measured."""


@dataclass(frozen=True)
class Entry:
    """Where a rival lives: its module here, and the packages that it needs."""

    title: str
    module: str
    packages: tuple[str, ...]
    forward_only: bool = False


ENTRIES = {
    GRUTA: Entry("gruta", "gruta_itself", ()),
    TORCH: Entry("torch.nn", "torch_nn", ("torch",)),
    "onnxruntime": Entry("ONNX Runtime", "onnx_runtime", ("onnx", "onnxruntime"), True),
    "openvino": Entry("OpenVINO", "open_vino", ("onnx", "openvino"), True),
    "jax": Entry("jax", "jax_scan", ("jax",)),
}
"""By the name that the command line knows."""


OF_STREAMS = {
    STREAM: Entry("gruta, Model.stream", "model_stream", ()),
    **{name: entry for name, entry in ENTRIES.items() if name != "jax"},
    GRUTA: Entry("gruta, Step", "gruta_itself", ()),
}
"""Those that `gruta bench runtime` asks."""


def missing_packages(name: str) -> list[str]:
    """The packages that `name` needs and that are not installed."""
    return [
        package for package in (OF_STREAMS | ENTRIES)[name].packages if find_spec(package) is None
    ]


def load(name: str, threads: int) -> Rival:
    """The rival, imported; only in a process that is its own."""
    module = import_module(f"gruta.bench.rivals.{(OF_STREAMS | ENTRIES)[name].module}")
    rival: Rival = module.start(threads)
    return rival


def storage(variant: str) -> str:
    """The type in which a variant keeps its weights; "halved" of one that has its gates so."""
    return variant if variant in ("float16", "bfloat16", "halved") else "float32"
