"""How the thresholds of the advice were calibrated: on tasks whose answer is known.

Many networks are measured as they start, or while they train, and then trained to the end. A rule
is right where those that it warns of fail, and the others do not.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import product
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from gruta.health import Clipper, flow, gates
from gruta.health import advice as bounds
from gruta.locale import translate as _
from gruta.locale.numbers import brief
from gruta.nn import GRU, RNN
from gruta.nn.draws import drawing
from gruta.studies.advice.verdict import Case, Verdict
from gruta.studies.contest import Entrant, Init, compete, settings, start_of
from gruta.studies.plan import Plan
from gruta.studies.problems import DTYPE, Adding, Copying, Paragraphs, Problem
from gruta.studies.seen import seen
from gruta.surroundings import undisturbed
from gruta.ways_to_clip import ClipMode

HIDDEN = 24
REMEMBERS = 0.9
"""Of the loss of who has forgotten the beginning: who ends below it remembers something of it."""

SMALLEST = 1e-30
"""What stands for a gradient of which nothing arrives."""

STEPS = 500
OPTIMIZERS: Mapping[str, tuple[Any, float]] = {
    "adam": (torch.optim.Adam, 1e-2),
    "sgd": (partial(torch.optim.SGD, momentum=0.9), 0.3),
}
"""With rates at which each learns the adding problem in so many steps."""


@dataclass(frozen=True, eq=False)
class Found:
    """The rules, with the trainings that they were tried on."""

    verdicts: Sequence[Verdict]

    def to_json(self) -> dict[str, Any]:
        """The numbers, for a program."""
        return {verdict.name: verdict.to_json() for verdict in self.verdicts}


@undisturbed()
def run(plan: Plan) -> Found:
    """Measure and train all."""
    return Found([*_memory(plan), _exploding(plan), *_clipping(plan), *_updates(plan)])


def _memory(plan: Plan) -> list[Verdict]:
    """The gradient that arrives at the start, and how long the units keep, of fresh networks."""
    arrives, keeps = [], []
    for entrant in _entrants(plan):
        problem = entrant.problem
        one = seen(start_of(entrant), problem, plan.seed)[-1]
        need = problem.longest_lag
        norms = flow.gradient_through_time(one).norms
        reach = float(norms[min(need, len(norms)) - 1] / norms[0])
        outcome = compete(entrant, plan).test[problem.score_name] / problem.baseline
        arrives.append(Case(entrant.name, max(reach, SMALLEST), outcome, outcome > REMEMBERS))
        tau = gates.time_constants(one)
        if tau is not None:
            share = float(np.percentile(tau, 90)) / need
            keeps.append(Case(entrant.name, share, outcome, outcome > REMEMBERS))
        plan.tell(f"{entrant.name}: {brief(reach)}, {brief(outcome)}")
    return [
        Verdict("gradient that arrives", bounds.VANISHING, True, arrives),
        Verdict("time constant over need", bounds.LEAK, True, keeps),
    ]


def _entrants(plan: Plan) -> Iterator[Entrant]:
    lengths = plan.by_effort((30,), (15, 30, 60, 120))
    problems: list[tuple[Problem, int]] = [(Adding(T), plan.by_effort(300, 1000)) for T in lengths]
    problems += [(Copying(T // 2), plan.by_effort(500, 2000)) for T in lengths]
    problems += [(Paragraphs(T // 3, T // 3), plan.by_effort(300, 1000)) for T in lengths]
    starts: list[tuple[str, Init, float | None]] = [
        ("rnn", "torch", None),
        ("lstm", "torch", None),
        ("gru", "torch", None),
        ("gru", "chrono", None),
    ]
    starts += plan.by_effort(
        [],
        [
            ("rnn", "orthogonal", None),
            ("lstm", "torch", 2.0),
            ("lstm", "chrono", None),
            ("gru", "torch", 1.0),
            ("gru", "torch", 3.0),
        ],
    )
    for (problem, steps), (cell, init, bias) in product(problems, starts):
        rate = 3e-3 if cell == "rnn" else 1e-2
        yield Entrant(problem, cell, HIDDEN, settings(plan, steps, rate), init, bias)


def _exploding(plan: Plan) -> Verdict:
    """Plain networks whose matrix from state to state stretches, trained without clipping."""
    cases = []
    gains = plan.by_effort((0.9, 1.1, 1.5), (0.8, 0.9, 1.0, 1.05, 1.1, 1.2, 1.3, 1.5, 2.0))
    seeds = range(plan.seed, plan.seed + plan.by_effort(1, 3))
    for T, gain, seed in product(plan.by_effort((30, 60), (30, 60, 100)), gains, seeds):
        problem = Adding(T)
        with drawing(seed), torch.no_grad():
            layer = RNN(2, 32, dtype=DTYPE, init="orthogonal")
            layer.get_parameter("weight_hh_l0").mul_(gain)
            layer.get_parameter("weight_ih_l0").mul_(0.3)
            model = problem.network(layer, 32)
        one = seen(model, problem, seed)[-1]
        growth = math.exp(min(700.0, flow.gradient_through_time(one).slope * (T - 1)))
        sgd = torch.optim.SGD(model.parameters(), 0.05)
        losses = list(_losses(model, problem, sgd, Clipper("none"), 150, seed))
        worst = max(losses) / losses[0] if all(map(math.isfinite, losses)) else math.inf
        cases.append(Case(f"T {T} gain {gain} seed {seed}", growth, worst, worst > 3))
    plan.tell(_("{count} plain networks trained without clipping").format(count=len(cases)))
    return Verdict("growth of the gradient", bounds.EXPLODING, False, cases)


def _clipping(plan: Plan) -> list[Verdict]:
    """Thresholds from far too low to idle: the share that is clipped, the turn, and the end.

    A training has failed that ends at over twice the error of the same one that is not clipped.
    """
    cases: dict[ClipMode, list[Case]] = {"norm": [], "value": []}
    thresholds = plan.by_effort((1e-2, 0.3), (1e-3, 1e-2, 3e-2, 0.1, 0.3, 1, 3))
    for name, seed in product(_optimizers(plan), _seeds(plan, 2)):
        rate = OPTIMIZERS[name][1]
        idle, _ratio = _training(name, rate, Clipper("none"), seed)
        if idle > 0.5:  # it has not learned yet, so that nothing can be told from it
            continue
        for mode, threshold in product(cases, thresholds):
            clipper = Clipper(mode, threshold)
            end, _ratio = _training(name, rate, clipper, seed)
            key = "clipped_share" if mode == "norm" else "mean_cosine"
            case = f"{name} {threshold} seed {seed}"
            cases[mode].append(Case(case, clipper.statistics()[key], end, end > 2 * idle))
    plan.tell(_("{count} trainings clipped").format(count=sum(map(len, cases.values()))))
    return [
        Verdict("clipped share", bounds.CLIPPED, False, cases["norm"]),
        Verdict("cosine", bounds.TURNED, True, cases["value"]),
    ]


def _updates(plan: Plan) -> list[Verdict]:
    """Learning rates from far too low to far too high: the size of the first steps, and the end."""
    rates = plan.by_effort((1e-4, 1e-2, 3), (1e-5, 1e-4, 1e-3, 1e-2, 3e-2, 0.1, 0.3, 1, 3))
    cases = []
    for name, rate, seed in product(_optimizers(plan), rates, _seeds(plan, 2)):
        end, ratio = _training(name, rate, Clipper("norm", 1.0), seed)
        cases.append(Case(f"{name} {rate} seed {seed}", ratio, end, end > REMEMBERS))
    plan.tell(_("{count} trainings at other rates").format(count=len(cases)))
    low, high = bounds.UPDATES
    fine = [case.measure for case in cases if not case.failed]
    middle = float(np.median(fine)) if fine else math.sqrt(low * high)
    return [
        Verdict("update ratio, low", low, True, [c for c in cases if c.measure <= middle]),
        Verdict("update ratio, high", high, False, [c for c in cases if c.measure >= middle]),
    ]


def _training(name: str, rate: float, clipper: Clipper, seed: int) -> tuple[float, float]:
    """A GRU on the adding problem: the error it ends at, as a share of that of who has forgotten
    the first number, and the median ratio of a weight's first changes to its size.
    """
    problem = Adding(30)
    with drawing(seed):
        layer = GRU(2, HIDDEN, dtype=DTYPE, init="chrono", longest_lag=30)
        model = problem.network(layer, HIDDEN)
    optimizer = OPTIMIZERS[name][0](model.parameters(), rate)
    ratios, before = [], _weights(model)
    for k, loss in enumerate(_losses(model, problem, optimizer, clipper, STEPS, seed)):
        if k < 10:
            after = _weights(model)
            ratios += [float((a - b).norm() / b.norm()) for a, b in zip(after, before, strict=True)]
            before = after
        if not math.isfinite(loss):
            return math.inf, float(np.median(ratios))
    x, y = problem.draw(1000, torch.Generator().manual_seed(seed + 1000))
    with torch.no_grad():
        end = float(problem.loss(model(x), y)) / problem.baseline
    return end, float(np.median(ratios))


def _weights(model: nn.Module) -> list[Tensor]:
    return [p.detach().clone() for name, p in model.named_parameters() if "weight" in name]


def _losses(
    model: nn.Module,
    problem: Problem,
    optimizer: torch.optim.Optimizer,
    clipper: Clipper,
    steps: int,
    seed: int,
) -> Iterator[float]:
    """The loss of each step, after the step was taken; the last one where it is not finite.

    A loop of its own: the product's stops a training that goes wrong, and here it is to go wrong
    and be seen doing so, without validation, checkpoints and a best step to return to.
    """
    generator = torch.Generator().manual_seed(seed)
    for _step in range(steps):
        x, y = problem.draw(32, generator)
        loss = problem.loss(model(x), y)
        loss.backward()  # type: ignore[no-untyped-call]
        if clipper.clip(model.named_parameters(), loss).nonfinite is None:
            optimizer.step()
        optimizer.zero_grad()
        yield float(loss.detach())
        if not loss.isfinite():
            return


def _optimizers(plan: Plan) -> Sequence[str]:
    return plan.by_effort(("adam",), tuple(OPTIMIZERS))


def _seeds(plan: Plan, count: int) -> range:
    return range(plan.seed, plan.seed + plan.by_effort(1, count))
