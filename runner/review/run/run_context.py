"""What is known of the run that a script is judged by: which of its switches were on, and who says so.

`--env` and `--log` are the user's word; else the logs that count (what they dump, then what their lines prove on),
then the commands of README and shell scripts, then submission.json. Which logs count, `folder_logs` says. What they
disagree about is unknown, and a finding. A log of another version of the file decides nothing while anybody else says
something of a setting; where nobody does, and it shows the claimed score, it is the only witness of that run.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from runner.audit.reading.folder import is_log
from runner.errors import UserError
from runner.printable import cut
from runner.review.run.folder_logs import Log, lines_of, logs_of
from runner.review.run.implied import implied
from runner.review.run.run_sources import (
    claimed_scores,
    commands_of,
    dumped,
    submitted,
)
from runner.review.run.script_settings import Setting, settings_of
from runner.review.run.shown import shown
from runner.review.source.unwrap import Reviewed
from runner.untrusted import is_regular, read_bytes, read_json

MOST_README = 4 << 20
MOST_READ = 4
"""Logs whose lines are held against what the script prints."""
PER_RUN = frozenset(("SEED", "RUN_ID", "RANK", "LOCAL_RANK", "DATA_PATH", "DATA_DIR", "LOGFILE", "TOKENIZER_PATH"))
"""Settings by which runs of one entry differ, and no rule asks for."""


@dataclass(frozen=True)
class Known:
    """One source's word on settings: {NAME: (value, line)}."""

    source: str
    values: Mapping[str, tuple[str, int]]


@dataclass(frozen=True)
class Conflict:
    """Two sources that say different things of one setting, or a log that is not this file's."""

    name: str
    sentence: str


@dataclass(frozen=True)
class RunContext:
    """What is known of the run.

    settings: the variables that the script reads, by name; sources: who says what, the strongest first; logs: every
    log that was read; conflicts: what they disagree about; looked_for: what was looked at to know all this.
    """

    settings: Mapping[str, Setting] = field(default_factory=dict)
    sources: Sequence[Known] = ()
    logs: Sequence[Log] = ()
    conflicts: Sequence[Conflict] = ()
    known: bool = False
    """Whether anything speaks of the run at all: where nothing does, defaults say nothing either."""
    untimed: bool = False
    """Whether the entry is in a track without a limit of time."""

    def value_of(self, name: str) -> tuple[str, str] | None:
        """(the value of a setting as text, who says so); None where nobody does, or those who count disagree.

        name: NUM_LAYERS, or the name under which the script keeps it, num_layers. Defaults are not the run's word:
        `default_of` has them.
        """
        wanted = self._name_of(name)
        if any(one.name == wanted and "disagree" in one.sentence for one in self.conflicts):
            return None
        for known in self.sources:
            if wanted in known.values:
                value, line = known.values[wanted]
                return value, f"{known.source}:{line}" if line else known.source
        return None

    def default_of(self, name: str) -> tuple[str, str] | None:
        """(the default of a setting as text, where it stands)."""
        setting = self.settings.get(self._name_of(name))
        return None if setting is None or setting.default is None else (setting.default, setting.place)

    def printed(self, text: str) -> bool | None:
        """Whether a log that counts holds this text; None where no log counts."""
        counted = [log for log in self.logs if log.counts]
        return any(text in line for log in counted for line in log.lines) if counted else None

    def _name_of(self, name: str) -> str:
        if name in self.settings or name.isupper():
            return name
        return next((one.name for one in self.settings.values() if one.kept == name), name.upper())


def run_context(
    reviewed: Reviewed,
    *,
    folder: Path | None = None,
    given: Mapping[str, str] | None = None,
    log: Path | None = None,
    readme: Path | None = None,
) -> RunContext:
    """What is known of a script's run.

    folder: whose README, logs, shell scripts and submission.json are read; None for a script alone. given: what the
    user says of the environment; log and readme: files that the user names, the log deciding whatever its code size.
    UserError where one of these two cannot be read; others that cannot be read are passed over.
    """
    settings = settings_of((text.name, text.tree) for text in reviewed.texts)
    names = _names(settings)
    sources: list[Known] = []
    if given:
        sources.append(Known("--env", {name: (value, 0) for name, value in given.items()}))
    logs: list[Log] = []
    if log is not None:
        lines = lines_of(log)
        logs.append(Log(log.name, lines, counts=True))
        sources.append(Known(log.name, dumped(list(lines), names)))
    conflicts: list[Conflict] = []
    submission = _submission(folder)
    if folder is not None and log is None:
        logs = logs_of(folder, reviewed, claimed_scores(submission))
        sources += _agreed(logs, names, settings, conflicts)
        sources += _shown(logs, reviewed, settings)
    for name, text, shell in _texts(folder, readme):
        sources += _commanded(name, text, shell=shell, settings=settings, conflicts=conflicts)
    if submission is not None:
        said = submitted(submission, names)
        sources.append(Known("submission.json", {name: (value, 0) for name, value in said.items()}))
    conflicts += _contradictions(sources, settings)
    sources += [
        Known(f"{one.name} (of another version of this file)", _all_of(one, reviewed, names, settings))
        for one in logs
        if one.why_not and one.claimed
    ]
    conflicts += [Conflict("", f"{one.name}: {one.why_not}") for one in logs if not one.counts and one.why_not]
    if folder is not None and (switches := implied(settings, sources)):
        sources.append(Known("its settings, which are given", switches))
    spoken = any(known.values for known in sources) or any(one.counts for one in logs) or readme is not None
    known = spoken or folder is not None
    return RunContext(settings, sources, logs, conflicts, known, untimed=_untimed(folder, submission))


def _untimed(folder: Path | None, submission: object) -> bool:
    """Whether the folder's path or its submission.json puts it into the track that is no record's."""
    track = submission.get("track") if isinstance(submission, dict) else ""
    words = [str(track), *(folder.resolve().parts[-4:] if folder is not None else ())]
    return any(re.search(r"non[-_ ]?record", word, re.IGNORECASE) for word in words)


def _names(settings: Mapping[str, Setting]) -> dict[str, str]:
    """How a setting may be called in lower case -> its name."""
    found = {name.lower(): name for name in settings}
    for setting in settings.values():
        if setting.kept:
            found.setdefault(setting.kept.lower(), setting.name)
    found.setdefault("world_size", "WORLD_SIZE")
    return found


def _agreed(
    logs: Sequence[Log], names: Mapping[str, str], settings: Mapping[str, Setting], conflicts: list[Conflict]
) -> list[Known]:
    """What the logs that count say, one source each; what they disagree about is a conflict."""
    found = [Known(log.name, dumped(list(log.lines), names)) for log in logs if log.counts]
    said: dict[str, dict[str, str]] = {}
    for known in found:
        for name, (value, _) in known.values.items():
            said.setdefault(name, {}).setdefault(plain(value), known.source)
    for name, values in said.items():
        if len(values) > 1 and not of_a_run(name) and name in settings:
            words = ", ".join(f"{cut(value, 40)} in {source}" for value, source in list(values.items())[:3])
            conflicts.append(Conflict(name, f"logs disagree about {name}: {words}"))
    return found


def _shown(logs: Sequence[Log], reviewed: Reviewed, settings: Mapping[str, Setting]) -> list[Known]:
    """What lines of logs that count prove on, because only code behind a switch prints them."""
    trees = [text.tree for text in reviewed.texts]
    counted = [log for log in logs if log.counts]
    found = [
        Known(f"{log.name} (by what it printed)", shown(trees, settings, log.lines)) for log in counted[:MOST_READ]
    ]
    return [one for one in found if one.values]


def _all_of(
    log: Log, reviewed: Reviewed, names: Mapping[str, str], settings: Mapping[str, Setting]
) -> dict[str, tuple[str, int]]:
    """What a log says and what its lines prove on."""
    return {**shown([text.tree for text in reviewed.texts], settings, log.lines), **dumped(list(log.lines), names)}


def _texts(folder: Path | None, readme: Path | None) -> list[tuple[str, str, bool]]:
    """(name, text, whether it is a shell script) of what holds commands."""
    found: list[tuple[str, str, bool]] = []
    if readme is not None:
        found.append((readme.name, "\n".join(lines_of(readme)), readme.suffix == ".sh"))
        return found
    if folder is None:
        return found
    for path in sorted(folder.iterdir()):
        shell = path.suffix == ".sh"
        if not (shell or path.name.lower().startswith("readme")) or not is_regular(path):
            continue
        try:
            content = read_bytes(path, MOST_README).decode("utf-8", "replace")
        except UserError:
            continue
        found.append((path.name, content, shell))
    return sorted(found, key=lambda one: one[2])


def _commanded(
    name: str, text: str, *, shell: bool, settings: Mapping[str, Setting], conflicts: list[Conflict]
) -> list[Known]:
    """What the commands of a text set: the one that sets most of the script's settings, the others as a conflict."""
    commands = [
        {key: value for key, value in one.items() if key in settings or key == "WORLD_SIZE"}
        for one in commands_of(text, shell=shell)
    ]
    commands = [one for one in commands if one]
    if not commands:
        return []
    main = max(commands, key=len)
    for other in commands:
        for key, (value, line) in other.items():
            if key in main and plain(main[key][0]) != plain(value) and not of_a_run(key):
                mine = main[key]
                both = f"{cut(mine[0], 40)} (l. {mine[1]}) and {cut(value, 40)} (l. {line})"
                conflicts.append(Conflict(key, f"{name}: commands set {key} to {both}"))
    return [Known(name, main)]


def _submission(folder: Path | None) -> object:
    path = folder / "submission.json" if folder is not None else None
    if path is None or not is_regular(path):
        return None
    try:
        content: object = read_json(path, 16 << 20)
    except UserError:
        return None
    return content


def _contradictions(sources: Sequence[Known], settings: Mapping[str, Setting]) -> list[Conflict]:
    """Settings of which README and logs say different things; logs win."""
    found: list[Conflict] = []
    first: dict[str, tuple[str, str]] = {}
    for known in sources:
        for name, (value, _) in known.values.items():
            if of_a_run(name) or name not in settings:
                continue
            if name in first and plain(first[name][0]) != plain(value):
                mine, source = first[name]
                if not (is_log(source) and is_log(known.source)):
                    found.append(
                        Conflict(name, f"{source} says {name} {cut(mine, 40)}, {known.source} {cut(value, 40)}")
                    )
            else:
                first.setdefault(name, (value, known.source))
    return list(dict.fromkeys(found))


def of_a_run(name: str) -> bool:
    """Whether a setting only says where files lie, or which of several runs this is."""
    return name in PER_RUN or name.endswith(("_DIR", "_PATH", "_FILE", "_FILES"))


def plain(value: str) -> str:
    """A value for comparison: True and 1 are one, 3 and 3.0 too."""
    text = value.strip().strip("\"'").lower()
    if text in ("true", "yes", "on"):
        return "1.0"
    if text in ("false", "no", "off", "none"):
        return "0.0"
    try:
        return repr(float(text))
    except ValueError:
        return text
