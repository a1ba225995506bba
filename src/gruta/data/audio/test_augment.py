import numpy as np
import pytest

from gruta.data.audio.augment import SPEEDS, at_speed, spec_augment, speed, with_noise


def frames(length=100, width=40):
    return np.random.default_rng(0).standard_normal((length, width)).astype("f4")


def test_what_is_drawn_is_a_function_of_seed_step_and_row():
    one, tone = frames(), np.sin(np.arange(4000) / 5).astype("f4")
    for change in (
        lambda *where: spec_augment(one, *where),
        lambda *where: with_noise(tone, *where),
    ):
        assert np.array_equal(change(1, 2, 3), change(1, 2, 3))
        others = [change(1, 2, 4), change(1, 3, 3), change(2, 2, 3)]
        assert not any(np.array_equal(change(1, 2, 3), other) for other in others)
    assert {speed(0, step) for step in range(50)} == set(SPEEDS)


def test_stretches_and_bands_are_blotted_out_and_nothing_else():
    one, shares = frames(), []
    for step in range(200):
        found = spec_augment(one, 0, step, fill=9.0)
        gone = found == 9
        times, bands = gone.all(1), gone.all(0)
        assert np.array_equal(gone, times[:, None] | bands)
        assert np.array_equal(found[~gone], one[~gone])
        assert times.sum() <= 2 * 20  # a fifth of all, twice
        assert bands.sum() <= 2 * 8
        shares.append(gone.mean())
    assert 0.15 < np.mean(shares) < 0.4
    assert (one != 9).all()


@pytest.mark.parametrize("shape", [(1, 40), (3, 1), (0, 4)])
def test_short_and_narrow_features_stay_whole_ones(shape):
    assert spec_augment(frames(*shape), 0, 0).shape == shape


@pytest.mark.parametrize("factor", SPEEDS)
def test_speed_changes_length_and_pitch(factor):
    tone = np.sin(2 * np.pi * 500 * np.arange(8000) / 8000).astype("f4")
    found = at_speed(tone, 8000, factor)
    assert abs(len(found) - 8000 / factor) <= 0.5
    peak = np.abs(np.fft.rfft(found)).argmax() * 8000 / len(found)
    assert peak == pytest.approx(500 * factor, abs=2)
    if factor == 1:
        assert np.array_equal(found, tone)


@pytest.mark.parametrize("noise", [None, np.random.default_rng(1).uniform(0, 1, 700).astype("f4")])
def test_noise_is_as_far_below_as_was_drawn(noise):
    tone = np.sin(np.arange(40_000) / 5).astype("f4")
    far = []
    for step in range(30):
        added = with_noise(tone, 0, step, noise=noise).astype("f8") - tone
        far.append(10 * np.log10((tone**2).mean() / (added**2).mean()))
    assert 10 <= min(far) < max(far) <= 30
    exact = with_noise(tone, 0, 0, lowest=20, highest=20, noise=noise) - tone
    assert 10 * np.log10((tone**2).mean() / (exact**2).mean()) == pytest.approx(20, abs=1e-3)


def test_silence_stays_silence():
    assert not with_noise(np.zeros(99, "f4"), 0, 0).any()
    assert with_noise(np.empty(0, "f4"), 0, 0).shape == (0,)
    assert np.array_equal(with_noise(np.ones(9, "f4"), 0, 0, noise=np.zeros(5, "f4")), np.ones(9))
