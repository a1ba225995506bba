"""What people call the networks and the baselines."""

from typing import Any

from gruta.cells import CELLS
from gruta.locale import translate as _
from gruta.locale.numbers import number


def model_name(model: str) -> str:
    """A cell or a baseline, as people read it."""
    if model in CELLS:
        return model.upper()
    kind, _space, season = model.rpartition(" ")
    if kind == "seasonal naive":
        return _("seasonal naive, {steps} steps").format(steps=number(int(season)))
    names = {
        "naive": _("naive"),
        "drift": _("drift"),
        "linear": _("linear"),
        "linear rich": _("rich linear"),
        "past values": _("past values"),
    }
    return names.get(model, model)


def members_of(settings: Any) -> dict[str, tuple[str, int]]:
    """The networks that forecast as one, by name: the strategy and the seed of each."""
    both = settings.strategy == "both"
    strategies = ("direct", "recursive") if both else (settings.strategy,)
    seeds = range(settings.seed, settings.seed + settings.ensemble)
    return {f"{strategy}-{seed}": (strategy, seed) for strategy in strategies for seed in seeds}
