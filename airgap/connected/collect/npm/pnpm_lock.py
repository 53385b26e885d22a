"""``pnpm-lock.yaml``, lockfileVersion 6 and 9.

Source: pnpm, "lockfile-types" and "dependency-path". Keys of ``packages`` are ``/name@version(peers)`` in version 6 and
``name@version`` in version 9. The newest pnpm puts a document of its own tools in front of the project's.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from airgap.connected.collect.npm import integrity
from airgap.connected.collect.npm.locked import Lock, Locked, read_limits, web_url
from airgap.connected.collect.npm.strict_yaml import load_all
from airgap.core.errors import FormatError, UsageError

_VERSIONS: Final = ("6.", "9.")


def read(text: str, *, where: str) -> Lock:
    """What a lock of pnpm holds. Folders are the project's own and left out.

    Raises:
        UsageError: a lock of another version.
        FormatError: no lock.
    """
    lock = Lock([], [])
    documents = load_all(text, where=where)
    if not documents:
        raise FormatError(f"{where}: expected a lock file, got an empty one")
    for said in documents:
        _check_version(said, where)
        optional = set(_optional(said, where))
        for key, entry in _entries(said, "packages", where).items():
            _add(lock, key, entry, is_optional=key in optional, where=where)
    return lock


def _check_version(said: Any, where: str) -> None:
    version = said.get("lockfileVersion") if isinstance(said, dict) else None
    if not isinstance(version, str) or not version.startswith(_VERSIONS):
        raise UsageError(
            f"{where}: expected lockfileVersion 6 or 9, got {version!a:.20}",
            hint="pnpm install --lockfile-only with pnpm 8 or later",
        )


def _entries(said: Mapping[str, Any], member: str, where: str) -> Mapping[str, Mapping[str, Any]]:
    """The members of an object of objects; an empty one may be missing."""
    entries = said.get(member, {})
    if not isinstance(entries, dict) or not all(isinstance(entry, dict) for entry in entries.values()):
        raise FormatError(f"{where}: expected objects in {member}, got another value")
    return entries


def _optional(said: Mapping[str, Any], where: str) -> Iterator[str]:
    """Keys of the packages that may be missing; version 9 says so for each set of peers."""
    needed: set[str] = set()
    optional: set[str] = set()
    for key, entry in _entries(said, "snapshots", where).items():
        (optional if entry.get("optional") == "true" else needed).add(_bare(key))
    yield from optional - needed


def _add(lock: Lock, key: str, entry: Mapping[str, Any], *, is_optional: bool, where: str) -> None:
    resolution = entry.get("resolution")
    name, version = _release(key)
    digests = resolution.get("integrity", "") if isinstance(resolution, dict) else None
    if not isinstance(resolution, dict) or not isinstance(digests, str):
        raise FormatError(f"{where}: expected a resolution for {key!a:.120}, got another value")
    if resolution.get("type") == "directory":
        return
    if not name or ":" in version or "type" in resolution:
        lock.others.append(key)
        return
    lock.packages.append(
        Locked(
            name=name,
            version=version,
            digests=integrity.parse(digests, what=f"{where}: {name!a:.80}"),
            url=web_url(resolution.get("tarball")),
            limits=read_limits(entry),
            is_optional=is_optional or entry.get("optional") == "true",
        )
    )


def _bare(key: str) -> str:
    """A key without its peers and patches."""
    return key.partition("(")[0]


def _release(key: str) -> tuple[str, str]:
    """Name and version in a key; no name where the key is a path or a URL."""
    name, _, version = _bare(key).removeprefix("/").rpartition("@")
    return (name, version) if "@" not in name[1:] else ("", "")
