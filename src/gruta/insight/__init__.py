"""A look inside a trained network: what it keeps, forgets and reads, measured, drawn, explained."""

from gruta.insight.by_hand import ByHand
from gruta.insight.look import XRay, xray

__all__ = ["ByHand", "XRay", "xray"]
