"""Packages as collectors hand them over, made here: nobody installs them, they only have to be shown right."""

import hashlib
import json
import os
from collections.abc import Mapping
from typing import Any

from airgap.connected.collected import Carried, Collected, FileSource
from airgap.core.entries import Role
from airgap.evidence.npm import purl_of


def source(root: str, path: str, content: bytes) -> FileSource:
    """A file on the exporter's disk."""
    file = os.path.join(root, "cache", hashlib.sha256(content).hexdigest())
    os.makedirs(os.path.dirname(file), exist_ok=True)
    with open(file, "wb") as stream:
        stream.write(content)
    status = os.stat(file)
    return FileSource(path, file, status.st_size, status.st_mtime_ns)


def wheel(root: str, name: str, content: bytes, **metadata: Any) -> Collected:
    """A Python file; ``name`` as in ``six-1.0-py3-none-any.whl``."""
    project, version = name.split("-")[:2]
    found = source(root, f"artifacts/pypi/{name}", content)
    return Collected(found, f"pkg:pypi/{project.lower()}@{version}", metadata=metadata)


def core_metadata(root: str, name: str, content: bytes) -> Carried:
    """The core metadata of a Python file."""
    return Carried(source(root, f"documents/pypi/{name}.metadata", content), Role.INDEX, "text/plain")


def tarball(root: str, name: str, version: str, content: bytes) -> Collected:
    """An npm package."""
    base = name.rpartition("/")[2]
    return Collected(source(root, f"artifacts/npm/{name}/-/{base}-{version}.tgz", content), purl_of(name, version))


def packument(root: str, name: str, versions: Mapping[str, Mapping[str, Any]], **tags: str) -> Carried:
    """What a registry says about a package; every version has its members of ``package.json`` and ``dist``."""
    said = {
        "name": name,
        "dist-tags": tags,
        "versions": {v: {"name": name, "version": v, "dist": {}, **more} for v, more in versions.items()},
        "time": {v: f"2026-01-0{n}T00:00:00.000Z" for n, v in enumerate(versions, 1)},
    }
    return document(root, name, json.dumps(said, sort_keys=True).encode())


def document(root: str, name: str, content: bytes) -> Carried:
    """The document of a packument, whatever its bytes are."""
    digits = hashlib.sha256(content).hexdigest()[:16]
    return Carried(source(root, f"documents/index/npm/{name}/{digits}.json", content), Role.INDEX, "application/json")
