"""A network to be stored in smaller weights, and what they change of its answers."""

from dataclasses import dataclass, replace
from typing import Any

from gruta.errors import InputError
from gruta.runtime.weights import Kind
from gruta.tasks.changed import Change, Seen, changed, seen
from gruta.tasks.exporting import rounded
from gruta.tasks.trained import Trained


@dataclass(frozen=True, eq=False)
class Smaller:
    """trained: what is to be stored. share: of int8, see `calibrated`. change: None where it could
    not be scored, and `reason` says why; nothing is calibrated then either.
    """

    trained: Trained[Any]
    share: float | None = None
    change: Change | None = None
    reason: str = ""


def to_store(trained: Trained[Any], weights: Kind) -> Trained[Any]:
    """Of int8 calibrated, if it is known what the network was trained on."""
    if weights != "int8":
        return trained
    try:
        return _chosen(trained, weights, seen(trained))[0]
    except InputError:
        return trained


def smaller(trained: Trained[Any], weights: Kind, *, widened: bool = False) -> Smaller:
    """widened: the stored weights compute in single precision, as in C, which is not timed."""
    try:
        found = seen(trained)
    except InputError as reason:
        return Smaller(trained, reason=str(reason))
    chosen, share = _chosen(trained, weights, found)
    other = replace(chosen, weights=rounded(chosen, weights, widened=widened))
    return Smaller(chosen, share, changed(trained, other, found.held, timed=not widened))


def _chosen(trained: Trained[Any], weights: Kind, found: Seen) -> tuple[Trained[Any], float | None]:
    """What is to be stored, and of int8 the share at which its rows are clipped."""
    if weights != "int8":
        return trained, None
    from gruta.tasks.calibrated import calibrated

    return calibrated(trained, found.data)
