"""OpenPGP and what builds on it: detached, twice in one file, by an old certificate, clearsigned, a Debian archive."""

from pathlib import Path
from typing import Final

from tests.clients.kind import Kind, Pin, vector

_OWN: Final = Path(__file__).parent / "vectors"
_MESSAGE: Final = vector("openpgp/message.txt")
_ED25519, _RSA, _OTHER = (vector(f"openpgp/{name}.pgp") for name in ("ed25519", "rsa3072", "p256"))


def _own(name: str) -> bytes:
    return (_OWN / name).read_bytes()


OPENPGP: Final = [
    Kind(
        name="openpgp-ed25519",
        finding="openpgp",
        content=_MESSAGE,
        evidence={"a.txt.asc": vector("openpgp/ed25519.asc")},
        pins=[Pin(kind="openpgp", source=_ED25519, other=_OTHER)],
    ),
    Kind(
        name="openpgp-rsa",
        finding="openpgp",
        content=_MESSAGE,
        evidence={"a.txt.sig": vector("openpgp/rsa3072.sig")},
        keys={"openpgp-rsa.gpg": _RSA},
        pins=[Pin(kind="openpgp", source=_RSA, other=_OTHER, holds=False)],
    ),
    Kind(
        name="openpgp-two",
        finding="openpgp",
        content=_MESSAGE,
        evidence={"a.txt.sig": vector("openpgp/both.sig")},
        pins=[Pin(kind="openpgp", source=own, other=_OTHER) for own in (_ED25519, _RSA)],
    ),
    Kind(
        name="openpgp-lenient",
        finding="openpgp",
        content=_MESSAGE,
        evidence={"a.txt.sig": vector("openpgp/old.sig")},
        keys={"openpgp-lenient.gpg": vector("openpgp/old.pgp")},
        pins=[
            Pin(
                kind="openpgp",
                source=vector("openpgp/old.pgp"),
                other=vector("openpgp/oldsub.pgp"),
                settings={"tier": "pinned-lenient", "reason": "its maintainer vanished in 2016"},
                holds=False,
            )
        ],
    ),
    Kind(
        name="clearsigned-sums",
        finding="sums",
        evidence={"SHA256SUMS.asc": _own("SHA256SUMS.asc")},
        pins=[Pin(kind="openpgp", source=_own("releases.pgp"), other=_OTHER)],
    ),
]
DEBIAN: Final = [
    Kind(
        name="debian-inrelease",
        finding="debian-archive",
        file="hello_2.10-3_amd64.deb",
        content=_own("hello_2.10-3_amd64.deb"),
        purl="pkg:deb/debian/hello@2.10-3?arch=amd64",
        evidence={"InRelease": _own("InRelease"), "Packages": _own("Packages")},
        pins=[Pin(kind="debian-keyring", source=_own("archive.pgp"), other=_OTHER, settings={"suite": "bookworm"})],
        blamed={"Packages": "InRelease"},
    ),
    Kind(
        name="debian-release",
        finding="debian-archive",
        file="hello_2.10-3_amd64.deb",
        content=_own("hello_2.10-3_amd64.deb"),
        purl="pkg:deb/debian/hello@2.10-3?arch=amd64&repository=two",
        evidence={"Release": _own("Release"), "Release.gpg": _own("Release.gpg"), "Packages": _own("Packages")},
        keys={"debian-release.gpg": _own("archive.pgp")},
        pins=[Pin(kind="debian-keyring", source=_own("archive.pgp"), other=_OTHER, holds=False)],
        blamed={"Packages": "Release", "Release.gpg": "Release"},
    ),
]
