"""How busy GPUs are, by a driver that answers, one that does not say all, and none."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from runner.node.gpu_use import GpuUse, GpuWatch, read_use
from tests.runner.node.test_node_check import fake_smi


@pytest.mark.parametrize(
    ("lines", "use"),
    [
        (["20480, 97", "30000, 5"], GpuUse(30000, 5)),
        (["[N/A], 88"], GpuUse(None, 88)),
        ([], None),
    ],
)
def test_the_fullest_and_the_least_used_gpu_are_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, lines: list[str], use: GpuUse | None
) -> None:
    monkeypatch.setenv("PATH", fake_smi(tmp_path / "bin", *lines))
    assert read_use() == use


def test_a_watch_gives_each_answer_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", fake_smi(tmp_path / "bin", "20480, 97"))
    watch = GpuWatch(every=60)
    give_up = time.monotonic() + 20
    while (found := watch.take()) is None:
        assert time.monotonic() < give_up
        time.sleep(0.01)
    assert found == GpuUse(20480, 97)
    assert watch.take() is None
    watch.stop()
    watch.thread.join(timeout=20)
    assert not watch.thread.is_alive()


def test_without_a_driver_nothing_is_asked_again(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    watch = GpuWatch(every=0.01)
    watch.thread.join(timeout=20)
    assert not watch.thread.is_alive()
    assert watch.take() is None
