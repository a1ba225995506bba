"""The catalogues hold every text that the code hands to `translate`, and nothing else."""

import ast
import string
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

import gruta
from gruta import locale
from gruta.tasks.registry import all_tasks, commands
from gruta.ways_to_clip import WAYS

ROOT = Path(gruta.__file__).parent


def catalogue() -> dict[str, str]:
    return tomllib.loads((ROOT / "locale" / "pt_BR.toml").read_text(encoding="utf-8"))


def calls() -> Iterator[ast.Call]:
    for path in ROOT.rglob("*.py"):
        if not path.name.startswith("test_"):
            tree = ast.parse(path.read_text(encoding="utf-8"))
            yield from (node for node in ast.walk(tree) if isinstance(node, ast.Call))


def literals(node: ast.expr) -> Iterator[str]:
    """The texts that an argument may be: a literal, or a choice of several."""
    match node:
        case ast.Constant(value=str(text)):
            yield text
        case ast.IfExp() | ast.BoolOp():
            choices = [node.body, node.orelse] if isinstance(node, ast.IfExp) else node.values
            for choice in choices:
                yield from literals(choice)


def texts() -> set[str]:
    """Texts given to `_`, and those that reach it by way of a setting or a table."""
    found = {
        text
        for call in calls()
        if isinstance(call.func, ast.Name) and call.func.id == "_" and call.args
        for text in literals(call.args[0])
    }
    return (found | indirect()) - {""}


def indirect() -> set[str]:
    from gruta.demo.run import JOBS

    ways = WAYS.values()
    found = {*(job.title for job in JOBS), *(way.told for way in ways), *(way.unit for way in ways)}
    for task in all_tasks():
        found |= {task.summary, task.input.help, *(metric.title for metric in task.metrics)}
        options = task.options
        models = [task.settings, options.evaluate, options.predict, options.inspect]
        models.append(options.explain)
        models += [own.options for own in commands()]
        for field in (field for model in models for field in model.model_fields.values()):
            about = field.json_schema_extra or {}
            found |= {field.description or "", about.get("panel", ""), about.get("shown", "")}
    return found


IN_ENGLISH = ("data/", "codec/", "tasks/forecast/evaluation.py")
"""What speaks of files, or of a stamp in one."""


def test_what_options_have_to_be_is_told_in_the_readers_language():
    """An InputError of a setting, or one that begins with an option, has no text of its own."""
    for path in ROOT.rglob("*.py"):
        if path.name.startswith("test_") or str(path.relative_to(ROOT)).startswith(IN_ENGLISH):
            continue
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(call, ast.Call) and ast.unparse(call.func) == "InputError":
                named = [k.value for k in call.keywords]
                named += [a for a in call.args if ast.unparse(a).lstrip("f'\"").startswith("--")]
                plain = [n for n in named if isinstance(n, ast.Constant | ast.JoinedStr)]
                assert not plain, f"{path}: {ast.unparse(call)}"


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


def test_every_text_is_translated():
    assert texts() - catalogue().keys() == set()


def test_no_translation_is_left_over():
    assert catalogue().keys() - texts() == set()


@pytest.mark.parametrize("text", catalogue())
def test_placeholders_agree(text):
    assert placeholders(catalogue()[text]) == placeholders(text)


def test_language_is_chosen_inside_a_block():
    with locale.spoken("pt"):
        assert (locale.language(), locale.translate("naive")) == ("pt_BR", "ingênua")
        with locale.spoken("en"):
            assert locale.translate("naive") == "naive"
        assert locale.language() == "pt_BR"


@pytest.mark.parametrize("name", ["pt", "pt-br", "PT_BR", "pt_BR.UTF-8"])
def test_portuguese_has_several_names(name):
    assert locale.known(name) == "pt_BR"


def test_unknown_language_is_refused():
    with pytest.raises(ValueError, match="expected one of en, pt_BR, got 'xx'"):
        locale.known("xx")
