"""Generating text as a task: a language model of units."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, Field

from gruta.codec.text.units import Units
from gruta.errors import InputError
from gruta.locale import translate as _
from gruta.locale.numbers import number
from gruta.tasks.generate.settings import GenerateSettings
from gruta.tasks.scores import Metric
from gruta.tasks.task import Input, Look, Options, Report

if TYPE_CHECKING:
    import polars as pl

    from gruta.data.text import Texts
    from gruta.report.page import Table
    from gruta.tasks.generate.evaluation import Evaluation
    from gruta.tasks.generate.head import GenerateHead
    from gruta.tasks.generate.lesson import GenerateLesson
    from gruta.tasks.generate.network import GenerateNetwork
    from gruta.tasks.trained import Trained


@dataclass(frozen=True)
class TextsInParts:
    """Text to train on, to validate on, and of the test."""

    train: "Texts"
    validation: "Texts"
    test: "Texts | None"

    def fingerprint(self) -> str:
        """Of what training sees."""
        return f"{self.train.fingerprint()}{self.validation.fingerprint()}"

    def told(self) -> list[tuple[str, str]]:
        """How much there is of each."""
        test = 0 if self.test is None else self.test.length
        return [
            (_("texts to train on"), number(len(self.train))),
            (_("characters to train on"), number(self.train.length)),
            (_("characters to validate on"), number(self.validation.length)),
            (_("characters of the test"), number(test)),
        ]
