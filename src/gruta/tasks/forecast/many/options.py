"""What a forecast of very many series can be told."""

from typing import Literal

from pydantic import BaseModel, Field

PART_ROWS = 250_000


class SpreadOptions(BaseModel):
    """What is told of all files together."""

    on: Literal["ray"] | None = Field(
        None,
        description="For a folder, a pattern or an address of Parquet files: have Ray compute, on "
        "the cluster that RAY_ADDRESS names or one on this machine. Needs the extra ray.",
        json_schema_extra={"shown": "this machine"},
    )
    workers: int | None = Field(
        None,
        gt=0,
        le=100_000,
        description="Of such files so many parts at once, each on a core.",
        json_schema_extra={"shown": "as many as there are cores"},
    )
    part_rows: int = Field(
        PART_ROWS,
        gt=0,
        le=50_000_000,
        description="Rows of a part: a larger file is cut between series, and each part has an "
        "output file of its own. Memory goes by it.",
    )
    short: Literal["refuse", "leave-out"] = Field(
        "refuse",
        description="What becomes of series with fewer rows than a forecast needs, where there "
        "are many: their part is refused, or they are left out and counted.",
    )
