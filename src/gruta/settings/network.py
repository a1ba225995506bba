"""What every recurrent network needs to know."""

from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from gruta.cells import CellName
from gruta.errors import InputError
from gruta.locale import translate as _
from gruta.settings.fields import MODEL, Hidden, Init


class NetworkSettings(BaseModel):
    """Which cell, how large, and how its weights start."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    cell: CellName = Field(
        "gru", description="The recurrent cell.", json_schema_extra=MODEL | {"space": "gru,lstm"}
    )
    hidden: Hidden = 48
    init: Init = "torch"

    @model_validator(mode="after")
    def _chrono_needs_a_gate(self) -> Self:
        if self.init == "chrono" and self.cell == "rnn":
            raise InputError(
                init=_("'chrono' sets the bias of a gate, and the rnn has none; take another cell")
            )
        return self
