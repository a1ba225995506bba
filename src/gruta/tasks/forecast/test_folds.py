import numpy as np

from gruta.tasks.forecast import folds
from gruta.tasks.forecast.baselines import linear
from gruta.tasks.forecast.linear import solve
from gruta.tasks.forecast.split import Parts, Split


def split_of(table):
    return Split.of(table, Parts(np.array([len(table.y) - 20]), np.array([len(table.y)])))


def test_a_linear_path_misses_rows_that_it_was_not_solved_on_by_more(random_table):
    table = random_table(rows=140)
    split = split_of(table)
    rows = split.train[:]
    found, target = folds.unlearned(table, split, 0.0), table.changes(rows)
    fitted = linear(table, rows, solve(table, split, 0.0)) - table.y[rows][:, None]
    assert np.isnan(found[split.validation[:]]).all()
    assert np.abs(target - found[rows]).mean() > 1.1 * np.abs(target - fitted).mean()


def test_what_is_held_out_has_no_part_in_its_forecast(random_table, monkeypatch):
    table = random_table(rows=140)
    split, solved = split_of(table), []

    def noted(table, split, ridge):
        solved.append(split.train[:])
        return solve(table, split, ridge)

    monkeypatch.setattr(folds, "solve", noted)
    folds.unlearned(table, split, 0.0)
    steps = np.arange(1, table.horizon + 1)
    for held, others in zip(np.array_split(split.train[:], folds.FOLDS), solved, strict=True):
        assert not np.isin(held[:, None] + steps, others[:, None] + steps).any()
        assert len(held) + len(others) >= len(split.train) - 2 * (table.horizon - 1)


def test_long_and_very_short_training_parts_are_taken_as_they_are(random_table):
    for rows in (9_000, 45):
        table = random_table(rows=rows)
        assert folds.unlearned(table, split_of(table), 0.0) is None
