"""What the forecaster needs to know."""

from typing import Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from gruta.errors import InputError
from gruta.locale import translate as _
from gruta.settings import DATA, MODEL, NetworkSettings, ReadingSettings, StreamSettings
from gruta.settings.fields import LearningRate, Steps

MissingKnown = Literal["error", "hold", "season"]
Strategy = Literal["direct", "recursive", "both"]
Transform = Literal[
    "none",
    "log",
    "boxcox",
    "difference",
    "seasonal",
    "log+difference",
    "log+seasonal",
    "boxcox+difference",
    "boxcox+seasonal",
    "auto",
]


class ForecastSettings(NetworkSettings, StreamSettings, ReadingSettings):
    """What the forecaster needs to know."""

    time: str = Field("ds", description="Column with the time stamps.", json_schema_extra=DATA)
    target: str = Field(
        "y",
        description="Column to forecast; where each is a series, those that are: a,b or shop_*.",
        json_schema_extra=DATA,
    )
    wide: bool | None = Field(
        None,
        description="Each column is a series of its own, but for the time and the covariates, "
        "which all series have alike.",
        json_schema_extra=DATA | {"shown": "found out"},
    )
    known: tuple[str, ...] = Field(
        (),
        description="Columns whose values are known for the steps to come (a calendar, a plan).",
        json_schema_extra=DATA,
    )
    past: tuple[str, ...] = Field(
        (),
        description="Columns whose values are known up to the present only.",
        json_schema_extra=DATA,
    )
    static: tuple[str, ...] = Field(
        (),
        description="Columns with one value in each series, of numbers or texts: a region, a size.",
        json_schema_extra=DATA,
    )
    parent: tuple[str, ...] = Field(
        (),
        description="Columns that name what a series is a part of (its region), then what that is "
        "a part of (the country): sums that the file lacks are built, and forecasts sum up.",
        json_schema_extra=DATA,
    )
    holidays: tuple[str, ...] = Field(
        (),
        description="Holidays that forecasts know of: of a country (BR), a state (BR-SP) or an "
        "exchange (B3), on the stamp's day, the next and the one before. Needs the extra holidays.",
        json_schema_extra=DATA | {"metavar": "CODE"},
    )
    series: str = Field(
        "",
        description="Column that names the series that a row is of, in a file of several.",
        json_schema_extra=DATA,
    )
    frequency: str = Field(
        "",
        description="Step from row to row: 30min, 1h, 1d, business day, 1 month, 3 months (end), "
        "or row, where the next row is the next step.",
        json_schema_extra=DATA | {"shown": "found out"},
    )
    every: str = Field(
        "",
        description="Step that rows become, by the zone's clock: 15min, 1h, 1d, 1w (from Monday "
        "on), 1mo, 3mo, 1y.",
        json_schema_extra=DATA | {"metavar": "STEP", "shown": "rows as they are"},
    )
    aggregate: Literal["auto", "mean", "sum"] = Field(
        "auto",
        description="With every: what of a step's rows the target is; auto: their mean. Of "
        "covariates it is the mean, of texts the most frequent one.",
        json_schema_extra=DATA,
    )
    incomplete: Literal["drop", "keep"] = Field(
        "drop",
        description="With every: a first or last step that lacks rows is left out, or kept with "
        "those that it has.",
        json_schema_extra=DATA,
    )
    zone: str = Field(
        "",
        description="Zone whose clock the stamps show, if they have none, or no more than an "
        "offset: America/Sao_Paulo.",
        json_schema_extra=DATA | {"shown": "none"},
    )
    duplicates: Literal["mean", "first", "last", "error"] = Field(
        "mean",
        description="Of rows with one stamp, what is kept, or that they are refused.",
        json_schema_extra=DATA,
    )
    gaps: Literal["mask", "interpolate", "seasonal", "error"] = Field(
        "mask",
        description="Of missing rows and values: train around them, fill them by a line or from "
        "the season before, or refuse them.",
        json_schema_extra=DATA,
    )
    longest_gap: float = Field(
        0.1,
        ge=0,
        lt=1,
        description="A longer gap, as a share of its series, is refused.",
        json_schema_extra=DATA,
    )
    outliers: Literal["flag", "mask", "clip"] = Field(
        "flag",
        description="Of values of the target unlike all before them: tell where they are, train "
        "and forecast around them, or bring them to the edge of what is usual there.",
        json_schema_extra=DATA,
    )
    missing_known: MissingKnown = Field(
        "error",
        description="Of known columns that lack values of the steps to come: refuse them, hold the "
        "last value, or take that of a season before, the shortest.",
        json_schema_extra=DATA,
    )
    horizon: int = Field(
        1, gt=0, le=10_000, description="Steps to forecast.", json_schema_extra=MODEL
    )
    strategy: Strategy = Field(
        "direct",
        description="All steps at once (direct), block after block, each read back to forecast the "
        "next (recursive; past columns then stay as they are at the last row), or the mean of two "
        "such networks (both).",
        json_schema_extra=MODEL,
    )
    block: int = Field(
        1,
        gt=0,
        le=10_000,
        description="Steps that the recursive strategy forecasts before it reads them back.",
        json_schema_extra=MODEL,
    )
    ensemble: int = Field(
        1,
        gt=0,
        le=100,
        description="Networks that are trained with this seed and the next ones, and forecast "
        "together: the mean of each quantile.",
        json_schema_extra=MODEL,
    )
    lookback: int = Field(
        0,
        ge=0,
        le=100_000,
        description="Steps that the network reads before a forecast; 0: two of the shortest "
        "season, 600 at most, 24 without one.",
        json_schema_extra=MODEL,
    )
    transform: Transform = Field(
        "none",
        description="What is learned in place of the target: if all its values are above 0 its "
        "logarithm, or a power of it that the training part tells (Box and Cox); its difference "
        "from the value before, or from the season before; a difference of logarithms or powers; "
        "auto: what the linear path forecasts best from rolling origins before the test.",
        json_schema_extra=MODEL,
    )
    auto: float = Field(
        0.0,
        ge=0,
        description="So many seconds, before training, to try other transforms, lookbacks and "
        "numbers of hidden units than the defaults, where these were not set; what is better "
        "beyond chance from rolling origins before the test is taken.",
        json_schema_extra=MODEL | {"metavar": "SECONDS", "shown": "none"},
    )
    quantiles: tuple[float, ...] = Field(
        (0.1, 0.5, 0.9),
        description="Quantiles to forecast, increasing; 0.5, the point forecast, among them.",
        json_schema_extra=MODEL,
    )
    reconcile: Literal["bottom_up", "ols", "wls_struct", "wls_var", "mint_shrink"] = Field(
        "mint_shrink",
        description="How forecasts of a hierarchy are made to sum up: from the lowest series, or "
        "by least squares that weigh all series alike, by the number below each, by its errors, or "
        "by the errors of all together. Needs the extra hierarchies.",
        json_schema_extra=MODEL,
    )
    test_share: float = Field(
        0.1,
        ge=0,
        lt=0.5,
        description="Share of the series, its end, that training never sees, for the test.",
        json_schema_extra=DATA,
    )
    test_from: str = Field(
        "",
        description="First stamp of the test, instead of its share.",
        json_schema_extra=DATA | {"metavar": "STAMP", "shown": "by its share"},
    )
    validation_from: str = Field(
        "",
        description="First stamp of the validation part, instead of its share.",
        json_schema_extra=DATA | {"metavar": "STAMP", "shown": "by its share"},
    )
    validation_share: float = Field(
        0.1,
        gt=0,
        lt=0.5,
        description="Share of the series, before the test, to pick the best weights.",
        json_schema_extra=DATA,
    )
    embedding: str = Field(
        "0",
        pattern="^(auto|[0-9]{1,3})$",
        description="Width of a vector that is learned for each series of several, and read by the "
        "network; auto: one that stays if the validation part gains by more than chance; 0: none.",
        json_schema_extra=MODEL,
    )
    origins: int = Field(
        0,
        ge=0,
        description="Places in a training window from which a forecast is learned; 0: so many that "
        "they forecast about as many values as the window has, from 4 to 96.",
        json_schema_extra=MODEL,
    )
    ridge: float = Field(
        0.0,
        ge=0,
        description="Ridge penalty of the linear path; 0: the one that forecasts the validation "
        "part best.",
        json_schema_extra=MODEL,
    )

    steps: Steps = 250
    validate_every: int = Field(
        50,
        gt=0,
        description="Steps between two validations; at most 10 where the training part is short.",
    )
    weight_decay: float = Field(
        1.0,
        ge=0,
        description="Pull of the weights towards zero; 0 unless set, but for adamw.",
        json_schema_extra={"range": "0.01..10:log"},
    )
    learning_rate: LearningRate = 8e-3

    @model_validator(mode="before")
    @classmethod
    def _decay_for_adamw(cls, given: dict[str, Any]) -> dict[str, Any]:
        """The others would pull the clipped gradient itself, and so strong a pull erases them."""
        decoupled = given.get("optimizer", "adamw") == "adamw"
        return given if decoupled else {"weight_decay": 0.0} | given

    def one(self, strategy: str, seed: int) -> "ForecastSettings":
        """Of one network of several."""
        block = 1 if strategy == "direct" else self.block
        own = {"strategy": strategy, "seed": seed, "block": block, "ensemble": 1}
        return self.model_copy(update=own)

    @property
    def own_block(self) -> int | None:
        """Steps that the network forecasts at once; None: the whole horizon."""
        return self.block if self.strategy == "recursive" else None

    @model_validator(mode="after")
    def _blocks_of_a_horizon(self) -> Self:
        if self.strategy == "direct" and self.block > 1:
            raise InputError(block=_("expected strategy recursive beside it; direct has no blocks"))
        if self.strategy != "direct" and self.block > self.horizon:
            problem = _("expected at most the horizon, {horizon}, got {given}")
            raise InputError(block=problem.format(horizon=self.horizon, given=self.block))
        if self.strategy == "both" and self.block == self.horizon:
            raise InputError(
                strategy=_("expected a block shorter than the horizon: else both are the same")
            )
        if self.strategy != "direct" and self.differs:
            raise InputError(
                transform=_(
                    "differences are counted from the last value that is known, not from a "
                    "forecast that is read back; take the strategy direct, or another transform"
                )
            )
        return self

    @property
    def differs(self) -> bool:
        """Whether the transform takes differences."""
        return bool({"difference", "seasonal"} & set(self.transform.split("+")))

    @field_validator("target", mode="before")
    @classmethod
    def _several(cls, given: Any) -> Any:
        """Several names as one text."""
        names = isinstance(given, list | tuple) and all(isinstance(name, str) for name in given)
        return ",".join(given) if names else given

    @model_validator(mode="after")
    def _wide_has_no_series(self) -> Self:
        named = [name for name in ("series", "static", "parent") if getattr(self, name)]
        if self.wide and named:
            problem = _("in a wide table the columns are the series; leave it out")
            raise InputError(**{named[0]: problem})
        return self

    @model_validator(mode="after")
    def _steps_of_rows(self) -> Self:
        alone = [n for n in ("aggregate", "incomplete") if getattr(self, n) not in ("auto", "drop")]
        if alone and not self.every:
            problem = _("expected every beside it, which says what rows become; leave it out")
            raise InputError(**dict.fromkeys(alone, problem))
        return self

    @field_validator("known", "past", "static", "parent", mode="before")
    @classmethod
    def _one_column(cls, names: Any) -> Any:
        """A single name stands for itself."""
        return (names,) if isinstance(names, str) else names

    @field_validator("embedding", mode="before")
    @classmethod
    def _width(cls, given: Any) -> Any:
        """A number may be one."""
        return str(given) if isinstance(given, int) and not isinstance(given, bool) else given

    @field_validator("holidays", mode="before")
    @classmethod
    def _codes(cls, given: Any) -> Any:
        """A single code, or several with commas between them, in capitals; each once."""
        given = (given,) if isinstance(given, str) else given
        if not (isinstance(given, tuple | list) and all(isinstance(g, str) for g in given)):
            return given
        parts = (part.strip().upper() for codes in given for part in codes.split(","))
        return tuple(dict.fromkeys(part for part in parts if part))

    @field_validator("quantiles")
    @classmethod
    def _median_among(cls, quantiles: tuple[float, ...]) -> tuple[float, ...]:
        inside = all(0 < q < 1 for q in quantiles)
        if not inside or 0.5 not in quantiles or list(quantiles) != sorted(set(quantiles)):
            raise ValueError(_("expected increasing numbers between 0 and 1 with 0.5 among them"))
        return quantiles
