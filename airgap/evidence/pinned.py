"""Keys that stand alone, without certificates: read from pins, tried against a signature, and what follows from it."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, NamedTuple

from cryptography import __version__

from airgap.core.anchors import Anchor, Kind
from airgap.core.entries import Role
from airgap.core.errors import FormatError
from airgap.core.verdict import Finding, Result
from airgap.evidence.pubkey import Key
from airgap.evidence.subject import Bench, Piece, Pins, pin_hint

LIBRARY: Final = f"cryptography {__version__}"
MAX_CARRIED: Final = 8
"""Keys among an artifact's own pieces that are tried; Ed25519 reads the whole content for each (T142)."""
MAX_KEY_FILE: Final = 64 * 1024


@dataclass(frozen=True)
class Pinned:
    """What an anchor holds, as it was read from a producer's key file; a person compares the fingerprint first.

    Attributes:
        pin: the anchor's pin.
        fingerprint: of the key, as findings show it.
        settings: of the anchor, where the file says any.
        identity: how the producer's own tool names the key; text of others in it is escaped.
    """

    pin: str
    fingerprint: str
    settings: Mapping[str, str]
    identity: str


class Candidate(NamedTuple):
    """A key that may have made a signature.

    Attributes:
        pin: the key as an anchor would hold it.
        identity: how the producer's own tool names the key.
        number: the hint by which a signature names its key, where the format has one.
        anchor: that pins it; None for a key that came with the evidence and proves nothing by itself (T127).
    """

    key: Key
    pin: str
    identity: str
    number: bytes = b""
    anchor: Anchor | None = None


def gather(
    anchors: Iterable[Anchor],
    beside: Sequence[Piece],
    *,
    read: Callable[[str], Candidate],
    read_file: Callable[[bytes], Pinned],
) -> list[Candidate]:
    """The pinned keys, then those of the key pieces that nobody pinned.

    A pin that cannot be read, or that is too weak, matches nothing.

    Args:
        anchors: of the kinds that the format knows.
        beside: an artifact's other pieces.
        read: a pin to its key.
        read_file: a key file to a pin.
    """
    found = []
    for anchor in anchors:
        with suppress(FormatError):
            found.append(read(anchor.pin)._replace(anchor=anchor))
    known = {candidate.key.key_id for candidate in found}
    files = [piece for piece in beside if piece.role is Role.KEY and len(piece.content) <= MAX_KEY_FILE]
    for piece in files[:MAX_CARRIED]:
        with suppress(FormatError):
            carried = read(read_file(piece.content).pin)
            if carried.key.key_id not in known:
                known.add(carried.key.key_id)
                found.append(carried)
    return found


def judge(
    bench: Bench, kind: Kind, candidates: Sequence[Candidate], pins: Pins, signed: Callable[[Candidate], str | None]
) -> Finding:
    """The finding about a signature that one of some keys should have made.

    Args:
        bench: of the piece.
        kind: of the anchor that would pin such a key.
        candidates: the keys that the signature may be by; a format with key numbers passes only those it names.
        pins: what the site believes.
        signed: the algorithm under which a key's signature holds, or None.
    """
    for candidate in candidates:
        algorithm = signed(candidate)
        if algorithm is not None:
            return settle(bench.knowing(algorithm=algorithm), kind, candidate, pins)
    if not candidates:
        return bench.untrusted("a signature, and no key to check it with")
    if len(candidates) > 1:
        return bench.failed(f"a signature of these bytes by one of {len(candidates)} keys", "one that does not hold")
    (only,) = candidates
    expected = f"a signature of these bytes by {only.identity}"
    return _about(bench, only).failed(expected, "one that does not hold", identity=only.identity)


def settle(bench: Bench, kind: Kind, maker: Candidate, pins: Pins) -> Finding:
    """What follows from a signature that holds: it depends on whether the key is pinned and still good."""
    bench = _about(bench, maker)
    withdrawn = pins.revoked.get(maker.key.key_id)
    if withdrawn is not None:
        return bench.knowing(key_now="revoked").other(
            Result.REVOKED, "a key that is still good", f"revoked: {withdrawn.reason!a:.120}", identity=maker.identity
        )
    if maker.anchor is None:
        hint = pin_hint(kind, maker.pin, bench.subject.purl)
        return bench.untrusted(f"{maker.identity}, {maker.key.fingerprint}", identity=maker.identity, hint=hint)
    return bench.knowing(key_then="valid", key_now="valid").verified(maker.identity)


def _about(bench: Bench, candidate: Candidate) -> Bench:
    anchor = candidate.anchor.name if candidate.anchor else ""
    return bench.knowing(fingerprint=candidate.key.fingerprint, anchor=anchor)
