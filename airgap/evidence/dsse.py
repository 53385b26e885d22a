"""in-toto attestations in DSSE envelopes, signed by a pinned key.

Source: DSSE protocol 1.0.2; in-toto Attestation Framework, Statement v1 and v0.1. Stricter than DSSE in one point: the
standard base64 alphabet only.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Final, NamedTuple, Self

from airgap.core.anchors import Kind
from airgap.core.envelope import MAX_SIGNATURES, STATEMENT_TYPE, pae
from airgap.core.errors import FormatError
from airgap.core.foreign import load_object
from airgap.core.verdict import Finding, Result, Vouches
from airgap.evidence.pinned import LIBRARY, Candidate, Pinned, gather, settle
from airgap.evidence.pubkey import Key, strict_base64
from airgap.evidence.raw import FORMAT, pem_candidate, signed_with
from airgap.evidence.raw import read_pin as read_pem
from airgap.evidence.subject import Bench, Piece, Pins, Subject

KIND: Final = "dsse"
MAX_LINES: Final = 64

STATEMENTS: Final = ("https://in-toto.io/Statement/v1", "https://in-toto.io/Statement/v0.1")
STRONG: Final = ("sha256", "sha384", "sha512")
"""Digests in a statement that bind; others, such as sha1 and gitCommit, neither help nor hurt."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """What an attestation says; read it only from a payload whose signature holds.

    Attributes:
        type: version of the statement.
        predicate_type: what kind of claim it makes.
        subjects: name to digests (algorithm to lower-case hex), as the producer wrote them.
        predicate: the claim.
    """

    type: str
    predicate_type: str
    subjects: Mapping[str, Mapping[str, str]]
    predicate: Mapping[str, Any]


class Signature(NamedTuple):
    """One signature; ``keyid`` is free text that the signer chose, and only ever a hint (T126)."""

    keyid: str
    value: bytes


class Envelope(NamedTuple):
    """An envelope as it arrived: nothing about it is verified."""

    payload_type: str
    payload: bytes
    signatures: Sequence[Signature]
    has_certificate: bool

    @classmethod
    def read(cls, value: Mapping[str, Any]) -> Self:
        """The envelope in a JSON value; members that DSSE does not name are covered by nothing and never looked at.

        Raises:
            FormatError: malformed, no signature, or more than 16 (T142).
        """
        signatures = value.get("signatures")
        if not isinstance(signatures, list) or not 0 < len(signatures) <= MAX_SIGNATURES:
            raise FormatError(f"envelope: expected 1 to {MAX_SIGNATURES} signatures, got another value")
        if not all(isinstance(item, dict) for item in signatures):
            raise FormatError("envelope: expected signatures as objects, got another value")
        return cls(
            _text(value, "payloadType"),
            strict_base64(_text(value, "payload"), what="payload"),
            [Signature(_text(i, "keyid", ""), strict_base64(_text(i, "sig"), what="signature")) for i in signatures],
            any("cert" in item for item in signatures),
        )


def read_pin(raw: bytes) -> Pinned:
    """What pins the key in a PEM or DER file.

    Raises:
        FormatError: it is no public key, or a weak one.
    """
    return read_pem(raw)


def verify(subject: Subject, piece: Piece, beside: Sequence[Piece], pins: Pins) -> list[Finding]:
    """Judge an envelope, or several of them, one a line (``.intoto.jsonl``); see ``Verifier``."""
    bench = Bench.of(subject, piece, KIND, library=LIBRARY, vouches=Vouches.PUBLISHER)
    anchors = [anchor for anchor in pins.of(Kind.PEM, Kind.COSIGN) if anchor.settings.get(FORMAT, KIND) == KIND]
    candidates = gather(anchors, beside, read=pem_candidate, read_file=read_pin)
    lines = _split(piece.content)
    read = [_read(bench, line) for line in lines[:MAX_LINES]]
    count = sum(len(envelope.signatures) for envelope in read if isinstance(envelope, Envelope))
    if max(len(lines), count) > MAX_LINES:
        return [bench.failed(f"at most {MAX_LINES} envelopes and signatures", "more")]
    return [
        finding
        for one in read
        for finding in (_judge(bench, one, candidates, pins) if isinstance(one, Envelope) else [one])
    ]


def _split(content: bytes) -> Sequence[bytes]:
    """The envelopes of a piece: one on each line, or one in all of it when the first line does not hold a whole one."""
    first, _, rest = content.partition(b"\n")
    if not rest.strip() or not first.rstrip().endswith(b"}"):
        return [content]
    return [line for line in content.split(b"\n", MAX_LINES + 1) if line.strip()]


def _read(bench: Bench, raw: bytes) -> Envelope | Finding:
    """One envelope, or the finding that it is none."""
    try:
        value = load_object(raw, what="envelope")
        if value.keys() & {"dsseEnvelope", "messageSignature"}:
            return bench.other(Result.UNSUPPORTED, "a DSSE envelope", "a Sigstore bundle among envelopes")
        return Envelope.read(value)
    except FormatError as exc:
        return bench.failed("a DSSE envelope", exc.message)


def _judge(bench: Bench, envelope: Envelope, candidates: Sequence[Candidate], pins: Pins) -> list[Finding]:
    """The findings about one envelope: one for each known key that signed it, one for each signature by nobody known."""
    findings: dict[str, Finding] = {}
    strangers = []
    holds = _holds(envelope)
    for signature in envelope.signatures:
        maker, algorithm = _maker(signature, candidates, holds)
        if maker is None:
            strangers.append(signature)
        # by key, not by key id: one key under two ids signed once (T124)
        elif maker.key.key_id not in findings:
            findings[maker.key.key_id] = _open(bench.knowing(algorithm=algorithm), envelope, maker, pins)
    is_held = any(finding.result is Result.VERIFIED for finding in findings.values())
    return [*findings.values(), *(_reject(bench, envelope, s, candidates, is_held=is_held) for s in strangers)]


def _holds(envelope: Envelope) -> Callable[[Key, str, bytes], bool]:
    """Whether a key, with a hash, made a signature of an envelope; its payload is hashed once for all of them (T142)."""
    message = pae(envelope.payload_type, envelope.payload)
    digest = cache(lambda name: hashlib.new(name, message).digest())

    def holds(key: Key, name: str, value: bytes) -> bool:
        if key.is_prehashed:
            return key.is_digest_signed(digest(name), value, algorithm=name)
        return key.is_signed(message, value)

    return holds


def _maker(
    signature: Signature, candidates: Sequence[Candidate], holds: Callable[[Key, str, bytes], bool]
) -> tuple[Candidate | None, str]:
    """The key that made a signature, and the algorithm."""
    signed = signed_with(lambda key, name: holds(key, name, signature.value))
    for candidate in candidates:
        algorithm = signed(candidate)
        if algorithm is not None:
            return candidate, algorithm
    return None, ""


def _open(bench: Bench, envelope: Envelope, maker: Candidate, pins: Pins) -> Finding:
    """The finding about an envelope whose signature holds; what it says is read only where an anchor vouches for it."""
    finding = settle(bench, maker.anchor.kind if maker.anchor else Kind.PEM, maker, pins)
    if finding.result is not Result.VERIFIED:
        return finding
    bench = replace(bench, proof=finding.proof or bench.proof)
    if envelope.payload_type != STATEMENT_TYPE:
        got = f"{envelope.payload_type!a:.80}"
        return bench.other(Result.UNSUPPORTED, STATEMENT_TYPE, got, identity=maker.identity)
    try:
        statement = open_statement(envelope.payload)
        fault = match_subject(statement, bench.subject)
    except FormatError as exc:
        fault = exc.message
    else:
        finding = replace(finding, got=f"{statement.predicate_type!a:.120}, {finding.got}")
    return bench.failed("a statement about this artifact", fault, identity=maker.identity) if fault else finding


def _reject(
    bench: Bench, envelope: Envelope, signature: Signature, candidates: Sequence[Candidate], *, is_held: bool
) -> Finding:
    """The finding about a signature that none of the keys at hand made.

    Where another signature of the envelope holds (``is_held``), the payload is not what is wrong.
    """
    named = next((c for c in candidates if c.key.key_id == signature.keyid), None)
    if named is not None or (candidates and not signature.keyid and not is_held):
        who = named.identity if named else f"one of {len(candidates)} keys"
        return bench.failed(f"a signature by {who}", "one that does not hold")
    if envelope.has_certificate:
        got = "a certificate inside the envelope; ask the producer for a Sigstore bundle v0.3"
        return bench.other(Result.UNSUPPORTED, "a signature by a pinned key", got)
    return bench.untrusted(f"a signature by the key {signature.keyid!a:.80}" if signature.keyid else "an unknown key")


def open_statement(payload: bytes) -> Statement:
    """Read an in-toto Statement v1 or v0.1 from the payload of an envelope that was verified.

    Raises:
        FormatError: another type, a missing member, a name given to two different things, or JSON that is not strict.
    """
    value = load_object(payload, what="statement")
    if value.get("_type") not in STATEMENTS:
        raise FormatError(f"statement: expected in-toto Statement v1 or v0.1, got {value.get('_type')!a:.80}")
    predicate_type = value.get("predicateType")
    # PyPI's publish attestations say null: the claim has no more to say than its type
    predicate = {} if value.get("predicate") is None else value["predicate"]
    if not isinstance(predicate_type, str) or not predicate_type or not isinstance(predicate, dict):
        raise FormatError("statement: expected a predicate and its type, got other members")
    return Statement(
        type=value["_type"],
        predicate_type=predicate_type,
        subjects=_subjects(value.get("subject")),
        predicate=predicate,
    )


def match_subject(statement: Statement, subject: Subject) -> str | None:
    """What is wrong between a statement's subjects and an artifact, as ``expected X, got Y``; None when they agree.

    One subject has to give a strong digest of the artifact, and every strong digest that it gives has to be the
    artifact's.
    """
    given = {name for digests in statement.subjects.values() for name in digests if name in STRONG}
    # once per algorithm: a statement with many subjects must not make us read the content again for each
    ours = {name: subject.digest(name).hex() for name in STRONG if name in given}
    if not ours:
        return "expected a subject with a sha256, sha384 or sha512 digest, got none"
    is_named = False
    for digests in statement.subjects.values():
        said = {name: digests[name] == digest for name, digest in ours.items() if name in digests}
        if any(said.values()) and not all(said.values()):
            wrong = next(name for name, is_ours in said.items() if not is_ours)
            return f"expected {wrong}:{ours[wrong]}, got {digests[wrong]!a:.140} beside another digest that agrees"
        is_named = is_named or any(said.values())
    if is_named:
        return None
    name, digest = next(iter(ours.items()))
    return f"expected a subject with {name}:{digest}, got {len(statement.subjects)} with other digests"


def _subjects(value: Any) -> Mapping[str, Mapping[str, str]]:
    if not isinstance(value, list) or not value:
        raise FormatError("statement: expected a list of subjects, got none")
    subjects: dict[str, Mapping[str, str]] = {}
    for item in value:
        digests = item.get("digest") if isinstance(item, dict) else None
        name = item.get("name", "") if isinstance(item, dict) else None
        if not isinstance(name, str) or not isinstance(digests, dict) or not digests:
            raise FormatError("statement: expected subjects with a name and digests, got another value")
        if not all(isinstance(digest, str) for digest in digests.values()):
            raise FormatError("statement: expected digests as text, got another value")
        if subjects.setdefault(name, digests) != digests:
            raise FormatError(f"statement: expected one subject per name, got two named {name!a:.80}")
    return subjects


def _text(value: Mapping[str, Any], name: str, default: str | None = None) -> str:
    text = value.get(name, default)
    if not isinstance(text, str):
        raise FormatError(f"envelope: expected {name} as text, got another value")
    return text
