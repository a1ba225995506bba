"""English and Brazilian Portuguese side by side: the help pages of LibreOffice, from two packages.

    apt-get download libreoffice-help-en-us libreoffice-help-pt-br
    python examples/data/help_pages.py libreoffice-help-*.deb runs/help.tsv

Paragraphs and headings carry the same id in both languages. A row is a pair: source, target, and
the page that both stand on, for `gruta train translate runs/help.tsv --group page`. What is the
same in both languages, or came before, is left out. The pages are under the MPL-2.0.
"""

import io
import sys
import tarfile
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

PAGES = "/help/{language}/text/"
SHORT_CUTS = "MAC"  # the class of keys that other systems do not have


class Paragraphs(HTMLParser):
    """The text of each element whose id begins as those of paragraphs and headings do."""

    def __init__(self) -> None:
        super().__init__()
        self.found: dict[str, str] = {}
        self._open: list[
            tuple[str, str, bool]
        ] = []  # tag, whose text it is in, whether it is shown

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Go in; what never closes is no place to be in."""
        if tag in ("br", "hr", "img", "input", "link", "meta"):
            return
        about = dict(attrs)
        name, own = self._open[-1][1:] if self._open else ("", True)
        own_id = about.get("id") or ""
        if own_id.startswith(("par_id", "hd_id")):
            name = own_id
        self._open.append((tag, name, own and about.get("class") != SHORT_CUTS))

    def handle_endtag(self, tag: str) -> None:
        """Go out, of what was left open inside too."""
        if any(tag == one for one, _, _ in self._open):
            while self._open.pop()[0] != tag:
                pass

    def handle_data(self, data: str) -> None:
        """Take what is shown."""
        if self._open and self._open[-1][1] and self._open[-1][2]:
            name = self._open[-1][1]
            self.found[name] = self.found.get(name, "") + data


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


def paragraphs_of(package: Path, language: str) -> dict[tuple[str, str], str]:
    """By page and id."""
    found = {}
    for name, content in files_of(package):
        _, inside, page = name.partition(PAGES.format(language=language))
        if inside and page.endswith(".html"):
            reader = Paragraphs()
            reader.feed(content.decode())
            for own_id, text in reader.found.items():
                found[page, own_id] = " ".join(text.split())
    return found


def main(english: Path, portuguese: Path, out: Path) -> None:
    """Write the pairs."""
    sources = paragraphs_of(english, "en-US")
    targets = paragraphs_of(portuguese, "pt-BR")
    rows: dict[tuple[str, str], str] = {}
    for place in sorted(sources.keys() & targets.keys()):
        source, target = sources[place], targets[place]
        if source and target and source != target:
            rows.setdefault((source, target), place[0])
    lines = [f"{source}\t{target}\t{page}" for (source, target), page in rows.items()]
    out.write_text("\n".join(["source\ttarget\tpage", *lines, ""]), "utf-8")
    print(f"{len(lines)} pairs of {len(set(rows.values()))} pages: {out}")


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    main(*map(Path, sys.argv[1:]))
