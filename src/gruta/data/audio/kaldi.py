"""A data folder of Kaldi: wav.scp or feats.scp, and text, segments and utt2spk beside it.

Commands in an scp file are never run.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal

from gruta.data.audio.finder import Finder
from gruta.data.audio.recordings import Utterance, plain
from gruta.data.audio.sound import Place, Sound
from gruta.data.found import Found
from gruta.data.pairs import read_lines
from gruta.errors import InputError
from gruta.locale import translate as _
from gruta.locale.numbers import number

SOUNDS, FEATURES = "wav.scp", "feats.scp"


def is_kaldi(folder: Path) -> bool:
    """Whether a folder is one of Kaldi's."""
    return (folder / SOUNDS).is_file() or (folder / FEATURES).is_file()


def read_folder(
    folder: Path, found: Found, opened: Callable[[Place, str], Sound | None]
) -> tuple[Literal["sound", "features"], list[Utterance]]:
    """Whether it has sounds or features, and the utterances, in the order of their list.

    opened: what a place of this name holds, None where it cannot be read.
    """
    texts = dict(_pairs(folder / "text")) if (folder / "text").is_file() else None
    speakers = dict(_pairs(folder / "utt2spk")) if (folder / "utt2spk").is_file() else {}
    kind: Literal["sound", "features"] = "sound" if (folder / SOUNDS).is_file() else "features"
    utterances = list((_sounds if kind == "sound" else _features)(folder, opened))
    if texts is not None:
        known = {one.name for one in utterances}
        left_out = _("left out")
        for name in texts:
            if name not in known:
                found.add(1, name, _("transcripts without a recording"), left_out)
    return kind, [
        Utterance(
            one.name,
            one.sound,
            None if texts is None else plain(texts.get(one.name, "")),
            speakers.get(one.name),
            one.start,
            one.stop,
        )
        for one in utterances
    ]


def _pairs(path: Path) -> Iterator[tuple[str, str]]:
    """A name and the rest of each line; InputError for a name that comes twice."""
    lines, _guesses = read_lines(path, "utf-8")
    seen: set[str] = set()
    for i, line in enumerate(lines, 1):
        name, *rest = line.split(maxsplit=1) or [""]
        if name in seen:
            problem = _("{path}: line {row}: {name} came before; each has one line")
            raise InputError(problem.format(path=path, row=number(i), name=name))
        if name:
            seen.add(name)
            yield name, rest[0].strip() if rest else ""


def _place(path: Path, name: str, where: str, finder: Finder) -> Place:
    """What an scp file says of where a recording lies."""
    if where.endswith("|") or where.startswith("|"):
        problem = _(
            "{path}: {name} is a command, which is never run; write what it gives into a file, and "
            "name that"
        )
        raise InputError(problem.format(path=path, name=name))
    if where.endswith("]"):
        problem = _("{path}: {name} is a part of a matrix, which is not read; write it by itself")
        raise InputError(problem.format(path=path, name=name))
    file, colon, offset = where.rpartition(":")
    if not colon or not offset.isdecimal():
        file, offset = where, "0"
    direct = path.parent / file
    if not direct.is_file():
        direct = Path(file) if Path(file).is_file() else finder.find(file) or direct
    return Place(direct, int(offset))


def _features(folder: Path, _opened: object) -> Iterator[Utterance]:
    finder = Finder(folder)
    for name, where in _pairs(folder / FEATURES):
        yield Utterance(name, _place(folder / FEATURES, name, where, finder), None)


def _sounds(folder: Path, opened: Callable[[Place, str], Sound | None]) -> Iterator[Utterance]:
    finder, sounds = Finder(folder), dict[str, Sound | None]()
    for name, where in _pairs(folder / SOUNDS):
        sounds[name] = opened(_place(folder / SOUNDS, name, where, finder), name)
    segments = folder / "segments"
    if not segments.is_file():
        for name, sound in sounds.items():
            if sound is not None:
                yield Utterance(name, sound, None)
        return
    for name, rest in _pairs(segments):
        cells = rest.split()
        try:
            recording, start, stop = cells[0], float(cells[1]), float(cells[2])
        except (IndexError, ValueError):
            recording, start, stop = "", 0.0, 0.0
        if recording not in sounds or not 0 <= start < stop:
            problem = _(
                "{path}: {name}: expected a recording of {list}, and where it begins and ends"
            )
            raise InputError(problem.format(path=segments, name=name, list=SOUNDS))
        sound = sounds[recording]
        if sound is not None:
            yield Utterance(name, sound, None, None, start, stop)
