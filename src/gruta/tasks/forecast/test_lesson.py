from itertools import pairwise

import numpy as np
import pytest
import torch

from gruta.codec.series.infer import parse
from gruta.codec.series.series import Columns, Series
from gruta.codec.series.test_features import rows_of
from gruta.errors import InputError
from gruta.tasks.forecast.lesson import ForecastLesson
from gruta.tasks.forecast.network import ForecastNetwork
from gruta.tasks.forecast.settings import ForecastSettings
from gruta.tasks.forecast.split import Origins, Parts, Split
from gruta.train import Progress


def parts(*lengths, late=(0, 0, 0), **given):
    """Of days, the i-th series `late[i]` days after the first."""
    begins = np.datetime64("2024-01-01", "us") + np.array(late[: len(lengths)], "m8[D]")
    empty = np.empty((sum(lengths), 0))
    series = Series(
        target=np.arange(sum(lengths), dtype=float),
        known=empty,
        past=empty,
        starts=np.concatenate([[0], np.cumsum(lengths)]),
        begins=begins,
        ids=tuple("abc"[: len(lengths)]),
        columns=Columns(),
        frequency=parse("1d"),
        source="test",
    )
    found = Parts.of(series, ForecastSettings(**given))
    return list(zip(found.train.tolist(), found.seen.tolist(), strict=True))


def test_parts_follow_each_other():
    assert parts(1000) == [(800, 900)]
    assert parts(1000, test_share=0, validation_share=0.25) == [(750, 1000)]


def test_validation_and_test_hold_a_horizon_at_least():
    assert parts(100, horizon=20) == [(60, 80)]
    assert parts(100, horizon=20, test_share=0) == [(80, 100)]
    assert parts(30, horizon=20)[0][0] == 0


def test_several_series_are_parted_at_the_same_moments():
    # The first ends 15 days before the last; the third begins when the test does.
    assert parts(100, 80, 12, late=(0, 35, 103)) == [(91, 100), (56, 68), (0, 0)]
    by_stamp = {"test_from": "2024-04-01", "validation_from": "2024-03-02"}
    assert parts(100, 80, late=(0, 35), **by_stamp) == [(61, 91), (26, 56)]
    assert parts(100, 80, late=(0, 35), test_from="2024-04-01", validation_share=0.1) == [
        (79, 91),
        (44, 56),
    ]


def test_targets_of_the_splits_do_not_meet(random_table):
    table = random_table(rows=100)
    split = Split.of(table, Parts(train=np.array([70]), seen=np.array([90])))
    assert split.train[0] == table.first_origin
    assert split.train[-1] + table.horizon == 69
    assert split.validation[0] + 1 == 70
    assert split.validation[-1] + table.horizon == 89


def test_origins_tell_which_rows_are_among_them():
    some = Origins(np.array([3, 10, 20]), np.array([5, 10, 22]))
    rows = np.arange(25)
    assert some.has(rows).tolist() == np.isin(rows, some[:]).tolist()
    assert not Origins(np.array([3]), np.array([3])).has(rows).any()


def task_on(table, **given):
    settings = ForecastSettings(hidden=4, **given)
    split = Split.of(table, Parts(np.array([len(table.y) - 20]), np.array([len(table.y)])))
    torch.manual_seed(0)
    task = ForecastLesson(ForecastNetwork.of(table, settings), table, split, settings)
    task.prepare(Progress())
    return task


def test_batch_depends_on_seed_and_step_alone(random_table):
    table = random_table(rows=200)
    task, again = (task_on(table, batch_size=8) for _ in range(2))
    later = again.batch(3)
    assert all(torch.equal(task.batch(3)[name], later[name]) for name in later)
    assert not torch.equal(task.batch(3)["past"], task.batch(4)["past"])
    assert not torch.equal(
        task.batch(3)["past"], task_on(table, seed=1, batch_size=8).batch(3)["past"]
    )


@pytest.mark.parametrize(("rows", "apart"), [(200, 10), (5000, 50)])
def test_a_short_training_part_is_validated_often(random_table, rows, apart):
    assert task_on(random_table(rows=rows)).validate_every == apart


def test_a_run_goes_on_with_what_its_network_was_begun_to_correct(random_table):
    table = random_table(rows=200)
    begun, settings = task_on(table), ForecastSettings(hidden=4)
    for same in (True, False):
        resumed = ForecastLesson(ForecastNetwork.of(table, settings), table, begun.split, settings)
        if same:  # else the checkpoint is of a version that knew no folds
            resumed.restored(begun.kept())
        assert (resumed.base is not None) == same
    assert begun.validate_every < resumed.validate_every


@pytest.mark.parametrize("rows", [200, 5000])
def test_trust_and_intervals_are_found_by_a_linear_path_that_does_not_know_their_rows(
    random_table, rows
):
    task = task_on(random_table(rows=rows))
    validation, rolled = task.on_validation(), task.rolled()
    task.conclude()
    with task.as_chosen():
        for now, before in ((task.on_validation(), validation), (task.rolled(), rolled)):
            np.testing.assert_array_equal(now.at(1.0), before.at(1.0))
    rows = task.split.validation[:]
    target, median = task.table.changes(rows), task.model.median
    known = np.abs(task.forecast(rows)[..., median] - target).mean()
    assert known < np.abs(validation.at(1.0)[..., median] - target).mean()


def test_what_a_network_adds_hardly_moves_with_the_path_that_training_ends_with(random_table):
    task = task_on(random_table(rows=5000))
    torch.nn.init.normal_(task.model.head.weight, std=0.1)
    before = task.on_validation()
    added = before.at(1.0) - before.at(0.0)
    task.conclude()
    after = task.on_validation()
    assert np.abs(added).mean() > 1e-3
    assert np.abs(after.at(1.0) - after.at(0.0) - added).mean() < 0.1 * np.abs(added).mean()


def test_a_resumed_run_ends_with_the_linear_path_that_it_was_begun_with(random_table):
    table = random_table(rows=200)
    begun, settings = task_on(table), ForecastSettings(hidden=4)
    resumed = ForecastLesson(ForecastNetwork.of(table, settings), table, begun.split, settings)
    resumed.model.load_state_dict(begun.model.state_dict())
    resumed.restored(begun.kept())
    begun.conclude()
    resumed.conclude()
    for name, weight in begun.model.state_dict().items():
        assert torch.equal(weight, resumed.model.state_dict()[name]), name
    with resumed.as_chosen(), begun.as_chosen():
        np.testing.assert_array_equal(resumed.rolled().at(1.0), begun.rolled().at(1.0))


def test_an_epoch_meets_every_training_origin_once(random_table):
    task = task_on(random_table(rows=200), batch_size=7, lookback=5)
    n = len(task.split.train)
    values = torch.from_numpy(task.table.y[task.split.train[:]])
    last = torch.cat([task.batch(step)["past"][:, -1, 0] for step in range(-(-n // 7))])[:n]
    assert torch.equal(last.sort().values, values.sort().values)


def test_batch_larger_than_the_training_part_wraps_round(random_table):
    task = task_on(random_table(), batch_size=100)
    assert len(task.split.train) < 50
    assert len(task.batch(0)["past"]) == 100


def test_newest_row_is_always_an_origin_and_none_lies_before_the_first(random_table):
    table = random_table(rows=80, lookback=12)
    task = task_on(table, batch_size=64)
    for step in range(5):
        batch = task.batch(step)
        assert (batch["positions"][:, -1] == 11).all()
        assert all(value.isfinite().all() for value in batch.values())


def test_tbptt_pieces_follow_each_other_and_the_state_is_carried(random_table):
    table = random_table(rows=200)
    task = task_on(table, tbptt=8, batch_size=3)
    rows = len(task.split.train) // 3
    pieces = rows // 8
    batches = [task.batch(step) for step in range(pieces + 1)]
    fresh = [bool(batch["fresh"]) for batch in batches]
    assert fresh == [True, *[False] * (pieces - 1), True]
    place = {tuple(row): i for i, row in enumerate(rows_of(table).tolist())}
    ends = [[place[tuple(row)] for row in batch["past"][:, -1].tolist()] for batch in batches]
    assert all(b == [i + 8 for i in a] for a, b in pairwise(ends[:-1]))
    given = []
    forward = task.model.forward
    task.model.forward = lambda batch, state: given.append(state) or forward(batch, state)
    state = None
    for batch in batches:
        _, state = task.loss(batch, state)
        assert state is not None
    assert [s is None for s in given] == fresh


def test_independent_windows_carry_no_state(random_table):
    task = task_on(random_table(rows=100))
    assert task.loss(task.batch(0), None)[1] is None


def test_tbptt_longer_than_the_training_part_is_refused(random_table):
    with pytest.raises(InputError, match=r"tbptt: expected at most the \d+ rows .* got 100"):
        task_on(random_table(rows=100), tbptt=100)


def test_linear_path_is_asked_once_about_what_batches_come_back_to(random_table, monkeypatch):
    once, anew = task_on(random_table(rows=5000)), task_on(random_table(rows=5000))
    monkeypatch.setattr("gruta.tasks.forecast.lesson.MOST_READY", 0)
    asked = anew.batch(3)
    monkeypatch.undo()
    ready = once.batch(3)
    assert asked.keys() - ready.keys() == {"lags", "recent"}
    assert ready.keys() - asked.keys() == {"base"}
    torch.testing.assert_close(once.model.base(ready), anew.model.base(asked))
    once.conclude()  # another path: what it says is asked again
    changed = once.batch(3)
    assert not torch.equal(changed["base"], ready["base"])


def test_linear_path_is_not_asked_about_more_than_a_training_reads(random_table):
    lesson = task_on(random_table(rows=5000), steps=1, batch_size=2, origins=1)
    assert "lags" in lesson.batch(0)
