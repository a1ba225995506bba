"""What can be said of a table, where the file alone would leave it to be guessed."""

from typing import Any, Self

from pydantic import BaseModel, Field, model_validator

from gruta.reading import AUTO, Reading
from gruta.settings.fields import DATA


class ReadingSettings(BaseModel):
    """Encoding, separator, decimal mark, order of dates, and sheet."""

    encoding: str = Field(
        AUTO,
        description="How a text file is encoded: utf-8, cp1252, utf-16, …",
        json_schema_extra=DATA,
    )
    separator: str = Field(
        AUTO,
        description="What stands between the cells of a text file: a character, or tab.",
        json_schema_extra=DATA,
    )
    decimal: str = Field(
        AUTO,
        description="What stands before the decimals of numbers in text: . or ,",
        json_schema_extra=DATA,
    )
    dates: str = Field(
        AUTO,
        description="How stamps in text are written: day-first, month-first, epoch-s, epoch-ms, or "
        "a format such as %d/%m/%y.",
        json_schema_extra=DATA,
    )
    sheet: str = Field(AUTO, description="Sheet of an Excel file.", json_schema_extra=DATA)

    @model_validator(mode="after")
    def _can_be_read_so(self) -> Self:
        reading(self)
        return self


def reading(settings: Any) -> Reading:
    """What these settings say of a table."""
    s = settings
    return Reading(s.encoding, s.separator, s.decimal, s.dates, s.sheet)
