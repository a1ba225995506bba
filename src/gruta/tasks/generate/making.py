"""What `gruta generate` makes: text, shown while it is written."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from gruta.codec.text.graphemes import visible
from gruta.codec.text.units import Units
from gruta.errors import InputError
from gruta.files import write_atomically
from gruta.locale import translate as _
from gruta.tasks.generate.generation import spoken, written
from gruta.tasks.generate.options import GenerateOptions, sampling
from gruta.tasks.trained import Trained


class Making:
    """Texts that follow a prompt; nothing is made before it is asked for."""

    def __init__(self, trained: Trained[Units], options: GenerateOptions) -> None:
        self._trained, self._options = trained, options
        self._texts: list[str] = []

    def pieces(self) -> Iterator[str]:
        """For the screen, as it is made: the prompt and what follows; of several one by one."""
        o, (head, codec) = self._options, (self._trained.head, self._trained.codec)
        if o.count > 1:
            for i, text in enumerate(self.texts(), 1):
                yield f"--- {i} ---\n{visible(o.prompt)}{text}\n"
            return
        yield visible(o.prompt)
        parts = []
        made = spoken(
            head, codec, o.prompt, sampling(o), length=o.length, seed=o.seed, stops=o.stop
        )
        for part in made:
            parts.append(part)
            yield part
        self._texts = ["".join(parts)]
        yield "\n"

    def texts(self) -> list[str]:
        """What follows the prompt, of each."""
        o = self._options
        if not self._texts:
            self._texts = written(
                self._trained.head,
                self._trained.codec,
                o.prompt,
                sampling(o),
                length=o.length,
                count=o.count,
                seed=o.seed,
                stops=o.stop,
            )
        return self._texts

    def to_json(self) -> dict[str, Any]:
        """For a program."""
        return {"prompt": self._options.prompt, "texts": self.texts()}

    def save(self, path: Path) -> None:
        """Into a text file, several with an empty line between them."""
        if path.suffix not in (".txt", ".md", ""):
            problem = _("--out: expected a file that ends in .txt, got {path}")
            raise InputError(problem.format(path=path))
        whole = [self._options.prompt + text for text in self.texts()]
        write_atomically(path, ("\n\n".join(whole) + "\n").encode())
