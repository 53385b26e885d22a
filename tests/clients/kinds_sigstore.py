"""Sigstore in every form that it travels in, by the miniature instance of the tests; a registry; an image."""

import json
from base64 import b64encode
from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import sha256, sha512
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric import ec

from airgap.core.keys import Algorithm
from airgap.evidence.npm_keys import key_name
from airgap.evidence.pubkey import Key
from tests.clients.kind import TEXT, Kind, Pin, vector
from tests.evidence.sigstore_forge import ISSUER, REPOSITORY, Content, Signer, instance, statement
from tests.forge.keys import key
from tests.forge.producers import CAROL

_AT: Final = datetime(2024, 6, 1, 12, tzinfo=UTC)
"""When everything was signed: long before any clock under which the tests may run."""
_ROOT, _OTHER_ROOT = instance().trusted_root(), instance("other").trusted_root()
_BY: Final = {"issuer": ISSUER, "repository": REPOSITORY, "workflow": "release.yml"}
_WORKFLOW: Final = instance().signer(at=_AT)
_WHEEL: Final = "acme_widget-1.0-py3-none-any.whl"
_TARBALL: Final = "widget-1.0.0.tgz"
_IMAGE: Final = b'{"schemaVersion":2,"config":{},"layers":[]}'
_DSSE: Final = ("dsse", "0.0.1")
_REGISTRY: Final = key("a registry", Algorithm.ECDSA_P256)


def _json(value: Any) -> bytes:
    return json.dumps(value, indent=1).encode()


def _b64(raw: bytes) -> str:
    return b64encode(raw).decode()


def _bundle(content: Content, kind: tuple[str, str] = _DSSE, who: Signer = _WORKFLOW) -> dict[str, Any]:
    return instance().bundle(who, content, kind, at=_AT)


def _by_workflow(name: str, finding: str, evidence: Mapping[str, bytes], **more: Any) -> Kind:
    """A kind that the release workflow of acme/widget vouches for; the trusted root travels along."""
    pin = Pin(kind="sigstore", source=_ROOT, other=_OTHER_ROOT, settings=_BY, holds=False)
    keys = {f"{name}.json": _ROOT}
    return Kind(name=name, finding=finding, evidence=evidence, keys=keys, pins=[pin], is_keyless=True, **more)


def _by_key() -> Kind:
    """A bundle that a key signed, as cosign 3 writes it."""
    own = Signer(ec.generate_private_key(ec.SECP256R1()))
    bundle = _bundle(Content(message=TEXT), ("hashedrekord", "0.0.1"), own)
    pin = Pin(kind="cosign", source=own.pem, other=CAROL.public.pem)
    return Kind(
        name="sigstore-key",
        finding="sigstore",
        evidence={"a.txt.sigstore.json": _json(bundle)},
        pins=[pin],
    )


def _pep740() -> Kind:
    payload = statement(_WHEEL, TEXT, "https://docs.pypi.org/attestations/publish/v1")
    made = _bundle(Content(payload=payload))
    material, envelope = made["verificationMaterial"], made["dsseEnvelope"]
    attestation = {
        "version": 1,
        "verification_material": {
            "certificate": material["certificate"]["rawBytes"],
            "transparency_entries": material["tlogEntries"],
        },
        "envelope": {"statement": envelope["payload"], "signature": envelope["signatures"][0]["sig"]},
    }
    publisher = {"kind": "GitHub", "repository": REPOSITORY, "workflow": "release.yml", "environment": None}
    value = {"version": 1, "attestation_bundles": [{"publisher": publisher, "attestations": [attestation]}]}
    evidence = {f"{_WHEEL}.provenance.json": _json(value)}
    return _by_workflow("pep740", "pep740", evidence, file=_WHEEL, purl="pkg:pypi/acme-widget@1.0")


def _model() -> Kind:
    weights = vector("model_signing/model/weights.bin")
    digest = sha256(weights)
    said = {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": "model", "digest": {"sha256": sha256(digest.digest()).hexdigest()}}],
        "predicateType": "https://model_signing/signature/v1.0",
        "predicate": {
            "serialization": {"method": "files", "hash_type": "sha256", "allow_symlinks": False},
            "resources": [{"name": "weights.bin", "algorithm": "sha256", "digest": digest.hexdigest()}],
        },
    }
    evidence = {"model.sig": _json(_bundle(Content(payload=json.dumps(said).encode())))}
    return _by_workflow("model-sigstore", "model-signing", evidence, file="weights.bin", content=weights)


def _registry_keys(spki: bytes) -> bytes:
    """The list in which a registry publishes its one key."""
    kind = "ecdsa-sha2-nistp256"
    return _json({"keys": [{"keyid": key_name(Key.parse(spki)), "keytype": kind, "scheme": kind, "key": _b64(spki)}]})


def _npm() -> Kind:
    integrity = f"sha512-{_b64(sha512(TEXT).digest())}"
    signature = _REGISTRY.sign(f"widget@1.0.0:{integrity}".encode())
    signed = [{"keyid": key_name(Key.parse(_REGISTRY.public.spki)), "sig": _b64(signature)}]
    said = {"name": "widget", "version": "1.0.0", "integrity": integrity, "signatures": signed}
    keys = _registry_keys(_REGISTRY.public.spki)
    return Kind(
        name="npm-signature",
        finding="npm-signature",
        file=_TARBALL,
        purl="pkg:npm/widget@1.0.0",
        evidence={f"{_TARBALL}.npm-signature.json": _json(said)},
        # at other places a change takes away what the document is recognised by: as if nobody had signed
        flips={f"{_TARBALL}.npm-signature.json": _json(said).index(integrity.encode()) + 40},
        keys={"npm-signature.json": keys},
        pins=[Pin(kind="npm-keys", source=keys, other=_registry_keys(CAROL.public.spki), holds=False)],
    )


def _npm_attestations() -> Kind:
    """What a registry hands out: provenance by the workflow, and its own word that it published the package."""
    registry = Signer(ec.derive_private_key(2**200 + 1, ec.SECP256R1()))
    name = key_name(Key.parse(registry.identity))
    digests = {"sha512": sha512(TEXT).hexdigest()}
    kinds = ("https://slsa.dev/provenance/v1", "https://github.com/npm/attestation/tree/main/specs/publish/v0.1")
    built, published = (Content(payload=statement("pkg:npm/widget@2.0.0", TEXT, kind, **digests)) for kind in kinds)
    bundles = (
        _bundle(built, ("intoto", "0.0.2")),
        instance().bundle(registry, published, ("intoto", "0.0.2"), at=_AT, hint=name),
    )
    said = [{"predicateType": kind, "bundle": bundle} for kind, bundle in zip(kinds, bundles, strict=True)]
    return Kind(
        name="npm-attestations",
        finding="npm-attestation",
        file=_TARBALL,
        purl="pkg:npm/widget@2.0.0",
        evidence={f"{_TARBALL}.attestations.json": _json({"attestations": said})},
        pins=[
            Pin(kind="sigstore", source=_ROOT, other=_OTHER_ROOT, settings=_BY),
            Pin(kind="npm-keys", source=_registry_keys(registry.identity), other=_registry_keys(CAROL.public.spki)),
        ],
        is_keyless=True,
    )


def _cosign_image() -> Kind:
    """cosign's signature of an image: a manifest, and the signed payload that it names."""
    critical = {
        "identity": {"docker-reference": "registry.example/team/app"},
        "image": {"docker-manifest-digest": f"sha256:{sha256(_IMAGE).hexdigest()}"},
        "type": "cosign container image signature",
    }
    payload = json.dumps({"critical": critical, "optional": None}).encode()
    layer = {
        "mediaType": "application/vnd.dev.cosign.simplesigning.v1+json",
        "size": len(payload),
        "digest": f"sha256:{sha256(payload).hexdigest()}",
        "annotations": {"dev.cosignproject.cosign/signature": _b64(_REGISTRY.sign(payload))},
    }
    manifest = {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json", "layers": [layer]}
    settings = {"reference": "registry.example/team/app"}
    return Kind(
        name="cosign-image",
        finding="cosign-image",
        file="manifest.json",
        content=_IMAGE,
        purl="pkg:oci/app",
        evidence={"manifest.json.cosign.json": _json(manifest), "manifest.json.simplesigning.json": payload},
        pins=[Pin(kind="cosign", source=_REGISTRY.public.pem, other=CAROL.public.pem, settings=settings)],
        blamed={"manifest.json.simplesigning.json": "manifest.json.cosign.json"},
    )


SIGSTORE: Final = [
    _by_workflow(
        "sigstore",
        "sigstore",
        {"a.txt.sigstore.json": _json(_bundle(Content(message=TEXT), ("hashedrekord", "0.0.1")))},
    ),
    _by_workflow(
        "sigstore-v2",
        "sigstore",
        {
            "a.txt.sigstore.json": _json(
                instance().bundle(_WORKFLOW, Content(message=TEXT), ("hashedrekord", "0.0.2"), at=_AT, is_stamped=True)
            )
        },
    ),
    _by_workflow(
        "sigstore-statement", "sigstore", {"a.txt.sigstore.json": _json(_bundle(Content(payload=statement("a.txt", TEXT))))}
    ),
    _by_key(),
    _pep740(),
    _npm(),
    _npm_attestations(),
    _model(),
    _cosign_image(),
]
