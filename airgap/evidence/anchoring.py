"""Anchors as people add them: from a key file to a pin, and what the settings of each kind may say.

Source: docs/trust.md, "Anchors". A verifier takes an anchor as it finds it: one that cannot be read matches nothing.
Here, where a person adds it, it is refused instead.
"""

import json
import re
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, Final, cast

from airgap.core.anchors import MATERIAL, MAX_MATERIAL, Anchor, Kind
from airgap.core.digest import sha256
from airgap.core.errors import FormatError
from airgap.evidence.pinned import Pinned
from airgap.evidence.pubkey import strict_base64

_MODULES: Final[Mapping[Kind, str]] = {
    Kind.OPENPGP: "openpgp",
    Kind.DEBIAN: "openpgp",
    Kind.NPM: "npm_keys",
    Kind.SIGSTORE: "bundles.trusted_root",
    Kind.MINISIGN: "minisign",
    Kind.SIGNIFY: "signify",
    Kind.SSH: "sshsig",
    Kind.X509: "cms",
    Kind.MODEL: "model_signing",
    Kind.COSIGN: "cosign_blob",
    Kind.PEM: "raw",
}
"""Each format's own module reads its key files; loaded when one is read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rule:
    """What the settings of a kind may say.

    Attributes:
        free: settings that hold any text.
        choices: settings that hold one of some words.
        one_of: of these exactly one has to be there.
        any_of: of these at least one has to be there.
        needed: these have to be there.
        holds_material: whether the pin is of something that the anchor may hold.
    """

    free: frozenset[str] = frozenset()
    choices: Mapping[str, Sequence[str]] = field(default_factory=dict)
    one_of: tuple[str, ...] = ()
    any_of: tuple[str, ...] = ()
    needed: tuple[str, ...] = ()
    holds_material: bool = False


_RULES: Final[Mapping[Kind, _Rule]] = {
    Kind.OPENPGP: _Rule(free=frozenset({"reason"}), choices={"tier": ("strict", "pinned-lenient")}, holds_material=True),
    Kind.DEBIAN: _Rule(free=frozenset({"suite"}), holds_material=True),
    Kind.NPM: _Rule(holds_material=True),
    Kind.SIGSTORE: _Rule(
        free=frozenset({"issuer", "identity", "repository", "workflow", "ref"}),
        choices={"tsa-only": ("yes",)},
        # both where a workflow signs that the repository borrows: its name alone would let everybody pass who borrows it
        any_of=("identity", "repository"),
        needed=("issuer",),
        holds_material=True,
    ),
    Kind.MINISIGN: _Rule(),
    Kind.SIGNIFY: _Rule(),
    Kind.SSH: _Rule(free=frozenset({"namespace", "principal"})),
    Kind.X509: _Rule(
        free=frozenset({"subject", "email"}),
        choices={"eku": ("code-signing", "email-protection", "any")},
        one_of=("subject", "email"),
        holds_material=True,
    ),
    Kind.MODEL: _Rule(),
    Kind.COSIGN: _Rule(free=frozenset({"reference"})),
    Kind.PEM: _Rule(choices={"hash": ("sha256", "sha384", "sha512"), "format": ("raw", "dsse")}),
}
_FINGERPRINTS: Final = re.compile(r"(?:[0-9a-f]{40}|[0-9a-f]{64})(?: (?:[0-9a-f]{40}|[0-9a-f]{64}))*")
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")
_DIGEST_KINDS: Final = (Kind.NPM, Kind.SIGSTORE, Kind.X509)
_OPENPGP_KINDS: Final = (Kind.OPENPGP, Kind.DEBIAN)


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """An anchor as people look at it; ``fault`` says why it vouches for nothing, if it does not."""

    anchor: Anchor
    fingerprint: str
    identity: str
    fault: str | None

    def value(self) -> dict[str, Any]:
        """The anchor as a JSON value, with what a person compares."""
        return {
            **self.anchor.value(),
            "fingerprint": self.fingerprint or None,
            "identity": self.identity or None,
            "fault": self.fault,
        }


def read_material(kind: Kind | None, raw: bytes) -> list[tuple[Kind, Pinned]]:
    """The pins that a key file may stand for: one, or one for each kind that the file's form leaves open.

    Args:
        kind: what the person said; None when the form has to tell.
        raw: a key file, keyring, CA certificate, key list or trusted root, written by anybody.

    Raises:
        FormatError: the form tells no kind, or the file is none of the kind.
    """
    kinds = (kind,) if kind is not None else _kinds(raw)
    if not kinds:
        raise FormatError("key file: expected one whose form tells its kind, got another", hint="say --kind KIND")
    return [(one, _reader(one)(raw)) for one in kinds]


def held_material(kind: Kind, pin: str, raw: bytes) -> bytes | None:
    """What an anchor would hold of a key file, whatever its size; None where the pin is the key itself.

    Raises:
        FormatError: the file is not what the pin names.
    """
    if not _RULES[kind].holds_material:
        return None
    held = _trimmed(kind, pin, raw)
    _check_material(kind, pin, held)
    return held


def check_anchor(anchor: Anchor) -> None:
    """Prove that an anchor can vouch for anything: its pin is one of its kind, and its settings say what they may.

    Raises:
        FormatError: it cannot; one sentence that names the member.
    """
    with_pin = _pinned(anchor.kind, anchor.pin)
    if with_pin.pin != anchor.pin:
        raise FormatError("pin: expected its one canonical form, got another of the same key")
    _check_settings(anchor)
    held = anchor.material
    if held is not None:
        if len(held) > MAX_MATERIAL:
            raise FormatError(f"setting {MATERIAL}: expected at most {MAX_MATERIAL} bytes, got {len(held)}")
        _check_material(anchor.kind, anchor.pin, held)


def see_anchor(anchor: Anchor) -> Seen:
    """An anchor of a trust document for people; never raises for what the document says."""
    try:
        check_anchor(anchor)
        pinned = _pinned(anchor.kind, anchor.pin)
        held = None if anchor.material is None else _reader(anchor.kind)(anchor.material)
    except FormatError as exc:
        return Seen(anchor=anchor, fingerprint="", identity="", fault=exc.message)
    # a keyring that holds more than what is pinned would lend the pin the names of others
    identity = held.identity if held and held.pin == anchor.pin else pinned.identity
    return Seen(anchor=anchor, fingerprint=pinned.fingerprint, identity=identity, fault=None)


def plain_pin(kind: Kind, text: str) -> str:
    """A pin as people write it, in its one form: fingerprints and digests in lower case without what groups them."""
    if kind in _OPENPGP_KINDS:
        words = text.lower().replace(":", "").split()
        joined = "".join(words).removeprefix("0x")
        return joined if len(joined) in {40, 64} else " ".join(word.removeprefix("0x") for word in words)
    if kind in _DIGEST_KINDS:
        return text.lower().removeprefix("sha256:").replace(":", "").replace(" ", "")
    return text.strip()


def _reader(kind: Kind) -> Callable[[bytes], Pinned]:
    return cast("Callable[[bytes], Pinned]", import_module(f"airgap.evidence.{_MODULES[kind]}").read_pin)


def _pinned(kind: Kind, pin: str) -> Pinned:
    """A pin that stands alone. One that is a key itself is read as the key file that it would be."""
    if kind in _OPENPGP_KINDS:
        if not _FINGERPRINTS.fullmatch(pin):
            raise FormatError(f"pin: expected full OpenPGP fingerprints of 40 or 64 lower-case hex digits, got {pin!a:.80}")
        return Pinned(pin=pin, fingerprint=", ".join(map(_grouped, pin.split())), settings={}, identity="")
    if kind in _DIGEST_KINDS:
        if not _DIGEST.fullmatch(pin):
            raise FormatError(f"pin: expected a SHA-256 of 64 lower-case hex digits, got {pin!a:.80}")
        return Pinned(pin=pin, fingerprint=f"sha256:{pin}", settings={}, identity="")
    return _reader(kind)(_key_file(kind, pin))


def _key_file(kind: Kind, pin: str) -> bytes:
    if not pin.isascii() or not pin.isprintable():
        raise FormatError(f"pin: expected plain ASCII text, got {pin!a:.80}")
    match kind:
        case Kind.MINISIGN | Kind.SIGNIFY:
            return f"untrusted comment: {kind} public key\n{pin}\n".encode()
        case Kind.SSH:
            return f"{pin}\n".encode()
        case _:
            body = b64encode(strict_base64(pin, what="pin")).decode()
            lines = "\n".join(body[at : at + 64] for at in range(0, len(body), 64))
            return f"-----BEGIN PUBLIC KEY-----\n{lines}\n-----END PUBLIC KEY-----\n".encode()


def _check_settings(anchor: Anchor) -> None:
    rule = _RULES[anchor.kind]
    said = anchor.settings
    known = {*rule.free, *rule.choices, *((MATERIAL,) if rule.holds_material else ())}
    unknown = sorted(said.keys() - known)
    if unknown:
        allowed = ", ".join(sorted(known)) or "no settings"
        raise FormatError(f"settings of {anchor.kind}: expected {allowed}, got {unknown[0]!a:.80}")
    for name, words in rule.choices.items():
        if name in said and said[name] not in words:
            raise FormatError(f"setting {name}: expected {' or '.join(words)}, got {said[name]!a:.80}")
    for name in sorted(rule.free & said.keys()):
        if not said[name]:
            raise FormatError(f"setting {name}: expected some text, got none")
    for name in rule.needed:
        if name not in said:
            raise FormatError(f"settings of {anchor.kind}: expected {name}, got none")
    if rule.any_of and not said.keys() & set(rule.any_of):
        raise FormatError(f"settings of {anchor.kind}: expected {' or '.join(rule.any_of)}, got neither")
    if rule.one_of and len(said.keys() & set(rule.one_of)) != 1:
        count = "both" if said.keys() & set(rule.one_of) else "neither"
        raise FormatError(f"settings of {anchor.kind}: expected {' or '.join(rule.one_of)}, got {count}")
    _check_together(anchor)


def _check_together(anchor: Anchor) -> None:
    """Settings that ask for one another."""
    said = anchor.settings
    if anchor.kind is Kind.OPENPGP and (said.get("tier") == "pinned-lenient") != ("reason" in said):
        got = "a reason without it" if "reason" in said else "none"
        raise FormatError(f"settings of openpgp: expected a reason for tier pinned-lenient, got {got}")
    stray = {"workflow", "ref"} & said.keys()
    if stray and "repository" not in said:
        raise FormatError(f"setting {min(stray)}: expected it beside repository, got it without")


def _check_material(kind: Kind, pin: str, held: bytes) -> None:
    if kind in _DIGEST_KINDS:
        if sha256(held).hex() != pin:
            raise FormatError(f"{MATERIAL}: expected what the pin names, got sha256 {sha256(held).hex()}")
        return
    missing = set(pin.split()) - set(_reader(kind)(held).pin.split())
    if missing:
        raise FormatError(f"{MATERIAL}: expected the key {min(missing)}, got others")


def _trimmed(kind: Kind, pin: str, raw: bytes) -> bytes:
    """Of a key file, what the pin is about, in its shortest form."""
    if kind is Kind.X509:
        return _certificate(pin, raw)
    if kind in _OPENPGP_KINDS:
        from airgap.evidence.openpgp import trim  # noqa: PLC0415 -- only where such a key is added

        return trim(pin, raw)
    return raw


def _certificate(pin: str, raw: bytes) -> bytes:
    """The pinned one of a file's certificates, in DER: that is what the pin is the digest of."""
    from airgap.evidence.x509.certificates import der_of, pin_of, read_certificates  # noqa: PLC0415 -- only where a CA is added

    return next((der_of(one) for one in read_certificates(raw) if pin_of(one) == pin), raw)


def _kinds(raw: bytes) -> tuple[Kind, ...]:
    """The kinds that the form of a file leaves open: none, one, or a few."""
    first = raw[:4096].lstrip().split(b"\n", 1)[0].strip()
    for form, kinds in _FORMS:
        if re.match(form, first):
            return kinds
    if first.startswith(b"{"):
        return _json_kinds(raw)
    # the first octet of an OpenPGP certificate: tag 6 in the old form with 1, 2 or 4 octets of length, or in the new one
    return (Kind.OPENPGP,) if raw[:1] in {b"\x98", b"\x99", b"\x9a", b"\xc6"} else ()


_FORMS: Final[Sequence[tuple[bytes, tuple[Kind, ...]]]] = (
    (rb"-----BEGIN PGP PUBLIC KEY BLOCK", (Kind.OPENPGP,)),
    (rb"-----BEGIN CERTIFICATE", (Kind.X509,)),
    (rb"-----BEGIN PUBLIC KEY", (Kind.PEM,)),
    (rb"untrusted comment: minisign public key [0-9A-F]{16}$", (Kind.MINISIGN,)),
    (rb"untrusted comment: .* public key$", (Kind.SIGNIFY,)),
    # both programs write the same 42 bytes, and make different signatures with them
    (rb"untrusted comment: |RW", (Kind.SIGNIFY, Kind.MINISIGN)),
    (rb"(?:\S+ ){0,2}(?:ssh-|ecdsa-sha2-|sk-)", (Kind.SSH,)),
)


def _json_kinds(raw: bytes) -> tuple[Kind, ...]:
    try:
        said = json.loads(raw.decode("utf-8"))
    except (ValueError, RecursionError):
        return ()
    members = said.keys() if isinstance(said, dict) else ()
    return tuple(kind for member, kind in (("tlogs", Kind.SIGSTORE), ("keys", Kind.NPM)) if member in members)


def _grouped(fingerprint: str) -> str:
    """As gpg prints it, without its double blank in the middle."""
    return " ".join(fingerprint.upper()[at : at + 4] for at in range(0, len(fingerprint), 4))
