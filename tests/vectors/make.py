"""Made the frozen bundles of format 1, once: python -m tests.vectors.make FOLDER. Nothing calls it; it replaces nothing.

A later version of the program must give the same verdict on the same bytes, so a new format gets a folder of its own.
"""

import json
import os
import sys
from datetime import UTC, datetime, timedelta
from hashlib import sha256, sha512

from airgap.bundle.argument import examine
from airgap.bundle.rules import Asker
from airgap.cli.reports import verdict_value
from airgap.connected import seal
from airgap.connected.export import Options, export
from airgap.connected.gather import gather
from airgap.connected.request import read_request
from airgap.core.envelope import TRUST_TYPE, Envelope
from airgap.core.keys import Algorithm, generate
from airgap.core.policy import PRESETS, Policy
from airgap.core.statement import Container
from airgap.core.trust import Channel, Role, Signer, Trust, open_trust
from airgap.evidence.prove import Prover

AT = datetime(2026, 11, 23, 8, tzinfo=UTC)
CONTENT = {
    "docs/readme.txt": b"carried across\n" * 40,
    "docs/readme.txt.sig": b"no signature that this version verifies\n",
    "empty": b"",
    "noise.bin": b"".join(sha256(bytes([n])).digest() for n in range(100)),
    "\u00fcmlaut.txt": "gr\u00fc\u00dfe\n".encode(),
}


def make(folder: str) -> None:
    """Write trust document, public key, both containers and their verdicts into a new folder."""
    os.mkdir(folder)
    source = os.path.join(folder, "source")
    for path, content in CONTENT.items():
        _write(os.path.join(source, path), content)
    key = generate(Algorithm.ED25519, sha512(b"vectors of format 1").digest())
    role = Role(frozenset({"alice"}), 1)
    end = AT + timedelta(days=36500)
    trust = Trust(
        version=1,
        issued=AT,
        expires=end,
        signers={"alice": Signer("alice", (key.public,), AT, end)},
        trust_role=role,
        channels={"main": Channel(role, ("pkg:*",), frozenset())},
        anchors=(),
        revoked_keys={},
        revoked_digests={},
        revoked_artifacts=(),
    )
    raw = Envelope(TRUST_TYPE, trust.encode(), ()).with_signatures([key]).encode() + b"\n"
    _write(os.path.join(folder, "trust.json"), raw)
    _write(os.path.join(folder, "alice.pub.pem"), key.public.pem)
    seal.SIGNATURE_ROOM = 512  # type: ignore[misc]  # 24 KiB of blanks would teach a reader nothing
    for container in Container:
        options = Options(keys=[key], created=AT, version="0.1.0", container=container)
        request = read_request(source)
        out = os.path.join(folder, f"{container}.airgap")
        export(request, gather(request), out, options, progress=lambda _: None)
        asker = Asker(
            trust=open_trust(raw), policy=Policy.parse(PRESETS["standard"]), at=AT + timedelta(days=1), evidence=Prover
        )
        examined = examine([out], asker)
        value = verdict_value(examined.verdict, examined, seconds=0, sandbox=())
        _write(os.path.join(folder, f"{container}.json"), json.dumps(value, indent=1).encode() + b"\n")


def _write(path: str, content: bytes) -> None:
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "xb") as file:
        file.write(content)


if __name__ == "__main__":
    make(sys.argv[1])
