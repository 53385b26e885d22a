"""Signatures and timestamps by openssl, with certificates made on the spot; openssl is the oracle too."""

import subprocess
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from asn1crypto import cms  # type: ignore[import-untyped]
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.evidence.issuing import CODE, STAMP, authority, issue, key, purpose, usage

SIGNED = datetime(2026, 6, 1, 12, tzinfo=UTC)
"""When openssl believes it is."""
START, END = datetime(2026, 1, 1, tzinfo=UTC), datetime(2036, 1, 1, tzinfo=UTC)
SIGNER_END = datetime(2027, 1, 1, tzinfo=UTC)
_CONFIG = """
[tsa]
default_tsa = one
[one]
serial = {folder}/serial
signer_cert = {folder}/{tsa}.pem
signer_key = {folder}/{tsa}.key
certs = {folder}/middle.pem
crypto_device = builtin
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha1, sha256, sha384, sha512
accuracy = secs:1
ess_cert_id_chain = no
ess_cert_id_alg = {ess}
ordering = no
tsa_name = yes
"""


@dataclass(frozen=True)
class Workshop:
    """A root, an authority under it, signers of code and an authority of timestamps."""

    folder: Path
    made: dict[str, x509.Certificate] = field(default_factory=dict)

    def make(self, name: str, kind: str = "p256", *extensions: Any, start: datetime = START, end: datetime = END) -> None:
        """A leaf's key and certificate, by the authority in the middle."""
        own = key(kind, name)
        extensions = extensions or (purpose(CODE), (usage("digital_signature"), True))
        identifier = (x509.SubjectKeyIdentifier.from_public_key(own.public_key()), False)
        leaf = issue(name, own, self.middle, key(name="middle"), extensions=[*extensions, identifier], start=start, end=end)
        self.put(name, leaf, own)

    def put(self, name: str, certificate: x509.Certificate, own: Any) -> None:
        """Files of a certificate and its key."""
        self.made[name] = certificate
        (self.folder / f"{name}.pem").write_bytes(certificate.public_bytes(Encoding.PEM))
        (self.folder / f"{name}.key").write_bytes(own.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))

    @cached_property
    def root(self) -> x509.Certificate:
        """What is pinned."""
        root = authority("Root", key(name="root"), start=START, end=END)
        self.put("root", root, key(name="root"))
        return root

    @cached_property
    def middle(self) -> x509.Certificate:
        """What issues the leaves."""
        middle = authority("Middle", key(name="middle"), self.root, key(name="root"), start=START, end=END)
        self.put("middle", middle, key(name="middle"))
        return middle

    def file(self, content: bytes) -> Path:
        """A file with a content."""
        path = self.folder / "content"
        path.write_bytes(content)
        return path

    def sign(self, content: bytes, *options: str, signer: str = "signer", form: str = "DER", tool: str = "cms") -> bytes:
        """A detached signature by ``openssl cms``, with the certificates of the signer and its authority."""
        out = self.folder / "signature"
        given = ["-signer", f"{signer}.pem", "-inkey", f"{signer}.key", "-certfile", "middle.pem"]
        self.run(tool, "-sign", "-binary", "-in", "content", "-outform", form, "-out", "signature", *given, *options,
                 content=content)  # fmt: skip
        return out.read_bytes()

    def is_good(self, content: bytes, signature: bytes, *options: str, at: datetime = SIGNED, form: str = "DER") -> bool:
        """What ``openssl cms -verify`` says of a detached signature."""
        (self.folder / "checked").write_bytes(signature)
        (self.folder / "content").write_bytes(content)
        command = ["openssl", "cms", "-verify", "-binary", "-inform", form, "-in", "checked", "-content", "content",
                   "-CAfile", "root.pem", "-purpose", "any", "-attime", str(int(at.timestamp())),
                   "-out", "/dev/null", *options]  # fmt: skip
        return subprocess.run(command, cwd=self.folder, capture_output=True, check=False).returncode == 0

    def stamp(
        self, message: bytes, *, tsa: str = "tsa", digest: str = "sha256", ess: str = "sha256", certificates: bool = True
    ) -> bytes:
        """A response by ``openssl ts`` about a message."""
        (self.folder / "serial").write_text("01\n")
        (self.folder / "config").write_text(_CONFIG.format(folder=self.folder, tsa=tsa, ess=ess))
        wanted = ["-cert"] if certificates else []
        self.run("ts", "-query", "-data", "content", f"-{digest}", *wanted, "-out", "query", content=message)
        self.run("ts", "-reply", "-config", "config", "-section", "one", "-queryfile", "query", "-out", "reply")
        return (self.folder / "reply").read_bytes()

    def is_stamped(self, message: bytes, reply: bytes, *, at: datetime = SIGNED) -> bool:
        """What ``openssl ts -verify`` says of a response."""
        (self.folder / "checked").write_bytes(reply)
        (self.folder / "content").write_bytes(message)
        carried = [self.folder / f"{name}.pem" for name in ("middle", "tsa")]
        (self.folder / "untrusted.pem").write_bytes(b"".join(path.read_bytes() for path in carried))
        command = ["openssl", "ts", "-verify", "-in", "checked", "-data", "content", "-CAfile", "root.pem",
                   "-untrusted", "untrusted.pem", "-attime", str(int(at.timestamp()))]  # fmt: skip
        return subprocess.run(command, cwd=self.folder, capture_output=True, check=False).returncode == 0

    def run(self, *words: str, content: bytes | None = None) -> None:
        """Run openssl in the folder at the time of signing."""
        if content is not None:
            (self.folder / "content").write_bytes(content)
        when = SIGNED.strftime("%Y-%m-%d %H:%M:%S")
        command = ["faketime", "-f", when, "openssl", *words]
        subprocess.run(
            command, cwd=self.folder, capture_output=True, check=True, env={"TZ": "UTC", "PATH": "/usr/bin:/bin"}
        )


def open_workshop(folder: Path) -> Workshop:
    """A workshop with a signer and an authority of timestamps."""
    workshop = Workshop(folder)
    workshop.make("signer", end=SIGNER_END)
    workshop.make("tsa", "p256", purpose(STAMP, critical=True), (usage("digital_signature"), True))
    return workshop


def with_token(signature: bytes, token: bytes) -> bytes:
    """A signature with a timestamp of it among its unsigned attributes (RFC 3161, appendix A)."""
    info = cms.ContentInfo.load(signature)
    signer = info["content"]["signer_infos"][0]
    signer["unsigned_attrs"] = [{"type": "signature_time_stamp_token", "values": [cms.ContentInfo.load(token)]}]
    return bytes(info.dump(force=True))


def signature_of(document: bytes) -> bytes:
    """The first signature in a document: what a timestamp is about."""
    return bytes(cms.ContentInfo.load(document)["content"]["signer_infos"][0]["signature"].native)
