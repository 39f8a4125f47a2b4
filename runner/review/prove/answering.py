"""What a script asks for, answered by an order: texts where it looks for them, settings, a tokenizer, small sizes."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import replace
from fnmatch import fnmatch
from pathlib import PurePosixPath

from runner.review.prove.asks import Asks, asks_of, data_variables
from runner.review.prove.room import Order
from runner.review.prove.seen import Seen
from runner.review.prove.shrink import MODEL, small_settings, tokenizer
from runner.review.prove.texts import text
from runner.review.run.run_context import RunContext
from runner.review.source.parsing import tree_of

SMALL_VOCAB = 8
LENGTH, TRAIN_LENGTH = 321, 4001
CONTEST_S = 600.0
"""Seconds of a script that names no limit in its text."""
STEPS_TO_LIMIT = 40
"""Steps after which a script's own limit on its time has passed."""
NOT_KNOWN = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT", "RUN_ID")
"""Of a run's settings, those that one process on this machine has otherwise."""
MOST_RUN_S = 120.0
"""Seconds that one run may take."""
SHARDS = ("fineweb_train_*.bin", "fineweb_val_*.bin")
"""Where nothing in the script names its data."""


def known_settings(asks: Asks, context: RunContext) -> dict[str, str]:
    """What is known of a script's run, of the variables that it reads."""
    return {
        name: _as_set(said[0], default)
        for name, default in asks.variables.items()
        if name not in NOT_KNOWN and (said := context.value_of(name)) is not None
    }


def _as_set(value: str, default: str | None) -> str:
    """A setting as an environment has it: logs print 0 and 1 as truth."""
    if (default or "").strip() in ("0", "1") and value in ("True", "False"):
        return str(int(value == "True"))
    return value


def first_order(asks: Asks, known: Mapping[str, str], given: Mapping[str, str]) -> Order:
    shards: dict[str, str] = {}
    for name in asks.shards or SHARDS:
        role = role_of(name)
        if role:
            shards[f"data/{PurePosixPath(plain(name)).name}"] = role
            if not data_variables(asks) and not name.startswith("/"):
                shards[plain(name)] = role
    ours = {**dict.fromkeys(data_variables(asks), "{HERE}/data"), **small_settings(asks.variables)}
    settings = {**known, **ours, **given}
    files = {MODEL: tokenizer(asks.pieces)} if f"{{HERE}}/{MODEL}" in settings.values() else {}
    val, train = text(2, SMALL_VOCAB, LENGTH), text(1, SMALL_VOCAB, TRAIN_LENGTH)
    return Order(
        train,
        val,
        shards,
        settings,
        files,
        clock=clock_of(asks),
        headed=asks.headed,
        gpu=asks.gpu,
        ledger=True,
        seconds=MOST_RUN_S,
    )


def clock_of(asks: Asks) -> dict[str, float]:
    step = (asks.limit_s or CONTEST_S) / STEPS_TO_LIMIT
    return {"step": step, "forward": step / 4}


def role_of(name: str) -> str:
    """Which text a shard's name means: train, val or none of them."""
    last = PurePosixPath(name).name.lower()
    return "val" if "val" in last else "train" if "train" in last else ""


def plain(name: str) -> str:
    """A name in the place of a pattern."""
    return name.replace("**/", "").replace("*", "000000").replace("?", "0").lstrip("/")


def learnt(asks: Asks, order: Order, run: Seen) -> tuple[Asks, Order]:
    """What a run taught: texts that it made at run time, and data that it looked for and did not find."""
    sources = [str(one.get("bytes", "")) for one in run.told.get("code", []) if isinstance(one, dict)]
    more = asks_of([tree for one in sources if (tree := tree_of(one)[0]) is not None], sources)
    asks = replace(
        asks,
        variables={**more.variables, **asks.variables},
        shards=tuple(dict.fromkeys((*asks.shards, *more.shards))),
        phases=tuple(dict.fromkeys((*asks.phases, *more.phases))),
        trainings=tuple(dict.fromkeys((*asks.trainings, *more.trainings))),
        limit_name=asks.limit_name or more.limit_name,
        limit_s=asks.limit_s or more.limit_s,
        headed=asks.headed or more.headed,
        gpu=asks.gpu or more.gpu,
    )
    shards = dict(order.shards)
    for name in more.shards:
        if role_of(name):
            shards.setdefault(f"data/{PurePosixPath(plain(name)).name}", role_of(name))
    looked = [str(one.get("path", "")) for one in run.events("missing")] + [
        str(one) for one in run.told.get("asked", [])
    ]
    for path in looked:
        inside = os.path.relpath(path, run.folder)
        if inside.startswith("..") or not inside.endswith(".bin") or not role_of(inside):
            continue
        if not any(fnmatch(one, inside) for one in shards):
            shards[plain(inside)] = role_of(inside)
    files = dict(order.files)
    # A library that opens a file itself is heard of by its error alone.
    for path in re.findall(r"[\"']([^\"']{1,300}\.model)[\"']", run.why_not):
        inside = os.path.relpath(path, run.folder)
        if not inside.startswith(".."):
            files.setdefault(inside, tokenizer(asks.pieces))
    settings = {**dict.fromkeys(data_variables(asks), "{HERE}/data"), **small_settings(asks.variables), **order.env}
    clock = clock_of(asks)
    told = replace(order, shards=shards, env=settings, files=files, headed=asks.headed, gpu=asks.gpu, clock=clock)
    return asks, told
