"""Ray, where it is asked for: a cluster that exists, or one here for as long as it takes."""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from gruta.cores import cores
from gruta.errors import InputError
from gruta.locale import translate as _

ONE_CORE = {
    name: "1"
    for name in (
        "GRUTA_THREADS",
        "MKL_NUM_THREADS",
        "OMP_NUM_THREADS",
        "OPENBLAS_NUM_THREADS",
        "POLARS_MAX_THREADS",
    )
}
"""The environment of a process that computes on one core."""

_PATIENCE = 10.0
"""Seconds that a cluster has to be reached in."""


@contextmanager
def connected(workers: int | None, address: str | None = None) -> Iterator[None]:
    """To the cluster at this address or at that which RAY_ADDRESS names, else to one that runs
    here, else to a new one, of so many cores; InputError where a cluster that is named is not
    there.
    """
    import ray

    if ray.is_initialized():
        yield
        return
    if address:
        _require_reached(address)
    how: dict[str, Any] = {"logging_level": "error", "log_to_driver": False}
    how["runtime_env"] = {"env_vars": dict(ONE_CORE)}
    try:
        ray.init(address=address or "auto", **how)
    except (ConnectionError, ValueError, RuntimeError, ray.exceptions.RayError) as error:
        reason = str(error).strip().partition("\n")[0]
        if address:
            problem = _("no cluster of Ray there: {reason}")
            raise InputError(address=problem.format(reason=reason)) from None
        if named := os.environ.get("RAY_ADDRESS"):
            problem = _("no cluster of Ray at {address}, which RAY_ADDRESS names: {reason}")
            raise InputError(on=problem.format(address=named, reason=reason)) from None
        if not isinstance(error, ConnectionError):
            raise
        ray.init(num_cpus=workers or cores(), include_dashboard=False, **how)
    try:
        yield
    finally:
        ray.shutdown()


def _require_reached(address: str) -> None:
    """InputError unless somebody listens there: Ray would try for minutes."""
    host, _colon, port = address.rpartition("://")[2].rpartition(":")
    if address == "auto":
        return
    if not (host and port.isdecimal() and int(port) < 65536):
        problem = _("expected HOST:PORT, ray://HOST:PORT or auto, got {address!r}")
        raise InputError(address=problem.format(address=address))
    try:
        socket.create_connection((host.strip("[]"), int(port)), _PATIENCE).close()
    except (OSError, ValueError) as error:
        problem = _("no cluster of Ray there: {reason}")
        raise InputError(address=problem.format(reason=error)) from None
