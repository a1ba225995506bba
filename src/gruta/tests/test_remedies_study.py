"""What the study of remedies makes of its trials."""

import pytest

from gruta.locale import spoken
from gruta.studies import remedies
from gruta.studies.real import SERIES
from gruta.studies.remedies import KEEPS, Fit, Found, Trial, counts


def trial(series, *errors, told=0):
    """Errors: as it is and as advised, of each seed; told: how many seeds got the advice."""
    rules = [frozenset({"short_memory"} if k < told else ()) for k in range(len(errors))]
    as_is = [Fit(before, 1.0, own) for (before, _), own in zip(errors, rules, strict=True)]
    return Trial(series, as_is, [Fit(after, 1.0, frozenset()) for _, after in errors])


TRIALS = [
    trial(SERIES[4], (1.0, 0.9), (1.0, 1.0), told=1),
    trial(SERIES[5], (2.0, 2.2), (2.0, 2.0), told=2),
    trial(SERIES[6], (1.0, 1.004), (1.0, 1.004)),
]


def test_change_is_that_of_the_mean_over_the_seeds_and_a_small_one_is_none():
    assert [t.change for t in TRIALS] == pytest.approx([-0.05, 0.05, 0.004])
    assert counts(TRIALS) == {"lower": 1, "same": 1, "higher": 1}
    assert [t.told(KEEPS.rules) for t in TRIALS] == [1, 2, 0]


def test_report_tells_how_often_the_error_fell_and_where_the_advice_was_given():
    with spoken("pt_BR"):
        _symbols, section = remedies.sections(Found({KEEPS: TRIALS}))
    (text,) = section.paragraphs
    assert "De 3 séries, o erro caiu em 1, subiu em 1" in text
    assert "O conselho foi dado em 2 delas" in text
    assert [row[4] for row in section.content[1].rows] == ["−5,0%", "+5,0%", "+0,4%"]
