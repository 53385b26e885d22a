"""The index of Python packages: one page of links for each project, as HTML and as JSON.

Files stand flat above the pages, in the folder ``pypi``, and every link is relative: the same tree works from ``file://``,
behind any server and under any path. For that reason no page names provenance: PEP 740 asks for a full URL with a host, and
a client that holds it to that refuses the page. It stands beside its file, as ``<file name>.provenance``.

Source: simple repository API of packaging.python.org: PEP 503 (pages), 592 (yanked files), 658 and 714 (core metadata), 691
(JSON) and 700 (size, versions, upload time).
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from html import escape
from typing import Any, Final, NamedTuple
from urllib.parse import quote

from airgap.core.distributions import parse_file_name
from airgap.core.errors import FormatError

HTML: Final = "index.html"
JSON: Final = "index.json"
_ROOT: Final = "pypi/simple/"
_VERSION: Final = "1.1"  # of the API: PEP 700
_UP: Final = "../../"
# a project's name becomes a folder, so nothing but a normalised one may pass (PEP 503, "Normalized Names")
_PROJECT: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,198}[a-z0-9])?")
_RELEASE: Final = re.compile(r"[0-9A-Za-z][0-9A-Za-z.!+_]{0,198}")
_TIME: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,6})?Z")
_LONGEST: Final = 500


class File(NamedTuple):
    """A wheel or source distribution that stands in the folder ``pypi``.

    Attributes:
        name: the file's name.
        sha256: of the file.
        size: of the file, in bytes.
        metadata: what the signed manifest repeats of the upstream index: ``requires-python``, ``upload-time`` and
            ``yanked``. A member that is not what its standard says is left out.
        core_metadata: SHA-256 of ``<name>.metadata``; None when no such file stands beside it.
    """

    name: str
    sha256: bytes
    size: int
    metadata: Mapping[str, Any]
    core_metadata: bytes | None


def render(files: Iterable[File]) -> Iterator[tuple[str, bytes]]:
    """All pages of the index: path inside a generation, and content. Equal files give equal bytes, in whatever order.

    A file whose name is no name of a wheel or source distribution is not listed: clients could not tell what it is.
    """
    projects: dict[str, list[tuple[str, File]]] = {}
    for file in sorted(files, key=lambda file: file.name):
        release = release_of(file.name)
        if release is not None:
            project, version = release
            projects.setdefault(project, []).append((version, file))
    names = sorted(projects)
    yield _ROOT + HTML, _page("Python packages", (_link(f"{name}/", name) for name in names))
    yield _ROOT + JSON, _json({"meta": {"api-version": _VERSION}, "projects": [{"name": name} for name in names]})
    for name in names:
        found = projects[name]
        yield f"{_ROOT}{name}/{HTML}", _page(f"Links for {name}", (_file_link(file) for _, file in found))
        yield f"{_ROOT}{name}/{JSON}", _json(_project(name, found))


def release_of(name: str) -> tuple[str, str] | None:
    """Project, normalised, and version, as it is spelled, of a file; None when its name tells neither."""
    try:
        _, project, version, *_ = parse_file_name(name)
    except FormatError:
        return None
    return (project, version) if _PROJECT.fullmatch(project) and _RELEASE.fullmatch(version) else None


def _project(name: str, found: Iterable[tuple[str, File]]) -> Mapping[str, Any]:
    """Source: PEP 691, "Project Detail"; PEP 700, "versions"."""
    return {
        "meta": {"api-version": _VERSION},
        "name": name,
        "versions": sorted({version for version, _ in found}),
        "files": [_file(file) for _, file in found],
    }


def _file(file: File) -> Mapping[str, Any]:
    """Source: PEP 691, "files"; PEP 700, "size" and "upload-time"; PEP 714."""
    value: dict[str, Any] = {
        "filename": file.name,
        "url": _UP + quote(file.name),
        "hashes": {"sha256": file.sha256.hex()},
        "size": file.size,
        **_repeated(file.metadata),
    }
    if file.core_metadata is not None:
        value["core-metadata"] = {"sha256": file.core_metadata.hex()}
    return value


def _file_link(file: File) -> str:
    """Source: PEP 503, 592, 658 and 714."""
    attributes = {}
    repeated = _repeated(file.metadata)
    if "requires-python" in repeated:
        attributes["data-requires-python"] = repeated["requires-python"]
    if "yanked" in repeated:
        attributes["data-yanked"] = "" if repeated["yanked"] is True else repeated["yanked"]
    if file.core_metadata is not None:
        attributes["data-core-metadata"] = f"sha256={file.core_metadata.hex()}"
    return _link(f"{_UP}{quote(file.name)}#sha256={file.sha256.hex()}", file.name, attributes)


def _repeated(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Those members of an artifact's metadata that are what their standards say."""
    value: dict[str, Any] = {}
    if _is_line(python := metadata.get("requires-python")):
        value["requires-python"] = python
    if isinstance(time := metadata.get("upload-time"), str) and _TIME.fullmatch(time):
        value["upload-time"] = time
    if metadata.get("yanked") is True or _is_line(metadata.get("yanked")):
        value["yanked"] = metadata["yanked"]
    return value


def _is_line(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value) <= _LONGEST and value.isprintable()


def _page(title: str, links: Iterable[str]) -> bytes:
    body = "".join(f"    {link}<br>\n" for link in links)
    return (
        "<!DOCTYPE html>\n"
        '<html lang="en">\n'
        "  <head>\n"
        '    <meta charset="utf-8">\n'
        f'    <meta name="pypi:repository-version" content="{_VERSION}">\n'
        f"    <title>{escape(title)}</title>\n"
        "  </head>\n"
        "  <body>\n"
        f"    <h1>{escape(title)}</h1>\n"
        f"{body}"
        "  </body>\n"
        "</html>\n"
    ).encode()


def _link(href: str, text: str, attributes: Mapping[str, str] | None = None) -> str:
    said = {"href": href, **(attributes or {})}
    written = " ".join(f'{name}="{escape(value)}"' for name, value in said.items())
    return f"<a {written}>{escape(text)}</a>"


def _json(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode() + b"\n"
