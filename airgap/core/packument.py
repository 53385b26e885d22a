"""Trimmed packuments: what a bundle carries of a registry's word on an npm package, read by both sides of the gap."""

from collections.abc import Mapping
from typing import Any, Final

from airgap.core.digest import sha256
from airgap.core.errors import FormatError
from airgap.core.foreign import load_object
from airgap.core.names import check_path
from airgap.core.npm_name import is_name, is_version, tarball_path
from airgap.core.reasons import Reason

PACKUMENTS: Final = "documents/index/npm/"
"""Where they stand in a bundle: ``<name of the package>/<first 16 hex digits of its SHA-256>.json``."""
MAX_PACKUMENT: Final = 64 * 1024 * 1024
"""In bytes."""
_MEMBERS: Final = ("dist-tags", "name", "time", "versions")
_RELEASE: Final = frozenset(
    {
        "name", "version", "dependencies", "optionalDependencies", "peerDependencies", "peerDependenciesMeta",
        "bundleDependencies", "bin", "engines", "os", "cpu", "libc", "hasInstallScript", "deprecated", "directories",
        "dist",
    }
)  # fmt: skip
_DIST: Final = frozenset({"integrity", "shasum", "signatures", "attestations", "fileCount", "unpackedSize"})


def check_packument(path: str, raw: bytes) -> None:
    """Prove that a document of a bundle is a trimmed packument of the package that its path names.

    Args:
        path: in the bundle, below ``PACKUMENTS``.
        raw: untrusted bytes; the caller bounds their size.

    Raises:
        FormatError: it is not.
    """
    name, _, file = path.removeprefix(PACKUMENTS).rpartition("/")
    if file != f"{sha256(raw).hex()[:16]}.json":  # a state remembers by its path that one was recalled
        raise FormatError(f"{path}: expected a name made of its digest, got another")
    if parse_packument(raw)["name"] != name:
        raise FormatError(f"{path}: expected the index of {name!a:.120}, got another")


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


def _check_release(name: str, version: str, release: Any) -> None:
    """Prove that a version is one, and that what is said about it is said about it alone."""
    if not is_version(version):
        raise FormatError(f"packument of {name}: expected a version, got {version!a:.80}", reason=Reason.BAD_NAME)
    check_path(f"npm/{tarball_path(name, version)}")
    where = f"packument of {name}, version {version}"
    if not isinstance(release, dict) or not isinstance(release.get("dist"), dict):
        raise FormatError(f"{where}: expected an object with an object dist, got another value")
    if (release.get("name"), release.get("version")) != (name, version):
        raise FormatError(f"{where}: expected the same name and version inside, got others")
    for found, known in ((release.keys(), _RELEASE), (release["dist"].keys(), _DIST)):
        if unknown := sorted(found - known):
            raise FormatError(f"{where}: expected only members that clients install by, got {unknown[0]!a:.80}")
