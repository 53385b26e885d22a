"""The forms of evidence that certificates stand behind: Sigstore, PEP 740, CMS and OpenPGP."""

import hashlib
import json
from collections.abc import Mapping
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

from cryptography import x509

from airgap.core.entries import Role
from airgap.evidence import openpgp
from airgap.evidence.pubkey import Key
from tests.attacks.forms import CONTENT, Form, Pieces, by_key, pinned
from tests.boundaries.producers import Workflow, workflow
from tests.evidence import issuing, signing
from tests.evidence.sigstore_forge import ISSUER, Content, instance, spki

REPOSITORY = "acme/widget"
VECTORS = Path(__file__).parents[1] / "evidence" / "vectors" / "openpgp"
LONG = timedelta(days=900)


def root_of(sigstore: str) -> Pieces:
    return {"keys/trusted_root.json": (instance(sigstore).trusted_root(), Role.ANCHOR_DATA)}


def publisher(sigstore: str = "mini", **more: str) -> dict[str, Any]:
    """An anchor for the workflows of acme/widget."""
    pin = hashlib.sha256(instance(sigstore).trusted_root()).hexdigest()
    return pinned("sigstore", pin, issuer=ISSUER, repository=REPOSITORY, **more)


def key_id(private: Any) -> str:
    return Key.parse(spki(private)).key_id


@cache
def bundle(sigstore: str = "mini", content: bytes = CONTENT) -> Mapping[str, Any]:
    """A signature over an artifact, as a Sigstore bundle."""
    return instance(sigstore).bundle(workflow(sigstore, REPOSITORY, "2.0"), Content(message=content))


def sigstore() -> list[Form]:
    """Sigstore's own forms. In eve's, her instance issued a certificate in the name of acme."""
    wheel, theirs = Workflow(), Workflow(sigstore="eve's")
    own = key_id(workflow("mini", REPOSITORY, "2.0").key)
    beside, carried = root_of("mini"), root_of("eve's")
    forms = [
        ("sigstore", json.dumps(bundle()).encode(), json.dumps(bundle("eve's")).encode(), "a.txt", ".sigstore.json"),
        (
            "pep740",
            wheel.evidence("2.0", CONTENT)[".publish.attestation"],
            theirs.evidence("2.0", CONTENT)[".publish.attestation"],
            wheel.name("2.0"),
            ".publish.attestation",
        ),
    ]
    return [
        Form(
            kind=kind,
            good=good,
            forged=forged,
            name=name,
            place=f"files/{name}{suffix}",
            purl=wheel.purl("2.0") if kind == "pep740" else "pkg:generic/a.txt",
            anchor=publisher(),
            beside=beside,
            carried=carried,
            key_id=own,
        )
        for kind, good, forged, name, suffix in forms
    ]


def authority(name: str, *, end: timedelta = LONG) -> x509.Certificate:
    own = issuing.key(name=name)
    return issuing.authority(name, own, start=issuing.NOON - LONG, end=issuing.NOON + end)


def leaf(issuer: x509.Certificate, issuer_name: str, *, name: str = "signer") -> x509.Certificate:
    """A certificate for signing code, valid long before and after now."""
    extensions = [issuing.purpose(issuing.CODE), (issuing.usage("digital_signature"), True)]
    span = {"start": issuing.NOON - LONG, "end": issuing.NOON + LONG}
    own = issuing.key(name=f"{name} of {issuer_name}")
    return issuing.issue(name, own, issuer, issuing.key(name=issuer_name), extensions=extensions, **span)  # type: ignore[arg-type]  # both are times


def cms(issuer: x509.Certificate, issuer_name: str, **more: Any) -> bytes:
    own = issuing.key(name=f"signer of {issuer_name}")
    return signing.make(CONTENT, leaf(issuer, issuer_name), own, **more)


def authority_piece(certificate: x509.Certificate) -> Pieces:
    return {"keys/ca.der": (signing.der(certificate), Role.KEY)}


def ca_anchor(certificate: x509.Certificate) -> dict[str, Any]:
    return pinned("x509", hashlib.sha256(signing.der(certificate)).hexdigest(), subject="CN=signer")


def _cms() -> Form:
    ours, theirs = authority("ca"), authority("eve's ca")
    return Form(
        kind="cms",
        place="files/a.txt.p7s",
        good=cms(ours, "ca"),
        forged=cms(theirs, "eve's ca"),
        anchor=ca_anchor(ours),
        beside=authority_piece(ours),
        carried=authority_piece(theirs),
        key_id=key_id(issuing.key(name="signer of ca")),
    )


def _openpgp() -> Form:
    pin = openpgp.read_pin((VECTORS / "ed25519.pgp").read_bytes()).pin
    return Form(
        kind="openpgp",
        name="message.txt",
        place="files/message.txt.asc",
        content=(VECTORS / "message.txt").read_bytes(),
        good=(VECTORS / "ed25519.asc").read_bytes(),
        forged=(VECTORS / "p256.sig").read_bytes(),
        anchor=pinned("openpgp", pin),
        beside=by_key((VECTORS / "ed25519.pgp").read_bytes(), "ours.pgp"),
        carried=by_key((VECTORS / "p256.pgp").read_bytes(), "eve.pgp"),
        key_id=pin,
    )


def certified() -> list[Form]:
    """All of them."""
    return [*sigstore(), _cms(), _openpgp()]
