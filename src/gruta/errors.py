"""The error that a person's input causes; the command line shows its message and exits with 2."""

from collections.abc import Callable


class InputError(ValueError):
    """Something given from outside does not fit: a file, a column, a row, an argument.

    The message names it and says what was expected and what to do. Where it is a setting or another
    argument by name, that name is told apart, `InputError(horizon="expected …")`: the command line
    has options in their place.
    """

    def __init__(self, message: str = "", /, **problems: str) -> None:
        self.message, self.problems = message, problems
        super().__init__(self.told())

    def told(self, name: Callable[[str], str] = str) -> str:
        """The whole message, with arguments called as `name` has them."""
        named = [f"{name(argument)}: {problem}" for argument, problem in self.problems.items()]
        return "; ".join([self.message, *named] if self.message else named)

    def __reduce__(self) -> tuple[Callable[..., "InputError"], tuple[str, dict[str, str]]]:
        """As its parts, so that copies and those in other processes have them too."""
        return _again, (self.message, self.problems)


class InUse(InputError):
    """Another process is at work there."""


class Exists(InputError):
    """A run is to be made where something lies."""


class OtherRun(InputError):
    """A run was started with other settings or data than those it is to go on with."""


class RankLost(RuntimeError):
    """One of the processes that train together has ended; the last checkpoint is kept.

    told: whether somebody has already said why.
    """

    def __init__(self, message: str, *, told: bool = False) -> None:
        super().__init__(message)
        self.told = told


def _again(message: str, problems: dict[str, str]) -> InputError:
    return InputError(message, **problems)
