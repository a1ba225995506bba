"""Equations as MathML, which browsers typeset without a script or a font of their own.

They are written as one would type them, r_t = σ(W_ir x_t + b_ir + W_hr h_(t−1)): after an
underscore comes what stands below the line, and a space between two names multiplies them.
"""

import re
from collections.abc import Iterator
from html import escape

_TOKEN = re.compile(
    r"(?P<space>\s*)(?:(?P<number>\d+(?:[.,]\d+)*)|(?P<name>[^\W\d_]+)"
    r"|_(?P<below>\([^)]*\)|[^\W_]+(?:_[^\W_]+)*)|(?P<sign>\S))"
)
_CLOSING = {"(": ")", "[": "]"}
_TIMES, _OF = "<mo>\u2062</mo>", "<mo>\u2061</mo>"


def mathml(*equal: str) -> str:
    """One expression for a line of text, or several equal ones below each other."""
    if len(equal) == 1:
        return f"<math>{_typeset(equal[0])}</math>"
    first, *others = map(_typeset, equal)
    rows = "".join(
        f"<mtr><mtd>{first if k == 0 else ''}</mtd><mtd><mo>=</mo>{other}</mtd></mtr>"
        for k, other in enumerate(others)
    )
    return f'<math display="block"><mtable>{rows}</mtable></math>'


def _typeset(text: str) -> str:
    # In a row of its own a minus at the beginning is a sign, and no subtraction.
    return f"<mrow>{''.join(_marked_up(_TOKEN.finditer(text)))}</mrow>"


def _bracket(sign: str) -> str:
    """As tall as the letters: browsers without a font for mathematics draw taller ones badly."""
    return f'<mo stretchy="false">{sign}</mo>'


def _marked_up(tokens: Iterator[re.Match[str]], until: str = "") -> list[str]:
    """Each part up to a closing bracket, which is taken and left out."""
    found: list[str] = []
    after_name = False
    for token in tokens:
        kind, text = token.lastgroup, token[token.lastgroup or 0]
        if text == until:
            break
        if after_name and kind == "name":
            found.append(_TIMES)
        if kind == "below":
            found[-1] = f"<msub>{found[-1]}{_below(text)}</msub>"
        elif kind == "number":
            found.append(f"<mn>{text}</mn>")
        elif kind == "name":
            found.append(f"<mi>{escape(text)}</mi>")
        elif text in _CLOSING:
            if after_name and text == "(":
                found.append(_TIMES if token["space"] else _OF)
            inner = "".join(_marked_up(tokens, _CLOSING[text]))
            found.append(f"{_bracket(text)}<mrow>{inner}</mrow>{_bracket(_CLOSING[text])}")
        else:
            found.append(f"<mo>{escape(text)}</mo>")
        after_name = kind in ("name", "below")
    return found


def _below(text: str) -> str:
    """A word, several, or an expression in brackets."""
    if text.startswith("("):
        return _typeset(text[1:-1])
    words = [f"<mi>{escape(word)}</mi>" for word in text.split("_")]
    return "<mrow>" + '<mspace width="0.2em"></mspace>'.join(words) + "</mrow>"
