"""What a server can be told."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

_WHO: dict[str, Any] = {"panel": "Who may ask"}
_LIMITS: dict[str, Any] = {"panel": "Limits"}
_RUNS: dict[str, Any] = {"panel": "Running"}


class ServeSettings(BaseModel):
    """Where it listens, who may ask, how long a step may wait, and what it takes in at most."""

    model_config = ConfigDict(frozen=True)

    host: str = Field(
        "127.0.0.1",
        description="Address to listen at; others than this machine's are for all.",
        json_schema_extra=_WHO,
    )
    port: int = Field(
        8000,
        ge=0,
        le=65_535,
        description="Port to listen at; 0: one that is free.",
        json_schema_extra=_WHO,
    )
    grpc_port: int = Field(
        0,
        ge=0,
        le=65_535,
        description="Port for the Open Inference Protocol over gRPC; 0: none.",
        json_schema_extra=_WHO,
    )
    name: tuple[str, ...] = Field(
        (),
        description="Name by which clients call the server, beside its address: that of a proxy.",
        json_schema_extra=_WHO,
    )
    origin: tuple[str, ...] = Field(
        (),
        description="Origin of pages that may ask, such as https://plant.example.",
        json_schema_extra=_WHO,
    )
    token_file: str = Field(
        "",
        description="File with a token, in its first line, that all who ask have to bear.",
        json_schema_extra=_WHO | {"shown": "none"},
    )
    key_file: str = Field(
        "",
        description="File with a key, in its first line, that signs snapshots of streams; keys in "
        "lines below are good for reading still. Servers with the same key take each other's.",
        json_schema_extra=_WHO | {"shown": "of this process alone"},
    )
    budget_ms: float = Field(
        10.0,
        ge=0,
        le=60_000,
        description="Milliseconds between a step's arrival and its answer: as long as they last, "
        "steps of other streams are awaited, to be computed in one call. 0: none are awaited.",
        json_schema_extra=_RUNS,
    )
    streams: int = Field(
        4096,
        ge=1,
        le=1_000_000,
        description="Streams that are open at once, at most.",
        json_schema_extra=_LIMITS,
    )
    queue: int = Field(
        16,
        ge=1,
        le=10_000,
        description="Steps of a stream that wait for an answer, at most; then no more are read.",
        json_schema_extra=_LIMITS,
    )
    message_kb: int = Field(
        1024,
        ge=1,
        le=65_536,
        description="Kilobytes of a message of a stream, at most.",
        json_schema_extra=_LIMITS,
    )
    body_kb: int = Field(
        16_384,
        ge=1,
        le=1_048_576,
        description="Kilobytes of a question over HTTP, at most.",
        json_schema_extra=_LIMITS,
    )
    waiting: int = Field(
        64,
        ge=1,
        le=100_000,
        description="Questions over HTTP that wait or are answered at once, at most.",
        json_schema_extra=_LIMITS,
    )
    idle_seconds: float = Field(
        300.0,
        gt=0,
        le=1e9,
        description="Seconds after which a stream that sends nothing is closed, with a snapshot.",
        json_schema_extra=_LIMITS,
    )
    slow_seconds: float = Field(
        10.0,
        gt=0,
        le=1e9,
        description="Seconds after which a client that does not read its answers is closed.",
        json_schema_extra=_LIMITS,
    )
    stop_seconds: float = Field(
        20.0,
        gt=0,
        le=1e6,
        description="Seconds that streams have to end when the server is to stop.",
        json_schema_extra=_RUNS,
    )
    reload: bool = Field(
        True,
        description="Look at the files each second, and load those that have changed; streams end "
        "on the weights that they began with. A SIGHUP has them looked at once.",
        json_schema_extra=_RUNS,
    )
    traces: str = Field(
        "",
        description="Address of a collector of OpenTelemetry that takes OTLP over HTTP, such as "
        "http://localhost:4318/v1/traces.",
        json_schema_extra=_RUNS | {"shown": "none"},
    )
    log: Literal["text", "json"] = Field(
        "text", description="How events are told: text or json.", json_schema_extra=_RUNS
    )
