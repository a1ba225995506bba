"""When a step of a training begins, as the model's own calls tell it."""

from collections.abc import Callable, Mapping
from typing import Any
from weakref import WeakSet, ref

import torch
from torch import Tensor, nn
from torch.optim.optimizer import Optimizer, register_optimizer_step_post_hook
from torch.utils.hooks import unserializable_hook

from gruta.health.everyone import on_every_step
from gruta.health.hooks import Hanging, hang, weakly

LONGEST_WAIT = 1000
"""How many steps of the model's optimiser may go by before the first that is seen."""


class Steps:
    """Calls `begin` when a step begins, and `missed` if the model's optimiser takes steps unseen.

    A step is a call of the model in training mode with gradients on; if a layer is called so from
    without before the model is a second time, then it begins with the first call of a layer after a
    backward pass.

    model_called: to be hung on the model, ahead of its calls. begin, missed: methods, whose object
    is not held by this.
    """

    def __init__(
        self,
        model: nn.Module,
        layers: Mapping[str, nn.Module],
        begin: Callable[[], None],
        missed: Callable[[], None],
    ) -> None:
        self.begun = False
        self._begin, self._missed = weakly(begin), weakly(missed)
        self._model = ref(model)
        self._layers = [layer for layer in layers.values() if layer is not model]
        self._by_layers: bool | None = None  # not known yet
        self._was_called = self._is_inside = False
        self._is_over = True  # the last step, by a gradient that came back to a layer
        called, answered = weakly(self._layer_called), weakly(self._model_answered)
        self._hanging: list[Hanging] = [hang(one, called, before=True) for one in self._layers]
        self._hanging.append(hang(model, answered))
        self._parameters = {id(p) for p in model.parameters()}
        self._waited = 0
        on_every_step(register_optimizer_step_post_hook, _optimizer_stepped)
        _unbegun.add(self)

    def close(self) -> None:
        """Take the hooks down."""
        self._take_down()
        _unbegun.discard(self)

    def _take_down(self) -> None:
        for hanging in self._hanging:
            hanging.remove()
        self._hanging = []

    def model_called(self) -> None:
        """The model is about to be called."""
        if self._by_layers:
            self._layer_called()
        elif self._is_step():
            if self._by_layers is None and self._was_called:
                self._by_layers = False
                self._take_down()
            self._is_inside = self._was_called = True
            self._begin_one()

    def _model_answered(self, *given: Any) -> None:
        self._is_inside = False

    def _layer_called(self, *given: Any) -> None:
        if self._is_inside or not self._is_step():
            return
        if self._by_layers is None:
            self._by_layers = True
            answered = weakly(self._layer_answered)
            self._hanging += [hang(one, answered) for one in self._layers]
        if self._is_over:
            self._begin_one()

    def _layer_answered(self, layer: nn.Module, args: Any, kwargs: Any, output: Any) -> None:
        """Learn by the results' gradients when the step is over."""
        if not self.is_training():
            return
        came_back = unserializable_hook(weakly(self._gradient_came))  # type: ignore[no-untyped-call]
        for result in _tensors(output):
            if result.requires_grad:
                result.register_hook(came_back)  # type: ignore[no-untyped-call]

    def _gradient_came(self, d: Tensor | None) -> None:
        self._is_over = True

    def is_training(self) -> bool:
        """Whether a call that is made now is one of training."""
        model = self._model()
        return model is not None and model.training and torch.is_grad_enabled()

    def _is_step(self) -> bool:
        # What checkpointing computes again on the way back is part of the step before.
        return self.is_training() and torch._C._current_graph_task_id() == -1

    def _begin_one(self) -> None:
        if not self.begun:
            self.begun = True
            _unbegun.discard(self)
        self._is_over = False
        self._begin()

    def optimizer_stepped(self, stepping: Optimizer) -> None:
        """Some optimiser has taken a step; `missed` after so many of the model's own."""
        if any(id(p) in self._parameters for g in stepping.param_groups for p in g["params"]):
            self._waited += 1
            if self._waited == LONGEST_WAIT and not self.begun:
                self._missed()


_unbegun: WeakSet[Steps] = WeakSet()


def _optimizer_stepped(stepping: Optimizer, args: Any, kwargs: Any) -> None:
    for steps in list(_unbegun):
        steps.optimizer_stepped(stepping)


def _tensors(output: Any) -> list[Tensor]:
    """Those of a layer's results: of a PackedSequence, its data."""
    if isinstance(output, Tensor):
        return [output]
    if isinstance(output, tuple | list):
        return [t for one in output for t in _tensors(one)]
    return []
