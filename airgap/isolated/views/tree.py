"""The tree of a generation: where entries of each ecosystem stand, and how names pass from one generation to the next.

Names are hard links to objects. What clients read as an index is generated from signed manifests and stands beside them;
it belongs to one generation only.
"""

import os
import re
from collections.abc import Callable, Iterator, Mapping, Set
from dataclasses import dataclass, field
from typing import Final

from airgap.core.packument import PACKUMENTS
from airgap.isolated.store.disk import Disk

FILES: Final = "files"
FOLDERS: Final = (FILES, "npm", "pypi")
"""The views, one folder each."""
INDEX: Final = "index.html"
SIMPLE: Final = "simple"
_SIDES: Final = ("artifacts/", "documents/")
_SHAPE: Final = re.compile(rf"files/.+|pypi/(?!{SIMPLE}$)[^/]+|npm/(?:@[^/]+/)?[^/@][^/]*/-/[^/]+", re.DOTALL)
"""Plain files anywhere, Python's flat, npm's where its clients look for them; nothing where an index will stand."""


def place(path: str) -> str | None:
    """Where an entry of a bundle stands inside a generation; None when no view shows it.

    Evidence stands beside its artifact, as it did where it was exported.
    """
    side, _, inside = path.partition("/")
    return inside if f"{side}/" in _SIDES and _SHAPE.fullmatch(inside) else None


def known_as(path: str) -> str | None:
    """The name by which a state remembers that an entry was recalled; None when nothing that is shown depends on it.

    Where it stands; of a document that indexes are made from and that stands nowhere, its path.
    """
    return place(path) or (path if path.startswith(PACKUMENTS) else None)


def entries(shown: str) -> Iterator[str]:
    """The paths of the entries that would stand at ``shown``: the other way round than ``place``."""
    return (side + shown for side in _SIDES) if _SHAPE.fullmatch(shown) else iter(())


def is_generated(shown: str) -> bool:
    """Whether a name is an index that the store itself writes."""
    return shown.startswith((f"pypi/{SIMPLE}/", "npm/")) and not _SHAPE.fullmatch(shown)


def names(folder: str) -> Iterator[str]:
    """Paths of all files in a generation's views, relative to the generation; anything that is no folder is named."""
    pending = [view for view in FOLDERS if os.path.isdir(os.path.join(folder, view))]
    while pending:
        inside = pending.pop()
        with os.scandir(os.path.join(folder, inside)) as items:
            for item in items:
                path = f"{inside}/{item.name}"
                if item.is_dir(follow_symlinks=False):
                    pending.append(path)
                else:
                    yield path


@dataclass(frozen=True, slots=True, kw_only=True)
class Carry:
    """How names pass from one generation to the next.

    Attributes:
        inodes: of all objects, as they were stored.
        moved: inodes of damaged objects, and the sound object that takes their place.
        left_out: names that the next generation does not show.
        source: the object that belongs under a name; asked where a name shows no known object, so that a foreign file is
            put right instead of handed on.
    """

    inodes: Set[int]
    source: Callable[[str], str | None]
    moved: Mapping[int, str] = field(default_factory=dict)
    left_out: Set[str] = frozenset()


def carry_over(disk: Disk, old: str, new: str, carry: Carry) -> None:
    """Link every file of one generation's view into another that does not have the name yet.

    A generation is a superset of the one before, so that a client that read an old index still finds its files.

    Args:
        disk: to write on.
        old: the generation before.
        new: the one that is made.
        carry: what stands under which name from now on.
    """
    known: set[str] = set()
    for path in names(old):
        if path in carry.left_out or is_generated(path):
            continue
        source: str | None = f"{old}/{path}"
        inode = os.lstat(f"{old}/{path}").st_ino
        if inode in carry.moved:
            source = carry.moved[inode]
        elif inode not in carry.inodes:
            source = carry.source(path)
        if source is not None:
            show(disk, source, new, path, known)


def show(disk: Disk, source: str, generation: str, path: str, known: set[str]) -> None:
    """Give a file a name in a view, unless the name is taken."""
    make_folders(disk, generation, os.path.dirname(path), known)
    disk.link(source, os.path.join(generation, path))


def make_folders(disk: Disk, root: str, inside: str, known: set[str]) -> None:
    """Create a folder below ``root`` and all above it; ``known`` remembers those that are there."""
    if not inside or inside in known:
        return
    make_folders(disk, root, os.path.dirname(inside), known)
    path = os.path.join(root, inside)
    if not os.path.isdir(path):
        disk.make_folder(path)
    known.add(inside)
