"""README.md of a record: what it says, that it says only what was measured, and that hostile text stays text."""

from __future__ import annotations

import csv
import io
import json
import math
import re
import xml.etree.ElementTree as ET
from typing import Any

import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token
from pymarkdown.api import PyMarkdownApi

from reports.answers import answer_lines, worst_lines
from reports.record.pages import pages, results_json
from reports.record.readme import render_readme
from reports.sections.changes import MOST_FIELDS
from reports.sections.published import overall_lines, reference_of, seed_lines
from reports.tables import NUMBERS, seed_table, summary_table
from runner.results.attribution import Attribution, Change, Changes
from runner.results.datasets import DataFacts
from runner.results.frozen import Interval
from runner.results.nodes import GpuFacts, Host, NodeReport, Probe
from runner.results.phases import Segment
from runner.results.record import RecordData
from runner.results.runs import Curve, Launch, LeftOut, Training
from runner.results.variants import Variant
from runner.results.verdicts import SizeForecast, Yardstick
from tests.fixtures.full_record import told_record
from tests.fixtures.results import (
    SCRIPT_SHA256,
    challenge_facts,
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

LINTER = PyMarkdownApi().disable_rule_by_identifier("md013")  # lines are as long as what they say
PARSER = MarkdownIt("commonmark").enable("table")
HOSTILE = (
    "# x\n\n| a | b |\n|---|---|\n<script>alert(1)</script> [l](http://x) ![i](http://y) ``` `c` **b** ../../etc"
)


CHANGE = Change(field=HOSTILE, there=HOSTILE, here=[HOSTILE, HOSTILE], about=HOSTILE)


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
    assert head.startswith("# quickstart on asv (not shown to be the challenge's text)\n")
    # Sample: 0.0045; of a population it would be 0.0037.
    assert "**1.7445 ± 0.0045 bits per byte** on asv (mean ± sample standard deviation, 3 seeds)" in head
    assert "track `local`, on `cpu` (A CPU, 1 process per seed)." in head
    assert "**Passed:**" in head


def test_the_size_that_was_expected_is_told_with_its_interval_and_its_unit() -> None:
    older = "it was expected to take 1,400,000 to 1,700,000 B (parameters and three earlier artifacts)."
    assert older in render_readme(record())
    forecast = SizeForecast(low=1_400_000, high=1_700_000, basis="shapes", expected=1_555_000)
    told = "it was expected to take about 1,555,000 B, between 1,400,000 and 1,700,000 B (shapes)."
    assert told in render_readme(record(forecast=forecast))


def test_a_record_on_the_challenges_text_does_not_name_it_in_its_title() -> None:
    readme = render_readme(record(data=challenge_facts()))
    assert readme.startswith("# quickstart\n\n**1.7445 ± 0.0045 bits per byte** (mean")
    assert "What came out, in nats per token" in readme
    told = "It is the challenge's validation text: sp1024, by tokenizer, tokens, documents and bytes."
    assert told in readme.split("## Data")[1]


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
    assert "**1.7455 ± n/a bits per byte** on asv (one seed)" in readme
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
    assert "seeds 1337, 42, 2024 never ran" in readme


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


def test_a_seed_that_was_trained_once_and_scored_again_says_so_and_both_launches_are_paid_for() -> None:
    host = run_result().host
    assert host is not None
    by = Training(attempt=1, host=host, preflight=None, idle_seconds=None, started_at="2026-01-02T03:04:05Z")
    launches = [
        Launch(seed=42, attempt=1, status="failed", seconds=3600.0),
        Launch(seed=42, attempt=2, status="lost", seconds=1800.0, trained_by=1),
        Launch(seed=42, attempt=3, status="completed", seconds=1800.0, trained_by=1),
    ]
    readme = render_readme(
        record([run_result(42, attempt=3, training=by)], [verification(42)], seeds=(42,), launches=launches)
    )
    assert (
        "Trained once and scored again, because an evaluation came to nothing: seed 42 (trained by attempt 1, scored "
        "by attempt 3). Training and its clock are the earlier attempt's, and so are the bytes that were scored."
    ) in readme
    assert "Only the training counts of seed 42 attempt 1 (failed)." in readme
    told = "Launched and not counted: seed 42 attempt 2 (lost, only scored what attempt 1 trained)."
    assert told in readme
    assert "Every launch counts" not in readme
    assert row_of(readme, "**all**")[1:3] == ["3", "1.500"]
    assert "Trained once" not in render_readme(record())


def test_a_run_that_was_stopped_says_why_and_which_seeds_never_started() -> None:
    stopped = "the same failure twice: ValueError: bad (train_gpt.py:7), in evaluation (seed 1 attempt 1, then 2)"
    job = {"name": "quickstart", "seeds": [2024, 7, 8]}
    readme = render_readme(
        record([failed_result()], [failed_verification()], seeds=(2024, 7, 8), job=job, stopped=stopped)
    )
    assert f"\nThe run was stopped: {stopped}. Never started: seed 7, 8.\n" in readme
    assert "was stopped" not in render_readme(record())


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


def test_it_runs_the_bare_script_as_it_ran_with_the_variables_of_its_job() -> None:
    job = {"threads": 2, "launch": "python", "env": {"LAYERS": "10", "PROMPT": "a `b`\n```"}}
    readme = render_readme(record(job=job))
    assert "OMP_NUM_THREADS=2 LAYERS=10 PROMPT=VALUE \\\n  python train_gpt.py\n```" in readme
    assert "torchrun --standalone" not in readme


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
    assert "published" not in render_readme(record(job=job)).replace("*Final* is the\npublished score", "")


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


def derived(data: RecordData) -> list[float]:
    """What the page works out of results.json: counts, means, hours, dollars, and differences."""
    seeds = seed_table(data)
    found = [
        *summary_table(seeds).to_numpy().ravel().tolist(),
        float(len(data.changes.fields) if data.changes else 0),
    ]
    found += [value for name in NUMBERS for value in seeds[name].dropna().tolist()]
    found += [float(count) for count in range(len(data.results) + 1)]
    counted = {(result.seed, result.attempt) for result in data.results}
    launched = data.launches
    groups = [[one for one in launched if one.seed == seed] for seed in {one.seed for one in launched}] + [launched]
    groups += [[one for one in group if (one.seed, one.attempt) in counted] for group in groups]
    hours = [sum(one.seconds or 0 for one in group) / 3600 for group in groups]
    found += [hour * rate for hour in hours for rate in (1, data.gpus_per_seed or 0, data.dollars_per_hour or 0)]
    found += [float(len(group)) for group in groups]
    found += [one.val_bpb - seeds["val_bpb"].mean() for one in data.variants if one.val_bpb is not None]
    found += [float(len(one.fields) - MOST_FIELDS) for one in data.variants]
    if theirs := reference_of(data):
        lines = [*overall_lines(data, theirs), *(line for _, line in seed_lines(data, theirs))]
        both = [(line.ours.value, line.theirs.value) for line in lines]
        found += [other for _, other in both if other is not None]
        found += [own - other for own, other in both if own is not None and other is not None]
    return [abs(number) for number in found if not math.isnan(number)]


@pytest.mark.parametrize("make", [record, crashed, rejected_by_size, told_record, lambda: told_record("pr372")])
def test_every_numeral_was_measured_or_follows_from_the_tables(make: Any) -> None:
    data = make()
    known = [abs(number) for number in numbers_in(json.loads(results_json(data))) if not math.isnan(number)]
    known += derived(data)
    text = re.sub(r"```sh.*?```", "", render_readme(data), flags=re.DOTALL).replace("loss / ln 2", "")
    numerals = re.findall(r"(?<![\w.#])\d[\d,]*(?:\.\d+)?", text)
    assert len(numerals) > 80
    for numeral in numerals:
        digits = len(numeral.partition(".")[2])
        value = float(numeral.replace(",", ""))
        assert any(abs(value - number) <= 0.5000001 * 10**-digits for number in known), numeral
    for command in re.findall(r"```sh(.*?)```", render_readme(data), flags=re.DOTALL):
        assert {float(number) for number in re.findall(r"\d+", command)} <= set(known)


@pytest.mark.parametrize(
    "make", [record, crashed, rejected_by_size, reproduction, told_record, lambda: hostile(), lambda: record([], [])]
)
def test_a_markdown_linter_finds_nothing(make: Any) -> None:
    found = LINTER.scan_string(render_readme(make()))
    assert [(one.line_number, one.rule_id, one.rule_description) for one in found.scan_failures] == []


# ---- what the configuration says ----


def section(readme: str, title: str) -> str:
    """The text below one heading."""
    return readme.split(f"\n## {title}\n")[1].split("\n## ")[0]


def test_what_changed_is_a_table_of_fields_with_their_words() -> None:
    changed = section(render_readme(told_record()), "What changed")
    assert "22 fields differ from golf's default configuration, as the job names no base." in changed
    assert row_of(changed, "`config.model.num_layers`")[1:] == ["9", "2", "Transformer blocks"]
    named = Changes(base="a|b", fields=[])
    assert "Nothing differs from the job `a\\|b`." in render_readme(told_record(changes=named)).replace(
        "a|b", "a\\|b"
    )
    assert "What changed" not in render_readme(record())


def test_model_and_training_are_taken_from_the_configuration_and_what_is_off_is_left_out() -> None:
    model = section(render_readme(told_record()), "Model and training")
    assert row_of(model, "rows of the bigram table")[1] == "16,384"
    assert row_of(model, "training stops after, seconds")[1] == "34"
    for off in ("SmearGate", "training stops after, steps", "learning rate of the head", "tokens of a window"):
        assert off not in model
    windows = section(render_readme(told_record("pr160")), "Model and training")
    assert row_of(windows, "rule of the final score")[1] == "exact_tail"
    assert row_of(windows, "targets from window to window")[1] == "256"


def test_techniques_stand_with_their_sources() -> None:
    used = section(render_readme(told_record("pr372")), "Whose techniques these are")
    assert row_of(used, "exclusive attention (XSA)")[1:] == ["`model.xsa_last_n: 4`", "PR #372"]
    assert "Whose techniques" not in render_readme(record())


def test_notes_and_other_runs_stand_under_tried_and_rejected() -> None:
    tried = section(render_readme(told_record()), "Tried and rejected")
    assert "- a table of 4,096 rows: 0.02 bpb worse\n- no warm-up: the first steps diverged\n" in tried
    cells = row_of(tried, "`quickstart-deadbeef`")
    assert cells[2].startswith("`config.model.num_layers` 9, ")
    assert cells[2].endswith(" and 2 more")
    assert cells[3:5] == ["1.8125 (2)", "+0.0680"]
    assert cells[5].startswith("rejected: Better than the bigram model? No for seed 42")
    assert "Tried and rejected" not in render_readme(record())


def test_hours_and_dollars_are_those_that_count_and_those_of_all_launches() -> None:
    cost = section(render_readme(told_record()), "Hours and cost")
    assert row_of(cost, "42")[1:] == ["2", "0.021", "0.169", "&#36;0.42", "0.029", "0.236", "&#36;0.59"]
    assert row_of(cost, "**all**")[1:] == ["4", "0.063", "0.507", "&#36;1.27", "0.072", "0.573", "&#36;1.43"]
    assert "is taken to cost &#36;20 an hour, a guess" in cost


def test_what_nobody_noted_of_the_cost_is_unknown_and_a_sum_with_it_is_at_least() -> None:
    lost = Launch(seed=1337, attempt=2, status=None, seconds=None)
    cost = section(
        render_readme(told_record(launches=[*told_record().launches, lost], dollars_per_hour=None)), "Hours and cost"
    )
    assert row_of(cost, "1337")[1:] == [
        "2", "0.021", "0.167", "unknown", "at least 0.021", "at least 0.167", "unknown",
    ]  # fmt: skip
    assert "no cost is given. Of 1 launch no end was noted." in cost
    only_lost = section(render_readme(told_record(launches=[lost], gpus_per_seed=None)), "Hours and cost")
    assert row_of(only_lost, "1337")[1:] == ["1", "–", "–", "–", "unknown", "unknown", "unknown"]
    assert "Hours and cost" not in render_readme(record())


def test_a_page_of_two_thousand_seeds_is_no_longer_than_one_of_forty() -> None:
    def lines(seeds: range) -> list[str]:
        again = [
            Launch(seed=seed, attempt=number, status="completed", seconds=75.0) for seed in seeds for number in (1, 2)
        ]
        curves = [
            Curve(seed=seed, steps=[1, 410], losses=[6.93, 3.5], val_steps=[410], val_losses=[3.69]) for seed in seeds
        ]
        data = told_record(
            results=[run_result(seed) for seed in seeds],
            verifications=[verification(seed) for seed in seeds],
            seeds=tuple(seeds),
            launches=again,
            curves=curves,
        )
        return render_readme(data).splitlines()

    many = lines(range(1, 2001))
    assert len(many) == len(lines(range(1, 41)))
    assert max(map(len, many)) < 1000
    assert row_of(section("\n".join(many), "Hours and cost"), "and 1,990 more")[1:] == [""] * 7


def test_launches_that_do_not_count_are_named() -> None:
    assert "Launched and not counted: seed 42 attempt 1 (lost)." in render_readme(told_record())
    honest = [launch for launch in told_record().launches if launch.status == "completed"]
    nothing = LeftOut(unledgered=[], replaced=[], elsewhere=[], same_script=[])
    told = render_readme(told_record(launches=honest, left_out=nothing))
    assert "Every launch counts: none was tried and left out." in told


def test_none_was_left_out_is_said_only_where_somebody_looked_and_found_nothing() -> None:
    honest = [launch for launch in told_record().launches if launch.status == "completed"]

    def said(found: LeftOut | None) -> list[str]:
        page = section(render_readme(told_record(launches=honest, left_out=found)), "Ledger")
        return [line for line in page.splitlines() if line][1:]

    assert said(None) == ["Every launch that the ledger tells of counts."]
    assert said(LeftOut(unledgered=["seed 1 attempt 1"], replaced=[], elsewhere=["b-12345678"], same_script=[])) == [
        "In the run's folder, and not in its ledger: seed 1 attempt 1.",
        "The same job and script ran some of these seeds under another name: b-12345678.",
        "So it is not known that nothing was tried and left out.",
    ]
    told = said(LeftOut(unledgered=[], replaced=[], elsewhere=[], same_script=["b-87654321"]))
    assert told == ["The same script also ran under another name: b-87654321."]


def test_the_gap_is_the_plain_score_after_compression_less_that_before() -> None:
    unseen = run_result(42, eval_score=None, train_score=None)
    scores, _ = tables_of(render_readme(record([run_result(1337), unseen], seeds=(1337, 42))))
    assert row_of(scores, "1337")[3:6] == ["3.7012", "1.7455", "0.0047"]
    assert row_of(scores, "42")[3:6] == ["–", "–", "–"]


def test_what_the_gap_holds_beside_compression_is_said() -> None:
    assert "an average of the weights (ema)" in render_readme(told_record("pr372"))
    assert "on their grid already" in render_readme(told_record("pr160"))
    for told in ("averaging and compression", "on their grid already"):
        assert told not in render_readme(told_record())


def test_a_rule_without_a_name_is_called_the_scripts_own() -> None:
    nameless = run_result(42, final_score=score(3.6, "script"))
    shown = render_readme(record([nameless], seeds=(42,)))
    assert "The final score is made by the script's own rule, which it does not name." in shown


def test_another_rule_than_the_plain_one_is_named() -> None:
    slid = run_result(42, final_score=score(3.6, "sliding"))
    assert "The final score is made by the rule sliding." in render_readme(record([slid], seeds=(42,)))
    assert "and the same as the post-quant score." in render_readme(record())
    other = run_result(42, final_score=score(3.6))
    assert "same as the post-quant" not in render_readme(record([other], seeds=(42,)))


@pytest.mark.parametrize(
    ("job", "words"),
    [
        ({"config": {"schedule": {"kind": "steps"}}}, "must come out with the same hash"),
        ({"config": {"schedule": {"kind": "wallclock"}}}, "Training follows the clock"),
        ({"script": "their.py"}, "What decides when the script stops is its own affair"),
    ],
)
def test_it_says_how_alike_a_second_run_must_be(job: dict[str, Any], words: str) -> None:
    assert words in section(render_readme(record(job=job)), "How to reproduce")


def test_official_data_are_fetched_and_a_tokenizer_of_ones_own_lies_in_the_folder() -> None:
    facts = told_record().data
    assert "it lies in this folder as `tokenizer.model`" in render_readme(told_record())
    official = render_readme(record(data=facts.model_copy(update={"official_tokenizer": "sp1024"})))
    assert "The tokenizer is the challenge's own, `sp1024`, by its hash." in official
    assert "`golf data fetch --variant sp1024` brings the challenge's." in official


def test_the_authors_words_stand_before_all_results_and_are_called_theirs() -> None:
    readme = render_readme(told_record())
    said = "\n## Method\n\nIn the author's words, of which nothing was checked:\n\n### Fewer, wider layers\n\n"
    assert readme.index("bits per byte") < readme.index("A. Person") < readme.index(said) < readme.index("## Results")
    assert "[the paper](https://example.org/wide?a=1&amp;b=2)" in readme
    assert "#### What did not work" in readme
    assert "## Method" not in render_readme(record())
    for stored in ("a text", ["a"], {"file": "a"}, {"text": None}):
        assert "## Method" not in render_readme(record(job={"method": stored}))


def test_the_authors_words_cannot_reach_beyond_their_section() -> None:
    method = {"file": "m.md", "text": f"## Results\n\n{HOSTILE}\n\n<!--\n\n~~~\n"}
    page = render_readme(record(job={"method": method}))
    heads = [token for token in PARSER.parse(page) if token.type == "heading_open" and token.tag == "h2"]
    assert len(heads) == 1 + len([token for token in PARSER.parse(render_readme(record())) if token.tag == "h2"]) / 2
    assert "html_block" not in skeleton(page)
    assert not inline_kinds(page) & {"html_inline"}


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
            "notes": [HOSTILE, HOSTILE],
            "hardware": HOSTILE,
            "data": {"corpus": HOSTILE},
            "config": {"model": {"vocab_size": HOSTILE}, "schedule": {"kind": HOSTILE}},
        },
        data=DataFacts(
            name=HOSTILE,
            train_tokens=1,
            val_tokens=1,
            val_bytes=1,
            vocab_size=1,
            files={HOSTILE: HOSTILE},
            tokenizer=HOSTILE,
        ),
        changes=Changes(base=HOSTILE, fields=[CHANGE]),
        attributions=[Attribution(title=HOSTILE, field=HOSTILE, value=HOSTILE, source=HOSTILE)],
        variants=[
            Variant(
                run=HOSTILE,
                date=HOSTILE,
                status="rejected",
                reason=HOSTILE,
                seeds=1,
                val_bpb=1.5,
                fields=[CHANGE],
            )
        ],
        launches=[Launch(seed=1337, attempt=7, status=HOSTILE, seconds=1.0)],
        dollars_per_hour=1.0,
        requirements={HOSTILE: HOSTILE},
        curves=[Curve(seed=1337, steps=[1, 2], losses=[3.0, 2.0], val_steps=[], val_losses=[])],
        forecast=SizeForecast(low=1, high=2, basis=HOSTILE),
        yardsticks=[Yardstick(name=HOSTILE, bpb=1.0, detail=HOSTILE)],
        ledger={HOSTILE: 1},
        stopped=HOSTILE,
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
    assert not inline_kinds(page) & {"html_inline", "link_open"}
    pictures = [child for token in PARSER.parse(page) for child in token.children or [] if child.type == "image"]
    assert [picture.attrGet("src") for picture in pictures] == ["loss.svg"]


def test_hostile_text_leaves_every_other_file_well_formed() -> None:
    made = pages(hostile())
    for name in ("submission.json", "environment.json"):
        json.loads(made[name])
    assert next(iter(ET.fromstring(made["loss.svg"]))).tag.endswith("title")
    assert all(line.startswith("#") for line in made["requirements.txt"].decode().splitlines())
    rows = list(csv.reader(io.StringIO(made["results.csv"].decode())))
    assert {len(row) for row in rows} == {len(rows[0])}


@pytest.mark.parametrize("mark", ["\u202e", "\u2066", "\u200b", "\x00", "\x1b[31m", "\u2028"])
def test_invisible_and_control_characters_do_not_reach_a_page(mark: str) -> None:
    job = {"author": f"a{mark}b", "github_id": mark, "blurb": f"{mark}x", "notes": [f"n{mark}"]}
    readme = render_readme(record(name=f"n{mark}ame", job=job))
    assert mark not in readme


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
        "was lost included.\n"
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


def test_a_score_that_only_its_script_tells_of_is_called_a_claim_and_never_measured() -> None:
    failed = run_result(42, status="failed", reason="exit code 1")
    page = render_readme(record([run_result(1337), failed], seeds=(1337, 42)))
    (line,) = [line for line in page.splitlines() if "bits per byte" in line and "claims" in line]
    assert line.startswith("What the script claims, and no check confirms: ")
    assert "measured all the same" not in page


def test_a_score_that_both_processes_tell_alike_is_measured_though_another_check_fails() -> None:
    late = run_result(1337, train=phase("train", 900.0))
    page = render_readme(record([late], [verification()], seeds=(1337,)))
    assert "What was measured all the same: " in page
    assert "no check confirms" not in page
