"""What the page says in whichever language is chosen there, so that it is told in both."""

from gruta.locale import spoken, translate

CODES = {"en": "en", "pt": "pt_BR"}
"""The languages as the page calls them, and as the catalogue does."""


def both(text: str, **values: object) -> dict[str, str]:
    """An English text of the catalogue in both languages, its places filled."""
    found = {}
    for code, language in CODES.items():
        with spoken(language):
            found[code] = translate(text).format(**values) if values else translate(text)
    return found
