"""`variants:` of a job: which jobs it leads to, and what is said where it cannot."""

from __future__ import annotations

from pathlib import Path

import pytest

from runner.errors import UserError
from runner.job.load import load_job
from runner.search.overrides import read_raw
from runner.search.variants import Family, read_family, sized

JOB = """\
name: tried
track: local
seeds: [1, 2]
limits: {train_seconds: 60, eval_seconds: 9}
data: {corpus: asv}
config:
  schedule: {max_wallclock_seconds: 50}
  model: {num_layers: 6, xsa_last_n: 4}
"""
NAMED = """\
variants:
  - name: six
  - name: seven
    set: {model.num_layers: 7}
  - name: other
    set:
      optim.matrix_lr: 0.01
      model.xsa_last_n: 3
"""


def family(folder: Path, text: str) -> Family:
    (folder / "job.yaml").write_text(text)
    found = read_family(read_raw(folder / "job.yaml"))
    assert found is not None
    return found


def complaint(folder: Path, text: str) -> str:
    with pytest.raises(UserError) as caught:
        family(folder, text)
    return str(caught.value).replace(f"{folder}/", "")


def test_named_variants_share_the_seeds_and_show_what_they_changed_against_the_base(tmp_path: Path) -> None:
    found = family(tmp_path, JOB + NAMED)
    assert [(one.name, one.job.name, one.job.seeds) for one in found.variants] == [
        ("six", "tried-six", (1, 2)),
        ("seven", "tried-seven", (1, 2)),
        ("other", "tried-other", (1, 2)),
    ]
    assert [one.job.config.model.num_layers for one in found.variants] == [6, 7, 6]
    assert found.variants[1].job.base is not None
    assert found.variants[1].job.base.job["config"]["model"]["num_layers"] == 6
    assert found.base.job.base is None


def test_the_base_needs_no_entry_and_is_then_the_job_alone(tmp_path: Path) -> None:
    found = family(tmp_path, JOB + "variants: [{name: seven, set: {model.num_layers: 7}}]\n")
    assert [(one.name, one.job.name) for one in found.variants] == [("base", "tried"), ("seven", "tried-seven")]
    assert found.base.job == load_job(tmp_path / "job.yaml").model_copy(update={"variants": None})


def test_a_grid_has_a_variant_for_each_point_and_the_base_is_the_point_that_it_is(tmp_path: Path) -> None:
    found = family(tmp_path, JOB + "variants: {optim.matrix_lr: [0.02, 0.04], model.num_layers: [6, 7]}\n")
    assert [one.name for one in found.variants] == [
        "matrix_lr-0.04-num_layers-6",
        "matrix_lr-0.02-num_layers-6",
        "matrix_lr-0.02-num_layers-7",
        "matrix_lr-0.04-num_layers-7",
    ]
    assert found.base.settings == ()


def test_the_published_figures_of_the_base_are_not_a_variants(tmp_path: Path) -> None:
    reference = "reference: {source: X, hardware: 1xH100, data: d, claimed: {bpb: 1.2}}\n"
    own = "  - {name: own, set: {model.num_layers: 8, reference.claimed: {bpb: 1.1}}}\n"
    found = family(tmp_path, JOB + reference + NAMED + own)
    told = [one.job.reference and one.job.reference.claimed.bpb for one in found.variants]
    assert told == [1.2, None, None, 1.1]


def test_a_small_profile_keeps_what_tells_variants_apart(tmp_path: Path) -> None:
    small = sized(family(tmp_path, JOB + NAMED), None, "small")
    assert [(one.job.name, one.job.config.model.num_layers) for one in small.variants] == [
        ("tried-small-six", 4),
        ("tried-small-seven", 5),
        ("tried-small-other", 4),
    ]
    assert [one.job.config.model.xsa_last_n for one in small.variants] == [3, 3, 2]
    assert {one.job.seeds for one in small.variants} == {(1,)}


def test_what_a_profile_makes_the_same_is_left_out_and_named(tmp_path: Path) -> None:
    small = sized(family(tmp_path, JOB + NAMED + "  - {name: long, set: {batch.train_seq_len: 512}}\n"), [5], "small")
    assert ([one.name for one in small.variants], small.same) == (["six", "seven", "other"], ("long",))
    assert small.base.job.seeds == (5,)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ("variants: 3\n", "job.yaml:9: variants: must be a list of variants, each with name: and set:"),
        ("variants: {}\n", "job.yaml:9: variants: is empty"),
        ("variants:\n", "job.yaml:9: variants: must be a list of variants, each with name: and set:"),
        ("variants: {optim.matrix_lr: 0.02}\n", "job.yaml:9: variants.'optim.matrix_lr': must be a list of values"),
        ("variants: {optim.matrix_lr: [1, 1]}\n", "job.yaml:9: variants.'optim.matrix_lr': has a value twice"),
        ("variants: {optim.matrix_lr: [0.04]}\n", "job.yaml:9: variants: none differs from the base"),
        ("variants:\n  - {name: a, sett: {}}\n", "job.yaml:10: variants.0.sett: unknown key (did you mean 'set'?)"),
        ("variants:\n  - {name: a b}\n", "job.yaml:10: variants.0.name: is required and must consist of letters"),
        ("variants:\n  - {name: a, set: {}}\n", "job.yaml:10: variants.0.set: must set at least one field"),
        (
            "variants:\n  - {name: a, set: {model.num_layer: 7}}\n",
            "job.yaml:10: variants.0.set.'model.num_layer': no field of a job is called so (did you mean 'model.num",
        ),
        (
            "variants:\n  - name: a\n    set:\n      model.num_layers: many\n",
            "job.yaml:12: config.model.num_layers: must be a whole number, not the text 'many' (variant a)",
        ),
        (
            "variants:\n  - {name: a, set: {model.num_layers: 7}}\n  - {name: a, set: {model.num_layers: 8}}\n",
            "job.yaml:11: variants.1.name: two variants are called 'a'; give each its own name",
        ),
        (
            "variants:\n  - {name: a, set: {model.num_layers: 7}}\n  - {name: A, set: {model.num_layers: 8}}\n",
            "job.yaml:11: variants.1.name: 'A' and 'a' differ in capitals only; give each its own name",
        ),
        (
            "variants:\n  - {name: a, set: {against: other.yaml}}\n",
            "job.yaml:10: variants.0.set.against: against belongs to all of them and cannot be set for one",
        ),
        (
            "variants:\n  - {name: a, set: {model.num_layers: 6}}\n",
            "job.yaml:10: variants.0: variant a equals the base: nothing of what it sets makes a difference",
        ),
        (
            "variants:\n  - {name: a, set: {model.num_layers: 7}}\n  - {name: b, set: {model.num_layers: 7}}\n",
            "job.yaml:11: variants.1: variant b equals variant a: nothing of what it sets makes a difference",
        ),
        ("variants:\n  - {name: a}\n  - {name: b}\n", "job.yaml:11: variants.1: has no set:, as a has none"),
        (
            "variants:\n  - {name: a, repack: true, set: {export.embed: int6}}\n",
            "job.yaml:10: variants.0.repack: packs what the base has kept: set keep_weights: true in the job",
        ),
        (
            "keep_weights: true\nvariants:\n  - {name: a, repack: true, set: {model.num_layers: 7}}\n",
            "job.yaml:11: variants.0.set.'model.num_layers': needs another training; with repack: true only",
        ),
        (
            f"variants:\n  - {{name: {'x' * 40}, set: {{model.num_layers: 7}}}}\nname2: 1\n",
            "job.yaml:11: name2: unknown key",
        ),
    ],
)
def test_a_mistake_is_said_with_file_line_and_field(tmp_path: Path, more: str, said: str) -> None:
    assert complaint(tmp_path, JOB + more).startswith(said)


def test_a_mistake_that_many_points_of_a_grid_share_is_said_once(tmp_path: Path) -> None:
    wrong = "variants: {model.num_layers: [6, many], optim.matrix_lr: [1, 2, 3, 4, 5, 6]}\n"
    told = complaint(tmp_path, JOB + wrong)
    assert told == (
        "job.yaml:9: config.model.num_layers: must be a whole number, not the text 'many' (variants "
        "num_layers-many-matrix_lr-1, num_layers-many-matrix_lr-2, num_layers-many-matrix_lr-3, "
        "num_layers-many-matrix_lr-4 and 2 more)"
    )


def test_every_mistake_is_said_at_once(tmp_path: Path) -> None:
    wrong = "variants:\n  - {name: a, set: {model.num_layers: x}}\n  - {name: b, set: {optim.matrix_lr: y}}\n"
    assert [line.rpartition("(")[2] for line in complaint(tmp_path, JOB + wrong).splitlines()] == [
        "variant a)",
        "variant b)",
    ]
