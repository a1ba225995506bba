from types import SimpleNamespace

import numpy as np
import pytest
import torch

import gruta
from gruta.codec.notes.frames import COUNT, Frames, Roll, before
from gruta.codec.notes.piece import KEY, Piece
from gruta.codec.text.sampling import Sampling
from gruta.data.notes.midi import encoded
from gruta.data.notes.pieces import read_pieces
from gruta.errors import InputError
from gruta.settings import resolve
from gruta.tasks.fitting import fit
from gruta.tasks.generate.commands import scored
from gruta.tasks.generate.notes.conftest import tunes
from gruta.tasks.generate.notes.head import NotesHead
from gruta.tasks.generate.notes.lesson import NotesLesson
from gruta.tasks.generate.notes.network import NotesNetwork
from gruta.tasks.generate.notes.parts import contents, in_parts
from gruta.tasks.generate.notes.streams import Streams
from gruta.tasks.generate.notes.task import NOTES
from gruta.tasks.generate.task import TASK

SMALL = {
    "units": "notes",
    "hidden": 12,
    "embedding": 7,
    "batch_size": 4,
    "tbptt": 16,
    "test_share": 0.2,
}


def small(**given):
    return resolve(TASK.settings, SMALL | {"units": "notes"} | given)


def moved(piece, by, name):
    voices = tuple(voice + by * (np.arange(4) == KEY) for voice in piece.voices)
    return Piece(name, voices, piece.quarter, piece.bars)


def rolls(count=12):
    return [Frames(1).roll(piece) for piece in tunes(count)]


def pair(codec, **given):
    """A network and its head."""
    settings = small(**given)
    torch.manual_seed(0)
    network = NotesNetwork(codec, settings).eval()
    weights = {name: w.numpy() for name, w in network.state_dict().items()}
    return network, NotesHead(weights, codec, settings)


def by_network(network, codec, roll):
    x = torch.from_numpy(codec.read(roll))[:, None]
    parts = roll.sounding, roll.struck, before(roll.sounding)
    with torch.no_grad():
        h, _ = network(x)
        cost = network.cost(h, *(torch.from_numpy(part)[:, None] for part in parts))
    return [part[:, 0].numpy() for part in cost]


@pytest.mark.parametrize("cell", ["gru", "lstm", "rnn"])
@pytest.mark.parametrize("again", [True, False])
def test_the_head_finds_a_piece_as_likely_as_the_network_does(cell, again):
    codec = Frames(1, again)
    network, head = pair(codec, cell=cell, layers=2)
    dense = np.random.default_rng(0).random((20, COUNT)) < 0.5  # all keys and none among them
    dense[3], dense[4] = True, False
    chords = Roll(dense, dense & ~before(dense), np.arange(20) % 4)
    for roll in (*rolls(2), chords):
        for own, other in zip(head.nats(roll), by_network(network, codec, roll), strict=True):
            np.testing.assert_allclose(own, other, rtol=1e-5, atol=1e-5)


def test_a_frame_at_a_time_is_a_piece_at_once():
    codec = Frames(1)
    _, head = pair(codec, layers=2)
    x = codec.read(rolls(1)[0])[:, None]
    whole, _ = head.sequence(x, head.start())
    state = head.start()
    steps = [head.step(frame, state).copy() for frame in x]
    np.testing.assert_allclose(np.stack(steps), whole, rtol=1e-5, atol=1e-6)


def test_a_frame_is_as_likely_as_it_is_drawn():
    """Of frames of up to two keys near each other, by their share among very many."""
    codec = Frames(1, again=False)
    _, head = pair(codec)
    start, low = head.start(), 40
    reach = np.full(COUNT + 1, -30.0, np.float32)
    reach[[low, low + 1, low + 2, COUNT]] = 0  # three keys, or none
    head._output._bias = reach
    h = np.repeat(head.step(codec.read(rolls(1)[0])[:1], start), 40_000, 0)
    drawn, _ = head.draw(h, np.zeros((len(h), COUNT), bool), Sampling(), np.random.default_rng(0))
    total = 0.0
    for k in range(8):
        keys = np.zeros((1, COUNT), bool)
        keys[0, low : low + 3] = [k & 1, k & 2, k & 4]
        likely = np.exp(-head._walked(h[:1], keys))[0]
        share = (drawn == keys).all(1).mean()
        assert share == pytest.approx(likely, abs=4 * np.sqrt(likely / len(h)))
        total += likely
    assert total == pytest.approx(1, abs=1e-5)


def test_the_validation_counts_real_frames_alone():
    codec, settings = Frames(1), small()
    own = [
        rolls(1)[0],
        *(r.until(n) for n, r in zip((3, 40, 17), rolls(4)[1:], strict=True)),
    ]
    network, head = pair(codec)
    with torch.no_grad():
        found = NotesLesson(network, codec, rolls(4), own, settings).validate()
    keys, again = np.array([[part.sum() for part in head.nats(roll)] for roll in own]).sum(0)
    frames = sum(map(len, own))
    assert found.scores["nats"] == pytest.approx(keys / frames, rel=1e-5)
    assert found.loss == pytest.approx((keys + again) / frames, rel=1e-5)


def test_of_what_a_frame_says_nothing_is_missing_in_training():
    network = NotesNetwork(Frames(1), small(dropout=0.9, layers=2)).train()
    x, seen = torch.rand(5, 2, Frames(1).width), []
    for layer in network.layers:
        layer.register_forward_pre_hook(lambda _layer, given: seen.append(given[0]))
    network(x)
    assert seen[0].equal(x)
    assert not seen[1].all()


def test_streams_hold_each_frame_of_each_piece_once_an_epoch_and_no_padding():
    codec, settings = Frames(1), small(transpose=0, batch_size=3, tbptt=7)
    own = [r.until(20 + i) for i, r in enumerate(rolls(6))]
    streams = Streams(own, codec, settings)
    total = sum(map(len, own))
    epoch = [streams.batch(step) for step in range(total // 3 // 7)]
    seen = np.concatenate([batch["sounding"].reshape(-1, COUNT) for batch in epoch])
    known = np.concatenate([roll.sounding for roll in own])
    left = known.sum() - seen.sum()
    assert len(seen) == len(epoch) * 21 > total - 21
    assert 0 <= left <= 2 * (total - len(seen))  # two voices
    assert [bool(batch["fresh"]) for batch in epoch] == [True] + [False] * (len(epoch) - 1)
    for batch in epoch:
        assert (batch["x"][..., :COUNT].astype(bool) == batch["held"]).all()
        assert not batch["held"][batch["resets"]].any()
        assert (batch["x"][..., -1] == batch["resets"]).all()


def test_pieces_are_moved_within_the_keys_of_all_and_no_further_than_said():
    codec, settings = Frames(1), small(transpose=3, batch_size=1, tbptt=24)
    own = rolls(5)
    streams = Streams(own, codec, settings)
    used = np.flatnonzero(np.any([roll.sounding.any(0) for roll in own], 0))
    known = {roll.content(): np.flatnonzero(roll.sounding.any(0))[0] for roll in own}
    moves = set()
    for step in range(40):
        batch = streams.batch(step)
        if not batch["resets"][0, 0] or batch["resets"][1:].any():
            continue  # not a piece from its start to its end
        sounding, struck = batch["sounding"][:, 0], batch["struck"][:, 0]
        keys = np.flatnonzero(sounding.any(0))
        moves.add(keys[0] - known[Roll(sounding, struck, np.zeros(24, int)).content()])
        assert used[0] <= keys[0] <= keys[-1] <= used[-1]
    assert len(moves) > 3
    assert max(map(abs, moves)) <= 3


def test_the_same_music_never_stands_on_both_sides():
    own = tunes(20)
    copies = [moved(piece, 2, f"copy {i}") for i, piece in enumerate(own)]
    given = read_pieces([*own, *copies], 1)
    for seed in range(3):
        parts = in_parts(given, None, small(frames=1, seed=seed))
        sides = [
            set(contents(part, Frames(1))) for part in (parts.train, parts.validation, parts.test)
        ]
        assert not sides[0] & sides[1]
        assert not sides[2] & (sides[0] | sides[1])
        assert sum(map(len, sides)) == 20
        assert sum(map(len, (parts.train, parts.validation, parts.test))) == 40


@pytest.mark.parametrize("copies", [(1, 1, 30), (30, 1, 1), (1, 30, 1)])
def test_a_piece_in_many_copies_leaves_some_for_each_part(copies):
    own = tunes(3)
    given = [own[i] for i, count in enumerate(copies) for _copy in range(count)]
    for seed in range(5):
        parts = NOTES.read(given, small(frames=1, seed=seed))
        sides = parts.train, parts.validation, parts.test
        assert sorted(map(len, sides)) == sorted(copies)
        assert len(parts.train) == max(copies)


def test_what_a_test_of_its_own_holds_is_not_trained_on(tmp_path):
    own = tunes(8)
    (tmp_path / "test.mid").write_bytes(encoded(moved(own[0], 3, "renamed")))
    parts = NOTES.read(own, small(frames=1, test=str(tmp_path / "test.mid")))
    assert parts.copies == 1
    assert len(parts.train) + len(parts.validation) == 7
    assert ("pieces left out, as they are in the test", "1") in parts.told()


def test_too_few_different_pieces_are_refused():
    piece = tunes(1)[0]
    given = [moved(piece, k, str(k)) for k in range(5)]
    with pytest.raises(InputError, match=r"expected 3 or more different pieces .* found 1"):
        NOTES.read(given, small(frames=1))


@pytest.fixture(scope="module")
def fitted(tmp_path_factory):
    settings = small(frames=1, hidden=48, embedding=24, steps=150, validate_every=50, seed=1)
    return fit(TASK, tunes(60), settings, tmp_path_factory.mktemp("run") / "run")


def test_it_learns_what_simple_models_cannot_say(fitted):
    found = NOTES.evaluate(fitted.trained, tunes(60))
    network, *simple = found.scores
    assert [s.model for s in simple] == ["last frame", "each key", "each key after the last frame"]
    assert network.nats < min(s.nats for s in simple)
    assert found.lost_to == []
    assert found.frame()["nats"].mean() == pytest.approx(network.nats)
    assert len(found.frame()) == 24 * len(found.pieces)
    first, *others = found.surprises()
    assert first.nats == max(nats.max() for nats in found.nats)
    assert {one.piece for one in others}.isdisjoint({first.piece})


def test_who_saw_the_pieces_is_told_so_also_where_they_are_given_twice(fitted, tmp_path):
    own, (new,) = tunes(60), tunes(1, seed=9)
    assert len(NOTES.evaluate(fitted.trained, own, train=own).pieces) < 60  # the test alone
    (tmp_path / "test.mid").write_bytes(encoded(new))
    settings = small(frames=1, steps=1, test=str(tmp_path / "test.mid"))
    trained = fit(TASK, own, settings, tmp_path / "run").trained
    (note,) = NOTES.evaluate(trained, own, train=own).notes
    assert note.startswith("Training saw these pieces")


def test_it_goes_on_from_an_opening_the_same_way_for_the_same_seed(fitted, tmp_path):
    (tmp_path / "opening.mid").write_bytes(encoded(tunes(3, seed=5)[2]))
    how = {"prompt": str(tmp_path / "opening.mid"), "length": 16, "count": 2}
    made = [NOTES.make(fitted.trained, seed=seed, **how).to_json() for seed in (3, 3, 4)]
    assert made[0] == made[1] != made[2]
    first, second = made[0]["pieces"]
    assert len(first) == 24 + 16
    assert first[:24] == second[:24] == made[2]["pieces"][0][:24]
    assert first[24:] != second[24:]
    alone = NOTES.make(fitted.trained, seed=3, **how | {"count": 1})
    lines = "".join(alone.pieces())
    assert lines.startswith("   1:1     ")
    assert alone.to_json()["pieces"][0][:24] == first[:24]


def test_an_opening_goes_on_in_its_own_meter(fitted, tmp_path):
    (tune,) = tunes(1)
    waltz = Piece("waltz", tune.voices, 4, np.array([[0, 4], [4, 12]]))
    (tmp_path / "waltz.mid").write_bytes(encoded(waltz))
    how = {"prompt": str(tmp_path / "waltz.mid"), "length": 12}
    made = NOTES.make(fitted.trained, **how)
    (roll,) = made.rolls()
    assert roll.places.tolist() == [2, *([0, 1, 2] * 12)][:36]
    made.save(tmp_path / "on.mid")
    (back,) = read_pieces(tmp_path / "on.mid", 1).pieces
    assert (back.bars * 4 // back.quarter).tolist() == waltz.bars.tolist()
    lines = "".join(NOTES.make(fitted.trained, **how).pieces()).splitlines()
    assert [line.split()[0] for line in lines[:5]] == ["0:3", "1:1", "1:2", "1:3", "2:1"]


def test_the_likeliest_music_is_the_same_for_all_seeds(fitted):
    how = {"temperature": 0, "length": 16}
    one, other = (NOTES.make(fitted.trained, seed=seed, **how).to_json() for seed in (1, 2))
    assert one == other


def test_what_is_written_is_read_again(fitted, tmp_path):
    made = NOTES.make(fitted.trained, length=40, count=2)
    for name in ("song.mid", "song.json"):
        made.save(tmp_path / name)
    for i, roll in enumerate(made.rolls(), 1):
        for suffix in ("mid", "json"):
            (piece,) = read_pieces(tmp_path / f"song-{i}.{suffix}", 1).pieces
            back = fitted.trained.codec.roll(piece).sounding
            assert (back == roll.sounding[: len(back)]).all()
            assert not roll.sounding[len(back) :].any()
    with pytest.raises(InputError, match=r"a file that ends in \.mid or \.json, got .*song\.wav"):
        made.save(tmp_path / "song.wav")


def test_what_cannot_be_done_with_notes_is_refused(fitted, tmp_path):
    (tmp_path / "a.json").write_text("[[[60], [62]], [[64], [65]]]")
    for how, problem in (
        ({"prompt": str(tmp_path / "a.json")}, "expected one piece to go on from, found 2"),
        ({"prompt": "gone.mid"}, r"gone\.mid: no file or folder of this name"),
        ({"stop": ("C",)}, "stop: notes are drawn without it"),
        ({"repetition_penalty": 2.0}, "repetition_penalty: notes are drawn without it"),
    ):
        with pytest.raises(InputError, match=problem):
            NOTES.make(fitted.trained, **how)


def test_each_piece_goes_on_in_a_table(fitted):
    own = tunes(2)
    table = NOTES.answer(fitted.trained, own, length=8)
    assert set(table["piece"]) <= {piece.name for piece in own}
    assert table["start"].min() >= 24
    assert (table["start"] + table["length"]).max() <= 32


def test_it_is_reported_on_and_looked_into(fitted):
    found = NOTES.evaluate(fitted.trained, tunes(60))
    told = NOTES.report(fitted.trained, found, [])
    assert set(told.plot()) == {"song-0.8", "song-1"}
    assert "so the network needs" in told.lead
    look = NOTES.look(fitted.trained, tunes(60))
    with torch.no_grad():
        h = look.model(*look.inputs)
    np.testing.assert_allclose(fitted.trained.head(look.arrays), h[0], rtol=1e-5, atol=1e-5)
    assert float(look.loss(h).detach()) > 0
    assert len(look.columns["layers.0"]) == look.arrays.shape[-1]


def test_the_estimator_fits_writes_and_scores(tmp_path):
    given = SMALL | {"frames": 1, "steps": 2, "validate_every": 1}
    generator = gruta.MusicGenerator(**given).fit(tunes(20))
    made = generator.generate(tunes(1)[0], length=4)
    made.save(tmp_path / "song.mid")
    assert len(made.rolls()[0]) == 28
    assert generator.score(tunes(3)) < 0
    with pytest.raises(InputError, match="dynamic: is for text"):
        TASK.scored(generator.trained_, tunes(3), dynamic=0.001)
    generator.save(tmp_path / "run")
    call = SimpleNamespace(
        run=tmp_path / "run",
        given={},
        how={"dynamic": 0.001},
        tell=id,
        source=tunes(3),
        progress=None,
    )
    with pytest.raises(InputError, match="dynamic: is for text"):
        scored(call)
    assert generator.get_params()["units"] == "notes"
    for one, other in (("MusicGenerator", "words"), ("TextGenerator", "notes")):
        with pytest.raises(InputError, match="units: "):
            getattr(gruta, one)(units=other)
