"""The command line: verbs and paths; every knob lives in the job's YAML.

The composition root, and the only package that may import the reporter; verbs that need no reporter are in
`runner/verbs/`. Heavy modules are imported inside the verbs, so that `golf --help` answers at once. Exit codes:
0 passed, 1 rejected, 2 the user's error (nothing ran), 3 unverified, 70 a fault of golf's own, 130 interrupted.
"""
