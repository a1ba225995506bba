"""What an evaluation scores, and what is known of what the network was trained on."""

from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple

from gruta.errors import InputError
from gruta.locale import translate as _

if TYPE_CHECKING:
    from gruta.tasks.trained import Trained


class ToScore(NamedTuple):
    """test: what is scored. parts: what the network was trained on, in its parts, if that is known.
    seen: whether training saw the test.
    """

    test: Any
    parts: Any
    seen: bool = False


def trained_on(trained: "Trained[Any]", source: Any, parts: Callable[[Any], Any]) -> Any:
    """What the network was trained on, in its parts, if `source` is that.

    parts: `source`, opened or not, in its parts.
    """
    with suppress(InputError):  # not there any more, or too few to have been
        found = parts(source)
        return found if found.fingerprint() == trained.data else None
    return None


def to_score(
    trained: "Trained[Any]",
    given: Any,
    parts: Callable[[Any], Any],
    *,
    train: Any = None,
    again: Any = None,
) -> ToScore:
    """The test part of what was trained on, or all of what is given where that is something else.

    given: opened. train: what was trained on, where that is not what is given; InputError if it is
    not. again: what the run read.
    """
    if known := trained_on(trained, given, parts):
        if not trained.settings.test:
            return ToScore(known.test, known)
        return ToScore(given, known, seen=True)
    if train is not None:
        known = parts(train)
        if known.fingerprint() == trained.data:
            return ToScore(given, known)
        raise InputError(train=_("{source}: not what the run was trained on").format(source=train))
    return ToScore(given, trained_on(trained, again, parts) if again else None)
