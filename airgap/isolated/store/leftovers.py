"""What an import or a check that did not end has left among the objects and documents of a store."""

import os
import re
from collections.abc import Callable, Iterator, Set
from typing import Final

from airgap.isolated.store.disk import Disk
from airgap.isolated.store.layout import FAN_OUT, Layout
from airgap.isolated.store.state import State

_QUARANTINED: Final = re.compile(r"([0-9a-f]{64})\.([0-9]{1,15})")


def put_back(layout: Layout, disk: Disk, state: State) -> int:
    """Undo a move to quarantine that no generation tells of; how many there were.

    The names that show a damaged object are found by its inode, so the whole repair has to start again from there. An
    object that was already healed gives way: the bundle that healed it is imported again.
    """
    count = 0
    for name in os.listdir(layout.quarantine):
        found = _QUARANTINED.fullmatch(name)
        if found and int(found[2]) > state.generation:
            disk.rename(os.path.join(layout.quarantine, name), layout.object(bytes.fromhex(found[1])))
            count += 1
    return count


def remove_unpublished(layout: Layout, disk: Disk, state: State, known: Callable[[], Set[bytes]]) -> int:
    """Remove objects that only an import that did not end has put there; how many there were.

    They are the ones that share their inode with what it staged; any other stranger is for a check to report.

    Args:
        layout: of the store.
        disk: to remove them on.
        state: of the current generation.
        known: digests of all objects that admitted bundles name; asked only when something is left over.
    """
    staged = set(_staged(layout, state))
    if not staged:
        return 0
    digests = known()
    count = 0
    for folder in FAN_OUT:
        with os.scandir(os.path.join(layout.objects, folder)) as items:
            strangers = [item.path for item in items if item.inode() in staged and not _is_known(item.name, digests)]
        for path in strangers:
            disk.unlink(path)
        count += len(strangers)
    return count


def remove_documents(layout: Layout, disk: Disk, state: State) -> int:
    """Remove heads and trust documents that the current generation does not name, and names that were to be renamed.

    Returns how many there were.
    """
    heads = {os.path.basename(layout.head(manifest)) for manifest in state.manifests}
    trusts = {os.path.basename(layout.trust(version)) for version in range(1, state.trust + 1)}
    unread = [
        os.path.join(folder, name)
        for folder, known in ((layout.manifests, heads), (layout.trusts, trusts))
        for name in os.listdir(folder)
        if name not in known
    ]
    unread += filter(os.path.lexists, (f"{layout.current}.new", f"{layout.checkpoint}.new"))
    for path in unread:
        disk.unlink(path)
    return len(unread)


def _staged(layout: Layout, state: State) -> Iterator[int]:
    """Inode numbers of all files that wait for a generation which never came."""
    for folder in (layout.staging, layout.generations):
        for name in os.listdir(folder):
            if folder == layout.staging or not is_reached(name, state):
                for inside, _, names in os.walk(os.path.join(folder, name)):
                    yield from (os.lstat(os.path.join(inside, file)).st_ino for file in names)


def is_reached(name: str, state: State) -> bool:
    """Whether a folder is the current generation or one before it."""
    return name.isdecimal() and int(name) <= state.generation


def _is_known(name: str, digests: Set[bytes]) -> bool:
    try:
        return bytes.fromhex(name) in digests
    except ValueError:
        return True
