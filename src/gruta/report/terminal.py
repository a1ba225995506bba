"""Tables of a report on the terminal."""

from rich import box
from rich.table import Table as Lines
from rich.text import Text

from gruta.report.page import Table


def lines(table: Table) -> Lines:
    """A table as the terminal shows it; the best of a column in bold, as on the page."""
    shown = Lines(
        title=table.caption or None, box=box.SIMPLE, collapse_padding=True, pad_edge=False
    )
    for i, column in enumerate(table.columns):
        numeric = column.digits is not None
        shown.add_column(
            column.title,
            justify="right" if numeric else "left",
            no_wrap=numeric,
            overflow="fold",  # a path cut short names nothing
            min_width=16 if i == 0 else None,
        )
    for row in table.cells():
        shown.add_row(*(Text(cell.text, style="bold" if cell.best else "") for cell in row))
    return shown
