"""What a site asks to be brought: the objects that it lost, and what its people need."""

import os
from collections.abc import Iterator, Sequence
from datetime import datetime

from airgap.core.checkpoint import Checkpoint
from airgap.core.entries import Entry
from airgap.core.wish import Confirmed, Damaged, Wish
from airgap.isolated.store.lock import locked
from airgap.isolated.store.state import State
from airgap.isolated.store.store import Store


def make_wish(store: Store, needed: Sequence[str], at: datetime) -> Wish:
    """What a store lacks, still without signature. Reads no object: ``airgap check`` is what finds rot.

    Args:
        store: of the site.
        needed: canonical purls to ask for.
        at: now, UTC.

    Raises:
        FormatError: a head that is not what it was.
        BusyError: an import holds the store.
    """
    with locked(store.layout.lock, shared=True):
        state = store.state()
        history = store.ledger.read(store.public_key())
        return Wish(
            site=store.site,
            at=at,
            channels={name: Confirmed(last.sequence, last.manifest) for name, last in state.channels.items()},
            damaged=tuple(sorted(map(Damaged.of, _lost(store, state)), key=lambda one: (one.path, one.sha256))),
            needed=tuple(sorted(set(needed))),
            ledger=Checkpoint(store.site, len(history.lines), history.root),
        )


def _lost(store: Store, state: State) -> Iterator[Entry]:
    """Entries whose objects are withdrawn, missing or cut; each object once, under the name it had last."""
    seen: set[bytes] = set()
    for manifest in reversed(state.manifests):
        for entry in store.head(manifest).manifest().named:
            if entry.sha256 not in seen:
                seen.add(entry.sha256)
                if entry.sha256 in state.withdrawn or not _is_there(store, entry):
                    yield entry


def _is_there(store: Store, entry: Entry) -> bool:
    try:
        return os.lstat(store.layout.object(entry.sha256)).st_size == entry.size
    except FileNotFoundError:
        return False
