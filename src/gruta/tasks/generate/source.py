"""Where a run's data lie."""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gruta.tasks.trained import Trained


def sources_of(trained: "Trained[Any]") -> list[Path]:
    """The files and folders that it was trained on, which it keeps as a shell reads them."""
    try:
        return [Path(one) for one in shlex.split(trained.source or "")]
    except ValueError:  # one name with a quotation mark, as earlier runs kept it
        return [Path(trained.source or "")]
