"""What the generator does with notes."""

from typing import TYPE_CHECKING, Any

import numpy as np

from gruta.codec.notes.frames import Frames
from gruta.errors import InputError
from gruta.locale import translate as _
from gruta.settings import resolve
from gruta.tasks.generate.options import ContinueOptions, GenerateOptions
from gruta.tasks.generate.source import to_score_again

if TYPE_CHECKING:
    import polars as pl

    from gruta.data.notes.pieces import Pieces
    from gruta.report.page import Table
    from gruta.tasks.generate.notes.evaluation import Evaluation
    from gruta.tasks.generate.notes.lesson import NotesLesson
    from gruta.tasks.generate.notes.making import Making
    from gruta.tasks.generate.notes.network import NotesNetwork
    from gruta.tasks.generate.notes.parts import NotesInParts
    from gruta.tasks.portrait import Portrait
    from gruta.tasks.task import Judged, Look, Report
    from gruta.tasks.trained import Trained


class OfNotes:
    """What `GenerateTask` asks where units are frames of notes."""

    def open(self, source: Any, settings: Any) -> "Pieces":
        """The pieces of whatever holds them."""
        from gruta.data.notes.pieces import read_pieces

        return read_pieces(source, settings.frames)

    def read(self, source: Any, settings: Any) -> "NotesInParts":
        """In three parts; the test may have a file or folder of its own."""
        from gruta.tasks.generate.notes.parts import in_parts

        s = settings
        test = self.open(s.test, s) if s.test else None
        return in_parts(self.open(source, s), test, s)

    def fit_codec(self, data: "NotesInParts", settings: Any) -> Frames:
        """Frames, and the tempo in the middle of those of the training part."""
        tempos = sorted(piece.tempo for piece in data.train.pieces)
        return Frames(settings.frames, settings.again, tempos[len(tempos) // 2])

    def network(self, codec: Frames, settings: Any) -> "NotesNetwork":
        """Untrained."""
        from gruta.tasks.generate.notes.network import NotesNetwork

        return NotesNetwork(codec, settings)

    def lesson(
        self, network: "NotesNetwork", codec: Frames, data: "NotesInParts", settings: Any
    ) -> "NotesLesson":
        """Pieces as streams side by side."""
        from gruta.tasks.generate.notes.lesson import NotesLesson

        train, validation = (
            [codec.roll(piece) for piece in part.pieces] for part in (data.train, data.validation)
        )
        return NotesLesson(network, codec, train, validation, settings)

    def count(self, lesson: "NotesLesson", codec: Frames) -> dict[str, Any]:
        """Nothing."""
        return {}

    def evaluate(
        self,
        trained: "Trained[Frames]",
        source: Any,
        *,
        train: Any = None,
        like: "Evaluation | None" = None,
    ) -> "Evaluation":
        """Scores on the test part of what was trained on, or on all of other pieces.

        train: what was trained on, for the simple models; by default what the run read, if that is
        still there and the same.
        """
        from gruta.tasks.generate.notes.evaluation import evaluate

        known = to_score_again(self, trained, source, train)
        learned = known.parts.train if known.parts else None
        return evaluate(trained, known.test, learned, seen=known.seen, like=like)

    def scored(
        self, trained: "Trained[Frames]", source: Any, dynamic: float = 0.0, progress: Any = None
    ) -> "Evaluation":
        """Scores of the network alone, on whatever pieces; it learns nothing from them."""
        from gruta.tasks.generate.notes.evaluation import scored

        if dynamic:
            raise InputError(dynamic=_("is for text; leave it out for notes"))
        return scored(trained, self.open(source, trained.settings))

    def make(self, trained: "Trained[Frames]", opening: Any = None, **how: Any) -> "Making":
        """Music that goes on from an opening, or the file that `prompt` names, as
        `GenerateOptions` says.
        """
        from gruta.tasks.generate.notes.making import Making

        o = resolve(GenerateOptions, how)
        _require_plain(o)
        given, roll = opening or o.prompt or None, None
        if given is not None:
            pieces = self.open(given, trained.settings)
            if len(pieces) > 1:
                problem = _("{source}: expected one piece to go on from, found {count}")
                raise InputError(prompt=problem.format(source=pieces.source, count=len(pieces)))
            roll = trained.codec.roll(pieces.pieces[0])
        return Making(trained, o, roll)

    def answer(self, trained: "Trained[Frames]", source: Any, **how: Any) -> "pl.DataFrame":
        """How each piece goes on, as `ContinueOptions` says: a row a note, in quarters."""
        import polars as pl

        from gruta.codec.notes.piece import END, KEY, START
        from gruta.tasks.generate.notes.making import Making

        o = resolve(ContinueOptions, how)
        _require_plain(o)
        options = GenerateOptions(**o.model_dump())
        codec, tables = trained.codec, []
        for piece in self.open(source, trained.settings).pieces:
            opening = codec.roll(piece)
            (whole,) = Making(trained, options, opening).music()
            begun = len(opening) / codec.a_quarter
            starts, ends = (whole.notes[:, k] / whole.quarter for k in (START, END))
            made = starts >= begun
            tables.append(
                pl.DataFrame(
                    {
                        "piece": [piece.name] * int(made.sum()),
                        "start": starts[made],
                        "length": (ends - starts)[made],
                        "key": whole.notes[made, KEY],
                    }
                )
            )
        return pl.concat(tables)

    def judged(self, found: "Evaluation") -> "Judged":
        """Nats a frame."""
        from gruta.tasks.generate.notes.metrics import METRICS
        from gruta.tasks.task import Judged

        costs = np.concatenate(found.nats)
        return Judged(METRICS[0], len(costs), lambda some: float(costs[some].mean()))

    def verdict(self, found: "Evaluation") -> str:
        """Against the best simple model."""
        from gruta.tasks.generate.notes.report import verdict

        return verdict(found)

    def scores(self, found: "Evaluation") -> "Table":
        """A row a model."""
        from gruta.tasks.generate.notes.report import scores

        return scores(found)

    def report(
        self, trained: "Trained[Frames]", found: "Evaluation", metrics: list[dict[str, Any]]
    ) -> "Report":
        """How good it is, what it writes, how it learned."""
        from gruta.tasks.generate.notes.report import report

        return report(trained, found, metrics)

    def look(self, trained: "Trained[Frames]", source: Any) -> "Look":
        """The beginning of a piece, and how likely the network finds it."""
        from gruta.tasks.generate.notes.look import look

        return look(trained, self.open(source, trained.settings))

    def portrait(self, trained: "Trained[Frames]", source: Any) -> "Portrait":
        """With a piece, and one that it makes itself."""
        from gruta.tasks.generate.notes.portrait import portrait

        return portrait(trained, None if source is None else self.open(source, trained.settings))


def _require_plain(options: ContinueOptions) -> None:
    """InputError for what is said of text alone."""
    for name in ("stop", "repetition_penalty"):
        field = type(options).model_fields.get(name)
        if field is not None and getattr(options, name) != field.default:
            raise InputError(**{name: _("notes are drawn without it; leave it out")})


NOTES = OfNotes()
