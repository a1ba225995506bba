"""Equations as MathML: what stands below the line, what is a sign, what multiplies."""

from xml.etree import ElementTree

import pytest

from gruta.report.mathml import mathml


def told(*equal):
    """The markup's parts in a line: below as _{}, everything else as it is."""

    def of(node):
        if node.tag == "msub":
            return f"{of(node[0])}_{{{of(node[1])}}}"
        if node.tag == "mspace":
            return " "
        return (node.text or "") + "".join(map(of, node))

    return of(ElementTree.fromstring(mathml(*equal)))


@pytest.mark.parametrize(
    ("equation", "expected"),
    [
        ("W_ir x_t", "W_{ir}\u2062x_{t}"),
        ("h_(t−1)", "h_{t−1}"),
        ("σ(W_input_reset · x_t)", "σ\u2061(W_{input reset}·x_{t})"),
        ("W_hn (r_t ⊙ h_(t−1))", "W_{hn}\u2062(r_{t}⊙h_{t−1})"),
        ("V[0, 3] · h_t[3]", "V[0,3]·h_{t}[3]"),
        ("1.234,5 · (−0,0163)", "1.234,5·(−0,0163)"),
        ("a < b & c", "a<b&c"),
        ("b_z = ln u", "b_{z}=ln\u2061 u"),
        ("g min(1, c)", "g\u2062 min\u2061(1,c)"),
        ("h̄_v − h̄", "h̄_{v}−h̄"),
    ],
)
def test_expressions(equation, expected):
    assert told(equation) == expected


def test_minus_after_a_bracket_or_an_equals_sign_is_a_sign():
    """It begins a row of its own, where browsers set it close to its number."""
    tree = ElementTree.fromstring(mathml("a", "b · (−1)", "−2"))
    signs = [row for row in tree.iter("mrow") if len(row) > 1 and row[0].text == "−"]
    assert [row[1].text for row in signs] == ["1", "2"]


def test_equal_expressions_stand_below_each_other():
    assert told("h_t", "1 + 2", "3") == "h_{t}=1+2=3"
    assert mathml("h_t", "1 + 2", "3").count("<mtr>") == 2


@pytest.mark.parametrize(
    ("equation", "tag", "parts"),
    [
        ("h^2", "msup", ["h", "2"]),
        ("J_(t+1)^⊤", "msubsup", ["J", "t+1", "⊤"]),
        ("(a − b)^2", "msup", ["(a−b)", "2"]),
        ("∑_s h_s", "munder", ["∑", "s"]),
        ("∏_(t=1)^50 w", "munderover", ["∏", "t=1", "50"]),
        ("{∂L}/{∂h_t} + 1", "mfrac", ["∂L", "∂ht"]),
        ("{a}/{{b}/{c}}", "mfrac", ["a", "bc"]),
    ],
)
def test_what_stands_above_and_below(equation, tag, parts):
    found = next(ElementTree.fromstring(mathml(equation)).iter(tag))
    assert ["".join(part.itertext()) for part in found] == parts
