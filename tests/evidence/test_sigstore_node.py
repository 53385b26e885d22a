"""Node's @sigstore/verify as an oracle for what sigstore-python cannot be asked: npm's log entries, keys, no log at all."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from airgap.evidence.bundles.trusted_root import TrustedRoot
from airgap.evidence.pubkey import Key
from airgap.evidence.sigstore import EvidenceError, open_bundle
from tests.evidence.sigstore_forge import NOON, Instance, Json, Signer, b64, instance, spki
from tests.evidence.sigstoring import ARTIFACT, ENVELOPE, MESSAGE, VECTORS, digest, signer
from tests.evidence.test_sigstore_mutations import mutants

pytestmark = pytest.mark.online
KEY = Signer(ec.generate_private_key(ec.SECP256R1()))
HASHED, HASHED2 = ("hashedrekord", "0.0.1"), ("hashedrekord", "0.0.2")
DSSE, DSSE2 = ("dsse", "0.0.1"), ("dsse", "0.0.2")
INTOTO, INTOTO2 = ("intoto", "0.0.1"), ("intoto", "0.0.2")
STRICTER = (
    "'logIndex') gone",  # absent means 0 in this format
    "'keyid')",  # empty means absent
    "'hint')",  # Node looks the key up by it, we have the one that is pinned
    "'messageDigest') gone",  # the format says that it is repeated for display
    "'inclusionPromise'",  # a key that is pinned without an end needs no time
)


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("node")
    command = ["npm", "install", "--no-audit", "--no-fund", "--silent", "--prefix", str(folder), "@sigstore/verify@4.1.3"]
    subprocess.run(command, check=True, capture_output=True)
    shutil.copy(Path(__file__).with_name("sigstore_verify.js"), folder / "ask.js")
    return folder


def ask(node: Path, *bundles: Json, root: bytes | None = None, logs: int = 1, seen: int = 1) -> list[str | None]:
    """What the oracle has against each bundle."""
    shown = {"root": json.loads(root or instance().trusted_root()), "artifact": b64(ARTIFACT), "logs": logs, "seen": seen}
    lines = []
    for bundle in bundles:
        hint = bundle["verificationMaterial"].get("publicKey", {}).get("hint")
        keys = {hint: KEY.pem.decode()} if isinstance(hint, str) and hint.isprintable() else {}
        lines.append(json.dumps(shown | {"bundle": bundle, "keys": keys}))
    command = ["node", str(node / "ask.js")]
    found = subprocess.run(command, check=True, capture_output=True, input="\n".join(lines).encode(), cwd=node)
    return [json.loads(line) for line in found.stdout.decode().splitlines()]


def ours(bundle: Json, *, root: bytes | None = None, is_log_required: bool = True) -> str | None:
    key = Key.parse(spki(KEY.key)) if "publicKey" in bundle["verificationMaterial"] else None
    pinned = TrustedRoot.parse(root or instance().trusted_root())
    try:
        open_bundle(bundle, root=pinned, key=key, digest=digest, is_log_required=is_log_required)
    except EvidenceError as exc:
        return exc.message
    return None


def test_both_read_every_kind_that_the_forge_makes(node: Path) -> None:
    mini = instance()
    bundles = [
        mini.bundle(who, content, kind, is_stamped=kind in {HASHED2, DSSE2})
        for who in (signer(), KEY)
        for content, kind in (
            (MESSAGE, HASHED),
            (MESSAGE, HASHED2),
            (ENVELOPE, HASHED),
            (ENVELOPE, HASHED2),
            (ENVELOPE, DSSE),
            (ENVELOPE, DSSE2),
            (ENVELOPE, INTOTO2),
        )
    ]
    bundles += [
        mini.bundle(signer(), MESSAGE, version=1, has_proof=False),
        mini.bundle(signer(), ENVELOPE, INTOTO2, version=2),
    ]
    assert [ours(bundle) for bundle in bundles] == ask(node, *bundles) == [None] * 16


def test_what_node_does_not_know(node: Path) -> None:
    bundle = instance().bundle(signer(), ENVELOPE, INTOTO)
    assert (ours(bundle), ask(node, bundle)) == (None, ["unsupported intoto version: 0.0.1"])


def test_both_take_a_bundle_without_a_log_only_when_they_are_told_to(node: Path) -> None:
    bare = instance().trusted_root(lambda value: value.update(ctlogs=[]))
    private = instance().bundle(instance().signer(is_logged=False), ENVELOPE, None, is_stamped=True)
    unstamped = instance().bundle(instance().signer(is_logged=False), ENVELOPE, None)

    assert ours(private, root=bare, is_log_required=False) is None
    assert ask(node, private, root=bare, logs=0, seen=0) == [None]
    assert ours(private, root=bare) is not None
    assert ask(node, private, root=bare) != [None]
    assert ours(unstamped, root=bare, is_log_required=False) is not None
    assert ask(node, unstamped, root=bare, logs=0, seen=0) != [None]


def test_both_refuse_the_same_forgeries(node: Path) -> None:
    other, mini = Instance(), instance()
    swapped = mini.bundle(signer(), ENVELOPE, INTOTO2)
    swapped["verificationMaterial"]["tlogEntries"] = mini.bundle(signer(), ENVELOPE, INTOTO2)["verificationMaterial"][
        "tlogEntries"
    ]
    bundles = [
        swapped,
        other.bundle(other.signer(), ENVELOPE, INTOTO2),
        mini.bundle(signer(), ENVELOPE, INTOTO2, at=NOON.replace(hour=13)),
        mini.bundle(signer(), ENVELOPE, INTOTO2, is_promised=False),
        mini.bundle(signer(), ENVELOPE, INTOTO2, signature=KEY.sign(ENVELOPE.signed)),
        mini.bundle(KEY, MESSAGE, signature=signer().sign(MESSAGE.signed)),
        mini.bundle(KEY, MESSAGE, None),
        mini.bundle(signer(), MESSAGE, HASHED2, is_stamped=True, at=NOON.replace(hour=13)),
        mini.bundle(mini.signer(is_logged=False), MESSAGE),
    ]
    assert None not in [ours(bundle) for bundle in bundles]
    assert None not in ask(node, *bundles)


@pytest.mark.parametrize(
    ("who", "content", "kind"),
    [(signer(), ENVELOPE, INTOTO2), (KEY, MESSAGE, HASHED), (signer(), ENVELOPE, DSSE2)],
)
def test_nothing_is_taken_here_that_node_refuses(node: Path, who: Signer, content: Any, kind: Any) -> None:
    bundle = instance().bundle(who, content, kind, is_stamped=kind == DSSE2)
    named = [(name, mutant) for name, mutant in mutants(bundle) if ours_or_none(mutant) is None]
    theirs = ask(node, *(mutant for _, mutant in named))
    refused = {name for (name, _), fault in zip(named, theirs, strict=True) if fault is not None}
    assert {name for name in refused if not any(part in name for part in STRICTER)} == set()


def ours_or_none(bundle: Json) -> str | None:
    try:
        return ours(bundle)
    except (KeyError, TypeError):
        return "no bundle"


def test_both_verify_real_provenance(node: Path) -> None:
    value = json.loads((VECTORS / "pypi_attestations-0.0.19.tar.gz.provenance").read_bytes())
    (one,) = value["attestation_bundles"][0]["attestations"]
    bundle = {
        "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
        "verificationMaterial": {
            "certificate": {"rawBytes": one["verification_material"]["certificate"]},
            "tlogEntries": one["verification_material"]["transparency_entries"],
        },
        "dsseEnvelope": {
            "payload": one["envelope"]["statement"],
            "payloadType": "application/vnd.in-toto+json",
            "signatures": [{"sig": one["envelope"]["signature"]}],
        },
    }
    root = (VECTORS / "trusted_root.json").read_bytes()
    assert (ours(bundle, root=root), ask(node, bundle, root=root)) == (None, [None])
