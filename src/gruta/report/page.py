"""A report: one HTML file that needs nothing else, and each of its figures as a PNG beside it."""

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

import jinja2
import markupsafe
import matplotlib.figure
import numpy as np
from numpy.typing import NDArray

from gruta.codec.audio.wav import wav
from gruta.files import write_atomically
from gruta.locale import language
from gruta.locale import translate as _
from gruta.locale.numbers import number
from gruta.report.charts import WIDTH, styled
from gruta.report.mathml import mathml

REPORT = "report.html"
PNG_DOTS_PER_INCH = 192

Value = str | float | None


@dataclass(frozen=True, eq=False)
class Figure:
    """A chart; `name` is its file's, `alt` says what it shows to who cannot see it."""

    name: str
    caption: str
    alt: str
    figure: matplotlib.figure.Figure


@dataclass(frozen=True)
class Column:
    """A column of a table: text, or numbers where `digits` tells their decimals.

    best: which of its numbers is set in bold.
    """

    title: str
    digits: int | None = None
    best: Literal["lowest", "highest"] | None = None


class Cell(NamedTuple):
    """A value as the page shows it."""

    text: str
    numeric: bool
    best: bool


@dataclass(frozen=True)
class Table:
    """Rows of values, None where there is none; `colors` puts a dot before each row's first."""

    columns: Sequence[Column]
    rows: Sequence[Sequence[Value]]
    caption: str = ""
    note: str = ""
    colors: Sequence[str] = ()

    def cells(self) -> list[list[Cell]]:
        """The rows, written out."""
        best = [self._best(i) for i in range(len(self.columns))]
        return [
            [
                Cell(_written(value, column), column.digits is not None, i in marked)
                for column, value, marked in zip(self.columns, row, best, strict=True)
            ]
            for i, row in enumerate(self.rows)
        ]

    def _best(self, index: int) -> list[int]:
        """The rows whose number is the best of a column, as it is written."""
        column = self.columns[index]
        values = {i: row[index] for i, row in enumerate(self.rows)}
        numbers = {
            i: round(v, column.digits or 0) for i, v in values.items() if isinstance(v, int | float)
        }
        if column.best is None or len(numbers) < 2:
            return []
        bar = min(numbers.values()) if column.best == "lowest" else max(numbers.values())
        return [i for i, value in numbers.items() if value == bar]


@dataclass(frozen=True, eq=False)
class Sound:
    """A recording to listen to; content: of a WAV file, which the page holds itself."""

    caption: str
    content: bytes

    @classmethod
    def of(cls, caption: str, samples: NDArray[np.floating], rate: int) -> "Sound":
        """From samples `[N]` of full scale at -1 and 1, as WAV of 16 bits."""
        return cls(caption, wav(samples, rate))


@dataclass(frozen=True)
class Picture:
    """A picture's PNG, what it shows for who cannot see it, and lines to stand below it.

    wide: how many pixels it is shown wide, at most.
    """

    png: bytes
    alt: str
    words: Sequence[str] = ()
    wide: int = 128


@dataclass(frozen=True)
class Pictures:
    """Pictures beside each other."""

    items: Sequence[Picture]
    caption: str = ""


@dataclass(frozen=True)
class Code:
    """Something to type, as it is."""

    text: str


@dataclass(frozen=True)
class Prose:
    """Text with its own line ends, in parts; the share of each, 0 to 1, is how dark it stands."""

    parts: Sequence[tuple[str, float]]


@dataclass(frozen=True)
class Heading:
    """Begins a part of a section."""

    text: str


@dataclass(frozen=True)
class Equation:
    """Equal expressions below each other, as `mathml` reads them.

    asides: what is said of it, words before an expression; either may be empty.
    """

    equal: Sequence[str]
    asides: Sequence[tuple[str, str]] = ()


class Formula(NamedTuple):
    """As `mathml` reads it, and what it is."""

    text: str
    name: str


@dataclass(frozen=True)
class Formulas:
    """One below the other, each with what it is beside it."""

    lines: Sequence[Formula]


@dataclass(frozen=True)
class Sum:
    """The largest terms of a long sum, and a table of all that opens.

    equal: what it is, and its value. terms: an expression each, and in words what it is of.
    """

    equal: tuple[str, str]
    terms: Sequence[tuple[str, str]]
    table: Table


@dataclass(frozen=True)
class Section:
    """A heading, what is said under it, then what is shown."""

    title: str
    paragraphs: Sequence[str] = ()
    content: Sequence[
        Figure | Table | Pictures | Sound | Code | Prose | Heading | Equation | Formulas | Sum
    ] = ()


def write(directory: Path, title: str, lead: str, sections: Sequence[Section]) -> Path:
    """Write report.html and NAME.png of each figure into `directory`; the path of the former.

    The page comes last, and each file whole or not at all (OSError).
    """
    directory.mkdir(parents=True, exist_ok=True)
    figures = [item for s in sections for item in s.content if isinstance(item, Figure)]
    for figure in figures:
        write_atomically(directory / f"{figure.name}.png", png(figure.figure))
    path = directory / REPORT
    write_atomically(path, render(title, lead, sections).encode())
    return path


def render(title: str, lead: str, sections: Sequence[Section]) -> str:
    """The page, which needs no other file."""
    return (
        _environment()
        .get_template("template.html.j2")
        .render(
            language=language().replace("_", "-"),
            title=title,
            lead=lead,
            sections=sections,
            image=_image,
            share=_share,
            sound=_sound,
            drawn=_drawn,
            math=lambda *equal: markupsafe.Markup(mathml(*equal)),
            kind=lambda item: type(item).__name__,
            contents_title=_("Contents"),
            best_note=_("Bold: the best of its column."),
        )
    )


def _environment() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.PackageLoader("gruta.report", "."),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )


def _written(value: Value, column: Column) -> str:
    return value if isinstance(value, str) else number(value, column.digits)


def _image(figure: Figure) -> str:
    """The chart as a data address: sharp at every size, and its ids cannot meet another's."""
    return "data:image/svg+xml;base64," + base64.b64encode(_svg(figure.figure)).decode()


def _sound(sound: Sound) -> str:
    """As a data address."""
    return "data:audio/wav;base64," + base64.b64encode(sound.content).decode()


def _drawn(picture: Picture) -> str:
    """The picture as a data address."""
    return "data:image/png;base64," + base64.b64encode(picture.png).decode()


def _share(figure: Figure) -> float:
    """How much of the page's width it takes, so that its text is as large as the others'."""
    return min(1.0, figure.figure.get_figwidth() / WIDTH)


def _svg(figure: matplotlib.figure.Figure) -> bytes:
    buffer = io.BytesIO()
    # Text as paths needs no font at the reader's. A fixed salt and no date: the same bytes again.
    with styled(svg__fonttype="path", svg__hashsalt="gruta"):
        figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None})
    return buffer.getvalue()


def png(figure: matplotlib.figure.Figure) -> bytes:
    """The chart as a PNG."""
    buffer = io.BytesIO()
    with styled():
        figure.savefig(buffer, format="png", dpi=PNG_DOTS_PER_INCH, facecolor="white")
    return buffer.getvalue()
