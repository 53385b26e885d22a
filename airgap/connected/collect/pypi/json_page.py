"""An index page in JSON. Source: PEP 691; PEP 700 size and upload time; PEP 740 provenance."""

from typing import Any, Final

from airgap.connected.collect.pypi.link import (
    Link,
    check_count,
    check_version,
    counted_hashes,
    instant,
    name_in,
    plain,
)
from airgap.core.errors import FormatError
from airgap.core.foreign import load_object

ACCEPT: Final = "application/vnd.pypi.simple.v1+json"
_ATTESTING: Final = (1, 3)


def read_json(content: bytes, *, page: str, index: str) -> tuple[Link, ...]:
    """All files.

    Args:
        content: written by anybody.
        page: the URL that it came from in the end.
        index: the configured one, for messages and the custody.

    Raises:
        FormatError: no answer of an index, of another version, or with more files than any project has.
    """
    value = load_object(content, what=index)
    meta, files = value.get("meta"), value.get("files")
    if not isinstance(meta, dict) or not isinstance(files, list):
        raise FormatError(f"{index}: expected a project with its files, got other JSON")
    version = check_version(meta.get("api-version"), where=index)
    check_count(len(files), where=index)
    return tuple(_link(said, page, index, version) for said in files)


def _link(said: Any, page: str, index: str, version: tuple[int, int]) -> Link:
    if not isinstance(said, dict) or not isinstance(said.get("url"), str) or not isinstance(said.get("hashes"), dict):
        raise FormatError(f"{index}: expected files with url and hashes, got another entry")
    size, provenance = said.get("size"), said.get("provenance")
    return Link(
        # the name in the URL counts, as for a page in HTML: two names of one file would be one too many
        file_name=name_in(said["url"]),
        url=said["url"],
        page=page,
        listed_in=index,
        hashes=counted_hashes(said["hashes"].items()),
        requires_python=plain(said.get("requires-python")),
        size=size if type(size) is int and size >= 0 else None,
        uploaded=instant(said.get("upload-time")),
        yanked=_yanked(said.get("yanked")),
        provenance=provenance if isinstance(provenance, str) and provenance else None,
        can_attest=version >= _ATTESTING and "provenance" in said,
    )


def _yanked(said: object) -> str | None:
    """Source: PEP 691, "yanked": a boolean, or text that says why."""
    if isinstance(said, str):
        return plain(said) if said else None
    return "" if said is True else None
