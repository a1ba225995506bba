"""The catalogues hold every text that the code hands to `translate`, and nothing else; and every
text that a person reads is handed to it.
"""

import ast
import re
import string
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import gruta
from gruta import locale
from gruta.cells.op import Path as PathOfCall
from gruta.tasks.generate.notes.metrics import METRICS as OF_NOTES
from gruta.tasks.registry import all_tasks, commands
from gruta.ways_to_clip import WAYS

ROOT = Path(gruta.__file__).parent


@cache
def catalogue() -> dict[str, str]:
    return tomllib.loads((ROOT / "locale" / "pt_BR.toml").read_text(encoding="utf-8"))


@cache
def trees() -> dict[str, ast.Module]:
    """The code, without tests, by path."""
    files = [path for path in ROOT.rglob("*.py") if not path.name.startswith(("test_", "conftest"))]
    files = [path for path in files if "tests" not in path.parts]
    return {
        path.relative_to(ROOT).as_posix(): ast.parse(path.read_text(encoding="utf-8"))
        for path in files
    }


def calls() -> Iterator[ast.Call]:
    for tree in trees().values():
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


TRANSLATED_BY = ("_", "translate", "Reason")


def is_translated(node: ast.AST) -> bool:
    called = isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    return called and node.func.id in TRANSLATED_BY


@cache
def texts() -> set[str]:
    """Texts given to `_`, and those that reach it by way of a setting or a table."""
    found = {
        text
        for call in calls()
        if is_translated(call) and call.args
        for text in literals(call.args[0])
    }
    return (found | indirect()) - {""}


def indirect() -> set[str]:
    from gruta.demo.run import JOBS
    from gruta.serve.settings import ServeSettings

    ways = WAYS.values()
    found = {*(job.title for job in JOBS), *(way.told for way in ways), *(way.unit for way in ways)}
    found |= {path.value for path in PathOfCall}
    for task in all_tasks():
        found |= {task.summary, task.input.help, *(metric.title for metric in task.metrics)}
    found |= {metric.title for metric in OF_NOTES}
    for task in all_tasks():
        options = task.options
        models = [task.settings, options.evaluate, options.predict, options.inspect]
        models.append(options.explain)
        models.append(options.generate)
        models.append(options.spread)
        models.append(ServeSettings)
        models += [own.options for own in commands()]
        for field in (field for model in models for field in model.model_fields.values()):
            about = field.json_schema_extra or {}
            found |= {field.description or "", about.get("panel", ""), about.get("shown", "")}
    return found


# Words that stay as they are, by where they are written and why.
INVARIANT = {
    "names that programs compare, told in words elsewhere": {
        r"(bench|cli|studies|demo|data|reading|tasks|codec)\S*": r"instruction set|model name|"
        r"cpu family|step, training|kept in 16 bits|last frame|"
        r"each key( after the last frame)?|linear rich|seasonal naive.*|naive Bayes|"
        r"(time|series|first) column|decimal mark|business day|.* gradient.*|time constant over "
        r"need|clipped share|update ratio, (low|high)|as chosen|4 places in a window|weight decay "
        r"0.01|a parameter of another process",
        r"health/gradients.py": r"a parameter of another process",
    },
    "how a frequency is called, in options, files and on screen alike": {
        r"codec/series/(infer|months|weeks|rows|local).py": r".*",
    },
    "commands, code, schemas, formulas and patterns": {
        r"cli/examples.py|report/mathml.py|studies/equations.py|cells/op/(library|onnx_nodes).py": (
            r".*"
        ),
        r"lab/(guard|page).py|cli/lab.py": r"default-src .*|<script .*|gruta lab --make",
        r"insight/by_hand.py|studies/(vanishing|exploding|memory|advice/report).py": r".*[_{].*",
        r"health/advice.py": r"gruta\..*",
        r"demo/report.py": r"make demo",
        r"exchange/doctor/page.py": r"gruta doctor .*|model.onnx .*",
        r"selfcheck.py|insight/run.py": r"GRUTA_ISA must be one of|Inference tensors .*",
    },
    "C, whose comments are in English as all code's": {
        r"exchange/c/(?!build)\w+.py": r".*",
        r"exchange/c/build.py": r"typedef .*|#.*|largest error .*",
    },
    "documents that programs read": {
        r"serve/(openapi|metrics).py": r".*",
    },
    "what make soak tells those who work on this": {
        r"serve/load/(soak|client).py": r".*",
    },
    "names of metrics, of matplotlib's, of rich's and of the makers'": {
        r".*": r"sMAPE %|outside \w+ \w+|offset points|axes fraction|DejaVu Sans|bold green|"
        r"ONNX Runtime|neuralforecast GRU|darts RNNModel|gruta, (Model.stream|Step)",
    },
    "words of the language that is spoken, whatever the reader's": {
        r"codec/text/(numerals|spoken/\w+).py": r".*",
    },
    "as Python says it": {
        r".*__init__.py|cli/own.py": r"module .* has no attribute .*",
        r"extras.py": r"No module named .*",
    },
}


def is_invariant(path: str, text: str) -> bool:
    return any(
        re.fullmatch(where, path) and re.fullmatch(what, text, re.DOTALL)
        for kinds in INVARIANT.values()
        for where, what in kinds.items()
    )


def untranslated(tree: ast.Module) -> Iterator[tuple[ast.expr, str]]:
    """Texts that no call translates; of an f-string what is literal, with {} between."""
    inside: set[ast.AST] = set()
    for node in ast.walk(tree):
        match node:
            case ast.Expr(value=ast.Constant()):  # a docstring
                inside.add(node.value)
            case (
                ast.FunctionDef(returns=ast.expr() as kind) | ast.arg(annotation=ast.expr() as kind)
            ):
                inside.update(ast.walk(kind))
            case ast.Assert():  # for bugs of ours
                inside.update(ast.walk(node))
            case ast.JoinedStr():
                inside.update(part for part in node.values if isinstance(part, ast.Constant))
            case ast.Call() if is_translated(node):
                inside.update(ast.walk(node.args[0]))
            case ast.Call(func=ast.Name(id="Field" | "Metric")):  # see `indirect`
                inside.update(ast.walk(node))
    for node in ast.walk(tree):
        if node in inside:
            continue
        match node:
            case ast.Constant(value=str(text)):
                yield node, text
            case ast.JoinedStr():
                parts = (p.value if isinstance(p, ast.Constant) else "{}" for p in node.values)
                yield node, "".join(map(str, parts))


SENTENCE = re.compile(r"[A-Za-z]+[,:;.)'’]* [(]?[A-Za-z]{2,}")
"""Two words in a row."""


def missing(path: str, tree: ast.Module) -> list[str]:
    return [
        f"{path}:{node.lineno}: {text!r}"
        for node, text in untranslated(tree)
        if SENTENCE.search(text) and text not in texts() and not is_invariant(path, text)
    ]


SHOWN_BY = re.compile(
    r"(\w+Error|Exists|InUse|OtherRun|Diverged|NonFiniteGradient)|warn|refuse|mistake|print|echo|"
    r"add_column|set_(xlabel|ylabel|title)|title|note|BadParameter"
)
"""What shows a person the texts that it is given."""

WORD = re.compile(r"(?<![\w./<>{-])[A-Za-z]{2,}(?![\w./=(-])")


def shown_as_it_is(path: str, tree: ast.Module) -> list[str]:
    """Arguments of these calls that have a word which is not translated."""
    plain = {node: text for node, text in untranslated(tree)}
    found = []
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
        name = ast.unparse(call.func).rpartition(".")[2]
        shows = SHOWN_BY.fullmatch(name) and name not in ("AssertionError", "AttributeError")
        given = [*call.args] if shows else []
        given += [
            k.value
            for k in call.keywords
            if k.arg in (SAID_IN if not shows else {k.arg} - NO_TEXTS)
        ]
        found += [
            f"{path}:{call.lineno}: {plain[node]!r}"
            for argument in given
            for node in (argument, *branches(argument))
            if node in plain
            and WORD.search(plain[node].replace("gruta: ", ""))
            and plain[node] not in texts()
            and not is_invariant(path, plain[node])
        ]
    return found


SAID_IN = {"caption", "header", "help", "label", "title", "xlabel", "ylabel"}
NO_TEXTS = {
    "overflow",
    "justify",
    "style",
    "file",
    "end",
    "loc",
    "box",
    "title_justify",
    "category",
}


def branches(node: ast.expr) -> list[ast.expr]:
    """What an argument may be, or is put together from."""
    match node:
        case ast.IfExp():
            parts = [node.body, node.orelse]
        case ast.BinOp(op=ast.Add()):
            parts = [node.left, node.right]
        case ast.BoolOp():
            parts = node.values
        case _:
            return []
    return parts + [inner for part in parts for inner in branches(part)]


def test_every_sentence_is_handed_to_translate():
    assert [line for path, tree in trees().items() for line in missing(path, tree)] == []


def test_what_is_raised_printed_or_drawn_is_handed_to_translate():
    assert [line for path, tree in trees().items() for line in shown_as_it_is(path, tree)] == []


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


def test_every_text_is_translated():
    assert texts() - catalogue().keys() == set()


def test_no_translation_is_left_over():
    assert catalogue().keys() - texts() == set()


def test_placeholders_agree():
    pairs = catalogue().items()
    assert [text for text, told in pairs if placeholders(told) != placeholders(text)] == []


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
