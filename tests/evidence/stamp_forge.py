"""RFC 3161 responses, made on the spot by an authority of the tests. DER by hand: short, and not by the code under test."""

import hashlib
from datetime import datetime
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.evidence import issuing

SHA256 = "2.16.840.1.101.3.4.2.1"
ECDSA_SHA256 = "1.2.840.10045.4.3.2"


def tlv(tag: int, *parts: bytes) -> bytes:
    body = b"".join(parts)
    if len(body) < 0x80:
        return bytes([tag, len(body)]) + body
    size = (len(body).bit_length() + 7) // 8
    return bytes([tag, 0x80 | size]) + len(body).to_bytes(size, "big") + body


def seq(*parts: bytes) -> bytes:
    return tlv(0x30, *parts)


def integer(number: int) -> bytes:
    return tlv(0x02, number.to_bytes(number.bit_length() // 8 + 1, "big"))


def oid(dotted: str) -> bytes:
    first, second, *rest = (int(part) for part in dotted.split("."))
    return tlv(0x06, bytes([first * 40 + second]), *(_base128(arc) for arc in rest))


def _base128(number: int) -> bytes:
    groups = [number & 0x7F]
    while number := number >> 7:
        groups.append(number & 0x7F | 0x80)
    return bytes(reversed(groups))


class Stamper:
    """A timestamp authority: a root, and a certificate for timestamps under it."""

    def __init__(self, name: str, *, start: datetime, end: datetime) -> None:
        root_key, self.key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
        span: dict[str, Any] = {"start": start, "end": end}
        root = issuing.authority(f"{name} root", root_key, **span)
        extensions = [issuing.purpose(issuing.STAMP, critical=True), (issuing.usage("digital_signature"), True)]
        self.certificate = issuing.issue(name, self.key, root, root_key, extensions=extensions, **span)
        self.chain = [self.certificate, root]

    def stamp(self, message: bytes, at: datetime, *, is_embedded: bool = False) -> bytes:
        """A TimeStampResp over a message."""
        info = seq(
            integer(1),
            oid("1.2.3.4"),
            seq(seq(oid(SHA256)), tlv(0x04, hashlib.sha256(message).digest())),
            integer(7),
            tlv(0x18, at.strftime("%Y%m%d%H%M%SZ").encode()),
        )
        attributes = self._attributes(info, at)
        signature = self.key.sign(tlv(0x31, *attributes), ec.ECDSA(hashes.SHA256()))
        signer = seq(
            integer(1),
            seq(_name(self.certificate.issuer), integer(self.certificate.serial_number)),
            seq(oid(SHA256)),
            tlv(0xA0, *attributes),
            seq(oid(ECDSA_SHA256)),
            tlv(0x04, signature),
        )
        certificates = [tlv(0xA0, _der(self.certificate))] if is_embedded else []
        content = seq(oid("1.2.840.113549.1.9.16.1.4"), tlv(0xA0, tlv(0x04, info)))
        data = seq(integer(3), tlv(0x31, seq(oid(SHA256))), content, *certificates, tlv(0x31, signer))
        token = seq(oid("1.2.840.113549.1.7.2"), tlv(0xA0, data))
        return seq(seq(integer(0)), token)

    def _attributes(self, info: bytes, at: datetime) -> list[bytes]:
        certificate = seq(seq(seq(tlv(0x04, hashlib.sha256(_der(self.certificate)).digest()))))
        values = {
            "1.2.840.113549.1.9.3": oid("1.2.840.113549.1.9.16.1.4"),
            "1.2.840.113549.1.9.5": tlv(0x17, at.strftime("%y%m%d%H%M%SZ").encode()),
            "1.2.840.113549.1.9.4": tlv(0x04, hashlib.sha256(info).digest()),
            "1.2.840.113549.1.9.16.2.47": certificate,
        }
        # a set is sorted by its encoding (X.690, 11.6)
        return sorted(seq(oid(kind), tlv(0x31, value)) for kind, value in values.items())


def _der(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.DER)


def _name(name: x509.Name) -> bytes:
    return name.public_bytes()
