"""The settings of trainings, as a table."""

from collections.abc import Mapping

from pydantic import BaseModel

from gruta.locale import translate as _
from gruta.locale.numbers import number
from gruta.report.page import Column, Table


def settings_table(runs: Mapping[str, Mapping[str, BaseModel]]) -> Table:
    """What was set, a column for each title in `runs`, which holds settings by cell."""
    first = next(iter(next(iter(runs.values())).values()))
    columns = [Column(_("setting")), *(Column(title) for title in runs), Column(_("meaning"))]
    # Where cells are compared, each value names its cell.
    alone = all(len(cells) == 1 for cells in runs.values())
    rows = [
        [
            name,
            *(
                _values({cell: getattr(s, name) for cell, s in cells.items()})
                for cells in runs.values()
            ),
            _(field.description or ""),
        ]
        for name, field in type(first).model_fields.items()
        if alone or name != "cell"
    ]
    return Table(columns, rows)


def _values(by_cell: Mapping[str, object]) -> str:
    """One value if all cells share it, else each cell's."""
    texts = {cell: written(value) for cell, value in by_cell.items()}
    if len(set(texts.values())) == 1:
        return next(iter(texts.values()))
    return "; ".join(f"{cell.upper()} {text}" for cell, text in texts.items())


def written(value: object) -> str:
    """A setting's value, for people."""
    if isinstance(value, tuple | list):
        return "; ".join(map(written, value)) or number(None)
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    return number(value) if isinstance(value, int | float) else str(value)
