"""One look of a recheck: do views, names, modes and index match what signed manifests say?"""

import os
import stat
from collections.abc import Iterator, Mapping
from hashlib import file_digest

from airgap.core.reasons import Reason
from airgap.isolated.catalog import Hidden
from airgap.isolated.indexes import read
from airgap.isolated.report import Look, Memory, Report
from airgap.isolated.store.state import FILE, State
from airgap.isolated.store.store import Store
from airgap.isolated.views import tree


def check_structure(store: Store, state: State, memory: Memory, inodes: Mapping[bytes, int], report: Report) -> None:
    """No stranger among objects and names, every name shows its object, and the index says the same.

    Args:
        store: to look at.
        state: of its current generation.
        memory: what signed manifests say.
        inodes: number of every object that was read.
        report: gets the findings.
    """
    before = len(report.damage)
    for name in _extra_objects(store, memory):
        report.add(Look.STRUCTURE, name, Reason.EXTRA_FILE, expected="objects of signed manifests", got="another file")
    _check_view(store, state, memory, inodes, report)
    if store.index.generation() != state.generation or not _is_indexed(store, memory, report.artifacts):
        report.add(Look.STRUCTURE, "index.sqlite", Reason.INDEX_DRIFT, expected="what the manifests say", got="other rows")
    if len(report.damage) == before:
        report.add(Look.STRUCTURE, "views", None, got=f"{len(memory.names)} names")


def _extra_objects(store: Store, memory: Memory) -> Iterator[str]:
    """Everything among the objects that no manifest names."""
    with os.scandir(store.layout.objects) as folders:
        for folder in folders:
            if not folder.is_dir(follow_symlinks=False):
                yield f"objects/sha256/{folder.name}"
                continue
            for name in os.listdir(folder.path):
                if not _is_known(name, folder.name, memory.objects):
                    yield f"objects/sha256/{folder.name}/{name}"


def _is_known(name: str, folder: str, objects: Mapping[bytes, int]) -> bool:
    try:
        return name[:2] == folder and name == name.lower() and bytes.fromhex(name) in objects
    except ValueError:
        return False


def _is_indexed(store: Store, memory: Memory, artifacts: int) -> bool:
    """Whether the index holds exactly the artifacts of the manifests; read row by row, because both are large."""
    count = 0
    for path, digest in store.index.digests():
        count += 1
        if memory.names.get(path) != digest:
            return False
    return count == artifacts


def _check_view(store: Store, state: State, memory: Memory, inodes: Mapping[bytes, int], report: Report) -> None:
    """Every name shows the inode of its object, and there is no other name."""
    folder = store.layout.generation(state.generation)
    found = set()
    _check_indexes(store, state, memory, folder, report)
    for path in tree.names(folder):
        if tree.is_generated(path):
            continue
        digest = memory.shown(path)
        if digest is None or digest in state.withdrawn or path in state.recalled:
            report.add(Look.STRUCTURE, path, Reason.EXTRA_FILE, expected="names of signed manifests", got="another file")
            continue
        found.add(path)
        status = os.lstat(os.path.join(folder, path))
        if not stat.S_ISREG(status.st_mode) or (status.st_ino != inodes.get(digest) and not _is_copy(store, path, digest)):
            report.add(Look.STRUCTURE, path, Reason.VIEW_MISMATCH, expected=f"object {digest.hex()}", got="another file")
    for path, digest in sorted(memory.names.items()):
        shown = tree.place(path)
        if shown is not None and shown not in found and digest not in state.withdrawn and shown not in state.recalled:
            report.add(Look.STRUCTURE, shown, Reason.VIEW_MISMATCH, expected="a file", got="none")
    if os.path.realpath(store.layout.current) != os.path.realpath(folder):
        report.add(Look.STRUCTURE, "current", Reason.VIEW_MISMATCH, expected=folder, got="another folder")
    for name in os.listdir(folder):
        if name not in {*tree.FOLDERS, FILE}:
            report.add(Look.STRUCTURE, name, Reason.EXTRA_FILE, expected="views and state.json", got="another file")


def _check_indexes(store: Store, state: State, memory: Memory, folder: str, report: Report) -> None:
    """Every index says what the signed manifests say: it is made once more, and has to be the same to the byte.

    Where a bundle is not what was admitted any more, nobody knows what they should say; that is reported already.
    """
    if memory.is_partial:
        return
    present = {path for path in tree.names(folder) if tree.is_generated(path)}
    expected = memory.catalog.render(Hidden(state.withdrawn, state.recalled), lambda digest: read(store, digest))
    for path, content in expected:
        name = os.path.join(folder, path)
        if content is None:
            pass  # the look at the bytes reports the document that is not at hand
        elif path not in present:
            report.add(Look.STRUCTURE, path, Reason.VIEW_MISMATCH, expected="an index", got="none")
        elif not stat.S_ISREG(os.lstat(name).st_mode) or _read(name) != content:
            report.add(Look.STRUCTURE, path, Reason.VIEW_MISMATCH, expected="what the manifests say", got="other bytes")
        present.discard(path)
    for path in sorted(present):
        report.add(Look.STRUCTURE, path, Reason.EXTRA_FILE, expected="indexes of signed manifests", got="another file")


def _is_copy(store: Store, path: str, digest: bytes) -> bool:
    """Where an object has as many names as a file can have, the view holds a copy: the same bytes, read now."""
    shown = os.path.join(store.layout.current, path)
    if not stat.S_ISREG(os.lstat(shown).st_mode):
        return False
    with open(shown, "rb") as file:
        return file_digest(file, "sha256").digest() == digest


def _read(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read()
