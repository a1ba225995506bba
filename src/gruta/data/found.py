"""What was amiss in files, counted while they are read."""

from collections import Counter
from collections.abc import Iterator

from gruta.reading import Repair

_SHOWN = 3


class Found:
    """Counts by what was found and what was done about it, and the first places of each."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, str]] = Counter()
        self._places: dict[tuple[str, str], list[str]] = {}

    def add(self, count: int, place: str, kind: str, done: str) -> None:
        """So many more in this place; none is fine."""
        if count:
            self._counts[kind, done] += count
            self._places.setdefault((kind, done), []).append(place)

    def repairs(self) -> Iterator[Repair]:
        """In the order in which they were met first."""
        for (kind, done), count in self._counts.items():
            yield Repair(kind, count, tuple(self._places[kind, done][:_SHOWN]), done)
