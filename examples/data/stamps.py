"""Pictures with captions in English and Brazilian Portuguese: the stamps of Tux Paint.

    apt-get download tuxpaint-stamps-default
    python examples/data/stamps.py tuxpaint-stamps-default_*.deb runs/stamps

Writes the PNG pictures, 128 pixels on the longer side, and captions.csv with the columns picture,
en and pt_BR, for `gruta train caption runs/stamps/captions.csv`. The stamps are under the GPL-2
(runs/stamps/COPYRIGHT is the package's).
"""

import csv
import io
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path

from PIL import Image

STAMPS = "./usr/share/tuxpaint/stamps/"
COPYRIGHT = "./usr/share/doc/tuxpaint-stamps-default/copyright"
SIDE = 128


def files_of(package: Path) -> Iterator[tuple[str, bytes]]:
    """Names and contents of a .deb's files: an ar archive, with a tar archive among its members."""
    with package.open("rb") as archive:
        archive.seek(8)
        while head := archive.read(60):
            name, size = head[:16].decode().strip(), int(head[48:58])
            begin = archive.tell()
            if name.startswith("data.tar"):
                with tarfile.open(fileobj=io.BytesIO(archive.read(size))) as data:
                    for member in data:
                        if member.isfile() and (content := data.extractfile(member)):
                            yield member.name, content.read()
            archive.seek(begin + size + size % 2)


def captions_of(text: str) -> dict[str, str]:
    """The first line is English, the others are LANGUAGE.utf8=text."""
    first, *rest = text.splitlines() or [""]
    found = {"en": first.strip()}
    for line in rest:
        language, mark, said = line.partition("=")
        if mark:
            found[language.removesuffix(".utf8").strip()] = said.strip()
    return found


def main(package: Path, out: Path) -> None:
    """Write the pictures that have both captions."""
    pictures, texts = {}, {}
    out.mkdir(parents=True, exist_ok=True)
    for path, content in files_of(package):
        if path == COPYRIGHT:
            (out / "COPYRIGHT").write_bytes(content)
        stem, _, ending = path.removeprefix(STAMPS).rpartition(".")
        if path.startswith(STAMPS) and ending == "png":
            pictures[stem] = content
        if path.startswith(STAMPS) and ending == "txt":
            texts[stem] = captions_of(content.decode("utf-8", "replace"))
    rows = []
    for stem in sorted(pictures.keys() & texts.keys()):
        said = texts[stem]
        if not said.get("en") or not said.get("pt_BR"):
            continue
        name = f"{stem.replace('/', '__')}.png"
        with Image.open(io.BytesIO(pictures[stem])) as picture:
            small = picture.convert("RGBA")
            small.thumbnail((SIDE, SIDE))
            small.save(out / name)
        rows.append((name, said["en"], said["pt_BR"]))
    with (out / "captions.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("picture", "en", "pt_BR"), *rows])
    print(f"{len(rows)} pictures: {out / 'captions.csv'}")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*map(Path, sys.argv[1:]))
