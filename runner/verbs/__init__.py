"""What the command line's verbs do, for those that need no reporter; `runner/cli/app.py` names them all."""
