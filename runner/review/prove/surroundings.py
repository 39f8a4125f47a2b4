"""What an evaluation reads, asks and runs beside its artifact: training text, network, uncounted files, code."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from runner.listing import counted
from runner.review.facts import Proof
from runner.review.prove.seen import Seen
from runner.review.prove.subject import Subject, inside
from runner.review.prove.texts import noise
from runner.review.prove.trainings import artifact_of
from runner.review.source.unwrap import Reviewed

SAME = 1e-6
"""Nats by which prices of one artifact may differ between two ways to evaluate it."""


def surroundings(subject: Subject, reviewed: Reviewed) -> Iterator[tuple[str, Proof]]:
    """train_at_eval, network, outside and wrapper."""
    run = subject.evaluated or subject.whole
    yield "train_at_eval", _training_text(subject, run)
    yield "network", _network(subject, run)
    yield "outside", _outside(subject, run, reviewed)
    yield "wrapper", _code(subject.whole, run)


def _training_text(subject: Subject, run: Seen) -> Proof:
    done = "watched which files its evaluation opens, beside training shards"
    if subject.phase is None:
        events = run.events("read", "write")
        kept = {str(run.folder / name) for name in artifact_of(subject, run)}
        frozen = [at for at, one in enumerate(events) if one["kind"] == "write" and one["path"] in kept]
        if not frozen:
            return Proof(result="unknown", done="", seen=f"{subject.why_not}, and no artifact was seen to be written")
        late = [one for one in events[frozen[-1] :] if one["kind"] == "read" and one.get("role") == "train"]
        if late:
            seen = f"after its artifact was written it opened training text {len(late)} times"
            return Proof(result="proven", done=done, seen=seen, repeat="python SCRIPT; watch its open() calls")
        return Proof(result="not-seen", done=done, seen="no training text was opened after its artifact, in 1 run")
    opened = [one for one in run.events("read") if one.get("role") == "train"]
    if not opened:
        return Proof(result="not-seen", done=done, seen="it opened no training text, in 1 evaluation")
    seen = f"it opened training text {len(opened)} times"
    other = subject.evaluate(train=noise(9, subject.vocab, len(subject.base.train)))
    if run.prices is not None and other.prices is not None:
        moved = np.abs(other.prices - run.prices)
        seen += f"; with noise there {int((moved > SAME).sum())} prices moved, by up to {np.nanmax(moved):.4f} nats"
    return Proof(result="proven", done=done, seen=seen, repeat=f"{subject.command()}; watch its open() calls")


def _network(subject: Subject, run: Seen) -> Proof:
    done = "ran it without a network and watched what asks for one"
    tried = run.events("network")
    if tried:
        when = "its evaluation" if subject.phase else "a run of it"
        seen = f"{when} tried {len(tried)} times to reach out, first {tried[0]['what']}"
        return Proof(result="proven", done=done, seen=seen, repeat=f"{subject.command()} where there is no network")
    return Proof(result="not-seen", done=done, seen="nothing reached out, in 1 training and 1 evaluation")


def _outside(subject: Subject, run: Seen, reviewed: Reviewed) -> Proof:
    done = "evaluated the artifact in a fresh process and folder, and watched which files are opened"
    counted = {
        str(run.folder / reviewed.path.name),
        *(str(run.folder / name) for name in subject.artifact or run.files),
    }
    kept = {str(run.folder / name) for name in (*subject.base.shards, *subject.base.files)}
    beside = {str(one["path"]) for one in run.events("read") if inside(run, one)} | set(run.told.get("modules", []))
    wrote = {str(one["path"]) for one in run.events("write")}
    extra = sorted(one for one in beside - counted - kept - wrote if not one.endswith(".pyc"))
    names = [one.removeprefix(f"{run.folder}/") for one in extra]
    sizes = sum(path.stat().st_size for one in names if (path := run.folder / one).is_file())
    own = len(reviewed.texts[0].text.encode()) if reviewed.texts else 0
    claimed = subject.whole.code_bytes or (subject.made.code_bytes if subject.made else None) or run.code_bytes
    if extra and (claimed is None or claimed < own + sizes):
        said = "and it prints no size of its code" if claimed is None else f"and it counts {claimed:,} bytes of code"
        seen = f"its evaluation read {', '.join(names[:4])} beside the script, {sizes:,} bytes, {said}"
        return Proof(result="proven", done=done, seen=seen, repeat=f"{subject.command()}; watch its open() calls")
    if subject.phase is None:
        return Proof(
            result="unknown", done="", seen=f"{subject.why_not}, so that memory cannot be told from its artifact"
        )
    whole = subject.whole.prices
    if not subject.steady or whole is None or run.prices is None:
        return Proof(result="unknown", done="", seen="its prices are not seen, or differ from run to run")
    moved = np.abs(whole - run.prices)
    if bool((moved > SAME).any()):
        at = int(np.nanargmax(moved))
        seen = (
            f"{int((moved > SAME).sum())} prices are others than where training and evaluation share a process, that "
            f"of token {at + 1} {run.prices[at]:.4f} against {whole[at]:.4f} nats: something passes the artifact by"
        )
        return Proof(
            result="proven", done=done, seen=seen, repeat=f"python SCRIPT, then {subject.command()}; compare"
        )
    return Proof(result="not-seen", done=done, seen="the same prices and no uncounted file, in 1 evaluation")


def _code(*runs: Seen) -> Proof:
    done = "watched what code the script makes and runs"
    for run in runs:
        for one in run.told.get("code", []):
            if one.get("how") == "written":
                seen = f"it wrote {one.get('size', 0):,} bytes of code to a file and ran that"
                return Proof(result="proven", done=done, seen=seen, repeat="python SCRIPT; watch what it compiles")
            if one.get("how") == "computed":
                seen = f"it ran {one.get('size', 0):,} bytes of code that no standard decoder makes of its literals"
                return Proof(result="proven", done=done, seen=seen, repeat="python SCRIPT; watch what it compiles")
    count = sum(len(run.told.get("code", [])) for run in runs[:1])
    return Proof(
        result="not-seen",
        done=done,
        seen=f"{counted(count, 'text')}, each one standard decoders give, in {len(runs)} runs",
    )
