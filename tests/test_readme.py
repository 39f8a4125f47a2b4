"""README.md of a record: what it says, that it says only what was measured, and that hostile text stays text."""

from __future__ import annotations

import json
import math
import re
from typing import Any

import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token

from reports.answers import answer_lines, worst_lines
from reports.pages import results_json
from reports.readme import render_readme
from reports.tables import NUMBERS, seed_table, summary_table
from runner.results import (
    DataFacts,
    GpuFacts,
    Host,
    Interval,
    NodeReport,
    Probe,
    RecordData,
    Segment,
    SizeForecast,
    Yardstick,
)
from tests.samples import (
    SCRIPT_SHA256,
    failed_result,
    failed_verification,
    phase,
    record,
    reference,
    reproduction,
    run_result,
    score,
    verification,
)

PARSER = MarkdownIt("commonmark").enable("table")
HOSTILE = (
    "# x\n\n| a | b |\n|---|---|\n<script>alert(1)</script> [l](http://x) ![i](http://y) ``` `c` **b** ../../etc"
)


def crashed() -> RecordData:
    return record(
        [run_result(1337), run_result(42, train=phase("train", 62.3)), failed_result(2024)],
        [verification(1337), verification(42), failed_verification(2024)],
    )


def rejected_by_size() -> RecordData:
    big = verification(42, artifact_bytes=16_543_598)
    return record(verifications=[verification(1337), big, verification(2024)])


def row_of(readme: str, first: str) -> list[str]:
    """The cells of the first table row that starts with `first`."""
    line = next(line for line in readme.splitlines() if line.startswith(f"| {first} |"))
    return [cell.strip() for cell in line.strip("|").split(" | ")]


def tables_of(readme: str) -> tuple[str, str]:
    """The two tables of results: scores, and what they took."""
    scores, costs = readme.split("\nWhat it took:\n")
    return scores, costs.split("\n## ")[0]


def test_the_headline_has_mean_sample_std_seeds_track_and_hardware() -> None:
    head = render_readme(record()).split("## Results")[0]
    assert head.startswith("# quickstart\n")
    # Sample: 0.0045; of a population it would be 0.0037.
    assert "**1.7445 ± 0.0045 bits per byte** (mean ± sample standard deviation, 3 seeds)" in head
    assert "track `local`, on `cpu` (A CPU, 1 process per seed)." in head
    assert "**Passed:**" in head


def test_each_seed_has_a_row_with_its_numbers() -> None:
    scores, costs = tables_of(render_readme(record()))
    assert row_of(scores, "42") == ["42", "3.6788", "1.7349", "3.6888", "1.7396", "0.0047", "3.688750", "1.739574"]
    assert row_of(costs, "42") == [
        "42", "410", "141.22", "57.93", "6.51", "1,530,062", "1,551,407", "14,448,593", "871",
    ]  # fmt: skip


def test_mean_and_sample_std_stand_below_the_seeds() -> None:
    readme = render_readme(record())
    assert row_of(readme, "**mean**")[6:] == ["3.699167", "1.744486"]
    assert row_of(readme, "**std**")[6:] == ["0.009547", "0.004502"]


def test_one_seed_has_no_std() -> None:
    readme = render_readme(record(seeds=(1337,)))
    assert "**1.7455 ± n/a bits per byte** (one seed)" in readme
    assert set(row_of(readme, "**std**")[1:]) == {"n/a"}


def test_every_check_shows_what_was_measured_and_the_limit() -> None:
    readme = render_readme(record())
    assert (
        "| Script and artifact under the cap? | 1,552,702 / 1,551,407 / 1,553,389 B | 16,000,000 B | ✓ pass |"
        in readme
    )
    assert "| Training in time? | 57.94 / 57.93 / 57.95 s | 60 s + 1 s | ✓ pass |" in readme
    assert "(not required) |" in readme


def test_a_rejected_run_gives_its_reasons_before_any_number() -> None:
    data = rejected_by_size()
    assert data.verdict.status == "rejected"
    readme = render_readme(data)
    start = readme.index("**Rejected.**")
    reason = readme.index("Script and artifact under the cap? No for seed 42: 16,564,943 B; limit 16,000,000 B")
    assert start < reason < readme.index("1.7445") < readme.index("## Results")
    assert "Passed" not in readme
    assert row_of(tables_of(readme)[1], "42")[7] == "-564,943"


def test_an_unverified_run_says_first_what_is_unknown() -> None:
    data = record([run_result(1337), run_result(42, eval=None), run_result(2024)])
    readme = render_readme(data)
    assert (
        readme.index("**Unverified.**")
        < readme.index("Evaluation in time? Unknown for seed 42")
        < readme.index("1.7445")
    )


def test_every_reason_of_the_verdict_is_a_line_of_its_own() -> None:
    data = crashed()
    listed = [line.removeprefix("- ") for line in render_readme(data).split("What was measured")[0].splitlines()]
    assert len(data.verdict.reasons) > 5
    assert set(data.verdict.reasons) <= set(listed)


def test_a_crashed_seed_is_a_row_of_dashes_with_its_reason_below() -> None:
    readme = render_readme(crashed())
    assert [row_of(part, "2024")[1:] for part in tables_of(readme)] == [["–"] * 7, ["–"] * 8]
    assert "2 of 3 seeds" in readme
    assert "Seed 2024 did not complete (failed):\n\n```text\nexit code 1\nlast line of the log\n```" in readme


def test_a_run_without_any_result_still_has_a_readme() -> None:
    readme = render_readme(record([], [], date=""))
    assert "No seed was scored." in readme
    assert "seed 1337 never ran" in readme


def test_yardsticks_say_how_many_seeds_are_better_by_the_unrounded_numbers() -> None:
    between = score(3.70125).val_bpb - 1e-9
    data = record(
        yardsticks=[Yardstick(name="close", bpb=between, detail="d"), Yardstick(name="xz", bpb=2.1, detail="d")]
    )
    readme = render_readme(data)
    assert row_of(readme, "close")[3] == "1 of 3"
    assert row_of(readme, "xz")[3] == "3 of 3"
    assert "At least one seed is no better than: close." in readme
    assert "Every seed is better than every yardstick" in render_readme(record())


def test_without_a_score_nothing_is_said_to_be_beaten() -> None:
    for data in (record([], []), record([failed_result(42)], [failed_verification(42)], seeds=(42,))):
        readme = render_readme(data)
        assert "Every seed is better" not in readme
        assert "No seed was scored, so it is not known." in readme


@pytest.mark.parametrize(
    ("ledger", "words"),
    [
        ({"registrations": 1, "launches": 3, "completed": 3}, "1 registration, 3 launches, 3 completed"),
        ({"registrations": 2, "launches": 1, "lost": 1}, "2 registrations, 1 launch, 1 lost"),
    ],
)
def test_the_ledgers_counts_are_singular_or_plural(ledger: dict[str, int], words: str) -> None:
    assert f"\nThe run's ledger counts {words}.\n" in render_readme(record(ledger=ledger))


def test_the_strict_clocks_stand_below_the_table() -> None:
    unseen = phase("eval", 6.5, strict_clock=None)
    readme = render_readme(record([run_result(1337), run_result(42, eval=unseen), run_result(2024)]))
    assert "Training took 59.19 / 59.18 / 59.20 s and evaluation took 7.76 / – / 7.76 s, seed by seed" in readme
    bare = {"train": phase("train", 57.9, strict_clock=None), "eval": phase("eval", 6.5, strict_clock=None)}
    assert "strict" not in render_readme(record([run_result(1337).model_copy(update=bare)], seeds=(1337,)))


def test_no_yardstick_means_no_section_about_learning() -> None:
    assert "Did it learn" not in render_readme(record(yardsticks=[]))


def test_it_says_how_to_run_these_seeds_again() -> None:
    readme = render_readme(record(job={"threads": 2}))
    assert "```sh\ngolf run JOB.yaml --seeds 1337,42,2024\n```" in readme
    assert "jobs/" not in readme
    assert "under `job` in `results.json`" in readme
    assert "OMP_NUM_THREADS=2 \\\n  torchrun --standalone --nproc_per_node=1 train_gpt.py" in readme
    assert f"`{SCRIPT_SHA256}`" in readme
    assert "python 3.11.4, torch 2.13.0, numpy 2.4.6" in readme


@pytest.mark.parametrize("make", [record, crashed, rejected_by_size, reproduction])
def test_it_is_rebuilt_byte_for_byte_from_the_stored_data(make: Any) -> None:
    data = make()
    stored = RecordData.model_validate_json(results_json(data))
    assert render_readme(stored) == render_readme(data)


def test_a_score_that_is_not_a_number_survives_the_disk_and_shows_as_a_dash() -> None:
    data = record([run_result(1337, final_score=score(math.nan))], seeds=(1337,))
    stored = RecordData.model_validate_json(results_json(data))
    assert results_json(stored) == results_json(data)
    assert row_of(render_readme(stored), "1337")[6:] == ["–", "–"]


# ---- beside the published run ----


def beside(data: RecordData) -> str:
    """The section on the published run."""
    return render_readme(data).split("## Beside the published run\n")[1].split("\n## ")[0]


def test_a_job_that_reproduces_a_published_run_shows_ours_beside_theirs() -> None:
    section = beside(reproduction())
    assert (
        "reproduces PR #9999, which ran on 8xH100 80GB SXM with fineweb10B_sp1024. Ours ran on `cpu` (A CPU"
        in section
    )
    assert row_of(section, "bpb, mean ± std")[1:] == ["1.7445 ± 0.0045", "1.1373 ± 0.0017 (2 seeds, log)", "+0.6072"]
    assert row_of(section, "total B, largest")[1:] == ["1,553,389", "15,826,438 (claimed)", "-14,273,049"]
    assert row_of(section, "eval s, mean ± std")[2:] == ["not published", "–"]
    assert row_of(section, "1337") == ["1337", "bpb", "1.7455", "1.1361 (log); 1.13 (claimed)", "+0.6094"]
    assert row_of(section, "7")[2:] == ["not measured", "1.13854 (log)", "–"]
    assert "On the published figures: size as claimed; nobody has seen the artifact of 16,564,943 bytes\n" in section
    assert "Our bpb is scored by the rule plain." in section


def test_what_keeps_the_two_runs_from_being_compared_stands_before_the_figures() -> None:
    section = beside(reproduction())
    said = "**Not comparable:** other data (ours the embedded corpus asv, theirs fineweb10B_sp1024); other hardware ("
    assert section.index(said) < section.index("| figure |")


def test_runs_that_do_not_differ_are_not_called_the_same() -> None:
    alike = reproduction(
        data="asv", hardware="1xCPU", train_limit_seconds=60, eval_limit_seconds=60, claimed={"bytes_total": 1}
    )
    section = beside(alike)
    assert "Nothing that is known of both runs differs" in section
    assert "Not known, so not compared: the hardware, the model's parameters." in section


def test_a_run_published_without_single_seeds_has_no_table_of_seeds() -> None:
    section = beside(reproduction(seeds=[]))
    assert section.count("| figure |") == 1
    assert section.endswith("They published nothing of single seeds.\n")


@pytest.mark.parametrize("job", [{}, {"reference": None}])
def test_a_job_that_reproduces_nothing_says_nothing_of_a_published_run(job: dict[str, Any]) -> None:
    assert "published" not in render_readme(record(job=job)).replace("*Final* is the published\nscore", "")


# ---- only what was measured ----


def numbers_in(value: Any) -> list[float]:
    """Every number of a JSON value, those inside words included."""
    if isinstance(value, dict):
        return [number for pair in value.items() for part in pair for number in numbers_in(part)]
    if isinstance(value, list):
        return [number for part in value for number in numbers_in(part)]
    if isinstance(value, str):
        return [float(text.replace(",", "")) for text in re.findall(r"\d[\d,]*(?:\.\d+)?", value)]
    return [float(value)] if isinstance(value, (int, float)) else []


@pytest.mark.parametrize("make", [record, crashed, rejected_by_size])
def test_every_numeral_was_measured_or_follows_from_the_tables(make: Any) -> None:
    data = make()
    seeds = seed_table(data)
    tables = summary_table(seeds).to_numpy().ravel().tolist()
    tables += [value for name in NUMBERS for value in seeds[name].dropna().tolist()]
    known = [abs(number) for number in numbers_in(json.loads(results_json(data))) + tables if not math.isnan(number)]
    known += [float(count) for count in range(len(data.results) + 1)]
    text = re.sub(r"`[^`]*`|```.*?```", "", render_readme(data), flags=re.DOTALL)
    text = text.replace("loss / ln 2", "")
    numerals = re.findall(r"(?<![\w.])\d[\d,]*(?:\.\d+)?", text)
    assert len(numerals) > 80
    for numeral in numerals:
        digits = len(numeral.partition(".")[2])
        value = float(numeral.replace(",", ""))
        assert any(abs(value - number) <= 0.5000001 * 10**-digits for number in known), numeral


# ---- hostile text ----


def hostile() -> RecordData:
    """A record whose every free text is an attack on the page."""
    host = Host(node=HOSTILE, hardware=HOSTILE, device=HOSTILE, cpus=1, nproc=1, versions={HOSTILE: HOSTILE})
    return record(
        [run_result(1337, host=host), failed_result(42, reason=f"```\n{HOSTILE}\n````\n# out")],
        [verification(1337), failed_verification(42)],
        seeds=(1337, 42),
        name=HOSTILE,
        track=HOSTILE,
        job={
            "author": HOSTILE,
            "github_id": HOSTILE,
            "blurb": HOSTILE,
            "reference": reference(source=HOSTILE, hardware=f"1x{HOSTILE}", data=HOSTILE, note=HOSTILE),
        },
        data=DataFacts(
            name=HOSTILE, train_tokens=1, val_tokens=1, val_bytes=1, vocab_size=1, files={HOSTILE: HOSTILE}
        ),
        forecast=SizeForecast(low=1, high=2, basis=HOSTILE),
        yardsticks=[Yardstick(name=HOSTILE, bpb=1.0, detail=HOSTILE)],
        ledger={HOSTILE: 1},
        versions={HOSTILE: HOSTILE},
    )


def harmless_twin() -> RecordData:
    """The same record with tame text."""
    text = hostile().model_dump_json().replace(json.dumps(HOSTILE)[1:-1], "tame")
    return RecordData.model_validate_json(text)


def skeleton(readme: str) -> list[str]:
    return [token.type for token in PARSER.parse(readme)]


def inline_kinds(readme: str) -> set[str]:
    tokens: list[Token] = PARSER.parse(readme)
    return {child.type for token in tokens for child in token.children or []}


def test_hostile_text_changes_nothing_of_the_pages_structure() -> None:
    page = render_readme(hostile())
    assert skeleton(page) == skeleton(render_readme(harmless_twin()))
    assert "html_block" not in skeleton(page)
    assert not inline_kinds(page) & {"html_inline", "link_open", "image"}


def test_hostile_text_is_still_readable() -> None:
    shown = [
        "".join(child.content for child in token.children or []) for token in PARSER.parse(render_readme(hostile()))
    ]
    assert any("<script>alert(1)</script> [l](http://x)" in text for text in shown)


def test_no_name_enters_the_command() -> None:
    readme = render_readme(record(name="../../etc/passwd; rm -rf ~"))
    commands = [line for line in readme.splitlines() if line.startswith("golf run")]
    assert commands == ["golf run JOB.yaml --seeds 1337,42,2024"]


# ---- folding of checks ----


def test_answers_that_agree_share_a_line_and_others_name_their_seed() -> None:
    checks = crashed().verdict.checks
    lines = [(line.status, line.measured) for line in answer_lines(checks) if line.name == "train_clock"]
    assert lines == [
        ("pass", "57.94 s (seed 1337)"),
        ("fail", "62.30 s (seed 42)"),
        ("unknown", "not measured (seed 2024)"),
    ]


def test_the_worst_answer_of_each_question_is_kept() -> None:
    data = crashed()
    worst = {line.name: line.status for line in worst_lines(data.verdict.checks)}
    assert len(worst) == len(worst_lines(data.verdict.checks))
    assert (worst["train_clock"], worst["eval_clock"], worst["one_script"]) == ("fail", "unknown", "pass")


def test_a_resumed_seed_is_named_with_its_lives() -> None:
    life = Segment(attempt=1, clock=Interval(low=9.0, high=10.5), strict_clock=Interval(low=11.0, high=12.5))
    train = phase("train", 57.93).model_copy(update={"earlier": [life, life.model_copy(update={"attempt": 2})]})
    readme = render_readme(record([run_result(1337), run_result(42, train=train), run_result(2024)]))
    assert (
        "\nKilled and resumed from a checkpoint: seed 42 (3 lives). The training time counts every life, work that "
        "was lost included, at its upper bound.\n"
    ) in readme
    assert "resumed" not in render_readme(record())


def test_nodes_and_the_time_they_stood_idle_are_shown() -> None:
    probe = Probe(
        device="NVIDIA GB10",
        torch="2.13.0",
        cuda="13.0",
        gemm_tflops=91.25,
        memory_gb_per_s=230.0,
        loader_tokens_per_s=8.4e8,
        all_reduce_gb_per_s=None,
    )
    gpu = GpuFacts(name="NVIDIA GB10", memory_mib=122_570, free_mib=120_000, driver="580.1")
    found = NodeReport(
        node="ab",
        host="spark-1",
        hardware="dgx-spark",
        gpus=[gpu],
        memory_mib=122_570,
        disk_free_gib=900.0,
        torch="2.13.0",
        problems=[],
        probe=probe,
    )
    results = [run_result(1337, preflight=found), run_result(42, preflight=found, idle_seconds=1.25)]
    text = render_readme(record(results=results, seeds=(1337, 42)))
    assert "| spark-1 | 1x NVIDIA GB10, 122,570 MiB, driver 580.1 | 91.2 | 230.0 | – | 840 |" in text
    assert "Between two seeds their node stood idle: 1.2 s before seed 42." in text
    assert "## Nodes" not in render_readme(record())
