"""Makes the vectors of CMS and of timestamps anew: ``python -m tests.evidence.make_x509_vectors``.

Needs openssl 3 and faketime. The keys are new each time and are not kept. Run this only to add a vector.
"""

import tempfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from asn1crypto import tsp  # type: ignore[import-untyped]
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding

from tests.evidence.issuing import MAIL, key, name, purpose
from tests.evidence.workshop import SIGNED, Workshop, open_workshop, signature_of, with_token

VECTORS = Path(__file__).parent / "vectors"
CONTENT = b"the content that all these signatures are over\n"


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        workshop = open_workshop(Path(folder))
        workshop.make("rsa", "rsa2048")
        workshop.make("mail", "p256", purpose(MAIL), (x509.SubjectAlternativeName([x509.RFC822Name("b@A.example")]), False))
        workshop.file(CONTENT)
        keep = _keeper(VECTORS / "cms")
        keep("content", CONTENT)
        for which in ("root", "middle", "signer"):
            keep(f"{which}.pem", (workshop.folder / f"{which}.pem").read_bytes())
        for one, signature in _signatures(workshop).items():
            keep(one, signature)
        keep("revoking.crl", _list(workshop, workshop.made["signer"].serial_number))
        keep("empty.crl", _list(workshop))
        keep = _keeper(VECTORS / "timestamp")
        keep("content", CONTENT)
        for which in ("root", "middle", "tsa"):
            keep(f"{which}.pem", (workshop.folder / f"{which}.pem").read_bytes())
        for digest in ("sha256", "sha384", "sha512"):
            keep(f"{digest}.tsr", workshop.stamp(CONTENT, digest=digest))
        keep("weak.tsr", workshop.stamp(CONTENT, digest="sha1"))
        keep("version1.tsr", workshop.stamp(CONTENT, ess="sha1"))
        keep("bare.tsr", workshop.stamp(CONTENT, certificates=False))
        keep("token.der", token_of(workshop.stamp(CONTENT)))


def token_of(reply: bytes) -> bytes:
    return bytes(tsp.TimeStampResp.load(reply)["time_stamp_token"].dump())


def _keeper(folder: Path) -> Callable[[str, bytes], object]:
    folder.mkdir(parents=True, exist_ok=True)
    return lambda one, content: (folder / one).write_bytes(content)


def _signatures(workshop: Workshop) -> dict[str, bytes]:
    sign = workshop.sign
    plain = sign(CONTENT)
    both = ["-signer", "rsa.pem", "-inkey", "rsa.key"]
    return {
        "plain.p7s": plain,
        "bare.p7s": sign(CONTENT, "-noattr"),
        "key-identifier.p7s": sign(CONTENT, "-keyid"),
        "sha512.p7s": sign(CONTENT, "-md", "sha512"),
        "sha1.p7s": sign(CONTENT, "-md", "sha1"),
        "embedded.p7m": sign(CONTENT, "-nodetach"),
        "streamed.p7s": sign(CONTENT, "-stream"),
        "armored.p7s": sign(CONTENT, form="PEM"),
        "smime.p7s": sign(CONTENT, form="PEM", tool="smime"),
        "rsa.p7s": sign(CONTENT, signer="rsa"),
        "rsa-bare.p7s": sign(CONTENT, "-noattr", signer="rsa"),
        "pss.p7s": sign(CONTENT, "-keyopt", "rsa_padding_mode:pss", signer="rsa"),
        "two.p7s": sign(CONTENT, *both),
        "mail.p7s": sign(CONTENT, signer="mail"),
        "without-certificates.p7s": sign(CONTENT, "-nocerts"),
        "stamped.p7s": with_token(plain, token_of(workshop.stamp(signature_of(plain)))),
        "stamped-elsewhere.p7s": with_token(plain, token_of(workshop.stamp(CONTENT))),
    }


def _list(workshop: Workshop, *serials: int) -> bytes:
    now = SIGNED + timedelta(days=30)
    builder = x509.CertificateRevocationListBuilder().issuer_name(name("Middle")).last_update(now)
    builder = builder.next_update(datetime(2027, 1, 1, tzinfo=UTC))
    for serial in serials:
        entry = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(now)
        entry = entry.add_extension(x509.CRLReason(x509.ReasonFlags.key_compromise), critical=False)
        builder = builder.add_revoked_certificate(entry.build())
    return builder.sign(key(name="middle"), hashes.SHA256()).public_bytes(Encoding.DER)


if __name__ == "__main__":
    main()
