"""Classification as a task: one lesson, readers of texts and of series."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from gruta.codec.channels import Channels
from gruta.codec.classes import ClassCodec
from gruta.codec.text.vocabulary import Vocabulary
from gruta.errors import InputError
from gruta.locale import translate as _
from gruta.locale.numbers import number
from gruta.settings import reading
from gruta.settings.fields import CaseNumber, TrainingData
from gruta.tasks.classify.settings import ClassifySettings
from gruta.tasks.scores import Metric
from gruta.tasks.scoring import to_score
from gruta.tasks.task import Input, Judged, Look, Options, Report

if TYPE_CHECKING:
    import polars as pl

    from gruta.data.labelled import Cases
    from gruta.report.page import Table
    from gruta.tasks.classify.evaluation import Evaluation
    from gruta.tasks.classify.head import ClassifyHead
    from gruta.tasks.classify.lesson import ClassifyLesson
    from gruta.tasks.classify.network import ClassifyNetwork
    from gruta.tasks.portrait import Portrait
    from gruta.tasks.trained import Trained


@dataclass(frozen=True, eq=False)
class CasesInParts:
    """Cases for training, for validation, and for the test."""

    train: "Cases"
    validation: "Cases"
    test: "Cases"

    def fingerprint(self) -> str:
        """Of what training sees."""
        return f"{self.train.fingerprint()}{self.validation.fingerprint()}"

    def told(self) -> list[tuple[str, str]]:
        """How many classes, and cases in each part."""
        return [
            (_("classes"), number(len(set(self.train.labels or ())))),
            (_("cases to train on"), number(len(self.train))),
            (_("cases to validate on"), number(len(self.validation))),
            (_("cases of the test"), number(len(self.test))),
        ]


class EvaluateOptions(BaseModel):
    """What an evaluation can be told."""

    train: TrainingData = None


class InspectOptions(BaseModel):
    """What an X-ray can be told."""

    number: CaseNumber = 1


@dataclass(frozen=True)
class ClassifyTask:
    """Classify texts and series of vectors by a recurrent network."""

    name = "classify"
    summary = (
        "Train a classifier on DATA: texts (a column text and a column label, or a folder a class) "
        "or series (long form with case, time, channels and label; .ts; a folder a class). A share "
        "of each class is held out and scored beside simple models."
    )
    settings, codec, packages = ClassifySettings, ClassCodec, ("sklearn",)
    input = Input("DATA", "CSV, Excel, Parquet, JSON lines or .ts file, or a folder a class.")
    options = Options(evaluate=EvaluateOptions, inspect=InspectOptions)

    @property
    def metrics(self) -> Sequence[Metric]:
        """Of accuracy and certainty."""
        from gruta.tasks.classify.metrics import METRICS

        return METRICS

    def open(
        self, source: Any, settings: ClassifySettings, codec: ClassCodec | None = None
    ) -> "Cases":
        """The cases of whatever holds them."""
        return read(source, settings)

    def of_text(self, text: str, codec: ClassCodec) -> list[str] | None:
        """A list of one text, as in Python."""
        return [text] if codec.kind == "text" else None

    def read(self, source: Any, settings: ClassifySettings) -> CasesInParts:
        """Cases in three parts, each class in its share of each; the test may be a file's own."""
        parts = in_parts(read(source, settings), settings)
        if not settings.test:
            return parts
        test = read(settings.test, settings)
        require_alike(test, parts.train)
        return replace(parts, test=test)

    def fit_codec(self, data: CasesInParts, settings: ClassifySettings) -> ClassCodec:
        """Units or scales, and the classes, of the training part."""
        s, train = settings, data.train
        reader: Vocabulary | Channels
        if train.kind == "series":
            reader = Channels.fit(train.channels, train.cases)
        elif s.unit == "subwords":
            from gruta.data.subwords import learn_subwords

            reader = learn_subwords(train.cases, s.lower, s.subwords)
        else:
            reader = Vocabulary.fit(train.cases, s.unit, s.lower, s.fewest)
        found = list(train.require_labels())
        labels = tuple(sorted(set(found)))
        return ClassCodec(reader, labels, tuple(map(found.count, labels)), s.longest)

    def network(self, codec: ClassCodec, settings: ClassifySettings) -> "ClassifyNetwork":
        """Untrained."""
        from gruta.tasks.classify.network import ClassifyNetwork

        return ClassifyNetwork(codec, settings)

    def lesson(
        self,
        network: "ClassifyNetwork",
        codec: ClassCodec,
        data: CasesInParts,
        settings: ClassifySettings,
    ) -> "ClassifyLesson":
        """Batches by length."""
        from gruta.tasks.classify.lesson import ClassifyLesson

        return ClassifyLesson(network, codec, data.train, data.validation, settings)

    def settle(self, lesson: "ClassifyLesson", codec: ClassCodec) -> ClassCodec:
        """How much naive Bayes weighs, and the temperature, by what the validation part likes."""
        scores, bayes = lesson.scores(), lesson.bayes()
        return codec.tempered(scores, lesson.truth, bayes)

    def head(self, trained: "Trained[ClassCodec]") -> "ClassifyHead":
        """The network on NumPy arrays."""
        from gruta.tasks.classify.head import head_of

        return head_of(trained)

    def held_out(self, source: Any, settings: ClassifySettings) -> Mapping[str, Any] | None:
        """The test's own file, or the share of each class that was held out."""
        if settings.test:
            return {"source": settings.test, "train": source}
        return {"source": source} if settings.test_share else None

    def answer(self, trained: "Trained[ClassCodec]", source: Any) -> "pl.DataFrame":
        """The class of each case, how certain it is, and the probability of each class."""
        import polars as pl

        from gruta.tasks.classify.answers import probabilities

        cases = read(source, trained.settings)
        found, labels = probabilities(trained, cases), trained.codec.labels
        answers = [labels[k] for k in found.argmax(1)]
        columns: dict[str, Any] = {"case": cases.names, "label": answers, "certainty": found.max(1)}
        return pl.DataFrame(columns | {f"p({one})": found[:, k] for k, one in enumerate(labels)})

    def evaluate(
        self,
        trained: "Trained[ClassCodec]",
        source: Any,
        *,
        train: Any = None,
        like: "Evaluation | None" = None,
    ) -> "Evaluation":
        """Scores on the test part of what was trained on, or on all of other cases.

        train: what was trained on, for the simple models, where `source` is not that; by default
        what the run read, if that is still there and the same. like: of another network, trained
        and scored on the same; its simple models are not fitted again.
        """
        from gruta.tasks.classify.evaluation import evaluate

        s = trained.settings
        known = to_score(
            trained,
            read(source, s),
            lambda one: in_parts(read(one, s), s),
            train=train,
            again=trained.source,
        )
        learned = known.parts.train if known.parts else None
        return evaluate(trained, known.test, learned, seen=known.seen, like=like)

    def judged(self, found: "Evaluation") -> Judged:
        """The share of right answers."""
        right = found.answers == found.truth
        return Judged(self.metrics[0], len(right), lambda some: float(right[some].mean()))

    def verdict(self, found: "Evaluation") -> str:
        """Against the best simple model."""
        from gruta.tasks.classify.report import verdict

        return verdict(found)

    def scores(self, found: "Evaluation") -> "Table":
        """A row a model."""
        from gruta.tasks.classify.report import scores

        return scores(found)

    def report(
        self, trained: "Trained[ClassCodec]", found: "Evaluation", metrics: list[dict[str, Any]]
    ) -> Report:
        """How good it is, where it errs and how sure it is, how it learned."""
        from gruta.tasks.classify.report import report

        return report(trained, found, metrics)

    def look(self, trained: "Trained[ClassCodec]", source: Any, *, number: int = 1) -> Look:
        """One case, and how likely the network finds its class, or the one that it gives."""
        from gruta.tasks.classify.look import look

        return look(trained, read(source, trained.settings), number)

    def portrait(self, trained: "Trained[ClassCodec]", source: Any = None) -> "Portrait":
        """Its layers, and some cases."""
        from gruta.tasks.classify.portrait import portrait

        return portrait(trained, None if source is None else read(source, trained.settings))


def in_parts(cases: "Cases", settings: ClassifySettings) -> CasesInParts:
    """Training, validation and test; what is cut from one thing, or says the same, stays together.

    InputError where they are too few.
    """
    from gruta.data.parts import stratified

    s, labels, groups = settings, cases.require_labels(), cases.groups or cases.contents()
    held, rest = stratified(labels, groups, 0.0 if s.test else s.test_share, s.seed)
    seen = cases.pick(rest)
    own = [groups[i] for i in rest]
    chosen, learned = stratified(seen.labels or (), own, s.validation_share, s.seed)
    few = not len(chosen) or len(set(seen.pick(learned).labels or ())) < 2
    if few or not (len(held) or s.test or not s.test_share):
        problem = _(
            "{source}: {count} cases of {classes} classes are too few to train, validate and test "
            "on; expected two classes or more, of several different cases each"
        )
        raise InputError(
            problem.format(source=cases.source, count=number(len(cases)), classes=len(set(labels)))
        )
    return CasesInParts(seen.pick(learned), seen.pick(chosen), cases.pick(held))


def require_alike(test: "Cases", train: "Cases") -> None:
    """InputError unless a test can be scored by what is trained on `train`."""
    from gruta.tasks.classify.answers import described

    if (test.kind, test.channels) != (train.kind, train.channels):
        from gruta.tasks.classify.answers import described

        wanted, found = (described(c.kind, c.channels) for c in (train, test))
        problem = _(
            "{test}: expected {wanted}, as in {train}, found {found}; give a test of the same kind"
        )
        raise InputError(
            problem.format(test=test.source, wanted=wanted, train=train.source, found=found)
        )
    unknown = sorted({*map(str, test.require_labels())} - {*map(str, train.require_labels())})
    if unknown:
        problem = _(
            "{test}: the classes {unknown} are not among those of {train}; train with them, or "
            "leave those cases out"
        )
        raise InputError(
            problem.format(test=test.source, unknown=", ".join(unknown[:5]), train=train.source)
        )


def read(source: Any, settings: ClassifySettings) -> "Cases":
    """The cases of a file, a folder, a frame or Python's lists, by the settings' columns."""
    from gruta.data.labelled import Columns, read_cases

    s = settings
    return read_cases(source, Columns(s.text, s.label, s.case, s.time, s.group), reading(s))


TASK = ClassifyTask()
