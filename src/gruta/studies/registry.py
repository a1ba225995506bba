"""Every study by its name; what their commands are called and offer is in `gruta.cli.study`."""

from collections.abc import Mapping
from typing import Any

from gruta.studies import advice, exploding, forgetting, gates, linear, memory, remedies, vanishing
from gruta.studies.study import Study

STUDIES: Mapping[str, Study[Any]] = {
    "vanishing": vanishing,
    "exploding": exploding,
    "memory": memory,
    "gates": gates,
    "forgetting": forgetting,
    "advice": advice,
    "remedies": remedies,
    "linear": linear,
}
