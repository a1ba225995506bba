"""From data to a trained network in scikit-learn's manners, for every task alike."""

from collections.abc import Sequence
from contextlib import ExitStack, nullcontext
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Generic, Self

from gruta.errors import InputError
from gruta.extras import remedy
from gruta.files import is_remote
from gruta.locale import translate as _
from gruta.runs.remote import fetched, working_copy
from gruta.settings import least, resolve
from gruta.tasks.task import C, Report, Task
from gruta.tasks.trained import FILES, Trained

if TYPE_CHECKING:
    from gruta.runtime.weights import Kind
    from gruta.stopwatch import Stopwatch
    from gruta.train import Progress


class Estimator(Generic[C]):
    """Settings, fitting, saving and loading; a task's own class has what it answers.

    After `fit` or `load`, `trained_` holds what was learned. After `fit`, `stopwatch_` tells where
    the time of the training went, and `metrics_` holds its records.
    """

    task: Task[Any]
    trained_: Trained[C]
    stopwatch_: "Stopwatch"
    metrics_: list[dict[str, Any]]
    _estimator_type: str | None = None
    """What scikit-learn calls its kind."""

    def __init__(self, **settings: Any) -> None:
        self.settings: Any = resolve(self.task.settings, settings)
        self._given = settings

    def __repr__(self) -> str:
        given = ", ".join(f"{name}={value!r}" for name, value in self._given.items())
        return f"{type(self).__name__}({given})"

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """The settings by name; `deep` is there for scikit-learn and changes nothing."""
        settings: dict[str, Any] = self.settings.model_dump()
        return settings | self._given

    def set_params(self, **settings: Any) -> Self:
        """Change settings; what was learned stays until the next `fit`.

        Settings that were left to their defaults follow those that they depend on.
        """
        model = self.task.settings
        given = least(model, self.settings.model_dump()) | settings
        self.settings, self._given = resolve(model, given), given
        return self

    def fit(
        self,
        data: Any,
        y: None = None,
        *,
        run: str | Path | None = None,
        resume: bool = False,
        progress: "Progress | None" = None,
    ) -> Self:
        """Train on `data`, but for the share that is held out for the test; `y` is there for
        scikit-learn's pipelines.

        run: a directory to keep the run in, or a URL of an object store (extra `remote`); with
        `resume`, one that holds a run of the same settings and data, which goes on where it
        stopped. InputError on data that does not fit.
        """
        try:
            from gruta.tasks.fitting import fit
            from gruta.train.ranks import current
        except ModuleNotFoundError as error:
            raise ImportError(remedy(error) or str(error)) from error
        with ExitStack() as stack:
            if run is not None and is_remote(run) and current().first:
                from gruta.tasks.mirrored import Mirrored
                from gruta.train import Progress as Silent

                remote = stack.enter_context(working_copy(str(run), resume=resume))
                place, progress = remote.folder, Mirrored(progress or Silent(), remote)
            else:
                place = Path(run or Path(stack.enter_context(TemporaryDirectory()), "run"))
            found = fit(self.task, data, self.settings, place, resume=resume, progress=progress)
        self.trained_, self.stopwatch_ = found.trained, found.stopwatch
        self.metrics_ = found.metrics
        return self

    def save(self, path: str | Path) -> None:
        """Write what `load` needs into a new directory."""
        self._fitted().save(Path(path))

    def export(self, path: str | Path, weights: "Kind" = "float32") -> None:
        """Write a model file, which `gruta.load` asks without PyTorch.

        weights: how matrices are stored: float32, float16, bfloat16 or int8. Rows of int8 are
        clipped as suits the validation part, where the files trained on are there unchanged.
        """
        from gruta.tasks.exporting import export
        from gruta.tasks.smaller import to_store

        export(to_store(self._fitted(), weights), Path(path), weights)

    def report(self, found: Any) -> Report:
        """An evaluation as a page: `report.save("page.html")`, `report.plot()["NAME"]`.

        How the network learned is a part of it after `fit`.
        """
        return self.task.report(self._fitted(), found, getattr(self, "metrics_", []))

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """What a finished run, or `save`, left in a directory or, for a URL, in an object store."""
        url = str(path) if is_remote(path) else ""
        with fetched(url, FILES) if url else nullcontext(Path(path)) as place:
            trained = Trained.load(place, cls.task)
        estimator = cls(**least(cls.task.settings, trained.settings.model_dump()))
        estimator.trained_ = trained
        return estimator

    def __sklearn_tags__(self) -> Any:
        from sklearn.utils import ClassifierTags, InputTags, Tags, TargetTags

        classifies = self._estimator_type == "classifier"
        return Tags(
            estimator_type=self._estimator_type,
            target_tags=TargetTags(required=classifies),
            classifier_tags=ClassifierTags() if classifies else None,
            input_tags=InputTags(two_d_array=False, string=True, allow_nan=True),
        )

    def _fitted(self) -> Trained[C]:
        if not hasattr(self, "trained_"):
            name = type(self).__name__
            raise InputError(
                _("{name}: nothing is learned yet; call fit, or load a run").format(name=name)
            )
        return self.trained_


class Taught(Estimator[C]):
    """One that learns from cases and what is expected of each."""

    def fit(
        self,
        data: Any,
        y: Sequence[Any] | None = None,
        *,
        run: str | Path | None = None,
        resume: bool = False,
        progress: "Progress | None" = None,
    ) -> Self:
        """Train on cases with what is expected of them, `y`, or on data that hold both; see
        `Estimator.fit`.
        """
        source = data if y is None else (data, y)
        return super().fit(source, run=run, resume=resume, progress=progress)
