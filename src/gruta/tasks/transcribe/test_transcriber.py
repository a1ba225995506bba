"""The recogniser in Python: what it learns, how it is asked, what fails."""

import io
import json
import wave

import numpy as np
import pytest
import soundfile
import torch

from gruta import Transcriber
from gruta.codec.audio.ctc import frames_needed, greedy, log_softmax, nats
from gruta.codec.audio.ctc_beam import Silent, search
from gruta.codec.audio.speech import SpeechCodec
from gruta.errors import InputError
from gruta.report.terminal import lines
from gruta.settings import resolve
from gruta.tasks.transcribe.augment import stretched
from gruta.tasks.transcribe.conftest import RATE, archive, features, said, samples
from gruta.tasks.transcribe.errors import errors_of, standard_error
from gruta.tasks.transcribe.front import frames_left
from gruta.tasks.transcribe.heard import heard
from gruta.tasks.transcribe.language import chosen
from gruta.tasks.transcribe.live import Listener, listened, recorded
from gruta.tasks.transcribe.network import loss
from gruta.tasks.transcribe.options import SearchOptions
from gruta.tasks.transcribe.parts import in_parts, read
from gruta.tasks.transcribe.report import verdict
from gruta.tasks.transcribe.settings import TranscribeSettings
from gruta.tasks.transcribe.task import TASK

SMALL = {
    "hidden": 32,
    "layers": 1,
    "filters": 4,
    "batch_size": 16,
    "steps": 200,
    "validate_every": 100,
    "learning_rate": 0.01,
    "dropout": 0.0,
    "masks": 0,
}
TINY = SMALL | {"steps": 2, "validate_every": 2, "hidden": 6}


@pytest.fixture(scope="module")
def transcriber(tmp_path_factory):
    """Of letters that are channels."""
    place = tmp_path_factory.mktemp("features")
    (place / "said.npz").write_bytes(archive(200, speakers=False))
    return Transcriber(**SMALL).fit(place / "said.npz", run=place / "run")


@pytest.fixture(scope="module")
def listener():
    """Of letters that are tones, forward alone."""
    x, y = said(160, make=samples)
    return Transcriber(**SMALL, rate=RATE, direction="forward").fit(x, y)


def some(count=6, make=features):
    return said(count, seed=9, make=make)


def test_letters_are_heard_beside_simple_models(transcriber):
    x, y = some()
    assert transcriber.predict(x) == y
    found = transcriber.evaluate(x, y)
    network, *simple = found.scores
    assert (network.wer, network.cer, network.exact) == (0, 0, 1)
    assert {"phrase", "summary"} <= {one.model for one in simple}
    again = Transcriber(**TINY).fit(*said(60))
    assert "loses" in verdict(again.evaluate(*said(60)))
    assert "0.0% of the words wrong" in verdict(found)
    assert transcriber.score(x, y) == 1


def test_page_has_a_recording_to_be_seen_and_heard_in_step_with_the_network(listener):
    trained = listener.trained_
    sound = np.zeros(RATE, np.float32)
    sound[RATE // 2 :] = np.sin(2 * np.pi * 300 * np.arange(RATE - RATE // 2) / RATE) / 2
    (sample,) = TASK.portrait(trained, TASK.open([sound], trained.settings, trained.codec)).samples
    recording, steps = sample.recording, len(sample.x)
    assert recording.step == pytest.approx(trained.settings.stride * trained.codec.mel.hop)
    assert steps * recording.step == pytest.approx(1, abs=2 * recording.step)
    seconds = [float(label) for label in sample.labels]
    assert seconds == pytest.approx([t * recording.step for t in range(steps)], abs=0.005)
    assert recording.bands.shape == (steps, trained.codec.mel.bands)
    loud = recording.bands.max(1) > 128
    assert not loud[: steps // 2 - 2].any()
    assert loud[steps // 2 + 2 :].all()
    with wave.open(io.BytesIO(recording.wav)) as file:
        assert file.getframerate() == RATE
        assert file.getnframes() == RATE


def test_words_have_times_within_the_recording(transcriber):
    x, y = some(1)
    (one,) = transcriber.nbest(x, best=1)[0]
    assert [word.word for word in one.words] == y[0].split()
    times = [t for word in one.words for t in (word.begin, word.end)]
    assert times == sorted(times)
    assert times[0] >= 0
    assert times[-1] <= 0.01 * (len(x[0]) + 1)
    # a letter fills three to five frames of 10 ms, and one lies between two
    first = one.words[0]
    assert first.end - first.begin == pytest.approx(0.05 * len(first.word), abs=0.04)
    assert 0.5 < one.sure <= 1
    several = transcriber.nbest(x, best=3)[0]
    assert [one.score for one in several] == sorted((o.score for o in several), reverse=True)


def test_a_recording_is_heard_alike_alone_and_beside_others(transcriber):
    x, _y = said(20, seed=4)
    head, codec = transcriber.trained_.head, transcriber.trained_.codec
    encoded = [codec.encode(one) for one in x]
    together = head.scores(encoded)
    for own, one in zip(together, encoded, strict=True):
        np.testing.assert_allclose(own, head.scores([one])[0], rtol=1e-5, atol=1e-5)
    network = transcriber.trained_.network
    from gruta.tasks.transcribe.lesson import together as side_by_side

    batch = side_by_side(encoded, [np.array([1])] * len(encoded))
    with torch.no_grad():
        scores, lengths = network(batch["x"], batch["lengths"])
    for b, own in enumerate(together):
        assert len(own) == lengths[b] == frames_left(len(encoded[b]), transcriber.settings)
        np.testing.assert_allclose(scores[: len(own), b].numpy(), own, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    "how",
    [
        {"cell": "lstm", "stride": 1, "norm": False},
        {"cell": "rnn", "stride": 3, "layers": 3, "direction": "forward"},
        {"stride": 4, "front": "maps", "layers": 2, "direction": "forward"},
        {"stride": 6, "front": "maps", "filters": 2, "init": "chrono"},
    ],
)
def test_every_kind_of_network_is_computed_without_torch_and_in_chunks(how):
    x, _y = said(30, seed=2)
    x = [np.repeat(one, 4, 0) for one in x]  # for the longest strides
    trained = Transcriber(**TINY | how).fit(x, _y).trained_
    for one in x[:4]:
        own = trained.codec.encode(one)
        with torch.no_grad():
            scores, _n = trained.network(torch.from_numpy(own)[:, None], torch.tensor([len(own)]))
        (found,) = trained.head.scores([own])
        np.testing.assert_allclose(found, scores[:, 0].numpy(), rtol=1e-5, atol=1e-5)
        if how.get("direction") == "forward":
            for size in (1, 7, 1000):
                stream = trained.head.stream()
                parts = [stream.add(own[i : i + size]) for i in range(0, len(own), size)]
                whole = np.concatenate([*parts, stream.finish()])
                np.testing.assert_allclose(whole, found, rtol=1e-5, atol=1e-5)
        else:
            with pytest.raises(InputError, match="direction: sound can be heard as it comes by"):
                trained.head.stream()


def test_torch_has_the_same_loss_as_numpy():
    rng = np.random.default_rng(0)
    T, B, V = 30, 5, 7
    scores = rng.normal(size=(T, B, V))
    texts, lengths = [rng.integers(1, V, n) for n in (1, 4, 9, 12, 3)], [30, 29, 25, 30, 7]
    log_p = log_softmax(scores)
    expected = [nats(log_p[:n, b], t) for b, (n, t) in enumerate(zip(lengths, texts, strict=True))]
    truth = np.zeros((B, 12), np.int64)
    for b, text in enumerate(texts):
        truth[b, : len(text)] = text
    counts = torch.tensor([len(t) for t in texts])
    found = loss(torch.from_numpy(scores), torch.tensor(lengths), torch.from_numpy(truth), counts)
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-10)


def test_tones_are_heard_as_they_come(listener):
    x, y = some(3, samples)
    assert listener.predict(x) == y
    quiet = np.zeros(RATE, np.float32)
    sound = np.concatenate([part for one in x for part in (one, quiet)])
    blocks = np.array_split(sound, 37)
    told = list(listened(Listener(listener.trained_, SearchOptions()), blocks))
    assert [one.text for one in told if one.done] == y
    assert [one.text for one in told if not one.done]  # before the pause
    begins = [one.begin for one in told if one.done]
    expected = np.cumsum([0] + [len(one) / RATE + 1 for one in x[:-1]])
    np.testing.assert_allclose(begins, expected, atol=0.8)
    assert begins[0] == 0


def test_a_microphone_gives_blocks_until_it_ends():
    class Device:
        class InputStream:
            def __init__(self, samplerate, channels, dtype, blocksize, callback):
                assert (samplerate, channels, dtype, blocksize) == (8000, 1, "float32", 1600)
                self.callback, self.active = callback, True

            def __enter__(self):
                for k in range(3):
                    self.callback(np.full((1600, 1), k), 1600, None, None)
                self.active = False

            def __exit__(self, *error):
                pass

    assert [int(block[0]) for block in recorded(Device, 8000)] == [0, 1, 2]

    class None_:
        def InputStream(self, **how):
            raise RuntimeError("no device")

    with pytest.raises(InputError, match=r"--live: no microphone can be opened \(no device\)"):
        list(recorded(None_(), 8000))


def test_features_cannot_be_heard_live(transcriber):
    with pytest.raises(InputError, match="the network reads features, not sound"):
        Listener(transcriber.trained_, SearchOptions())


def test_silence_says_nothing(listener, transcriber):
    assert listener.predict([np.zeros(RATE, np.float32)]) == [""]
    assert transcriber.predict([np.zeros((50, 6))]) == [""]


def test_a_sound_of_10_ms_is_heard_as_nothing_or_little(listener):
    x = [0.1 * np.random.default_rng(0).standard_normal(80).astype(np.float32)]
    assert len(listener.predict(x)) == 1


@pytest.mark.parametrize(
    ("name", "kind", "change"),
    [
        ("pcm8.wav", {"subtype": "PCM_U8"}, None),
        ("pcm24.wav", {"subtype": "PCM_24"}, None),
        ("float.wav", {"subtype": "FLOAT"}, None),
        ("stereo.wav", {"subtype": "PCM_16"}, lambda x: np.stack([x, x], 1)),
        ("clipped.wav", {"subtype": "PCM_16"}, lambda x: np.clip(4 * x, -1, 1)),
        ("wrong.wav", {"format": "FLAC"}, None),
    ],
)
def test_files_of_every_kind_are_heard_as_their_samples(tmp_path, listener, name, kind, change):
    x, y = some(2, samples)
    one = x[1] if change is None else change(x[1])
    soundfile.write(tmp_path / name, one, RATE, **kind)
    there, _rate = soundfile.read(tmp_path / name, dtype="float32", always_2d=True)
    opened = TASK.open(tmp_path / name, listener.settings, listener.trained_.codec)
    told = {
        "clipped.wav": ["recordings too loud for their file, whose peaks are cut off"],
        "stereo.wav": ["files of several channels"],
        "wrong.wav": ["files whose name ends as another kind's does"],
    }
    assert [one.kind for one in opened.repairs] == told.get(name, [])
    text = listener.predict(opened)
    assert text == listener.predict([there.mean(1)])
    assert text == y[1:] or name in ("clipped.wav", "pcm8.wav")


def test_a_truncated_file_is_heard_as_far_as_it_goes(tmp_path, listener):
    x, y = some(2, samples)
    soundfile.write(tmp_path / "a.wav", x[1], RATE)
    content = (tmp_path / "a.wav").read_bytes()
    (tmp_path / "a.wav").write_bytes(content[: len(content) // 2])
    opened = TASK.open(tmp_path / "a.wav", listener.settings, listener.trained_.codec)
    assert [one.kind for one in opened.repairs] == ["files that end early"]
    (text,) = listener.predict(opened)
    assert y[1].startswith(text[:-1])
    (tmp_path / "b.wav").write_bytes(b"RIFF")
    with pytest.raises(InputError, match=r"b\.wav"):
        listener.predict(str(tmp_path / "b.wav"))


def test_a_recording_shorter_than_its_transcript_is_named_before_training():
    x, y = said(40)
    x[7] = x[7][:4]
    with pytest.raises(InputError) as error:
        Transcriber(**TINY, test_share=0.0).fit(x, y)
    needed = frames_needed(np.frombuffer(y[7].encode(), np.uint8).astype(int))
    told = str(error.value)
    assert f"8 is shorter than its transcript: 2 frames behind the first layers, {needed} " in told
    assert "smaller stride" in told


def test_speed_never_leaves_too_few_frames_for_the_transcript():
    """Of recordings that just fit, even at the fastest."""
    draw = np.random.default_rng(0)
    texts = ["abcd" * 3 for _ in range(40)]
    x = [draw.normal(size=(24, 6)) for _ in texts]
    settings = resolve(TranscribeSettings, TINY | {"speed": 0.5, "steps": 20})
    found = Transcriber(**TINY | {"speed": 0.5, "steps": 20}).fit(x, texts)
    told = [r["loss"] for r in found.metrics_ if "loss" in r]
    assert told
    assert all(value is not None for value in told)
    assert not [r for r in found.metrics_ if "skipped" in r]
    assert frames_left(24, settings) == 12


def test_transcripts_are_spelled_and_those_without_words_left_out():
    x = [np.repeat(one, 5, 0) for one in said(20)[0]]
    texts = ["Ação, NÚMERO 3!", "it's a well-known  “fact”", "…", *["a b"] * 17]
    settings = resolve(TranscribeSettings, TINY)
    opened = read((x, texts), settings)
    told = {one.kind: one for one in opened.repairs}
    assert told["transcripts without a letter or figure"].places == ("3",)
    assert told["transcripts with digits"].count == 1
    assert len(opened) == 19
    codec = in_parts(opened, settings).codec
    assert [codec.spell(text) for text in texts[:2]] == [
        "ação número 3",
        "it's a well-known fact",
    ]
    kept = resolve(TranscribeSettings, TINY | {"capitals": "keep", "marks": "keep"})
    assert read((x, texts), kept).repairs != opened.repairs
    with pytest.raises(InputError, match="expected words in the transcripts, found none"):
        read((x, ["…"] * 20), settings)
    with pytest.raises(InputError, match="expected recordings with what is said in them"):
        read((x, [""] * 20), settings)


def test_no_speaker_is_in_two_parts_where_that_is_asked(tmp_path):
    (tmp_path / "said.npz").write_bytes(archive(80))
    settings = resolve(TranscribeSettings, {"held_out": "speaker", "test_share": 0.3})
    parts = in_parts(read(tmp_path / "said.npz", settings), settings)
    sets = [set(part.speakers) for part in (parts.train, parts.validation, parts.test)]
    assert all(sets)
    assert sum(map(len, sets)) == len(set.union(*sets)) == 12


def test_other_channels_than_in_training_are_refused(transcriber, tmp_path):
    with pytest.raises(InputError, match="1: expected features of 6 channels, found 5"):
        transcriber.predict([np.ones((20, 5))])
    soundfile.write(tmp_path / "a.wav", some(1, samples)[0][0], RATE)
    with pytest.raises(InputError, match=r"a\.wav: expected features of 6 channels, as the net"):
        transcriber.predict(tmp_path / "a.wav")


def test_an_ngram_helps_where_the_frames_leave_doubt(transcriber):
    """The scores of b and d are one: only words tell which it is."""
    trained = transcriber.trained_
    codec = trained.codec
    x, y = said(60, seed=8)
    b, d = codec.numbers("bd")
    log_p = []
    for scores in trained.head.scores([codec.encode(one) for one in x]):
        scores[:, b] = scores[:, d] = np.maximum(scores[:, b], scores[:, d])
        log_p.append(log_softmax(scores))
    texts, truth = [codec.numbers(one) for one in said(200)[1]], [codec.numbers(one) for one in y]
    errors = {}
    for ngram in ("none", "characters", "words", "auto"):
        settings = resolve(TranscribeSettings, {"ngram": ngram})
        language = chosen(codec, settings, texts, log_p, truth)
        assert (language is None) == (ngram == "none")
        found = [search(own, language or Silent(codec.size), 12)[0].text for own in log_p]
        errors[ngram] = errors_of(y, [codec.text(one) for one in found]).wer
    assert errors["none"] > 0.5
    assert errors["characters"] < 0.1
    assert errors["words"] < 0.1
    assert errors["auto"] == min(errors["words"], errors["characters"])


def test_greedy_and_a_beam_of_one_agree(transcriber):
    x, _y = some(3)
    codec, head = transcriber.trained_.codec, transcriber.trained_.head
    encoded = [codec.encode(one) for one in x]
    found = heard(head, codec, encoded, SearchOptions(beam=1, ngram=False))
    plain = [codec.text(greedy(scores)) for scores in head.scores(encoded)]
    assert [several[0].text for several in found] == plain


def test_frames_are_stretched():
    x = np.arange(100, dtype=np.float32)[:, None].repeat(8, 1) + 1
    fast = stretched(x, 2.0)
    assert fast.shape == (50, 8)
    np.testing.assert_allclose(fast[[0, -1]], x[[0, -1]])
    assert len(stretched(x[:1], 3.0)) == 1


def test_errors_are_counted_with_their_standard_error():
    found = errors_of(["a bb", "c", "dd"], ["a bb", "x y", ""])
    assert found.word_edits.tolist() == [0, 2, 1]
    assert (found.wer, found.cer) == (3 / 4, (0 + 3 + 2) / (4 + 1 + 2))
    # by hand: edits less 3/4 of the words are -1.5, 1.25, 0.25; their deviation is 1.3919
    assert found.wer_error == pytest.approx(1.3919 / (4 / 3 * np.sqrt(3)), rel=1e-4)
    assert standard_error(np.array([1]), np.array([2])) is None


def test_a_codec_that_is_none_is_refused(transcriber):
    codec = transcriber.trained_.codec
    again = SpeechCodec.from_json(json.loads(json.dumps(codec.to_json())))
    assert again.to_json() == codec.to_json()
    for change in ({"hop": 0}, {"names": ["x"]}, {"marks": "some"}, {"units": None}):
        with pytest.raises(InputError, match=r"codec\.json"):
            SpeechCodec.from_json(codec.to_json() | change)


def test_the_alignment_is_drawn_and_the_page_plays_the_sounds(listener, tmp_path):
    x, y = some(3, samples)
    told = listener.report(listener.evaluate(x, y))
    assert {"alignment-1", "alignment-2", "alignment-3"} <= told.plot().keys()
    told.save(tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text("utf-8")
    assert page.count('src="data:audio/wav;base64,') == 3
    assert "media-src data:" in page
    assert len(page) < 3_000_000
    assert lines(TASK.scores(listener.evaluate(x, y))).row_count == 1
