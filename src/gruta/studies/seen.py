"""One sequence of a problem, seen in a network."""

import torch
from torch import nn

from gruta.health.passes import Pass, passes
from gruta.health.sight import Sight, recurrent_layers
from gruta.nn.twin import twin
from gruta.studies.problems import Problem


def seen(model: nn.Module, problem: Problem, seed: int) -> list[Pass]:
    """The passes of the network's recurrent layer, with the loss's gradient at its last step."""
    layers = recurrent_layers(model)
    x, y = problem.draw(1, torch.Generator().manual_seed(seed + 1))
    with Sight(layers) as sight:
        problem.loss(model(x), y).backward()  # type: ignore[no-untyped-call]
    model.zero_grad()
    ((name, call),) = sight.calls.items()
    return passes(twin(layers[name]), call.from_its_end(1))
