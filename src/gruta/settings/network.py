"""What every recurrent network needs to know."""

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic.config import JsonDict

from gruta.cells import CellName
from gruta.errors import InputError
from gruta.locale import translate as _

DATA: JsonDict = {"panel": "Data"}
MODEL: JsonDict = {"panel": "Model"}
"""Under which heading of the help an option stands, where that is not the training's."""


class NetworkSettings(BaseModel):
    """Which cell, how large, and how its weights start."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    cell: CellName = Field("gru", description="The recurrent cell.", json_schema_extra=MODEL)
    hidden: int = Field(48, gt=0, le=65_536, description="Hidden units.", json_schema_extra=MODEL)
    init: Literal["torch", "orthogonal", "chrono"] = Field(
        "torch",
        description="How the weights start: as in PyTorch, with an orthogonal matrix from state to "
        "state, or with gates that keep for as long as the window (chrono; not for the RNN).",
        json_schema_extra=MODEL,
    )

    @model_validator(mode="after")
    def _chrono_needs_a_gate(self) -> Self:
        if self.init == "chrono" and self.cell == "rnn":
            raise InputError(
                init=_("'chrono' sets the bias of a gate, and the rnn has none; take another cell")
            )
        return self
