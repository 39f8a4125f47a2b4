"""Jobs at the size of a proof: small, with every technique and rule that the whole job has."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest

from golf_model.config.golf_config import GolfConfig
from runner.job.load import load_job
from runner.review.prove.own.size import LENGTH, STEPS_TO_LIMIT, VOCAB, OwnScript, proof_config
from runner.review.prove.own.sums import AROUND, block_length, blocks
from tests.fixtures.places import JOBS

NAMES = sorted(path.stem for path in JOBS.glob("*.yaml"))


def config_of(name: str) -> GolfConfig:
    return proof_config(load_job(JOBS / f"{name}.yaml"))


@pytest.mark.parametrize("name", NAMES)
def test_the_size_of_a_proof_keeps_the_rule_and_each_technique_of_a_job(name: str) -> None:
    whole, made = load_job(JOBS / f"{name}.yaml").config, config_of(name)
    assert (made.model.vocab_size, made.batch.train_seq_len) == (VOCAB, LENGTH)
    assert (made.eval.rule, made.eval.byte_sidecar, made.eval.sums, made.eval.keep_tail) == (
        *(whole.eval.rule, whole.eval.byte_sidecar),
        *(whole.eval.sums, whole.eval.keep_tail),
    )
    assert (made.batch.documents, made.batch.order) == (whole.batch.documents, whole.batch.order)
    for name in ("smear", "smear_bos", "xsa_last_n", "skip_gates", "mlp_activation"):
        assert bool(getattr(made.model, name)) == bool(getattr(whole.model, name))
    assert (made.model.loop.times, made.model.parallel.kind) == (whole.model.loop.times, whole.model.parallel.kind)
    assert bool(made.model.bigram.buckets) == bool(whole.model.bigram.buckets)
    assert {one.name for one in fields(made.export)} == {one.name for one in fields(whole.export)}
    assert (made.qat.active, made.average.kind, made.export.rows) == (
        *(whole.qat.active, whole.average.kind),
        whole.export.rows,
    )


@pytest.mark.parametrize("rule", ["plain", "sliding", "streaming", "short_tail"])
def test_blocks_hold_each_token_once_and_are_alike_but_for_the_place(rule: str) -> None:
    config = config_of("frontier")
    own = OwnScript(replace(config, eval=replace(config.eval, rule=rule)))  # type: ignore[arg-type]
    length = block_length(own)
    assert length > own.reach
    assert length % own.stride == length % own.window == 0
    rows = blocks(own, 20, VOCAB)[:-1].reshape(-1, length)
    asked = rows[AROUND : AROUND + VOCAB]
    assert asked[:, 20].tolist() == list(range(VOCAB))
    assert (np.delete(rows, 20, axis=1) == np.delete(rows[:1], 20, axis=1)).all()


def test_what_the_streaming_rule_reaches_counts_blocks_that_are_passed_again() -> None:
    config = config_of("frontier")
    streaming = OwnScript(replace(config, eval=replace(config.eval, rule="streaming")))
    model = config.model
    assert model.loop.times == 2
    passes = model.num_layers + 2 * (model.loop.end - model.loop.start + 1)
    assert streaming.reach == passes * LENGTH + 2
    assert OwnScript(config).reach == LENGTH


def test_a_job_that_counts_steps_has_no_limit_and_makes_few() -> None:
    config = config_of("quickstart")
    assert OwnScript(config).limit_s == config.schedule.max_wallclock_seconds
    job = load_job(JOBS / "quickstart.yaml")
    by_steps = replace(job.config, schedule=replace(job.config.schedule, kind="steps"))
    made = proof_config(job.model_copy(update={"config": by_steps}))
    assert OwnScript(made).limit_s is None
    assert made.schedule.iterations == STEPS_TO_LIMIT
