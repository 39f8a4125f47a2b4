"""Which sources are spoiled, and which tests are to notice: those that are about them, and none that take minutes."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Subject:
    """Sources and their tests, by path from the repository's root."""

    sources: tuple[str, ...]
    tests: tuple[str, ...]


def _below(folder: str, *names: str) -> tuple[str, ...]:
    return tuple(f"{folder}/{name}.py" for name in names)


SUBJECTS = {
    "judge": Subject(
        _below(
            "runner/judge",
            *("judge", "checks", "clock_checks", "score_checks", "machine_checks", "ratio_checks", "text_checks"),
            *("evidence", "yardsticks"),
        ),
        ("tests/runner/judge",),
    ),
    "clocks": Subject(
        _below("runner/logs", "clocks", "line_clock", "script_clocks", "own_time", "spans", "arrivals"),
        (
            *_below("tests/runner/logs", "test_clocks", "test_line_clock", "test_own_time", "test_spans"),
            *_below("tests/runner/logs", "test_arrivals", "test_script_clocks"),
            "tests/runner/node/test_supervised_time.py",
        ),
    ),
    "compare": Subject(
        (*_below("runner/compare", "compare", "obstacles"), "runner/statistics.py"),
        ("tests/runner/compare", "tests/test_stats.py"),
    ),
    "ledger": Subject(
        _below("runner/folder", "ledger", "ledger_check", "launches", "trainings", "truncated_tail", "recorded"),
        (*_below("tests/runner/folder", "test_ledger", "test_ledger_bounds", "test_launches", "test_truncated_tail",
                 "test_trainings", "test_evidence", "test_left_out", "test_packed"),
         "tests/runner/drive/watch/test_status.py", "tests/runner/record/test_ledger_check.py"),
    ),
    "schedule": Subject(
        (*_below("runner/backends", "fair_queue", "nodes"), *_below("runner/drive", "retry", "watch/seed_counts")),
        (*_below("tests/runner/backends", "test_queue_bounds", "test_fair_queue", "test_nodes"),
         *_below("tests/runner/drive", "test_retry", "watch/test_progress")),
    ),
    "attempt": Subject(
        _below(
            "runner/node",
            *("attempt", "deadlines", "work_folder", "environment", "sightings", "activity", "supervise", "orphans"),
        ),
        _below(
            "tests/runner/node",
            *("test_work_folder", "test_environment", "test_sightings", "test_activity", "test_supervised_time"),
            *("test_orphans", "test_supervise_looks", "test_attempt_parts", "test_supervise", "test_attempt"),
            "test_compiled",
        ),
    ),
}  # fmt: skip
