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

from airgap.core.errors import FormatError
from airgap.core.foreign import load_object
from airgap.core.names import check_path
from airgap.core.npm_name import VERSION, is_name, is_version, tarball_path
from airgap.core.reasons import Reason

BASE: Final = "http://airgap.invalid/npm/"
"""What the address of every tarball begins with in the files; whoever serves them puts the real address in its place."""
_MEMBERS: Final = ("dist-tags", "name", "time", "versions")
_RELEASE: Final = frozenset(
    {
        "name", "version", "dependencies", "optionalDependencies", "peerDependencies", "peerDependenciesMeta",
        "bundleDependencies", "bin", "engines", "os", "cpu", "libc", "hasInstallScript", "deprecated", "directories",
        "dist",
    }
)  # fmt: skip
_DIST: Final = frozenset({"integrity", "shasum", "signatures", "attestations", "fileCount", "unpackedSize"})
_LATEST: Final = "latest"


def parse_packument(raw: bytes) -> Mapping[str, Any]:
    """Read a trimmed packument: its own members, and of each version those that clients install by.

    Values that clients only compare or show are left as their author wrote them; old packages have odd ones.

    Args:
        raw: untrusted bytes; the caller bounds their size.

    Raises:
        FormatError: anything else.
    """
    said = load_object(raw, what="packument")
    if sorted(said) != list(_MEMBERS):
        raise FormatError(f"packument: expected the members {', '.join(_MEMBERS)}, got {', '.join(sorted(said))!a:.120}")
    name, versions = said["name"], said["versions"]
    if not isinstance(name, str) or not is_name(name):
        raise FormatError(f"packument: expected the name of an npm package, got {name!a:.120}", reason=Reason.BAD_NAME)
    if not isinstance(versions, dict):
        raise FormatError(f"packument of {name}: expected versions as an object, got another value")
    for version, release in versions.items():
        _check_release(name, version, release)
    for member in ("dist-tags", "time"):
        if not isinstance(said[member], dict) or not all(isinstance(text, str) for text in said[member].values()):
            raise FormatError(f"packument of {name}: expected {member} as an object of text, got another value")
    return said


def render(
    name: str, documents: Iterable[Mapping[str, Any]], *, shown: Set[str], gone: Set[str] = frozenset()
) -> Iterator[tuple[str, bytes]]:
    """The packument of a package: path inside a generation, and content; nothing when no version is known.

    A tarball that no document speaks of is not listed: what it depends on is unknown.

    Args:
        name: of the package; a document that speaks of another does not count.
        documents: from ``parse_packument``, oldest first; a later one wins for each version, tag and time.
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


def _check_release(name: str, version: str, release: Any) -> None:
    """Prove that a version is one, and that what is said about it is said about it alone."""
    if not is_version(version):
        raise FormatError(f"packument of {name}: expected a version, got {version!a:.80}", reason=Reason.BAD_NAME)
    check_path(tarball(name, version))
    where = f"packument of {name}, version {version}"
    if not isinstance(release, dict) or not isinstance(release.get("dist"), dict):
        raise FormatError(f"{where}: expected an object with an object dist, got another value")
    if (release.get("name"), release.get("version")) != (name, version):
        raise FormatError(f"{where}: expected the same name and version inside, got others")
    for found, known in ((release.keys(), _RELEASE), (release["dist"].keys(), _DIST)):
        if unknown := sorted(found - known):
            raise FormatError(f"{where}: expected only members that clients install by, got {unknown[0]!a:.80}")
