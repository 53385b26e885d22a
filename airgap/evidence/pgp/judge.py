"""From one OpenPGP signature to one finding.

Sequoia's standard policy decides; why it refuses, and what a site pinned into the lenient tier, is worked out beside it.

Time: Sequoia cannot be told one. It judges a key at the time that the signature claims, so a site may verify decades later;
but it refuses whatever is dated after the machine's clock. A machine whose clock died (1970) therefore refuses everything,
and the finding says so. The time of the site (``Pins.at``) is compared as well, so neither clock alone lets a signature in.
Its policy moves with the clock, too: from February 2030 on it refuses DSA (measured with pysequoia 0.1.35).
"""

import glob
import os
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

import pysequoia

from airgap.core.anchors import Kind
from airgap.core.errors import FormatError
from airgap.core.verdict import Finding, Result
from airgap.evidence.pgp.book import Book, Match
from airgap.evidence.pgp.lenient import Fault, examine, strength_fault, times_fault
from airgap.evidence.pgp.mathematics import HASHES, is_signed, name_of
from airgap.evidence.pgp.message import TEXT, Message
from airgap.evidence.pgp.packets import Packet
from airgap.evidence.pgp.signature import Signature
from airgap.evidence.subject import Bench, Pins, pin_hint


def _library() -> str:
    """Name and version of the library; importlib.metadata would bring the email package in, and that one sockets."""
    folder = os.path.dirname(os.path.dirname(pysequoia.__file__))
    names = (os.path.basename(path) for path in glob.glob("pysequoia-*.dist-info", root_dir=folder))
    return next((name.removesuffix(".dist-info").replace("-", " ") for name in names), "pysequoia")


LIBRARY: Final = _library()
STRICT, LENIENT = "strict", "pinned-lenient"
MAX_CHECKED: Final = 16
"""Signatures that are checked against the content, which each of them reads as a whole (T142)."""
_VERSIONS: Final = {b"\x04", b"\x06"}


@dataclass
class Case:
    """Signatures about one message.

    Attributes:
        checked: how many were checked against the content so far.
    """

    message: Message
    book: Book
    pins: Pins
    bench: Bench
    checked: int = field(default=0)

    def judge(self, packet: Packet) -> Finding:
        """The finding about one signature."""
        if packet.body[:1] not in _VERSIONS:
            got = f"version {packet.body[0]}" if packet.body else "an empty packet"
            return self.bench.other(Result.UNSUPPORTED, "an OpenPGP signature of version 4 or 6", got)
        try:
            signature = Signature.parse(packet)
            if signature.kind not in self.message.kinds:
                wanted = "a signature of a document" if len(self.message.kinds) > 1 else "a signature of text"
                return self.bench.failed(wanted, f"one of type 0x{signature.kind:02x}")
            return self._judge_document(signature)
        except FormatError as exc:
            return self.bench.failed("an OpenPGP signature that can be read", exc.message)

    def _judge_document(self, signature: Signature) -> Finding:
        bench = self.bench.knowing(library=LIBRARY, **_claimed(signature))
        withdrawn = self._withdrawn(signature.issuers, bench)
        matches = self.book.find(signature)
        if withdrawn or not matches:
            return withdrawn or self._without_certificate(signature, bench)
        self.checked += 1
        if self.checked > MAX_CHECKED:
            got = "one more, which was not checked"
            return bench.other(Result.UNSUPPORTED, f"at most {MAX_CHECKED} signatures by known keys", got)
        findings = [self._judge_match(signature, match, bench) for match in matches]
        return next((finding for finding in findings if finding.result is Result.VERIFIED), findings[0])

    def _judge_match(self, signature: Signature, match: Match, bench: Bench) -> Finding:
        algorithm = f"{name_of(match.key)}/{HASHES.get(signature.hash, signature.hash)}"
        bench = bench.knowing(fingerprint=f"openpgp:{match.fingerprint}", algorithm=algorithm)
        withdrawn = self._withdrawn({key.fingerprint for key in match.keys}, bench)
        if withdrawn:
            return withdrawn
        if not match.anchors:
            return self._judge_unpinned(signature, match, bench)
        bench = bench.knowing(anchor=match.anchors[0].name)
        if self._is_accepted(signature, match):
            # its policy goes by the machine's clock: one that is years behind lets SHA-1 and short keys in
            fault = strength_fault(signature, match.key) or times_fault(signature, match.key, self.pins.at)
            return _refused(bench, match, fault) if fault else self._verified(signature, match, bench.knowing(tier=STRICT))
        fault = examine(signature, match.certificate, match.history, match.key, self.message.feed(signature), self.pins.at)
        if fault:
            return _refused(bench, match, fault)
        for anchor in match.anchors:
            if anchor.settings.get("tier") == LENIENT and anchor.settings.get("reason"):
                lenient = bench.knowing(anchor=anchor.name, tier=LENIENT, note=anchor.settings["reason"])
                return self._verified(signature, match, lenient)
        return _refused(bench, match, _policy_fault(signature, match))

    def _is_accepted(self, signature: Signature, match: Match) -> bool:
        """Whether Sequoia's standard policy accepts the signature, by this certificate and this key of it."""
        try:
            certificate = pysequoia.Cert.from_bytes(match.certificate.raw)
            (valid,) = self.message.ask(signature.packet, certificate).valid_sigs
        except (RuntimeError, ValueError):
            return False
        return (valid.certificate, valid.signing_key) == (match.fingerprint, match.key.fingerprint)

    def _verified(self, signature: Signature, match: Match, bench: Bench) -> Finding:
        got = f"signed by {match.fingerprint}"
        if match.key != match.certificate.primary:
            got += f" with its subkey {match.key.fingerprint}"
        if signature.kind == TEXT and len(self.message.kinds) > 1:
            got += ", as text: how its lines end is not covered"
        states = {"key_then": "valid", "key_now": match.state(self.pins.at)}
        return bench.knowing(**states).verified(match.identity, got=got)

    def _judge_unpinned(self, signature: Signature, match: Match, bench: Bench) -> Finding:
        """Only a wrong signature is wrong whoever made it; everything else asks for a pin first."""
        signed = is_signed(signature, match.key, self.message.feed(signature))
        if signed is False:
            expected = f"a signature of these bytes by {match.key.fingerprint}"
            return bench.failed(expected, "one that does not hold", identity=match.identity)
        got = f"one by {match.fingerprint}" if signed else f"one in the name of {match.fingerprint}, which was not checked"
        # an archive is believed by anchors of a kind of their own, which vouch for the whole chain
        kind = Kind.DEBIAN if bench.kind == "debian-archive" else Kind.OPENPGP
        hint = pin_hint(kind, match.fingerprint, bench.subject.purl)
        return bench.untrusted(got, identity=match.identity, hint=hint)

    def _without_certificate(self, signature: Signature, bench: Bench) -> Finding:
        named = max(signature.issuers, key=len, default="")
        if not named:
            return bench.untrusted("a signature that names no key")
        pinned = self.book.pinned(signature)
        if pinned:
            got = f"a signature in its name, and no such certificate among the {self.book.size} here"
            return bench.other(Result.UNTRUSTED_KEY, f"the certificate of the pinned key {pinned}", got)
        return bench.untrusted(f"a signature in the name of {named}, whose certificate is not here")

    def _withdrawn(self, names: "frozenset[str] | set[str]", bench: Bench) -> Finding | None:
        found = next((self.pins.revoked[name] for name in sorted(names) if name in self.pins.revoked), None)
        if found is None:
            return None
        got = f"{found.what} is revoked: {found.reason!a:.120}"
        return bench.knowing(key_now="revoked").other(Result.REVOKED, "a key that is still good", got)


def _claimed(signature: Signature) -> dict[str, str]:
    made = signature.created
    return {"signed_at": f"{made:%Y-%m-%dT%H:%M:%SZ}", "time_proof": "claimed"} if made else {}


def _refused(bench: Bench, match: Match, fault: Fault) -> Finding:
    then = {Result.EXPIRED_AT_SIGNING: "expired", Result.REVOKED: "revoked"}.get(fault.result, "")
    result, expected, got = fault
    if result is Result.UNSUPPORTED:
        # Sequoia knows it and says no, but not why
        result, expected, got = Result.FAILED, "a signature that Sequoia accepts", f"a refused one of {got}"
    return bench.knowing(key_then=then).other(result, expected, got, identity=match.identity)


def _policy_fault(signature: Signature, match: Match) -> Fault:
    """Why Sequoia's policy refuses what is mathematically right: its clock is the machine's, its taste is of today."""
    made = signature.created
    now = datetime.now(UTC)
    if made is not None and made > now:
        return Fault(Result.FAILED, f"a signature made by now, {now:%Y-%m-%d} on this machine", f"one of {made:%Y-%m-%d}")
    weak = match.weak_bindings(signature)
    if weak:
        got = f"one that its certificate binds with {weak} only; tier=pinned-lenient with a reason would overlook that"
        return Fault(Result.WEAK_ALGORITHM, "a key that its certificate binds with SHA-256 or stronger", got)
    got = "one that is right but refused; tier=pinned-lenient with a reason would overlook that"
    return Fault(Result.WEAK_ALGORITHM, "a signature that Sequoia's policy of today accepts", got)
