import re
from typing import Any

import pytest

from airgap.core import manifest
from airgap.core.entries import MAX_METADATA, Artifact, Document, Loss, Role, inside
from airgap.core.errors import FormatError
from airgap.core.manifest import Frames, Manifest
from airgap.core.reasons import Reason
from airgap.core.schema import validate
from tests.forge.edit import Edit, drop, put, swap
from tests.forge.text import encode

HOP = {"kind": "mirror", "name": "site mirror"}
PLAIN = {
    "custody": [],
    "evidence": ["documents/files/a.txt.sig"],
    "metadata": {},
    "path": "artifacts/files/a.txt",
    "purl": "pkg:generic/a.txt",
    "sha256": "ab" * 32,
    "size": 5,
    "stored": True,
}
FREE = {
    **PLAIN,
    "custody": [HOP],
    "evidence": [],
    "metadata": {"nested": {"list": [1, None, "é"]}, "time": "2026"},
    "path": "artifacts/files/é.bin",
    "purl": "pkg:generic/%C3%A9.bin",
    "stored": False,
}
SIGNATURE = {
    "mediaType": "application/octet-stream",
    "path": "documents/files/a.txt.sig",
    "role": "signature",
    "sha256": "cd" * 32,
    "size": 3,
}
LOSS = {"purl": "pkg:pypi/lost@1", "what": "unsigned-upstream", "detail": "nobody signed it"}
FULL: dict[str, Any] = {
    "artifacts": [PLAIN, FREE],
    "documents": [SIGNATURE],
    "format": 1,
    "frameSize": 65536,
    "frames": [[100, 65536, "ef" * 32], [65600, 65536, None], [7, 512, "00" * 32]],
    "losses": [LOSS],
}
EMPTY = {"artifacts": [], "documents": [], "format": 1, "frameSize": 65536, "frames": [], "losses": []}
FIRST, SECOND, DOCUMENT = ("artifacts", 0), ("artifacts", 1), ("documents", 0)


def parse(value: Any, *, max_entries: int = 100) -> Manifest:
    return Manifest.parse(encode(value), max_entries=max_entries)


def refusal(raw: bytes, *, max_entries: int = 100) -> FormatError:
    with pytest.raises(FormatError) as caught:
        Manifest.parse(raw, max_entries=max_entries)
    return caught.value


def is_accepted(value: Any) -> bool:
    try:
        parse(value)
    except FormatError:
        return False
    return True


def test_a_manifest_says_what_its_json_says() -> None:
    read = parse(FULL)

    assert read.artifacts == [
        Artifact(
            "artifacts/files/a.txt",
            5,
            b"\xab" * 32,
            "pkg:generic/a.txt",
            evidence=("documents/files/a.txt.sig",),
        ),
        Artifact(
            "artifacts/files/é.bin",
            5,
            b"\xab" * 32,
            "pkg:generic/%C3%A9.bin",
            stored=False,
            custody=(HOP,),
            metadata=FREE["metadata"],  # type: ignore[arg-type]  # a literal of mixed members
        ),
    ]
    assert read.documents == [
        Document("documents/files/a.txt.sig", 3, b"\xcd" * 32, Role.SIGNATURE, "application/octet-stream")
    ]
    assert read.losses == [Loss("pkg:pypi/lost@1", "unsigned-upstream", "nobody signed it")]
    assert (read.frame_size, len(read.frames)) == (65536, 3)
    assert list(read.frames.compressed) == [100, 65600, 7]
    assert list(read.frames.uncompressed) == [65536, 65536, 512]
    assert [read.frames.digest(at) for at in range(3)] == [b"\xef" * 32, None, bytes(32)]


@pytest.mark.parametrize("value", [FULL, EMPTY], ids=["full", "empty"])
def test_a_manifest_is_written_as_canonical_json_and_reads_back(value: Any) -> None:
    assert parse(value).encode() == encode(value)
    validate("manifest", value, what="manifest")


def test_many_artifacts_are_written_in_one_list() -> None:
    many = [{**PLAIN, "path": f"artifacts/files/{number:05}", "evidence": []} for number in range(4001)]
    value = {**EMPTY, "artifacts": many}

    assert parse(value, max_entries=4001).encode() == encode(value)


def test_padding_behind_the_manifest_is_not_read() -> None:
    raw = encode(FULL)

    assert Manifest.parse(raw + b"   \n", max_entries=100, size=len(raw)).encode() == raw


def test_documents_travel_first_and_what_the_base_holds_not_at_all() -> None:
    read = parse(FULL)

    assert [entry.path for entry in read.entries] == ["documents/files/a.txt.sig", "artifacts/files/a.txt"]
    assert [entry.path for entry in read.named] == [
        "documents/files/a.txt.sig", "artifacts/files/a.txt", "artifacts/files/é.bin",
    ]  # fmt: skip


def test_a_name_inside_is_the_path_without_its_first_folder() -> None:
    assert inside("artifacts/files/x.asc") == inside("documents/files/x.asc") == "files/x.asc"


ENTRY_FAULTS = [
    pytest.param(drop(*FIRST, "size"), "expected an entry with path, ", id="T089 member missing"),
    pytest.param(put(*FIRST, "more", to=1), "expected an entry with path, ", id="T089 member more"),
    pytest.param(drop(*FIRST, "sha256"), "expected an entry with path, ", id="T100 no digest"),
    pytest.param(put(*FIRST, to=[]), "expected an entry with path, ", id="T089 a list"),
    pytest.param(put(*FIRST, to="x"), "expected an entry with path, ", id="T089 a text"),
    pytest.param(put(*FIRST, "size", to="5"), "expected int for size, got str", id="T089 size as text"),
    pytest.param(put(*FIRST, "size", to=True), "expected int for size, got bool", id="T089 size as bool"),
    pytest.param(put(*FIRST, "size", to=None), "expected int for size, got NoneType", id="T089 null"),
    pytest.param(put(*FIRST, "size", to=-1), "expected a size, got another number", id="T111 negative"),
    pytest.param(put(*FIRST, "stored", to=1), "expected bool for stored, got int", id="T089 stored as number"),
    pytest.param(put(*FIRST, "evidence", to=[1]), "expected evidence as paths, got another value", id="T089 evidence"),
    pytest.param(put(*FIRST, "custody", to=[1]), "expected an entry with kind, name, got other members", id="T089 hop"),
    pytest.param(
        put(*FIRST, "custody", to=[{**HOP, "kind": "thief"}]), "expected a known hop in the custody, got another", id="hop"
    ),
    pytest.param(
        put(*FIRST, "custody", to=[{**HOP, "name": ""}]), "expected a known hop in the custody, got another", id="no name"
    ),
    pytest.param(
        put(*FIRST, "custody", to=[{**HOP, "name": "x" * 201}]), "expected a known hop in the custody", id="long name"
    ),
    pytest.param(put(*FIRST, "metadata", to=[]), "expected dict for metadata, got list", id="T089 metadata"),
    pytest.param(
        put(*FIRST, "path", to="documents/a.txt"), "expected artifacts/<ecosystem>/... or documents/...", id="place"
    ),
    pytest.param(put(*FIRST, "path", to="artifacts/a.txt"), "expected artifacts/<ecosystem>/...", id="no ecosystem"),
    pytest.param(put(*FIRST, "path", to="artifacts/Files/a.txt"), "expected artifacts/<ecosystem>/...", id="ecosystem"),
    pytest.param(put(*DOCUMENT, "path", to="artifacts/files/a"), "expected artifacts/<ecosystem>/...", id="document"),
    pytest.param(put(*DOCUMENT, "role", to="other"), "expected a known role and a media type, got another", id="role"),
    pytest.param(put(*DOCUMENT, "mediaType", to="text"), "expected a known role and a media type", id="media type"),
    pytest.param(put(*DOCUMENT, "mediaType", to="Text/Plain"), "expected a known role and a media type", id="capitals"),
    pytest.param(drop(*DOCUMENT, "role"), "expected an entry with path, size, sha256, role, mediaType", id="no role"),
    pytest.param(put(*DOCUMENT, "size", to=False), "expected int for size, got bool", id="document size"),
    pytest.param(
        put(*FIRST, "evidence", to=["documents/files/a.txt.sig"] * 2), "expected distinct evidence", id="evidence twice"
    ),
]


@pytest.mark.parametrize(("edit", "got"), ENTRY_FAULTS)
def test_an_entry_that_breaks_a_rule_is_refused_by_reader_and_schema(edit: Edit[Any], got: str) -> None:
    error = refusal(encode(edit(FULL)))

    assert error.reason is Reason.MALFORMED
    assert error.message.startswith(f"manifest: {got}")
    with pytest.raises(FormatError, match=r"^manifest: expected "):
        validate("manifest", edit(FULL), what="manifest")


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        pytest.param(put(*FIRST, "sha256", to="ab" * 31), "digest: expected 64 lower-case hex digits", id="T104"),
        pytest.param(put(*FIRST, "sha256", to="AB" * 32), "digest: expected 64 lower-case hex digits", id="T102"),
        pytest.param(put(*FIRST, "sha256", to="../" + "a" * 61), "digest: expected 64 lower-case hex digits", id="T021"),
        pytest.param(put(*DOCUMENT, "sha256", to="ab" * 31), "digest: expected 64 lower-case hex digits", id="document"),
        pytest.param(put(*FIRST, "size", to=2**53), "manifest: expected a size, got another number", id="T083 size"),
        pytest.param(put(*FIRST, "size", to=10**16), "manifest: expected canonical JSON, got an integer", id="T083"),
        pytest.param(put(*FIRST, "purl", to="pkg:generic"), "purl: expected pkg:type/name@version", id="purl"),
        pytest.param(put(*FIRST, "metadata", to={"a": {"é": 1}}), "canonical JSON: expected plain values", id="metadata"),
    ],
)
def test_an_entry_that_breaks_a_rule_of_its_members_is_refused(edit: Edit[Any], message: str) -> None:
    assert refusal(encode(edit(FULL))).message.startswith(message)


@pytest.mark.parametrize("where", [FIRST, SECOND, DOCUMENT], ids=["fast", "general", "document"])
def test_t001_a_path_that_leaves_its_folder_is_refused_on_every_way_in(where: tuple[str, int]) -> None:
    error = refusal(encode(put(*where, "path", to="artifacts/files/../x")(FULL)))

    assert error.reason is Reason.BAD_NAME
    assert error.message.endswith("got an empty, '.' or '..' component")


def test_metadata_has_a_limit() -> None:
    fits = put(*SECOND, "metadata", to={"a": "x" * (MAX_METADATA - 8)})(FULL)
    too_long = put(*SECOND, "metadata", to={"a": "x" * (MAX_METADATA - 7)})(FULL)

    assert is_accepted(fits)
    assert refusal(encode(too_long)).message == (
        f"manifest: expected metadata with ASCII names of at most {MAX_METADATA} bytes, got other"
    )


NEVER = re.compile(rb"(?!)")


@pytest.mark.parametrize("edit", [case.values[0] for case in ENTRY_FAULTS] + [lambda value: value])
def test_the_short_cut_and_the_general_reader_say_the_same(monkeypatch: pytest.MonkeyPatch, edit: Edit[Any]) -> None:
    value = edit(FULL)
    quick = is_accepted(value)
    monkeypatch.setattr(manifest, "ARTIFACT", NEVER)
    monkeypatch.setattr(manifest, "DOCUMENT", NEVER)

    assert is_accepted(value) is quick
    assert is_accepted(FULL)
    assert parse(FULL).encode() == encode(FULL)


@pytest.mark.parametrize(
    ("edit", "reason", "message"),
    [
        pytest.param(
            put("artifacts", to=[FREE, PLAIN]),
            Reason.MALFORMED,
            "manifest: expected entries sorted by path without repetition, got another order",
            id="T110 order",
        ),
        pytest.param(
            put("artifacts", to=[PLAIN, PLAIN]),
            Reason.MALFORMED,
            "manifest: expected entries sorted by path without repetition, got another order",
            id="T019 twice",
        ),
        pytest.param(
            put("documents", to=[]),
            Reason.MALFORMED,
            "manifest: expected evidence among the documents, got 'documents/files/a.txt.sig'",
            id="T109 evidence that is not there",
        ),
        pytest.param(
            put(*SECOND, "path", to="artifacts/files/a.txt.SIG"),
            Reason.NAME_CLASH,
            "name 'files/a.txt.SIG': expected a name apart from all others, "
            "got one that falls together with 'files/a.txt.sig'",
            id="T012 artifact and document of one name",
        ),
        pytest.param(
            put(*SECOND, "path", to="artifacts/files/a.txt/b"),
            Reason.NAME_CLASH,
            "name 'files/a.txt/': expected a name apart from all others, got one that falls together with 'files/a.txt'",
            id="T018 file and folder",
        ),
        pytest.param(
            put("frames", 0, 1, to=65535),
            Reason.MALFORMED,
            "manifest: expected full frames and a last one that is not larger, got other sizes",
            id="a short frame in the middle",
        ),
        pytest.param(
            put("frames", 2, 1, to=65537),
            Reason.MALFORMED,
            "manifest: expected full frames and a last one that is not larger, got other sizes",
            id="a last frame that is larger",
        ),
    ],
)
def test_entries_that_contradict_each_other_are_refused(edit: Edit[Any], reason: Reason, message: str) -> None:
    error = refusal(encode(edit(FULL)))

    assert (error.reason, error.message) == (reason, message)


@pytest.mark.parametrize(
    "edit",
    [
        pytest.param(put("losses", 0, "what", to="stolen"), id="unknown loss"),
        pytest.param(drop("losses", 0, "detail"), id="member missing"),
        pytest.param(put("losses", 0, "purl", to=""), id="no purl"),
        pytest.param(put("losses", to={}), id="no list"),
        pytest.param(put("frameSize", to=65535), id="small frames"),
        pytest.param(put("frameSize", to=8 * 1024 * 1024 + 1), id="large frames"),
    ],
)
def test_what_the_schema_says_of_the_rest_is_the_law(edit: Edit[Any]) -> None:
    assert refusal(encode(edit({**FULL, "frames": []}))).message.startswith("manifest: expected ")
    with pytest.raises(FormatError, match=r"^manifest: expected "):
        validate("manifest", edit({**FULL, "frames": []}), what="manifest")


@pytest.mark.parametrize(
    ("old", "new", "got"),
    [
        (b'{"artifacts":[', b'{"Artifacts":[', 'expected {"artifacts":[ at byte 0, got other bytes'),
        (b'"format":1', b'"format":2', 'expected ,"format":1,"frameSize": at byte '),
        (b'"frameSize":65536', b'"frameSize":065536', 'expected ,"frames":[ at byte '),
        (b'"frameSize":65536', b'"frameSize":-65536', "expected an integer at byte "),
        (b'"frameSize":65536', b'"frameSize":65536.0', 'expected ,"frames":[ at byte '),
        (b'"losses":[', b'"artifacts":[],"losses":[', "expected losses at the end, got other members"),
        (b'"losses":[', b'"frameSize":70000,"losses":[', "expected losses at the end, got other members"),
        (b'"losses":[', b'"format":1,"losses":[', "expected losses at the end, got other members"),
        (b'"losses":[', b'"Losses":[', "expected losses at the end, got other members"),
        (b"[100,65536,", b"[0,65536,", "expected a frame at byte "),
        (b"[100,65536,", b"[100,65536.0,", "expected a frame at byte "),
        (b"[100,65536,", b"[1000000000,65536,", "expected a frame at byte "),
        (b"[100,65536,", b"[ 100,65536,", "expected a frame at byte "),
        (b"ef" * 32, b"EF" * 32, "expected a frame at byte "),
        (b"],[7,512", b"];[7,512", "expected ',' or ']' at byte "),
        (b'},{"custody"', b'};{"custody"', "expected ',' or ']' at byte "),
        (b'},{"custody"', b'}, {"custody"', "expected canonical JSON, got another encoding of the same value"),
        (b'{"custody":[]', b'{ "custody":[]', "expected canonical JSON, got another encoding of the same value"),
        (b'{"custody":[]', b'5,{"custody":[]', "expected canonical JSON, got extra data"),
        (b'{"custody":[]', b'}{"custody":[]', "expected canonical JSON, got "),
        (b'"size":5', b'"size":5.0', "expected canonical JSON, got a number that is no integer"),
        (b'"size":5', b'"size":05', "expected canonical JSON, got "),
        (b'"size":5', b'"size":5,"size":5', "expected canonical JSON, got another encoding of the same value"),
    ],
)
def test_t080_t091_a_manifest_in_another_spelling_is_refused(old: bytes, new: bytes, got: str) -> None:
    assert refusal(swap(old, new)(encode(FULL))).message.startswith(f"manifest: {got}")


@pytest.mark.parametrize("cut", range(0, len(encode(FULL)), 7))
def test_a_manifest_that_was_cut_is_refused(cut: int) -> None:
    assert refusal(encode(FULL)[:cut]).reason is Reason.MALFORMED


@pytest.mark.parametrize("more", [b" ", b"\n", b"{}", b"]"])
def test_t087_nothing_stands_behind_the_manifest(more: bytes) -> None:
    assert refusal(encode(FULL) + more).message.startswith("manifest: expected canonical JSON, got ")


@pytest.mark.parametrize("opening", [b'{"artifacts":[{"', b'{"artifacts":[{"a":"', b'{"artifacts":[['])
def test_t092_an_entry_that_never_ends_is_refused_in_linear_time(opening: bytes) -> None:
    """A megabyte of it took hours when every quote was tried as a beginning: this test would hang."""
    assert refusal(opening + b'\\"' * 500_000).message == "manifest: expected an entry, got the end"


@pytest.mark.parametrize("left", [0, 1, 2, 3])
def test_t088_artifacts_documents_and_losses_count_together(left: int) -> None:
    error = refusal(encode(FULL), max_entries=left)

    assert error.reason is Reason.TOO_LARGE
    assert error.message == "manifest: expected fewer entries, got more than the policy allows"
    assert parse(FULL, max_entries=4).encode() == encode(FULL)


def test_t088_what_is_too_many_is_not_read_to_its_end() -> None:
    raw = b'{"artifacts":[' + b",".join([encode(PLAIN)] * 3) + b", what follows is no JSON"

    assert refusal(raw, max_entries=2).reason is Reason.TOO_LARGE


def test_an_empty_frame_is_not_written() -> None:
    frames = Frames()
    frames.append(9, 0, None)

    with pytest.raises(FormatError, match=r"^manifest: expected full frames and a last one that is not larger"):
        Manifest(frame_size=65536, artifacts=[], documents=[], frames=frames).check()


def test_a_frame_of_raw_blocks_has_no_digest() -> None:
    frames = Frames()
    frames.append(10, 20, b"\x01" * 32)
    frames.append(30, 20, None)

    assert [frames.digest(0), frames.digest(1)] == [b"\x01" * 32, None]
    assert frames.encode() == b'[[10,20,"' + b"01" * 32 + b'"],[30,20,null]]'
