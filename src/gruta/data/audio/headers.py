"""What the first and last bytes of a sound file tell, and libsndfile does not.

libsndfile reads what it finds and is silent about what is missing: a WAV file that ends early, an
Ogg stream without its end, MP3 without a mark of the encoder's delay. Of codings in blocks (GSM,
ADPCM) it hands out whole blocks, and of GSM one too many where their number is odd, so that the
last samples are none of the sound.
"""

import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

_UNKNOWN = 0x7FFFFF00
"""Sizes beyond it are what programs write that do not know the size yet."""

_IN_BLOCKS = {0x02, 0x11, 0x31, 0x38, 0x40}  # MS ADPCM, IMA ADPCM, GSM 6.10, NMS ADPCM, G.721
_MOST_IN_A_BLOCK = 160  # of those whose header does not tell

_OGG_LAST = 4
_TAIL = 2**17

OTHERS = (
    (4, b"ftyp", "MP4"),
    (0, b"\x1a\x45\xdf\xa3", "Matroska/WebM"),
    (0, b"#!AMR", "AMR"),
    (0, b"\x30\x26\xb2\x75", "WMA"),
    (0, b"MAC ", "APE"),
    (0, b"wvpk", "WavPack"),
    (0, b"FLV", "Flash"),
    (0, b"MThd", "MIDI"),
    (0, b"\xff\xf1", "AAC"),
    (0, b"\xff\xf9", "AAC"),
    (0, b"ajkg", "Shorten"),
    (0, b"\x1f\x8b", "gzip"),
    (0, b"PK\x03\x04", "ZIP"),
)
"""Files that are no sound, or one that libsndfile does not read: where a mark stands, the mark,
and what people call them.
"""


@dataclass(frozen=True)
class Wave:
    """frames: how many samples a channel there are, None where all that come are. missing: bytes
    that the header tells of and the file has not. unfinished: bytes behind a header that says 0.
    """

    frames: int | None = None
    missing: int = 0
    unfinished: int = 0


def other_kind(head: bytes) -> str:
    """What a file is that is not read; "" where nothing tells."""
    found = (name for at, mark, name in OTHERS if head[at : at + len(mark)] == mark)
    return next(found, "")


def read_wave(file: IO[bytes]) -> Wave:
    """Of a RIFF file; nothing is known of others."""
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    if file.read(12)[:4] not in (b"RIFF", b"RF64"):
        return Wave()
    whole: int | None = None
    coding, align, a_block, fact = 0, 0, 0, None
    for name, told in _chunks(file):
        here = file.tell()
        if name == b"fmt ":
            head = file.read(min(told, 40))
            if len(head) < 16:
                return Wave()
            coding, align = struct.unpack("<H10xH", head[:14])
            a_block = struct.unpack("<H", head[18:20])[0] if len(head) >= 20 else 0
        elif name == b"fact" and told >= 4:
            fact = struct.unpack("<I", file.read(4).ljust(4, b"\0"))[0]
        elif name == b"ds64" and told >= 16:
            whole = struct.unpack("<8xQ", file.read(16).ljust(16, b"\0"))[0]
        elif name == b"data":
            told = whole if whole is not None and told == 0xFFFFFFFF else told
            left = size - here
            known = told < _UNKNOWN or whole is not None
            missing = told - left if known and left < told else 0
            unfinished = left if not told and left > max(align, 8) else 0
            frames = _exact(coding, align, a_block, fact, min(told, left))
            return Wave(frames, missing, unfinished)
    return Wave()


def _exact(coding: int, align: int, a_block: int, fact: int | None, size: int) -> int | None:
    """Of a coding in blocks: what the fact chunk says, if that ends in the last block."""
    if coding not in _IN_BLOCKS:
        return None
    if coding in (0x38, 0x40) or not align or not a_block:
        return fact  # the reader has as many or some more, up to a block
    most = size // align * a_block
    return fact if fact is not None and most - a_block < fact <= most else most


def _chunks(file: IO[bytes]) -> Iterator[tuple[bytes, int]]:
    """Names and sizes; the file stands at the content of each."""
    while len(head := file.read(8)) == 8:
        name, size = struct.unpack("<4sI", head)
        here = file.tell()
        yield name, size
        file.seek(here + size + size % 2)


def ogg_ends(file: IO[bytes]) -> bool:
    """Whether the last page of an Ogg file says that it is the last."""
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - _TAIL))
    tail = file.read()
    at = tail.rfind(b"OggS")
    return at < 0 or len(tail) < at + 6 or bool(tail[at + 5] & _OGG_LAST)


@dataclass(frozen=True)
class Mpeg:
    """delay: whether the first frame says how many samples of the encoder's come before the sound.
    samples: how many a channel the frames have that follow each other from the first on.
    """

    delay: bool
    samples: int


_RATES = {3: (44_100, 48_000, 32_000), 2: (22_050, 24_000, 16_000), 0: (11_025, 12_000, 8000)}
_KILOBITS = {
    True: (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    False: (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}


def read_mpeg(file: IO[bytes]) -> Mpeg:
    """Of an MP3 file, whose frames say how long each is. The reader goes by an estimate of their
    number where the first does not tell it, and by what that tells where a second file follows.
    """
    file.seek(0)
    head = file.read(10)
    at = 0
    if head[:3] == b"ID3" and len(head) == 10:
        a, b, c, d = head[6:]
        at = 10 + (a << 21 | b << 14 | c << 7 | d)
    file.seek(at)
    first = file.read(512)
    mark = max(first.find(b"Xing"), first.find(b"Info"))
    delay = mark >= 0 and first[mark + 120 : mark + 124] in (b"LAME", b"Lavc", b"Lavf", b"L3.9")
    samples = 0
    while True:
        file.seek(at)
        size, count = _frame(file.read(4))
        if not size:
            return Mpeg(delay, samples)
        at, samples = at + size, samples + count


def _frame(head: bytes) -> tuple[int, int]:
    """Bytes and samples of a frame by its head (ISO 11172-3, 13818-3); 0 where there is none."""
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE6 != 0xE2:  # layer III
        return 0, 0
    version, bits, rate = head[1] >> 3 & 3, head[2] >> 4, head[2] >> 2 & 3
    if version == 1 or not 0 < bits < 15 or rate == 3:
        return 0, 0
    count = 1152 if version == 3 else 576
    kilobits = _KILOBITS[version == 3][bits - 1]
    return count // 8 * 1000 * kilobits // _RATES[version][rate] + (head[2] >> 1 & 1), count
