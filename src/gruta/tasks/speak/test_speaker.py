"""The speaker: what it learns to say, how it is asked, what fails."""

import json

import numpy as np
import pytest
import torch

import gruta
from gruta import InputError, Speaker
from gruta.codec.audio.saying import SayingCodec, heard, sentences
from gruta.data.audio.recordings import Recordings
from gruta.nn.draws import drawing
from gruta.nn.paced_attention import PacedAttention
from gruta.report.terminal import lines
from gruta.runtime import paced_attention as runtime
from gruta.settings import resolve
from gruta.tasks.conftest import RATE, spoken
from gruta.tasks.look import xrayed
from gruta.tasks.speak.head import SpeakHead
from gruta.tasks.speak.lesson import Saying, together
from gruta.tasks.speak.network import SpeakNetwork, loss
from gruta.tasks.speak.parts import in_parts, language_of, read
from gruta.tasks.speak.report import verdict
from gruta.tasks.speak.settings import SpeakSettings
from gruta.tasks.speak.task import TASK

SMALL = {
    "rate": RATE, "bands": 20, "hidden": 48, "embedding": 16, "encoder": 24, "prenet": 24,
    "together": 2, "batch_size": 16, "steps": 140, "validate_every": 70, "learning_rate": 1e-2,
    "dropout": 0.0, "variety": 0.2,
}  # fmt: skip


@pytest.fixture(scope="module")
def speaker():
    """Of letters that are tones."""
    return Speaker(**SMALL).fit(*spoken(80))


def test_letters_become_the_tones_that_they_are(speaker):
    x, y = spoken(10, seed=9)
    found = speaker.evaluate(x, y, train=spoken(80))
    network, mean, _nearest = found.scores
    assert [one.model for one in found.scores] == ["gru", "mean", "nearest"]
    assert network.distortion < mean.distortion
    assert network.ended > 0.8
    assert network.length < 0.4
    assert "dB from how they were recorded" in verdict(found)
    (table,) = TASK.report(speaker.trained_, found, []).sections[0].content
    assert len(lines(table).columns[0]._cells) == 3
    assert found.frame()["ended"].mean() == network.ended


def test_attention_passes_from_the_first_character_to_the_end(speaker):
    one = speaker.say("dad add bee")
    (spectrum,) = one.spectra
    at = spectrum.attention.argmax(1)
    assert at[0] <= 1
    assert at[-1] >= len("dad add bee") - 1
    assert np.all(np.diff(at) >= 0)
    np.testing.assert_allclose(spectrum.attention.sum(1), 1, rtol=1e-5)
    look = TASK.look(speaker.trained_, ["dad add bee"])
    assert look.labels["maker"][0] in "da"
    assert xrayed(TASK, speaker.trained_, ["dad"]).views


def test_the_same_seed_says_the_same_and_another_something_else(speaker):
    first = speaker.speak("a bee", seed=1)
    assert np.array_equal(first, speaker.speak("a bee", seed=1))
    other = speaker.speak("a bee", seed=2)
    assert len(first) != len(other) or not np.array_equal(first, other)


def test_long_texts_are_said_in_pieces_and_unknown_signs_left_out(speaker):
    long = "bee cab dad " * 60
    found = speaker.say(long)
    assert "".join(found.pieces).replace(" ", "") == long.replace(" ", "")
    assert max(map(len, found.pieces)) < speaker.trained_.codec.longest
    found = speaker.say("Bee, ça 日")
    assert found.pieces == ["bee a"]
    assert set(found.unknown) == {",", "ç", "日"}
    with pytest.raises(InputError, match="expected a text, got nothing that can be said"):
        speaker.say(" \n")
    with pytest.raises(InputError, match="'日本': no letter of it was in what the network was"):
        speaker.say("日本")


def test_pieces_end_where_a_speaker_would_breathe():
    text = "One two. Three four, five six seven eight? " + "x" * 30
    assert sentences(text, 20) == [
        "One two.", "Three four,", "five six seven", "eight?", "x" * 20, "x" * 10,
    ]  # fmt: skip
    assert sentences("One. Two.", 20) == ["One. Two."]
    long = "Please press two, or hold the line. " * 278  # 10,000 characters
    cut = sentences(long, 139)
    assert " ".join(cut) == long.strip()
    assert max(map(len, cut)) <= 139


def test_attention_is_monotonic_and_the_same_without_torch():
    draw = np.random.default_rng(0)
    h, m = (draw.normal(size=s).astype("f") for s in ((9, 2, 5), (2, 7, 4)))
    with drawing(0):
        attention = PacedAttention(5, 4, 1.2)
    with torch.no_grad():
        for weight in attention.parameters():
            weight += torch.from_numpy(draw.normal(size=tuple(weight.shape)).astype("f"))
        lengths = torch.tensor([7, 4])
        c, weights, stretch = attention(torch.from_numpy(h), torch.from_numpy(m), lengths)
        steps = torch.tensor([9, 6])
        _c, ended, far = attention(torch.from_numpy(h), torch.from_numpy(m), lengths, steps)
    assert torch.equal(stretch, torch.ones(2))
    assert not torch.equal(far, stretch)
    assert weights[:, 1, 4:].abs().max() == 0
    places = (weights * torch.arange(7.0)).sum(2)
    assert (places.diff(dim=0) > -1e-5).float().mean() > 0.8  # widths differ from place to place
    assert ended[8, 0].argmax() >= weights[8, 0].argmax() or far[0] > 1
    own = {f"a.{n}": w.detach().numpy() for n, w in attention.named_parameters()}
    for b, n in enumerate([7, 4]):
        along = runtime.PacedAttention(own, "a").over(m[b, :n])
        for t in range(9):
            found, weight = along(h[t, b : b + 1])
            np.testing.assert_allclose(found[0], c[t, b].numpy(), rtol=1e-5, atol=1e-5)
            np.testing.assert_allclose(weight, weights[t, b, :n].numpy(), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("cell", ["gru", "lstm", "rnn"])
def test_network_and_head_are_one_and_a_row_does_not_see_its_neighbours(cell):
    s = resolve(SpeakSettings, SMALL | {"cell": cell, "hidden": 9, "together": 3})
    parts = in_parts(read(spoken(12), s), s)
    codec = SayingCodec.from_json(json.loads(json.dumps(parts.codec.to_json())))
    with drawing(0):
        network = SpeakNetwork(codec, s).eval()
    head = SpeakHead({n: w.detach().numpy() for n, w in network.state_dict().items()}, codec, s)
    draw = np.random.default_rng(0)
    sayings = [
        Saying.of(codec, codec.numbers(text), draw.normal(-9, 2, (n, 20)).astype("f"))
        for text, n in (("a bee", 31), ("dad", 12), ("ebb add cab", 55))
    ]
    batch = together(codec, sayings)
    inputs = [batch[name] for name in ("text", "lengths", "before")]
    with torch.no_grad():
        expected = network(*inputs)
        found = head([one.numpy() for one in inputs])
        np.testing.assert_allclose(found, expected[0].numpy(), rtol=1e-5, atol=1e-5)
        alone = together(codec, sayings[1:2])
        for stretched in (False, True):
            names = ("text", "lengths", "before", *(["counts"] if stretched else []))
            one = network(*(alone[name] for name in names))[0][:, 0]
            beside = network(*(batch[name] for name in names))[0][: len(one), 1]
            np.testing.assert_allclose(one.numpy(), beside.numpy(), rtol=1e-4, atol=1e-5)
        counts = batch["counts"]
        everything = network(*inputs, counts)
        total = loss(everything, batch["wanted"], counts)
        batch["wanted"][int(counts[1]) :, 1] = 99  # behind a row's end nothing counts
        assert torch.equal(total, loss(everything, batch["wanted"], counts))


def test_what_is_learned_from_is_what_is_heard():
    s = resolve(SpeakSettings, SMALL | {"longest": 3})
    x, y = spoken(8)
    x += [np.zeros(RATE, "f"), np.tile(x[0], 20)]
    y += ["a bee", "a very long one"]
    y[0], y[1] = "2 cabs", "..."
    found = read((x, y), s)
    told = {one.kind: one.done for one in found.repairs}
    assert told == {
        "silent recordings": "left out",
        "recordings of more than 3 s": "left out",
        "transcripts without a letter or figure": "left out",
        "transcripts with digits": "written out as they are said",
    }
    assert isinstance(found, Recordings)
    assert len(found) == 7
    quiet = np.full((50, 4), -20.0)
    quiet[20:30] = 0
    assert heard(quiet) == slice(17, 36)
    assert language_of(["Olá, João. Não há ninguém."]) == "pt_BR"
    assert language_of(["Hello, John. No one is here."]) == "en"


def test_a_model_file_says_the_same_and_a_vocoder_beside_it(speaker, tmp_path):
    speaker.export(tmp_path / "tones.gruta")
    model = gruta.load(tmp_path / "tones.gruta")
    sound = model("a bee", seed=2)
    assert sound.rate == model.rate == RATE
    np.testing.assert_allclose(sound.samples, speaker.speak("a bee", seed=2), atol=1e-5)
    assert model.say("2 cabs").written == "two cabs"
    with pytest.raises(InputError, match="text: expected a text, got int"):
        model(5)
    with pytest.raises(InputError, match="vocoder: expected a vocoder of the same rate"):
        model("a bee", vocoder=model)
