"""A run: its directory, and the files in it that tell what it is."""

import hashlib
import json
import tomllib
from collections.abc import Callable, Mapping
from contextlib import suppress
from importlib import metadata
from pathlib import Path
from typing import Any, Protocol, TypeVar

import tomli_w

from gruta.errors import Exists, InputError, OtherRun
from gruta.files import write_atomically
from gruta.locale import translate as _
from gruta.locale.numbers import number

CHECKPOINT = "checkpoint.safetensors"
MODEL = "model.safetensors"
METRICS = "metrics.jsonl"
CHOICE = "choice.json"
FORMAT = 1
LIMIT_BYTES = 2**31
BEGUN = {"settings.toml", ".settings.toml.partial", ".run.json.partial"}
"""What a kill in the middle of `Run.create` can leave; run.json comes last and makes it a run."""


class Settings(Protocol):
    """A model of settings: made from values by name, and they from it."""

    def model_dump(self) -> dict[str, Any]:
        """The values by name."""


S = TypeVar("S", bound=Settings)


class Run:
    """The run directory at `path`."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def create(
        cls, path: Path, task: str, settings: Mapping[str, Any], data: str, **told: Any
    ) -> "Run":
        """A new run. InputError if it exists.

        data: the fingerprint of what it trains on. told: what run.json says beside, such as the
        `source` that was read and the `threads` that the training takes.
        """
        if path.exists() and not (path.is_dir() and {p.name for p in path.iterdir()} <= BEGUN):
            raise Exists(
                _("{path}: exists already; resume that run, or name another directory").format(
                    path=path
                )
            )
        path.mkdir(parents=True, exist_ok=True)
        run = cls(path)
        written = tomli_w.dumps(_without_none(settings)).encode()
        about = {
            "format": FORMAT,
            "task": task,
            "data": data,
            "settings": hashlib.sha256(written).hexdigest(),
            "threads": 1,
            "versions": _versions("gruta", "torch", "numpy"),
        } | told
        run.write("settings.toml", written)
        run.write_json("run.json", about)
        return run

    @classmethod
    def begin(
        cls,
        path: Path,
        task: str,
        settings: Settings,
        data: str,
        *,
        resume: bool = False,
        **told: Any,
    ) -> "Run":
        """A new run or, with `resume`, the one that lies there, if it has these settings and data.

        InputError if a new one exists, or one to go on with has others.
        """
        if not resume:
            return cls.create(path, task, settings.model_dump(), data, **told)
        run = cls.open(path, task)
        earlier, now = run.settings_as(type(settings)).model_dump(), settings.model_dump()
        changed = [name for name, value in now.items() if value != earlier[name]]
        if changed:
            problem = _(
                "{path}: the run was started with another {names}; resume with the same settings, "
                "or train in another directory"
            )
            raise OtherRun(problem.format(path=path, names=", ".join(changed)))
        if run.about.get("data") != data:
            problem = _(
                "{path}: the run was started with other data; resume with the same rows and "
                "columns, or train in another directory"
            )
            raise OtherRun(problem.format(path=path))
        return run

    @classmethod
    def open(cls, path: Path, task: str | None = None) -> "Run":
        """The run that lies at `path`; InputError unless it is one of this format.

        task: what it has to be a run of; None takes any, and `Run.task` tells.
        """
        if not path.is_dir():
            raise InputError(
                _("{path}: expected the directory of a run, found none").format(path=path)
            )
        run = cls(path)
        if not run.has("run.json") and (inside := sorted(path.glob("*/run.json"))):
            names = ", ".join(file.parent.name for file in inside)
            raise InputError(
                _("{path}: holds several runs, and is none; name one of {names} there").format(
                    path=path, names=names
                )
            )
        about = run.read_json("run.json")
        if not isinstance(about, dict) or "format" not in about:
            raise InputError(
                _("{path}/run.json: expected a run's description with its format").format(path=path)
            )
        if about["format"] != FORMAT:
            problem = _(
                "{path}: the run has format {found}, this gruta reads {known}; install the gruta "
                "version that wrote it, named in run.json"
            )
            raise InputError(problem.format(path=path, found=about["format"], known=FORMAT))
        if task is not None and about.get("task") != task:
            raise InputError(
                _("{path}: expected a {task} run, found {found!r}").format(
                    path=path, task=task, found=about.get("task")
                )
            )
        return run

    @property
    def task(self) -> str:
        """What it is a run of."""
        return str(self.about.get("task"))

    @property
    def about(self) -> dict[str, Any]:
        """What run.json says."""
        return self.read_json("run.json")  # type: ignore[no-any-return]

    def settings(self) -> dict[str, Any]:
        """The settings as they were resolved; a setting that was None is absent.

        InputError if the file is not as the run wrote it: the weights are those of its settings.
        """
        raw = self.read("settings.toml")
        try:
            settings = tomllib.loads(raw.decode())
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise InputError(
                _("{path}/settings.toml: not valid TOML: {error}").format(
                    path=self.path, error=error
                )
            ) from error
        digest = hashlib.sha256(raw).hexdigest()
        if self.about.get("settings", digest) != digest:
            problem = _(
                "{path}/settings.toml: changed since the run was started; restore the file, or "
                "train anew with other settings"
            )
            raise InputError(problem.format(path=self.path))
        return settings

    @property
    def chosen(self) -> dict[str, Any]:
        """The settings that were found out before training, by name, where some were left open."""
        return dict(self.read_json(CHOICE).get("chosen", {})) if self.has(CHOICE) else {}

    def settings_as(self, model: Callable[..., S]) -> S:
        """The settings as this model has them, with its defaults for what came later; InputError
        if the file does not hold such settings.
        """
        given = self.settings()
        try:
            return model(**given)
        except (TypeError, ValueError) as error:
            raise InputError(
                _("{path}/settings.toml: {error}; restore the file or train again").format(
                    path=self.path, error=error
                )
            ) from error

    def write_json(self, name: str, content: Any) -> None:
        """Write a JSON file of the run."""
        self.write(name, json.dumps(content, indent=1, allow_nan=False).encode())

    def read_json(self, name: str) -> Any:
        """Read a JSON file of the run; InputError if it is missing or broken."""
        try:
            return json.loads(self.read(name))
        except (json.JSONDecodeError, UnicodeDecodeError, RecursionError) as error:
            raise InputError(
                _("{path}: not valid JSON: {error}").format(path=self.path / name, error=error)
            ) from error

    def has(self, name: str) -> bool:
        """Whether the run holds a file of this name."""
        return (self.path / name).is_file()

    def write(self, name: str, content: bytes) -> None:
        """Write a file of the run, whole or not at all."""
        write_atomically(self.path / name, content)

    def read(self, name: str) -> bytes:
        """A file of the run; InputError if it is missing."""
        path = self.path / name
        try:
            if path.stat().st_size > LIMIT_BYTES:
                raise InputError(
                    _("{path}: larger than {limit} bytes, not read").format(
                        path=path, limit=number(LIMIT_BYTES)
                    )
                )
            return path.read_bytes()
        except FileNotFoundError:
            problem = _(
                "{path}: {name} is missing, the run is incomplete; resume it, or train again"
            )
            raise InputError(problem.format(path=self.path, name=name)) from None


def _versions(*packages: str) -> dict[str, str]:
    """Of those that are installed."""
    found = {}
    for name in packages:
        with suppress(metadata.PackageNotFoundError):
            found[name] = metadata.version(name)
    return found


def _without_none(settings: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in settings.items() if value is not None}
