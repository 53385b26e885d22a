"""The index files of a generation, made anew from signed manifests whenever one is published."""

import os
from collections.abc import Iterable
from contextlib import suppress
from typing import Final

from airgap.core.digest import sha256
from airgap.core.entries import Document, Entry
from airgap.core.errors import FormatError, StoreError
from airgap.core.packument import MAX_PACKUMENT, PACKUMENTS, check_packument
from airgap.isolated.catalog import Catalog, Hidden
from airgap.isolated.store.state import State
from airgap.isolated.store.store import Store
from airgap.isolated.views import tree

_SIGNS: Final = (b'"artifacts/npm/', b'"artifacts/pypi/', f'"{PACKUMENTS}'.encode())
"""What stands in the text of a manifest that an index is made from; reading the others would take seconds for each."""


def write_indexes(store: Store, state: State, folder: str) -> None:
    """Write all index files of a generation that is made.

    A head that cannot be read says nothing here: its packages stay where they are, and a check reports it.

    Args:
        store: locked exclusively.
        state: of the new generation, whose bundles have their heads in the store.
        folder: the generation's tree.

    Raises:
        StoreError: the disk failed.
    """
    catalog = Catalog()
    for manifest in state.manifests:
        with suppress(FormatError, StoreError):
            heard = store.head(manifest)
            if any(sign in heard.head.manifest for sign in _SIGNS):
                catalog.add(heard.statement.channel, heard.manifest())
    known: set[str] = set()
    for path, content in catalog.render(Hidden(state.withdrawn, state.recalled), lambda digest: read(store, digest)):
        if content is None:
            continue
        tree.make_folders(store.disk, folder, os.path.dirname(path), known)
        fd = store.disk.create(os.path.join(folder, path))
        try:
            store.disk.write(fd, [content])
        finally:
            store.disk.close(fd)


def check_documents(entries: Iterable[tuple[Entry, str]]) -> None:
    """Prove that all documents that an index will be made from are what they should be.

    Args:
        entries: of a bundle, with the file that each is staged in.

    Raises:
        FormatError: one is not, or it speaks of another package than its name says.
    """
    for entry, path in entries:
        if not isinstance(entry, Document) or not entry.path.startswith(PACKUMENTS):
            continue
        if entry.size > MAX_PACKUMENT:
            raise FormatError(f"{entry.path}: expected at most {MAX_PACKUMENT} bytes, got {entry.size}")
        with open(path, "rb") as file:
            check_packument(entry.path, file.read())


def read(store: Store, digest: bytes) -> bytes | None:
    """The content of a small object; None when it is not what it was."""
    try:
        with open(store.layout.object(digest), "rb") as file:
            content = file.read(MAX_PACKUMENT + 1)
    except OSError:
        return None
    return content if sha256(content) == digest else None
