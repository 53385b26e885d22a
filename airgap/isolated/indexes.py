"""The index files of a generation, made anew from signed manifests whenever one is published."""

import os
from collections.abc import Iterable
from contextlib import suppress
from typing import Final

from airgap.core.digest import sha256
from airgap.core.entries import Document, Entry
from airgap.core.errors import FormatError, StoreError
from airgap.isolated.catalog import PACKUMENTS, Catalog, Hidden
from airgap.isolated.store.state import State
from airgap.isolated.store.store import Store
from airgap.isolated.views import npm, tree

MAX_DOCUMENT: Final = 64 * 1024 * 1024
"""Bytes of one document that an index is made from."""


def write_indexes(store: Store, state: State, folder: str) -> None:
    """Write all index files of a generation that is made; its packages stand there already.

    A head that cannot be read says nothing here: its packages stay where they are, and a check reports it.

    Args:
        store: locked exclusively.
        state: of the new generation, whose bundles have their heads in the store.
        folder: the generation's tree.

    Raises:
        StoreError: the disk failed.
    """
    if not any(os.path.isdir(os.path.join(folder, view)) for view in tree.FOLDERS if view != tree.FILES):
        return
    catalog = Catalog()
    for manifest in state.manifests:
        with suppress(FormatError, StoreError):
            heard = store.head(manifest)
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
        if entry.size > MAX_DOCUMENT:
            raise FormatError(f"{entry.path}: expected at most {MAX_DOCUMENT} bytes, got {entry.size}")
        with open(path, "rb") as file:
            said = npm.parse_packument(file.read())
        name = entry.path[len(PACKUMENTS) :].rpartition("/")[0]
        if said["name"] != name:
            raise FormatError(f"{entry.path}: expected the index of {name!a:.120}, got another")


def read(store: Store, digest: bytes) -> bytes | None:
    """The content of a small object; None when it is not what it was."""
    try:
        with open(store.layout.object(digest), "rb") as file:
            content = file.read(MAX_DOCUMENT + 1)
    except OSError:
        return None
    return content if sha256(content) == digest else None
