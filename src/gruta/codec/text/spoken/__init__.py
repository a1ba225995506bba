"""A text as it is said: numbers, times, dates, money, ordinals, units and short forms in words.

    2:30 p.m.       two thirty p m            14h30       catorze horas e trinta minutos
    7/9/2024        July ninth, …             7/9/2024    sete de setembro de …
    $5.20           five dollars and …        R$ 3,50     três reais e cinquenta centavos

Rules are tried in one order, each on what the ones before have left; a figure that fits none is
said as a number or, where it is too long or begins with a zero, figure by figure. Accents are
composed (NFC) before anything else. No figure is left, whatever the text.
"""

from gruta.codec.text.spoken.rules import spoken

__all__ = ["spoken"]
