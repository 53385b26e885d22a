"""Names and versions of npm packages, and the file name and package URL that follow from them.

Source: npm documentation, package.json, "name"; validate-npm-package-name, with its rules for old packages; Semantic
Versioning 2.0.0, clauses 2, 9 and 10.
"""

import re
from typing import Final
from urllib.parse import quote

MAX_NAME: Final = 214
MAX_VERSION: Final = 256
# what encodeURIComponent leaves alone, without "!'()*", which no file system agrees on
_NAME: Final = re.compile(r"(?:@[A-Za-z0-9_-][A-Za-z0-9._~-]*/)?[A-Za-z0-9][A-Za-z0-9._~-]*")
VERSION: Final = re.compile(
    r"([0-9]{1,16})\.([0-9]{1,16})\.([0-9]{1,16})(?:-([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?(?:\+[0-9A-Za-z.-]+)?"
)
"""Major, minor, patch and prerelease."""


def is_name(text: str) -> bool:
    """Whether a text is the name of a package, ``left-pad`` or ``@scope/name``."""
    return len(text) <= MAX_NAME and _NAME.fullmatch(text) is not None


def is_version(text: str) -> bool:
    """Whether a text is a version that npm publishes."""
    return len(text) <= MAX_VERSION and VERSION.fullmatch(text) is not None


def tarball_path(name: str, version: str) -> str:
    """Where registries keep a tarball, by convention: ``@scope/name/-/name-1.0.0.tgz``."""
    return f"{name}/-/{name.rpartition('/')[2]}-{version}.tgz"


def purl_of(name: str, version: str) -> str:
    """The canonical package URL of an npm package, ``pkg:npm/%40scope/name@version``."""
    return f"pkg:npm/{quote(name, safe='/:')}@{quote(version, safe=':')}"
