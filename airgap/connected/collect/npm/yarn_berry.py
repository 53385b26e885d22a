"""``yarn.lock`` of yarn 2 and later.

Source: yarn, "Lockfile" and ``@yarnpkg/core`` ``structUtils``: ``resolution`` is ``name@protocol:reference``. ``checksum``
is of the zip archive that yarn makes of a package, with a compression of yarn's choice, and so says nothing about the
tarball: its integrity comes from the registry.
"""

from collections.abc import Mapping
from typing import Any, Final

from airgap.connected.collect.npm.locked import Lock, Locked
from airgap.connected.collect.npm.strict_yaml import load_all
from airgap.core.errors import FormatError

_OWN: Final = ("workspace:", "link:", "portal:")
_PATCH: Final = "patch:"
"""A patch stands beside the entry of the package that it changes."""


def read(text: str, *, where: str) -> Lock:
    """What a lock of yarn holds; ``conditions`` are left to the registry, which says the same.

    Raises:
        FormatError: no lock.
    """
    documents = load_all(text, where=where)
    if len(documents) != 1 or not isinstance(documents[0], dict):
        raise FormatError(f"{where}: expected one YAML object, got another value")
    lock = Lock([], [])
    for key, entry in documents[0].items():
        if key != "__metadata":
            _add(lock, key, entry, where)
    return lock


def _add(lock: Lock, key: str, entry: Mapping[str, Any], where: str) -> None:
    resolution = entry.get("resolution") if isinstance(entry, dict) else None
    if not isinstance(resolution, str):
        raise FormatError(f"{where}: expected a resolution for {key!a:.120}, got another value")
    name, _, reference = resolution[1:].partition("@")
    name = resolution[:1] + name
    if reference.startswith((*_OWN, _PATCH)):
        return
    # behind "::" stand parameters such as the archive's URL
    version = reference.removeprefix("npm:").partition("::")[0]
    if not reference.startswith("npm:") or "@" in version:
        lock.others.append(resolution)
    else:
        lock.packages.append(Locked(name=name, version=version, digests={}))
