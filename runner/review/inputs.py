"""What a review reads: the shapes alone, so that unwrapping and run contexts can be swapped in tests."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from typing import Protocol


class Layer(Protocol):
    """One text of a script: the file itself, or what a shell in it holds."""

    @property
    def name(self) -> str: ...

    @property
    def size(self) -> int: ...

    @property
    def text(self) -> str: ...

    @property
    def tree(self) -> ast.Module | None: ...

    @property
    def reason(self) -> str: ...


class Reviewed(Protocol):
    """A script, all layers of it, and the modules beside it by the name they are imported by."""

    @property
    def layers(self) -> Sequence[Layer]: ...

    @property
    def siblings(self) -> Mapping[str, Layer]: ...


class Context(Protocol):
    """What is known of the run."""

    def value_of(self, name: str) -> tuple[str, str] | None:
        """The value that `name` (an environment variable or setting) had, and who says so; None where nobody does."""
