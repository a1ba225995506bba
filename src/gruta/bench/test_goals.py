"""When a goal is met, and what becomes of blocks that others disturbed."""

import pytest

from gruta.bench.blocks import Block
from gruta.bench.cases import Case, Goal
from gruta.bench.goals import judge, judge_memory
from gruta.bench.results import Timing, counted

CASE = Case("gru", "sequence", 100, 1, 40, 64, Goal(torch=10, other=2, share=0.8))
TIME = CASE.flops / 40e9  # 40 GFLOP/s


def seconds(torch: float, jax: float, openvino: float = 1.0) -> dict[str, float]:
    """Of everyone, those of the rivals as multiples of gruta's."""
    rivals = {"torch": torch * TIME, "jax": jax * TIME, "openvino": openvino}
    return {"gruta": TIME} | rivals


@pytest.mark.parametrize(
    ("torch", "jax", "limit", "missed"),
    [
        (10.1, 2.1, 49, ()),
        (9.9, 2.1, 49, ("torch",)),
        (10.1, 1.9, 49, ("other",)),
        (10.1, 2.1, 51, ("share",)),
        (1.0, 1.0, 47, ()),  # 85 % of the limit stands in for both ratios
        (1.0, 1.0, 48, ("torch", "other")),
    ],
)
def test_a_goal_is_met_at_its_ratio_or_near_the_limit(torch, jax, limit, missed):
    verdict = judge(CASE, 1, seconds(torch, jax), limit)
    assert (verdict.missed, verdict.met) == (missed, not missed)
    assert verdict.torch == pytest.approx(torch)
    assert (verdict.other, verdict.best_other) == (pytest.approx(jax), "jax")
    assert verdict.share == pytest.approx(40 / limit)


def test_on_two_threads_the_best_rival_is_the_goal():
    assert judge(CASE, 2, seconds(1.01, 1.01), 100).met is True
    assert judge(CASE, 2, seconds(1.01, 0.99), 100).missed == ("other",)


def test_without_a_rival_its_goal_is_not_judged():
    alone = {"gruta": TIME}
    assert judge(CASE, 1, alone, 45).met is None
    assert judge(CASE, 1, alone, 60).missed == ("share",)
    assert judge(Case("rnn", "step", 1, 1, 1, 1), 1, seconds(9, 9), 60).met is None


def test_without_a_result_of_gruta_the_goal_is_missed():
    verdict = judge(CASE, 1, {"torch": TIME}, 50)
    assert (verdict.missed, verdict.met, verdict.torch) == (("gruta",), False, None)


def test_a_call_may_have_a_longest_time():
    case = Case("gru", "step", 1, 1, 40, 64, Goal(seconds=2e-6))
    assert judge(case, 1, {"gruta": 1.9e-6}, None).met is True
    assert judge(case, 1, {"gruta": 2.1e-6}, None).missed == ("seconds",)


@pytest.mark.parametrize(
    ("saved", "halved", "rebuilt", "missed"),
    [
        (60, 40, 35, ()),
        (61, 41, 36, ("memory", "memory_halved", "memory_rebuilt")),
        (60, 40, None, ("memory_rebuilt",)),
        (60, None, 35, ("memory_halved",)),
        (None, 30, 30, ("gruta",)),
    ],
)
def test_memory_is_compared_with_torch(saved, halved, rebuilt, missed):
    goal = Goal(memory=0.6, memory_halved=0.4, memory_rebuilt=0.35)
    case = Case("gru", "memory", 9, 9, 9, 9, goal)
    own = {"saved": saved, "halved": halved, "rebuilt": rebuilt}
    peaks = {("torch", "eager"): 100} | {("gruta", variant): own[variant] for variant in own}
    verdict = judge_memory(case, 1, {who: peak for who, peak in peaks.items() if peak})
    assert (verdict.missed, verdict.met) == (missed, not missed)


def test_disturbed_blocks_do_not_count_if_enough_others_are_there():
    assert counted([1, 2, 3, 9], [0, 0, 0.05, 0.5]) == [1, 2, 3]
    assert counted([1, 2, 9, 9], [0, 0, 0.06, 0.5]) == [1, 2, 9, 9]
    blocks = [Block(1, s, 1.0, w) for s, w in ((4.0, 0), (5.0, 0), (6.0, 0), (90.0, 0.4))]
    assert (Timing(tuple(blocks)).seconds, Timing(tuple(blocks)).disturbed) == (5.0, False)
    assert Timing(tuple(blocks[1:])).disturbed
