"""Files read and written."""

from __future__ import annotations

from tests.fixtures.followed import Followed

NET = "net = nn.Linear(2, 2)\n"


def test_what_comes_from_a_file_is_the_text_that_its_path_names_or_the_disk() -> None:
    found = Followed('a, b = np.load("fineweb_train_1.npy"), np.load("made.npy")\n')
    assert (set(found["a"].labels), set(found["b"].labels)) == ({"train"}, {"disk"})


def test_weights_that_were_saved_are_on_the_disk() -> None:
    found = Followed(NET + 'torch.save(net.state_dict(), "a.pt")\nback = torch.load("a.pt")\n')
    assert found["net"].labels <= found["back"].all


def test_prices_that_are_saved_are_a_report_and_copies_of_weights_are_none() -> None:
    prices = NET + "p = F.cross_entropy(net(val[:-1]), val[1:], reduction='none')\n"
    assert len(Followed(prices + 'np.save("nll.npy", p)\n').events("report")) == 1
    kept = prices + "best = [p, {k: v.clone() for k, v in net.state_dict().items()}]\ntorch.save(best, 'a.pt')\n"
    assert Followed(kept).events("report") == []
