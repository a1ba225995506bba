"""Pieces of music: files, folders of files, or what Python has."""

import hashlib
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from gruta.codec.notes.frames import COUNT, LOWEST
from gruta.codec.notes.piece import KEY, Piece
from gruta.data.folder import files_of
from gruta.data.found import Found
from gruta.data.notes.midi import NotMidi, decoded
from gruta.data.notes.nothing import NoMusic
from gruta.data.notes.rolls import read_rolls
from gruta.errors import InputError
from gruta.locale import translate as _
from gruta.locale.numbers import number
from gruta.reading import Guess, Repair

MIDI = (".mid", ".midi")
ROLLS = (".json", ".npy", ".npz")
SCORES = (".abc", ".musicxml", ".mxl", ".xml")
SUFFIXES = MIDI + ROLLS + SCORES
"""Files of a folder that are read."""

LARGEST = 2**26
"""Bytes of a file at most, which become some fifty times as many; of an array, its frames count."""


@dataclass(frozen=True, eq=False)
class Pieces:
    """Some, in order; each has notes. source: as messages name them."""

    pieces: tuple[Piece, ...]
    source: str
    guesses: tuple[Guess, ...] = ()
    repairs: tuple[Repair, ...] = ()

    def __len__(self) -> int:
        return len(self.pieces)

    def pick(self, places: Iterable[int]) -> "Pieces":
        """These, in this order."""
        return replace(self, pieces=tuple(self.pieces[i] for i in places))

    def fingerprint(self) -> str:
        """SHA-256 of what sounds when."""
        found = hashlib.sha256()
        for piece in self.pieces:
            head = np.array([piece.quarter, len(piece.bars), len(piece)])
            for part in (head, piece.bars, piece.notes):
                found.update(part.astype("<i8").tobytes())
        return found.hexdigest()


def read_pieces(source: Any, a_quarter: int) -> Pieces:
    """Of a file, a folder, a `Piece`, or several of these; InputError names the file.

    a_quarter: how many frames of a piano roll are one. What was left out, or is read otherwise than
    it is written, is among the repairs, as is JSON and XML in a folder that is no music.
    """
    if isinstance(source, Pieces):
        return source
    given = [source] if isinstance(source, str | Path | Piece) else _listed(source)
    found, pieces = Found(), []
    for one in given:
        if isinstance(one, Piece):
            pieces.append(one)
            continue
        named = Path(one).is_file()
        for file in files_of(Path(one), SUFFIXES):
            try:
                pieces += _of_file(file, a_quarter, found)
            except NoMusic:  # as the metadata beside the pieces of many a collection
                if named:
                    raise
                no_music = _("files of JSON or XML that are no music")
                found.add(1, file.name, no_music, _("left out"))
    told = (
        str(given[0]) if len(given) == 1 and not isinstance(given[0], Piece) else _several(pieces)
    )
    kept = tuple(piece for piece in (_playable(piece, found) for piece in pieces) if len(piece))
    if not kept:
        raise InputError(_("{source}: expected notes, found none").format(source=told))
    return Pieces(kept, told, (), tuple(found.repairs()))


def _listed(source: Any) -> list[Any]:
    """What a sequence holds; InputError unless these are pieces and places."""
    found = list(source) if isinstance(source, Sequence) else [source]
    for one in found:
        if not isinstance(one, str | Path | Piece):
            problem = _("expected files, folders or pieces, got a {kind}")
            raise InputError(problem.format(kind=type(one).__name__))
    if not found:
        raise InputError(_("expected at least one file or piece, got none"))
    return found


def _several(pieces: Sequence[Piece]) -> str:
    return _("{count} pieces").format(count=number(len(pieces)))


def _of_file(file: Path, a_quarter: int, found: Found) -> list[Piece]:
    suffix = file.suffix.lower()
    if suffix not in (".npy", ".npz") and _size(file) > LARGEST:
        problem = _("{path}: larger than {limit} bytes, not read")
        raise InputError(problem.format(path=file, limit=number(LARGEST)))
    if suffix in SCORES:
        from gruta.data.notes.scores import read_scores  # music21 takes a second to load

        return read_scores(file, found)
    if suffix in ROLLS:
        return read_rolls(file, a_quarter)
    return [_of_midi(file, found)]


def _size(file: Path) -> int:
    """Its bytes, unpacked."""
    if file.suffix.lower() == ".mxl" and zipfile.is_zipfile(file):
        try:
            with zipfile.ZipFile(file) as archive:
                return sum(member.file_size for member in archive.infolist())
        except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
            problem = _("{path}: a broken archive ({error}); copy or save it again")
            raise InputError(problem.format(path=file, error=error)) from None
    return file.stat().st_size


def _of_midi(file: Path, found: Found) -> Piece:
    try:
        piece, amiss = decoded(file.read_bytes(), str(file))
    except NotMidi as error:
        raise InputError(f"{file}: {error}") from None
    name, left_out = file.name, _("not read")
    found.add(amiss.endless, name, _("notes that never end"), left_out)
    found.add(amiss.empty, name, _("notes of no length"), left_out)
    found.add(amiss.drums, name, _("notes of drums"), left_out)
    meeting = _("notes that begin while their key sounds in the same channel")
    found.add(amiss.meeting, name, meeting, _("the first to begin ends first"))
    return piece


def _playable(piece: Piece, found: Found) -> Piece:
    """Without what a piano does not have."""
    name, left_out = Path(piece.name).name, _("not read")
    found.add(not len(piece), name, _("pieces without notes"), left_out)
    voices = tuple(v[(v[:, KEY] >= LOWEST) & (v[:, KEY] < LOWEST + COUNT)] for v in piece.voices)
    beyond = len(piece) - sum(map(len, voices))
    found.add(beyond, name, _("notes beyond the 88 keys of a piano"), left_out)
    return replace(piece, voices=tuple(v for v in voices if len(v))) if beyond else piece
