"""Equations typed as text come out as MathML."""

import xml.etree.ElementTree as ElementTree

import pytest

from gruta.report.equation import mathml


def parsed(text: str) -> ElementTree.Element:
    return ElementTree.fromstring(mathml(text))


def test_step_of_a_gru_is_read_as_it_is_written():
    tree = parsed("h_t = (1 − z_t) ⊙ n_t + z_t ⊙ h_{t−1}")
    assert tree.get("alttext") == "h_t = (1 − z_t) ⊙ n_t + z_t ⊙ h_{t−1}"
    subscripts = ["".join(sub.itertext()) for sub in tree.iter("msub")]
    assert subscripts == ["ht", "zt", "nt", "zt", "ht−1"]
    assert "".join(tree.itertext()) == "ht=(1−zt)⊙nt+zt⊙ht−1"


def test_names_of_several_letters_are_one_word():
    words = [mi.text for mi in parsed("diag(1 − h_t^2) W_hh").iter("mi")]
    assert words == ["diag", "h", "t", "W", "hh"]
    ((power,),) = [[e for e in parsed("h_t^2").iter("msubsup")]]
    assert [child.text for child in power] == ["h", "t", "2"]


def test_groups_with_a_stroke_between_are_a_fraction():
    (fraction,) = parsed("{∂L}/{∂h_t} = 0").iter("mfrac")
    assert ["".join(part.itertext()) for part in fraction] == ["∂L", "∂ht"]
    assert not list(parsed("‖∂L/∂h_t‖").iter("mfrac"))


def test_sums_and_products_have_their_limits_above_and_below():
    assert list(parsed("∏_{t=1}^T J_t").iter("munderover"))


def test_space_between_two_factors_is_thin_and_between_others_none():
    assert len(list(parsed("W_ir x_t + b").iter("mspace"))) == 1


@pytest.mark.parametrize("text", ["(a", "a)_{b", "{a"])
def test_bracket_without_its_other_half_is_refused(text):
    with pytest.raises(ValueError, match="expected another"):
        mathml(text)


def test_what_means_something_in_html_is_text():
    assert "<script" not in mathml('a < b & "c" <script>')
    assert parsed('a < b & "c" <script>').tag == "math"
