"""Trusted roots: the logs, certificate authorities and timestamp authorities of one Sigstore instance.

Source: sigstore protobuf-specs, ``sigstore_trustroot.proto``, message TrustedRoot, in its JSON form.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from airgap.core.anchors import Anchor
from airgap.evidence.subject import Piece


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustedRoot:
    """What one instance of Sigstore vouches with; believed only because an anchor pins its digest."""

    digest: str

    @classmethod
    def parse(cls, raw: bytes) -> Self:
        """Read a trusted_root.json.

        Raises:
            FormatError: anything else, a log key without a start of validity, a key of an unknown kind.
        """
        raise NotImplementedError


def find_root(anchor: Anchor, beside: Sequence[Piece]) -> TrustedRoot | None:
    """The trusted root that an anchor pins: the anchor's own material, or a piece with the pinned SHA-256.

    A root that has the pinned digest and cannot be read counts as none.
    """
    raise NotImplementedError
