"""The page that says who runs what right is the doctor's own table."""

from pathlib import Path

import pytest

from gruta.exchange.doctor.page import FILES, page

DOCS = Path(__file__).parents[4] / "docs"


@pytest.mark.skipif(not DOCS.is_dir(), reason="the documents are not here")
@pytest.mark.parametrize("language", FILES)
def test_the_page_is_what_the_doctor_says_now(language):
    assert (DOCS / FILES[language]).read_text() == page(language)


def test_the_page_tells_what_decides():
    lines = {line.split(" | ")[0].strip("| "): line for line in page("en").splitlines()}
    assert lines["a GRU as torch.nn computes it, sizes fixed"].count("✓") == 8
    assert lines["clip"].split("|")[2:5] == [" ✓ ", " ✓ ", " ✓ "]
