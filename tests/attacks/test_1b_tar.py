"""Threats 1b: entry types and metadata. Real archives are no bundles; inside a signed bundle the tar stream is fixed."""

# ruff: noqa: N802 -- the number of the threat is part of a test's name

import io
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from airgap.core.reasons import Reason
from tests.attacks.conftest import Refuse
from tests.forge.build import FILES, Frame, bundle, tar_header
from tests.forge.edit import swap

PATH = "artifacts/files/a.txt"
SIZE = len(FILES[PATH])


def tar_of(*members: tuple[str, bytes, str], kind: int = tarfile.PAX_FORMAT, **pax: str) -> bytes:
    """A real tar file of members given by name, type and link target."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=kind, pax_headers=pax) as tar:
        for name, member, target in members:
            info = tarfile.TarInfo(name)
            info.type, info.linkname = member, target
            tar.addfile(info)
    return out.getvalue()


def zip_of(*names: str, prefix: bytes = b"", suffix: bytes = b"") -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as file:
        for name in names:
            file.writestr(zipfile.ZipInfo(name), b"x")
    return prefix + out.getvalue() + suffix


def record(text: bytes) -> bytes:
    """A tar file with one pax header that holds ``text``."""
    head = tar_header("pax", len(text), kind=b"x") + text + bytes(-len(text) % 512)
    return head + tar_header("a", 0) + bytes(1024)


SYM, LNK, REG = tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.REGTYPE
ARCHIVES: dict[str, bytes] = {
    "T030 link to outside": tar_of(("a", SYM, "/etc")),
    "T031 file through a link": tar_of(("a", SYM, "/etc"), ("a/passwd", REG, "")),
    "T032 long chain of links": tar_of(*((f"{n}", SYM, f"{n + 1}") for n in range(300))),
    "T033 link target to normalise": tar_of(("a/b", SYM, "../../x")),
    "T034 hard link to outside": tar_of(("a", LNK, "/etc/passwd")),
    "T036 hard link to a link": tar_of(("a", SYM, "/etc/passwd"), ("b", LNK, "a")),
    "T037 link without a name": tar_of(("", SYM, "x")),
    "T040 device": tar_of(("a", tarfile.CHRTYPE, ""), ("b", tarfile.BLKTYPE, ""), ("c", tarfile.FIFOTYPE, "")),
    "T042 sparse": tar_of(("a", tarfile.GNUTYPE_SPARSE, ""), kind=tarfile.GNU_FORMAT),
    "T043 unknown type": tar_of(("a", b"Z", ""), ("b", b"V", ""), ("c", b"\0", "")),
    "T044 pax size": record(b"12 size=999\n"),
    "T046 global pax": tar_of(("a", REG, ""), path="/etc/passwd"),
    "T047 two paths": record(b"9 path=a\n9 path=b\n"),
    "T048 wrong length": record(b"99999 path=a\n"),
    "T050 pax and long name": tar_of(("x" * 300, REG, ""), kind=tarfile.GNU_FORMAT),
    "T053 negative size": tar_header("a", 0)[:124] + b"\xff" * 12 + tar_header("a", 0)[136:],
    "T055 wrong checksum": tar_header("a", 0)[:148] + b"000000\0 " + tar_header("a", 0)[156:],
    "T056 data behind the end": tar_of(("a", REG, "")) + tar_of(("b", REG, "")),
    "T057 no end": tar_header("a", 0),
    "T058 two of one name": tar_of(("a", REG, ""), ("a", REG, "")),
    "T059 zip": zip_of("a"),
    "T059 zip with a prefix": zip_of("a", prefix=b"MZ" * 100),
    "T059 zip with a suffix": zip_of("a", suffix=b"PK\5\6" * 5),
    "T059 zip with traversal": zip_of("../a", "/a", "a\\b"),
}


@pytest.mark.parametrize("name", ARCHIVES)
def test_T030_to_T059_an_archive_of_another_kind_is_no_bundle(refuse: Refuse, name: str) -> None:
    found = refuse(ARCHIVES[name])

    assert (found.reason, found.expected) == (Reason.NOT_A_BUNDLE, "a bundle")


def header_as(new: bytes) -> Callable[[bytes], bytes]:
    """The tar stream with another header for a.txt; the frame around it is signed like any other."""
    return swap(tar_header(PATH, SIZE), new)


def checked(**fields: tuple[int, bytes]) -> bytes:
    """The header of a.txt with other bytes at some offsets and a checksum that holds."""
    raw = bytearray(tar_header(PATH, SIZE))
    for at, new in fields.values():
        raw[at : at + len(new)] = new
    raw[148:156] = b" " * 8
    raw[148:156] = b"%06o\0 " % sum(raw)
    return bytes(raw)


HEADERS: dict[str, bytes] = {
    "T030 link": tar_header(PATH, SIZE, kind=b"2", link=b"/etc/passwd"),
    "T034 hard link": tar_header(PATH, SIZE, kind=b"1", link=b"/etc/passwd"),
    "T040 character device": tar_header(PATH, SIZE, kind=b"3"),
    "T040 block device": tar_header(PATH, SIZE, kind=b"4"),
    "T040 fifo": tar_header(PATH, SIZE, kind=b"6"),
    "T041 setuid": tar_header(PATH, SIZE, mode=0o4755),
    "T041 world-writable": tar_header(PATH, SIZE, mode=0o666),
    "T041 owner": checked(uid=(108, b"0001750")),
    "T041 time": checked(mtime=(136, b"77777777777")),
    "T041 name of a person": checked(user=(265, b"alice")),
    "T042 sparse": tar_header(PATH, SIZE, kind=b"S"),
    "T043 old type of a regular file": tar_header(PATH, SIZE, kind=b"\0"),
    "T043 unknown type": tar_header(PATH, SIZE, kind=b"Z"),
    "T044 another size": tar_header(PATH, SIZE + 1),
    "T046 global pax": tar_header(PATH, SIZE, kind=b"g"),
    "T050 long name": tar_header("././@LongLink", SIZE, kind=b"L"),
    "T055 wrong checksum": tar_header(PATH, SIZE)[:148] + b"000000\0 " + tar_header(PATH, SIZE)[156:],
    "T055 size in base 256": checked(size=(124, b"\x80" + bytes(10) + bytes([SIZE]))),
    "T055 blanks around the size": checked(size=(124, b"%10o \0" % SIZE)),
    "another path": tar_header("artifacts/files/b.txt", SIZE),
    "path behind a NUL": checked(name=(len(PATH) + 1, b"x")),
    "GNU magic": checked(magic=(257, b"ustar  \0")),
}


@pytest.mark.parametrize("name", HEADERS)
def test_T030_to_T055_a_header_that_the_manifest_does_not_imply_is_refused(refuse: Refuse, name: str) -> None:
    found = refuse(bundle(on_tar=header_as(HEADERS[name])))

    assert (found.reason, found.check) == (Reason.FILLER_MISMATCH, "filler")
    assert (found.expected, found.got) == ("the headers and padding that the manifest implies", "other bytes in frame 0")
    assert found.subject == "x.airgap"


STREAMS: dict[str, Callable[[bytes], bytes]] = {
    "T056 data in the padding": swap(FILES[PATH] + bytes(16), FILES[PATH] + bytes(15) + b"x"),
    "T056 data in the end blocks": lambda raw: raw[:-1] + b"x",
    "T057 no end blocks": lambda raw: raw[:-1024] + tar_header("x", 0) + bytes(512),
    "other sums": swap(b"  artifacts/files/a.txt\n", b" *artifacts/files/a.txt\n"),
}


@pytest.mark.parametrize("name", STREAMS)
def test_T056_T057_filler_that_the_manifest_does_not_imply_is_refused(refuse: Refuse, name: str) -> None:
    found = refuse(bundle(on_tar=STREAMS[name]))

    assert (found.reason, found.check) == (Reason.FILLER_MISMATCH, "filler")


@pytest.mark.parametrize("more", [bytes(512), bytes(1024), tar_header("x", 0), b"x"])
def test_T056_a_stream_that_is_longer_than_the_manifest_implies_is_refused(refuse: Refuse, more: bytes) -> None:
    found = refuse(bundle(on_tar=lambda raw: raw + more))

    assert (found.reason, found.expected) == (Reason.BAD_TOTALS, "frames that add up to the archive")


@pytest.mark.parametrize("less", [1, 512, 1024])
def test_T057_a_stream_that_is_shorter_than_the_manifest_implies_is_refused(refuse: Refuse, less: int) -> None:
    found = refuse(bundle(on_tar=lambda raw: raw[:-less]))

    assert (found.reason, found.expected) == (Reason.BAD_TOTALS, "frames that add up to the archive")


def test_T058_a_second_entry_of_one_name_in_the_stream_is_refused(refuse: Refuse) -> None:
    entry = tar_header(PATH, SIZE) + FILES[PATH] + bytes(-SIZE % 512)
    found = refuse(bundle(on_tar=swap(entry, entry * 2)))

    assert found.reason is Reason.BAD_TOTALS


def test_no_frames_at_all_are_refused(refuse: Refuse) -> None:
    none: list[Frame] = []
    found = refuse(bundle(on_frames=lambda _: none))

    assert found.reason is Reason.BAD_TOTALS


def test_T040_a_directory_bundle_with_other_kinds_of_files_is_refused_in_the_directory_tests(tmp_path: Path) -> None:
    """The kinds themselves are in test_1h_medium.py; here only that a tar beside the entries is one file too many."""
    from airgap.core.verdict import Standing
    from tests.forge.site import fault, look_at

    made = bundle(predicate={"container": "directory"})
    folder = made.write_directory(tmp_path / "x")
    assert look_at(folder).verdict.standing is Standing.ACCEPTED
    (tmp_path / "x/more.tar").write_bytes(ARCHIVES["T058 two of one name"])

    assert fault(look_at(folder).verdict).reason is Reason.UNDECLARED_FILE
