"""Where a run's data lie."""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gruta.tasks.scoring import ToScore, to_score

if TYPE_CHECKING:
    from gruta.tasks.trained import Trained


def sources_of(trained: "Trained[Any]") -> list[Path]:
    """The files and folders that it was trained on, which it keeps as a shell reads them."""
    try:
        return [Path(one) for one in shlex.split(trained.source or "")]
    except ValueError:  # one name with a quotation mark, as earlier runs kept it
        return [Path(trained.source or "")]


def to_score_again(work: Any, trained: "Trained[Any]", source: Any, train: Any) -> ToScore:
    """What `work`, of texts or of notes, scores of a source; see `gruta.tasks.scoring`."""
    s = trained.settings
    return to_score(
        trained,
        work.open(source, s),
        lambda one: work.read(one, s),
        train=train,
        again=sources_of(trained),
    )
