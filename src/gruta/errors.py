"""The error that a person's input causes; the command line shows its message and exits with 2."""


class InputError(ValueError):
    """Something given from outside does not fit: a file, a column, a row, an argument.

    The message names it and says what was expected and what to do.
    """
