"""What is said of a file that is read as music and is none."""

from gruta.errors import InputError


class NoMusic(InputError):
    """A file that may hold anything, as JSON and XML may, holds something else."""
