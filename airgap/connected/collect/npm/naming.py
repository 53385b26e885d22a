"""Names and versions of npm packages, and the places that follow from them.

Source: npm documentation, package.json, "name"; validate-npm-package-name (its rules for old packages); Semantic
Versioning 2.0.0, 2, 9 and 10.
"""

from typing import Final
from urllib.parse import quote

from airgap.core.errors import FormatError
from airgap.core.names import check_path
from airgap.core.npm_name import is_name, is_version, tarball_path
from airgap.core.reasons import Reason

_RESERVED: Final = frozenset({"node_modules", "favicon.ico"})


def check_release(name: str, version: str, *, where: str) -> None:
    """Prove that a name and a version are ones that npm could have published, and that files may be named after them.

    Args:
        name: written by anybody.
        version: written by anybody.
        where: who says so, for the message.

    Raises:
        FormatError: with reason bad-name.
    """
    if not is_name(name) or name.lower() in _RESERVED:
        raise FormatError(f"{where}: expected the name of an npm package, got {name!a:.120}", reason=Reason.BAD_NAME)
    if not is_version(version):
        raise FormatError(f"{where}: expected a version of {name}, got {version!a:.80}", reason=Reason.BAD_NAME)
    check_path(f"artifacts/npm/{tarball_path(name, version)}")
    check_path(packument_path(name, "0" * 16))


def packument_path(name: str, sha256: str) -> str:
    """Where a bundle carries what the registry says about a package.

    Named after the content's digest as well: several sources and channels may bring different ones of one name.
    """
    return f"documents/index/npm/{name}/{sha256[:16]}.json"


def packument_url(registry: str, name: str) -> str:
    """Where a registry answers for a package; the slash of a scope is escaped, as npm does it."""
    return f"{registry}{name.replace('/', '%2f')}"


def tarball_url(registry: str, name: str, version: str) -> str:
    """Where a registry keeps a tarball by convention."""
    return registry + quote(tarball_path(name, version), safe="/@~")


def attestations_url(registry: str, name: str, version: str) -> str:
    """Where a registry keeps the attestations of a version, whatever host its own link names."""
    return f"{registry}-/npm/v1/attestations/{name.replace('/', '%2f')}@{quote(version, safe='')}"


def keys_url(registry: str) -> str:
    """Where a registry keeps the list of its signing keys."""
    return f"{registry}-/npm/v1/keys"
