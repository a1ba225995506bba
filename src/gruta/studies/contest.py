"""Networks on one problem, each trained in a run directory of its own, so that a kill costs little.

A run that is finished is not trained again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import torch
from torch import nn

from gruta.errors import InputError
from gruta.locale import translate as _
from gruta.nn import CELLS
from gruta.nn.draws import drawing
from gruta.runs import METRICS, MODEL, Run, read_metrics
from gruta.settings import StreamSettings, resolve
from gruta.studies import TASK
from gruta.studies.plan import Plan
from gruta.studies.problems import DTYPE, Problem, as_record, from_record
from gruta.surroundings import threads, undisturbed
from gruta.train import Batch, Progress, State, Validation, seed_of, train
from gruta.weights import read_tensors

VALIDATION, TEST = 2**31, 2**31 + 1  # numbers of steps that no training reaches
SEQUENCES = {"validation": 500, "test": 2000}
ENTRANT = "entrant.json"
_AT_ONCE = 250

Init = Literal["torch", "orthogonal", "chrono"]


def label(cell: str, init: Init) -> str:
    """For people: the cell, and how its weights start where that is not PyTorch's way."""
    named = {"chrono": _("chrono"), "orthogonal": _("orthogonal")}
    return f"{cell.upper()}, {named[init]}" if init in named else cell.upper()


@dataclass(frozen=True)
class Entrant:
    """A network that is to be trained on a problem: its cell, how its weights start, its size.

    keep_bias: where the bias of the gate that keeps starts (z in the GRU, f in the LSTM), if not as
    `init` has it.
    """

    problem: Problem
    cell: str
    hidden: int
    settings: StreamSettings
    init: Init = "torch"
    keep_bias: float | None = None

    @property
    def name(self) -> str:
        """Of its run: what tells it from others."""
        init = self.init if self.keep_bias is None else f"bias{self.keep_bias:g}"
        parts = [self.problem.name, self.cell, init, self.hidden, self.settings.steps]
        return "-".join(map(str, [*parts, f"seed{self.settings.seed}"]))

    @property
    def label(self) -> str:
        """For people."""
        return label(self.cell, self.init)

    def network(self) -> nn.Module:
        """Untrained."""
        lag = {"longest_lag": self.problem.longest_lag} if self.init == "chrono" else {}
        inputs, how = self.problem.inputs, {"dtype": DTYPE, "init": self.init, **lag}
        layer = CELLS[self.cell](inputs, self.hidden, **how)
        if self.keep_bias is not None:
            own = layer.cell
            with torch.no_grad():
                own.block(layer.bias_ih_l0, own.keep).fill_(self.keep_bias)
                own.block(layer.bias_hh_l0, own.keep).zero_()
        return self.problem.network(layer, self.hidden)

    def to_json(self) -> dict[str, Any]:
        """How to build it again; its settings lie beside."""
        return {
            "problem": as_record(self.problem),
            "cell": self.cell,
            "hidden": self.hidden,
            "init": self.init,
            "keep_bias": self.keep_bias,
        }


@dataclass(frozen=True, eq=False)
class Result:
    """What came of an entrant.

    metrics: the records of metrics.jsonl. test: scores on sequences that training has not seen.
    """

    entrant: Entrant
    model: nn.Module
    metrics: Sequence[Mapping[str, Any]]
    test: Mapping[str, float]

    @property
    def parameters(self) -> int:
        """How many numbers were trained."""
        return sum(p.numel() for p in self.model.parameters())

    @property
    def seconds(self) -> float:
        """How long training took."""
        return max((float(r["seconds"]) for r in self.metrics if "seconds" in r), default=0.0)

    def to_json(self) -> dict[str, Any]:
        """The numbers, for a program."""
        entrant = self.entrant
        return {
            "problem": entrant.problem.name,
            "cell": entrant.cell,
            "init": entrant.init,
            "hidden": entrant.hidden,
            "parameters": self.parameters,
            "steps": entrant.settings.steps,
            "seconds": round(self.seconds, 1),
            **self.test,
        }


@undisturbed()
def start_of(entrant: Entrant) -> nn.Module:
    """The entrant's network before its first step."""
    with drawing(entrant.settings.seed):
        return entrant.network()


class Drawn:
    """The training loop's lesson: batches of a problem, a function of the seed and the step."""

    own_draws = True

    def __init__(self, entrant: Entrant) -> None:
        self.problem, self.settings = entrant.problem, entrant.settings
        self.model = start_of(entrant)

    def batch(self, step: int) -> Batch:
        """x and y."""
        x, y = self.problem.draw(self.settings.batch_size, self._generator(step))
        return {"x": x, "y": y}

    def loss(self, batch: Batch, state: State | None) -> tuple[torch.Tensor, State | None]:
        """The problem's."""
        return self.problem.loss(self.model(batch["x"]), batch["y"]), None

    def prepare(self, progress: Progress) -> None:
        """Nothing: the network is as the entrant has it."""

    def validate(self) -> Validation:
        """The problem's loss and scores on sequences that no step draws."""
        x, y = self._validation
        answer = answers(self.model, x)
        loss = float(self.problem.loss(answer, y))
        return Validation(loss, self.problem.scores(answer, y))

    def samples(self, step: int) -> Mapping[str, str]:
        """None: the scores tell all."""
        return {}

    def test(self) -> dict[str, float]:
        """The scores on others still, from which not even the best step was picked."""
        x, y = self.problem.draw(SEQUENCES["test"], self._generator(TEST))
        self.model.eval()
        return self.problem.scores(answers(self.model, x), y)

    @cached_property
    def _validation(self) -> tuple[torch.Tensor, torch.Tensor]:
        return self.problem.draw(SEQUENCES["validation"], self._generator(VALIDATION))

    def _generator(self, step: int) -> torch.Generator:
        return torch.Generator().manual_seed(seed_of(self.settings.seed, step))


@torch.no_grad()
def answers(model: nn.Module, x: torch.Tensor) -> torch.Tensor:
    """The model's answers `[·, B, outputs]`, some sequences at a time."""
    return torch.cat([model(part) for part in torch.split(x, _AT_ONCE, dim=1)], dim=1)


@undisturbed()
def compete(entrant: Entrant, plan: Plan) -> Result:
    """Train one, or take it as it was trained before.

    Raises as `gruta.train.train` does; InputError where its run directory holds something else.
    """
    run, drawn = _run(plan.directory / "runs" / entrant.name, entrant), Drawn(entrant)
    settings = entrant.settings
    with threads(settings.threads), plan.progress(entrant.name, settings.steps) as shown:
        train(drawn, settings, run, shown)
        test = drawn.test()
    return Result(entrant, drawn.model, read_metrics(run.path / METRICS), test)


def _run(path: Path, entrant: Entrant) -> Run:
    if not (path / "run.json").is_file():
        settings = entrant.settings.model_dump()
        run = Run.create(
            path, TASK, settings, entrant.problem.name, threads=torch.get_num_threads()
        )
    else:
        run = Run.open(path, TASK)
        if resolve(StreamSettings, run.settings()) != entrant.settings:
            problem = _(
                "{path}: trained with other settings than this version of gruta has for the study; "
                "remove that directory, or name another one"
            )
            raise InputError(problem.format(path=path))
    if not run.has(ENTRANT):
        run.write_json(ENTRANT, entrant.to_json())
    if run.read_json(ENTRANT) != entrant.to_json():
        problem = _(
            "{path}: {entrant} tells of another network than the study's; remove that directory, "
            "or name another one"
        )
        raise InputError(problem.format(path=path, entrant=ENTRANT))
    return run


@undisturbed()
def trained(path: Path) -> tuple[Entrant, nn.Module]:
    """The entrant of a finished run, and its network; InputError where there is none."""
    run = Run.open(path, TASK)
    about, tensors = run.read_json(ENTRANT), read_tensors(run, MODEL)[0]
    try:
        problem = from_record(about.pop("problem"))
        how = resolve(StreamSettings, run.settings())
        entrant = Entrant(problem, settings=how, **about)
        model = entrant.network()
        model.load_state_dict(tensors)
    except (AttributeError, KeyError, RuntimeError, TypeError, ValueError) as error:
        message = _(
            "{path}: {entrant} and {model} do not describe a network of a study ({error}); restore "
            "the files, or run the study again"
        )
        raise InputError(
            message.format(path=path, entrant=ENTRANT, model=MODEL, error=error)
        ) from error
    return entrant, model.eval()


def settings(plan: Plan, steps: int, learning_rate: float, batch_size: int = 32) -> StreamSettings:
    """How every entrant is trained: Adam, clipped by norm, the rate falling by half a cosine."""
    given = {
        "steps": steps,
        "batch_size": batch_size,
        "optimizer": "adam",
        "learning_rate": learning_rate,
        "weight_decay": 0.0,
        "beta2": 0.999,
        "schedule": "cosine",
        "warmup": 0.03,
        "validate_every": max(10, steps // 20),
        "checkpoint_every": 100,
        "seed": plan.seed,
    }
    return resolve(StreamSettings, given)


def hidden_for(problem: Problem, cell: str, parameters: int) -> int:
    """The hidden size at which a network on this problem has about so many parameters."""

    def count(hidden: int) -> int:
        with torch.device("meta"):
            layer = CELLS[cell](problem.inputs, hidden)
            return sum(p.numel() for p in problem.network(layer, hidden).parameters())

    size = 1
    while count(2 * size) < parameters:
        size *= 2
    return min(range(size, 2 * size + 1), key=lambda hidden: abs(count(hidden) - parameters))
