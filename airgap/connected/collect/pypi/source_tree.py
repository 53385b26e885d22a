"""What a source distribution needs to be built. Source: PEP 517, PEP 518."""

import gzip
import tarfile
import zipfile
import zlib
from typing import Any, Final, cast

from airgap.connected.collect.pypi.core_metadata import check_compression
from airgap.connected.collect.pypi.distribution import Distribution
from airgap.core.errors import FormatError
from airgap.core.foreign import load_toml
from airgap.core.reasons import Reason

MAX_PROJECT: Final = 1024 * 1024
MAX_UNPACKED: Final = 512 * 1024 * 1024
"""Bytes of a source distribution that are unpacked to find its pyproject.toml."""
# what pip takes where a project says nothing; an older setuptools asks for wheel while it builds
_DEFAULT: Final = ("setuptools>=40.8.0", "wheel")


def build_requirements(sdist: Distribution, file: str) -> tuple[str, ...]:
    """The requirements of its build system, as its author wrote them.

    Args:
        sdist: what its name says.
        file: its content, written by anybody. Nothing of it is unpacked to disk.

    Raises:
        FormatError: no source distribution.
    """
    read = _from_zip if sdist.file_name.endswith(".zip") else _from_tar
    try:
        content = read(file)
        value = load_toml(content.decode("utf-8"), what=sdist.file_name) if content is not None else {}
    except (zipfile.BadZipFile, tarfile.TarError, zlib.error, EOFError, OSError, ValueError, RuntimeError) as exc:
        raise FormatError(f"{sdist.file_name}: expected a source distribution, got no readable one") from exc
    return _requires(value, sdist)


def _requires(value: dict[str, Any], sdist: Distribution) -> tuple[str, ...]:
    system = value.get("build-system", {"requires": _DEFAULT})
    requires = system.get("requires") if isinstance(system, dict) else None
    if not isinstance(requires, list | tuple) or not all(isinstance(one, str) and one.isprintable() for one in requires):
        raise FormatError(f"{sdist.file_name}: expected build requirements as a list of texts, got another value")
    return tuple(requires)


def _from_tar(file: str) -> bytes | None:
    with (
        open(file, "rb") as raw,
        gzip.GzipFile(fileobj=raw) as unpacked,
        tarfile.open(fileobj=cast("Any", _Limited(unpacked)), mode="r|") as archive,
    ):
        for member in archive:
            if member.isfile() and _is_project(member.name):
                stream = archive.extractfile(member)
                return _capped(stream.read(MAX_PROJECT + 1)) if stream else None
    return None


def _from_zip(file: str) -> bytes | None:
    with zipfile.ZipFile(file) as archive:
        for member in archive.infolist():
            if _is_project(member.filename):
                check_compression(member, "source")
                with archive.open(member) as stream:
                    return _capped(stream.read(MAX_PROJECT + 1))
    return None


def _is_project(path: str) -> bool:
    """Whether it is the pyproject.toml in the one top folder."""
    return path.removeprefix("./").partition("/")[2] == "pyproject.toml"


def _capped(content: bytes) -> bytes:
    if len(content) > MAX_PROJECT:
        raise FormatError(f"pyproject.toml: expected at most {MAX_PROJECT} bytes, got more", reason=Reason.TOO_LARGE)
    return content


class _Limited:
    """A stream that refuses to unpack more than any source has."""

    def __init__(self, stream: gzip.GzipFile) -> None:
        self._stream = stream
        self._left = MAX_UNPACKED

    def read(self, size: int) -> bytes:
        got = self._stream.read(min(size, self._left + 1))
        self._left -= len(got)
        if self._left < 0:
            raise FormatError(f"source: expected at most {MAX_UNPACKED} bytes unpacked, got more", reason=Reason.TOO_LARGE)
        return got
