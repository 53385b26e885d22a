"""The same signatures through gpgv and sqv, and real ones of upstream projects: needs those tools, apt and its registry."""

import re
import shutil
import subprocess
import tarfile
from collections.abc import Sequence
from pathlib import Path

import pytest

from airgap.core.anchors import Kind
from airgap.core.entries import Role
from airgap.core.verdict import Finding, Result
from airgap.evidence import openpgp
from airgap.evidence.pgp.certificates import gather_certificates
from airgap.evidence.subject import Bench, Subject
from tests.evidence.bench import anchor, piece, pins, subject
from tests.evidence.test_openpgp import LENIENT, STRICT, VECTORS, V, one
from tests.evidence.test_openpgp_hostile import message

__all__ = ["message"]

GPGV = {
    # gpgv says what is mathematically right and exits with 0; only its status lines tell the rest
    "rsa1024.sig": "GOODSIG",
    "dsa1024.sig": "GOODSIG",
    "rsa3072-sha1.sig": "GOODSIG",
    "rsa3072-ripemd160.sig": "GOODSIG",
    "old.sig": "GOODSIG",
    "oldsub.sig": "GOODSIG",
    "olded.sig": "GOODSIG",
    "ed25519-future.sig": "GOODSIG",
    "ended-late.sig": "EXPKEYSIG",
    "revoked.sig": "REVKEYSIG",
    "revoked-late.sig": "REVKEYSIG",
    "superseded-late.sig": "REVKEYSIG",
    "retired-late.sig": "REVKEYSIG",
}
"""Signatures that we refuse and gpgv exits with 0 for."""
NOW_GONE = {"ended.sig": "EXPKEYSIG", "superseded.sig": "REVKEYSIG", "retired.sig": "REVKEYSIG"}
"""Those of keys that went out of use later; we accept them and say so, too."""


def gpgv(keyring: Path, signature: Path, content: Path) -> tuple[int, str]:
    command = ["gpgv", "--status-fd", "1", "--keyring", str(keyring), str(signature), str(content)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    words = re.findall(r"GOODSIG|EXPSIG|EXPKEYSIG|REVKEYSIG|BADSIG|ERRSIG", done.stdout)
    return done.returncode, " ".join(words)


def sqv(keyring: Path, signature: Path, content: Path) -> int:
    command = ["sqv", "--keyring", str(keyring), str(signature), str(content)]
    return subprocess.run(command, capture_output=True, check=False).returncode


@pytest.mark.online
@pytest.mark.parametrize(("file", "name", "result"), [row[:3] for row in STRICT], ids=[row[0] for row in STRICT])
def test_sqv_says_the_same_and_gpgv_is_laxer_where_we_know_it(
    message: Subject, file: str, name: str, result: Result
) -> None:
    inputs = VECTORS / f"{name}.pgp", VECTORS / file, VECTORS / "message.txt"

    assert one(message, inputs[1].read_bytes(), name).result is result
    assert (sqv(*inputs) == 0) == (result is V)
    status, words = gpgv(*inputs)
    assert (status == 0) == (result is V or file in GPGV)
    if status == 0:
        assert words == {**GPGV, **NOW_GONE}.get(file, "GOODSIG")


@pytest.mark.online
def test_a_changed_byte_is_seen_by_all_three(tmp_path: Path) -> None:
    changed = tmp_path / "message.txt"
    changed.write_bytes((VECTORS / "message.txt").read_bytes().replace(b"last", b"lost"))
    sound = [row for row in STRICT if row[2] is V]

    for file, name, *_ in sound:
        inputs = VECTORS / f"{name}.pgp", VECTORS / file, changed
        assert sqv(*inputs) != 0
        assert gpgv(*inputs) == (1, "BADSIG")
        assert one(subject(tmp_path, changed.read_bytes()), inputs[1].read_bytes(), name).result is Result.FAILED


class Apt:
    """The configured registry's source packages, through apt, with lists and cache of its own."""

    def __init__(self, folder: Path) -> None:
        sources, self.folder = folder / "sources", folder / "downloads"
        for made in (sources, self.folder, folder / "lists" / "partial", folder / "cache" / "archives" / "partial"):
            made.mkdir(parents=True)
        for configured in Path("/etc/apt").glob("sources.list*/*.sources"):
            text = re.sub(r"^Types: deb$", "Types: deb-src", configured.read_text(), flags=re.MULTILINE)
            (sources / configured.name).write_text(text)
        for configured in (*Path("/etc/apt").glob("sources.list*/*.list"), *Path("/etc/apt").glob("sources.list")):
            if configured.is_file():
                (sources / f"{configured.stem}.list").write_text(
                    re.sub(r"^deb ", "deb-src ", configured.read_text(), flags=re.MULTILINE)
                )
        settings = {
            "Dir::Etc::sourcelist": "/dev/null",
            "Dir::Etc::sourceparts": sources,
            "Dir::State::lists": folder / "lists",
            "Dir::Cache": folder / "cache",
            "APT::Sandbox::User": "root",
        }
        self.options = [part for name, value in settings.items() for part in ("-o", f"{name}={value}")]
        self.run("update", "-qq")

    def run(self, *arguments: str) -> None:
        command = ["apt-get", *self.options, *arguments]
        subprocess.run(command, cwd=self.folder, capture_output=True, check=True)

    def source(self, package: str) -> Sequence[Path]:
        """The files of a source package."""
        self.run("source", "--download-only", "-qq", package)
        return sorted(self.folder.glob(f"{package}_*"))


@pytest.fixture(scope="module")
def apt(tmp_path_factory: pytest.TempPathFactory) -> Apt:
    assert shutil.which("apt-get"), "needs apt"
    return Apt(tmp_path_factory.mktemp("apt"))


def upstream(apt: Apt, package: str) -> tuple[Path, Path, bytes]:
    """An upstream tarball, its signature, and the certificate that the packager keeps."""
    files = apt.source(package)
    (signature,) = (file for file in files if file.name.endswith(".asc"))
    (packaging,) = (file for file in files if ".debian.tar." in file.name)
    with tarfile.open(packaging) as archive:
        member = next(it for it in archive.getmembers() if it.name.startswith("debian/upstream/signing-key"))
        stream = archive.extractfile(member)
        assert stream
        return signature.with_suffix(""), signature, stream.read()


UPSTREAM = [
    ("gzip", {}, V, "strict", "GOODSIG"),
    ("resolvconf-admin", {}, V, "strict", "EXPKEYSIG"),
    ("hello", {}, Result.WEAK_ALGORITHM, "", "GOODSIG"),
    ("hello", LENIENT, V, "pinned-lenient", "GOODSIG"),
    ("wget", {}, Result.EXPIRED_AT_SIGNING, "", "EXPKEYSIG"),
    ("wget", LENIENT, Result.EXPIRED_AT_SIGNING, "", "EXPKEYSIG"),
    ("knot", LENIENT, Result.EXPIRED_AT_SIGNING, "", "EXPKEYSIG"),
]


@pytest.mark.online
@pytest.mark.parametrize(("package", "settings", "result", "tier", "words"), UPSTREAM)
def test_real_tarballs_get_the_answer_that_their_keys_deserve(
    apt: Apt, tmp_path: Path, package: str, settings: dict[str, str], result: Result, tier: str, words: str
) -> None:
    tarball, signature, certificate = upstream(apt, package)
    keyring = tmp_path / "keyring.pgp"
    found = gather_certificates(certificate)
    keyring.write_bytes(b"".join(it.raw for it in found))
    pinned = anchor(Kind.OPENPGP, openpgp.read_pin(certificate).pin, **settings)
    beside = [piece("signing-key.asc", certificate, role=Role.KEY)]
    sign = piece(signature.name, signature.read_bytes())

    (finding,) = openpgp.verify(subject(tmp_path, tarball.read_bytes()), sign, beside, pins(pinned))
    (damaged,) = openpgp.verify(subject(tmp_path, tarball.read_bytes()[:-1]), sign, beside, pins(pinned))

    assert finding.proof
    assert (finding.result, finding.proof.tier) == (result, tier), finding.got
    assert damaged.result is Result.FAILED
    # gpgv exits with 0 for all of them, and takes the certificate without the signatures of others as well
    assert gpgv(keyring, signature, tarball) == (0, words)
    if not settings:
        assert (sqv(keyring, signature, tarball) == 0) == (result is V)


def judge_clear(message: bytes, keyring: bytes, folder: Path) -> tuple[bytes | None, list[Finding]]:
    pinned = anchor(Kind.DEBIAN, openpgp.read_pin(keyring).pin)
    bench = Bench.of(subject(folder, b""), piece("x", message), "debian-archive")
    return openpgp.judge_clear(message, [keyring], [pinned], pins(pinned), bench)


@pytest.mark.online
def test_the_package_lists_of_debian_are_verified_as_gpgv_does(apt: Apt, tmp_path: Path) -> None:
    keyring = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
    lists = sorted((apt.folder.parent / "lists").glob("*_InRelease"))
    assert lists
    for file in lists:
        text, findings = judge_clear(file.read_bytes(), keyring.read_bytes(), tmp_path)
        plain = tmp_path / "Release"
        command = ["gpgv", "--keyring", str(keyring), "--output", str(plain), str(file)]
        assert subprocess.run(command, capture_output=True, check=False).returncode == 0

        assert V in {finding.result for finding in findings}
        assert text is not None
        assert text + b"\n" == plain.read_bytes()
        plain.unlink()


@pytest.mark.online
def test_source_packages_are_signed_by_people_of_the_developers_keyring(apt: Apt, tmp_path: Path) -> None:
    apt.source("hello")
    source = next(apt.folder.glob("hello_*.dsc"))
    subprocess.run(["apt-get", "download", "-qq", "debian-keyring"], cwd=tmp_path, capture_output=True, check=True)
    subprocess.run(["dpkg-deb", "-x", next(tmp_path.glob("*.deb")), tmp_path], check=True)
    keyring = (tmp_path / "usr/share/keyrings/debian-keyring.gpg").read_bytes()

    text, (finding,) = judge_clear(source.read_bytes(), keyring, tmp_path)

    assert (finding.result, text is not None) == (V, True), finding.got
    assert len(openpgp.read_pin(keyring).pin.split()) > 800
