import numpy as np
import pytest

from gruta.data import order
from gruta.data.order import by_length, shuffled
from gruta.data.parts import stratified


@pytest.mark.parametrize("share", [0.1, 0.25, 0.4])
def test_each_class_is_held_out_in_its_share(share):
    labels = ["a"] * 200 + ["b"] * 40 + ["c"] * 20
    held, rest = stratified(labels, None, share, seed=3)
    assert sorted([*held, *rest]) == list(range(260))
    for label, count in (("a", 200), ("b", 40), ("c", 20)):
        assert sum(labels[i] == label for i in held) == pytest.approx(share * count, abs=1)
    assert stratified(labels, None, share, seed=3)[0].tolist() == held.tolist()
    assert stratified(labels, None, share, seed=4)[0].tolist() != held.tolist()


def test_a_group_is_never_in_both_parts():
    draw = np.random.default_rng(0)
    groups = [f"g{k}" for k in draw.integers(0, 40, 400)]
    labels = ["x" if int(g[1:]) % 3 else "y" for g in groups]
    held, rest = stratified(labels, groups, 0.2, seed=0)
    assert not {groups[i] for i in held} & {groups[i] for i in rest}
    assert {labels[i] for i in held} == {labels[i] for i in rest} == {"x", "y"}
    assert len(held) == pytest.approx(80, abs=25)


def test_a_class_of_one_group_is_trained_on():
    labels, groups = ["a"] * 30 + ["b"] * 4, [f"g{i}" for i in range(30)] + ["only"] * 4
    held, rest = stratified(labels, groups, 0.4, seed=0)
    assert {labels[i] for i in held} == {"a"}
    assert {labels[i] for i in rest} == {"a", "b"}
    assert len(stratified(labels, groups, 0.0, seed=0)[0]) == 0


def test_batches_by_length_meet_every_case_once_an_epoch_with_little_padding():
    lengths = np.random.default_rng(0).integers(1, 60, 1000)
    batches = [by_length(lengths, 16, 7, step) for step in range(63)]
    assert sorted(np.concatenate(batches)) == list(range(1000))
    padded = sum(len(b) * lengths[b].max() for b in batches)
    assert padded < 1.1 * lengths.sum()
    again = by_length(lengths, 16, 7, 63 + 5)
    assert again.tolist() != batches[5].tolist()  # another epoch is shuffled anew


def test_very_many_places_come_once_an_epoch_without_an_order_that_is_kept(monkeypatch):
    monkeypatch.setattr(order, "MOST_KEPT", 100)
    for n in (101, 1025, 4096):
        pieces = [shuffled(3, n, start, 60) for start in range(0, 3 * n, 60)]
        epochs = np.concatenate(pieces)[: 2 * n].reshape(2, n)
        assert (np.sort(epochs) == np.arange(n)).all()
        assert (epochs[0] != epochs[1]).any()
        assert abs(np.corrcoef(epochs[0], np.arange(n))[0, 1]) < 0.2
    assert (shuffled(3, 1025, 0, 60) != shuffled(4, 1025, 0, 60)).any()
