"""Captions of pictures and clips, from training to subtitles."""

import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
import torch
from PIL import Image

from gruta import Captioner, InputError
from gruta.codec.pictures.captions import CaptionCodec, Colours, when
from gruta.codec.text.beam import Beam
from gruta.codec.text.subtitles import joined, srt, vtt
from gruta.data.pictures.captioned import Captioned
from gruta.data.pictures.shots import Sight, read_shots
from gruta.nn.draws import drawing
from gruta.tasks.caption.answers import answered
from gruta.tasks.caption.baselines import nearest, simple_models, thumbnails
from gruta.tasks.caption.conftest import SMALL, clips, pictures
from gruta.tasks.caption.expected import Expected
from gruta.tasks.caption.lesson import CaptionLesson, Examples, Turns
from gruta.tasks.caption.memory import bound, with_memory
from gruta.tasks.caption.network import CaptionNetwork
from gruta.tasks.caption.parts import fitted, in_parts, read
from gruta.tasks.caption.said import as_format, page
from gruta.tasks.caption.settings import CaptionSettings
from gruta.tasks.caption.vary import varied
from gruta.tasks.caption.written import written

QUICK = SMALL | {
    "hidden": 24, "embedding": 32, "steps": 260, "batch_size": 16, "validate_every": 65,
    "checkpoint_every": 65, "learning_rate": 6e-3, "frames": 4, "colour": 0.0,
    "word_dropout": 0.0, "shift": 0.0, "zoom": 0.0, "smoothing": 0.0,
}  # fmt: skip


@pytest.fixture(scope="module")
def captioner():
    return Captioner(**QUICK).fit(clips(160))


def test_what_moves_and_where_to_is_told_in_both_languages(captioner):
    found = captioner.evaluate(clips(160))
    network, pixels, features, frequent = found.scores
    assert [s.model for s in found.scores] == ["gru", "pixels", "features", "frequent"]
    assert network.exact > 0.9 > frequent.exact
    assert found.by_language.keys() == {"en", "pt_BR"}
    gap, error = found.differences[2].bleu
    assert gap == pytest.approx(network.bleu - frequent.bleu)
    assert 0 < 2 * error < gap
    assert pixels.cider < 10
    assert features.parameters == 0
    rows = found.frame()
    assert rows.columns[:4] == ["picture", "language", "expected", "written"]
    assert rows["exact"].mean() == pytest.approx(network.exact)


def test_a_language_is_asked_for_by_name(captioner):
    data = clips(160)["picture"].head(3).to_list()
    assert all(text.startswith("a ") for text in captioner.predict(data))
    assert all(text.startswith("um ") for text in captioner.predict(data, language="pt_BR"))
    with pytest.raises(InputError, match=r"language: expected .*\(en, pt_BR\), got 'fr'"):
        captioner.predict(data, language="fr")


def test_attention_is_over_places_and_frames(captioner):
    (texts,) = captioner.nbest([clips(160)["picture"][1]], best=3)
    assert [one.score for one in texts] == sorted((one.score for one in texts), reverse=True)
    best = texts[0]
    assert best.attention.shape == (len(best.units), 4, 8, 8)
    np.testing.assert_allclose(best.attention.sum((1, 2, 3)), 1, rtol=1e-5)


def test_a_clip_becomes_subtitles_and_a_picture_none(captioner, tmp_path):
    moving, still = clips(160)["picture"][1], clips(160)["picture"][0]
    found = answered(captioner.trained_, [moving], every=0.4)
    assert [(shot.begin, shot.end) for shot in found.shots] == [(0, 0.4), (0.4, 0.8)]
    text = as_format(found, "srt")
    assert text.startswith("1\n00:00:00,000 --> 00:00:00,")
    assert as_format(found, "vtt").startswith("WEBVTT\n\n00:00:00.000 --> 00:00:00.")
    rows = json.loads(as_format(found, "json"))
    assert [row["end"] for row in rows] == [0.4, 0.8]
    with pytest.raises(InputError, match="a picture has no times"):
        as_format(answered(captioner.trained_, [still]), "srt")
    page(captioner.trained_, found).save(tmp_path / "page.html")
    assert (tmp_path / "page.html").read_text("utf-8").count("data:image/png") >= 4


def test_the_command_answers_without_torch(captioner, tmp_path):
    captioner.save(tmp_path / "run")
    program = (
        "import sys; from gruta.cli import main\n"
        "try: main()\nexcept SystemExit as end: assert not end.code\n"
        "assert 'torch' not in sys.modules"
    )
    moving = clips(160)["picture"][1]
    arguments = ["caption", str(tmp_path / "run"), moving, "--format", "srt"]
    command = [sys.executable, "-c", program, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    assert done.stdout.startswith("1\n00:00:00,000 --> 00:00:00,800\na ")


def test_network_and_head_are_one_in_each_kind():
    data = in_parts(read(clips(), settings_of()), settings_of())
    for how in (
        {"before": True},
        {"attention": "none", "tied": False, "layers": 2},
        {"attention": "additive", "cell": "rnn", "layers": 3},
        {"cell": "lstm", "init": "chrono", "size": 33},
    ):
        before = how.pop("before", False)
        s = settings_of(**how)
        if s.size != 16:
            data = in_parts(read(clips(), s), s)
        told = fitted(data.train, s).to_json()
        if before:  # as it was written before frames were told by their peaks
            del told["peaks"]
        codec = CaptionCodec.from_json(told)
        assert codec.peaks is not before
        with drawing(0):
            network = CaptionNetwork(codec, s).eval()
        from gruta.tasks.caption.head import CaptionHead

        weights = {n: w.detach().numpy() for n, w in network.state_dict().items()}
        head = CaptionHead(weights, codec, s)
        batch = Examples(codec, data.train).batch(range(5))
        inputs = [batch[n] for n in ("frames", "lengths", "times", "written")]
        with torch.no_grad():
            expected, attention = network(*inputs)
        found = head([one.numpy() for one in inputs])
        np.testing.assert_allclose(found, expected.numpy(), atol=1e-5)
        np.testing.assert_allclose(attention.sum(2).numpy(), 1, rtol=1e-5)
        asked = list(zip(data.train.shots, ("en", "pt_BR", "en"), strict=False))
        several = head.captioned(*zip(*asked, strict=True), Beam(2))
        alone = [head.captioned([shot], [name], Beam(2))[0] for shot, name in asked]
        for one, other in zip(several, alone, strict=True):
            assert [t.numbers.tolist() for t in one] == [t.numbers.tolist() for t in other]


def test_each_picture_is_told_in_all_languages_at_once_and_its_captions_take_turns():
    s = settings_of()
    shots = [
        read_shots(np.full((8, 8), 9 * i, np.uint8), Sight(16, 3, (0, 0, 0)))[0] for i in (1, 2)
    ]
    data = Captioned(shots, {"en": [("a", "b c d"), ("e",)], "pt_BR": [("f",), ()]}, None, "here")
    codec = fitted(data, s)
    turns = Turns(codec, data)
    first, second, third = (turns.batch([0, 1], epoch) for epoch in range(3))
    said = [codec.side.decode(text.tolist()) for text in second["truth"].flatten(1).T[:3]]
    assert said == ["b c d", "f", "e"]
    assert first["frames"].shape[:2] == (2, 1)
    assert (first["written"][0] == torch.tensor([codec.begin(n) for n in codec.languages])).all()
    assert torch.equal(first["truth"], third["truth"])
    assert not first["truth"][:, 1, 1].any()  # what is not said costs nothing
    with drawing(0):
        network = CaptionNetwork(codec, s).eval()
    names = ("frames", "lengths", "times")
    with torch.no_grad():
        together, _at = network(*(second[n] for n in names), second["written"].flatten(1))
        alone = [
            network(*(second[n] for n in names), second["written"][:, :, k])[0] for k in (0, 1)
        ]
    torch.testing.assert_close(together, torch.stack(alone, 2).flatten(1, 2))


def test_batches_do_not_tell_by_the_length_of_captions_what_is_said():
    texts = ["one", "one two three four five six seven"]
    shots = [
        read_shots(np.full((8, 8), i, np.uint8), Sight(16, 3, (0, 0, 0)))[0] for i in range(64)
    ]
    data = Captioned(shots, {"": [(texts[i % 2],) for i in range(64)]}, None, "here")
    s = settings_of(batch_size=16)
    codec = fitted(data, s)
    with drawing(0):
        lesson = CaptionLesson(CaptionNetwork(codec, s), codec, data, data, s)
    for step in range(4):
        longer = (lesson.batch(step)["truth"] != 0).sum(0).flatten() > 4
        assert 0 < longer.sum() < 16


def settings_of(**how):
    small = {"hidden": 8, "frames": 3, "batch_size": 4}
    return CaptionSettings(**(SMALL | small | how))


def test_the_same_picture_is_on_one_side_and_a_group_too(tmp_path):
    rows = pictures(30)
    twice = pl.concat([rows, rows.with_columns(caption=pl.lit("once more"))])
    copies = []
    for i, path in enumerate(rows["picture"].head(10)):
        Image.open(path).save(tmp_path / f"{i}.bmp")
        copies.append({"picture": str(tmp_path / f"{i}.bmp"), "caption": "a copy"})
    found = in_parts(read(pl.concat([twice, pl.DataFrame(copies)]), settings_of()), settings_of())
    parts = [set(part.contents()) for part in (found.train, found.validation, found.test)]
    assert not parts[0] & parts[1] | parts[0] & parts[2] | parts[1] & parts[2]
    assert sum(map(len, (found.train, found.validation, found.test))) == 40
    grouped = rows.with_columns(of=pl.int_range(30) // 3)
    s = settings_of(group="of")
    found = in_parts(read(grouped, s), s)
    groups = [set(part.groups) for part in (found.train, found.validation, found.test)]
    assert not groups[0] & groups[1] | groups[0] & groups[2] | groups[1] & groups[2]


def test_colours_go_through_json_and_what_never_changes_stays_finite():
    frames = np.zeros((2, 4, 4, 3), np.uint8)
    frames[..., 0], frames[0, :, :, 1] = 200, 100
    colours = Colours.from_json(json.loads(json.dumps(Colours.fit([frames]).to_json())))
    assert colours == Colours((200.0, 50.0, 0.0), (1.0, 50.0, 1.0))
    found = colours.encode(frames)
    assert found.shape == (2, 3, 4, 4)
    np.testing.assert_allclose(found[:, :, 0, 0], [[0, 1, 0], [0, -1, 0]])
    for wrong in ({"mean": [1, 2], "spread": [1, 1]}, {"mean": [0] * 3, "spread": [0, 1, 1]}):
        with pytest.raises(ValueError, match="three colours"):
            Colours.from_json(wrong)


def test_when_a_frame_is_shown_tells_slow_from_fast():
    frames = np.zeros((4, 2, 2, 3), np.uint8)
    (shot,) = read_shots(frames, Sight(2, 4, (0, 0, 0)))
    np.testing.assert_allclose(when(shot)[:, 0], [0, 0.25, 0.5, 0.75])
    np.testing.assert_allclose(when(shot)[1:, 1], np.log1p(0.1), rtol=1e-6)


def test_all_frames_of_a_shot_are_changed_alike_and_flips_are_asked_for():
    frames = torch.randn(6, 3, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    frames[:, 1:] = frames[:, :1]
    s = settings_of(shift=0.2, zoom=0.1, turn=20.0, colour=0.3, flip=True)
    found = varied(frames, s, np.random.default_rng(0))
    assert torch.equal(found[:, 0], found[:, 2])
    assert not torch.allclose(found, frames, atol=0.1)
    still = settings_of(shift=0, zoom=0, turn=0, colour=0, flip=False)
    assert torch.equal(varied(frames, still, np.random.default_rng(0)), frames)
    only = settings_of(shift=0, zoom=0, turn=0, colour=0, flip=True)
    turned = varied(frames, only, np.random.default_rng(1))
    alike, mirrored = (
        [torch.allclose(a, b, atol=1e-4) for a, b in zip(turned, ways, strict=True)]
        for ways in (frames, frames.flip(-1))
    )
    assert any(alike)
    assert any(mirrored)
    assert all(a or b for a, b in zip(alike, mirrored, strict=True))


def test_the_nearest_picture_is_found_by_its_pixels():
    sight = Sight(16, 2, (255, 255, 255))
    shots = [read_shots(np.full((8, 8), grey, np.uint8), sight)[0] for grey in (0, 100, 200)]
    asked = [read_shots(np.full((8, 8), grey, np.uint8), sight)[0] for grey in (190, 20)]
    assert nearest(thumbnails(asked, 1), thumbnails(shots, 1)).tolist() == [2, 0]


def test_pictures_are_compared_with_clips_too():
    sight = Sight(16, 4, (255, 255, 255))
    (moving,) = read_shots(np.zeros((3, 8, 8, 3), np.uint8), sight)
    shots = [moving, *(read_shots(np.full((8, 8), grey, np.uint8), sight)[0] for grey in (200, 90))]
    data = Captioned(shots, {"": [("a",), ("b",), ("c",)]}, None, "here")
    expected = Expected(read_shots(np.full((8, 8), 180, np.uint8), sight), ("",), (("b",),))
    found = simple_models(data, expected, lambda some: np.ones((len(some), 2), np.float32), None)
    assert found.answers["pixels"] == ["b"]


def test_where_to_stop_is_where_what_is_nearer_gains_most():
    far = np.array([0.3, 0.1, 0.2, 0.2, 0.4])
    assert bound(far, np.array([-5.0, 3.0, -1.0, 2.0, 1.0])) == pytest.approx(0.25)
    assert bound(far, np.array([1.0, 3.0, -1.0, 2.0, 1.0])) == pytest.approx(0.4)
    assert bound(far, np.array([-5.0, -3.0, 9.0, -8.0, 1.0])) == 0  # as far, so both or none


def test_what_looks_as_a_picture_of_training_is_told_as_that_one(captioner):
    data, other = clips(160), np.full((24, 24, 3), 90, np.uint8)
    parts = in_parts(read(data, captioner.settings), captioner.settings)
    known = parts.train.shots[0]
    again = replace(captioner.trained_, codec=replace(captioner.trained_.codec, near=1e-6))
    one, two = (own[0] for own in memory_of(again, parts.train, [known, *of(other)]))
    assert (one.text, one.score) == (parts.train.captions["en"][0][0], None)
    assert two.score is not None
    assert captioner.trained_.codec.near >= 0
    with pytest.raises(InputError, match="memory: no file is known"):
        captioner.predict(data["picture"].head(1).to_list(), memory=True)


def of(frame):
    return read_shots(frame, Sight(16, 4, (255, 255, 255)))


def memory_of(trained, train, shots):
    languages = ["en"] * len(shots)
    texts = written(trained.head, trained.codec, shots, languages, Beam(1))
    return with_memory(trained, train, shots, languages, texts)


def test_subtitles_of_one_text_are_one_and_marks_are_kept():
    texts = [(0.0, 1.5, "a <b>"), (1.5, 3661.25, "a <b>"), (3661.25, 3662.0, "c\n\nd")]
    assert len(joined(texts)) == 2
    assert srt(joined(texts)) == (
        "1\n00:00:00,000 --> 01:01:01,250\na <b>\n\n2\n01:01:01,250 --> 01:01:02,000\nc\nd\n"
    )
    assert "a &lt;b&gt;" in vtt(texts)


@pytest.mark.parametrize("given", ["pink", "#12345", "ffffff"])
def test_a_background_is_a_colour(given):
    with pytest.raises(InputError, match="background: expected white, black, grey or a colour"):
        Captioner(background=given)
    assert settings_of(background="#102030").ground == (16, 32, 48)
