"""The health of gradients: measured here, drawn elsewhere."""

from gruta.health.clipping import (
    ClippedTooEarly,
    Clipper,
    Clipping,
    NonFiniteGradient,
    SkippedStep,
)
from gruta.health.proposal import Proposal, propose
from gruta.health.watching import UnseenStep, Watch, watch

__all__ = [
    "ClippedTooEarly",
    "Clipper",
    "Clipping",
    "NonFiniteGradient",
    "Proposal",
    "SkippedStep",
    "UnseenStep",
    "Watch",
    "propose",
    "watch",
]
