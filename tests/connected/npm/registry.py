"""A registry on this machine for tests, and an npm that says it is the configured one."""

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from airgap.connected.collect.npm import Resolved, resolve_npm
from airgap.connected.collected import Carried, Collected
from airgap.connected.request import NpmSource
from airgap.connected.web.fetcher import Fetcher
from airgap.core.entries import Loss
from tests.connected.web.server import Site

JSON = {"Content-Type": "application/json"}


def sri(content: bytes, algorithm: str = "sha512") -> str:
    return f"{algorithm}-{base64.b64encode(hashlib.new(algorithm, content).digest()).decode()}"


def tarball(name: str, version: str) -> bytes:
    """Bytes that stand for a tarball: nothing here looks inside."""
    return f"the tarball of {name} {version}\n".encode() * 20


@dataclass
class Registry:
    """Packages by name and version, as ``publish`` was told; answers are made at each publication."""

    site: Site
    base: str = "/"
    packuments: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"{self.site.url}{self.base}"

    def publish(self, name: str, version: str, *, dist: Mapping[str, Any] = {}, **members: Any) -> bytes:
        """Put a version there; a member of None is left out."""
        content = tarball(name, version)
        path = f"{self.base}{name}/-/{name.rpartition('/')[2]}-{version}.tgz"
        said = {
            "integrity": sri(content),
            "shasum": hashlib.sha1(content).hexdigest(),
            "tarball": f"{self.site.url}{path}",
            **dist,
        }
        whole = {"name": name, "version": version, "description": "left out", **members}
        whole["dist"] = {member: value for member, value in said.items() if value is not None}
        document = self.packuments.setdefault(
            name,
            {"_id": name, "name": name, "dist-tags": {}, "versions": {}, "time": {"created": "2020-01-01T00:00:00.000Z"}},
        )
        document["dist-tags"]["latest"] = version
        document["versions"][version] = {member: value for member, value in whole.items() if value is not None}
        document["time"][version] = "2021-02-03T04:05:06.789Z"
        self.site.answers[path] = (200, {}, content)
        self.say(name)
        return content

    def say(self, name: str) -> None:
        """Answer with the document as it is now; clients may write the escape in either case."""
        answer = (200, JSON, json.dumps(self.packuments[name]).encode())
        for escape in ("%2f", "%2F"):
            self.site.answers[f"{self.base}{name.replace('/', escape)}"] = answer

    def answer(self, path: str, value: Any) -> bytes:
        """Answer something else in JSON."""
        content = value if isinstance(value, bytes) else json.dumps(value).encode()
        for escape in ("%2f", "%2F"):
            self.site.answers[f"{self.base}{path.replace('%2f', escape)}"] = (200, JSON, content)
        return content


def lock_of(*entries: tuple[str, str], **members: Any) -> dict[str, Any]:
    """A lock of npm over packages; ``members`` are those of every entry."""
    packages = {
        f"node_modules/{name}": {"version": version, "integrity": sri(tarball(name, version)), **members}
        for name, version in entries
    }
    return {"name": "demo", "lockfileVersion": 3, "packages": {"": {"name": "demo"}, **packages}}


def install_npm(folder: Path, monkeypatch: pytest.MonkeyPatch, config: Mapping[str, Any], script: str = "") -> Path:
    """An npm that says this configuration; ``script`` handles ``install``."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config))
    program = folder / "npm"
    program.write_text(
        f'#!/bin/sh\ncase "$1" in\nconfig) cat "{folder}/config.json";;\nprefix) pwd -P;;\n'
        f"install) {script or 'exit 1'};;\nesac\n"
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder), prepend=":")
    return folder


@dataclass
class Bench:
    """A project with a lock, its npm and a registry."""

    folder: Path
    registry: Registry

    def resolve(self, lock: Any = None, *, name: str = "package-lock.json", **wanted: Any) -> Resolved:
        if lock is not None:
            text = lock if isinstance(lock, str) else json.dumps(lock)
            (self.folder / name).write_text(text)
            wanted = {"lockfiles": (name,), **wanted}
        source = NpmSource(folder=str(self.folder), **wanted)
        return resolve_npm(
            source, lambda access: Fetcher(str(self.folder / "cache"), access, pause=lambda _: None, fresh=0)
        )

    def collect(self, lock: Any = None, **wanted: Any) -> "Outcome":
        return Outcome(list(self.resolve(lock, **wanted).collect()))


class Outcome:
    """What a collector gave, by name."""

    def __init__(self, items: list[Collected | Carried | Loss]) -> None:
        found = [item for item in items if isinstance(item, Collected)]
        self.artifacts = {item.source.path.removeprefix("artifacts/npm/"): item for item in found}
        self.losses = [item for item in items if isinstance(item, Loss)]
        self.documents = {
            item.source.path.removeprefix("documents/index/npm/").rpartition("/")[0] + ".json": Path(
                item.source.file
            ).read_bytes()
            for item in items
            if isinstance(item, Carried)
        }

    def evidence(self, path: str) -> dict[str, tuple[str, bytes]]:
        """Role and content by path, below ``documents/``."""
        return {
            source.path.removeprefix("documents/"): (role, Path(source.file).read_bytes())
            for source, role, _ in self.artifacts[path].evidence
        }

    def lost(self, what: str) -> dict[str, str]:
        return {loss.purl: loss.detail for loss in self.losses if loss.what == what}
