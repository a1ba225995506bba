"""Trials on one storage, by any number of processes on any machines."""

import json
import shutil
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import optuna
from optuna.trial import FrozenTrial, Trial, TrialState

from gruta.errors import InputError, OtherRun
from gruta.locale import translate as _
from gruta.processes import called, has_ended
from gruta.settings import resolve
from gruta.tasks.fitting import fit
from gruta.tasks.task import Task
from gruta.train import Diverged, Progress
from gruta.tune.space import Space

BEAT, SILENT = 20.0, 120.0
"""Seconds between two signs of life of a trial, and after how many without one it is lost."""

PAUSE = 0.5
"""Seconds between two looks whether what others have under way has ended."""

RETRIES = 2
"""How often the settings of a trial whose process was lost are tried again."""

_WORKER, _ALIVE, _RETRY, _WHY, _CUT = "worker", "alive", "retry", "why", "interrupted"
_ENDED = (TrialState.COMPLETE, TrialState.PRUNED)


def storage_at(place: str) -> Any:
    """A journal's file or, for a URL, a database; InputError where it is not to be reached."""
    if "://" not in place:
        path = Path(place)
        if not path.parent.is_dir():
            problem = _("expected a directory to write {name} into, found none at {path}")
            raise InputError(storage=problem.format(name=path.name, path=path.parent))
        from optuna.storages.journal import JournalFileBackend

        try:
            return optuna.storages.JournalStorage(JournalFileBackend(str(path)))
        except (ValueError, KeyError, TypeError) as error:
            raise InputError(
                storage=_("{path}: not a journal of trials ({error})").format(
                    path=path, error=error
                )
            ) from error
    try:
        return optuna.storages.RDBStorage(place)
    except Exception as error:  # of whichever driver the URL names
        told = str(error).split("\n")[0]
        raise InputError(
            storage=_("{place}: {error}").format(place=place.split("@")[-1], error=told)
        ) from error


@dataclass
class Sweep:
    """A study: settings of a task that are tried on the same data.

    given: settings that all trials have. directory: where this process keeps its trials' runs.
    """

    task: Task[Any]
    data: Any
    fingerprint: str
    given: Mapping[str, Any]
    space: Space
    directory: Path
    study: optuna.Study

    @classmethod
    def begun(
        cls,
        task: Task[Any],
        data: Any,
        given: Mapping[str, Any],
        space: Space,
        directory: Path,
        storage: Any,
        name: str,
    ) -> "Sweep":
        """The study of this name, new or as it stands; InputError where it is another one's."""
        settings: Any = resolve(task.settings, dict(given))
        fingerprint = task.read(data, settings).fingerprint()
        own = {
            "task": task.name,
            "data": fingerprint,
            "given": json.loads(json.dumps(dict(given), sort_keys=True)),
            "space": {name: str(one) for name, one in sorted(space.items())},
        }
        pruner = optuna.pruners.MedianPruner(
            n_startup_trials=5, n_warmup_steps=max(1, settings.steps // 5)
        )
        study = optuna.create_study(
            storage=storage, study_name=name, pruner=pruner, load_if_exists=True
        )
        known = study.user_attrs
        changed = [key for key, value in own.items() if known.get(key, value) != value]
        if changed:
            words = {
                "task": _("task"),
                "data": _("data"),
                "given": _("settings"),
                "space": _("space of settings"),
            }
            problem = _(
                "{name}: the study was begun with another {what}; go on with the same, or give "
                "another name"
            )
            told = ", ".join(words[key] for key in changed)
            raise OtherRun(name=problem.format(name=name, what=told))
        for key, value in own.items():
            if key not in known:
                study.set_user_attr(key, value)
        # Who joins or goes on draws what nobody else does.
        seed = None if study.trials else settings.seed
        study.sampler = optuna.samplers.TPESampler(seed=seed)
        sweep = cls(task, data, fingerprint, given, space, directory, study)
        if not study.trials and all(one.has(getattr(settings, n)) for n, one in space.items()):
            study.enqueue_trial({n: getattr(settings, n) for n in space}, skip_if_exists=True)
        return sweep

    @property
    def ended(self) -> list[FrozenTrial]:
        """The trials that came to an end, pruned or not."""
        return self.study.get_trials(deepcopy=False, states=_ENDED)

    @property
    def best(self) -> FrozenTrial | None:
        """The trial with the lowest value; None where none is complete."""
        with suppress(ValueError):
            return self.study.best_trial
        return None

    @property
    def default(self) -> FrozenTrial | None:
        """The trial with the settings as they are without any search, if it is complete."""
        settings = self.settings({})
        wanted = {name: getattr(settings, name) for name in self.space}
        for trial in self.study.get_trials(deepcopy=False, states=[TrialState.COMPLETE]):
            if trial.params == wanted:
                return trial
        return None

    def settings(self, params: Mapping[str, Any]) -> Any:
        """The task's, with these of a trial."""
        return resolve(self.task.settings, dict(self.given) | dict(params))

    def place(self, number: int) -> Path:
        """Where the run of a trial lies that this machine has trained."""
        name = quote(self.study.study_name, safe="")  # others may keep theirs beside it
        return self.directory / "trials" / name / f"{number:04}"

    def go_on(self, trials: int, until: float, progress: Callable[[str, int], Any]) -> None:
        """Try settings until so many trials have ended, or no more may begin (time.monotonic()).

        Those that others have under way are waited for; where they are lost their settings are
        tried again. Raises Interrupted as training does; what was under way is tried again by who
        goes on.
        """
        while not self.is_over(trials, until):
            trial = self.asked(trials)
            if trial is None:
                time.sleep(PAUSE)
            else:
                self._try(trial, progress)

    def is_over(self, trials: int, until: float) -> bool:
        """Whether so many have ended, or no more may begin."""
        return len(self.ended) >= trials or time.monotonic() >= until

    def asked(self, trials: int) -> Trial | None:
        """The next to be tried; None where enough are under way. InputError where all fail."""
        self._give_up_on_the_lost()
        running = self.study.get_trials(deepcopy=False, states=[TrialState.RUNNING])
        if len(self.ended) + len(running) >= trials:
            return None
        every = self.study.get_trials(deepcopy=False, states=[TrialState.FAIL])
        failed = [trial for trial in every if _CUT not in trial.user_attrs]
        if len(failed) >= 4 * trials + 20 and len(failed) > 3 * len(self.ended):
            told = [trial.user_attrs[_WHY] for trial in failed if _WHY in trial.user_attrs]
            lost = _("the process of each was lost; is there enough memory for a trial?")
            problem = _("next to all trials fail, the last with: {why}")
            raise InputError(space=problem.format(why=told[-1] if told else lost))
        return self.study.ask()

    def drawn(self, trial: Trial) -> Any:
        """The settings of a trial; InputError where they do not go together."""
        return self.settings({name: one.suggest(trial, name) for name, one in self.space.items()})

    def _try(self, trial: Trial, progress: Callable[[str, int], Any]) -> None:
        place = self.place(trial.number)
        shutil.rmtree(place, ignore_errors=True)
        with self.ending(trial):
            settings = self.drawn(trial)
            with alive(trial), progress(f"{trial.number}", settings.steps) as shown:
                curve = _Curve(trial, shown)
                fitted = fit(self.task, self.data, settings, place, progress=curve)
            self.complete(trial, curve.best, fitted.stopwatch.total)

    def complete(self, trial: Trial, value: float | None, seconds: float) -> None:
        """It has come to its end, with this the lowest value of its validations."""
        trial.set_user_attr("seconds", round(seconds, 1))
        if value is None:
            raise Diverged(_("no validation gave a number"))
        self.study.tell(trial, value, skip_if_finished=True)

    @contextmanager
    def ending(self, trial: Trial) -> Iterator[None]:
        """What ends a trial inside is told to the study; only the best runs are kept."""
        try:
            yield
        except optuna.TrialPruned:
            self.study.tell(trial, state=TrialState.PRUNED, skip_if_finished=True)
        except (Diverged, InputError) as error:
            trial.set_user_attr(_WHY, str(error))
            self.study.tell(trial, state=TrialState.FAIL, skip_if_finished=True)
        except BaseException:
            self.interrupted(trial)
            raise
        finally:
            self._keep_the_best()

    def _keep_the_best(self) -> None:
        """Of the runs that lie here only those of the best trial and of the default, and of trials
        that are under way.
        """
        kept = [trial.number for trial in (self.best, self.default) if trial is not None]
        for trial in self.study.get_trials(deepcopy=False):
            if trial.state.is_finished() and trial.number not in kept:
                shutil.rmtree(self.place(trial.number), ignore_errors=True)

    def _give_up_on_the_lost(self) -> None:
        """Trials whose process is gone have failed, and their settings are to be tried again."""
        for trial in self.study.get_trials(deepcopy=False, states=[TrialState.RUNNING]):
            if _is_lost(trial):
                self.again(trial.number)

    def interrupted(self, trial: Trial) -> None:
        """Who asked has stopped it: it tells nothing of how trials do."""
        with suppress(optuna.exceptions.UpdateFinishedTrialError):
            trial.set_user_attr(_CUT, True)
        self.again(trial.number)

    def again(self, number: int) -> bool:
        """A trial has failed by no fault of its settings; whether they are to be tried again."""
        trial = self.study.get_trials(deepcopy=False)[number]
        with suppress(optuna.exceptions.UpdateFinishedTrialError, ValueError):
            self.study.tell(number, state=TrialState.FAIL)
            tries = int(trial.user_attrs.get(_RETRY, 0))
            if tries < RETRIES and trial.params:
                again = {_RETRY: tries + 1, "of": number}
                self.study.enqueue_trial(trial.params, user_attrs=again)
                return True
        return False


class _Curve(Progress):
    """The validations of a trial: told to the study, which may end it, and to a person."""

    def __init__(self, trial: Trial, shown: Progress) -> None:
        self._trial, self._shown = trial, shown
        self.best: float | None = None

    def validated(self, record: Mapping[str, Any], best: bool) -> None:
        """Tell the study of each but the one before the first step."""
        self._shown.validated(record, best)
        value = record.get("criterion", record["validation_loss"])
        if value is None:
            return
        self.best = value if self.best is None else min(self.best, value)
        if record["step"]:
            self._trial.report(self.best, record["step"])
            if self._trial.should_prune():
                raise optuna.TrialPruned

    def step(self, record: Mapping[str, Any]) -> None:
        """Shown."""
        self._shown.step(record)

    def note(self, message: str) -> None:
        """Shown."""
        self._shown.note(message)


@contextmanager
def alive(trial: Trial) -> Iterator[None]:
    """The trial has signs of life meanwhile."""
    trial.set_user_attr(_WORKER, called())
    over = threading.Event()

    def tell() -> None:
        while True:
            with suppress(Exception):  # a storage that is out of reach for a moment
                trial.set_user_attr(_ALIVE, time.time())
            if over.wait(BEAT):
                return

    thread = threading.Thread(target=tell, name="gruta-trial", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _is_lost(trial: FrozenTrial) -> bool:
    if has_ended(str(trial.user_attrs.get(_WORKER, ""))):
        return True
    begun = trial.datetime_start.timestamp() if trial.datetime_start else 0.0
    return time.time() - float(trial.user_attrs.get(_ALIVE, begun)) > SILENT
