"""Settings: what they are called, what they mean, and which values they admit.

The descriptions here are the command line's help and the estimators' documentation.
"""

from typing import Any, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from gruta.cells import CellName
from gruta.errors import InputError
from gruta.ways_to_clip import WAYS, ClipMode


class TrainSettings(BaseModel):
    """What the training loop needs to know."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    steps: int = Field(500, gt=0, description="Optimiser steps, at most.")
    batch_size: int = Field(32, gt=0, le=1_000_000, description="Sequences in a batch.")
    optimizer: Literal["adamw", "adam", "sgd", "rmsprop"] = Field(
        "adamw", description="How gradients become steps."
    )
    learning_rate: float = Field(
        1e-3, gt=0, le=1e6, description="The highest rate of the schedule."
    )
    weight_decay: float = Field(0.01, ge=0, description="Pull of the weights towards zero.")
    momentum: float = Field(
        0.9, ge=0, lt=1, description="Share of the last step in the next; beta 1 of adam and adamw."
    )
    beta2: float = Field(
        0.98,
        ge=0,
        lt=1,
        description="Share of the old in the mean of squared gradients, beta 2 of adam and adamw.",
    )
    schedule: Literal["constant", "cosine", "onecycle"] = Field(
        "onecycle", description="How the rate moves over the steps."
    )
    warmup: float = Field(
        0.2, ge=0, lt=1, description="Share of the steps in which the rate rises."
    )
    clip: ClipMode = Field(
        "norm",
        description="Gradient clipping: by global norm, by value, by the norm of each layer's "
        "parameter, by the ratio to the weights (agc), by a percentile of the norms so far "
        "(autoclip), by how far a norm stands out (zclip), or none.",
    )
    clip_threshold: float = Field(
        1.0,
        gt=0,
        description="Where to clip: a norm (norm, layer), a value, a ratio (agc, else 0.01), a "
        "percentile (autoclip, else 10), a number of standard deviations (zclip, else 2.5).",
    )
    validate_every: int = Field(50, gt=0, description="Steps between two validations.")
    patience: int = Field(
        0, ge=0, description="Stop after this many validations without a better one; 0: never."
    )
    checkpoint_every: int = Field(50, gt=0, description="Steps between two checkpoints.")
    log_every: int = Field(10, gt=0, description="Steps between two lines of metrics.")
    watch_every: int = Field(
        0,
        ge=0,
        description="Steps between two looks inside the recurrent layers (gradient through time, "
        "gates, size of updates), written with the metrics; 0: none.",
    )
    tracker: Literal[
        "none",
        "aim",
        "clearml",
        "comet_ml",
        "dvclive",
        "mlflow",
        "swanlab",
        "tensorboard",
        "trackio",
        "wandb",
    ] = Field(
        "none",
        description="Where the metrics go besides metrics.jsonl: a tracker of accelerate's that is "
        "installed, or none. What a resumed run does again goes there twice.",
    )
    tbptt: int = Field(
        0,
        ge=0,
        description="Truncated backpropagation through time: run along the series in pieces of "
        "this many steps and carry the state from one to the next; 0: independent windows.",
    )
    seed: int = Field(0, ge=0, lt=2**31, description="Seed of all that is drawn at random.")
    threads: int = Field(
        1,
        gt=0,
        le=1024,
        description="CPU threads. A small network gains little from a second one, and loses much "
        "where other work wants the cores.",
    )
    device: Literal["auto", "cpu"] = Field(
        "cpu", description="cpu, or auto for an accelerator where there is one."
    )
    precision: Literal["no", "bf16"] = Field(
        "no", description="Mixed precision, as accelerate names it."
    )

    @model_validator(mode="before")
    @classmethod
    def _threshold_of_its_own(cls, given: dict[str, Any]) -> dict[str, Any]:
        """Each way to clip measures something else, and has a default of its own or none."""
        clip = given.get("clip", "norm")
        if "clip_threshold" in given or clip not in WAYS:
            return given
        way = WAYS[clip]
        if way.default is None:
            raise ValueError(
                f"clip {clip!r} has no threshold of its own; give clip_threshold, {way.unit}"
            )
        return {"clip_threshold": way.default} | given


class ForecastSettings(TrainSettings):
    """What the forecaster needs to know besides."""

    time: str = Field("ds", description="Column with the time stamps.")
    target: str = Field("y", description="Column to forecast.")
    known: tuple[str, ...] = Field(
        (), description="Columns whose values are known for the steps to come (a calendar, a plan)."
    )
    past: tuple[str, ...] = Field(
        (), description="Columns whose values are known up to the present only."
    )
    horizon: int = Field(1, gt=0, le=10_000, description="Steps to forecast.")
    lookback: int = Field(
        0,
        ge=0,
        le=100_000,
        description="Steps that the network reads before a forecast; 0: two of the shortest "
        "season, 24 without one.",
    )
    cell: CellName = Field("gru", description="The recurrent cell.")
    hidden: int = Field(48, gt=0, le=65_536, description="Hidden units.")
    init: Literal["torch", "orthogonal", "chrono"] = Field(
        "torch",
        description="How the weights start: as in PyTorch, with an orthogonal matrix from state to "
        "state, or with gates that keep for as long as the window (chrono; not for the RNN).",
    )
    quantiles: tuple[float, ...] = Field(
        (0.1, 0.5, 0.9),
        description="Quantiles to forecast, increasing; 0.5, the point forecast, among them.",
    )
    test_share: float = Field(
        0.1,
        ge=0,
        lt=0.5,
        description="Share of the series, its end, that training never sees, for the test.",
    )
    validation_share: float = Field(
        0.1,
        gt=0,
        lt=0.5,
        description="Share of the series, before the test, to pick the best weights.",
    )
    origins: int = Field(
        0,
        ge=0,
        description="Places in a training window from which a forecast is learned; 0: so many that "
        "they forecast about as many values as the window has, from 4 to 96.",
    )
    ridge: float = Field(
        0.0,
        ge=0,
        description="Ridge penalty of the linear path; 0: the one that forecasts the validation "
        "part best.",
    )

    steps: int = Field(250, gt=0, description="Optimiser steps, at most.")
    weight_decay: float = Field(
        1.0, ge=0, description="Pull of the weights towards zero; 0 unless set, but for adamw."
    )
    learning_rate: float = Field(
        8e-3, gt=0, le=1e6, description="The highest rate of the schedule."
    )

    @model_validator(mode="after")
    def _chrono_needs_a_gate(self) -> Self:
        if self.init == "chrono" and self.cell == "rnn":
            raise ValueError("init 'chrono' sets the bias of a gate, and the rnn has none")
        return self

    @model_validator(mode="before")
    @classmethod
    def _decay_for_adamw(cls, given: dict[str, Any]) -> dict[str, Any]:
        """The others would pull the clipped gradient itself, and so strong a pull erases them."""
        decoupled = given.get("optimizer", "adamw") == "adamw"
        return given if decoupled else {"weight_decay": 0.0} | given

    @field_validator("known", "past", mode="before")
    @classmethod
    def _one_column(cls, names: Any) -> Any:
        """A single name stands for itself."""
        return (names,) if isinstance(names, str) else names

    @field_validator("quantiles")
    @classmethod
    def _median_among(cls, quantiles: tuple[float, ...]) -> tuple[float, ...]:
        inside = all(0 < q < 1 for q in quantiles)
        if not inside or 0.5 not in quantiles or list(quantiles) != sorted(set(quantiles)):
            raise ValueError("expected increasing numbers between 0 and 1 with 0.5 among them")
        return quantiles


S = TypeVar("S", bound=BaseModel)


def resolve(model: type[S], given: dict[str, Any]) -> S:
    """The settings `model` with these values; InputError names each one that does not fit."""
    try:
        return model(**given)
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(map(str, e['loc'])) or 'settings'}: {e['msg']}, got {e['input']!r}"
            for e in error.errors(include_url=False)
        )
        raise InputError(problems) from None
