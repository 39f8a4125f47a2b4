"""How grave a finding is, by a written rule.

error: the entry would not count, or its headline is not what its logs show. warn: a reader is misled, or cannot check
what is claimed. info: worth knowing. Each kind of finding has its lines here, with the condition for each severity;
docs/audit.md shows this table. A finding names its condition, never a severity of its own.
"""

from __future__ import annotations

from runner.audit.facts import Finding, Severity

RULES: dict[str, dict[str, tuple[Severity, str]]] = {
    "over_cap": {
        "counted": ("error", "a run of the headline is over 16,000,000 bytes"),
        "claim": ("error", "a claimed size is itself over"),
        "unfinished": ("error", "the only runs end without a score, and one is over"),
        "megabytes": ("warn", "a size that is only given in megabytes may be over"),
        "other": ("info", "only runs that the headline leaves out are over"),
    },
    "over_train_limit": {
        "counted": ("error", "a run of the headline trained longer than 600 s by more than two steps and one second"),
        "fewer_gpus": ("warn", "it did so on fewer GPUs than the track's eight"),
    },
    "over_eval_limit": {
        "counted": ("error", "a scoring of a run of the headline took more than 600 s"),
        "fewer_gpus": ("warn", "it did so on fewer GPUs than the track's eight"),
    },
    "claim_mismatch_bpb": {
        "headline": ("error", "the claimed score is neither the mean nor any run's"),
        "seed": ("error", "the score claimed for a seed is not its log's"),
        "readme": ("warn", "README's scores are not those of the logs, or of submission.json"),
    },
    "claim_mismatch_mean": {
        "single": ("error", "the headline is a single seed's score, better than the mean, and no mean is given"),
        "beside": ("info", "so it is, but the right mean stands beside it or the run is not better than the mean"),
        "list": ("error", "the claimed score is not the mean of the claimed seeds"),
        "listed": ("warn", "the logs show the claimed score, and the seeds listed beside it have another mean"),
    },
    "claim_mismatch_bytes": {
        "hides": ("error", "the claim is under the cap and a log is over it"),
        "none": ("error", "the claimed score is in no log either: the logs are of another program or model"),
        "off": ("warn", "the claimed size is in no log"),
        "alone": ("warn", "the claimed total is the model's size without the program"),
    },
    "claim_mismatch_steps": {
        "model": ("error", "the claimed score is in no log either: the logs are of another run"),
        "off": ("warn", "the claimed number of steps is in no log"),
    },
    "wrong_std": {"population": ("warn", "the deviation given is the population's, not the sample's")},
    "missing_log": {
        "all": ("error", "there is no log of the claimed run"),
        "unclaimed": ("info", "there is no log, and no score is claimed"),
        "some": ("error", "some claimed seeds have no log"),
        "told": ("info", "a seed that README lists, and that the headline leaves out, has no log"),
    },
    "too_few_seeds": {"fewer": ("error", "fewer logs than claimed seeds")},
    "missing_script": {
        "none": ("error", "there is no program"),
        "named": ("info", "the program is not called train_gpt.py"),
    },
    "missing_submission_json": {
        "missing": ("error", "there is no submission.json"),
        "named": ("info", "the file that was meant for it is called otherwise"),
    },
    "unreadable_submission_json": {"broken": ("error", "submission.json cannot be read")},
    "missing_readme": {"missing": ("warn", "there is no README")},
    "single_seed": {
        "posing": ("error", "several seeds are claimed and all logs have the same one"),
        "repeated": ("warn", "several runs count and all have the same seed"),
        "one": ("info", "one run of one seed"),
    },
    "duplicate_log": {
        "posing": ("error", "the same run under the names or seeds of different ones"),
        "copied": ("error", "logs that belong to another submission"),
        "same_score": ("warn", "runs of different seeds with the same score to eight decimals"),
        "elsewhere": ("info", "with `--all`: an earlier folder of the tree holds the same run"),
        "copy": ("info", "the same run twice, under one seed"),
    },
    "no_seed_in_log": {"counted": ("warn", "the log of a run of the headline prints no seed")},
    "seed_name_mismatch": {"name": ("warn", "a log's name says another seed than the log")},
    "mixed_scripts": {
        "logs": ("warn", "the runs of the headline printed different program sizes"),
        "folder": ("info", "the program in the folder has another size than the logged ones"),
    },
    "code_outside_script": {
        "module": ("warn", "the program imports or starts files that its counted size leaves out"),
        "nowhere": ("warn", "it imports modules that are no known package and not in the folder"),
    },
    "shipped_script": {
        "over": (
            "info",
            "a note: with the program as it lies in the folder it is over the cap; the logs count a smaller one",
        )
    },
    "implausible_score": {
        "under": ("error", "a score is under the floor of its track"),
        "near": ("warn", "a score is less than 0.05 above the floor"),
    },
    "not_a_number": {
        "claim": ("error", "the claimed score is NaN or infinite"),
        "run": ("error", "the last score of a run is NaN or infinite"),
    },
    "other_validation_text": {
        "count": ("warn", "a run was scored on another number of tokens than the validation text has"),
        "seeds": ("warn", "the runs of the headline were scored on different numbers of tokens"),
        "cut": ("info", "a note: the text is up to a twentieth longer or shorter than the known one"),
    },
    "metric_ratio": {
        "line": ("error", "val_loss / val_bpb of the score is off, and other lines of the same log are not"),
        "far": (
            "error",
            "val_loss / val_bpb is more than a tenth too large for the known text: bytes are counted twice",
        ),
        "tokenizer": (
            "info",
            "val_loss / val_bpb is off in the whole log: another tokenizer or text, or another count",
        ),
    },
}
"""kind -> condition -> (severity, the condition in words)."""


def finding(kind: str, condition: str, detail: str, *evidence: str) -> Finding:
    """A finding with the severity that its condition has."""
    return Finding(
        kind=kind,
        severity=RULES[kind][condition][0],
        detail=detail,
        evidence=tuple(dict.fromkeys(place for place in evidence if place))[:20],
    )
