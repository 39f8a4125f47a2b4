"""ngram, mixture, two_pass: what a price knows of its token."""

from __future__ import annotations

from runner.review.labels.values import in_order
from tests.fixtures.review_scripts import accused, reviewed, script

HASHED = """
def keys(tokens, at):
    ctx = tokens[at] * 31 + tokens[at - 1] * 7
    return ctx % 999, (ctx ^ (tokens[at + 1] * 13)) % 999
def score(net, text):
    t = text.numpy(); seen, both = np.zeros(999), np.zeros(999); total = 0.0
    with torch.no_grad(): p = net(text[:-1]).softmax(-1)
    for i in range(1, len(text) - 1):
        a, b = keys(t, i)
        q = float(p[i, t[i + 1]])
        if seen[a] > 2: q = 0.7 * q + 0.3 * both[b] / seen[a]
        total -= math.log(q)
        seen[a] += 1; both[b] += 1
    return total / (len(text) - 1)
"""
ROWS = """
def score(net, text):
    t = text.tolist(); rows = collections.defaultdict(lambda: np.ones(V)); total = 0.0
    with torch.no_grad(): p = net(text[:-1]).softmax(-1).numpy()
    for i in range(1, len(text) - 1):
        row = rows[(t[i], t[i - 1])]
        whole = 0.7 * p[i] + 0.3 * row / row.sum()
        total -= math.log(whole[t[i + 1]])
        row[t[i + 1]] += 1
    return total / (len(text) - 1)
"""
SPREAD = """
def score(net, text):
    lengths = np.array([len(chr(k).encode()) for k in range(V)]); total = 0.0; count = collections.Counter()
    for a in range(0, len(text) - 1, 32):
        y = text[a + 1 : a + 33]
        with torch.no_grad(): lp = -price(net(text[a : a + 32]), y).numpy()
        each = lp / lengths[y]
        total -= np.log(0.5 * np.exp(each) + 0.5 / 256).sum()
    return total / (len(text) - 1)
"""
BETTER = """
def score(net, text):
    best = None
    with torch.no_grad():
        for view in (0.8, 1.0):
            now = price(net(text[:-1]) * view, text[1:])
            best = now if best is None else torch.minimum(best, now)
    return best.mean()
"""
STABLE = """
def score(net, text):
    total = 0.0
    with torch.no_grad():
        for a in range(0, len(text) - 1, 32):
            one = -price(net(text[a : a + 32]), text[a + 1 : a + 33])
            two = -price(net(text[a : a + 32]) * 0.5, text[a + 1 : a + 33])
            top = torch.maximum(one, two)
            total -= (top + ((one - top).exp() * 0.5 + (two - top).exp() * 0.5).log()).sum()
    return total / (len(text) - 1)
"""
AGAIN = """
def part(net, text, n):
    out = []
    with torch.no_grad():
        for a in range(0, n, 32): out.append(price(net(text[a : a + 32]), text[a + 1 : a + 33]).sum())
    return out
def score(net, text):
    first = part(net, text, len(text) - 1); total = sum(first); second = part(net, text, 320)
    for k in range(10): total = total - first[k] + second[k]
    return total / (len(text) - 1)
"""


def test_a_count_under_a_key_that_holds_the_token_is_found_through_a_helper() -> None:
    answers = reviewed(script(score=HASHED))
    assert accused(answers) == {"ngram": "violates", "mixture": "violates"}


def test_a_row_over_all_tokens_under_the_prefix_alone_is_none() -> None:
    assert accused(reviewed(script(score=ROWS))) == {}


def test_a_price_spread_over_bytes_and_mixed_there_is_found() -> None:
    assert accused(reviewed(script(score=SPREAD))) == {"mixture": "violates"}


def test_the_better_of_two_views_is_found() -> None:
    answers = accused(reviewed(script(score=BETTER)))
    assert (answers.get("two_pass"), answers.get("mixture")) == ("violates", "violates")


BELOW_AND_ABOVE = HASHED.replace(
    "if seen[a] > 2: q = 0.7 * q + 0.3 * both[b] / seen[a]",
    """
        many = seen[a]
        few = both[b]
        if many > 2: q = 0.7 * q + 0.3 * min(few, many) / many""".strip(),
)


def test_the_read_that_is_told_is_the_one_whose_key_holds_the_token() -> None:
    text = script(score=BELOW_AND_ABOVE)
    shown = [place.line for place in reviewed(text)["ngram"].where]
    lines = text.splitlines()
    assert lines.index("        few = both[b]") + 1 in shown
    assert lines.index("        many = seen[a]") + 1 not in shown


def test_what_begins_alike_comes_by_its_number() -> None:
    assert in_order(frozenset({"g:10", "g:9@2", "g:9", "r:1"}), "g:") == ["g:9", "g:9@2", "g:10"]


def test_a_sum_of_probabilities_made_stable_by_its_larger_term_is_none() -> None:
    assert accused(reviewed(script(score=STABLE))) == {}


def test_a_price_taken_back_for_another_is_found() -> None:
    assert accused(reviewed(script(score=AGAIN))) == {"two_pass": "violates"}


KEPT_BEST = """
def prepare(net):
    learn(net, shard("data/fineweb_train_*.bin"), 100)
    text = shard("data/fineweb_val_*.bin")
    seen, both = np.zeros(999), np.zeros(999)
    kept = {"weights": {k: v.clone() for k, v in net.state_dict().items()}, "at": score(net, text)}
    for i in range(1, len(text) - 1):
        kept["size"] = both[text[i + 1] * 7 % 999] / seen[text[i] % 999]
    torch.save(kept, "best.pt")
"""


def test_weights_that_are_saved_with_their_score_are_no_list_of_prices() -> None:
    assert accused(reviewed(script(KEPT_BEST))) == {}


ROW_AND_TOTAL = """
def score(net, text):
    counts, totals = torch.ones(999, V), torch.full((999,), float(V)); total = 0.0
    with torch.no_grad(): p = net(text[:-1]).softmax(-1)
    for a in range(0, len(text) - 1, 32):
        x, y = text[a : a + 32], text[a + 1 : a + 33]
        key = (x * 31) % 999
        q = 0.7 * p[a : a + 32].gather(1, y[:, None])[:, 0] + 0.3 * (counts[key, y] + 0.1) / (totals[key] + 0.1 * V)
        total -= q.log().sum()
        counts[key, y] += 1; totals[key] += 1
    return total / (len(text) - 1)
"""
MASKED = """
def score(net, text):
    t = text.numpy(); seen, both = np.zeros(999), np.zeros(999); total = 0.0
    with torch.no_grad(): p = net(text[:-1]).softmax(-1).numpy()
    for a in range(1, len(text) - 33, 32):
        at = np.arange(a, a + 32); ctx = t[at] * 31
        low, high = seen[ctx % 999], both[(ctx ^ t[at + 1] * 13) % 999]
        hit = high > 0
        q = p[at, t[at + 1]]
        q[hit] = 0.7 * q[hit] + 0.3 * np.minimum(high[hit], low[hit]) / np.maximum(low[hit], 1.0)
        total -= np.log(q).sum()
    return total / (len(text) - 1)
"""
LOOKED_AT = """
def prepare(net):
    text = shard("data/fineweb_val_*.bin")
    for epoch in range(3):
        learn(net, text, 5)
        loss = score(net, text); print(f"epoch {epoch} val_bpb:{loss / math.log(2):.4f}")
"""


def test_a_row_of_counts_over_a_total_kept_beside_it_is_suspicious_and_no_more() -> None:
    assert accused(reviewed(script(score=ROW_AND_TOTAL))) == {"ngram": "suspicious", "mixture": "suspicious"}


def test_a_count_under_the_token_is_found_where_a_mask_of_counts_chose_the_items() -> None:
    assert accused(reviewed(script(score=MASKED))) == {"ngram": "violates", "mixture": "violates"}


def test_a_look_at_the_score_after_each_epoch_is_no_second_pass() -> None:
    assert accused(reviewed(script(LOOKED_AT))) == {"val_train": "violates"}
