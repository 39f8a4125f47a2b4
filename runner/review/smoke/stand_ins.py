"""Stand-ins for packages that an import asks for and that are not here. Runs inside the cut-off process; stdlib only.

A stand-in answers everything: attributes, calls, items, base classes; as a decorator it leaves the function as it is.
"""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import importlib.util
import sys
import types
from collections.abc import Iterator, Sequence
from typing import Any

GPU_ONLY = (
    *(
        "flash_attn_interface",
        "flash_attn",
        "flash_attn_3",
        "triton",
        "fla",
        "liger_kernel",
        "transformers",
        "xformers",
    ),
    *("apex", "deepspeed", "causal_conv1d", "mamba_ssm", "bitsandbytes", "cutlass", "cut_cross_entropy", "pynvml"),
    *(
        "transformer_engine",
        "torchao",
        "kernels",
        "tilelang",
        "nvtx",
        "cupy",
        "numba",
        "wandb",
        "tiktoken",
        "datasets",
    ),
)
"""Packages of GPUs, and others that a training can do without at its import."""


class StandIn:
    """Something of a package that is not here."""

    def __init__(self, name: str) -> None:
        self.__name__ = self.__qualname__ = name.rpartition(".")[2]
        self.__module__ = name.rpartition(".")[0]
        self.__doc__ = None
        self.__wrapped__ = None

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") and name.endswith("__"):
            raise AttributeError(name)
        return StandIn(f"{self.__module__}.{self.__name__}.{name}")

    def __call__(self, *values: Any, **named: Any) -> Any:
        if len(values) == 1 and not named and isinstance(values[0], (types.FunctionType, type)):
            return values[0]
        return StandIn(f"{self.__module__}.{self.__name__}")

    def __getitem__(self, key: Any) -> Any:
        return self

    def __mro_entries__(self, bases: tuple[Any, ...]) -> tuple[type, ...]:
        return (type(self.__name__, (), {}),)

    def __iter__(self) -> Iterator[Any]:
        return iter(())

    def __bool__(self) -> bool:
        return False

    def __or__(self, other: Any) -> Any:
        return self

    __ror__ = __or__

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def __hash__(self) -> int:
        return id(self)

    def __eq__(self, other: object) -> bool:
        return self is other

    def __lt__(self, other: Any) -> bool:
        return False

    __gt__ = __le__ = __ge__ = __lt__

    def __int__(self) -> int:
        return 0

    __index__ = __int__

    def __float__(self) -> float:
        return 0.0


class StandInModule(types.ModuleType):
    """A module that is not here."""

    def __getattr__(self, name: str) -> Any:
        if name == "__version__":
            return "3.0.0"
        if name.startswith("__") and name.endswith("__"):
            raise AttributeError(name)
        return StandIn(f"{self.__name__}.{name}")


class StandInFinder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds stand-ins for packages by their first name; asked last, so that what is installed comes first."""

    def __init__(self, names: Sequence[str]) -> None:
        self.names = set(names)
        self.used: list[str] = []

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> importlib.machinery.ModuleSpec | None:
        """A module's spec, where its package is one of ours."""
        first = name.partition(".")[0]
        if first not in self.names:
            return None
        if first not in self.used:
            self.used.append(first)
        return importlib.util.spec_from_loader(name, self, is_package=True)

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> types.ModuleType:
        """An empty one that answers everything."""
        return StandInModule(spec.name)

    def exec_module(self, module: types.ModuleType) -> None:
        """Nothing is executed."""


def install(names: Sequence[str]) -> StandInFinder:
    """Stand in for these packages from now on, where they are not installed."""
    finder = StandInFinder(names)
    sys.meta_path.append(finder)
    return finder
