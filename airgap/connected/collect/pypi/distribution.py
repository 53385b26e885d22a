"""Files of Python projects: what their names say, and the names that they have in a bundle."""

from functools import lru_cache
from typing import NamedTuple, Self
from urllib.parse import quote

from packaging.tags import Tag
from packaging.utils import (
    BuildTag,
    NormalizedName,
    parse_sdist_filename,
    parse_wheel_filename,
)
from packaging.version import InvalidVersion, Version

from airgap.core.distributions import parse_file_name
from airgap.core.errors import FormatError
from airgap.core.names import check_path

_SDIST = (".tar.gz", ".zip")


class Distribution(NamedTuple):
    """A wheel or a source distribution, read from its file name. ``tags`` is empty for a source distribution.

    Source: binary distribution format, "File name convention"; source distribution format, "Source distribution file name".
    """

    file_name: str
    project: NormalizedName
    version: Version
    build: BuildTag = ()
    tags: frozenset[Tag] = frozenset()

    @property
    def is_wheel(self) -> bool:
        """Whether it installs without being built."""
        return bool(self.tags)

    @property
    def purl(self) -> str:
        """The package URL of its release: all files of a release are one package."""
        return f"pkg:pypi/{self.project}@{quote(str(self.version), safe='')}"

    @property
    def path(self) -> str:
        """Where it stands in a bundle."""
        return f"artifacts/pypi/{self.file_name}"

    @classmethod
    def parse(cls, file_name: str) -> Self:
        """Read a file name.

        Raises:
            FormatError: of no wheel or source distribution, or not portable.
        """
        # in this order: names of bounded length have a bounded number of tags
        parse_file_name(file_name)
        check_path(f"artifacts/pypi/{file_name}")
        try:
            if file_name.endswith(".whl"):
                return cls(file_name, *parse_wheel_filename(file_name))
            return cls(file_name, *parse_sdist_filename(file_name))
        except ValueError as exc:  # also of numbers that are too long
            raise FormatError(f"file name: expected a wheel or source distribution, got {file_name!a:.120}") from exc


def is_release(file_name: str, project: NormalizedName, version: Version) -> bool:
    """Whether a file is of one release, by a look that is cheap: a project may have thousands of files.

    Args:
        file_name: written by anybody.
        project: of the release, normalised.
        version: of the release.
    """
    if file_name.endswith(".whl"):
        name, _, rest = file_name.partition("-")
        said = rest.partition("-")[0]
    else:
        suffix = next((suffix for suffix in _SDIST if file_name.endswith(suffix)), None)
        if suffix is None:
            return False
        name, _, said = file_name.removesuffix(suffix).rpartition("-")
    return _fold(name) == project and _version(said) == version


def _fold(name: str) -> str:
    """Source: PEP 503, "Normalized Names"; runs of separators count as one."""
    return "-".join(part for part in name.lower().replace("_", "-").replace(".", "-").split("-") if part)


@lru_cache(maxsize=65536)
def _version(text: str) -> Version | None:
    # the longest versions in use have about 60 characters; what is longer is nobody's
    try:
        return Version(text) if len(text) <= 200 else None
    except InvalidVersion:
        return None
