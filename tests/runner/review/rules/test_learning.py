"""val_train, ttt_order, slot: an update and a price of the same tokens, and which comes first."""

from __future__ import annotations

import pytest

from tests.fixtures.review_scripts import PREPARE, Run, accused, reviewed, script

LEARNS_VALIDATION = PREPARE + '    learn(net, shard("data/fineweb_val_*.bin"), 5)\n'
HELPER = """
class Warmer:
    def __init__(self, net): self.net = net
    def rounds(self):
        for text in map(shard, ["data/fineweb_val_*.bin"]):
            yield text
    def warm(self):
        for text in self.rounds(): learn(self.net, text, 3)
def prepare(net):
    learn(net, shard("data/fineweb_train_*.bin"), 100); Warmer(net).warm()
"""
SWITCHED = (
    PREPARE
    + """    if bool(int(os.environ.get("WARM", "0"))):
        learn(net, shard("data/fineweb_val_*.bin"), 5)
"""
)
LOOKS = PREPARE + '    print("val_loss", float(score(net, shard("data/fineweb_val_*.bin"))))\n'
SCORES_FIRST = """
def score(net, text):
    total = 0.0; step = torch.optim.SGD(net.parameters(), lr=0.1)
    for a in range(0, len(text) - 1, 32):
        x, y = text[a : a + 32], text[a + 1 : a + 33]
        with torch.no_grad(): total += price(net(x), y).sum()
        for _ in range(3):
            loss = price(net(x), y).mean(); step.zero_grad(); loss.backward(); step.step()
    return total / (len(text) - 1)
"""
LEARNS_FIRST = """
def absorb(net, step, x, y):
    loss = price(net(x), y).mean(); step.zero_grad(); loss.backward(); step.step()
def score(net, text):
    total = 0.0; step = torch.optim.SGD(net.parameters(), lr=0.1)
    for a in range(0, len(text) - 1, 32):
        x, y = text[a : a + 32], text[a + 1 : a + 33]
        absorb(net, step, x, y)
        with torch.no_grad(): total += price(net(x), y).sum()
    return total / (len(text) - 1)
"""
LAST_EPOCH = """
def score(net, text):
    total = 0.0; step = torch.optim.SGD(net.parameters(), lr=0.1)
    for epoch in range(4):
        for a in range(0, len(text) - 1, 32):
            losses = price(net(text[a : a + 32]), text[a + 1 : a + 33])
            if epoch == WHEN: total += losses.detach().sum()
            step.zero_grad(); losses.mean().backward(); step.step()
    return total / (len(text) - 1)
"""
FITTED = """
def score(net, text):
    total = 0.0
    for a in range(0, len(text) - 1, 32):
        x, y = text[a : a + 32], text[a + 1 : a + 33]
        with torch.no_grad(): base = net(x)
        shift = torch.zeros(V, requires_grad=True); step = torch.optim.Adam([shift], lr=0.1)
        def closure():
            step.zero_grad(); loss = price(base + shift, y).mean(); loss.backward(); return loss
        step.step(closure)
        total += price(base + shift.detach(), y).sum()
    return total / (len(text) - 1)
"""
FITTED_EARLIER = """
def score(net, text):
    total = 0.0; shift = torch.zeros(V, requires_grad=True); step = torch.optim.Adam([shift], lr=0.1)
    for a in range(0, len(text) - 1, 32):
        x, y = text[a : a + 32], text[a + 1 : a + 33]
        with torch.no_grad(): base = net(x)
        total += price(base + shift.detach(), y).sum()
        loss = price(base + shift, y).mean(); step.zero_grad(); loss.backward(); step.step()
    return total / (len(text) - 1)
"""
WATCHED = """
def prepare(net):
    learn(net, shard("data/fineweb_train_*.bin"), 100)
    kept = {}
    def watch(layer, given, made): kept["size"] = given[0].abs().mean()
    hook = net.table.register_forward_hook(watch)
    net(shard("data/fineweb_val_*.bin")[:64]); hook.remove()
    DO
"""


@pytest.mark.parametrize("prepare", [LEARNS_VALIDATION, HELPER])
def test_an_update_by_validation_tokens_before_they_are_scored_is_found(prepare: str) -> None:
    answers = reviewed(script(prepare))
    assert accused(answers) == {"val_train": "violates"}
    assert "learn (l. " in answers["val_train"].why


def test_a_look_at_the_validation_score_is_none() -> None:
    assert accused(reviewed(script(LOOKS))) == {}


def test_what_a_setting_switches_on_is_said_with_the_setting() -> None:
    answer = reviewed(script(SWITCHED))["val_train"]
    assert (answer.answer, answer.condition) == ("violates-if", "WARM=1")


def test_a_known_run_decides_what_a_setting_left_open() -> None:
    ran = reviewed(script(SWITCHED), Run({"WARM": "1"}, known=True))["val_train"]
    rested = reviewed(script(SWITCHED), Run({"WARM": "0"}, known=True))["val_train"]
    assert (ran.answer, rested.answer, rested.condition) == ("violates", "dormant", "WARM=1")


def test_learning_from_a_chunk_after_its_score_is_no_finding() -> None:
    assert accused(reviewed(script(score=SCORES_FIRST))) == {}


def test_learning_from_a_chunk_before_its_score_is_found_through_a_helper() -> None:
    assert accused(reviewed(script(score=LEARNS_FIRST))) == {"ttt_order": "violates"}


def test_the_score_of_the_last_epoch_is_found_and_of_the_first_is_not() -> None:
    assert accused(reviewed(script(score=LAST_EPOCH.replace("WHEN", "3")))) == {"ttt_order": "violates"}
    assert accused(reviewed(script(score=LAST_EPOCH.replace("WHEN", "0")))) == {}


def test_a_shift_fitted_on_the_tokens_it_prices_is_found_in_a_closure() -> None:
    assert accused(reviewed(script(score=FITTED))) == {"slot": "violates"}


def test_a_shift_of_earlier_windows_is_none() -> None:
    assert accused(reviewed(script(score=FITTED_EARLIER))) == {}


def test_what_hooks_saw_of_the_tokens_counts_where_it_gets_into_weights_and_is_odd_where_it_is_only_shown() -> None:
    fitted = WATCHED.replace("DO", 'net.table.weight.data.copy_(net.table.weight / kept["size"])')
    shown = WATCHED.replace("DO", "print(kept)")
    assert accused(reviewed(script(fitted))) == {"val_train": "violates"}
    assert accused(reviewed(script(shown))) == {"val_train": "suspicious"}


def test_a_fitted_shift_that_is_off_by_default_is_suspicious_and_dormant_only_in_a_known_run() -> None:
    text = script(
        score=FITTED.replace("step.step(closure)", 'if int(os.environ.get("SHIFT", "0")): step.step(closure)')
    )
    alone, rested = reviewed(text)["slot"], reviewed(text, Run(known=True))["slot"]
    assert (alone.answer, alone.condition, rested.answer) == ("suspicious", "SHIFT=1", "dormant")
