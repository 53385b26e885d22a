"""The chain of a Debian archive: small archives made and signed here, and Debian's own."""

import base64
import gzip
import hashlib
import json
import lzma
import os
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, Final

import pysequoia
import pytest

from airgap.core.anchors import Kind
from airgap.core.entries import Role
from airgap.core.errors import FormatError
from airgap.core.verdict import Finding, Result, Vouches
from airgap.evidence import debian, debian_index, openpgp
from airgap.evidence.debian_index import Listed, Packed, Release, read_packages
from airgap.evidence.subject import Piece, Pins, Subject
from tests.evidence import bench

DEB = b"!<arch>\nthe bytes of a package"
PURL = "pkg:deb/debian/hello@1:2.10-3?arch=amd64"
STANZA: Final[Mapping[str, str]] = {
    "Package": "hello",
    "Version": "1:2.10-3",
    "Architecture": "amd64",
    "Description": "example\n SHA256: of nothing\n .\n more",
    "Filename": "pool/main/h/hello/hello_2.10-3_amd64.deb",
    "MD5sum": "0" * 32,
    "Size": str(len(DEB)),
    "SHA256": hashlib.sha256(DEB).hexdigest(),
}
INDEX = "main/binary-amd64/Packages"
LATER = timedelta(hours=1)


@cache
def archive_key(name: str = "archive") -> Any:
    return pysequoia.Tsk.generate(user_id=f"{name} <{name}@example.org>")


def keyring(name: str = "archive") -> bytes:
    return bytes(archive_key(name).extract_certificate())


def sign(content: bytes, mode: Any, name: str = "archive") -> bytes:
    return bytes(pysequoia.sign(archive_key(name).signer(), content, mode=mode))


def stanza(**changes: str) -> bytes:
    said = {**STANZA, **changes}
    return "".join(f"{name}: {value}\n" for name, value in said.items() if value).encode()


@dataclass(frozen=True)
class Archive:
    """Files of an archive; what is not given is made from the rest."""

    folder: Path
    packages: bytes = stanza(Package="aaa", SHA256="0" * 64) + b"\n" + stanza()
    pack: Callable[[bytes], bytes] = lzma.compress
    suffix: str = ".xz"
    fields: Mapping[str, str] = None  # type: ignore[assignment]
    files: Sequence[tuple[str, bytes]] = ()
    key: str = "archive"

    @property
    def packed(self) -> bytes:
        return self.pack(self.packages)

    @property
    def release(self) -> bytes:
        said = {"Origin": "Example", "Suite": "stable", "Codename": "bookworm", **(self.fields or {})}
        files = self.files or ((INDEX, self.packages), (INDEX + self.suffix, self.packed))
        lines = [f" {hashlib.sha256(content).hexdigest()} {len(content):>8} {path}" for path, content in files]
        text = "".join(f"{name}: {value}\n" for name, value in said.items() if value)
        return (text + "MD5Sum:\n 0 0 x\nSHA256:\n" + "\n".join(lines) + "\n").encode()

    def piece(self, name: str, content: bytes, role: Role = Role.SIGNATURE) -> Piece:
        path = self.folder / name
        path.write_bytes(content)
        return Piece(f"documents/debian/{name}", role, "", content, str(path))

    def others(self) -> list[Piece]:
        return [
            self.piece(f"Packages{self.suffix}", self.packed, Role.INDEX),
            self.piece("archive.pgp", keyring(self.key), Role.KEY),
        ]

    def clear(self) -> tuple[Piece, list[Piece]]:
        """InRelease, and the rest."""
        return self.piece("InRelease", sign(self.release, pysequoia.SignatureMode.CLEAR, self.key)), self.others()

    def detached(self) -> tuple[Piece, list[Piece]]:
        """Release, and the rest."""
        signature = sign(self.release, pysequoia.SignatureMode.DETACHED, self.key)
        return self.piece("Release", self.release), [self.piece("Release.gpg", signature), *self.others()]


def a_deb(folder: Path, content: bytes = DEB, purl: str = PURL) -> Subject:
    return bench.subject(folder, content, name="hello.deb", purl=purl)


def trust(*names: str, at: datetime | None = None, revoked: Mapping[str, str] | None = None, **settings: str) -> Pins:
    pin = " ".join(openpgp.read_pin(keyring(name)).pin for name in names or ("archive",))
    anchor = bench.anchor(Kind.DEBIAN, pin, **settings)
    return bench.pins(anchor, at=at or datetime.now(UTC) + LATER, revoked=revoked)


def judge(signed: tuple[Piece, Sequence[Piece]], subject: Subject, pins: Pins | None = None) -> Finding:
    (finding,) = debian.verify(subject, *signed, pins or trust())
    return finding


FORMS = [Archive.clear, Archive.detached]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    ("pack", "suffix"), [(lzma.compress, ".xz"), (gzip.compress, ".gz"), (lambda raw: raw, "")], ids=["xz", "gz", "plain"]
)
def test_a_package_is_vouched_for_through_release_and_packages(
    tmp_path: Path, form: Callable[[Archive], tuple[Piece, list[Piece]]], pack: Callable[[bytes], bytes], suffix: str
) -> None:
    files = () if suffix else ((INDEX, Archive(tmp_path).packages),)

    finding = judge(
        form(Archive(tmp_path, pack=pack, suffix=suffix, files=files)), a_deb(tmp_path), trust(suite="bookworm")
    )

    assert finding.result is Result.VERIFIED, finding.got
    assert finding.got.startswith(f"'hello 1:2.10-3 amd64' in '{INDEX}{suffix}', signed by ")
    assert finding.proof is not None
    assert (finding.kind, finding.proof.vouches, finding.proof.anchor) == ("debian-archive", Vouches.REGISTRY, "producer")
    assert (finding.proof.covers, finding.proof.note) == (f"sha256:{hashlib.sha256(DEB).hexdigest()}", "")
    assert finding.subject == "artifacts/files/hello.deb"


def test_a_changed_package_is_listed_nowhere(tmp_path: Path) -> None:
    finding = judge(Archive(tmp_path).clear(), a_deb(tmp_path, DEB + b"!"))

    assert (finding.result, finding.expected) == (Result.FAILED, "an archive that lists this package")
    digest = hashlib.sha256(DEB + b"!").hexdigest()
    assert finding.got == f"Packages: expected sha256:{digest} in '{INDEX}.xz', got other packages"


def test_the_size_counts_too(tmp_path: Path) -> None:
    assert judge(Archive(tmp_path, packages=stanza(Size="5")).clear(), a_deb(tmp_path)).result is Result.FAILED


@pytest.mark.parametrize("form", FORMS)
def test_a_key_that_nobody_pinned_vouches_for_nothing(tmp_path: Path, form: Callable[[Archive], Any]) -> None:
    finding = judge(form(Archive(tmp_path, key="stranger")), a_deb(tmp_path))

    assert finding.result is Result.UNTRUSTED_KEY
    assert finding.proof is not None
    assert f"--kind debian-keyring --pin '{openpgp.read_pin(keyring('stranger')).pin}'" in finding.proof.hint


def test_a_withdrawn_key_vouches_for_nothing(tmp_path: Path) -> None:
    revoked = {openpgp.read_pin(keyring()).pin: "lost"}

    assert judge(Archive(tmp_path).clear(), a_deb(tmp_path), trust(revoked=revoked)).result is Result.REVOKED


@pytest.mark.parametrize("form", FORMS)
def test_a_changed_release_is_found_out(tmp_path: Path, form: Callable[[Archive], Any]) -> None:
    piece, others = form(Archive(tmp_path))
    content = piece.content.replace(b"bookworm", b"bullseye")
    (tmp_path / piece.name).write_bytes(content)

    assert judge((piece._replace(content=content), others), a_deb(tmp_path)).result is Result.FAILED


def test_text_around_a_signed_release_is_refused(tmp_path: Path) -> None:
    piece, others = Archive(tmp_path).clear()
    other = piece._replace(content=b"SHA256:\n 0 0 x\n" + piece.content)

    assert judge((other, others), a_deb(tmp_path)).result is Result.FAILED


def test_a_release_alone_is_not_signed(tmp_path: Path) -> None:
    piece, others = Archive(tmp_path).detached()

    finding = judge((piece, others[1:]), a_deb(tmp_path))

    assert (finding.result, finding.expected) == (Result.ABSENT, "Release.gpg beside Release")


def test_a_changed_packages_file_is_not_the_listed_one(tmp_path: Path) -> None:
    archive = Archive(tmp_path)
    piece, (_, ring) = archive.clear()
    other = archive.piece("Packages.xz", lzma.compress(archive.packages.replace(b"2.10", b"2.11")), Role.INDEX)

    finding = judge((piece, [other, ring]), a_deb(tmp_path))

    assert finding.result is Result.FAILED
    assert finding.got == "Release: expected one of the Packages files at hand to be listed, got none of them"


def test_another_file_of_the_archive_is_no_packages_file(tmp_path: Path) -> None:
    archive = Archive(tmp_path)
    archive = replace(archive, files=(("main/i18n/Translation-en.xz", archive.packed),))

    assert judge(archive.clear(), a_deb(tmp_path)).result is Result.FAILED


def test_each_signature_has_a_finding_of_its_own(tmp_path: Path) -> None:
    archive = Archive(tmp_path)
    piece, others = archive.detached()
    second = sign(archive.release, pysequoia.SignatureMode.DETACHED, "stranger")
    both = others[0]._replace(content=_dearmored(others[0].content) + _dearmored(second))

    findings = debian.verify(a_deb(tmp_path), piece, [both, *others[1:]], trust())

    assert [finding.result for finding in findings] == [Result.VERIFIED, Result.UNTRUSTED_KEY]


def _dearmored(text: bytes) -> bytes:
    body = text.partition(b"\n\n")[2].partition(b"-----END")[0]
    return base64.b64decode(b"".join(line for line in body.split(b"\n") if not line.startswith(b"=")))


# -- what the anchor and the purl say ----------------------------------------------------------------------------------


@pytest.mark.parametrize("suite", ["stable", "bookworm"])
def test_the_suite_may_be_named_in_either_way(tmp_path: Path, suite: str) -> None:
    assert judge(Archive(tmp_path).clear(), a_deb(tmp_path), trust(suite=suite)).result is Result.VERIFIED


def test_another_suite_is_found_out(tmp_path: Path) -> None:
    finding = judge(Archive(tmp_path).clear(), a_deb(tmp_path), trust(suite="trixie"))

    assert (finding.result, finding.expected) == (Result.FAILED, "the suite 'trixie'")
    assert finding.got == "'bookworm, stable'"


@pytest.mark.parametrize(
    "purl",
    [
        "pkg:deb/debian/hello@1:2.10-3",
        "pkg:deb/debian/hello@1%3A2.10-3?arch=amd64&distro=bookworm",
        "pkg:generic/hello.deb",
    ],
)
def test_names_that_agree_are_all_right(tmp_path: Path, purl: str) -> None:
    assert judge(Archive(tmp_path).clear(), a_deb(tmp_path, purl=purl)).result is Result.VERIFIED


@pytest.mark.parametrize(
    "purl",
    [
        "pkg:deb/debian/hello@1:2.11-1?arch=amd64",
        "pkg:deb/debian/goodbye@1:2.10-3?arch=amd64",
        "pkg:deb/debian/hello@1:2.10-3?arch=arm64",
        "pkg:deb/debian/hello",
    ],
)
def test_a_package_under_another_name_or_version_is_found_out(tmp_path: Path, purl: str) -> None:
    finding = judge(Archive(tmp_path).clear(), a_deb(tmp_path, purl=purl))

    assert (finding.result, finding.got) == (Result.FAILED, "'hello 1:2.10-3 amd64'")
    assert finding.expected.startswith("the package '")


def test_a_file_name_of_another_package_is_found_out(tmp_path: Path) -> None:
    archive = Archive(tmp_path, packages=stanza(Filename="pool/h/hallo_2.10-3_amd64.deb"))

    finding = judge(archive.clear(), a_deb(tmp_path))

    assert (finding.result, finding.expected) == (Result.FAILED, "a file of the package 'hello'")


# -- time --------------------------------------------------------------------------------------------------------------

UNTIL = {"Valid-Until": "Tue, 05 Jan 2100 10:12:13 UTC"}


def test_a_release_that_is_stale_is_verified_and_says_so(tmp_path: Path) -> None:
    signed = Archive(tmp_path, fields=UNTIL).clear()

    before, after = (
        judge(signed, a_deb(tmp_path), trust(at=datetime(2100, 1, 5, hour, 12, 13, tzinfo=UTC))) for hour in (10, 11)
    )

    assert (before.result, after.result) == (Result.VERIFIED, Result.VERIFIED)
    assert before.proof is not None
    assert after.proof is not None
    assert (before.proof.note, after.proof.note) == ("", "stale since 2100-01-05T10:12:13Z")


@pytest.mark.parametrize(
    "text", ["tomorrow", "Tue, 05 Jan 2100 10:12:13", "Tue, 31 Feb 2100 10:12:13 UTC", "Tue, 05 Jxn 2100 10:12:13 UTC"]
)
def test_an_end_that_cannot_be_read_is_refused(tmp_path: Path, text: str) -> None:
    finding = judge(Archive(tmp_path, fields={"Valid-Until": text}).clear(), a_deb(tmp_path))

    assert (finding.result, finding.got) == (Result.FAILED, f"Release: expected a date in UTC, got {text!r}")


# -- malformed files, signed all the same ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"no field",
        b"-Dash: x",
        b": x",
        b"A: x\n\nB: y",
        b"A: x\na: y",
        b" folded first: x",
        b"A: x\n \nB: y",
        b"A: \xff",
        b"SHA256:\n 0 1 x",
        b"SHA256:\n " + b"0" * 64 + b" 1",
        b"SHA256:\n " + b"0" * 64 + b" -1 x",
        b"SHA256:\n " + b"0" * 64 + b" 1 x y",
        b"A: " + b"x" * debian_index.MAX_RELEASE,
    ],
)
def test_other_text_is_no_release(raw: bytes) -> None:
    with pytest.raises(FormatError, match=r"^(Release|digest): expected"):
        Release.parse(raw)


def packed(content: bytes, suffix: str = ".xz", *, unpacked: bytes | None = None) -> Packed:
    listed = Listed(INDEX + suffix, len(content), hashlib.sha256(content).digest())
    plain = Listed(INDEX, len(unpacked), hashlib.sha256(unpacked).digest()) if unpacked is not None else None
    return Packed(listed, plain, content)


def test_unpacking_stops_at_the_signed_size() -> None:
    bomb = lzma.compress(bytes(50_000_000))

    with pytest.raises(FormatError, match="expected at most 1000 bytes, got more"):
        read_packages(packed(bomb, unpacked=bytes(1000)))


def test_unpacking_stops_at_a_limit_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(debian_index, "MAX_PACKAGES", 2_000_000)
    bomb = gzip.compress(b"\n\n" * 5_000_000)

    with pytest.raises(FormatError, match="expected at most 2000000 bytes, got more"):
        read_packages(packed(bomb, ".gz"))


def test_what_is_unpacked_has_to_be_what_release_says() -> None:
    text = stanza()
    other = text.replace(b"2.10", b"2.11")

    with pytest.raises(FormatError, match="expected what Release says of it unpacked, got other bytes"):
        read_packages(packed(lzma.compress(text), unpacked=other))
    with pytest.raises(FormatError, match="expected what Release says of it unpacked, got other bytes"):
        read_packages(packed(lzma.compress(text), unpacked=other + b"\n"))


def test_archives_need_not_list_what_they_do_not_keep() -> None:
    assert len(read_packages(packed(gzip.compress(stanza()), ".gz"))) == 1


XZ, GZ = lzma.compress(stanza()), gzip.compress(stanza())


@pytest.mark.parametrize(
    ("content", "suffix"),
    [
        (XZ[:-1], ".xz"),
        (XZ + b"\0", ".xz"),
        (XZ + XZ, ".xz"),
        (b"", ".xz"),
        (b"no xz", ".xz"),
        (XZ[:40] + b"\xff" + XZ[41:], ".xz"),
        (GZ[:-1], ".gz"),
        (GZ + b"\0", ".gz"),
        (GZ + GZ, ".gz"),
        (b"", ".gz"),
        (b"no gz", ".gz"),
        (GZ[:-8] + bytes(8), ".gz"),
        (XZ, ".gz"),
    ],
)
def test_what_is_not_one_compressed_stream_is_refused(content: bytes, suffix: str) -> None:
    with pytest.raises(FormatError, match="expected one compressed stream, got other bytes"):
        read_packages(packed(content, suffix))


@pytest.mark.parametrize(
    "text",
    [
        stanza() + b"SHA256: " + b"0" * 64 + b"\n",
        stanza(Version=""),
        stanza(Size="-5"),
        stanza(Size="1e3"),
        stanza(SHA256="0" * 63),
        stanza(Package="\xe4").replace("\xe4".encode(), b"\xe4"),
        stanza(Description="x" * debian_index.MAX_STANZA + "x" * 1024 * 1024),
    ],
    ids=lambda text: text[-40:],
)
def test_malformed_packages_files_are_refused(text: bytes) -> None:
    with pytest.raises(FormatError, match=r"^(Packages|digest): expected"):
        read_packages(packed(text, ""))


def test_packages_without_a_sha256_are_passed_over() -> None:
    assert list(read_packages(packed(b"\n\n\n" + stanza(SHA256="") + b"\n" + stanza() + b"\n\n", ""))) == [
        hashlib.sha256(DEB).digest()
    ]


def test_one_file_of_a_thousand_packages_is_read_once(tmp_path: Path) -> None:
    debs = [b"deb %d" % number for number in range(1000)]
    text = b"\n".join(
        stanza(Package=f"p{at}", Filename=f"p{at}_1.deb", Size=str(len(deb)), SHA256=hashlib.sha256(deb).hexdigest())
        for at, deb in enumerate(debs)
    )
    signed = Archive(tmp_path, packages=text).clear()
    read_packages.cache_clear()

    for number in range(0, 1000, 100):
        assert judge(signed, a_deb(tmp_path, debs[number], "pkg:generic/x")).result is Result.VERIFIED
    assert read_packages.cache_info().misses == 1


# -- oracle: Debian's own archive, apt and gpgv ------------------------------------------------------------------------

RING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")


@dataclass(frozen=True)
class Mirror:
    """What apt fetched from the configured mirror."""

    release: Piece
    packages: Piece
    deb: Path
    suite: str


@pytest.fixture(scope="module")
def mirror(tmp_path_factory: pytest.TempPathFactory) -> Mirror:
    """InRelease of apt's own lists, the Packages.xz that it lists, and the package hello."""
    folder = tmp_path_factory.mktemp("mirror")
    os.chmod(folder, 0o755)
    subprocess.run(["apt-get", "-qq", "download", "hello"], cwd=folder, check=True, capture_output=True)
    (deb,) = folder.glob("hello_*.deb")
    targets = _run(
        "apt-get",
        "indextargets",
        "--format",
        '["$(RELEASE)","$(COMPONENT)","$(URI)","$(FILENAME)"]',
        "Created-By: Packages",
    )
    rows = [json.loads(line) for line in targets.splitlines()]
    digest = hashlib.sha256(deb.read_bytes()).hexdigest()
    for suite, component, uri, file in rows:
        if component == "main" and f"SHA256: {digest}" in _run("/usr/lib/apt/apt-helper", "cat-file", file):
            top = uri.partition("/main/")[0]
            for name, where in (
                ("Packages.xz", f"{uri}.xz"),
                ("Release", f"{top}/Release"),
                ("Release.gpg", f"{top}/Release.gpg"),
            ):
                _run("/usr/lib/apt/apt-helper", "download-file", where, str(folder / name))
            listed = Path(file.partition("_main_")[0] + "_InRelease")
            return Mirror(_piece(listed, "InRelease"), _piece(folder / "Packages.xz", "Packages.xz"), deb, suite)
    raise AssertionError("expected a mirror that lists hello, got none")


def _run(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def _piece(path: Path, name: str, role: Role = Role.INDEX) -> Piece:
    return Piece(f"documents/debian/{name}", role, "", path.read_bytes(), str(path))


def debian_pins(**settings: str) -> Pins:
    pin = openpgp.read_pin(RING.read_bytes()).pin
    return bench.pins(bench.anchor(Kind.DEBIAN, pin, **settings), at=datetime.now(UTC) + LATER)


@pytest.mark.online
def test_debians_own_archive_vouches_for_a_real_package_and_gpgv_agrees(mirror: Mirror, tmp_path: Path) -> None:
    version = _run("dpkg-deb", "-f", str(mirror.deb), "Version").strip()
    architecture = _run("dpkg-deb", "-f", str(mirror.deb), "Architecture").strip()
    subject = a_deb(tmp_path, mirror.deb.read_bytes(), f"pkg:deb/debian/hello@{version}?arch={architecture}")
    beside = [mirror.packages, _piece(RING, "ring.pgp", Role.KEY)]

    findings = debian.verify(subject, mirror.release, beside, debian_pins(suite=mirror.suite))
    changed = debian.verify(
        a_deb(tmp_path, mirror.deb.read_bytes() + b"\0", subject.purl), mirror.release, beside, debian_pins()
    )

    assert {finding.result for finding in findings} == {Result.VERIFIED}
    assert {finding.result for finding in changed} == {Result.FAILED}
    assert len(findings) == _good(mirror.release.content, tmp_path) > 0
    assert f"'hello {version} {architecture}' in " in findings[0].got


@pytest.mark.online
def test_a_changed_release_of_debian_is_refused_by_both(mirror: Mirror, tmp_path: Path) -> None:
    content = mirror.release.content.replace(b"\nOrigin: Debian\n", b"\nOrigin: Demian\n")
    findings = debian.verify(
        a_deb(tmp_path, mirror.deb.read_bytes()),
        mirror.release._replace(content=content),
        [mirror.packages, _piece(RING, "ring.pgp", Role.KEY)],
        debian_pins(),
    )

    assert content != mirror.release.content
    assert {finding.result for finding in findings} == {Result.FAILED}
    assert _good(content, tmp_path) == 0


@pytest.mark.online
def test_without_the_archives_keyring_there_is_nothing_to_verify_with(mirror: Mirror, tmp_path: Path) -> None:
    findings = debian.verify(a_deb(tmp_path, mirror.deb.read_bytes()), mirror.release, [mirror.packages], debian_pins())

    assert {finding.result for finding in findings} == {Result.UNTRUSTED_KEY}


def _good(content: bytes, tmp_path: Path) -> int:
    """How many signatures gpgv calls valid."""
    (tmp_path / "signed").write_bytes(content)
    command = ["gpgv", "--status-fd", "1", "--keyring", str(RING), str(tmp_path / "signed")]
    status = subprocess.run(command, capture_output=True, check=False).stdout
    return status.count(b"[GNUPG:] VALIDSIG ")
