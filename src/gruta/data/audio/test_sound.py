import struct
import tracemalloc

import numpy as np
import pytest
import soundfile
import soxr

from gruta.data.audio.flaws import clipped, is_silent
from gruta.data.audio.headers import _frame
from gruta.data.audio.resample import resampled
from gruta.data.audio.sound import Place, look, read_blocks, read_samples
from gruta.data.found import Found
from gruta.errors import InputError

RATE = 8000


def tone(count=8001, channels=1):
    t = np.arange(count) / RATE
    one = 0.5 * np.sin(2 * np.pi * 440 * t) + 0.2 * np.sin(2 * np.pi * 1234 * t + 1)
    return (
        one if channels == 1 else np.stack([one * (k + 1) / channels for k in range(channels)], 1)
    )


def written(path, samples, kind="WAV", coding="PCM_16", rate=RATE):
    soundfile.write(path, samples, rate, format=kind, subtype=coding)
    return path


def told(found):
    return [(one.kind, one.count, one.done) for one in found.repairs()]


CODINGS = [  # how far a coding may be from what was written, as a share of it
    *[("WAV", c, 1e-4) for c in ("PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE")],
    *[("WAV", c, 0.02) for c in ("PCM_U8", "ULAW", "ALAW")],
    *[("WAVEX", c, 1e-4) for c in ("PCM_16", "PCM_24", "FLOAT")],
    *[("RF64", c, 1e-4) for c in ("PCM_16", "FLOAT")],
    ("WAV", "G721_32", 0.05),
    ("WAV", "MS_ADPCM", 0.12),
    ("WAV", "GSM610", 0.5),
    *[(kind, "PCM_16", 1e-4) for kind in ("FLAC", "W64", "AIFF", "AU", "NIST")],
    ("OGG", "VORBIS", 0.2),
    ("OGG", "OPUS", 0.2),
    ("MP3", "MPEG_LAYER_III", 0.2),
]


@pytest.mark.parametrize(("kind", "coding", "far"), CODINGS)
@pytest.mark.parametrize("count", [8000, 8001])
def test_every_coding_is_right_to_the_frame(kind, coding, far, count, tmp_path):
    sound = tone(count)
    place = written(tmp_path / "a.bin", sound, kind, coding)
    found = Found()
    about = look(place, found)
    samples = read_samples(about, RATE, found)
    assert samples.dtype == np.float32
    assert about.frames == len(samples) == count
    off = samples[: count - 400] - sound[: count - 400]  # lossy ones end as they like
    assert np.sqrt((off**2).mean() / (sound**2).mean()) < far
    assert not told(found)
    inside = read_samples(about, RATE, start=0.1, stop=0.7)
    assert np.array_equal(inside, samples[800:5600])


def ima(blocks, fact):
    """IMA ADPCM of silence: the first sample of a block, then 504 steps."""
    head = struct.pack("<HHIIHHHH", 0x11, 1, RATE, 4055, 256, 4, 2, 505)
    parts = b"fmt " + struct.pack("<I", 20) + head + b"fact" + struct.pack("<II", 4, fact)
    parts += b"data" + struct.pack("<I", 256 * blocks) + bytes(256 * blocks)
    return b"RIFF" + struct.pack("<I", 4 + len(parts)) + b"WAVE" + parts


@pytest.mark.parametrize(("fact", "count"), [(8000, 8000), (7575, 8080), (8081, 8080), (0, 8080)])
def test_the_fact_chunk_is_believed_where_it_ends_in_the_last_block(fact, count, tmp_path):
    (tmp_path / "a.wav").write_bytes(ima(16, fact))
    assert len(read_samples(tmp_path / "a.wav", RATE)) == count


@pytest.mark.parametrize("coding", ["GSM610", "MS_ADPCM", "PCM_16", "FLOAT"])
def test_a_file_that_ends_early_is_read_as_far_as_it_goes(coding, tmp_path):
    whole = written(tmp_path / "a.wav", tone(), coding=coding).read_bytes()
    (tmp_path / "b.wav").write_bytes(whole[: len(whole) // 2])
    found = Found()
    samples = read_samples(tmp_path / "b.wav", RATE, found)
    assert 3000 < len(samples) < 4100
    assert np.array_equal(samples, read_samples(tmp_path / "a.wav", RATE)[: len(samples)])
    assert told(found) == [("files that end early", 1, "read as far as they go")]


@pytest.mark.parametrize(
    ("kind", "coding"), [("FLAC", "PCM_16"), ("OGG", "VORBIS"), ("OGG", "OPUS")]
)
def test_a_stream_that_ends_early_too(kind, coding, tmp_path):
    noise = np.random.default_rng(0).standard_normal(40 * RATE) * 0.1
    whole = written(tmp_path / "a.bin", noise, kind, coding).read_bytes()
    (tmp_path / "b.bin").write_bytes(whole[: len(whole) * 6 // 10])
    found = Found()
    samples = read_samples(tmp_path / "b.bin", RATE, found)
    assert 0.4 < len(samples) / len(noise) < 0.65
    assert [one[:2] for one in told(found)] == [("files that end early", 1)]


def test_mp3_does_not_depend_on_the_blocks_that_it_is_read_in(tmp_path):
    sound = look(written(tmp_path / "a.mp3", tone(30_000), "MP3", "MPEG_LAYER_III"))
    whole = read_samples(sound, RATE)
    for start in (1, 577, 1601, 20_000):
        assert np.array_equal(read_samples(sound, RATE, start=start / RATE), whole[start:])


def constant_mp3(path, count):
    """Of one bit rate, without the frame that tells delay and length."""
    how = {"format": "MP3", "bitrate_mode": "CONSTANT", "compression_level": 0.5}
    with soundfile.SoundFile(path, "w", RATE, 1, "MPEG_LAYER_III", **how) as file:
        file.write(tone(count))
    whole = path.read_bytes()
    path.write_bytes(whole[_frame(whole[:4])[0] :])
    return path


def test_mp3_without_a_mark_of_its_delay_is_told(tmp_path):
    found = Found()
    assert len(read_samples(constant_mp3(tmp_path / "a.mp3", 40_000), RATE, found)) > 40_000
    assert [one[0] for one in told(found)] == ["MP3 files that do not tell how late they begin"]


def test_mp3_of_which_samples_would_be_lost_is_refused(tmp_path):
    whole = written(tmp_path / "a.mp3", tone(40_000), "MP3", "MPEG_LAYER_III").read_bytes()
    (tmp_path / "two.mp3").write_bytes(whole + whole)
    (tmp_path / "b.mp3").write_bytes(whole.replace(b"Xing", bytes(4)).replace(b"Info", bytes(4)))
    for name in ("two.mp3", "b.mp3"):
        with pytest.raises(InputError, match=rf"{name}: an MP3 file that does not tell its length"):
            look(tmp_path / name)


@pytest.mark.parametrize("end", ["wav", "mp3", "raw", "txt"])
def test_content_tells_what_a_file_is_and_not_its_name(end, tmp_path):
    place = written(tmp_path / f"a.{end}", tone(), "FLAC")
    found = Found()
    assert len(read_samples(place, RATE, found)) == 8001
    wrong = [("files whose name ends as another kind's does", 1, "read as what they are")]
    assert told(found) == (wrong if end in ("wav", "mp3") else [])


def test_channels_are_mixed_or_one_is_taken(tmp_path):
    place, found = written(tmp_path / "a.wav", tone(channels=2), coding="FLOAT"), Found()
    assert read_samples(place, RATE, found) == pytest.approx(tone() * 0.75, abs=1e-6)
    assert told(found) == [("files of several channels", 1, "mixed, as their mean")]
    assert read_samples(place, RATE, channel=2) == pytest.approx(tone(), abs=1e-6)
    with pytest.raises(InputError, match=r"channel: .*expected a channel up to 2, got 3"):
        read_samples(place, RATE, channel=3)


@pytest.mark.parametrize("rate", [8000, 11_025, 44_100, 48_000])
@pytest.mark.parametrize("count", [1, 80, 44_101])
def test_any_rate_becomes_another_without_gain_or_delay(rate, count):
    t = np.arange(count) / rate
    sound = (0.5 * np.sin(2 * np.pi * 300 * t)).astype("f4")
    found = resampled(sound, rate, 16_000)
    assert abs(len(found) - count * 16_000 / rate) <= 0.5
    assert np.array_equal(found, soxr.resample(sound, rate, 16_000))
    expected = 0.5 * np.sin(2 * np.pi * 300 * np.arange(len(found)) / 16_000)
    assert found[500:-500] == pytest.approx(expected[500:-500], abs=1e-4)


def test_blocks_are_the_whole_and_take_no_memory(tmp_path):
    """Two minutes at 44.1 kHz in stereo, which are 42 MB of float32."""
    path = tmp_path / "long.wav"
    with soundfile.SoundFile(path, "w", 44_100, 2, "PCM_16") as file:
        draw = np.random.default_rng(0)
        for _second in range(120):
            file.write(draw.integers(-9000, 9000, (44_100, 2), "i2"))
    tracemalloc.start()
    count = sum(len(block) for block in read_blocks(path, 16_000))
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count == 120 * 16_000
    assert most < 4e6
    whole = read_samples(path, 16_000)
    assert np.array_equal(whole, np.concatenate(list(read_blocks(path, 16_000))))


def test_a_sound_that_takes_too_much_memory_is_refused_before_it_is_read(tmp_path):
    path = written(tmp_path / "a.flac", np.zeros(RATE * 60), "FLAC")
    with pytest.raises(InputError, match=r"a\.flac: 60 s in one; cut the file"):
        read_samples(path, 10_000_000)


def test_silence_stays_silence_at_another_rate():
    assert not resampled(np.zeros(44_100, "f4"), 44_100, 16_000).any()


REFUSED = {
    b"": "the file is empty",
    b"\0\0\0\x20ftypM4A " + bytes(99): "a file of MP4, which is not read",
    b"#!AMR\n" + bytes(99): "a file of AMR, which is not read; save it as WAV or FLAC",
    b"<html>" * 20: "not a sound file that can be read",
    ima(16, 8000)[:12]: "not a sound file that can be read",
}


@pytest.mark.parametrize("content", REFUSED)
def test_what_is_no_sound_is_refused_by_name(content, tmp_path):
    path = tmp_path / "a.wav"
    path.write_bytes(content)
    with pytest.raises(InputError, match=rf"a\.wav: {REFUSED[content]}"):
        look(path)


def test_places_without_a_sound(tmp_path):
    with pytest.raises(InputError, match="expected a sound file, found no file"):
        look(tmp_path / "a.wav")
    with pytest.raises(InputError, match="expected a sound file, found a directory"):
        look(tmp_path)


def test_a_recording_that_was_not_closed_is_refused(tmp_path):
    whole = bytearray(written(tmp_path / "a.wav", tone()).read_bytes())
    whole[40:44] = bytes(4)
    (tmp_path / "a.wav").write_bytes(whole)
    with pytest.raises(InputError, match=r"holds no samples, and 16,002 bytes follow"):
        look(tmp_path / "a.wav")
    whole[40:44] = b"\xff" * 4  # what a pipe does not know
    (tmp_path / "a.wav").write_bytes(whole)
    found = Found()
    assert len(read_samples(tmp_path / "a.wav", RATE, found)) == 8001
    assert not told(found)


@pytest.mark.parametrize(("value", "shown"), [(np.nan, "nan"), (np.inf, "inf"), (32000.0, "32000")])
def test_samples_that_are_none_are_refused_with_their_place(value, shown, tmp_path):
    sound = tone()
    sound[5000] = value
    place = written(tmp_path / "a.wav", sound, coding="FLOAT")
    with pytest.raises(InputError, match=rf"a\.wav: sample 5,001 is {shown}.*scale is -1 to 1"):
        read_samples(place, RATE)


def test_a_sound_in_an_archive(tmp_path):
    one = written(tmp_path / "a.wav", tone(8000)).read_bytes()
    two = written(tmp_path / "b.wav", tone(4000)).read_bytes()
    (tmp_path / "wav.ark").write_bytes(b"a " + one + b"b " + two)
    found = read_samples(Place(tmp_path / "wav.ark", len(one) + 4), RATE)
    assert np.array_equal(found, read_samples(tmp_path / "b.wav", RATE))
    with pytest.raises(InputError, match=r"wav\.ark:7: expected a WAV file at this byte"):
        look(Place(tmp_path / "wav.ark", 7))


def test_flaws():
    assert is_silent(np.zeros(9, "f4"))
    assert is_silent(np.full(9, 0.3, "f4"))
    assert not is_silent(tone())
    loud = np.clip(3 * tone(), -1, 1).astype("f4")
    assert clipped(loud) > 0.3
    assert clipped((0.9 * tone()).astype("f4")) == 0
    assert clipped(np.zeros(99, "f4")) == 0
