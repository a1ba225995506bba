"""`python -m gruta.cli`."""

from gruta.cli import main

main()
