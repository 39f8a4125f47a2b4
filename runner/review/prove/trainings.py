"""What a training's artifact owes to the validation text, and whether it stops when it says that it does."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from runner.review.facts import Proof
from runner.review.prove.seen import Seen
from runner.review.prove.subject import Subject
from runner.review.prove.texts import Tokens, noise

TWINS = 6
LEAST_COPY = 24
"""Tokens in a row that are a copy of the text rather than chance."""
KINDS = ("<u1", "<u2", "<i4", "<i8", "<f4", "<f8", "<f2")
SLACK = 0.1
"""Share of a limit by which a training may run over it, beside two of its steps."""


def twins(subject: Subject) -> Iterator[tuple[str, Proof]]:
    """val_train and answers: the same training where the validation text is noise must leave the same bytes."""
    made = subject.made or subject.whole
    names = artifact_of(subject, made)
    if not names:
        why = "no file that it leaves is its artifact as far as can be told"
        yield from ((name, Proof(result="unknown", done="", seen=why)) for name in ("val_train", "answers"))
        return
    kept = {name: made.bytes_of(name) for name in names}
    again = subject.train()
    if _different(kept, again):
        why = "two trainings on the same texts left other bytes, so that a difference says nothing"
        yield from ((name, Proof(result="unknown", done="", seen=why)) for name in ("val_train", "answers"))
        return
    done = f"trained twice, once with noise for the validation text of {len(subject.val)} tokens"
    other = subject.train(noise(1, subject.vocab, len(subject.val)))
    if not other.ok:
        why = f"its training does not run on noise: {other.why_not}"
        yield from ((name, Proof(result="unknown", done=done, seen=why)) for name in ("val_train", "answers"))
        return
    differs = _different(kept, other)
    if not differs:
        same = f"{', '.join(names)}: the same {sum(map(len, kept.values())):,} bytes, in 1 pair of trainings"
        yield from ((name, Proof(result="not-seen", done=done, seen=same)) for name in ("val_train", "answers"))
        return
    repeat = "train twice, the second time with other text in the validation shard; compare the artifacts"
    yield from _causes(subject, made, kept, differs, Proof(result="proven", done=done, seen=differs, repeat=repeat))


def _causes(
    subject: Subject, made: Seen, kept: Mapping[str, bytes], differs: str, proof: Proof
) -> Iterator[tuple[str, Proof]]:
    learnt = [one for one in _before_frozen(made, kept) if one["kind"] == "update" and one["role"] == "val"]
    copied = _copied(kept, subject.val)
    if learnt:
        seen = f"{differs}; {len(learnt)} updates of its training learnt validation tokens"
        yield "val_train", proof.model_copy(update={"seen": seen})
    if copied:
        seen = f"{differs}; {copied} tokens of the validation text stand in it one after another"
        yield "answers", proof.model_copy(update={"seen": seen})
    if learnt or copied:
        quiet = "answers" if learnt and not copied else "val_train" if not learnt else ""
        if quiet:
            yield quiet, Proof(result="not-seen", done=proof.done, seen="what differs is of the other kind")
        return
    yield (
        "val_train",
        proof.model_copy(update={"seen": f"{differs}; no update learnt it, so it was fitted or chosen by"}),
    )
    chosen = _chosen(subject, kept, made)
    if chosen:
        yield "answers", proof.model_copy(update={"seen": f"{differs}; {chosen}"})
    else:
        yield "answers", Proof(result="not-seen", done=proof.done, seen="the artifact holds no run of its tokens")


def _chosen(subject: Subject, kept: Mapping[str, bytes], made: Seen) -> str:
    """In words, that the artifact is one of few that the text chooses from; empty where that is not seen."""
    found: list[tuple[bytes, ...]] = [tuple(kept.values())]
    for number in range(2, 2 + TWINS):
        run = subject.train(noise(number, subject.vocab, len(subject.val)))
        if run.ok:
            found.append(tuple(run.bytes_of(name) for name in kept))
        subject.room.forget(run)
        if len(set(found)) < len(found):
            return (
                f"{len(found)} validation texts left {len(set(found))} different artifacts: it is chosen from a few"
            )
    seeds = made.told.get("seeds", 0)
    if isinstance(seeds, int) and seeds > 2:
        return f"it set {seeds} different seeds and kept one by the text"
    return ""


def artifact_of(subject: Subject, made: Seen) -> list[str]:
    """Names of the files that are its artifact: what its evaluation read, else what it wrote and read again."""
    if subject.artifact is not None:
        return sorted(subject.artifact)
    read = {str(one["path"]) for one in made.events("read")}
    wrote = [name for name in made.files if name != made.source]
    return sorted(name for name in wrote if str(made.folder / name) in read) or sorted(
        name for name in wrote if not name.endswith((".txt", ".log", ".json", ".npy", ".csv"))
    )


def _before_frozen(made: Seen, kept: Mapping[str, bytes]) -> list[dict[str, object]]:
    """Events up to the last write of the artifact; all of them where no write was seen."""
    events = made.events("update", "write", "price", "forward", "read")
    paths = {str(made.folder / name) for name in kept}
    last = max((at for at, one in enumerate(events) if one["kind"] == "write" and one["path"] in paths), default=None)
    return events if last is None else events[:last]


def _different(kept: Mapping[str, bytes], run: Seen) -> str:
    for name, content in kept.items():
        other = run.bytes_of(name)
        if other != content:
            count = sum(a != b for a, b in zip(content, other, strict=False)) + abs(len(content) - len(other))
            return f"{count:,} of {len(content):,} bytes of {name} differ"
    return ""


def _copied(kept: Mapping[str, bytes], val: Tokens) -> int:
    """Tokens in a row of the text that an artifact holds, as numbers of any usual kind."""
    most = 0
    for content in kept.values():
        for kind in KINDS:
            if kind == "<u1" and int(val.max()) > 255:
                continue
            length = len(val)
            while length >= LEAST_COPY and val[:length].astype(kind).tobytes() not in content:
                length //= 2
            if length >= LEAST_COPY:
                most = max(most, length)
    return most


def clock(subject: Subject) -> tuple[str, Proof]:
    """clock: a training whose steps take long must end at the limit that the script names."""
    limit = subject.asks.limit_s
    if limit is None:
        return "clock", Proof(result="unknown", done="", seen="the script names no limit on its time")
    made = subject.made or subject.whole
    used = [one for one in made.events("forward", "update", "read", "step") if one.get("role", "train") == "train"]
    if subject.made is None:
        used = [one for one in used if one["kind"] != "step"]
    if not used:
        return "clock", Proof(result="unknown", done="", seen="it is not seen when it reads training text")
    took = float(used[-1]["at"]) - float(used[0]["at"])
    step = subject.base.clock.get("step", 0.0)
    done = f"let a step take {step:g} s of a clock that only the run moves; {subject.asks.limit_name} is {limit:g} s"
    ups = [float(one["at"]) for one in used if one["kind"] == "update"]
    longest = max(np.diff(ups), default=step) if len(ups) > 1 else step
    if took > limit * (1 + SLACK) + 2 * float(longest):
        seen = f"it used training text for {took:.3f} s, {len(ups)} updates, {took / limit:.1f} times its limit"
        repeat = "count the time from the first to the last use of training text by a clock outside the script"
        return "clock", Proof(result="proven", done=done, seen=seen, repeat=repeat)
    if took < limit / 2:
        seen = f"it ended after {took:.3f} s, before its limit mattered"
        return "clock", Proof(result="unknown", done=done, seen=seen)
    return "clock", Proof(result="not-seen", done=done, seen=f"training text was used for {took:.3f} s, in 1 run")
