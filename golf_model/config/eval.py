"""The section `eval`: which tokens are scored, and with how much context."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from golf_model.config.checks import require, require_bounded


@dataclass(frozen=True)
class EvalConfig:
    """How the artifact gets its published score; the plain score is always measured beside it."""

    rule: Literal[
        "plain",
        "sliding",
        "streaming",
        "last_stride",
        "last_stride_short",
        "exact_tail",
        "repeated_tail",
        "short_tail",
    ] = "plain"
    """What is scored, with which context. plain: whole sequences side by side. sliding: windows every `stride`
    targets, every target exactly once with as much context as its window allows, to the text's last token. streaming:
    the text is read once, each token attends to the last `window` tokens in every layer; another model in effect, and
    another score. The originals' slide, too:
    last_stride scores only the last `stride` targets of a window, so that the text's head and tail are left out (PR
    #102); last_stride_short drops the last window as well (PR #372); exact_tail is as `sliding` (PR #160);
    repeated_tail scores the last targets again in ever shorter windows (PR #465); short_tail ends with one window
    that is cut off (PR #1394)."""
    window: int = 0
    """Tokens of a window; 0 takes train_seq_len. The plain rule always takes that."""
    stride: int = 64
    """Targets between the starts of two windows."""
    batch_windows: int = 32
    """Windows per forward pass and process."""
    keep_tail: bool = False
    """Whether the originals' windows may reach the targets after the last whole sequence (PR #160)."""
    sums: Literal["float64", "float32"] = "float64"
    """Precision of the sums over targets; float32 is the defect of PR #465."""
    byte_sidecar: bool = False
    """Whether the bytes of each target come from fineweb_val_bytes_*.bin beside the validation shards: of a text that
    was rewritten before it was tokenised, those of the original (CaseOps, PR #1729)."""

    def __post_init__(self) -> None:
        require_bounded(self)
        require(self.window >= 0, "window", "0 (train_seq_len) or more")
        for name in ("stride", "batch_windows"):
            require(getattr(self, name) >= 1, name, "at least 1")

    def window_length(self, train_seq_len: int) -> int:
        """Tokens of one window of this rule; the plain rule's windows are training sequences."""
        return train_seq_len if self.rule == "plain" else self.window or train_seq_len
