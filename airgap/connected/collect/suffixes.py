"""How the field names evidence and key material."""

import os
from typing import Final

from airgap.core.entries import Role

# How the field names evidence that stands beside a file, longest suffix first.
EVIDENCE: Final = (
    (".simplesigning.json", Role.INDEX, "application/vnd.dev.cosign.simplesigning.v1+json"),
    (".npm-signature.json", Role.SIGNATURE, "application/vnd.airgap.npm-signature+json"),
    (".publish.attestation", Role.ATTESTATION, "application/vnd.pypi.integrity.v1+json"),
    (".attestations.json", Role.ATTESTATION, "application/json"),
    (".provenance.json", Role.ATTESTATION, "application/json"),
    (".sigstore.json", Role.SIGNATURE, "application/vnd.dev.sigstore.bundle+json"),
    (".intoto.jsonl", Role.ATTESTATION, "application/jsonl"),
    (".cosign.json", Role.SIGNATURE, "application/vnd.oci.image.manifest.v1+json"),
    (".intoto.json", Role.ATTESTATION, "application/vnd.in-toto+json"),
    (".dsse.json", Role.ATTESTATION, "application/vnd.dsse.envelope.v1+json"),
    (".provenance", Role.ATTESTATION, "application/json"),
    (".sigstore", Role.SIGNATURE, "application/vnd.dev.sigstore.bundle+json"),
    (".minisig", Role.SIGNATURE, "text/plain"),
    (".sshsig", Role.SIGNATURE, "text/plain"),
    (".bundle", Role.SIGNATURE, "application/json"),
    (".sign", Role.SIGNATURE, "application/pgp-signature"),
    (".att", Role.ATTESTATION, "application/json"),
    (".asc", Role.SIGNATURE, "application/pgp-signature"),
    (".gpg", Role.SIGNATURE, "application/pgp-signature"),
    (".sig", Role.SIGNATURE, "application/octet-stream"),
    (".p7s", Role.SIGNATURE, "application/pkcs7-signature"),
)
SUFFIXES: Final = tuple(suffix for suffix, _, _ in EVIDENCE)
KEY_KINDS: Final = {
    "": (Role.KEY, "application/octet-stream"),
    ".asc": (Role.KEY, "application/pgp-keys"),
    ".gpg": (Role.KEY, "application/pgp-keys"),
    ".pem": (Role.KEY, "application/x-pem-file"),
    ".crl": (Role.ANCHOR_DATA, "application/pkix-crl"),
    ".json": (Role.ANCHOR_DATA, "application/json"),
}
"""Role and media type of material that anchors name, by its suffix."""


def kind_of(path: str) -> tuple[Role, str]:
    """Role and media type of a piece of evidence, by its name."""
    name = os.path.basename(path)
    if name.startswith("Packages"):
        return Role.INDEX, "application/octet-stream"
    return next(
        ((role, media) for suffix, role, media in EVIDENCE if name.endswith(suffix)), (Role.ATTESTATION, "text/plain")
    )
