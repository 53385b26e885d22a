"""Anchors: the producers' identities that a site has pinned in its trust document.

Source: docs/trust.md. A pin is a fingerprint, a digest or a small key itself. Material that belongs to a pin (a
certificate, a key list, a trusted root) may stand in the anchor or travel in a bundle: it counts only when it is what
the pin names.
"""

import base64
import binascii
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final, Self

from airgap.core.errors import FormatError
from airgap.core.purl import is_match


class Kind(StrEnum):
    """What is pinned."""

    OPENPGP = "openpgp"
    DEBIAN = "debian-keyring"
    NPM = "npm-keys"
    SIGSTORE = "sigstore"
    MINISIGN = "minisign"
    SIGNIFY = "signify"
    SSH = "ssh"
    X509 = "x509"
    MODEL = "model-signing"
    COSIGN = "cosign"
    PEM = "pem"


MATERIAL: Final = "material"
"""The setting that holds, in base64, what the pin names."""
MAX_MATERIAL: Final = 24576
"""Bytes of material that fit into a setting; larger material travels in bundles."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Anchor:
    """One pinned identity and the artifacts that it may vouch for (purl patterns)."""

    name: str
    kind: Kind
    pin: str
    artifacts: Sequence[str]
    settings: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, said: Mapping[str, Any]) -> Self:
        """The anchor in a trust document, whose schema it has passed."""
        return cls(
            name=said["name"],
            kind=Kind(said["kind"]),
            pin=said["pin"],
            artifacts=tuple(said["artifacts"]),
            settings=dict(said["settings"]),
        )

    def value(self) -> dict[str, Any]:
        """The anchor as a JSON value."""
        return {
            "name": self.name,
            "kind": str(self.kind),
            "pin": self.pin,
            "artifacts": list(self.artifacts),
            "settings": dict(self.settings),
        }

    def covers(self, purl: str) -> bool:
        """Whether it may vouch for an artifact."""
        return any(is_match(purl, pattern) for pattern in self.artifacts)

    @property
    def material(self) -> bytes | None:
        """What the pin names, where the anchor holds it.

        Raises:
            FormatError: it is no base64.
        """
        text = self.settings.get(MATERIAL)
        if text is None:
            return None
        try:
            return base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError) as exc:
            raise FormatError(f"anchor {self.name}: expected material in base64, got other text") from exc
