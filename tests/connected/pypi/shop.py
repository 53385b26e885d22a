"""A package index on this machine, with distributions that the tests make up."""

import hashlib
import io
import json
import os
import tarfile
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from airgap.connected.collect.pypi import ResolvedPypi, resolve_pypi
from airgap.connected.collected import Carried, Collected
from airgap.connected.request import PypiSource
from airgap.connected.web.fetcher import Fetcher
from airgap.core.entries import Loss
from tests.connected.web.server import Canned, Request, Site, body, serving

JSON = "application/vnd.pypi.simple.v1+json"


class Made(NamedTuple):
    """A distribution."""

    name: str
    content: bytes
    project: str
    requires_python: str | None = None

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.content).hexdigest()

    def pin(self) -> str:
        """As a line of a requirements file with its hash."""
        version = self.name.split("-")[1].removesuffix(".tar.gz").removesuffix(".zip")
        return f"{self.project}=={version} --hash=sha256:{self.sha256}"


def wheel(
    project: str,
    version: str = "1.0",
    *,
    tags: str = "py3-none-any",
    requires: Iterable[str] = (),
    requires_python: str | None = None,
    inside: str | None = None,
    entries: Mapping[str, bytes] | None = None,
) -> Made:
    """A wheel with the least that makes one. ``inside`` is the text of another METADATA, ``entries`` further files."""
    python = f"Requires-Python: {requires_python}\n" if requires_python else ""
    lines = "".join(f"Requires-Dist: {one}\n" for one in requires)
    metadata = inside or f"Metadata-Version: 2.1\nName: {project}\nVersion: {version}\n{python}{lines}"
    stem = f"{project.replace('-', '_')}-{version}"
    found = {
        f"{project.replace('-', '_')}.py": b"",
        f"{stem}.dist-info/METADATA": metadata.encode(),
        f"{stem}.dist-info/WHEEL": f"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: {tags}\n".encode(),
        f"{stem}.dist-info/RECORD": b"",
        **(entries or {}),
    }
    return Made(f"{stem}-{tags}.whl", zipped(found), project, requires_python)


def zipped(files: Mapping[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name), content)
    return out.getvalue()


def sdist(project: str, version: str = "1.0", *, pyproject: str | None = None, suffix: str = ".tar.gz") -> Made:
    """A source distribution whose dependencies are known without building it."""
    stem = f"{project.replace('-', '_')}-{version}"
    files = {f"{stem}/PKG-INFO": f"Metadata-Version: 2.2\nName: {project}\nVersion: {version}\n".encode()}
    if pyproject is not None:
        files[f"{stem}/pyproject.toml"] = pyproject.encode()
    return Made(f"{stem}{suffix}", zipped(files) if suffix == ".zip" else tarred(files), project)


def tarred(files: Mapping[str, bytes]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return out.getvalue()


@dataclass
class Index:
    """What an index serves below one path.

    Attributes:
        speaks_json: whether it answers in JSON to those who ask for it.
        api: version of its JSON.
        said: by file name, what its entry says beside or instead of the truth.
        is_silent: whether it tells no digests.
    """

    made: list[Made]
    root: str = "/simple"
    speaks_json: bool = True
    api: str = "1.1"
    said: dict[str, dict[str, Any]] = field(default_factory=dict)
    is_silent: bool = False

    def fill(self, site: Site) -> None:
        """Put everything into a site."""
        for project in {made.project for made in self.made}:
            site.answers[f"{self.root}/{project}/"] = self._answer(project)
        for made in self.made:
            site.answers[f"{self._files}/{made.name}"] = body(made.content)

    @property
    def _files(self) -> str:
        return self.root.removesuffix("/simple") + "/files"

    def _answer(self, project: str) -> Any:
        def answer(request: Request) -> Canned:
            entries = [self.entry(made) for made in self.made if made.project == project]
            if self.speaks_json and "json" in request.seen.headers.get("accept", ""):
                return body(page_in_json(project, entries, self.api), JSON)
            return body(page_in_html(entries), "text/html; charset=utf-8")

        return answer

    def entry(self, made: Made) -> dict[str, Any]:
        hashes = {} if self.is_silent else {"sha256": made.sha256}
        found = {
            "filename": made.name,
            "url": f"../..{self._files}/{made.name}" if self.root == "/simple" else f"../../files/{made.name}",
            "hashes": hashes,
            "size": len(made.content),
            "upload-time": "2026-01-02T03:04:05.678Z",
            **({"requires-python": made.requires_python} if made.requires_python else {}),
        }
        return {**found, **self.said.get(made.name, {})}


def page_in_json(project: str, entries: list[dict[str, Any]], api: str = "1.1") -> bytes:
    return json.dumps({"meta": {"api-version": api}, "name": project, "files": entries}).encode()


def page_in_html(entries: list[dict[str, Any]]) -> bytes:
    return ("<!DOCTYPE html><html><body>\n" + "\n".join(map(_anchor, entries)) + "\n</body></html>").encode()


def _anchor(entry: Mapping[str, Any]) -> str:
    fragment = "".join(f"#{name}={digits}" for name, digits in entry["hashes"].items())
    said = f' data-requires-python="{escape(entry["requires-python"])}"' if "requires-python" in entry else ""
    if entry.get("yanked"):
        said += f' data-yanked="{escape(entry["yanked"])}"' if isinstance(entry["yanked"], str) else " data-yanked"
    if entry.get("provenance"):
        said += f' data-provenance="{escape(entry["provenance"])}"'
    return f'<a href="{escape(entry["url"])}{fragment}"{said}>{escape(entry["filename"])}</a><br>'


@contextmanager
def selling(*indexes: Index) -> Iterator[Site]:
    """Serve indexes."""
    with serving() as site:
        for index in indexes:
            index.fill(site)
        yield site


@dataclass
class Host:
    """A connected host: a folder for the request, a cache, and the configuration of pip in the environment."""

    folder: Path
    monkeypatch: pytest.MonkeyPatch

    def __post_init__(self) -> None:
        for name in os.environ:
            if name.startswith(("PIP_", "UV_")) or name.lower().endswith("_proxy"):
                self.monkeypatch.delenv(name)
        self.set(PIP_CONFIG_FILE=os.devnull, UV_CACHE_DIR=str(self.folder / "uv"), HOME=str(self.folder))

    def set(self, **variables: str) -> None:
        for name, value in variables.items():
            self.monkeypatch.setenv(name, value)

    def write(self, name: str, text: str) -> str:
        (self.folder / name).write_text(text)
        return name

    def resolve(self, **asked: Any) -> ResolvedPypi:
        source = PypiSource(folder=str(self.folder), **asked)
        return resolve_pypi(source, lambda access: Fetcher(str(self.folder / "cache"), access))


class Got(NamedTuple):
    """What a collector handed over."""

    artifacts: dict[str, Collected]
    documents: dict[str, Carried]
    losses: list[Loss]


def collect(resolved: ResolvedPypi) -> Got:
    found = list(resolved.collect())
    return Got(
        {one.source.path.removeprefix("artifacts/pypi/"): one for one in found if isinstance(one, Collected)},
        {one.source.path: one for one in found if isinstance(one, Carried)},
        [one for one in found if isinstance(one, Loss)],
    )


def names(resolved: ResolvedPypi) -> list[str]:
    return [planned.path.removeprefix("artifacts/pypi/") for planned in resolved.planned()]
