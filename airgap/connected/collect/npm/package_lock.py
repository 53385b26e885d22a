"""``package-lock.json`` and ``npm-shrinkwrap.json``, versions 2 and 3.

Source: npm documentation, package-lock.json. A lock may have no ``resolved`` at all (``omit-lockfile-registry-resolved``);
then everything that is neither a link nor a folder comes from the registry.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from airgap.connected.collect.npm import integrity
from airgap.connected.collect.npm.locked import Lock, Locked, read_limits, web_url
from airgap.core.errors import FormatError, UsageError

MAX_DEPTH: Final = 64
_MODULES: Final = "node_modules/"
_DEPENDENCIES: Final = ("dependencies", "devDependencies", "optionalDependencies", "peerDependencies")
_REMOTE: Final = ("http:", "https:")


def read(text: str, *, where: str) -> Lock:
    """What a lock of npm holds.

    Links and workspaces are the project's own, and bundled packages travel inside the package that bundles them: both are
    left out.

    Raises:
        UsageError: a lock of version 1.
        FormatError: no lock.
    """
    said = _decode(text, where)
    if said.get("lockfileVersion") not in {2, 3} or not isinstance(said.get("packages"), dict):
        raise UsageError(
            f"{where}: expected lockfileVersion 2 or 3, got {said.get('lockfileVersion')!a:.20}",
            hint="npm install --package-lock-only --lockfile-version 3",
        )
    packages = {place: entry for place, entry in said["packages"].items() if isinstance(entry, dict)}
    if len(packages) != len(said["packages"]):
        raise FormatError(f"{where}: expected an object for each package, got another value")
    remote = set(_remote(packages))
    lock = Lock([], [])
    for place, entry in packages.items():
        if _MODULES not in place or entry.get("link") is True or entry.get("inBundle") is True:
            continue
        other = _other(place, entry, is_remote=place in remote)
        if other:
            lock.others.append(other)
        else:
            lock.packages.append(_package(place, entry, where))
    return lock


def _package(place: str, entry: Mapping[str, Any], where: str) -> Locked:
    name, version, digests = entry.get("name", _name_at(place)), entry.get("version"), entry.get("integrity", "")
    if not isinstance(name, str) or not isinstance(version, str) or not isinstance(digests, str):
        raise FormatError(f"{where}: expected name, version and integrity as text for {place!a:.120}, got another value")
    return Locked(
        name=name,
        version=version,
        digests=integrity.parse(digests, what=f"{where}: {name!a:.80}"),
        url=web_url(entry.get("resolved")),
        limits=read_limits(entry),
        is_optional=entry.get("optional") is True or entry.get("devOptional") is True,
    )


def _other(place: str, entry: Mapping[str, Any], *, is_remote: bool) -> str | None:
    """Where a package comes from that no registry has; None for one of a registry."""
    resolved = entry.get("resolved")
    if not isinstance(resolved, str):
        return None
    if is_remote or not resolved.startswith(_REMOTE):
        return f"{_name_at(place)} from {resolved}"
    return None


def _name_at(place: str) -> str:
    """The name in a place such as ``node_modules/a/node_modules/@scope/b``."""
    return place.rpartition(_MODULES)[2]


def _remote(packages: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """Places of the packages that another one wants from a URL: they look as if they came from a registry."""
    for place, entry in packages.items():
        for kind in _DEPENDENCIES:
            wanted = entry.get(kind)
            for name, spec in wanted.items() if isinstance(wanted, dict) else ():
                found = _find(place, name, packages) if isinstance(spec, str) and spec.startswith(_REMOTE) else None
                if found is not None:
                    yield found


def _find(place: str, name: str, packages: Mapping[str, Any]) -> str | None:
    """Where node finds a dependency of the package at a place: in its own ``node_modules`` or in one above."""
    while True:
        inside = f"{place}/{_MODULES}{name}" if place else f"{_MODULES}{name}"
        if inside in packages:
            return inside
        if not place:
            return None
        place = place.rpartition("/")[0] if _MODULES not in place else place.rpartition(_MODULES)[0].rstrip("/")


def _decode(text: str, where: str) -> Mapping[str, Any]:
    """The object in a lock file.

    Raises:
        FormatError: no JSON, a name given twice, or deeper than any lock.
    """
    try:
        value = json.loads(text, object_pairs_hook=_unique)
    except (ValueError, RecursionError) as exc:
        raise FormatError(f"{where}: expected a lock file in JSON, got other text") from exc
    if not isinstance(value, dict) or not _is_flat(value, MAX_DEPTH):
        raise FormatError(f"{where}: expected a JSON object of at most {MAX_DEPTH} levels, got another value")
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("a name given twice")
    return value


def _is_flat(value: Any, room: int) -> bool:
    if isinstance(value, dict):
        value = list(value.values())
    return not isinstance(value, list) or (room > 0 and all(_is_flat(inner, room - 1) for inner in value))
