import json

import numpy as np
import pytest

from gruta.codec.audio.cepstra import cepstra, deltas
from gruta.codec.audio.features import Features, FeatureStream
from gruta.codec.audio.mel import Mel
from gruta.codec.audio.test_mel import speechlike
from gruta.errors import InputError


def test_cepstra_are_librosas():
    librosa, log_mel = pytest.importorskip("librosa"), Mel().of(speechlike(16_000))
    expected = librosa.feature.mfcc(S=log_mel.T, n_mfcc=13).T
    assert np.abs(cepstra(log_mel, 13) - expected).max() < 1e-4


def test_cepstra_are_kaldis():
    kaldi, sound = pytest.importorskip("kaldi_native_fbank"), speechlike(16_000)
    options = kaldi.MfccOptions()
    options.frame_opts.dither, options.use_energy = 0, False
    theirs = kaldi.OnlineMfcc(options)
    theirs.accept_waveform(16_000, (sound * 32768).tolist())
    theirs.input_finished()
    expected = np.stack([theirs.get_frame(i) for i in range(theirs.num_frames_ready)])
    found = Features(Mel(bands=23, way="kaldi"), 13).of(sound)
    assert found.shape == expected.shape
    assert np.abs(found - expected).max() < 2e-3


def test_slopes_are_kaldis():
    """By its definition, worked out by hand: Σ k·x[t+k] / 10 over k from -2 to 2, ends repeated."""
    ramp = np.array([[0.0], [1], [2], [3], [4], [10]], np.float32)
    found = deltas(ramp, 2)
    padded = np.pad(ramp[:, 0], 4, "edge")
    first = [sum(k * padded[4 + t + k] for k in range(-2, 3)) / 10 for t in range(-2, 8)]
    wide = [
        sum(k * padded[min(max(4 + t + k, 0), 13)] for k in range(-2, 3)) / 10 for t in range(6)
    ]
    assert found[:, 1] == pytest.approx(wide)
    assert found[2, 1] == pytest.approx((2 * 4 + 3 - 1) / 10)
    second = [sum(k * first[2 + t + k] for k in range(-2, 3)) / 10 for t in range(6)]
    assert found[:, 2] == pytest.approx(second)


WAYS = [
    Features(Mel(bands=23, way="kaldi"), 13, 2),
    Features(Mel(8000, 40), 0, 1),
    Features(Mel(), 20, 2),
]


@pytest.mark.parametrize("features", WAYS)
@pytest.mark.parametrize("size", [1, 90, 801, 4000])
def test_a_stream_gives_the_features_of_the_whole_to_the_last_bit(features, size):
    for length in (4000, 700, 500, 80):
        sound = speechlike(8000)[:length]
        stream = FeatureStream(features)
        parts = [stream.add(sound[i : i + size]) for i in range(0, length, size)]
        found = np.concatenate([*parts, stream.finish()])
        assert found.shape == (features.mel.count(length), features.width)
        assert np.array_equal(found, features.of(sound))
        if features.mel.count(length):
            log_mel = features.still(features.mel.of(sound))
            assert np.array_equal(found, deltas(log_mel, features.deltas))


@pytest.mark.parametrize("features", WAYS)
def test_silence_is_finite_and_does_not_move(features):
    found = features.of(np.zeros(8000, "f4"))
    assert np.isfinite(found).all()
    width = features.width // (1 + features.deltas)
    assert np.abs(found[:, width:]).max() < 1e-5
    assert (found == found[0]).all()


def test_settings_survive_json():
    for features in WAYS:
        assert Features.from_json(json.loads(json.dumps(features.to_json()))) == features
    for wrong in ({}, {"mel": 1}, [], {"mel": Mel().to_json(), "cepstra": 99, "deltas": 0}):
        with pytest.raises(InputError, match=r"codec\.json: not features of sound"):
            Features.from_json(wrong)
    with pytest.raises(InputError, match="deltas: expected 0, 1 or 2, got 3"):
        Features(deltas=3)
