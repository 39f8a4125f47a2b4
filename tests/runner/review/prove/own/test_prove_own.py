"""Golf's own jobs, run: every check passes whatever rule scores, and what breaks one fails."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property

import pytest

from golf_model.config.golf_config import GolfConfig
from runner.job.load import load_job
from runner.review.answers import CLASSES
from runner.review.facts import Check
from runner.review.prove.own.prove_own import prove_own, proven
from runner.review.prove.own.size import OwnScript, proof_config
from runner.script.bundle import Script, pack_twin
from tests.fixtures.places import JOBS
from tests.fixtures.systems import needs_namespaces

pytestmark = [pytest.mark.slow, needs_namespaces, pytest.mark.timeout(3600)]
CHECKS = [
    "flip one target",
    "replace the suffix",
    "sum of p over the vocabulary",
    "every token once",
    "byte recount",
    "documents",
    "outer clock",
    "no training text at evaluation",
    "no network",
    "the artifact alone",
    "its code",
    "artifact from noise",
]
MIXES = ("quickstart", "pr372")
"""Jobs with a mixer of one token, which reaches over documents as their attention does."""


@pytest.mark.parametrize(
    ("name", "rule"),
    [
        ("quickstart", "plain"),
        ("baseline", "plain"),
        ("pr372", "last_stride_short"),
        ("pr1394", "short_tail"),
        ("frontier", "streaming"),
        ("frontier_caseops", "sliding"),
    ],
)
def test_every_check_of_our_own_jobs_passes(name: str, rule: str) -> None:
    job = load_job(JOBS / f"{name}.yaml")
    config = replace(job.config, eval=replace(job.config.eval, rule=rule))  # type: ignore[arg-type]
    checks, proofs = prove_own(job.model_copy(update={"config": config}))
    for check in checks:
        print(f"{check.result}, {check.name}: {check.done}; {check.seen}")
    assert [(check.name, check.result) for check in checks] == [(one, "pass") for one in CHECKS]
    open_ones = {one for one in CLASSES if proofs[one].result != "not-seen"}
    assert open_ones == ({"bos"} if name in MIXES else set())
    assert proofs["bos"].result == ("unknown" if name in MIXES else "not-seen"), proofs["bos"].seen


class Changed(OwnScript):
    """A script of ours in which a few words were changed."""

    changes: tuple[tuple[str, str], ...] = ()

    @cached_property
    def script(self) -> Script:
        """The changed script, packed as ours are."""
        made = super().script
        flat = made.flat
        for old, new in self.changes:
            assert flat.count(old) == 1, old
            flat = flat.replace(old, new)
        return replace(made, flat=flat, source=pack_twin(flat))


def results_of(config: GolfConfig, *changes: tuple[str, str]) -> dict[str, Check]:
    own = Changed(config)
    object.__setattr__(own, "changes", changes)
    return {check.name: check for check in proven(own)[0]}


COUNTS = "tally.add(losses, counted[:, -last:], scored[:, -last:])"


def test_a_script_that_breaks_the_rules_fails_the_checks_of_them() -> None:
    config = proof_config(load_job(JOBS / "frontier_caseops.yaml"))
    leaking = replace(
        config,
        model=replace(config.model, smear_bos=-1),
        eval=replace(config.eval, rule="repeated_tail"),
    )
    found = results_of(
        leaking,
        (
            COUNTS,
            "tally.add(losses + 0.01 * (ids[:, -last:].roll(-2, 1) % 7), counted[:, -last:] + 1, scored[:, -last:])",
        ),
        ("eval_ms = 1000.0 * (time.perf_counter() - started)", "eval_ms = 10.0 * (time.perf_counter() - started)"),
    )
    failed = {name for name, check in found.items() if check.result == "fail"}
    assert failed == {
        *("flip one target", "replace the suffix", "every token once", "byte recount", "documents", "outer clock")
    }
    assert found["sum of p over the vocabulary"].result == "unknown"


def test_prices_that_do_not_sum_to_one_fail_the_sum_alone() -> None:
    config = proof_config(load_job(JOBS / "baseline.yaml"))
    found = results_of(
        config, (COUNTS, "tally.add(losses - 0.01 * (targets[:, -last:] % 2), counted[:, -last:], scored[:, -last:])")
    )
    assert {name for name, check in found.items() if check.result != "pass"} == {"sum of p over the vocabulary"}
    assert found["sum of p over the vocabulary"].result == "fail"
