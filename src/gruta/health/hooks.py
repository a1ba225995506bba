"""Hooks on a module that are no part of it: its copies, and what is saved of it, are without."""

from collections import OrderedDict
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any
from weakref import WeakMethod, ref

import torch
from torch import nn

from gruta.locale import translate as _

_PLACES = {
    "_forward_hooks": "_forward_hooks_with_kwargs",
    "_forward_pre_hooks": "_forward_pre_hooks_with_kwargs",
}
"""Where a module keeps its hooks, and which of them want keyword arguments."""


class Hanging:
    """A hook that hangs on a module until `remove()`."""

    def __init__(self, module: nn.Module, handle: Any) -> None:
        self._module, self._handle = ref(module), handle

    def remove(self) -> None:
        """Take it down."""
        self._handle.remove()
        module = self._module()
        if module is not None and not any(_ours(getattr(module, place)) for place in _PLACES):
            module.__dict__.pop("__getstate__", None)


def hang(module: nn.Module, act: Callable[..., None], *, before: bool = False) -> Hanging:
    """Have `act(module, args, kwargs, output)` called after each call of a module; `before`: ahead
    of it, without the output.

    It is not called where the call is traced or compiled.
    """
    module.__dict__["__getstate__"] = _State(module)
    register: Any = module.register_forward_pre_hook if before else module.register_forward_hook
    return Hanging(module, register(_Hook(act), with_kwargs=True))


def weakly(method: Callable[..., None]) -> Callable[..., None]:
    """A method as a function that does not keep its object."""
    held = WeakMethod(method)

    def call(*given: Any) -> None:
        known = held()
        if known is not None:
            known(*given)

    return call


class _Hook:
    def __init__(self, act: Callable[..., None]) -> None:
        self._act = act

    def __call__(self, *given: Any) -> None:
        if not (torch.compiler.is_compiling() or torch._C._is_tracing()):
            self._act(*given)

    def __getattr__(self, name: str) -> Any:
        why = name
        if name == "__name__":  # TorchScript compiles a module's hooks too, by their names
            why = _(
                "torch.jit.script: gruta watches this model, and its hooks are no TorchScript; "
                "script copy.deepcopy(model), which has none, or close() the watch first"
            )
        raise AttributeError(why)

    def __reduce__(self) -> Any:
        # Met only where a module copies its own dictionary: in the copy it is a thing of Python's
        # that does nothing, and needs no gruta to be loaded.
        return getattr, (nullcontext(), "__exit__")


class _State:
    """A module's `__getstate__` without these hooks and itself.

    Set on the module itself, it serves copy, deepcopy, pickle and torch.save.
    """

    def __init__(self, module: nn.Module | None) -> None:
        self._module = None if module is None else ref(module)

    def __call__(self) -> Any:
        module = None if self._module is None else self._module()
        if module is None:
            problem = _(
                "this module was copied by its dictionary while gruta watched the original; to "
                "copy or save it, del module.__getstate__"
            )
            raise TypeError(problem)
        state: Any = type(module).__getstate__(module)  # type: ignore[no-untyped-call]
        if not isinstance(state, dict):
            return state
        kept = {name: value for name, value in state.items() if value is not self}
        for place, flags in _PLACES.items():
            ours = _ours(getattr(module, place))
            for name in kept.keys() & {place, flags}:
                kept[name] = OrderedDict((k, v) for k, v in kept[name].items() if k not in ours)
        return kept

    def __deepcopy__(self, memo: dict[int, Any]) -> "_State":
        module = None if self._module is None else self._module()
        return _State(memo.get(id(module)))

    def __reduce__(self) -> Any:
        return _State, (None,)


def _ours(hooks: dict[int, Any]) -> set[int]:
    return {key for key, hook in hooks.items() if isinstance(hook, _Hook)}
