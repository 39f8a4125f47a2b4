"""What a job is: one frozen value that names everything a run depends on, and its short hash.

Types and ranges of single fields stand here, what a track allows in tracks.py, the reading of a file with
its messages in job.py. Nothing here touches the disk; folders are as the job gave them, made absolute.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from golf_model.config.checks import require
from golf_model.config.golf_config import GolfConfig
from runner.budget.spec import BudgetSpec
from runner.data.shards import MOST_IDS
from runner.job.claim import ClaimSpec
from runner.job.external_script import OutputsSpec, require_package, require_plain_names
from runner.job.prose import ProseSpec
from runner.job.reference import ReferenceSpec
from runner.job.variables import require_settings
from runner.sinks.spec import SinksSpec
from runner.strict import NAME, VARIABLE, Seconds, Seed, Strict


class DataSpec(Strict):
    """The text a job trains and is scored on: the embedded corpus, or a folder of shards with its tokenizer."""

    corpus: Literal["asv"] | None = None
    """Embedded corpus, prepared on first use: `asv`, the American Standard Version."""
    path: Path | None = None
    """Folder with fineweb_train_*.bin and fineweb_val_*.bin; relative to the job file's folder."""
    tokenizer: Path | None = None
    """SentencePiece .model of those shards; relative to the job file's folder."""

    @model_validator(mode="after")
    def _one_source(self) -> DataSpec:
        require(self.corpus is None or self.path is None, "path", "give either corpus or path, not both")
        require(self.corpus is not None or self.path is not None, "corpus", "give corpus: asv, or path: FOLDER")
        require(self.path is None or self.tokenizer is not None, "tokenizer", "is required where path is given")
        require(self.corpus is None or self.tokenizer is None, "tokenizer", "the corpus brings its own; remove this")
        return self


class LimitsSpec(Strict):
    """Limits that the job sets itself, where its track leaves them open."""

    train_seconds: Seconds | None = None
    """Training clock, seconds."""
    eval_seconds: Seconds | None = None
    """Evaluation clock, seconds."""


class BaseSpec(Strict):
    """The job that another one sets out from: in YAML the path of its file, here what it says."""

    name: str
    """Its name."""
    job: dict[str, Any]
    """Everything of it that has a say in a run, as plain JSON."""


DEEPEST = 10_000
"""No model has more layers: its tensors are listed one by one, those of a mistyped number for hours."""


class JobSpec(Strict):
    """One job: what is trained, with which seeds, where, and by which track's rules it is judged."""

    name: Annotated[str, Field(pattern=NAME)]
    """Names folders: letters, digits, `.`, `_`, `-`, at most 64, the first a letter or digit."""
    track: str
    """Rules to be judged by."""
    hardware: str = "auto"
    """Node profile, or auto, which takes GPUs where there are any."""
    seeds: tuple[Seed, ...]
    """One run each, in this order."""
    author: str = ""
    """Who publishes the record."""
    github_id: str = ""
    """Their GitHub name."""
    blurb: str = ""
    """A few words on what is new, for the record."""
    base: BaseSpec | None = None
    """The job that this one sets out from: its file, by a path from this one's folder, or the name of one of golf's
    own. The record shows what changed against it, or against golf's defaults where none is named."""
    notes: tuple[str, ...] = ()
    """What was tried and rejected on the way, a few words each, for the record; a path instead of a list means
    `method`."""
    method: ProseSpec | None = None
    """The author's words on what is new and why it works, shown first in the record: the path of a markdown file,
    relative to this one's folder."""
    reference: ReferenceSpec | None = None
    """The published run that this job reproduces, shown beside ours."""
    claim: ClaimSpec | None = None
    """What it is to beat, for the plan and the record; decides no verdict."""
    data: DataSpec
    """What is trained and scored on."""
    nproc: Annotated[int, Field(ge=0)] = 0
    """Processes per seed; 0 takes what the hardware has: 1 on cpu, one per GPU of the node on gpu."""
    concurrent: Annotated[int, Field(ge=1)] = 1
    """Seeds side by side on one cpu node; tracks that take the node alone allow only 1."""
    probe: bool | None = None
    """Measure a node's speed before its first seed; left out, where the track takes the node alone."""
    threads: Annotated[int, Field(ge=1)] = 1
    """CPU threads per process."""
    limits: LimitsSpec = LimitsSpec()
    """Clocks, where the track leaves them open."""
    allow_over_cap: bool = False
    """Run although the artifact is expected to exceed the cap (the verdict stays rejected)."""
    yardsticks: bool = False
    """Also measure what compressors and a bigram model reach on the validation text."""
    must_beat: Literal["unigram", "bigram", "xz", "xz_primed"] | None = None
    """A yardstick that every seed must beat to pass; needs yardsticks: true."""
    env: dict[Annotated[str, Field(pattern=VARIABLE)], str] = Field(default_factory=dict)
    """Environment variables for the script: what tunes NCCL, CUDA and OpenMP, and settings of a script of your own
    (runner.job.variables); never those of its contract, nor what changes which code runs."""
    stall_seconds: Annotated[float, Field(ge=0)] = 300.0
    """Kill a run that has shown no sign of life for this long, seconds; 0 never does."""
    tries: Annotated[int, Field(ge=1, le=10)] = 3
    """Attempts of a seed that may be cut off or fail by chance before it is reported so; none once it has a score."""
    script: Path | None = None
    """Somebody else's train_gpt.py instead of ours; relative to the job file's folder, its bytes run unchanged."""
    files: tuple[str, ...] = ()
    """Files beside that script which it needs; all but plain data count as code (runner.job.external_script)."""
    requires: tuple[str, ...] = ()
    """Packages that it needs beside those it imports: `name` or `name==version`, looked for on the node."""
    outputs: OutputsSpec = OutputsSpec()
    """How to read what it leaves."""
    isolate: bool = False
    """Keep the validation shards out of training's reach; for scripts that do not validate while they train."""
    network: bool = False
    """Let training reach the network; evaluation never does. The record says so."""
    launch: Literal["torchrun", "python"] = "torchrun"
    """What starts it; python is one process without torchrun."""
    keep_weights: bool = False
    """Keep what is packed: the float weights after averaging, and what layers saw where the export asks for it. They
    stay in the run folder, for `golf repack`; never in a record, never counted."""
    budget: BudgetSpec | None = None
    """What the run may spend; it stops before a launch would spend more, and goes on once it is raised."""
    sinks: SinksSpec | None = None
    """Where else the run is shown while it goes on; none has a say in it, and no record names them."""
    variants: Any = Field(default=None, exclude=True)
    """A list of named settings, or a grid of them: jobs that differ from this one in some fields (docs/search.md)."""
    against: Path | None = Field(default=None, exclude=True)
    """Another job's file, relative to this one's folder. Both run alternately on one node, seed by seed, and their
    pairs are tested (docs/duel.md)."""
    config: GolfConfig = GolfConfig()
    """Model and training: golf_model.config, written out in full in the script."""

    @model_validator(mode="after")
    def _consistent(self) -> JobSpec:
        require(bool(self.seeds), "seeds", "give at least one")
        layers = self.config.model.num_layers
        require(layers <= DEEPEST, "config.model.num_layers", f"{layers:,} are too many; at most {DEEPEST:,}")
        ids = self.config.model.vocab_size
        told = f"{ids:,} ids are more than a shard's 16 bits a token can name; at most {MOST_IDS:,}"
        require(ids <= MOST_IDS, "config.model.vocab_size", told)
        before: set[int] = set()
        for index, seed in enumerate(self.seeds):
            require(seed not in before, f"seeds.{index}", f"seed {seed} stands twice; give each seed once")
            before.add(seed)
        told = "pairs one job with another one, and variants make several of it"
        require(self.against is None or self.variants is None, "against", told)
        looks = None if self.claim is None else self.claim.sequential
        if looks is not None:
            told = f"the claim looks at {looks.most} seeds at most, and these are {len(self.seeds)}"
            require(len(self.seeds) <= looks.most, "seeds", told)
        told = "keeps the weights of our script, and this job brings its own"
        require(self.script is None or not self.keep_weights, "keep_weights", told)
        require(self.must_beat is None or self.yardsticks, "must_beat", "needs yardsticks: true, which measures it")
        told = "counts the bytes of the shards' own text, and config.eval.byte_sidecar those of another"
        require(
            self.script is not None or not (self.yardsticks and self.config.eval.byte_sidecar), "yardsticks", told
        )
        require_settings(self.env, "env", ours=self.script is None)
        require_settings(self.outputs.eval_env, "outputs.eval_env", ours=False)
        self._consistent_script()
        return self

    def _consistent_script(self) -> None:
        require_plain_names(self.files)
        for index, package in enumerate(self.requires):
            require_package(package, f"requires.{index}")
        if self.script is not None:
            require(self.config == GolfConfig(), "config", "configures our script; what yours reads, env: says")
            require(self.launch == "torchrun" or self.nproc in (0, 1), "nproc", "launch: python is one process")
            return
        for name, default in (("files", ()), ("requires", ()), ("outputs", OutputsSpec()), ("launch", "torchrun")):
            require(getattr(self, name) == default, name, "belongs to a script of your own: give script:, too")


BESIDE_THE_RUN = ("budget", "sinks")
"""Fields that say what a run may spend and who is shown it: no record and no ledger holds them."""
_NO_EFFECT_ON_RESULTS = {
    "name",
    "seeds",
    "author",
    "github_id",
    "blurb",
    "base",
    "notes",
    "method",
    "reference",
    "claim",
    "script",  # its bytes are hashed instead, and those of its files
    "requires",
    "probe",
    "data",  # its files are hashed instead, wherever they lie
    "allow_over_cap",
    "yardsticks",
    "must_beat",
    "stall_seconds",
    "tries",
    "keep_weights",
    *BESIDE_THE_RUN,
}


def resolved(job: JobSpec) -> dict[str, Any]:
    """The job as plain JSON with every field written out, defaults and the whole configuration included.

    A job of our script says nothing of others', and one of somebody else's nothing of our configuration; one without
    budget or sinks says nothing of these.
    """
    theirs = {"script", "files", "requires", "outputs", "launch"}
    left_out = {*(theirs if job.script is None else ("config",)), *BESIDE_THE_RUN}
    beside = {name: value for name in BESIDE_THE_RUN if (value := getattr(job, name)) is not None}
    return {
        **job.model_dump(mode="json", exclude=left_out),
        **{name: value.model_dump(mode="json", exclude_none=True) for name, value in beside.items()},
    }


def of_the_run(job: Mapping[str, Any]) -> dict[str, Any]:
    """A resolved job without what stands beside its run."""
    return {name: value for name, value in job.items() if name not in BESIDE_THE_RUN}


def job_hash(job: JobSpec, script_sha256: str, data_files: Mapping[str, str]) -> str:
    """Eight hex digits over all that decides the results of a seed.

    script_sha256: of the script's bytes; data_files: file name -> sha256, tokenizer included.
    Seeds, names, texts and places on disk do not enter, so a seed added later lands beside the first ones.
    """
    return resolved_hash(resolved(job), script_sha256, data_files)


def resolved_hash(job: Mapping[str, Any], script_sha256: str, data_files: Mapping[str, str]) -> str:
    """The same of a job that is resolved already, with or without its folders."""
    decisive = {key: value for key, value in job.items() if key not in _NO_EFFECT_ON_RESULTS}
    if not decisive.get("network"):
        decisive.pop("network", None)  # runs that were begun before there was such a field had no say in it
    facts = {"job": decisive, "script": script_sha256, "data": dict(data_files)}
    text = json.dumps(facts, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode("ascii")).hexdigest()[:8]


def without_folders(job: dict[str, Any]) -> dict[str, Any]:
    """The resolved job as it may be published: data by name; its hashes identify it, our folders do not.

    What stands beside the run is nobody else's business, and a record of somebody's must reach no sink from here.
    """
    data = {
        name: Path(value).name if name in ("path", "tokenizer") and value else value
        for name, value in job["data"].items()
    }
    script = {"script": Path(job["script"]).name} if job.get("script") else {}
    return {**of_the_run(job), "data": data, **script}
