"""Staging: where a bundle's entries wait, unverified, until the whole argument holds.

They are written where the next generation will show them, so that publishing is one rename. The folder is private (T174).
"""

import os
from collections.abc import Sequence

from airgap.core.manifest import Entry
from airgap.isolated.store.store import Store
from airgap.isolated.views import files


class Staging:
    """Entries of one bundle, in the order of its stream."""

    def __init__(self, store: Store, run_id: str) -> None:
        self._disk = store.disk
        self.root = os.path.join(store.layout.staging, run_id)
        self.generation = os.path.join(self.root, "generation")
        self._count = 0
        self._known: set[str] = set()
        self._fd = -1
        self._disk.make_folder(self.root, 0o700)
        self._disk.make_folder(self.generation)
        self._disk.make_folder(os.path.join(self.generation, files.FOLDER))
        self._disk.make_folder(os.path.join(self.root, "aside"))

    def begin(self, entry: Entry) -> None:
        """Create the file of an entry; its name was checked with the manifest."""
        shown = files.place(entry.path)
        if shown is not None and (folder := shown.rpartition("/")[0]) not in self._known:
            files.make_folders(self._disk, self.generation, folder, self._known)
        self._fd = self._disk.create(self.path(self._count, entry))
        self._count += 1

    def path(self, index: int, entry: Entry) -> str:
        """Where the entry with this number in the stream is staged."""
        shown = files.place(entry.path)
        return f"{self.root}/aside/{index}" if shown is None else f"{self.generation}/{shown}"

    def write(self, views: Sequence[memoryview]) -> None:
        """Append to it."""
        self._disk.write(self._fd, views)

    def end(self) -> None:
        """Close it."""
        fd, self._fd = self._fd, -1
        self._disk.close(fd)

    def discard(self) -> None:
        """Remove everything that was staged."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
        if os.path.isdir(self.root):
            self._disk.remove_tree(self.root)
