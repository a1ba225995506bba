"""`python -m gruta`."""

from gruta.cli import main

main()
