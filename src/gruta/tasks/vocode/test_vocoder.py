"""The vocoder: what it hears in a sound, what it makes of a spectrum, what fails."""

import json
import subprocess
import sys

import numpy as np
import pytest
import soundfile
import torch

import gruta
from gruta import InputError, Vocoder
from gruta.codec.audio.distortion import DECIBELS, distortion, path, warped_distortion
from gruta.codec.audio.mel import Mel
from gruta.codec.audio.prediction import Prediction, levels, levinson, predicted, values
from gruta.codec.audio.test_mel import speechlike
from gruta.codec.audio.vocoder import VocoderCodec
from gruta.nn.draws import drawing
from gruta.report.terminal import lines
from gruta.settings import resolve
from gruta.tasks.vocode.conftest import RATE, hum, hums
from gruta.tasks.vocode.head import VocodeHead
from gruta.tasks.vocode.lesson import Stretches, together
from gruta.tasks.vocode.network import VocodeNetwork
from gruta.tasks.vocode.parts import fitted, in_parts, read
from gruta.tasks.vocode.report import verdict
from gruta.tasks.vocode.settings import VocodeSettings
from gruta.tasks.vocode.task import TASK

SMALL = {
    "rate": RATE, "bands": 20, "hidden": 24, "embedding": 8, "filters": 8, "frames": 6,
    "batch_size": 16, "steps": 120, "validate_every": 40, "learning_rate": 1e-2,
}  # fmt: skip


@pytest.fixture(scope="module")
def vocoder():
    return Vocoder(**SMALL).fit(hums())


@pytest.fixture(scope="module")
def model(vocoder, tmp_path_factory):
    path = tmp_path_factory.mktemp("vocoder") / "hum.gruta"
    vocoder.export(path)
    return gruta.load(path)


def test_it_foretells_samples_and_makes_sounds_near_what_was_asked_for(vocoder):
    found = vocoder.evaluate(hums(), seconds=2)
    network, lim, blind = found.scores
    assert [one.model for one in found.scores] == ["gru", "griffin-lim", "levels"]
    assert network.nats < blind.nats - 0.1
    assert lim.nats is None
    assert "misses" in verdict(found)
    assert found.speed > 0
    (table, speed) = TASK.report(vocoder.trained_, found, []).sections[0].content
    assert len(lines(table).columns[0]._cells) == 3
    assert [row[0] for row in speed.rows][-1] == "as a factor of real time at 16,000 Hz"
    (copy,) = vocoder.predict([hum(seed=5)])
    assert abs(len(copy) - len(hum())) <= vocoder.trained_.codec.mel.step
    assert np.array_equal(copy, vocoder.predict([hum(seed=5)])[0])
    assert not np.array_equal(copy, vocoder.predict([hum(seed=5)], seed=1)[0])


def test_what_is_made_step_by_step_is_what_the_network_would_draw(vocoder):
    """Each level that is made is the one that its number draws from the network's own scores."""
    codec, head = vocoder.trained_.codec, vocoder.trained_.head
    log_mel = codec.mel.of(hum(0.2, seed=7))
    made = head.make(log_mel, seed=3, temperature=0.7)
    whole = np.zeros(codec.order + len(log_mel) * codec.mel.step)
    first = codec.order + codec.mel.step // 2
    whole[first : first + len(made)] = made
    uniform = np.random.default_rng(3).random(len(log_mel) * codec.mel.step)
    prediction = codec.predicts(log_mel)
    heard = codec.read(whole, codec.around(log_mel), prediction)
    with torch.no_grad():
        arrays = (heard.frames[:, None], heard.before[:, None], heard.beside[:, None])
        scores = vocoder.trained_.network(*map(torch.from_numpy, arrays))[:, 0].numpy() / 0.7
    odds = np.exp(scores.astype(np.float64))
    drawn = (odds.cumsum(1) / odds.sum(1, keepdims=True) < uniform[:, None]).sum(1)
    inside = slice(codec.mel.step, len(made) - codec.mel.step)  # the ends are cut off
    assert np.mean(drawn[inside] == heard.truth[inside]) > 0.99


@pytest.mark.parametrize("cell", ["gru", "lstm", "rnn"])
def test_network_and_head_are_one(cell):
    s = resolve(VocodeSettings, SMALL | {"cell": cell})
    parts = in_parts(read(hums(), s), s)
    codec = VocoderCodec.from_json(json.loads(json.dumps(fitted(parts, s).to_json())))
    with drawing(0):
        network = VocodeNetwork(codec, s)
    head = VocodeHead({n: w.detach().numpy() for n, w in network.state_dict().items()}, codec, s)
    kept = Stretches(codec, parts.train, s.frames)
    batch = together([kept.read(k) for k in (0, 40, kept.size - 1)])
    inputs = [batch[name] for name in ("frames", "before", "beside")]
    with torch.no_grad():
        expected = network(*inputs).numpy()
    found = head([one.numpy() for one in inputs])
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


def test_a_model_file_makes_the_same_sound(vocoder, model):
    assert model.rate == RATE
    log_mel = model.log_mel(hum(0.2))
    (made,) = model([log_mel], seed=2)
    np.testing.assert_array_equal(made, vocoder.make(log_mel, seed=2))
    with pytest.raises(InputError, match=r"spectra\[0\]: expected shape \[frames, 20\], got"):
        model([log_mel[:, :3]])
    with pytest.raises(InputError, match=r"temperature: expected a number from 0.001 to 10"):
        model([log_mel], temperature=0)


def test_sounds_are_made_without_torch(vocoder, tmp_path):
    vocoder.save(tmp_path / "run")
    program = (
        "import sys, numpy as np; from gruta import Vocoder\n"
        "v = Vocoder.load(sys.argv[1]); x = v.make(np.zeros((3, 20), 'f')); assert len(x)\n"
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program, tmp_path / "run"], check=True, timeout=60)


def test_recordings_of_any_rate_are_learned_from_and_silent_ones_left_out(tmp_path):
    for i in range(6):
        soundfile.write(tmp_path / f"{i}.wav", hum(seed=i), RATE)
    soundfile.write(tmp_path / "high.wav", hum(rate=11_025), 11_025)
    soundfile.write(tmp_path / "silent.wav", np.zeros(RATE), RATE)
    s = resolve(VocodeSettings, SMALL | {"rate": 0})
    found = read(tmp_path, s)
    told = {one.kind: (one.places, one.done) for one in found.repairs}
    assert told["silent recordings"] == (("silent.wav",), "left out")
    kind = "recordings of other rates than 4,000 samples a second"
    assert told[kind] == (("high.wav",), "resampled")
    assert len(found) == 7
    assert in_parts(found, s).mel.rate == RATE


@pytest.mark.parametrize(
    ("sounds", "how", "told"),
    [
        ([np.zeros(4000, "f")] * 5, {}, "5 recordings: expected sounds, found silence alone"),
        ([np.zeros((9, 4), "f")] * 5, {"rate": 0}, "found features, of which no sound can be made"),
        ([hum()] * 5, {}, "5 recordings are too few to train"),
        (hums(), {"bands": 300}, "bands: expected 1 to 128, got 300"),
    ],
)
def test_what_cannot_be_learned_from_is_said(sounds, how, told):
    with pytest.raises(InputError, match=told):
        Vocoder(**(SMALL | how)).fit(sounds)


def test_the_linear_prediction_of_a_spectrum_is_nearly_that_of_the_sound():
    mel, sound = Mel(8000, 40, 0.032, fft=512), speechlike(8000)
    codec = VocoderCodec(mel, None, 16)
    prediction = codec.predicts(mel.of(sound))
    cut = codec.cut(sound, len(prediction.g))
    each = prediction.each(mel.step)
    e = (cut[16:] - predicted(cut[:-1], each.a)) / each.g
    gain = np.mean(cut**2) / np.mean((e * each.g) ** 2)
    own = np.array([cut[k:] @ cut[: len(cut) - k] for k in range(17)]) / len(cut)
    a, error = levinson(own[None])
    solved = np.linalg.solve(own[np.abs(np.subtract.outer(range(16), range(16)))], own[1:])
    np.testing.assert_allclose(a[0], solved, rtol=1e-6)
    assert own[0] / error[0] < gain  # one filter for all of it does worse
    assert 0.5 < np.sqrt(np.mean(e**2)) < 1.5
    poles = [np.abs(np.roots(np.concatenate([[1], -row]))).max() for row in prediction.a[::7]]
    assert max(poles) < 1
    assert np.abs(values()[levels(e)] - e)[np.abs(e) < 8].max() < 0.15
    with pytest.raises(InputError, match="way: expected librosa"):
        Prediction.of(np.zeros((3, 40), "f"), Mel(way="kaldi"), 16)


def test_distortion_is_in_decibels_and_a_slower_sound_is_near():
    wanted = 0.2 * np.cumsum(np.random.default_rng(0).normal(size=(40, 12)), 0)
    assert distortion(wanted + 1 / DECIBELS, wanted) == pytest.approx(1)
    assert distortion(np.full_like(wanted, -1e9), wanted) <= 60
    slower = wanted.repeat(2, 0)
    assert warped_distortion(slower, wanted) == pytest.approx(0, abs=1e-5)
    assert warped_distortion(wanted[::-1], wanted) > 1
    rows, columns = path(np.array([[0.0, 9, 9], [9, 0, 9], [9, 9, 0], [9, 9, 0]]))
    assert list(zip(rows, columns, strict=True)) == [(0, 0), (1, 1), (2, 2), (3, 2)]


@pytest.mark.parametrize("frames", [1, 2, 3, 19])
@pytest.mark.parametrize("block", [1, 4, 100])
def test_a_stream_makes_the_samples_of_the_whole_and_goes_on_from_its_bytes(model, frames, block):
    log_mel = model.log_mel(hum(0.2))[:frames]
    (whole,) = model([log_mel], seed=2, temperature=0.7)
    stream, parts = model.stream(seed=2, temperature=0.7), []
    for start in range(0, frames, block):
        stream.accept(log_mel[start : start + block])
        while stream.ready():
            stream.advance()
        if start % 2:
            parts.append(stream.result())
        stream = model.restore(stream.to_bytes())
    stream.finish()
    assert stream.ready()
    while stream.ready():
        stream.advance()
    found = np.concatenate([*parts, stream.result()])
    np.testing.assert_array_equal(found, whole)
    assert not len(stream.result())
    stream.reset()
    assert not stream.ready()


def test_a_stream_waits_for_two_frames_and_many_go_together(model):
    log_mel = model.log_mel(hum(0.2))[:9]
    step = model.codec.mel.step
    one, other = model.stream(seed=1), model.stream(seed=4)
    for stream in (one, other):
        stream.accept(log_mel[:2])
        assert not stream.ready()
        stream.accept(log_mel[2:])
    made = [0]
    while one.ready():
        model.advance([one, other])
        made.append(made[-1] + len(one.result()))
    assert made == [0, *(step - step // 2 + k * step for k in range(7))]
    assert one.hidden().shape == (1, SMALL["hidden"])
    other.finish()
    model.advance([one, other])
    model.advance([other])
    np.testing.assert_array_equal(other.result(), model([log_mel], seed=4)[0])


def test_what_a_stream_cannot_take_is_said(model):
    log_mel = model.log_mel(hum(0.2))
    stream = model.stream()
    stream.finish()
    for do, message in [
        (lambda: stream.accept(log_mel), "frames: the sound is at its end; reset the stream"),
        (lambda: stream.accept(log_mel[:, :3]), r"frames: expected shape \[frames, 20\]"),
        (lambda: stream.accept(log_mel * np.nan), "frames: expected a number at"),
        (lambda: model.stream(temperature=0), "temperature: expected a number from 0.001 to 10"),
        (lambda: model.stream(seed=-1), "seed: expected a whole number from 0"),
    ]:
        with pytest.raises(InputError, match=message):
            do()
    stream.reset()
    stream.accept(log_mel[:0])
    stream.finish()
    assert not stream.ready()
    values, arrays = model.stream().state()
    for name, wrong in [("past", arrays["past"][1:]), ("held", arrays["held"][:, :3])]:
        with pytest.raises(ValueError, match=name):
            model.stream().set_state(values, arrays | {name: wrong})
    with pytest.raises(ValueError, match="a sound under way"):
        model.stream().set_state(values | {"level": 256}, arrays)
