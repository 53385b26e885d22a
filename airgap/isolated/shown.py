"""What admitted bundles say stands under each name of the views."""

import os
from functools import cached_property

from airgap.isolated.store.state import State
from airgap.isolated.store.store import Store
from airgap.isolated.views import tree


class Shown:
    """Names and digests, the newest bundle's where several say one name. Heads are read only when somebody asks."""

    def __init__(self, store: Store, state: State) -> None:
        self._store = store
        self._state = state

    @cached_property
    def digests(self) -> dict[str, bytes]:
        """Name in a generation to digest of what stands there."""
        found: dict[str, bytes] = {}
        for heard in self._store.heads(self._state):
            for entry in heard.manifest().named:
                shown = tree.place(entry.path)
                if shown is not None:
                    found[shown] = entry.sha256
        return found

    def source(self, name: str) -> str | None:
        """The object that belongs under a name; None when no bundle says the name, or the object is not there."""
        digest = self.digests.get(name)
        if digest is None or not os.path.lexists(path := self._store.layout.object(digest)):
            return None
        return path
