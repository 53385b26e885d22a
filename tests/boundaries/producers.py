"""Those who sign software before it travels, each in the way of one distribution mode.

Source of the modes: Kalu and Davis 2025, "Why Software Signing (Still) Matters".
"""

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any, Protocol

from airgap.core.keys import Algorithm, PrivateKey
from airgap.evidence.npm_keys import key_name
from airgap.evidence.pubkey import Key
from tests.evidence.sigstore_forge import ISSUER, Content, Signer, instance, statement, workflow_extensions
from tests.forge.keys import key
from tests.forge.producers import CAROL, EVE, MINA, minisig, minisign_anchor, pem_anchor, raw_signature
from tests.forge.text import base64_of

PUBLISH = "https://docs.pypi.org/attestations/publish/v1"


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """What is handed on: one file under a name and a purl, what lies beside it, and the key material that came along.

    Attributes:
        evidence: suffix to content.
        keys: file name to content.
        custody: the hop that the exporter writes down, as a request says it; "" for none.
        without_evidence: why there is none, as a request says it; "" where nobody says.
    """

    name: str
    purl: str
    content: bytes
    evidence: Mapping[str, bytes]
    keys: Mapping[str, bytes] = field(default_factory=dict)
    custody: str = ""
    without_evidence: str = ""


class Producer(Protocol):
    """Somebody who signs releases."""

    def name(self, version: str) -> str:
        """File name of a release."""
        ...

    def purl(self, version: str) -> str:
        """Package URL of a release."""
        ...

    def evidence(self, version: str, content: bytes) -> Mapping[str, bytes]:
        """What it puts beside a file that it calls by its name of that version; by suffix."""
        ...

    @property
    def keys(self) -> Mapping[str, bytes]:
        """Key material that travels."""
        ...

    @property
    def anchor(self) -> Mapping[str, Any]:
        """How a site pins it."""
        ...

    @property
    def stranger(self) -> "Producer":
        """The same tools in other hands: somebody who signs in the same form, as himself."""
        ...

    @property
    def usurper(self) -> "Producer":
        """Somebody who replaces the key material as well."""
        ...


def content_of(version: str) -> bytes:
    """The bytes of a release."""
    return f"widget {version}\n".encode() * 400


def release(producer: Producer, version: str) -> Delivery:
    """A release as its producer made it."""
    content = content_of(version)
    return Delivery(
        name=producer.name(version),
        purl=producer.purl(version),
        content=content,
        evidence=producer.evidence(version, content),
        keys=producer.keys,
    )


@dataclass(frozen=True)
class _Tarballs:
    """Plain files of one maker."""

    def name(self, version: str) -> str:
        return f"widget-{version}.tar.gz"

    def purl(self, version: str) -> str:
        return f"pkg:generic/widget@{version}"


@dataclass(frozen=True)
class KeyHolder(_Tarballs):
    """A person with a key pair: a bare signature, as openssl makes it, and the public key beside it."""

    key: PrivateKey = CAROL

    def evidence(self, version: str, content: bytes) -> Mapping[str, bytes]:  # noqa: ARG002 -- nothing names a version
        return {".sig": raw_signature(content, by=self.key)}

    @property
    def keys(self) -> Mapping[str, bytes]:
        return {"widget.pem": self.key.public.pem}

    @property
    def anchor(self) -> Mapping[str, Any]:
        return pem_anchor(by=self.key, name="producer", artifacts=["pkg:generic/widget@*"])

    @property
    def stranger(self) -> Producer:
        return KeyHolder(EVE)

    usurper = stranger


@dataclass(frozen=True)
class Minisigner(_Tarballs):
    """A person with a minisign key, whose trusted comment names the file or does not."""

    key: PrivateKey = MINA
    is_named: bool = True

    def evidence(self, version: str, content: bytes) -> Mapping[str, bytes]:
        comment = f"timestamp:1764000000\tfile:{self.name(version)}\thashed" if self.is_named else "a release"
        return {".minisig": minisig(content, by=self.key, comment=comment.encode())}

    @property
    def keys(self) -> Mapping[str, bytes]:
        pin = minisign_anchor(by=self.key)["pin"]
        return {"widget.pub": f"untrusted comment: minisign public key\n{pin}\n".encode()}

    @property
    def anchor(self) -> Mapping[str, Any]:
        return {**minisign_anchor(by=self.key, artifacts=["pkg:generic/widget@*"]), "name": "producer"}

    @property
    def stranger(self) -> Producer:
        return replace(self, key=key("eve"))

    usurper = stranger


REGISTRY = key("registry", Algorithm.ECDSA_P256)


@dataclass(frozen=True)
class NpmRegistry:
    """A registry that signs name, version and digest of what it serves."""

    key: PrivateKey = REGISTRY

    def name(self, version: str) -> str:
        return f"widget-{version}.tgz"

    def purl(self, version: str) -> str:
        return f"pkg:npm/widget@{version}"

    def evidence(self, version: str, content: bytes) -> Mapping[str, bytes]:
        integrity = "sha512-" + base64.b64encode(hashlib.sha512(content).digest()).decode()
        signature = base64_of(self.key.sign(f"widget@{version}:{integrity}".encode()))
        signatures = [{"keyid": self._key_name, "sig": signature}]
        said = {"name": "widget", "version": version, "integrity": integrity, "signatures": signatures}
        return {".npm-signature.json": json.dumps(said).encode()}

    @property
    def keys(self) -> Mapping[str, bytes]:
        kind = "ecdsa-sha2-nistp256"
        spki = base64_of(self.key.public.spki)
        entry = {"keyid": self._key_name, "key": spki, "keytype": kind, "scheme": kind, "expires": None}
        return {"keys.json": json.dumps({"keys": [entry]}).encode()}

    @property
    def anchor(self) -> Mapping[str, Any]:
        pin = hashlib.sha256(self.keys["keys.json"]).hexdigest()
        return {"name": "registry", "kind": "npm-keys", "pin": pin, "artifacts": ["pkg:npm/*"], "settings": {}}

    @property
    def stranger(self) -> Producer:
        return NpmRegistry(EVE)

    usurper = stranger

    @property
    def _key_name(self) -> str:
        return key_name(Key.parse(self.key.public.spki))


@cache
def workflow(sigstore: str, repository: str, version: str) -> Signer:
    """The release workflow of a repository, with a certificate of an instance of Sigstore."""
    ref = f"refs/tags/v{version}"
    san = f"https://github.com/{repository}/.github/workflows/release.yml@{ref}"
    return instance(sigstore).signer(san, workflow_extensions(repository, san=san, ref=ref))


@dataclass(frozen=True)
class Workflow:
    """A build that proves its identity to Sigstore; ``style`` is how its attestation is written.

    ``pypi`` is a publish attestation of PEP 740, ``provenance`` a bundle with SLSA provenance.
    """

    style: str = "pypi"
    project: str = "widget"
    repository: str = "acme/widget"
    sigstore: str = "mini"
    ref: str = ""

    def name(self, version: str) -> str:
        return f"{self.project}-{version}-py3-none-any.whl"

    def purl(self, version: str) -> str:
        return f"pkg:pypi/{self.project}@{version}"

    def evidence(self, version: str, content: bytes) -> Mapping[str, bytes]:
        signer = workflow(self.sigstore, self.repository, version)
        predicate = PUBLISH if self.style == "pypi" else "https://slsa.dev/provenance/v1"
        said = Content(payload=statement(self.name(version), content, predicate))
        bundle = instance(self.sigstore).bundle(signer, said, ("dsse", "0.0.1"))
        if self.style != "pypi":
            return {".sigstore.json": json.dumps(bundle).encode()}
        return {".publish.attestation": json.dumps(_pep740(bundle)).encode()}

    @property
    def keys(self) -> Mapping[str, bytes]:
        return {"trusted_root.json": instance(self.sigstore).trusted_root()}

    @property
    def anchor(self) -> Mapping[str, Any]:
        return {
            "name": "producer",
            "kind": "sigstore",
            "pin": hashlib.sha256(self.keys["trusted_root.json"]).hexdigest(),
            "artifacts": [f"pkg:pypi/{self.project}@*"],
            "settings": {"issuer": ISSUER, "repository": self.repository, **({"ref": self.ref} if self.ref else {})},
        }

    @property
    def stranger(self) -> Producer:
        return replace(self, repository="mallory/widget")

    @property
    def usurper(self) -> Producer:
        """Mallory runs an instance of his own, in which he is acme."""
        return replace(self, sigstore="mallory's")


def _pep740(bundle: Mapping[str, Any]) -> Mapping[str, Any]:
    """A bundle in the words of PEP 740."""
    material, envelope = bundle["verificationMaterial"], bundle["dsseEnvelope"]
    return {
        "version": 1,
        "verification_material": {
            "certificate": material["certificate"]["rawBytes"],
            "transparency_entries": material["tlogEntries"],
        },
        "envelope": {"statement": envelope["payload"], "signature": envelope["signatures"][0]["sig"]},
    }
