"""The health of gradients: measured here, drawn elsewhere."""

from gruta.health.attached import ClippedTwice, SkippedStep
from gruta.health.clipping import Clipper, Clipping, NonFiniteGradient
from gruta.health.order import ClippedTooEarly
from gruta.health.proposal import Proposal, propose
from gruta.health.watching import UnseenStep, Watch, watch

__all__ = [
    "ClippedTooEarly",
    "ClippedTwice",
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
