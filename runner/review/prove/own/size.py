"""A job of golf's own model at the size of a proof: the same script and techniques, few tokens, a clock made up.

What is proven is the script's code. Its configuration is the job's in its small profile with a vocabulary of our
own, so that every token of it can be asked for.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

from golf_model.config.eval import EvalConfig
from golf_model.config.golf_config import GolfConfig
from runner.job.profiles import SMALL_LENGTH, SMALL_STEPS, published_steps, small_config
from runner.job.spec import JobSpec
from runner.review.prove.own.names import tally_names
from runner.review.prove.own.recount import sidecar
from runner.review.prove.room import Order
from runner.review.prove.shrink import tokenizer
from runner.review.prove.texts import Tokens, shard, text
from runner.script.bundle import Script, make_script

VOCAB, LENGTH, BATCH_TOKENS = 128, 64, 256
"""Tokens of the alphabet, of a window, of a training step."""
VAL_TOKENS, TRAIN_TOKENS, DOCUMENT = 961, 4001, 44
STEPS_TO_LIMIT = 30
"""Steps of one optimizer after which the limit of a training has passed; a model has a few of them."""
MOST_RUN_S = 600.0
"""Seconds that one run may take: a second or two of a core, more where others share it."""
MODEL = "tokenizer.model"
SPECIAL = 3
"""The tokenizer's first pieces stand for no text: unknown, beginning and end of a document."""


def proof_config(job: JobSpec) -> GolfConfig:
    """The job's configuration at this size; each technique that is on stays on."""
    full = job.config
    small = small_config(full, SMALL_STEPS / published_steps(job), full)
    model = replace(small.model, vocab_size=VOCAB, rope_ntk_seq_len=LENGTH if small.model.rope_ntk_seq_len else 0)
    batch = replace(small.batch, train_batch_tokens=BATCH_TOKENS, train_seq_len=LENGTH, val_batch_tokens=4096)
    export = replace(
        small.export,
        gptq=replace(small.export.gptq, tokens=min(small.export.gptq.tokens, 4 * BATCH_TOKENS)),
        steps=replace(small.export.steps, tokens=min(small.export.steps.tokens, 4 * BATCH_TOKENS)),
    )
    schedule = replace(
        small.schedule,
        kind=full.schedule.kind,
        iterations=STEPS_TO_LIMIT if full.schedule.kind == "steps" else full.schedule.iterations,
    )
    return replace(
        small,
        model=model,
        batch=batch,
        export=export,
        schedule=schedule,
        eval=_eval(small.eval, full),
        log=replace(small.log, train_log_every=1),
    )


def _eval(small: EvalConfig, full: GolfConfig) -> EvalConfig:
    share = LENGTH / full.batch.train_seq_len
    window = max(2, round(full.eval.window * share)) if full.eval.window else 0
    streaming = full.eval.rule == "streaming"
    if streaming:  # it reaches further with each block that is passed, and blocks of the sum are longer than that
        window = min(window or LENGTH, LENGTH // 2)
    return replace(
        small,
        window=window,
        stride=min(small.stride * LENGTH // SMALL_LENGTH, window or LENGTH),
        batch_windows=32 if streaming else 8,
        byte_sidecar=full.eval.byte_sidecar,
    )


@lru_cache(maxsize=1)
def _tokenizer() -> tuple[bytes, tuple[str, ...]]:
    import sentencepiece as spm

    model = tokenizer(VOCAB)
    processor = spm.SentencePieceProcessor()
    processor.LoadFromSerializedProto(model)
    return model, tuple(str(processor.IdToPiece(number)) for number in range(VOCAB))


@dataclass(frozen=True)
class OwnScript:
    """A job's script at this size, and what it is run on."""

    config: GolfConfig

    @cached_property
    def script(self) -> Script:
        """The one that is shipped, for this configuration."""
        return make_script(self.config)

    @cached_property
    def names(self) -> dict[str, dict[str, str]]:
        """What the variables beside its tallies are called."""
        return tally_names(self.script)

    @cached_property
    def pieces(self) -> tuple[str, ...]:
        """What each token stands for."""
        return _tokenizer()[1]

    @property
    def window(self) -> int:
        """Tokens of one window of its rule."""
        return self.config.eval.window_length(self.config.batch.train_seq_len)

    @property
    def stride(self) -> int:
        """Targets between two windows."""
        rule = self.config.eval.rule
        if rule == "streaming":
            return max(1, self.window // 2)
        return self.window if rule == "plain" else self.config.eval.stride

    @property
    def reach(self) -> int:
        """Tokens after one that its rule lets this one move the prices of, at most, itself included."""
        if self.config.eval.rule != "streaming":
            return self.window
        model = self.config.model
        passes = model.num_layers + model.loop.times * (model.loop.end - model.loop.start + 1)
        return passes * self.window + 2

    @property
    def limit_s(self) -> float | None:
        """Seconds that its training may take by its own configuration; None where it counts steps."""
        schedule = self.config.schedule
        return schedule.max_wallclock_seconds if schedule.kind == "wallclock" else None

    def val(self) -> Tokens:
        """The validation text of plain runs."""
        return text(2, VOCAB, VAL_TOKENS, DOCUMENT)

    def order(self, val: Tokens, train: Tokens | None = None) -> Order:
        """A run of both phases on these texts."""
        step = (self.limit_s or 60.0) / STEPS_TO_LIMIT
        files = {MODEL: _tokenizer()[0]}
        if self.config.eval.byte_sidecar:
            files["data/fineweb_val_bytes_000000.bin"] = shard(sidecar(val), headed=True)
        return Order(
            text(1, VOCAB, TRAIN_TOKENS, DOCUMENT) if train is None else train,
            val,
            {"data/fineweb_train_000000.bin": "train", "data/fineweb_val_000000.bin": "val"},
            {"DATA_PATH": "{HERE}/data", "TOKENIZER_PATH": "{HERE}/" + MODEL, "RUN_ID": "proof", "SEED": "1337"},
            files,
            clock={"step": step, "forward": step / 4},
            headed=True,
            own=self.names,
            seconds=MOST_RUN_S,
        )
