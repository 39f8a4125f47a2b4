"""What training and evaluation of an attempt may see and change: the bounds that they run in.

Both: the interpreter and what it imports, the phase's own folder, home and temporary files; no home of the node's
users, no other attempt, no folder of a run. Training also sees the data, and may change none of it. Evaluation sees
copies of its own of what it scores, and of the node nothing but the system: whatever else somebody could write lies
elsewhere.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import site
import sys
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from runner.data.dataset import DataSet
from runner.machine import home_folder
from runner.node.environment import CACHES
from runner.node.isolation.bounds import Bounds
from runner.node.isolation.enter import ROOT

SHARED_PLACES = (Path("/tmp"), Path("/var/tmp"), Path("/dev/shm"))
"""Where every process may write."""
HOMES = (Path("/home"), Path("/root"))
SYSTEM = frozenset(
    {
        *(
            "bin",
            "boot",
            "dev",
            "etc",
            "lib",
            "lib32",
            "lib64",
            "libx32",
            "opt",
            "proc",
            "run",
            "sbin",
            "snap",
            "sys",
        ),
        *("usr", "var", "tmp", "nix", "gnu", "cvmfs", "Applications", "Library", "System", "private", "cores"),
    }
)
"""Folders of the root that belong to the system; what an evaluation needs of others is named."""


def own_places(base: Path) -> dict[str, str]:
    """Make the phase's own home and folder of temporary files; what a script finds of them in its environment.

    Compiled code goes there, too, so that it goes with the phase.
    """
    home, temporary = base / "home", base / "tmp"
    caches = {name: temporary / name.lower() for name in CACHES}
    for path in (home, temporary, *caches.values()):
        path.mkdir(exist_ok=True)
    told = {"HOME": str(home), "TMPDIR": str(temporary), **{name: str(path) for name, path in caches.items()}}
    if site.ENABLE_USER_SITE and Path(site.getuserbase()).is_dir():
        told["PYTHONUSERBASE"] = site.getuserbase()  # else Python would look for it in the new home
    return told


def training_bounds(
    base: Path,
    folder: Path,
    data: DataSet,
    *,
    network: bool,
    loopback: bool,
    blind: bool,
    store: Path | None = None,
    apart: Iterable[str] = (),
) -> Bounds:
    """Of a training in `folder` of the work folder `base`.

    loopback: whether its processes meet there. blind: without a look at validation shards. store: where its
    checkpoints go. apart: folders of the run, on this machine.
    """
    seen = [data.folder, data.tokenizer, *data.train_files, *data.val_files, *data.sidecars]
    validation = [*data.val_files, *data.sidecars] if blind else []
    stores = [] if store is None else [store]
    return Bounds(
        hide=_strings([*hidden_places(base), *validation, *map(Path, apart)]),
        keep=_strings([*interpreter_places(), *seen]),
        write=_strings([folder, base / "home", base / "tmp", base / "train.events", *stores]),
        private=_strings([*SHARED_PLACES, base]),
        let_pass=_strings(
            [base.parent, base, *(path for store in stores for path in (store.parent.parent, store.parent))]
        ),
        network=network,
        loopback=loopback,
        report=str(base / "train.layer"),
    )


def evaluation_bounds(
    base: Path, folder: Path, copies: Path, data: DataSet, *, loopback: bool, apart: Iterable[str] = ()
) -> Bounds:
    """Of an evaluation in `folder` of the work folder `base`; copies: folder of what it reads."""
    return Bounds(
        hide=_strings([*hidden_places(base), *other_places(), *training_places(data, base), *map(Path, apart)]),
        keep=_strings([*interpreter_places(), copies]),
        write=_strings([folder, base / "home", base / "tmp", base / "eval.events"]),
        private=_strings([*SHARED_PLACES, base]),
        let_pass=_strings([base.parent, base]),
        loopback=loopback,
        report=str(base / "eval.layer"),
    )


def hidden_places(base: Path) -> list[Path]:
    """What no script has any business in: homes, temporary files, and other attempts."""
    places = {*HOMES, *SHARED_PLACES, home_folder(), Path(tempfile.gettempdir()), base.parent}
    with contextlib.suppress(KeyError):
        places.add(Path(pwd.getpwuid(os.getuid()).pw_dir))
    return sorted(place for path in places if (place := path.resolve()).is_dir() and place != Path("/"))


def other_places() -> list[Path]:
    """Folders of the root that are not the system's."""
    return sorted(path for path in Path("/").iterdir() if path.name not in SYSTEM and not path.is_symlink())


def interpreter_places() -> list[Path]:
    """Python and what it imports, as this process's own interpreter finds it, but for golf itself."""
    base = getattr(sys, "_base_executable", sys.executable)
    own = {"", ROOT, os.getcwd(), os.path.dirname(os.path.abspath(sys.argv[0]))}
    own |= set(os.environ.get("PYTHONPATH", "").split(os.pathsep))
    packages = [path for path in sys.path if path not in own and os.path.isdir(path)]
    places = [sys.prefix, sys.base_prefix, sys.exec_prefix, sys.executable, base, *packages]
    return [Path(path) for path in dict.fromkeys(map(os.path.abspath, places)) if path != "/"]


def training_places(data: DataSet, base: Path) -> list[Path]:
    """What hides the training shards: their folders where nothing that is needed lies in them, else each file."""
    needed = [base.resolve(), *(path.resolve() for path in interpreter_places())]
    places: dict[Path, None] = {}
    for path in {*data.train_files, *(path.resolve() for path in data.train_files)}:
        folder = path.parent.resolve()
        inside = any(folder == place or folder in place.parents for place in needed)
        places[path.resolve() if inside else folder] = None
    return sorted(places)


def _strings(paths: Sequence[Path]) -> list[str]:
    return list(dict.fromkeys(os.path.abspath(path) for path in paths))
