"""Recordings of a table, a folder, a data folder of Kaldi, files, or Python's lists."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gruta.data.audio.arrays import as_numbers, read_array, read_arrays
from gruta.data.audio.finder import Finder
from gruta.data.audio.kaldi import is_kaldi, read_folder
from gruta.data.audio.recordings import Kind, Recordings, Utterance, plain
from gruta.data.audio.sound import Place, Sound, look
from gruta.data.audio.transcripts import Columns, Listed, Row, is_list, read_list
from gruta.data.found import Found
from gruta.data.pairs import read_lines
from gruta.data.plain import is_whole
from gruta.errors import InputError
from gruta.locale import translate as _
from gruta.locale.numbers import number
from gruta.reading import Guess, Reading

SHORTEST = 0.05
"""Seconds: nothing is said in less."""

_LISTS = ("transcripts", "metadata", "text", "train", "validated", "transcript", "transcricoes")
"""How lists of transcripts in a folder are called, those first that are read where several are."""

_NO_COLUMNS = Columns()


@dataclass
class _Task:
    """What is gathered while a source is read."""

    channel: int
    lone: bool
    rate: int
    found: Found
    guesses: dict[Guess, None] = field(default_factory=dict)
    named: set[Path] = field(default_factory=set)


def read_recordings(
    source: Any,
    columns: Columns = _NO_COLUMNS,
    how: Reading | None = None,
    *,
    channel: int = 0,
    rate: int = 0,
    lone: bool = False,
) -> Recordings:
    """Of a table, a folder, sound files, arrays, or Python's lists; InputError names what it is in.

    A folder is one of Kaldi's, or has sound files with a .txt file of the same name beside each,
    or with a list of transcripts. (sounds, texts) and (sounds, texts, speakers) are lists: of
    files, of samples `[N]` at `rate` a second, or of features `[T, C]`. An .npz file has features
    (`features` or `frames` `[ΣT, C]`, `lengths` `[M]`) or samples (`samples` `[ΣN]`, `lengths`,
    `rate`), with `text` `[M]`, and `ids` and `speakers` where they are known.

    columns: of a table; what is not said is found out, and told in the guesses. channel: which is
    read of several, from 1; 0 for their mean. lone: recordings without transcripts are taken too,
    as a trained model asks for no more. What was left out, and why, is in the repairs.
    """
    if isinstance(source, Recordings):
        return source
    how = how or Reading()
    task = _Task(channel, lone, rate, Found())
    if isinstance(source, str | Path):
        kind, utterances = _of_path(Path(source), columns, how, task)
        told = str(source)
    elif hasattr(source, "columns"):
        kind, utterances = _of_list(source, Finder(Path()), columns, how, task)
        told = "frame"
    else:
        kind, utterances = _of_python(source, task)
        told = _("{count} recordings").format(count=number(len(utterances)))
    kept = tuple(_usable(utterances, task))
    if not kept:
        raise InputError(_nothing(told, utterances, task))
    _tell_texts(kept, task.found)
    repairs = tuple(task.found.repairs())
    return Recordings(kind, kept, told, channel, tuple(task.guesses), repairs)


def _nothing(told: str, utterances: Sequence[Utterance], task: _Task) -> str:
    why = "; ".join(f"{one.kind}: {number(one.count)}" for one in task.found.repairs())
    problem = _("{source}: expected recordings with what is said in them, found none of use")
    return problem.format(source=told) + (f" ({why})" if why else "")


def _of_path(
    path: Path, columns: Columns, how: Reading, task: _Task
) -> tuple[Kind, list[Utterance]]:
    if path.is_dir():
        return _of_folder(path, columns, how, task)
    if path.suffix.lower() == ".npz":
        return _of_archive(path, task)
    if is_list(path) or path.name == "text":
        return _of_list(path, Finder(path.parent), columns, how, task)
    beside = path.with_suffix(".txt")
    text = _text_of(beside) if beside.is_file() else None
    one = Utterance(path.name, _sound(path, task), text, None, rate=task.rate)
    return _kind([one]), [one]


def _of_folder(
    folder: Path, columns: Columns, how: Reading, task: _Task
) -> tuple[Kind, list[Utterance]]:
    if is_kaldi(folder):
        return read_folder(folder, task.found, lambda place, name: _looked(place, name, task))
    finder = Finder(folder)
    if not finder.files:
        problem = _("{path}: expected sound files in this folder, found none")
        raise InputError(problem.format(path=folder))
    beside = {file: file.with_suffix(".txt") for file in finder.files}
    texts = {file: text for file, text in beside.items() if text.is_file()}
    lists = (
        [] if 2 * len(texts) >= len(finder.files) else _lists(folder, finder, columns, how, task)
    )
    if lists:
        rows: list[Row] = []
        kinds: dict[Guess, None] = {}
        for one in lists:
            listed = read_list(one, finder, columns, how)
            rows += listed.rows
            kinds |= dict.fromkeys(listed.guesses)
        found = _of_rows(Listed(rows, tuple(kinds)), finder, task)
        for file in finder.files:
            if file not in task.named:
                kind, left_out = _("recordings that the list does not name"), _("left out")
                task.found.add(1, file.name, kind, left_out)
        return found
    if not texts and not task.lone:
        problem = _(
            "{path}: expected what is said in the recordings: a .txt file beside each, a list such "
            "as transcripts.tsv, or Kaldi's text; found {count} recordings alone"
        )
        raise InputError(problem.format(path=folder, count=number(len(finder.files))))
    utterances = []
    for file in finder.files:
        name = file.relative_to(folder).as_posix()
        text = _text_of(texts[file]) if file in texts else None if not texts else ""
        if (sound := _tried(file, name, task)) is not None:
            utterances.append(Utterance(name, sound, text, rate=task.rate))
    return _kind(utterances), utterances


def _lists(folder: Path, finder: Finder, columns: Columns, how: Reading, task: _Task) -> list[Path]:
    """The list of transcripts of a folder, or LibriSpeech's many; of those that are not called like
    one the only one that names sounds.
    """
    many = sorted(folder.rglob("*.trans.txt"))
    if many:
        return many
    inside = [p for p in sorted(folder.iterdir()) if p.is_file() and not p.name.startswith(".")]
    lists = [path for path in inside if is_list(path) or path.name == "text"]
    named = [path for name in _LISTS for path in lists if path.stem.lower() == name]
    if not named:
        named = [path for path in lists if _names_sounds(path, finder, columns, how)]
        return named if len(named) == 1 else []
    if len(lists) > 1:
        task.guesses[Guess("list of transcripts", named[0].name)] = None
    return named[:1]


def _names_sounds(path: Path, finder: Finder, columns: Columns, how: Reading) -> bool:
    try:
        rows = read_list(path, finder, columns, how).rows
    except InputError:  # a licence, say
        return False
    return any(finder.find(row.audio) is not None for row in rows)


def _text_of(path: Path) -> str:
    return plain(" ".join(read_lines(path, "auto")[0]))


def _of_list(
    source: Any, finder: Finder, columns: Columns, how: Reading, task: _Task
) -> tuple[Kind, list[Utterance]]:
    return _of_rows(read_list(source, finder, columns, how), finder, task)


def _of_rows(listed: Listed, finder: Finder, task: _Task) -> tuple[Kind, list[Utterance]]:
    task.guesses |= dict.fromkeys(listed.guesses)
    sounds: dict[Path, Sound | NDArray[np.float32] | None] = {}
    utterances: list[Utterance] = []
    for row in listed.rows:
        file = finder.find(row.audio)
        if file is None:
            left_out = _("left out")
            task.found.add(1, row.audio, _("recordings that are not there"), left_out)
            continue
        task.named.add(file)
        if file not in sounds:
            sounds[file] = _tried(file, row.audio, task)
        sound = sounds[file]
        if sound is not None:
            text = None if row.text is None else plain(row.text)
            about = (row.speaker, row.start, row.stop)
            utterances.append(Utterance(row.audio, sound, text, *about, rate=task.rate))
    return _kind(utterances), utterances


def _tried(file: Path, name: str, task: _Task) -> Sound | NDArray[np.float32] | None:
    """What a file holds; None, which is told, where it cannot be read."""
    if file.suffix.lower() != ".npy":
        return _looked(Place(file), name, task)
    try:
        return _sound(file, task)
    except InputError as error:
        _leave_out(error, str(file), name, task)
        return None


def _looked(place: Place, name: str, task: _Task) -> Sound | None:
    try:
        return look(place, task.found, channel=task.channel)
    except InputError as error:
        _leave_out(error, str(place), name, task)
        return None


def _leave_out(error: InputError, path: str, name: str, task: _Task) -> None:
    """Of an argument that does not fit the error is raised."""
    if error.problems:
        raise error
    kind = _("files that cannot be read ({reason})")
    reason = error.message.removeprefix(f"{path}: ")
    task.found.add(1, name, kind.format(reason=reason), _("left out"))


def _sound(file: Path, task: _Task) -> Sound | NDArray[np.float32]:
    if file.suffix.lower() != ".npy":
        return look(Place(file), task.found, channel=task.channel)
    return _numbers(read_array(file), str(file), task)


def _numbers(values: NDArray[np.float32], name: str, task: _Task) -> NDArray[np.float32]:
    """Samples of one channel where their rate is known, else features."""
    if values.ndim == 1 and not task.rate:
        problem = _("{name}: samples in an array do not tell how many are a second; say it")
        raise InputError(problem.format(name=name), rate=_("expected samples a second"))
    if values.ndim == 2 and task.rate:
        values = values[:, task.channel - 1] if task.channel else values.mean(1, dtype=np.float32)
    return values


def _kind(utterances: Sequence[Utterance]) -> Kind:
    """InputError for sounds and features in one."""
    features = [isinstance(u.sound, np.ndarray) and u.sound.ndim == 2 for u in utterances]
    if any(features) and not all(features):
        name = utterances[features.index(False)].name
        problem = _("{name}: expected features [frames, channels], as others are, found a sound")
        raise InputError(problem.format(name=name))
    widths = {u.sound.shape[1] for u in utterances if any(features)}  # type: ignore[union-attr]
    if len(widths) > 1:
        problem = _("features of {widths} channels; expected as many in each")
        raise InputError(problem.format(widths=", ".join(map(str, sorted(widths)))))
    return "features" if any(features) else "sound"


def _of_archive(path: Path, task: _Task) -> tuple[Kind, list[Utterance]]:
    held = read_arrays(path)
    key = next((k for k in ("features", "frames", "samples") if k in held), "")
    if not key or "lengths" not in held:
        problem = _(
            "{path}: expected features or samples of all recordings in one array, and lengths; "
            "found {names}"
        )
        raise InputError(problem.format(path=path, names=", ".join(map(repr, held))))
    values = as_numbers(held[key], f"{path} {key}")
    lengths = held["lengths"].reshape(-1)
    if lengths.dtype.kind not in "iu" or (lengths < 0).any() or lengths.sum() != len(values):
        problem = _("{path}: lengths add up to {sum}; expected {count}, as many as there are rows")
        shown = {"sum": number(int(lengths.sum())), "count": number(len(values))}
        raise InputError(problem.format(path=path, **shown))
    given = int(held["rate"].reshape(-1)[0]) if "rate" in held else task.rate
    if key == "samples" and not given:
        problem = _("{path}: samples in an array do not tell how many are a second; say it")
        raise InputError(problem.format(path=path), rate=_("expected samples a second"))
    texts, names, speakers = (_words(path, held, k, len(lengths)) for k in _ARCHIVED)
    parts = np.split(values, np.cumsum(lengths)[:-1])
    return ("sound" if key == "samples" else "features"), [
        Utterance(
            names[i] if names else str(i + 1),
            part,
            plain(texts[i]) if texts else None,
            speakers[i] if speakers else None,
            rate=given if key == "samples" else 0,
        )
        for i, part in enumerate(parts)
    ]


_ARCHIVED = ("text", "ids", "speakers")


def _words(path: Path, held: Any, key: str, count: int) -> list[str] | None:
    if key not in held:
        return None
    found = [str(one) for one in held[key].reshape(-1)]
    if len(found) != count:
        problem = _("{path}: {count} of {key}, expected {expected}, one a recording")
        shown = {"count": number(len(found)), "key": key, "expected": number(count)}
        raise InputError(problem.format(path=path, **shown))
    return found


def _of_python(source: Any, task: _Task) -> tuple[Kind, list[Utterance]]:
    listed = isinstance(source, tuple) and len(source) in (2, 3)
    sounds, *rest = source if listed else (source,)
    if isinstance(sounds, np.ndarray) and sounds.ndim < 3:
        sounds = [sounds]
    sounds = list(sounds)
    sides = [list(one) if one is not None else None for one in rest]
    for name, side in zip(("texts", "speakers"), sides, strict=False):
        if side is not None and len(side) != len(sounds):
            problem = _("{name}: expected {expected}, one a recording, got {count}")
            shown = {"expected": number(len(sounds)), "count": number(len(side))}
            raise InputError(problem.format(name=name, **shown))
    texts, speakers = (*sides, None, None)[:2]
    utterances = []
    for i, one in enumerate(sounds):
        place = isinstance(one, str | Path)
        name = Path(one).name if place else str(i + 1)
        sound = (
            _sound(Path(one), task)
            if place
            else _numbers(as_numbers(np.asarray(one), name), name, task)
        )
        text = None if texts is None else _text(texts[i], name)
        who = None if speakers is None or speakers[i] is None else str(speakers[i])
        rate = task.rate if not place or not isinstance(sound, Sound) else 0
        utterances.append(Utterance(name, sound, text, who, rate=rate))
    return _kind(utterances), utterances


def _text(given: Any, name: str) -> str:
    if not isinstance(given, str):
        problem = _("{name}: expected what is said as text, got {value!r}")
        raise InputError(problem.format(name=name, value=given))
    return plain(given)


def _usable(utterances: Sequence[Utterance], task: _Task) -> Iterator[Utterance]:
    """Those with a transcript, where these are asked for, and a sound, once each."""
    seen: dict[Any, str | None] = {}
    left_out = _("left out")
    known = any(one.text is not None for one in utterances)
    for one in utterances:
        if known and not one.text and not task.lone:
            task.found.add(1, one.name, _("recordings without a transcript"), left_out)
            continue
        if one.text is not None and not is_whole(one.text):
            problem = _("{name}: half of a character pair in its transcript; mend the text")
            raise InputError(problem.format(name=one.name))
        key = (one.source, one.start, one.stop) if isinstance(one.sound, Sound) else id(one)
        if key in seen and not task.lone:
            same = seen[key] == one.text
            twice = _("recordings that come twice")
            other = _("recordings with two transcripts")
            task.found.add(1, one.name, twice if same else other, _("read once, as the first says"))
            continue
        seen[key] = one.text
        if one.seconds < SHORTEST:
            short = _("recordings of less than {seconds} s").format(seconds=number(SHORTEST))
            task.found.add(1, one.name, short, _("kept") if task.lone else left_out)
            if not task.lone:
                continue
        beyond = isinstance(one.sound, Sound) and one.stop is not None
        if beyond and one.stop > one.sound.seconds + SHORTEST:  # type: ignore[union-attr,operator]
            kind = _("stretches that end after their recording does")
            task.found.add(1, one.name, kind, _("read as far as it goes"))
        if isinstance(one.sound, np.ndarray) and not len(one.sound):
            task.found.add(1, one.name, _("recordings that are empty"), left_out)
            continue
        yield one


def _tell_texts(utterances: Sequence[Utterance], found: Found) -> None:
    """What a network will have to write, and people might not know of."""
    for one in utterances:
        if one.text and any(c.isdecimal() for c in one.text):
            done = _("kept; a digit is learned as a character")
            found.add(1, one.name, _("transcripts with digits"), done)
