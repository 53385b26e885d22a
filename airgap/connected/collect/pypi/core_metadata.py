"""The METADATA of a wheel, which an index serves beside it. Source: PEP 658, PEP 714; binary distribution format."""

import zipfile
import zlib
from typing import Final, NamedTuple

from packaging.metadata import parse_email
from packaging.utils import canonicalize_name
from packaging.version import Version

from airgap.connected.collect.pypi.distribution import Distribution
from airgap.core.errors import FormatError

MAX_METADATA: Final = 4 * 1024 * 1024
_FOLDER: Final = ".dist-info"


class CoreMetadata(NamedTuple):
    """The file as it is, and what it says of Pythons."""

    content: bytes
    requires_python: str | None


def read_metadata(wheel: Distribution, file: str) -> CoreMetadata:
    """Take the METADATA out of a wheel.

    Args:
        wheel: what its name says.
        file: its content, written by anybody.

    Raises:
        FormatError: no wheel, or one that says another name or version inside.
    """
    try:
        with zipfile.ZipFile(file) as archive, archive.open(_member(archive, wheel)) as stream:
            content = stream.read(MAX_METADATA + 1)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError, ValueError) as exc:
        raise FormatError(f"{wheel.file_name}: expected a wheel, got no readable archive") from exc
    if len(content) > MAX_METADATA:
        raise FormatError(f"{wheel.file_name}: expected metadata of at most {MAX_METADATA} bytes, got more")
    said, _ = parse_email(content)
    name, version = said.get("name", ""), said.get("version", "")
    if canonicalize_name(name) != wheel.project or _version(version) != wheel.version:
        raise FormatError(
            f"{wheel.file_name}: expected {wheel.project} {wheel.version} inside, got {name!a:.80} {version!a:.80}"
        )
    return CoreMetadata(content, said.get("requires_python"))


def _member(archive: zipfile.ZipFile, wheel: Distribution) -> zipfile.ZipInfo:
    """The one METADATA, in the folder that is named like the wheel."""
    folders = {name.partition("/")[0] for name in archive.namelist()}
    found = [folder for folder in folders if folder.endswith(_FOLDER)]
    if len(found) != 1 or canonicalize_name(found[0].removesuffix(_FOLDER).rpartition("-")[0]) != wheel.project:
        raise FormatError(
            f"{wheel.file_name}: expected one folder of metadata named like the wheel, got {len(found)} others"
        )
    path = f"{found[0]}/METADATA"
    if archive.namelist().count(path) != 1:
        raise FormatError(f"{wheel.file_name}: expected one METADATA, got {archive.namelist().count(path)}")
    member = archive.getinfo(path)
    check_compression(member, wheel.file_name)
    return member


def check_compression(member: zipfile.ZipInfo, file_name: str) -> None:
    """Prove that a member of an archive unpacks in little memory: the dictionary of LZMA may have 4 GiB.

    Raises:
        FormatError: it may not.
    """
    if member.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
        raise FormatError(f"{file_name}: expected members stored or deflated, got compression {member.compress_type}")


def _version(text: str) -> Version | None:
    try:
        return Version(text)
    except ValueError:  # also of numbers that are too long
        return None
