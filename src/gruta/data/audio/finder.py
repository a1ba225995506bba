"""Which file a name in a list of transcripts means."""

from collections import defaultdict
from functools import cached_property
from pathlib import Path, PurePosixPath, PureWindowsPath

from gruta.data.audio.sound import SUFFIXES

ARRAYS = (".npy",)


def ends_as_sound(name: str) -> bool:
    """Whether a name ends as those of sound files and arrays do."""
    return name.lower().endswith((*SUFFIXES, *ARRAYS))


class Finder:
    """The sound files below a folder, found by what lists call them: by a path from the folder or
    from anywhere in it, with or without the end of the name, or by the name alone where one file
    has it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @cached_property
    def files(self) -> list[Path]:
        """All, in order, at any depth; hidden ones are left out."""
        inside = (p for p in sorted(self.folder.rglob("*")) if ends_as_sound(p.name))
        return [
            p
            for p in inside
            if p.is_file()
            and not any(part.startswith(".") for part in p.relative_to(self.folder).parts)
        ]

    @cached_property
    def _by_stem(self) -> dict[str, list[Path]]:
        found: dict[str, list[Path]] = defaultdict(list)
        for file in self.files:
            found[file.stem].append(file)
            found[file.name].append(file)
        return found

    def find(self, name: str) -> Path | None:
        """The file; None where there is none, or several that it may be."""
        name = name.strip()
        if not name or "\0" in name:
            return None
        parts = (PureWindowsPath if "\\" in name else PurePosixPath)(name).parts
        try:
            direct = self.folder.joinpath(*parts)
            if ends_as_sound(name) and direct.is_file():
                return direct
        except OSError:  # a text too long for a name
            return None
        near = self._by_stem.get(parts[-1], ())
        for depth in range(len(parts), 0, -1):
            tail = parts[-depth:-1]
            fitting = [p for p in near if not tail or p.parts[-depth:-1] == tail]
            if len(fitting) == 1:
                return fitting[0]
            if fitting:
                return None
        return None
