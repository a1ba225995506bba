import json
from contextlib import nullcontext

import numpy as np
import pytest

from gruta.codec.audio.filters import to_hertz, to_mel
from gruta.codec.audio.mel import Mel, MelStream
from gruta.errors import InputError


def speechlike(rate, seconds=1.0, seed=0):
    """A gliding tone, noise that swells, and a pause."""
    t = np.arange(round(rate * seconds)) / rate
    noise = np.random.default_rng(seed).standard_normal(len(t)) * t * 0.02
    return ((0.3 * np.sin(2 * np.pi * (200 + 300 * t) * t) + noise) * (t % 0.5 > 0.1)).astype("f4")


LIBROSA = [
    Mel(),
    Mel(8000, 40, scale="htk", low=0.0),
    Mel(22_050, 80, fft=1024, low=0.0, high=8000.0),
    Mel(44_100, 64, window=0.02, hop=0.005),
]


@pytest.mark.parametrize("mel", LIBROSA, ids=lambda mel: f"{mel.rate}-{mel.bands}")
@pytest.mark.parametrize("samples", [1, 99, 16_000, 16_001])
def test_spectra_are_librosas(mel, samples):
    librosa, sound = pytest.importorskip("librosa"), speechlike(mel.rate, 2)[:samples]
    about = dict(n_fft=mel.size, hop_length=mel.step, win_length=mel.length, center=True)
    bands = dict(n_mels=mel.bands, fmin=mel.low, fmax=mel.top, htk=mel.scale == "htk")
    short = pytest.warns(UserWarning, match="n_fft") if samples < mel.size else nullcontext()
    with short:
        power = librosa.feature.melspectrogram(y=sound, sr=mel.rate, **about, **bands, power=2)
    expected = np.log(np.maximum(power, 1e-10)).T
    assert mel.of(sound).shape == expected.shape == (mel.count(samples), mel.bands)
    assert np.abs(mel.of(sound) - expected).max() < 1e-5


@pytest.mark.parametrize(("rate", "bands"), [(16_000, 80), (8000, 40), (16_000, 23)])
@pytest.mark.parametrize("loud", [1, 1e-4])
def test_spectra_are_kaldis(rate, bands, loud):
    kaldi, sound = pytest.importorskip("kaldi_native_fbank"), speechlike(rate) * np.float32(loud)
    options = kaldi.FbankOptions()
    options.frame_opts.samp_freq, options.frame_opts.dither = rate, 0
    options.mel_opts.num_bins = bands
    theirs = kaldi.OnlineFbank(options)
    theirs.accept_waveform(rate, (sound * 32768).tolist())
    theirs.input_finished()
    expected = np.stack([theirs.get_frame(i) for i in range(theirs.num_frames_ready)])
    found = Mel(rate, bands, way="kaldi").of(sound)
    assert found.shape == expected.shape == (98, bands)
    assert np.abs(found - expected).max() < 1e-3  # they add up in single precision


@pytest.mark.parametrize("way", ["librosa", "kaldi"])
@pytest.mark.parametrize("size", [1, 7, 160, 401, 5000])
def test_a_stream_gives_the_frames_of_the_whole_to_the_last_bit(way, size):
    mel, sound = Mel(way=way), speechlike(16_000)[: 16_000 if size > 1 else 2000]
    stream = MelStream(mel)
    for _again in range(2):  # a stream that was finished begins anew
        parts = [stream.add(sound[i : i + size]) for i in range(0, len(sound), size)]
        found = np.concatenate([*parts, stream.finish()])
        assert np.array_equal(found, mel.of(sound))


@pytest.mark.parametrize("way", ["librosa", "kaldi"])
def test_frames_of_nothing_and_of_less_than_a_window(way):
    mel = Mel(way=way)
    for samples in (0, 1, 160, 399, 400, 559, 560):
        assert mel.of(np.ones(samples, "f4")).shape == (mel.count(samples), 40)
    assert [mel.count(n) for n in (0, 1, 400, 16_000)] == (
        [0, 1, 3, 101] if way == "librosa" else [0, 0, 1, 98]
    )


@pytest.mark.parametrize("way", ["librosa", "kaldi"])
def test_silence_is_the_floor(way):
    mel = Mel(way=way)
    found = mel.of(np.zeros(16_000, "f4"))
    assert np.isfinite(found).all()
    assert (found == np.float32(mel.floor)).all()


def test_a_frame_has_its_time():
    assert Mel().time(100) == 1.0
    assert Mel(way="kaldi").time(0) == 0.0125


def test_the_scales_turn_back():
    hertz = np.array([0.0, 20, 999, 1000, 1001, 8000])
    for scale in ("slaney", "htk"):
        assert to_hertz(to_mel(hertz, scale), scale) == pytest.approx(hertz)


def test_settings_survive_json():
    mel = Mel(8000, 23, 0.02, 0.01, 50.0, 3800.0, "kaldi", "htk", 512)
    assert Mel.from_json(json.loads(json.dumps(mel.to_json()))) == mel
    for wrong in ({"bands": "many"}, {"colour": 1}, [], {"bands": 500}, {"way": "sox"}, None):
        with pytest.raises(InputError, match="mel: not settings of spectra"):
            Mel.from_json(wrong)


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        (dict(bands=200), "bands: band 6 of 200 lies between two frequencies"),
        (dict(high=9000.0), "high: expected bands within 0 and 8,000 Hz, got 20 to 9,000"),
        (dict(hop=0.03), "hop: expected a hop from a sample up to the window"),
        (dict(fft=256), "fft: expected an even number from 400, a window, to 65,536, got 256"),
        (dict(rate=10), "rate: expected 1,000 to 384,000 samples a second, got 10"),
        (dict(way="htk"), "way: expected librosa or kaldi, got 'htk'"),
    ],
)
def test_settings_that_cannot_be_are_refused(settings, told):
    with pytest.raises(InputError) as error:
        Mel(**settings)
    assert told in str(error.value)


@pytest.mark.parametrize("block", [np.zeros((4, 2), "f4"), np.array([0, np.nan], "f4")])
def test_a_stream_takes_finite_samples_of_one_channel(block):
    with pytest.raises(ValueError, match="expected finite samples of one channel"):
        MelStream(Mel()).add(block)
