"""Which sets and contestants a person asked for."""

from collections.abc import Sequence

from gruta.bench.forecast.contestants import CONTESTANTS, GRUTA
from gruta.bench.forecast.sets import SETS
from gruta.errors import InputError
from gruta.locale import translate as _

QUICK = ("gasoline", "usmelec")
"""The sets that are small."""


def select(only: Sequence[str], quick: bool) -> tuple[list[str], list[str]]:
    """Names of the sets, and of the contestants with gruta first.

    only: such names, each item one or several with commas between; a kind that is not named stays
    whole. InputError for another name, or if no set is left.
    """
    names = [name.strip() for item in only for name in item.split(",") if name.strip()]
    known = [*SETS, *CONTESTANTS]
    for name in names:
        if name not in known:
            problem = _("expected some of {known}, got {name!r}")
            raise InputError(only=problem.format(known=", ".join(known), name=name))
    sets = [key for key in SETS if key in names] or list(QUICK if quick else SETS)
    contestants = [n for n in CONTESTANTS if n in names and n != GRUTA]
    if not contestants:
        contestants = [name for name in CONTESTANTS if name != GRUTA]
    return sets, [GRUTA, *contestants]
