"""Real Python packages, exported from the configured index and imported where there is no network."""

import hashlib
import os
import subprocess
import sys
import venv
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from tests.clients.namespace import Namespace
from tests.clients.two_hosts import NO_NETWORK, Hosts, airgap

LINUX, WINDOWS = "cp311-manylinux_2_28_x86_64", "cp312-win_amd64"
OLDEST_PIP = "23.0.1"
"""The one of Debian 12."""
UV = Path(sys.executable).parent / "uv"


@dataclass(frozen=True)
class Shop:
    """A store with packages, and the clients that were installed while there was a network."""

    hosts: Hosts
    net: Namespace
    home: Path

    @property
    def root(self) -> Path:
        """The folder of the whole test."""
        return self.hosts.root

    @property
    def simple(self) -> str:
        """The index as files."""
        return (self.hosts.store / "current/pypi/simple").as_uri()

    def packages(self) -> list[str]:
        """File names of everything that is shown."""
        shown = self.hosts.store / "current/pypi"
        return sorted(name for name in os.listdir(shown) if name.endswith(".whl"))


def deliver(hosts: Hosts, request: str, name: str, *options: object) -> Path:
    """Export a request with the real registry, and import it without a network."""
    asked = hosts.root / f"{name}.toml"
    asked.write_text(request)
    bundle = hosts.root / f"{name}.airgap"
    airgap("export", asked, "-o", bundle, "--key", hosts.key, "--cache", hosts.root / "cache", *options)
    said = airgap("import", bundle, "--store", hosts.store, inside=NO_NETWORK)
    assert said["result"] == "accepted"
    return bundle


def make_pip(folder: Path, version: str | None) -> Path:
    """A virtual environment with this pip, or with the newest."""
    venv.create(folder, with_pip=True)
    wanted = f"pip=={version}" if version else "pip"
    pip = folder / "bin/python"
    subprocess.run([pip, "-m", "pip", "install", "-q", "--upgrade", wanted], check=True, capture_output=True)
    return pip


def digests(paths: Iterable[Path]) -> set[str]:
    """SHA-256 of files, in hex."""
    return {hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}
