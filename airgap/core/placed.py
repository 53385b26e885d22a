"""Do the paths of packages say what their package URLs say?

Trust, scopes and policies speak of package URLs, and clients find packages by their paths. If the two could differ, a
channel would bring, under the URL of a package that it may bring, a file of one that it may not.

Source: docs/format.md, "Packages".
"""

import re
from collections.abc import Iterator, Set
from typing import Final
from urllib.parse import quote

from airgap.core.distributions import parse_file_name
from airgap.core.entries import Artifact, Document, inside
from airgap.core.errors import FormatError
from airgap.core.npm_name import is_name, is_version, purl_of, tarball_path
from airgap.core.reasons import Reason
from airgap.core.versions import normalise

_PYPI: Final = "artifacts/pypi/"
_NPM: Final = "artifacts/npm/"
# pip takes every archive in a folder of --find-links for a package, and every page there, packed too, for an index
_TAKEN: Final = re.compile(r"\.(?:whl|egg|exe|zip|tar|tgz|tbz2?|txz|tlz|[sx]?html?)(?:\.(?:gz|bz2|xz|z|br|lz|lzma|zst))?")


def check_artifact(artifact: Artifact) -> None:
    """Prove that a Python file or npm tarball is called what its package URL says.

    Raises:
        FormatError: with reason bad-name.
    """
    path = artifact.path
    if path.startswith(_PYPI):
        expected = _python_purl(path.removeprefix(_PYPI))
    elif path.startswith(_NPM):
        expected = _npm_purl(path.removeprefix(_NPM))
    else:
        return
    if expected is None:
        raise FormatError(f"{path}: expected the name of a package's file, got another", reason=Reason.BAD_NAME)
    if artifact.purl != expected:
        raise FormatError(f"{path}: expected {expected:.300}, got {artifact.purl:.300}", reason=Reason.BAD_NAME)


def check_document(document: Document, artifacts: Set[str]) -> None:
    """Prove that a document among packages is no package or index itself, and beside no package of somebody else.

    No package URL speaks for a document, so it may only stand beside an artifact of its own bundle, for which one does.

    Args:
        document: of a bundle.
        artifacts: paths of all artifacts of that bundle, without their first component.

    Raises:
        FormatError: with reason bad-name.
    """
    path = inside(document.path)
    if not path.startswith(("pypi/", "npm/")):
        return
    package = next((stem for stem in _stems(path) if _is_taken(stem)), None)
    if package is not None and package not in artifacts:
        raise FormatError(
            f"{document.path}: expected a document beside a package of its bundle, got one of another name",
            reason=Reason.BAD_NAME,
        )


def _stems(path: str) -> Iterator[str]:
    """The path, and what is left of it without its last suffix, its last two, and so on."""
    while path:
        yield path
        path = path.rpartition(".")[0]


def _is_taken(path: str) -> bool:
    """Whether clients take a file for a package or for a page of links, by its name."""
    parts = path.rpartition("/")[2].lower().split(".")
    return any(_TAKEN.fullmatch("." + ".".join(parts[-count:])) for count in (1, 2) if len(parts) > count)


def _python_purl(name: str) -> str | None:
    """The package URL of a wheel or source distribution, None when its name tells none."""
    try:
        _, project, version, *_ = parse_file_name(name)
    except FormatError:
        return None
    normalised = normalise(version)
    return f"pkg:pypi/{quote(project, safe='')}@{quote(normalised, safe='')}" if normalised else None


def _npm_purl(path: str) -> str | None:
    """The package URL of a tarball, None when its path tells none."""
    name, _, file = path.partition("/-/")
    version = file.removeprefix(f"{name.rpartition('/')[2]}-").removesuffix(".tgz")
    if not is_name(name) or not is_version(version) or path != tarball_path(name, version):
        return None
    return purl_of(name, version)
