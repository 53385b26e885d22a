"""Pins read from key files, and the keys a signature is tried against."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Pinned:
    """What an anchor holds, as it was read from a producer's key file; a person compares the fingerprint first.

    Attributes:
        pin: the anchor's pin.
        fingerprint: of the key, as findings show it.
        settings: of the anchor, where the file says any.
        identity: how the producer's own tool names the key; may hold text of others, escaped.
    """

    pin: str
    fingerprint: str
    settings: Mapping[str, str]
    identity: str
