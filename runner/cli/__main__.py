"""`python -m runner.cli`, where no `golf` is on the path."""

from runner.cli.entry import main

main()
