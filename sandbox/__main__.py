"""`python -m sandbox` is the command `rolestage`."""

from sandbox.cli import main

main()
