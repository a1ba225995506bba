"""Recurrent layers on their way to other frameworks and file formats, and back.

No framework is loaded by importing this: what a format needs is imported when it is read or
written. README.md has who stores what in which order.
"""

from gruta.exchange.layer import Layer, Side

__all__ = ["Layer", "Side"]
