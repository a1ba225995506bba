"""A network to be stored in smaller weights, and what they change of its answers."""

from dataclasses import dataclass, replace
from typing import Any

from gruta.errors import InputError
from gruta.runtime.weights import Kind
from gruta.tasks.changed import Change, changed, seen
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
    from gruta.tasks.calibrated import calibrated

    try:
        return calibrated(trained, seen(trained).data)[0]
    except InputError:
        return trained


def smaller(trained: Trained[Any], weights: Kind, *, widened: bool = False) -> Smaller:
    """widened: the stored weights compute in single precision, as in C, which is not timed."""
    try:
        found = seen(trained)
    except InputError as reason:
        return Smaller(trained, reason=str(reason))
    chosen, share = trained, None
    if weights == "int8":
        from gruta.tasks.calibrated import calibrated

        chosen, share = calibrated(trained, found.data)
    other = replace(chosen, weights=rounded(chosen, weights, widened=widened))
    return Smaller(chosen, share, changed(trained, other, found.held, timed=not widened))
