"""gruta: gated recurrent networks, trained, seen from inside, and put to work.

`gruta.nn` holds the layers, `gruta.Forecaster` is a ready forecaster. Importing gruta loads no
PyTorch: public names are resolved on first use.
"""

from importlib import import_module, metadata
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gruta import nn
    from gruta.errors import InputError
    from gruta.tasks.forecast import Forecaster

__all__ = ["Forecaster", "InputError", "nn"]

_HOMES = {"Forecaster": "gruta.tasks.forecast", "InputError": "gruta.errors"}


def __getattr__(name: str) -> Any:
    if name == "__version__":
        return metadata.version("gruta")
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    if name == "nn":
        return import_module("gruta.nn")
    raise AttributeError(f"module 'gruta' has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
