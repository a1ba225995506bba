"""Equations as MathML, which browsers typeset without a script or a font of their own.

They are written as one would type them, r_t = σ(W_ir x_t + b_ir + W_hr h_(t−1)): after an
underscore comes what stands below the line, after a caret what stands above it, {a}/{b} is a
fraction, and a space between two names multiplies them, or applies the first, if it is a word.
"""

import re
from collections.abc import Iterator
from html import escape

_TOKEN = re.compile(
    r"(?P<space>\s*)(?:(?P<number>\d+(?:[.,]\d+)*)|(?P<name>[^\W\d_]+[\u0300-\u036f]?)"
    r"|_(?P<below>\([^)]*\)|[^\W_]+[\u0300-\u036f]?(?:_[^\W_]+)*)|\^(?P<above>\([^)]*\)|[^\W_]+|\S)"
    r"|(?P<sign>\}/\{|\S))"
)
_CLOSING = {"(": ")", "[": "]"}
_TIMES, _OF = "<mo>\u2062</mo>", "<mo>\u2061</mo>"
_THIN = '<mspace width="0.17em"></mspace>'
_WITH_LIMITS = ("<mo>∑</mo>", "<mo>∏</mo>")


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
    after_name = after_word = False
    for token in tokens:
        kind, text = token.lastgroup, token[token.lastgroup or 0]
        if text == until:
            break
        if after_name and kind == "name":
            between = _OF if after_word else _TIMES
            found.append(between + _THIN if after_word or len(text) > 1 else between)
        if kind == "below":
            tag = "munder" if found[-1] in _WITH_LIMITS else "msub"
            found[-1] = f"<{tag}>{found[-1]}{_below(text)}</{tag}>"
        elif kind == "above":
            found[-1] = _raised(found[-1], _below(text))
        elif kind == "number":
            found.append(f"<mn>{text}</mn>")
        elif kind == "name":
            found.append(f"<mi>{escape(text)}</mi>")
        elif text in _CLOSING:
            if after_name and text == "(":
                found.append(_TIMES if token["space"] else _OF)
            inner = "".join(_marked_up(tokens, _CLOSING[text]))
            found.append(f"{_bracket(text)}<mrow>{inner}</mrow>{_bracket(_CLOSING[text])}")
        elif text == "{":
            parts = ("".join(_marked_up(tokens, end)) for end in ("}/{", "}"))
            found.append("<mfrac>" + "".join(f"<mrow>{part}</mrow>" for part in parts) + "</mfrac>")
        elif text == "‖":
            found.append(_bracket(text))
        else:
            found.append(f"<mo>{escape(text)}</mo>")
        after_name = kind in ("name", "below", "above")
        after_word = kind == "name" and len(text) > 1
    return found


def _raised(base: str, above: str) -> str:
    """With something above it, beside or over what stands below it."""
    for alone, both in (("msub", "msubsup"), ("munder", "munderover")):
        if base.startswith(f"<{alone}>"):
            inside = base.removeprefix(f"<{alone}>").removesuffix(f"</{alone}>")
            return f"<{both}>{inside}{above}</{both}>"
    return f"<msup><mrow>{base}</mrow>{above}</msup>"


def _below(text: str) -> str:
    """A word, several, a number or sign, or an expression in brackets."""
    if text.startswith("("):
        return _typeset(text[1:-1])
    if not text[0].isalpha():
        return f"<mn>{text}</mn>" if text[0].isdigit() else f"<mo>{escape(text)}</mo>"
    words = [f"<mi>{escape(word)}</mi>" for word in text.split("_")]
    return "<mrow>" + '<mspace width="0.2em"></mspace>'.join(words) + "</mrow>"
