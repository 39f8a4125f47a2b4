"""Shaped steps: what they are, what they are predicted to save, and when they are left alone."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from golf_model.config.checks import ConfigError
from golf_model.config.export import ExportConfig
from golf_model.config.golf_config import GolfConfig
from golf_model.config.grids import ShapedStepsConfig, StepConfig
from golf_model.config.qat import QatConfig
from golf_model.config.rounding import GptqConfig
from golf_model.quantization.shaping import Shaping, quarter_octaves, shaped_weights
from golf_model.quantization.step_plan import planned_steps

NAME, OTHER = "blocks.0.mlp.fc.weight", "blocks.0.mlp.proj.weight"
STATE = {NAME: torch.ones(4, 4), OTHER: torch.ones(4, 4)}
EVEN = {name: 100 * torch.eye(4) for name in STATE}
EXPORT = ExportConfig(
    mlp="step", passthrough_numel=0, step=StepConfig(size=0.5), gptq=GptqConfig(tokens=1, damping=1e-9)
)


def shaped(**steps: object) -> ExportConfig:
    return replace(EXPORT, steps=ShapedStepsConfig(**steps))  # type: ignore[arg-type]


def codes(value: Tensor | None) -> list[int]:
    assert value is not None
    return [int(code) for code in value]


def test_rows_get_steps_by_the_root_of_what_the_loss_thinks_of_them() -> None:
    fisher = {name: torch.tensor([1.0, 16.0, 1.0, 16.0]) for name in STATE}
    plan = planned_steps(STATE, 1, shaped(rows="fisher", rows_power=1.0, rows_floor=1e-9), EVEN, fisher)
    assert codes(plan.matrices[NAME].rows) == [4, -4, 4, -4]
    half = planned_steps(STATE, 1, shaped(rows="fisher", rows_floor=1e-9), EVEN, fisher)
    assert codes(half.matrices[NAME].rows) == [2, -2, 2, -2]
    assert plan.matrices[NAME].columns is None
    assert plan.matrices[NAME].factor == 1.0


def test_what_full_power_saves_is_nearly_the_arithmetic_over_the_geometric_mean() -> None:
    """At four bits an octave is nearly a bit, and less where steps are coarse."""
    fisher = {name: torch.tensor([1.0, 16.0, 1.0, 16.0]) for name in STATE}
    saved = planned_steps(STATE, 1, shaped(rows="fisher", rows_power=1.0, rows_floor=1e-9), EVEN, fisher).saved
    ratio = 0.5 * math.log2(8.5 / 4)
    assert saved["total"] == saved["rows"] == pytest.approx(ratio, abs=0.01)
    assert saved["total"] < ratio
    assert (saved["columns"], saved["matrices"]) == (0.0, 0.0)


def test_coarse_steps_for_rows_that_are_all_but_zero_save_no_bits() -> None:
    """As many octaves less damage, but the coder gave those rows next to nothing before."""
    fisher = {name: torch.tensor([1.0, 64.0, 1.0, 64.0]) for name in STATE}
    small = {name: torch.tensor([[0.02], [1.0], [0.02], [1.0]]).expand(4, 4) for name in STATE}
    export = shaped(rows="fisher", rows_power=1.0, rows_floor=1e-9)
    even, uneven = (planned_steps(state, 1, export, EVEN, fisher).saved["total"] for state in (STATE, small))
    assert 0 < uneven < 0.6 * even
    assert even == pytest.approx(0.5 * math.log2(32.5 / 8), abs=0.05)


@pytest.mark.parametrize("columns", ["hessian", "cholesky"])
def test_columns_that_carry_more_get_finer_steps(columns: str) -> None:
    hessians = {name: torch.diag(torch.tensor([1.0, 16.0, 16.0, 1.0])) for name in STATE}
    plan = planned_steps(STATE, 1, shaped(columns=columns), hessians)
    assert codes(plan.matrices[NAME].columns) == [4, -4, -4, 4]
    assert plan.saved["columns"] == pytest.approx(0.5 * math.log2(8.5 / 4), abs=0.01)


def test_a_matrix_that_matters_four_times_as_much_gets_half_the_step() -> None:
    fisher = {NAME: torch.full((4,), 4.0), OTHER: torch.ones(4)}
    export = shaped(matrices="predicted")
    plan = planned_steps(STATE, 1, export, EVEN, fisher)
    assert plan.matrices[NAME].factor == pytest.approx(2**-0.5)
    assert plan.matrices[OTHER].factor == pytest.approx(2**0.5)
    assert plan.size_of(NAME, export) == pytest.approx(0.5 * 2**-0.5)
    assert plan.saved["matrices"] == pytest.approx(0.5 * math.log2(2.5 / 2), abs=0.01)


def test_a_matrix_that_hardly_matters_is_coarser_by_two_octaves_of_its_own_deviation_at_most() -> None:
    """Without the bound every weight of a dead layer became zero, and its damage did not fall with the step."""
    fisher = {NAME: torch.full((4,), 1e-9), OTHER: torch.ones(4)}
    state = {NAME: torch.full((4, 4), 0.5), OTHER: torch.ones(4, 4)}
    plan = planned_steps(state, 1, shaped(matrices="predicted"), EVEN, fisher)
    coarser = math.log2(plan.matrices[NAME].factor / plan.matrices[OTHER].factor)
    assert coarser == pytest.approx(2 * 2 - 1, abs=0.05)
    assert plan.saved["matrices"] < 2


def test_auto_leaves_steps_alone_where_little_is_saved() -> None:
    little = {name: torch.tensor([1.0, 2.0, 1.0, 2.0]) for name in STATE}
    much = {name: torch.tensor([1.0, 99.0, 1.0, 99.0]) for name in STATE}
    export = shaped(rows="fisher", rows_power=1.0, auto=True)
    left, used = (planned_steps(STATE, 1, export, EVEN, fisher) for fisher in (little, much))
    assert 0 < left.saved["total"] < 0.15 < used.saved["total"]
    assert (len(left.matrices), len(used.matrices)) == (0, 2)
    assert len(planned_steps(STATE, 1, shaped(rows="fisher", rows_power=1.0), EVEN, little).matrices) == 2


def test_dead_outputs_and_unseen_inputs_have_finite_steps() -> None:
    dead = {name: torch.zeros(4) for name in STATE}
    nothing = {name: torch.zeros(4, 4) for name in STATE}
    plan = planned_steps(STATE, 1, shaped(matrices="predicted", rows="fisher", columns="cholesky"), nothing, dead)
    assert codes(plan.matrices[NAME].rows) == [0, 0, 0, 0]
    assert plan.matrices[NAME].factor == pytest.approx(1.0)
    one = {name: torch.tensor([0.0, 0.0, 0.0, 1.0]) for name in STATE}
    rows = codes(planned_steps(STATE, 1, shaped(rows="fisher", rows_power=1.0), EVEN, one).matrices[NAME].rows)
    assert rows[0] - rows[3] == round(4 * 0.5 * math.log2(1.0025 / 0.0025))


def test_a_tensor_without_a_look_at_its_input_keeps_its_class_s_step() -> None:
    export = shaped(matrices="predicted")
    plan = planned_steps(STATE, 1, export, {NAME: EVEN[NAME]}, {NAME: torch.ones(4)})
    assert [*plan.matrices] == [NAME]
    assert plan.size_of(OTHER, export) == 0.5


def test_codes_are_quarters_of_an_octave() -> None:
    powers = quarter_octaves(torch.tensor([0, 4, -4, 1, -127, 127], dtype=torch.int16))
    assert powers.dtype == torch.float32
    assert powers[:3].tolist() == [1.0, 2.0, 0.5]
    assert powers[3:].tolist() == pytest.approx([2**0.25, 2**-31.75, 2**31.75], rel=1e-7)


def test_a_weight_is_its_level_times_the_steps_of_its_row_and_column() -> None:
    shape = Shaping(torch.tensor([0, 4], dtype=torch.int16), torch.tensor([-4, 0, 8], dtype=torch.int16))
    integers = torch.tensor([[1, 2, 3], [4, 5, 6]], dtype=torch.int32)
    weights = shaped_weights(integers, torch.tensor(0.5), shape)
    assert weights.tolist() == [[0.25, 1.0, 6.0], [2.0, 5.0, 24.0]]
    assert torch.equal(shape.unit_steps(weights) * 0.5 * integers, weights)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"steps": ShapedStepsConfig(rows="fisher")}, "gptq.tokens"),
        ({"gptq": GptqConfig(tokens=1), "steps": ShapedStepsConfig(columns="hessian"), "mlp": "int8"}, "steps"),
        ({"rounding": "trellis", "mlp": "int8"}, "rounding"),
    ],
)
def test_what_cannot_be_shaped_is_refused_where_it_is_asked(change: dict[str, object], field: str) -> None:
    with pytest.raises(ConfigError) as error:
        replace(ExportConfig(mlp="step", step=StepConfig(size=0.1)), **change)  # type: ignore[arg-type]
    assert error.value.where == field


@pytest.mark.parametrize("field", ["columns_power", "rows_power", "rows_floor", "tokens"])
def test_powers_and_floors_are_above_zero(field: str) -> None:
    with pytest.raises(ConfigError, match=field):
        replace(ShapedStepsConfig(), **{field: 0})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "change", [{"rounding": "trellis"}, {"steps": ShapedStepsConfig(columns="cholesky")}], ids=["trellis", "shaped"]
)
def test_training_for_a_uniform_grid_is_refused_beside_steps_that_are_not(change: dict[str, object]) -> None:
    export, qat = replace(EXPORT, **change), QatConfig("training", grid="step")  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match=r"set qat\.active: off") as error:
        GolfConfig(export=export, qat=qat)
    assert error.value.where == "qat.grid"
    GolfConfig(export=export, qat=replace(qat, active="off"))
    GolfConfig(export=EXPORT, qat=qat)
