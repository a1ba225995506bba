"""Spoken prompts of a telephone exchange with what is said in them, from two packages of Asterisk.

    apt-get download asterisk-core-sounds-en-wav asterisk-core-sounds-en
    python examples/data/spoken_prompts.py asterisk-core-sounds-en*.deb runs/prompts

One voice a language: en, es, fr, it. Writes the recordings as they are, 8 kHz WAV, and
transcripts.tsv: a recording and what is said a row, as the makers wrote it down, mistakes
included, but for remarks at their end in brackets. What is no speech (silence, tones, music) and what lacks a recording or a text is left
out, and said. Nothing is installed. The recordings are under CC BY-SA 3.0.
"""

import gzip
import io
import lzma
import re
import sys
import tarfile
import unicodedata
from collections.abc import Iterator
from pathlib import Path

SOUNDS = "/share/asterisk/sounds/"
NO_SPEECH = re.compile(r"[\[<(].*[\])>]\W*|\W*")
"""Texts that tell what is heard instead, or nothing."""

REMARK = re.compile(r"(\s*\[\W?\]|\s*\([^()]*\))+$")
"""What stands behind what is said: the sign that is named, or a note on how it is said."""


def files_of(package: Path) -> Iterator[tuple[str, bytes]]:
    """Names and contents of a .deb's files: an ar archive, with a tar archive among its members."""
    raw, at = package.read_bytes(), 8
    while at < len(raw):
        name, size = raw[at : at + 16].decode().strip(), int(raw[at + 48 : at + 58])
        if name.startswith("data.tar"):
            with tarfile.open(fileobj=io.BytesIO(raw[at + 60 : at + 60 + size])) as archive:
                for member in archive:
                    if member.isfile() and (content := archive.extractfile(member)):
                        yield member.name, content.read()
        at += 60 + size + size % 2


def recordings_of(package: Path) -> dict[str, bytes]:
    """WAV files by their name below the voice's folder, without its end."""
    found = {}
    for name, content in files_of(package):
        _, inside, place = name.partition(SOUNDS)
        if inside and name.endswith(".wav"):
            found[place.partition("/")[2].removesuffix(".wav")] = content
    return found


def texts_of(package: Path) -> dict[str, str]:
    """What is said, by the same names: `name: text` a line, remarks behind a semicolon."""
    found = {}
    for name, content in files_of(package):
        if re.search(r"/core-sounds-\w+\.txt(\.gz)?$", name):
            text = (gzip.decompress(content) if name.endswith(".gz") else content).decode()
            for line in text.splitlines():
                name, colon, said = line.partition(":")
                if colon and not line.startswith(";"):
                    composed = unicodedata.normalize("NFC", REMARK.sub("", said) or said)
                    found.setdefault(name.strip(), " ".join(composed.split()))
    return found


def main(packages: list[Path], out: Path) -> None:
    """Write the recordings and the list."""
    sounds: dict[str, bytes] = {}
    texts: dict[str, str] = {}
    for package in packages:
        try:
            sounds |= recordings_of(package)
            texts |= texts_of(package)
        except (OSError, ValueError, tarfile.TarError, lzma.LZMAError) as error:
            sys.exit(f"{package}: not a package of Debian's ({error})")
    if not sounds or not texts:
        sys.exit(f"expected recordings and their texts, found {len(sounds)} and {len(texts)}")
    both = sorted(sounds.keys() & texts.keys())
    speech = [name for name in both if not NO_SPEECH.fullmatch(texts[name])]
    for name in speech:
        place = out / f"{name}.wav"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(sounds[name])
    rows = [f"{name}.wav\t{texts[name]}" for name in speech]
    (out / "transcripts.tsv").write_text("\n".join(["audio\ttext", *rows, ""]), "utf-8")
    seconds = sum(len(sounds[name]) - 44 for name in speech) / 16_000
    print(f"{len(speech)} recordings, {seconds / 60:.1f} minutes: {out}")
    left_out = {
        "recordings without a text": sounds.keys() - texts.keys(),
        "texts without a recording": texts.keys() - sounds.keys(),
        "recordings of no speech": set(both) - set(speech),
    }
    for kind, names in left_out.items():
        if names:
            print(f"left out: {kind}: {len(names)} ({', '.join(sorted(names)[:20])})")


if __name__ == "__main__":
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    main([Path(name) for name in sys.argv[1:-1]], Path(sys.argv[-1]))
