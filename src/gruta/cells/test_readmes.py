"""The derivations say the same in both languages."""

import re
from pathlib import Path

import pytest

WORD = re.compile(
    r"(?:\b[a-z] )?(?<![\w^])[^\W\d_]{2,}(?![\w^])|[,;'-]"
)  # with an article before it


def equations(path: Path) -> list[str]:
    """The indented lines of a README, less their words and stops."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return [" ".join(WORD.sub("", line).split()) for line in lines if line.startswith("    ")]


@pytest.mark.parametrize("cell", ["gru", "lstm", "rnn"])
def test_readme_in_portuguese_has_the_equations_of_the_one_in_english(cell):
    folder = Path(__file__).with_name(cell)
    english, portuguese = (equations(folder / f"README{end}.md") for end in ("", ".pt-BR"))
    assert len(english) > 5
    assert portuguese == english
