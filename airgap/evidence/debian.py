"""The chain of a Debian archive: a pinned key signs Release, Release lists Packages, Packages lists the ``.deb``.

Source: Debian wiki, "DebianRepository/Format" and "SecureApt"; apt-secure(8). Every step compares size and SHA-256. Release
with Release.gpg is preferred to InRelease: its signature covers the exact bytes.

An archive vouches that it published a package, not that the package is the newest one: how old a Release may be is the
policy's business. One whose Valid-Until has passed is verified, with a note that says since when it is stale.
"""

from collections.abc import Sequence
from functools import cached_property
from typing import Final
from urllib.parse import parse_qsl, unquote

from airgap.core.anchors import Kind
from airgap.core.digest import sha256
from airgap.core.errors import FormatError
from airgap.core.times import format_time
from airgap.core.verdict import Finding, Proof, Result, Vouches
from airgap.evidence import openpgp
from airgap.evidence.debian_index import Package, Packed, Release, read_packages, read_release
from airgap.evidence.subject import Bench, Piece, Pins, Subject

KIND: Final = "debian-archive"
MAX_INDEXES: Final = 16
"""Packages files among an artifact's pieces that are looked at."""
SUITE: Final = "suite"
_PURL: Final = "pkg:deb/"


def verify(subject: Subject, piece: Piece, beside: Sequence[Piece], pins: Pins) -> list[Finding]:
    """Judge an InRelease, or a Release with the Release.gpg that lies beside it; see ``Verifier``."""
    bench = Bench.of(subject, piece, KIND, vouches=Vouches.REGISTRY)
    text, findings = _judge_release(bench, piece, beside, pins)
    if text is None:
        return findings
    chain = _Chain(subject, text, beside, pins)
    return [chain.extend(finding) if finding.result is Result.VERIFIED else finding for finding in findings]


def _judge_release(bench: Bench, piece: Piece, beside: Sequence[Piece], pins: Pins) -> tuple[bytes | None, list[Finding]]:
    """The text of Release that a pinned key signed, or None, and the findings about its signatures."""
    anchors = pins.of(Kind.DEBIAN)
    certificates = openpgp.material(anchors, beside)
    if piece.name == "InRelease":
        return openpgp.judge_clear(piece.content, certificates, anchors, pins, bench)
    signature = next((other for other in beside if other.path == f"{piece.path}.gpg"), None)
    if signature is None:
        return None, [bench.other(Result.ABSENT, "Release.gpg beside Release", "none")]
    about = Subject(
        path=piece.path,
        purl=bench.subject.purl,
        size=len(piece.content),
        digests={"sha256": sha256(piece.content)},
        file=piece.file,
    )
    findings = openpgp.judge(about, signature.content, certificates, anchors, pins, bench)
    is_verified = any(finding.result is Result.VERIFIED for finding in findings)
    return piece.content if is_verified else None, findings


class _Chain:
    """From a signed Release to one package.

    Args:
        subject: the package.
        text: of Release; its signature holds.
        beside: pieces among which the Packages files are.
        pins: what the site believes.
    """

    def __init__(self, subject: Subject, text: bytes, beside: Sequence[Piece], pins: Pins) -> None:
        self._subject = subject
        self._text = text
        self._beside = beside
        self._pins = pins

    def extend(self, finding: Finding) -> Finding:
        """What a signature that holds says about the package."""
        proof = finding.proof
        assert proof is not None
        bench = Bench(subject=self._subject, kind=KIND, proof=proof)
        try:
            release, found, where = self._link
        except FormatError as exc:
            return bench.failed("an archive that lists this package", exc.message, identity=finding.identity)
        fault = _check_package(found, self._subject) or self._check_suite(release, proof)
        if fault is not None:
            return bench.failed(*fault, identity=finding.identity)
        bench = bench.knowing(note=self._note(release, proof))
        shown = f"{found.name} {found.version} {found.architecture}"
        return bench.verified(finding.identity, got=f"{shown!a:.160} in {where!a:.120}, {finding.got}")

    @cached_property
    def _link(self) -> tuple[Release, Package, str]:
        """Release, the package, and the Packages file that lists it; the same for every signature.

        Raises:
            FormatError: nothing at hand lists it.
        """
        release = read_release(self._text)
        read = []
        for piece in self._indexes():
            listed = release.find(len(piece.content), bytes.fromhex(piece.sha256))
            if listed is None:
                continue
            read.append(listed.path)
            packages = read_packages(Packed(listed, release.unpacked(listed), piece.content))
            for package in packages.get(self._subject.digests["sha256"], ()):
                if package.size == self._subject.size:
                    return release, package, listed.path
        if not read:
            raise FormatError("Release: expected one of the Packages files at hand to be listed, got none of them")
        raise FormatError(f"Packages: expected {self._subject.covers} in {', '.join(read)!a:.160}, got other packages")

    def _indexes(self) -> list[Piece]:
        return [piece for piece in self._beside if "Packages" in piece.name][:MAX_INDEXES]

    def _check_suite(self, release: Release, proof: Proof) -> tuple[str, str] | None:
        settings = next((a.settings for a in self._pins.of(Kind.DEBIAN) if a.name == proof.anchor), {})
        suite = settings.get(SUITE)
        if suite is None or suite in release.suites:
            return None
        return f"the suite {suite!a:.80}", f"{', '.join(sorted(release.suites))!a:.120}"

    def _note(self, release: Release, proof: Proof) -> str:
        if release.until is None or self._pins.at <= release.until:
            return proof.note
        return "; ".join(filter(None, (proof.note, f"stale since {format_time(release.until)}")))


def _check_package(package: Package, subject: Subject) -> tuple[str, str] | None:
    """What is wrong between a package and the name that a purl gives it (T132); other purls say nothing about that."""
    if not subject.purl.startswith(_PURL):
        return None
    path, _, qualifiers = subject.purl.partition("#")[0].partition("?")
    name, _, version = path.rpartition("/")[2].partition("@")
    wanted = (unquote(name), unquote(version))
    architecture = dict(parse_qsl(qualifiers)).get("arch", package.architecture)
    got = f"{package.name} {package.version} {package.architecture}"
    if wanted != (package.name, package.version) or architecture != package.architecture:
        return f"the package {' '.join((*wanted, architecture))!a:.160}", f"{got!a:.160}"
    if not package.filename.rpartition("/")[2].startswith(f"{package.name}_"):
        return f"a file of the package {package.name!a:.80}", f"{package.filename!a:.160}"
    return None
