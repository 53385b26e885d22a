"""Packuments: what an npm registry says about all versions of a package, made from the trimmed ones that bundles bring.

Source: npm documentation, "package metadata" (the abbreviated form, and ``time``, which clients read that do not take
versions younger than some age). Versions that were in a lock file but did not travel are listed too: pnpm 12 asks about
every entry of its lock, whatever platform it is for. A packument is named ``index.html`` because that is what plain file
servers hand out for a folder; no client looks at the content type.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Set
from typing import Any, Final
from urllib.parse import quote

from airgap.core.npm_name import VERSION, tarball_path

BASE: Final = "http://airgap.invalid/npm/"
"""What the address of every tarball begins with in the files; whoever serves them puts the real address in its place."""
_LATEST: Final = "latest"


def render(
    name: str, documents: Iterable[Mapping[str, Any]], *, shown: Set[str], gone: Set[str] = frozenset()
) -> Iterator[tuple[str, bytes]]:
    """The packument of a package: path inside a generation, and content; nothing when no version is known.

    A tarball that no document speaks of is not listed: what it depends on is unknown.

    Args:
        name: of the package; a document that speaks of another does not count.
        documents: from ``airgap.core.packument``, oldest first; a later one wins for each version, tag and time.
        shown: paths of the tarballs that stand in the generation.
        gone: paths of those that nobody should install any more; their versions are not listed.
    """
    merged: dict[str, dict[str, Any]] = {"versions": {}, "dist-tags": {}, "time": {}}
    for said in documents:
        if said["name"] == name:
            for member, known in merged.items():
                known.update(said[member])
    versions = {
        version: _placed(name, version, release)
        for version, release in merged["versions"].items()
        if tarball(name, version) not in gone
    }
    if not versions:
        return
    carried = {version for version in versions if tarball(name, version) in shown}
    value = {
        "_id": name,
        "name": name,
        "dist-tags": _tags(merged["dist-tags"], versions.keys(), carried),
        "versions": versions,
        "time": {version: time for version, time in merged["time"].items() if version in versions},
    }
    yield f"npm/{name}/index.html", json.dumps(value, sort_keys=True, separators=(",", ":")).encode() + b"\n"


def tarball(name: str, version: str) -> str:
    """Where a tarball stands in a generation: ``npm/@scope/name/-/name-1.0.0.tgz``."""
    return f"npm/{tarball_path(name, version)}"


def precedence(version: str) -> tuple[Any, ...]:
    """A key that puts versions in the order of Semantic Versioning 2.0.0, clause 11, but all releases after prereleases."""
    found = VERSION.fullmatch(version)
    assert found is not None
    numbers = tuple(int(digits) for digits in found.groups()[:3])
    identifiers = (found[4] or "").split(".")
    prerelease = tuple((0, int(one), "") if one.isdecimal() else (1, 0, one) for one in identifiers)
    return (found[4] is None, numbers, prerelease, version)


def _tags(tags: Mapping[str, str], known: Set[str], carried: Set[str]) -> Mapping[str, str]:
    """The tags of known versions. ``latest`` has to name a version that can be installed, if there is one.

    The order of versions decides, not that of their times: mirrors are known to make times up.
    """
    kept = {tag: version for tag, version in tags.items() if version in known}
    if kept.get(_LATEST) not in carried:
        kept[_LATEST] = max(carried or known, key=precedence)
    return kept


def _placed(name: str, version: str, release: Mapping[str, Any]) -> Mapping[str, Any]:
    address = BASE + quote(tarball_path(name, version), safe="/@~")
    return {**release, "dist": {**release["dist"], "tarball": address}}
