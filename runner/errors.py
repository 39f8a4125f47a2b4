"""The one error tree of the referee.

UserError            bad input: one message, exit code 2, nothing half-written
└── DataError        shards, tokenizers or corpora that are missing or wrong

Anything else that escapes is a bug of ours and keeps its traceback. What a *run* does wrong is no
exception at all but a `RunResult` with a reason.
"""

from __future__ import annotations


class UserError(Exception):
    """What happened, where (file, line, field), and what to do about it."""


class DataError(UserError):
    """Data that is missing, damaged or does not fit the job."""
