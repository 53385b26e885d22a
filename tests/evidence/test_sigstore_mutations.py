"""Every field of a bundle, changed in turn: never verified, and never an error that is not a finding."""

import json
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from airgap.core.anchors import Kind
from airgap.core.entries import Role
from airgap.core.verdict import Finding, Result
from airgap.evidence import pypi, sigstore
from airgap.evidence.subject import Subject
from tests.evidence.bench import anchor, piece, pins, subject
from tests.evidence.sigstore_forge import ISSUER, Json, Signer, b64, instance, spki
from tests.evidence.sigstoring import ARTIFACT, ENVELOPE, MESSAGE, VECTORS, change, paths, publisher, root_piece, signer

KEY = Signer(ec.generate_private_key(ec.SECP256R1()))
WAYS: dict[str, Callable[[Any], Any]] = {
    "first": lambda value: _text(value, 0),
    "middle": lambda value: _text(value, len(str(value)) // 2),
    "last": lambda value: _text(value, len(str(value)) - 1),
    "longer": lambda value: value + 1 if isinstance(value, int) else f"{value}A",
    "shorter": lambda value: value[:-1] if isinstance(value, str) else None,
    "blank": lambda value: f" {value}",
    "empty": lambda _: "",
    "list": lambda value: [value],
    "object": lambda value: {"value": value},
    "surrogate": lambda _: "\ud800",
    "float": lambda _: 1.5,
    "huge": lambda _: 10**400,
}
UNSIGNED = {
    # an entry of the second generation has no promise that would sign its index; nothing reads it
    ("verificationMaterial", "tlogEntries", 0, "logIndex"),
    # empty text is what nothing means in this format
    ("dsseEnvelope", "signatures", 0, "keyid"),
    # which key to look for; the pinned one is tried whatever it says
    ("verificationMaterial", "publicKey", "hint"),
}


def _text(value: Any, at: int) -> Any:
    if not isinstance(value, str) or not value:
        return value + 1 if isinstance(value, int) else "A"
    other = "B" if value[at] == "A" else "1" if value[at] == "0" else "0" if value[at].isdigit() else "A"
    return value[:at] + other + value[at + 1 :]


def mutants(value: Json) -> Iterator[tuple[str, Json]]:
    """Every leaf in every way, and every member and item left out."""
    for path in paths(value):
        for name, way in WAYS.items():
            copied = json.loads(json.dumps(value))
            change(copied, path, way)
            if copied != value:
                yield f"{path} {name}", copied
    for part in {path[:size] for path in paths(value) for size in range(1, len(path) + 1)}:
        copied = json.loads(json.dumps(value))
        inner = copied
        for key in part[:-1]:
            inner = inner[key]
        del inner[part[-1]]
        yield f"{part} gone", copied


def survivors(value: Json, judge: Callable[[bytes], list[Finding]]) -> set[str]:
    """The mutants that are verified all the same."""
    (good,) = judge(json.dumps(value).encode())
    assert good.result is Result.VERIFIED
    verified = set()
    for name, mutant in mutants(value):
        for finding in judge(json.dumps(mutant).encode()):
            json.dumps(finding.value())
            if finding.result is Result.VERIFIED:
                verified.add(name)
    return verified


@pytest.mark.parametrize(
    ("content", "kind", "is_stamped", "version"),
    [
        (MESSAGE, ("hashedrekord", "0.0.1"), False, 3),
        (MESSAGE, ("hashedrekord", "0.0.2"), True, 3),
        (ENVELOPE, ("dsse", "0.0.1"), False, 3),
        (ENVELOPE, ("dsse", "0.0.2"), True, 3),
        (ENVELOPE, ("intoto", "0.0.1"), False, 3),
        (ENVELOPE, ("intoto", "0.0.2"), False, 2),
        (ENVELOPE, ("dsse", "0.0.1"), False, 1),
    ],
)
def test_no_field_of_a_certificate_bundle_can_change(
    tmp_path: Path, content: Any, kind: Any, is_stamped: bool, version: int
) -> None:
    bundle = instance().bundle(signer(), content, kind, is_stamped=is_stamped, version=version)
    judge = partial(_judge, subject(tmp_path, ARTIFACT), publisher())
    assert {name for name in survivors(bundle, judge) if not _is_optional(name)} == set()


def test_no_field_of_a_key_bundle_can_change(tmp_path: Path) -> None:
    bundle = instance().bundle(KEY, ENVELOPE, ("dsse", "0.0.1"))
    judge = partial(_judge, subject(tmp_path, ARTIFACT), anchor(Kind.COSIGN, b64(spki(KEY.key))))
    unseen = "verificationMaterial', 'tlogEntries"
    # no anchor of a key pins a log: only what an entry says is held to the signature, not that a log says it
    assert {name for name in survivors(bundle, judge) if unseen not in name and not _is_optional(name)} == set()


def test_no_field_of_real_provenance_can_change() -> None:
    name = "pypi_attestations-0.0.19.tar.gz"
    value = json.loads((VECTORS / f"{name}.provenance").read_bytes())
    raw = (VECTORS / "trusted_root.json").read_bytes()
    believed = pins(publisher(raw, issuer=ISSUER, repository="trailofbits/pypi-attestations"))
    sha256 = bytes.fromhex("9bb1add04b1b4e182be6b0b80931593f7a291eb49d69b4fd728a5d4cbcdc4bd3")
    about = Subject(path=f"artifacts/{name}", purl="pkg:pypi/x", size=1, digests={"sha256": sha256}, file="")

    def judge(content: bytes) -> list[Finding]:
        evidence = piece(f"{name}.provenance", content, role=Role.ATTESTATION)
        return pypi.verify(about, evidence, [root_piece(raw)], believed)

    left = survivors(value, judge)
    # the index's own words, which nobody signs: they may be silent, they may not contradict
    silent = {"('version',) gone", "('version',) shorter"}
    assert {mutant for mutant in left if "'publisher'" not in mutant} == silent
    assert not any("'repository') first" in mutant or "'workflow') first" in mutant for mutant in left)


def _judge(about: Subject, believed: Any, content: bytes) -> list[Finding]:
    return sigstore.verify(about, piece("a.txt.sigstore.json", content), [root_piece()], pins(believed))


def _is_optional(mutant: str) -> bool:
    """What a bundle may leave out, or what nobody signs."""
    optional = (
        "('messageSignature', 'messageDigest') gone",
        "('dsseEnvelope', 'signatures', 0, 'keyid') gone",
        "('verificationMaterial', 'tlogEntries', 0, 'inclusionProof') gone",
        "('verificationMaterial', 'tlogEntries', 0, 'inclusionProof', 'checkpoint') gone",
        "('verificationMaterial', 'tlogEntries', 0, 'inclusionProof', 'checkpoint', 'envelope') gone",
        "('verificationMaterial', 'tlogEntries', 0, 'inclusionProof', 'checkpoint', 'envelope') empty",
    )
    return mutant in optional or any(mutant.startswith(str(path)) for path in UNSIGNED)
