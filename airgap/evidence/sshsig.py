"""Signatures of files that ssh-keygen makes with SSH keys.

Source: PROTOCOL.sshsig of OpenSSH; RFC 4251, section 5 (string, mpint); RFC 5656, section 3.1; RFC 8332; RFC 8709. The key
stands in the signature and proves nothing until it is the pinned one.
"""

import base64
import re
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple, Self

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from airgap.core.anchors import Anchor, Kind
from airgap.core.digest import sha256
from airgap.core.errors import FormatError
from airgap.core.reasons import Reason
from airgap.core.verdict import Finding, Result, Vouches
from airgap.evidence.pinned import LIBRARY, Candidate, Pinned, settle
from airgap.evidence.pubkey import Key, strict_base64
from airgap.evidence.subject import Bench, Piece, Pins, Subject

KIND: Final = "sshsig"
NAMESPACE: Final = "file"
"""What ``ssh-keygen -Y sign -n`` is told by convention when a file is signed."""
_MAGIC: Final = b"SSHSIG"
_VERSION: Final = b"\0\0\0\1"
_FIRST: Final = b"-----BEGIN SSH SIGNATURE-----"
_LAST: Final = b"-----END SSH SIGNATURE-----"
_HASHES: Final = {b"sha256": "sha256", b"sha512": "sha512"}
# the hash of the signature itself, which belongs to its algorithm; none for Ed25519
_ALGORITHMS: Final[Mapping[tuple[bytes, bytes], str | None]] = {
    (b"ssh-ed25519", b"ssh-ed25519"): None,
    (b"ecdsa-sha2-nistp256", b"ecdsa-sha2-nistp256"): "sha256",
    (b"ecdsa-sha2-nistp384", b"ecdsa-sha2-nistp384"): "sha384",
    (b"ecdsa-sha2-nistp521", b"ecdsa-sha2-nistp521"): "sha512",
    (b"ssh-rsa", b"rsa-sha2-256"): "sha256",
    (b"ssh-rsa", b"rsa-sha2-512"): "sha512",
}
_KEY_TYPES: Final = frozenset(key_type for key_type, _ in _ALGORITHMS)
_WEAK: Final = {b"ssh-dss": "a DSA key", b"ssh-rsa": "RSA with SHA-1"}
_WORD: Final = re.compile(r'(?:[^\s"]|"[^"]*")++')
_NAMESPACES: Final = re.compile(r'(?i:namespaces)="([^"*?!]+)"')
_MAX_LINE: Final = 64 * 1024


class _NotTaken(FormatError):  # noqa: N818 -- it is well formed
    """A key or signature of a kind that is not taken."""

    def __init__(self, result: Result, got: str) -> None:
        super().__init__(f"SSH signature: expected Ed25519, ECDSA or RSA with SHA-2, got {got}")
        self.result = result
        self.got = got


class Signature(NamedTuple):
    """What an SSH signature says, all of it claims.

    Attributes:
        blob: the public key as SSH writes it.
        namespace: what the signature was made for.
        hash_name: of the message.
        algorithm: of the signature, as SSH names it.
        value: the signature as that algorithm packs it.
    """

    blob: bytes
    namespace: bytes
    hash_name: bytes
    algorithm: bytes
    value: bytes

    @classmethod
    def parse(cls, raw: bytes) -> Self:
        """Read the armoured text.

        Raises:
            FormatError: anything that PROTOCOL.sshsig does not allow.
        """
        lines = raw.removesuffix(b"\n").split(b"\n")
        if len(lines) < 3 or lines[0] != _FIRST or lines[-1] != _LAST:
            raise FormatError("signature: expected an armoured SSH signature, got other text")
        packed = strict_base64(b"".join(lines[1:-1]).decode("ascii", "replace"), what="signature")
        if not packed.startswith(_MAGIC + _VERSION):
            raise FormatError("signature: expected SSHSIG version 1, got other bytes")
        blob, namespace, reserved, hash_name, signature = _strings(packed[len(_MAGIC + _VERSION) :], 5)
        algorithm, value = _strings(signature, 2)
        if not namespace or reserved:
            raise FormatError("signature: expected a namespace and nothing reserved, got otherwise")
        if hash_name not in _HASHES:
            raise FormatError(f"signature: expected sha256 or sha512, got {hash_name!a:.40}")
        return cls(blob, namespace, hash_name, algorithm, value)

    def message(self, subject: Subject) -> bytes:
        """The bytes that were signed: they hold the namespace and the artifact's digest."""
        digest = subject.digest(_HASHES[self.hash_name])
        return _MAGIC + b"".join(map(_string, (self.namespace, b"", self.hash_name, digest)))

    def is_by(self, key: Key, key_type: bytes, subject: Subject) -> bool:
        """Whether it holds for an artifact and a key.

        Raises:
            FormatError: an algorithm that does not belong to the key (T128), or ECDSA numbers that are none.
        """
        if (key_type, self.algorithm) not in _ALGORITHMS:
            raise FormatError(f"signature: expected an algorithm of the key, got {self.algorithm!a:.40}")
        chosen = _ALGORITHMS[key_type, self.algorithm]
        value = _ecdsa(self.value) if key_type.startswith(b"ecdsa-") else self.value
        return key.is_signed(self.message(subject), value, algorithm=chosen)


def read_pin(raw: bytes) -> Pinned:
    """What pins the key in a ``.pub`` file or in a line of an allowed_signers file.

    Raises:
        FormatError: not exactly one such line, an option that an anchor cannot say, or a weak key.
    """
    lines = [line for line in raw.decode("utf-8", "replace").splitlines() if line.strip() and not line.startswith("#")]
    if len(lines) != 1 or len(lines[0]) > _MAX_LINE:
        raise FormatError(f"SSH public key: expected one line, got {len(lines)}")
    words = _WORD.findall(lines[0]) if lines[0].count('"') % 2 == 0 else []
    at = next((i for i, word in enumerate(words[:3]) if word.encode() in _KEY_TYPES), None)
    if at is None or len(words) < at + 2:
        raise FormatError("SSH public key: expected a type and a key, got other text or a type that is not taken")
    pin = f"{words[at]} {words[at + 1]}"
    settings = _settings(words[:at])
    key = _pinned_key(pin)
    comment = " ".join(words[at + 2 :])
    identity = _fingerprint(base64.b64decode(words[at + 1])) + (f" {comment!a:.80}" if comment else "")
    return Pinned(pin, key.fingerprint, settings, identity)


def verify(subject: Subject, piece: Piece, beside: Sequence[Piece], pins: Pins) -> list[Finding]:  # noqa: ARG001 -- its key is in it
    """Judge an SSH signature; see ``Verifier``."""
    bench = Bench.of(subject, piece, KIND, library=LIBRARY, vouches=Vouches.PUBLISHER)
    try:
        return [_judge(bench, Signature.parse(piece.content), pins)]
    except _NotTaken as exc:
        return [bench.other(exc.result, "Ed25519, ECDSA or RSA with SHA-2", exc.got)]
    except FormatError as exc:
        if exc.reason is Reason.WEAK_KEY:
            return [bench.other(Result.WEAK_ALGORITHM, "a key that nobody else can sign with", exc.message)]
        return [bench.failed("an SSH signature that holds", exc.message)]


def _judge(bench: Bench, signature: Signature, pins: Pins) -> Finding:
    key_type, key = _key(signature.blob)
    _refuse_weak(signature.algorithm)
    identity = _fingerprint(signature.blob)
    pin = f"{key_type.decode()} {base64.b64encode(signature.blob).decode()}"
    bench = bench.knowing(algorithm=f"{key.algorithm}/{_HASHES[signature.hash_name]}")
    if not signature.is_by(key, key_type, bench.subject):
        bench = bench.knowing(fingerprint=key.fingerprint)
        return bench.failed(f"a signature of these bytes by {identity}", "one that does not hold", identity=identity)
    anchors = [anchor for anchor in pins.of(Kind.SSH) if _pinned_blob(anchor.pin) == signature.blob]
    meant = [anchor for anchor in anchors if _namespace(anchor) == signature.namespace]
    if anchors and not meant:
        bench = bench.knowing(fingerprint=key.fingerprint, anchor=anchors[0].name)
        expected = f"the namespace {_namespace(anchors[0])!a:.80}"
        return bench.failed(expected, f"a signature for {signature.namespace!a:.80}", identity=identity)
    anchor = meant[0] if meant else None
    shown = anchor.settings.get("principal", identity) if anchor else identity
    return settle(bench, Kind.SSH, Candidate(key, pin, shown, anchor=anchor), pins)


def _key(blob: bytes) -> tuple[bytes, Key]:
    """Type and key in a public key blob, which has to be the one that SSH would write."""
    key_type, _ = _take(blob)
    if key_type.startswith(b"sk-"):
        raise _NotTaken(Result.UNSUPPORTED, "a key on a security token (sk-), whose signatures are not verified here")
    if b"-cert-v01@" in key_type:
        raise _NotTaken(Result.UNSUPPORTED, "an SSH certificate instead of a key")
    if key_type == b"ssh-dss":
        raise _NotTaken(Result.WEAK_ALGORITHM, _WEAK[key_type])
    if key_type not in _KEY_TYPES:
        raise FormatError(f"SSH public key: expected a known type, got {key_type!a:.40}")
    try:
        loaded = serialization.load_ssh_public_key(key_type + b" " + base64.b64encode(blob))
    except (ValueError, UnsupportedAlgorithm, NotImplementedError) as exc:  # the last: a compressed point
        raise FormatError("SSH public key: expected one of its type, got other bytes") from exc
    written = loaded.public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    if written != key_type + b" " + base64.b64encode(blob):
        raise FormatError("SSH public key: expected its one encoding, got another (T125)")
    return key_type, Key.of(loaded)


def _refuse_weak(algorithm: bytes) -> None:
    if algorithm in _WEAK:
        raise _NotTaken(Result.WEAK_ALGORITHM, _WEAK[algorithm])


def _pinned_key(pin: str) -> Key:
    key_type, key = _key(_pinned_blob(pin) or b"")
    if not pin.startswith(f"{key_type.decode()} "):
        raise FormatError("SSH public key: expected the type that the key says, got another")
    return key


def _pinned_blob(pin: str) -> bytes | None:
    """The key of an anchor; a pin that cannot be read matches nothing."""
    try:
        return strict_base64(pin.partition(" ")[2], what="pin")
    except FormatError:
        return None


def _namespace(anchor: Anchor) -> bytes:
    return anchor.settings.get("namespace", NAMESPACE).encode()


def _settings(words: Sequence[str]) -> Mapping[str, str]:
    """The settings that stand before the key in a line of allowed_signers: principals, then options."""
    if not words:
        return {}
    settings = {"principal": words[0].strip('"').split(",")[0]}
    for option in words[1:]:
        found = _NAMESPACES.fullmatch(option)
        names = found[1].split(",") if found else []
        if NAMESPACE not in names and len(names) != 1:
            raise FormatError(
                "SSH public key: expected one namespace as the only option, got one that an anchor cannot say"
            )
        settings["namespace"] = NAMESPACE if NAMESPACE in names else names[0]
    return settings


def _fingerprint(blob: bytes) -> str:
    """As ``ssh-keygen -l`` shows it."""
    return "SHA256:" + base64.b64encode(sha256(blob)).decode().rstrip("=")


def _ecdsa(value: bytes) -> bytes:
    """The two numbers of an ECDSA signature in DER. Source: RFC 5656, 3.1.2."""
    r, s = (_positive(part) for part in _strings(value, 2))
    return encode_dss_signature(r, s)


def _positive(raw: bytes) -> int:
    number = int.from_bytes(raw, "big")
    # RFC 4251: the shortest form, and a first bit of 1 would make it negative
    if not raw or len(raw) != number.bit_length() // 8 + 1:
        raise FormatError("signature: expected a positive number in its shortest form, got other bytes")
    return number


def _string(raw: bytes) -> bytes:
    return len(raw).to_bytes(4, "big") + raw


def _strings(raw: bytes, count: int) -> list[bytes]:
    """Exactly so many strings, and nothing after them."""
    found = []
    for _ in range(count):
        text, raw = _take(raw)
        found.append(text)
    if raw:
        raise FormatError("signature: expected nothing at the end, got more bytes")
    return found


def _take(raw: bytes) -> tuple[bytes, bytes]:
    size = int.from_bytes(raw[:4], "big")
    if len(raw) < 4 + size:
        raise FormatError("signature: expected a string, got fewer bytes than it says")
    return raw[4 : 4 + size], raw[4 + size :]
