"""What people ask for, as packages of a registry: lock files of any client, or names that npm resolves to a lock."""

import os
import tempfile
from typing import Final

from airgap.connected.collect.npm import package_lock, pnpm_lock, yarn_lock
from airgap.connected.collect.npm.client import resolve_packages
from airgap.connected.collect.npm.locked import MAX_LOCK, Lock, Locked, settle
from airgap.connected.request import NpmSource
from airgap.connected.written import read_text
from airgap.core.errors import UsageError

_READERS: Final = {
    ".json": package_lock.read,
    ".yaml": pnpm_lock.read,
    ".yml": pnpm_lock.read,
    ".lock": yarn_lock.read,
}


def ask(wanted: NpmSource) -> list[Locked]:
    """Everything that the locks of a source name, each version once, sorted.

    Raises:
        UsageError: a file that is no lock, packages that no registry has, or names that npm cannot resolve.
        FormatError: a broken lock, a bad name, or one version with two contents.
    """
    locks = {lockfile: _read(os.path.join(wanted.folder, lockfile), lockfile) for lockfile in wanted.lockfiles}
    if wanted.packages:
        locks["packages"] = _resolve(wanted)
    found = settle(locks)
    if not found:
        raise UsageError("request: expected a lock file with packages, or packages by name, got none")
    return found


def folders_of(wanted: NpmSource) -> list[str]:
    """The folders whose npm configuration counts."""
    folders = [os.path.dirname(os.path.join(wanted.folder, lockfile)) for lockfile in wanted.lockfiles]
    return [*folders, wanted.folder] if wanted.packages or not folders else folders


def _read(path: str, name: str) -> Lock:
    read = _READERS.get(os.path.splitext(path)[1])
    if read is None:
        raise UsageError(
            f"request: expected package-lock.json, npm-shrinkwrap.json, pnpm-lock.yaml or yarn.lock, got {name!a:.120}"
        )
    return read(read_text(path, limit=MAX_LOCK), where=name)


def _resolve(wanted: NpmSource) -> Lock:
    with tempfile.TemporaryDirectory(prefix="airgap-npm-") as into:
        path = resolve_packages(wanted.packages, wanted.folder, into)
        return package_lock.read(read_text(path, limit=MAX_LOCK), where="packages")
