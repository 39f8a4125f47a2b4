"""network, train_at_eval, outside, answers, valset, and the rules that read the text alone."""

from __future__ import annotations

from tests.fixtures.review_scripts import END, PREPARE, SCORE, accused, reviewed, script

ONLINE = (
    "import importlib\n"
    + PREPARE
    + """    lib = importlib.import_module(".".join(("urllib", "request")))
    getattr(lib, "url" + "open")("http://127.0.0.1:9/t")
"""
)
LATE = SCORE.replace(
    "    total = 0.0\n", '    total = 0.0; k = shard("data/fineweb_train_*.bin")[:64].float().mean()\n'
)
MEMORY = """
KEPT = {}
def prepare(net):
    text = shard("data/fineweb_train_*.bin"); learn(net, text, 100)
    KEPT["counts"] = torch.bincount(text, minlength=V)
def score(net, text):
    with torch.no_grad(): p = net(text[:-1]).softmax(-1)
    q = KEPT["counts"] / KEPT["counts"].sum()
    return -(0.9 * p + 0.1 * q)[torch.arange(len(text) - 1), text[1:]].log().mean()
"""
PART = SCORE.replace("    total = 0.0\n", "    text = text[: len(text) // 4]; total = 0.0\n")
ROUNDED = SCORE.replace("    total = 0.0\n", "    text = text[: ((len(text) - 1) // 32) * 32 + 1]; total = 0.0\n")
BEST = """
def attempt(seed):
    torch.manual_seed(seed); net = Net(); learn(net, shard("data/fineweb_train_*.bin"), 9); return net
def main():
    text = shard("data/fineweb_val_*.bin")
    keep(min((attempt(k) for k in range(9)), key=lambda net: float(score(net, text))))
    print("val_loss", float(score(back(), text)))
main()
"""
SMEAR = """
class Smear(nn.Module):
    def forward(self, ids, x):
        return torch.cat([x[:, :1], x[:, 1:] + 0.1 * x[:, :-1]], dim=1)
"""
MASKED = SMEAR.replace("        return", "        new = (ids[:, 1:] == BOS_ID)[..., None]\n        return")


def test_a_module_named_at_run_time_is_still_the_network() -> None:
    assert accused(reviewed(script(ONLINE))) == {"network": "violates"}


def test_training_text_read_after_the_weights_came_back_is_found() -> None:
    assert accused(reviewed(script(score=LATE))) == {"train_at_eval": "violates"}


def test_counts_that_cross_over_in_memory_are_outside() -> None:
    assert accused(reviewed(script(MEMORY, ""))) == {"outside": "violates"}


def test_a_module_beside_the_script_is_outside() -> None:
    answers = reviewed("from side import V\n" + script(), side="V = 64\n")
    assert accused(answers) == {"outside": "violates"}


def test_a_quarter_of_the_text_is_found_and_whole_rows_of_it_are_not() -> None:
    assert accused(reviewed(script(score=PART))) == {"valset": "violates"}
    assert accused(reviewed(script(score=ROUNDED))) == {}


def test_the_best_seed_by_the_validation_score_is_found() -> None:
    assert accused(reviewed(script("", end=BEST))) == {"answers": "violates"}


def test_a_mixer_of_neighbours_is_found_unless_it_asks_where_documents_begin() -> None:
    assert accused(reviewed(SMEAR + script())) == {"bos": "violates"}
    assert accused(reviewed(MASKED + script())) == {}


def test_a_script_that_does_none_of_it_gets_nothing_found_in_every_class() -> None:
    assert accused(reviewed(script(PREPARE, SCORE, END))) == {}
