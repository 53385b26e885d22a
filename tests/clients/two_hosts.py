"""A connected and an isolated host: the real program, the second time where there is no network interface."""

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

NO_NETWORK = ("unshare", "--net")


def airgap(*arguments: object, inside: Sequence[str] = (), expected: int = 0) -> Any:
    """Run the program; returns its JSON document when it ends with the expected exit code."""
    command = [*inside, sys.executable, "-m", "airgap", *map(str, arguments), "--json"]
    done = subprocess.run(command, capture_output=True, check=False)
    assert done.returncode == expected, (command, done.stdout[-2000:], done.stderr[-2000:])
    return json.loads(done.stdout)


@dataclass(frozen=True)
class Hosts:
    """Both hosts in one folder."""

    root: Path

    @property
    def key(self) -> Path:
        """Of the exporter."""
        return self.root / "alice.key.pem"

    @property
    def store(self) -> Path:
        """Of the isolated host."""
        return self.root / "store"

    @property
    def shown(self) -> Path:
        """The view of plain files."""
        return self.store / "current" / "files"

    def meet(self) -> None:
        """Make a key, a trust document, and a store that believes it."""
        airgap("keygen", "alice", "-o", self.root, "--no-passphrase", "--algorithm", "ed25519")
        trust = self.root / "trust.json"
        airgap("trust", "init", "-o", trust, "--signer", self.root / "alice.pub.pem", "--key", self.key)
        airgap("init", self.store, "--trust", trust, "--site", "plant-7")

    def carry(self, folder: Path, name: str = "x.airgap") -> Path:
        """Export a folder, and import the bundle without a network."""
        bundle = self.root / name
        airgap("export", folder, "-o", bundle, "--key", self.key)
        said = airgap("import", bundle, "--store", self.store, inside=NO_NETWORK)
        assert said["result"] == "accepted"
        return bundle
