"""One look of a recheck: do views, names, modes and index match what signed manifests say?"""

import os
import stat
from collections.abc import Iterator, Mapping
from hashlib import file_digest

from airgap.core.reasons import Reason
from airgap.isolated.report import Expected, Look, Memory, Report
from airgap.isolated.store.state import FILE, State
from airgap.isolated.store.store import Store
from airgap.isolated.views import files


def check_structure(store: Store, state: State, memory: Memory, report: Report) -> None:
    """No stranger among objects and names, every name shows its object, and the index says the same."""
    before = len(report.damage)
    for name in _extra_objects(store, memory):
        report.add(Look.STRUCTURE, name, Reason.EXTRA_FILE, expected="objects of signed manifests", got="another file")
    _check_view(store, state, memory, report)
    if store.index.generation() != state.generation or store.index.rows() != memory.indexed:
        report.add(Look.STRUCTURE, "index.sqlite", Reason.INDEX_DRIFT, expected="what the manifests say", got="other rows")
    if len(report.damage) == before:
        report.add(Look.STRUCTURE, "views", None, got=f"{len(memory.shown)} names")


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


def _is_known(name: str, folder: str, objects: Mapping[bytes, Expected]) -> bool:
    try:
        return name[:2] == folder and name == name.lower() and bytes.fromhex(name) in objects
    except ValueError:
        return False


def _check_view(store: Store, state: State, memory: Memory, report: Report) -> None:
    """Every name shows the inode of its object, and there is no other name."""
    folder = store.layout.generation(state.generation)
    missing = {path for path, digest in memory.shown.items() if digest not in state.withdrawn}
    inodes = _inodes(store, memory)
    for path in files.names(folder):
        digest = memory.shown.get(path)
        if digest is None or path not in missing:
            report.add(Look.STRUCTURE, path, Reason.EXTRA_FILE, expected="names of signed manifests", got="another file")
            continue
        missing.discard(path)
        status = os.lstat(os.path.join(folder, path))
        if not stat.S_ISREG(status.st_mode) or (status.st_ino != inodes.get(digest) and not _is_copy(store, path, digest)):
            report.add(Look.STRUCTURE, path, Reason.VIEW_MISMATCH, expected=f"object {digest.hex()}", got="another file")
    for path in sorted(missing):
        report.add(Look.STRUCTURE, path, Reason.VIEW_MISMATCH, expected="a file", got="none")
    if os.path.realpath(store.layout.current) != os.path.realpath(folder):
        report.add(Look.STRUCTURE, "current", Reason.VIEW_MISMATCH, expected=folder, got="another folder")
    for name in os.listdir(folder):
        if name not in {files.FOLDER, FILE}:
            report.add(Look.STRUCTURE, name, Reason.EXTRA_FILE, expected="views and state.json", got="another file")


def _inodes(store: Store, memory: Memory) -> dict[bytes, int]:
    found = {}
    for digest in memory.objects:
        try:
            found[digest] = os.lstat(store.layout.object(digest)).st_ino
        except FileNotFoundError:
            continue
    return found


def _is_copy(store: Store, path: str, digest: bytes) -> bool:
    """Where an object has as many names as a file can have, the view holds a copy: the same bytes, read now."""
    shown = os.path.join(store.layout.current, path)
    if not stat.S_ISREG(os.lstat(shown).st_mode):
        return False
    with open(shown, "rb") as file:
        return file_digest(file, "sha256").digest() == digest
