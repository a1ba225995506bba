"""Places that kill the process which writes to them, as a machine that runs out of memory does."""

import os
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gruta.tasks.forecast.many.files import Place


class Deadly(Place):
    """Whoever is about to write one of the `often` files is killed; of the `once` files the first
    one who is.
    """

    def __init__(self, path: str, once: Sequence[str], often: Sequence[str] = ()) -> None:
        super().__init__(path)
        self._once, self._often = once, often

    def __reduce__(self) -> tuple[Any, ...]:
        return Deadly, (self.path, self._once, self._often)

    def write(self, name: str, content: bytes) -> None:
        """Write, or die."""
        if name in self._often or (name in self._once and self._first(name)):
            os.kill(os.getpid(), signal.SIGKILL)
        super().write(name, content)

    def _first(self, name: str) -> bool:
        """Whether nobody has died of it, which is left beside the place."""
        mark = Path(f"{self.path}.{name}")
        try:
            mark.touch(exist_ok=False)
        except FileExistsError:
            return False
        return True
