"""From values that a person gives to settings."""

from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from gruta.errors import InputError

S = TypeVar("S", bound=BaseModel)


def resolve(model: type[S], given: dict[str, Any]) -> S:
    """The settings `model` with these values; InputError names each one that does not fit."""
    try:
        return model(**given)
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(map(str, e['loc'])) or 'settings'}: {e['msg']}, got {e['input']!r}"
            for e in error.errors(include_url=False)
        )
        raise InputError(problems) from None
