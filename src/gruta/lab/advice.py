"""What a training's records advise, in both languages."""

from collections.abc import Mapping, Sequence
from typing import Any

from gruta.lab.words import each_in_both
from gruta.runs import Run


def advised(run: Run, records: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """At most three pieces, the surest first; none before there is something to tell."""
    from gruta.health.advice import Advice, advise
    from gruta.insight.training import told_by

    settings = run.settings()
    told = told_by(records, settings.get("clip", "norm"), settings.get("tbptt"))

    def pieces() -> list[Advice]:
        return advise([], **told)

    texts = each_in_both(lambda: [t for one in pieces() for t in (one.finding, one.remedy)])
    return [
        {
            "rule": one.rule,
            "confidence": one.confidence,
            "finding": finding,
            "remedy": remedy,
            "code": one.code,
        }
        for one, finding, remedy in zip(pieces(), texts[::2], texts[1::2], strict=True)
    ]
