"""What people ask to have exported: a TOML file, or simply a folder.

Source: ``schemas/request.schema.json``; paths are relative to the request file.
"""

import os
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from airgap.core.errors import FormatError, UsageError
from airgap.core.names import check_path, check_token
from airgap.core.purl import check_purl
from airgap.core.schema import validate
from airgap.core.times import parse_duration

DEFAULT_CHANNEL: Final = "main"
DEFAULT_EXPIRY: Final = timedelta(days=90)


@dataclass(frozen=True, slots=True, kw_only=True)
class FilesSource:
    """Plain files.

    Attributes:
        folder: what ``paths`` and ``evidence`` are relative to.
        paths: files, folders or globs; a folder means everything in it, by its path inside.
        evidence: files, folders or globs that hold evidence for those files, matched by name.
        into: folder inside the view, "" for its root.
        purl: of the only file, None to name files after their path.
        requested_by: a hop of the custody such as ``agent:dependency-bot``.
        keys: files, folders or globs of what anchors name by fingerprint or digest: certificates, key lists, trusted roots.
        without_evidence: why artifacts without evidence have none: ``unsigned-upstream`` or ``withheld-by-mirror``.
    """

    folder: str
    paths: tuple[str, ...]
    evidence: tuple[str, ...] = ()
    into: str = ""
    purl: str | None = None
    requested_by: Mapping[str, str] | None = None
    keys: tuple[str, ...] = ()
    without_evidence: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What goes into a bundle, for whom and for how long."""

    channel: str
    expires: timedelta
    destination: str | None
    sources: tuple[FilesSource, ...]


def read_request(path: str) -> Request:
    """The request in a file, or the request for everything in a folder.

    Raises:
        UsageError: there is no such file.
        FormatError: it is no request.
    """
    if os.path.isdir(path):
        source = FilesSource(folder=path, paths=(".",))
        return Request(channel=DEFAULT_CHANNEL, expires=DEFAULT_EXPIRY, destination=None, sources=(source,))
    try:
        with open(path, "rb") as file:
            value = tomllib.load(file)
    except FileNotFoundError as exc:
        raise UsageError(f"{path}: expected a request or a folder, got no such file") from exc
    except OSError as exc:
        raise UsageError(f"{path}: expected to read it, got {os.strerror(exc.errno or 0)}") from exc
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as exc:
        raise FormatError(f"{path}: expected a request in TOML, got a fault: {exc!s:.120}") from exc
    return parse_request(value, folder=os.path.dirname(path) or ".")


def parse_request(value: Mapping[str, Any], *, folder: str) -> Request:
    """The request in a decoded TOML document.

    Raises:
        FormatError: malformed.
        UsageError: an ecosystem that this version cannot collect.
    """
    sources = value.get("source")
    for source in sources if isinstance(sources, list) else ():
        if isinstance(source, dict) and source.get("ecosystem", "files") != "files":
            raise UsageError(
                f"request: expected ecosystem files, got {source['ecosystem']!a:.40}",
                hint="download the artifacts with their own client and export the folder",
            )
    validate("request", value, what="request")
    said = value.get("bundle", {})
    channel = said.get("channel", DEFAULT_CHANNEL)
    check_token(channel, what="channel")
    expires = said.get("expires")
    return Request(
        channel=channel,
        expires=parse_duration(expires) if expires else DEFAULT_EXPIRY,
        destination=said.get("destination"),
        sources=tuple(_files_source(source, folder) for source in value["source"]),
    )


def _files_source(said: Mapping[str, Any], folder: str) -> FilesSource:
    if "into" in said:
        check_path(said["into"])
    if "purl" in said:
        check_purl(said["purl"])
    hop = None
    if "requested_by" in said:
        kind, _, name = said["requested_by"].partition(":")
        hop = {"kind": "agent" if kind == "agent" else "exporter" if kind == "person" else kind, "name": name}
    return FilesSource(
        folder=folder,
        paths=(said["path"],) if "path" in said else tuple(said["paths"]),
        evidence=_several(said.get("evidence", ())),
        into=said.get("into", ""),
        purl=said.get("purl"),
        requested_by=hop,
        keys=_several(said.get("keys", ())),
        without_evidence=said.get("without_evidence"),
    )


def _several(said: str | Sequence[str]) -> tuple[str, ...]:
    """One text or a list of them."""
    return (said,) if isinstance(said, str) else tuple(said)
