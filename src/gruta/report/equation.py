"""Equations typed as plain text, set as MathML: no script, no font of their own.

What is typed is what the cells' READMEs have, `h_t = (1 − z_t) ⊙ n_t + z_t ⊙ h_{t−1}`. A name of
one letter is a variable, a longer one a word (tanh, diag). `_` and `^` take the name or number that
follows, or a group in braces; `{a}/{b}` is a fraction. A space between two names is a thin one.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple
from xml.sax.saxutils import escape, quoteattr

_NAME = r"[^\W\d_]+[\u0300-\u036f]?|\d+(?:[.,]\d+)?"
_TOKEN = re.compile(rf"\s+|{_NAME}|.")
_NAMED = re.compile(_NAME)
_WITH_LIMITS = "∑∏"
_SCRIPTS = {"_": "sub", "^": "sup", "_^": "subsup"}
_LIMITS = {"_": "under", "^": "over", "_^": "underover"}
_THIN = '<mspace width="0.17em"/>'


class Line(NamedTuple):
    """An equation and what it is, in words."""

    text: str
    name: str = ""


@dataclass(frozen=True)
class Equation:
    """Lines of an equation, one below the other, with a name beside each."""

    lines: Sequence[Line]


def mathml(text: str) -> str:
    """An equation as a `<math>` element; ValueError where its brackets do not match."""
    body = _Parts(_TOKEN.findall(text)).row("")
    return f'<math displaystyle="true" alttext={quoteattr(text)}><mrow>{body}</mrow></math>'


class _Parts:
    """What is left to be read of an equation."""

    def __init__(self, tokens: list[str]) -> None:
        self.tokens = tokens
        self.at = 0

    def row(self, end: str) -> str:
        """Elements up to the bracket `end`, which is read too."""
        found: list[str] = []
        after_name = False
        while (token := self._next()) != end:
            if not token:
                raise ValueError(f"equation {''.join(self.tokens)!r}: expected another {end}")
            if token.isspace():
                if after_name and self._opens_name():
                    found.append(_THIN)
                continue
            after_name = bool(_NAMED.fullmatch(token)) or token in "({"
            found.append(self._with_scripts(token))
        return "".join(found)

    def _next(self) -> str:
        self.at += 1
        return self.tokens[self.at - 1] if self.at <= len(self.tokens) else ""

    def _peek(self) -> str:
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def _opens_name(self) -> bool:
        return bool(_NAMED.fullmatch(self._peek())) or self._peek() in ("{", "(", "∂")

    def _with_scripts(self, token: str) -> str:
        base, scripts, kind = self._element(token), "", ""
        while self._peek() in ("_", "^"):
            kind += self._next()
            scripts += self._element(self._next())
        if not kind:
            return base
        where = (_LIMITS if token in _WITH_LIMITS else _SCRIPTS)[kind]
        return f"<m{where}>{base}{scripts}</m{where}>"

    def _element(self, token: str) -> str:
        if token == "{":
            group = f"<mrow>{self.row('}')}</mrow>"
            if self.tokens[self.at : self.at + 2] != ["/", "{"]:
                return group
            self.at += 2
            return f"<mfrac>{group}<mrow>{self.row('}')}</mrow></mfrac>"
        if token == "(":
            return f"<mrow><mo>(</mo>{self.row(')')}<mo>)</mo></mrow>"
        if token[0].isdigit():
            return f"<mn>{token}</mn>"
        if token[0].isalpha():
            return f"<mi>{token}</mi>"
        fence = ' stretchy="false"' if token in "‖|[]" else ""
        return f"<mo{fence}>{escape(token)}</mo>"
