"""One part: read, forecast and written, with what was found on the way."""

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from gruta import locale
from gruta.errors import InputError
from gruta.resident import peak
from gruta.settings import resolve
from gruta.tasks.forecast.many.files import Place
from gruta.tasks.forecast.many.parts import Part
from gruta.tasks.forecast.settings import MissingKnown

if TYPE_CHECKING:
    import polars as pl

    from gruta.codec.series.series import Series

FOOTER = b"gruta"
"""What an output file's own metadata call what it says of itself."""
FORMAT = 1
_INDEX = "__index_level_"
"""What pandas calls an index without a name as it writes it along."""
_SHOWN = 20


@dataclass(frozen=True)
class Question:
    """What is asked of all parts.

    how: settings by which files are read, where not by those of the run. horizon, missing_known:
    in place of the run's. leave_out: series with too few rows are left out, not refused. language:
    of messages.
    """

    how: Mapping[str, Any] = field(default_factory=dict)
    horizon: int | None = None
    missing_known: MissingKnown | None = None
    leave_out: bool = False
    language: str = "en"

    def told(self) -> dict[str, Any]:
        """All that an answer depends on."""
        told = asdict(self) | {"how": dict(self.how)}
        del told["language"]
        return told


@dataclass(frozen=True)
class Found:
    """What was found in a part.

    series: that are forecast; unseen: those of them that training did not see; left_out: those
    that are not forecast, and left: the first of their names. repairs: how often what was mended.
    """

    rows: int
    series: int
    unseen: int
    left_out: int
    left: tuple[str, ...]
    repairs: Mapping[str, int]

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> "Found":
        """What `asdict` gave."""
        return cls(**{**content, "left": tuple(content["left"])})


@dataclass(frozen=True)
class Done:
    """A part that is done with: what was found, or the problem with it.

    seconds, cpu: that it took, and of these the processor's. peak: bytes of memory, at most, of the
    process that did it, so far.
    """

    part: Part
    found: Found | None = None
    problem: str = ""
    seconds: float = 0.0
    cpu: float = 0.0
    peak: int = 0


def about(part: Part, asked: str, found: Found) -> dict[str, Any]:
    """What an output file says of itself. asked: the fingerprint of run and question."""
    file = part.file
    return {
        "format": FORMAT,
        "asked": asked,
        "input": {"path": file.path, "size": file.size, "stamp": file.stamp},
        "part": part.number,
        "of": part.of,
        "found": asdict(found),
    }


class Worker:
    """A trained run that answers one part after the other, and writes the answers to `place`.

    asked: the fingerprint of both.
    """

    def __init__(self, run: Path, question: Question, asked: str, place: Place) -> None:
        from gruta.tasks.forecast.settings import ForecastSettings
        from gruta.tasks.forecast.task import TASK
        from gruta.tasks.trained import Trained

        self._question, self._asked, self._place = question, asked, place
        self._trained = Trained.load(run, TASK)
        given = self._trained.settings.model_dump() | dict(question.how)
        self._settings = resolve(ForecastSettings, given)

    def __call__(self, part: Part) -> Done:
        """Forecast and write; what is wrong with the part is told, not raised."""
        start, cpu = time.perf_counter(), time.process_time()
        with locale.spoken(self._question.language):
            try:
                found, problem = self._done(part), ""
            except InputError as error:
                found, problem = None, str(error)
            except Exception as error:  # of a file system, or ours: the others go on
                found, problem = None, f"{part.label}: {type(error).__name__}: {error}"
        seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
        return Done(part, found, problem, seconds, cpu, peak())

    def _done(self, part: Part) -> Found:
        from gruta.tasks.forecast.answers import forecast

        question, encoding = self._question, self._trained.codec.encoding
        series = self._read(part)
        repairs: dict[str, int] = {}
        for repair in series.repairs:
            repairs[repair.kind] = repairs.get(repair.kind, 0) + repair.count
        left: Sequence[str] = ()
        if question.leave_out:
            enough = series.ends - series.starts[:-1] >= encoding.history
            left = [series.ids[i] for i in np.flatnonzero(~enough)]
            series = series.some(np.flatnonzero(enough)) if left else series
        answer = forecast(self._trained, series, question.missing_known, question.horizon)
        known = set(encoding.ids)
        found = Found(
            rows=part.rows,
            series=series.count,
            unseen=sum(name not in known for name in series.ids),
            left_out=len(left),
            left=tuple(left[:_SHOWN]),
            repairs=repairs,
        )
        self._place.write(part.output, as_parquet(answer, about(part, self._asked, found)))
        return found

    def _read(self, part: Part) -> "Series":
        from gruta.data.parquet import columns_of, read_rows
        from gruta.tasks.forecast.source import as_part

        columns, label = self._trained.codec.encoding.columns, part.label
        with part.file.opened() as content:
            there = columns_of(content, label)
            hidden = [name for name in there if name.startswith(_INDEX)]
            wanted = [name for name in there if name in columns.names or name in hidden]
            of = None if part.names is None else (columns.series, part.names)
            frame = read_rows(content, label, wanted, part.groups, of)
        if columns.time not in there and len(hidden) == 1:
            frame = frame.rename({hidden[0]: columns.time})
        if not {*columns.names} <= {*frame.columns}:  # what is there says what may be meant
            frame = _with_names(frame, there)
        return as_part(frame, self._settings, self._trained.codec, label)


def _with_names(frame: "pl.DataFrame", names: Sequence[str]) -> "pl.DataFrame":
    """The frame, with columns of nothing for those that were not read."""
    import polars as pl

    return frame.with_columns(pl.lit(None).alias(n) for n in names if n not in frame.columns)


def as_parquet(answer: "pl.DataFrame", told: Mapping[str, Any]) -> bytes:
    """The table as a Parquet file that says this of itself."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = answer.to_arrow()
    content = pa.BufferOutputStream()
    footer = {FOOTER: json.dumps(told, ensure_ascii=False).encode()}
    pq.write_table(table.replace_schema_metadata(footer), content, compression="zstd")
    return bytes(content.getvalue())


def footer(content: Any) -> dict[str, Any] | None:
    """What an output file says of itself; None where it is none of ours, or not whole."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        told = json.loads((pq.read_metadata(content).metadata or {})[FOOTER])
    except (pa.ArrowException, OSError, ValueError, KeyError) as error:
        if getattr(error, "errno", None) is not None:  # it was not read: Arrow's have none
            raise
        return None
    return told if isinstance(told, dict) and told.get("format") == FORMAT else None
