import numpy as np
import pytest

from gruta.codec.audio.griffin_lim import griffin_lim, magnitudes, sound_of
from gruta.codec.audio.mel import Mel
from gruta.codec.audio.spectra import Windows
from gruta.codec.audio.test_mel import speechlike
from gruta.codec.audio.waveform import de_emphasised, emphasised, from_mu_law, mu_law
from gruta.errors import InputError

MELS = [Mel(), Mel(8000, 40, fft=512), Mel(22_050, 80, 0.04, 0.0125, fft=1024)]


@pytest.mark.parametrize("mel", MELS, ids=lambda mel: str(mel.rate))
def test_spectra_and_their_sound_are_librosas(mel):
    librosa, sound = pytest.importorskip("librosa"), speechlike(mel.rate)
    about = dict(hop_length=mel.step, win_length=mel.length)
    windows = Windows.of(mel)
    expected = librosa.stft(sound, n_fft=mel.size, **about)
    assert np.abs(windows.spectra(sound) - expected.T).max() < 1e-4
    spectra = windows.spectra(sound) * np.linspace(0, 2, expected.shape[0])
    theirs = librosa.istft(spectra.T, n_fft=mel.size, **about)
    assert np.abs(windows.sound(spectra) - theirs).max() < 1e-6
    again = windows.sound(windows.spectra(sound), len(sound))
    assert np.abs(again - sound).max() < 1e-6


def far(sound, wanted, windows):
    """How far a sound's magnitudes are from those wanted, as a share."""
    found = np.abs(windows.spectra(sound))
    return np.linalg.norm(found - wanted) / np.linalg.norm(wanted)


def test_the_sound_of_magnitudes_is_as_near_as_librosas():
    librosa = pytest.importorskip("librosa")
    mel = Mel()
    windows, sound = Windows.of(mel), speechlike(16_000)
    wanted = np.abs(windows.spectra(sound))
    about = dict(hop_length=mel.step, win_length=mel.length, n_iter=32, random_state=0)
    theirs = far(librosa.griffinlim(wanted.T, **about), wanted, windows)
    ours = griffin_lim(wanted, windows)
    assert far(ours, wanted, windows) < theirs * 1.1 < 0.3
    assert np.array_equal(ours, griffin_lim(wanted, windows))
    assert not np.array_equal(ours, griffin_lim(wanted, windows, seed=1))
    plain = griffin_lim(wanted, windows, momentum=0.0)
    assert far(ours, wanted, windows) < far(plain, wanted, windows)


@pytest.mark.parametrize("mel", MELS, ids=lambda mel: str(mel.rate))
def test_a_sound_of_log_mel_spectra_has_them_as_nearly_as_librosas(mel):
    librosa, log_mel = pytest.importorskip("librosa"), mel.of(speechlike(mel.rate))
    found, power = magnitudes(log_mel, mel), np.exp(log_mel)
    assert found.min() >= 0
    loud = (power > power.max(1, keepdims=True) * 1e-2) & (power.max(1, keepdims=True) > 1e-4)
    off = np.log(np.maximum(found**2 @ mel.matrix, 1e-10)) - log_mel
    assert np.abs(off[loud]).max() < 0.05
    about = dict(n_fft=mel.size, hop_length=mel.step, win_length=mel.length, random_state=0)
    theirs = librosa.griffinlim(
        np.sqrt(librosa.util.nnls(mel.matrix.T, power.T.astype("f8"))), **about
    )
    away = [
        np.abs(mel.of(one.astype("f4")) - log_mel[: 1 + len(one) // mel.step])[loud].mean()
        for one in (sound_of(log_mel, mel), theirs)
    ]
    assert away[0] < away[1] * 1.05


def test_silence_stays_silence():
    silence = np.full((9, 40), Mel().floor, "f4")
    assert np.abs(sound_of(silence, Mel())).max() < 1e-3


def test_frames_do_not_depend_on_their_neighbours():
    log_mel = Mel().of(speechlike(16_000))
    alone = magnitudes(log_mel[40:41], Mel())
    assert magnitudes(log_mel, Mel())[40] == pytest.approx(alone[0], rel=1e-6, abs=1e-12)


def test_of_kaldis_spectra_no_sound_is_made():
    with pytest.raises(InputError, match="way: expected librosa"):
        sound_of(np.zeros((3, 40), "f4"), Mel(way="kaldi"))


def test_mu_law_turns_back_within_half_a_level():
    every = np.arange(256)
    assert np.array_equal(mu_law(from_mu_law(every)), every)
    assert (mu_law(np.zeros(1, "f4"))[0], from_mu_law(np.array([128]))[0]) == (128, 0)
    x = np.linspace(-1, 1, 9999).astype("f4")
    level = (1 + 255 * np.abs(x)) / 255 * np.log(256) / 128
    inside = x < 0.957
    assert (np.abs(from_mu_law(mu_law(x)) - x) <= level * 0.51)[inside].all()
    assert mu_law(np.array([-9, 9], "f4")).tolist() == [0, 255]


def test_emphasis_turns_back_in_parts_too():
    x = speechlike(8000)
    raised = emphasised(x)
    assert raised[1:] == pytest.approx(x[1:] - 0.97 * x[:-1], abs=1e-6)
    back = de_emphasised(raised)
    assert back == pytest.approx(x, abs=1e-5)
    parts = emphasised(x[:99]), emphasised(x[99:], before=x[98])
    assert np.array_equal(np.concatenate(parts), raised)
    first = de_emphasised(raised[:99])
    second = de_emphasised(raised[99:], before=float(first[-1]))
    assert np.concatenate([first, second]) == pytest.approx(back, abs=1e-5)
    assert de_emphasised(np.empty(0, "f4")).shape == (0,)
