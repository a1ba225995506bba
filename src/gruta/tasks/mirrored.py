"""A training whose checkpoints are copied to an object store as they are written."""

from collections.abc import Mapping
from typing import Any

from gruta.errors import InputError, InUse
from gruta.locale import translate as _
from gruta.runs.remote import Remote
from gruta.train import Progress


class Mirrored(Progress):
    """Copies the run at each checkpoint, and shows what another one does."""

    def __init__(self, shown: Progress, remote: Remote) -> None:
        self._shown, self._remote = shown, remote

    def part(self, name: str, number: int, count: int) -> None:
        """Shown."""
        self._shown.part(name, number, count)

    def step(self, record: Mapping[str, Any]) -> None:
        """Shown."""
        self._shown.step(record)

    def validated(self, record: Mapping[str, Any], best: bool) -> None:
        """Shown."""
        self._shown.validated(record, best)

    def note(self, message: str) -> None:
        """Shown."""
        self._shown.note(message)

    def saved(self) -> None:
        """Copied; a store that is out of reach is tried again at the next checkpoint.

        InUse where another process has taken the run meanwhile.
        """
        self._shown.saved()
        try:
            self._remote.push()
        except InUse:
            raise
        except InputError as error:
            told = _("{error}; the checkpoint is kept here, and copied with the next one")
            self.note(told.format(error=error))
