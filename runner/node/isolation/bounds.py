"""What a phase may see, change and reach, as plain values that can be handed to another process; and its links."""

from __future__ import annotations

import errno
import marshal
import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

LAYERS = ("namespaces", "uid", "landlock")


class Bounds:
    """Paths, absolute. What is in none of the lists can be read and not changed.

    A plain class, like all that a process imports on its way into its bounds: dataclasses alone take half as long to
    import as Python takes to start.
    """

    def __init__(
        self,
        *,
        hide: list[str],
        keep: list[str],
        write: list[str],
        private: list[str],
        let_pass: list[str] | None = None,
        network: bool = False,
        loopback: bool = True,
        layers: tuple[str, ...] = LAYERS,
        must_hold: bool = False,
        report: str = "",
    ) -> None:
        self.hide = hide
        """Folders that are empty but for what is kept or may be changed; files without content."""
        self.keep = keep
        """Stays readable where it is, in hidden folders, too; of a link both ends."""
        self.write = write
        """May be changed, and stays readable like what is kept."""
        self.private = private
        """Folders that are the phase's own and empty, in memory; what is kept in them stands there, too."""
        self.let_pass = let_pass or []
        """Folders of ours above what may be changed: another user may walk through them, and not look into them."""
        self.network = network
        """Whether it may reach the network; else there is a loopback of its own."""
        self.loopback = loopback
        """Whether it needs that: a single process does not."""
        self.layers = layers
        """What may be tried."""
        self.must_hold = must_hold
        """Whether the command is not run at all where the first of them is refused."""
        self.report = report
        """A FIFO that somebody reads: takes what holds, before the command starts."""

    def but(self, **changes: Any) -> Bounds:
        """The same with some things changed."""
        return Bounds(**{**vars(self), **changes})

    def packed(self) -> str:
        """For `unpacked`, by an interpreter of the same version."""
        return marshal.dumps(vars(self)).hex()


def unpacked(text: str) -> Bounds:
    """The bounds that were packed; only for what we packed ourselves."""
    return Bounds(**marshal.loads(bytes.fromhex(text)))


def trail(path: str) -> tuple[list[tuple[str, str]], str]:
    """The links on the way to a path, each as (where it stands, what it says), and where the way ends.

    No part of where a link stands is a link itself. OSError for links that go in a circle.
    """
    links: list[tuple[str, str]] = []
    done, parts = "/", os.path.abspath(path).split("/")[::-1]
    while parts:
        part = parts.pop()
        if part in ("", "."):
            continue
        if part == "..":
            done = os.path.dirname(done)
            continue
        place = os.path.join(done, part)
        if not os.path.islink(place):
            done = place
            continue
        if len(links) == 40:
            raise OSError(errno.ELOOP, f"{path}: too many links")
        links.append((place, os.readlink(place)))
        done = "/" if links[-1][1].startswith("/") else done
        parts += links[-1][1].split("/")[::-1]
    return links, done


def is_below(path: str, folder: str) -> bool:
    """Whether a path lies in a folder, at any depth."""
    return folder == "/" or path.startswith(f"{folder}/")


def depth(path: str) -> int:
    """Folders above it."""
    return path.count("/")
