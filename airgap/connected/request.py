"""What people ask to have exported: a TOML file, or simply a folder.

Source: ``schemas/request.schema.json``; paths are relative to the request file.
"""

import os
import tomllib
from collections.abc import Callable, Mapping, Sequence
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
class PypiSource:
    """Python packages, from the index that pip is configured with.

    Attributes:
        folder: what all paths are relative to.
        requirements: requirements files; one with hashes is a lock, one without is resolved.
        lockfiles: ``pylock.toml``, ``pylock.*.toml`` or ``uv.lock``.
        packages: requirements as text, ``flask>=3``.
        targets: interpreter and platform, ``cp311-manylinux_2_28_x86_64``; none means where the export runs.
        sdists: whether a source distribution may travel where no wheel fits.
        evidence: files, folders or globs that hold evidence, matched by name.
        keys: what anchors name by fingerprint or digest.
        requested_by: a hop of the custody.
    """

    folder: str
    requirements: tuple[str, ...] = ()
    lockfiles: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    sdists: bool = False
    evidence: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    requested_by: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NpmSource:
    """npm packages, from the registry that npm is configured with.

    Attributes:
        folder: what all paths are relative to.
        lockfiles: ``package-lock.json``, ``npm-shrinkwrap.json``, ``pnpm-lock.yaml`` or ``yarn.lock``.
        packages: packages as npm writes them, ``left-pad@^1.3``.
        targets: platforms, ``linux-x64`` or ``linux-x64-musl``; none means all of the lock.
        evidence: files, folders or globs that hold evidence, matched by name.
        keys: what anchors name by fingerprint or digest.
        requested_by: a hop of the custody.
    """

    folder: str
    lockfiles: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    evidence: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    requested_by: Mapping[str, str] | None = None


Source = FilesSource | PypiSource | NpmSource


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What goes into a bundle, for whom and for how long."""

    channel: str
    expires: timedelta
    destination: str | None
    sources: tuple[Source, ...]

    @property
    def is_local(self) -> bool:
        """Whether everything is on this machine already."""
        return all(isinstance(source, FilesSource) for source in self.sources)


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
    except (ValueError, RecursionError) as exc:  # int() and depth raise others than tomllib
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
        if isinstance(source, dict) and source.get("ecosystem", "files") not in _SOURCES:
            raise UsageError(
                f"request: expected ecosystem {', '.join(_SOURCES)}, got {source['ecosystem']!a:.40}",
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
        sources=tuple(_SOURCES[source["ecosystem"]](source, folder) for source in value["source"]),
    )


def _files_source(said: Mapping[str, Any], folder: str) -> FilesSource:
    if "into" in said:
        check_path(said["into"])
    if "purl" in said:
        check_purl(said["purl"])
    return FilesSource(
        folder=folder,
        paths=(said["path"],) if "path" in said else tuple(said["paths"]),
        evidence=_several(said.get("evidence", ())),
        into=said.get("into", ""),
        purl=said.get("purl"),
        requested_by=_hop(said),
        keys=_several(said.get("keys", ())),
        without_evidence=said.get("without_evidence"),
    )


def _pypi_source(said: Mapping[str, Any], folder: str) -> PypiSource:
    return PypiSource(
        folder=folder,
        requirements=_several(said.get("requirements", ())),
        lockfiles=_several(said.get("lockfile", ())),
        packages=_several(said.get("packages", ())),
        targets=_several(said.get("targets", ())),
        sdists=said.get("sdists", False),
        evidence=_several(said.get("evidence", ())),
        keys=_several(said.get("keys", ())),
        requested_by=_hop(said),
    )


def _npm_source(said: Mapping[str, Any], folder: str) -> NpmSource:
    return NpmSource(
        folder=folder,
        lockfiles=_several(said.get("lockfile", ())),
        packages=_several(said.get("packages", ())),
        targets=_several(said.get("targets", ())),
        evidence=_several(said.get("evidence", ())),
        keys=_several(said.get("keys", ())),
        requested_by=_hop(said),
    )


_SOURCES: Final[Mapping[str, Callable[[Mapping[str, Any], str], Source]]] = {
    "files": _files_source,
    "pypi": _pypi_source,
    "npm": _npm_source,
}


def _hop(said: Mapping[str, Any]) -> Mapping[str, str] | None:
    """Who asked for a source, as a hop of the custody."""
    if "requested_by" not in said:
        return None
    kind, _, name = said["requested_by"].partition(":")
    return {"kind": "exporter" if kind == "person" else kind, "name": name}


def _several(said: str | Sequence[str]) -> tuple[str, ...]:
    """One text or a list of them."""
    return (said,) if isinstance(said, str) else tuple(said)
