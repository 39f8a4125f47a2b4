"""Every command, file and link that the pages name exists: README.md, docs/ and deploy/, line by line.

A failure is named by page and line. Whether what the pages say is true is not asked here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
import typer

from runner.cli.app import app
from runner.job.spec import JobSpec
from tests.fixtures.pages import Command, Page, Told, read_page
from tests.fixtures.places import DOCS, ROOT

PATHS = [ROOT / "README.md", *sorted(DOCS.glob("*.md")), *sorted((ROOT / "deploy").rglob("README.md"))]
PAGES = {path: read_page(path.read_text()) for path in PATHS}
GOLF: Any = typer.main.get_command(app)
TARGETS = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
OURS = re.compile(r"(?:runner|golf_model|reports|tests|benchmarks|jobs|docs|deploy)/[\w./-]+\.\w+")
"""A path of a file in this repository."""
MOST_LINES, MOST_COLUMNS = 140, 120


def each(found: Callable[[Page], Iterable[Any]]) -> pytest.MarkDecorator:
    """A test for everything that is found on a page, by page and line."""
    cases = [
        pytest.param(path, one, id=f"{path.relative_to(ROOT)}:{place.line} {place.text}")
        for path, page in PAGES.items()
        for one in found(page)
        for place in [one if isinstance(one, Told) else one[0]]
    ]
    return pytest.mark.parametrize(("path", "told"), cases)


# ---- what is asked of one command, file or link ----


def verb_of(words: Iterable[str]) -> tuple[Any, list[str]]:
    """The verb that some words name, and the words after it."""
    verb, rest = GOLF, list(words)
    while hasattr(verb, "commands"):
        assert rest, "names a group of verbs and none of them"
        if rest[0] not in verb.commands and hasattr(verb, "default"):
            rest.insert(0, verb.default)
        assert rest[0] in verb.commands, f"there is no verb `golf {rest[0]}`; there are {', '.join(verb.commands)}"
        verb = verb.commands[rest.pop(0)]
    return verb, rest


def options_in(words: Iterable[str]) -> set[str]:
    """The options among words, those of a usage in brackets, too."""
    bare = [word.strip("[]").partition("=")[0] for word in words]
    return {word for word in bare if re.fullmatch(r"--?[a-z][\w-]*", word)}


def options_of(verb: Any) -> set[str]:
    return {name for parameter in verb.params for name in parameter.opts if name.startswith("-")} | {"--help"}


def require_command(command: Command) -> None:
    """A verb and options that exist; a line from a fence must be one that golf would take as it stands."""
    if not command.golf:
        unknown = {word for word in command.words if "=" not in word} - TARGETS
        assert not unknown, f"the Makefile has no target {', '.join(unknown)}"
        return
    verb, rest = verb_of(command.words)
    unknown = options_in(rest) - options_of(verb)
    assert not unknown, f"`{command.text}`: this verb has no option {', '.join(unknown)}"
    if command.whole:
        verb.make_context(verb.name, list(rest))


def require_link(path: Path, target: str) -> None:
    """A file or folder of this repository, and where the link names a heading, one of that page."""
    place, _, anchor = target.partition("#")
    linked = (path.parent / place).resolve() if place else path
    assert linked.is_relative_to(ROOT), f"{target} leaves the repository"
    assert linked.exists(), f"{target} is not there"
    if anchor:
        assert anchor in read_page(linked.read_text()).anchors, f"{linked.name} has no heading #{anchor}"


# ---- the pages ----


@each(lambda page: page.commands)
def test_a_command_is_one_that_exists(path: Path, told: Command) -> None:
    require_command(told)


@each(lambda page: page.options)
def test_an_option_beside_a_verb_in_a_table_is_that_verbs(path: Path, told: tuple[Told, tuple[Command, ...]]) -> None:
    span, commands = told
    known = {option for command in commands if command.golf for option in options_of(verb_of(command.words)[0])}
    assert options_in(span.text.split()) <= known


@each(lambda page: page.links)
def test_a_link_leads_somewhere(path: Path, told: Told) -> None:
    require_link(path, told.text)


@each(lambda page: [span for span in page.spans if OURS.fullmatch(span.text)])
def test_a_file_that_is_named_is_there(path: Path, told: Told) -> None:
    assert (ROOT / told.text).is_file()


@each(lambda page: [command for command in page.commands if any(map(OURS.fullmatch, command.words))])
def test_a_job_in_a_command_is_there(path: Path, told: Command) -> None:
    for word in told.words:
        assert not OURS.fullmatch(word) or (ROOT / word).is_file(), word


def leaves(verb: Any, names: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """All verbs, each by its words."""
    if not hasattr(verb, "commands"):
        return [names]
    return [leaf for name, below in verb.commands.items() for leaf in leaves(below, (*names, name))]


@pytest.mark.parametrize("words", leaves(GOLF), ids=" ".join)
def test_the_page_of_verbs_tells_every_verb_with_every_option(words: tuple[str, ...]) -> None:
    page = PAGES[DOCS / "verbs.md"]
    verb, _ = verb_of(words)
    told = [command for command in page.commands if command.golf and command.words[: len(words)] == words]
    assert told, f"docs/verbs.md does not tell `golf {' '.join(words)}`"
    shown = {option for command in told for option in options_in(command.words)}
    for span, commands in page.options:
        if set(told) & set(commands):
            shown |= options_in(span.text.split())
    missing = [parameter.opts for parameter in verb.params if not shown & set(parameter.opts)]
    assert [opts for opts in missing if opts[0].startswith("-")] == []


def test_every_verb_is_named_in_the_readme() -> None:
    named = {command.words for command in PAGES[ROOT / "README.md"].commands}
    assert [" ".join(leaf) for leaf in leaves(GOLF) if not any(words[: len(leaf)] == leaf for words in named)] == []


def test_the_page_of_jobs_tells_every_field() -> None:
    told = {span.text for span in PAGES[DOCS / "jobs.md"].spans}
    assert set(JobSpec.model_fields) - told == {"config"}  # stands there as `config:`


def test_every_page_is_linked_from_the_readme() -> None:
    linked = {(ROOT / link.text.partition("#")[0]) for link in PAGES[ROOT / "README.md"].links}
    assert set(DOCS.glob("*.md")) - linked == set()


def test_the_readme_is_read_in_three_minutes() -> None:
    path = ROOT / "README.md"
    lines = path.read_text().splitlines()
    assert len(lines) <= MOST_LINES
    assert [number for number in PAGES[path].prose if len(lines[number - 1]) > MOST_COLUMNS] == []


# ---- that these tests see what is wrong ----


@pytest.mark.parametrize(
    "text",
    [
        "`golf rum JOB`",
        "`golf run JOB --sedes 1`",
        "`golf logs [-g] RUN`",
        "`golf model JOB`",
        "`make domo`",
        "```\n$ golf run jobs/quickstart.yaml --seed 1\n```\n",
        "```sh\ncd golf && .venv/bin/golf verifi records/one\n```\n",
        "```\nnohup golf plan > golf.log 2>&1 &\n```\n",
        "```\ngolf submit jobs/baseline.yaml\n```\n",
        "| a |\n|---|\n| `golf export RECORD` |\n",
    ],
)
def test_a_wrong_command_is_found(text: str) -> None:
    (command,) = read_page(text).commands
    with pytest.raises(Exception):  # noqa: B017, PT011  (an assertion, or what golf itself says of such a line)
        require_command(command)


@pytest.mark.parametrize("target", ["docs/nothing.md", "docs/audit.md#nothing", "../elsewhere", "#nothing"])
def test_a_dead_link_is_found(target: str) -> None:
    (link,) = read_page(f"see [this\npage]({target})").links
    with pytest.raises(AssertionError):
        require_link(ROOT / "README.md", link.text)


def test_a_row_of_a_table_gives_its_options_to_its_verbs() -> None:
    text = "| verb | does |\n|---|---|\n| `golf stop RUN` | ends it: `--force`, `golf` |\n"
    ((span, (command,)),) = read_page(text).options
    assert (span, command.words) == (Told(3, "--force"), ("stop", "RUN"))


def test_places_are_counted_from_the_pages_first_line() -> None:
    page = read_page("# A b\n\none\n`golf run`\n\n```\n# no\ngolf \\\n  plan\n\ngolf stop\n```\n\nlast\n")
    assert [(command.line, command.words) for command in page.commands] == [
        (4, ("run",)),
        (8, ("plan",)),
        (11, ("stop",)),
    ]
    assert page.anchors == {"a-b"}
    assert page.prose == (1, 2, 3, 4, 5, 13, 14)
