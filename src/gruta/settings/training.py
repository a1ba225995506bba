"""What the training loop needs to know."""

from typing import Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, model_validator

from gruta.errors import InputError
from gruta.locale import translate as _
from gruta.settings.fields import (
    Ahead,
    BatchSize,
    CheckpointEvery,
    Decays,
    LearningRate,
    Patience,
    Seed,
    Steps,
    Threads,
    ValidateEvery,
    Warmup,
)
from gruta.ways_to_clip import WAYS, ClipMode


class TrainSettings(BaseModel):
    """Steps, optimiser, clipping, how often to look; where and how precisely to compute."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    steps: Steps = 500
    optimizer: Literal["adamw", "adam", "sgd", "rmsprop"] = Field(
        "adamw",
        description="How gradients become steps.",
        json_schema_extra={"range": "adamw,adam,rmsprop,sgd"},
    )
    learning_rate: LearningRate = 1e-3
    weight_decay: float = Field(
        0.01,
        ge=0,
        description="Pull of the weights towards zero.",
        json_schema_extra={"range": "0.0001..1:log"},
    )
    decays: Decays = "all"
    momentum: float = Field(
        0.9,
        ge=0,
        lt=1,
        description="Share of the last step in the next; beta 1 of adam and adamw.",
        json_schema_extra={"range": "0.5..0.98"},
    )
    beta2: float = Field(
        0.98,
        ge=0,
        lt=1,
        description="Share of the old in the mean of squared gradients, beta 2 of adam and adamw.",
        json_schema_extra={"range": "0.9..0.999"},
    )
    schedule: Literal["constant", "cosine", "onecycle"] = Field(
        "onecycle",
        description="How the rate moves over the steps.",
        json_schema_extra={"range": "constant,cosine,onecycle"},
    )
    warmup: Warmup = 0.2
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
        json_schema_extra={"range": "/10..*10:log"},
    )
    average: float = Field(
        0.0,
        ge=0,
        lt=1,
        description="Validate and keep an average of the weights over the steps, of which this "
        "share stays at each: 0.999 is about the last thousand; 0: those of the step alone.",
        json_schema_extra={"range": "0,0.99,0.999"},
    )
    validate_every: ValidateEvery = 50
    patience: Patience = 0
    checkpoint_every: CheckpointEvery = 50
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
    ahead: Ahead = 0
    micro_batches: int = Field(
        0,
        ge=0,
        le=1024,
        description="Parts of a batch, each run forward and back by itself: in less memory, and to "
        "the same numbers, bit for bit, for any number of processes that divides it; 0: one part a "
        "process.",
    )
    seed: Seed = 0
    threads: Threads = 1
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
        if "clip_threshold" in given or clip not in get_args(ClipMode):
            return given
        way = WAYS[clip]
        if way.default is None:
            raise InputError(
                clip_threshold=_("clip {clip!r} has no threshold of its own; give one").format(
                    clip=clip
                )
            )
        return {"clip_threshold": way.default} | given


class SequenceSettings(TrainSettings):
    """How sequences are put into batches, besides."""

    batch_size: BatchSize = 32


class StreamSettings(SequenceSettings):
    """How a long sequence is cut into pieces, besides."""

    tbptt: int = Field(
        0,
        ge=0,
        description="Truncated backpropagation through time: run along the series in pieces of "
        "this many steps and carry the state from one to the next; 0: independent windows.",
    )
