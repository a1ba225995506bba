"""What people read, in their language: English in the code, other languages in catalogues here.

A catalogue is a TOML file that maps an English text to its translation, so it needs no compiler and
reads well in review. The language comes from `GRUTA_LANG`, else from LC_ALL, LC_MESSAGES or LANG.
"""

import functools
import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

LANGUAGES = ("en", "pt_BR")

_chosen: ContextVar[str | None] = ContextVar("language", default=None)


def language() -> str:
    """The language in use: "en" or "pt_BR"."""
    return _chosen.get() or _from_environment()


@contextmanager
def spoken(name: str) -> Iterator[None]:
    """Use a language inside a with block; see `known` for the names."""
    token = _chosen.set(known(name))
    try:
        yield
    finally:
        _chosen.reset(token)


def known(name: str) -> str:
    """The language that `name` means (pt, pt-BR, …); ValueError if there is no catalogue for it."""
    short = name.replace("-", "_").split(".")[0].lower()
    for candidate in LANGUAGES:
        if short in (candidate.lower(), candidate.split("_")[0].lower()):
            return candidate
    raise ValueError(
        translate("expected one of {known}, got {name!r}").format(
            known=", ".join(LANGUAGES), name=name
        )
    )


def translate(text: str) -> str:
    """`text` in the language in use; English where the catalogue lacks it."""
    return _catalogue(language()).get(text, text)


def _from_environment() -> str:
    for variable in ("GRUTA_LANG", "LC_ALL", "LC_MESSAGES", "LANG"):
        if value := os.environ.get(variable):
            return "pt_BR" if value.lower().startswith("pt") else "en"
    return "en"


@functools.cache
def _catalogue(name: str) -> dict[str, str]:
    if name == "en":
        return {}
    # English needs neither, and is asked where a model starts in milliseconds.
    import tomllib
    from importlib import resources

    text = resources.files(__name__).joinpath(f"{name}.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)
