"""The space of a sweep: its corners, its grid, what counts under a condition, and values as Optuna stores them."""

from __future__ import annotations

from runner.search.sweeps.spec import Dimension, corners, grid_size, settings_of


def space(*dimensions: Dimension) -> dict[str, Dimension]:
    return {one.path: one for one in dimensions}


OPTIMIZER = Dimension("optim.matrix_optimizer", "choice", choices=("muon", "adamw"))
DECAY = Dimension("optim.muon_weight_decay", "float", 0.0, 0.1, when=(("optim.matrix_optimizer", ("muon",)),))
LAYERS = Dimension("model.num_layers", "int", 7, 9)


def test_corners_are_all_ends_and_choices_each_combination_once() -> None:
    assert list(corners(space(OPTIMIZER, DECAY))) == [
        {"optim.matrix_optimizer": "muon", "optim.muon_weight_decay": 0.0},
        {"optim.matrix_optimizer": "muon", "optim.muon_weight_decay": 0.1},
        {"optim.matrix_optimizer": "adamw"},
    ]


def test_of_too_many_corners_the_first_and_the_last_are_left() -> None:
    many = space(*(Dimension(f"f{number}", "int", 0, 1) for number in range(10)))
    assert list(corners(many)) == [dict.fromkeys(many, 0), dict.fromkeys(many, 1)]


def test_a_grid_counts_steps_and_knows_what_has_none() -> None:
    stepped = Dimension("optim.matrix_lr", "float", 0.02, 0.06, step=0.02)
    assert stepped.grid() == (0.02, 0.04, 0.06)
    assert Dimension("n", "int", 4, 16, step=4).grid() == (4, 8, 12, 16)
    assert grid_size(space(stepped, LAYERS, OPTIMIZER)) == 18
    assert grid_size(space(DECAY, LAYERS)) is None


def test_a_choice_among_mappings_is_stored_as_text_and_read_back() -> None:
    data = Dimension("data", "choice", choices=({"corpus": "asv"}, {"path": "x", "tokenizer": "y"}))
    assert data.labels[0] == '{"corpus": "asv"}'
    assert settings_of(space(data), {"data": data.labels[1]}) == {"data": {"path": "x", "tokenizer": "y"}}


def test_true_and_one_are_different_choices() -> None:
    mixed = Dimension("x", "choice", choices=(True, 1))
    assert [mixed.value_of(label) is True for label in mixed.labels] == [True, False]
