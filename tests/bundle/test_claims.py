"""Claims: what a bundle says, read without belief; and the comparison that a second signer makes."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from airgap.bundle.argument import examine
from airgap.bundle.claims import check_claims, read_claims
from airgap.bundle.contents import MAX_FINDINGS, NullSink
from airgap.core.entries import Entry
from airgap.core.errors import FormatError
from airgap.core.reasons import Reason
from airgap.core.verdict import Check
from tests.forge.build import FILES, bundle, frame
from tests.forge.edit import put
from tests.forge.keys import MALLORY
from tests.forge.site import asker, fault, look_at
from tests.forge.trust import trust_envelope

DIRECTORY = {"container": "directory"}


def ignore(_: int) -> None:
    pass


def test_claims_are_read_whoever_signed(tmp_path: Path) -> None:
    made = bundle(keys=(MALLORY,), updates=[trust_envelope()])
    for path in (made.write(tmp_path / "x"), made.write_directory(tmp_path / "d")):
        heard = read_claims([path])

        assert (heard.statement.channel, heard.statement.sequence, len(heard.updates)) == ("main", 1, 1)
        assert [a.path for a in heard.manifest().artifacts] == list(FILES)


@pytest.mark.parametrize("container", ["archive", "directory"])
def test_content_that_holds_is_found_to_hold(tmp_path: Path, container: str) -> None:
    made = bundle(keys=(MALLORY,), predicate=DIRECTORY if container == "directory" else {})
    path = made.write_directory(tmp_path / "d") if container == "directory" else made.write(tmp_path / "x")
    done: list[int] = []
    heard, findings = check_claims([path], progress=done.append)

    assert [(f.check, f.reason) for f in findings] == [(c, None) for c in (Check.FRAMES, Check.FILLER, Check.CONTENT)]
    assert sum(done) == heard.statement.content


def test_content_of_another_length_is_not_read(tmp_path: Path) -> None:
    made = bundle(on_payload=lambda raw: raw + b"x")
    with pytest.raises(FormatError) as caught:
        check_claims([made.write(tmp_path / "x")], progress=ignore)

    assert caught.value.reason is Reason.WRONG_SIZE


def test_many_faults_are_counted_and_not_all_listed(tmp_path: Path) -> None:
    count = MAX_FINDINGS + 5
    files = {f"artifacts/files/{n:03d}": b"x%03d" % n for n in range(count)}

    def spoil(raw: bytes) -> bytes:
        for content in files.values():
            raw = raw.replace(content + bytes(508), b"evil" + bytes(508))
        return raw

    made = bundle(files, documents={}, on_tar=spoil, frame_size=65536)
    verdict = look_at(made.write(tmp_path / "x")).verdict
    wrong = [finding for finding in verdict.findings if finding.reason is Reason.CONTENT_MISMATCH]

    assert len(wrong) == MAX_FINDINGS
    assert [f.got for f in verdict.findings if f.check == Check.CONTENT and f.reason is None] == ["5 more"]


def test_frames_in_a_directory_are_refused(tmp_path: Path) -> None:
    made = bundle(predicate=DIRECTORY, on_frames=lambda _: [frame(b"x" * 65536)])
    found = fault(look_at(made.write_directory(tmp_path / "x")).verdict)

    assert (found.reason, found.expected) == (Reason.BAD_TOTALS, "no frames in a directory")


def test_a_directory_of_another_size_is_refused(tmp_path: Path) -> None:
    made = bundle(predicate={**DIRECTORY, "archiveSize": 1})
    found = fault(look_at(made.write_directory(tmp_path / "x")).verdict)

    assert (found.reason, found.expected) == (Reason.WRONG_SIZE, "1 bytes")


@pytest.mark.parametrize("container", ["archive", "directory"])
def test_a_sink_gets_the_content_in_the_order_of_the_entries(tmp_path: Path, container: str) -> None:
    class Keep:
        def __init__(self) -> None:
            self.content: dict[str, bytes] = {}
            self.path = ""

        def begin(self, entry: Entry) -> None:
            self.path = entry.path
            self.content[self.path] = b""

        def write(self, views: Sequence[memoryview]) -> None:
            self.content[self.path] += b"".join(views)

        def end(self) -> None:
            assert self.path

        def kept(self, _: Entry) -> str:
            return ""

    files = {**FILES, "artifacts/files/large": bytes(range(256)) * 6000}
    made = bundle(files, predicate={"container": container})
    path = made.write_directory(tmp_path / "d") if container == "directory" else made.write(tmp_path / "x")
    sink = Keep()
    examine([path], asker(), sink=sink)

    assert list(sink.content.items()) == list(made.entries.items())


def test_an_unknown_member_of_a_frame_is_refused(tmp_path: Path) -> None:
    made = bundle(on_manifest=put("frames", 0, 3, to=1))

    assert fault(look_at(made.write(tmp_path / "x")).verdict).reason is Reason.MALFORMED


def test_who_only_compares_keeps_nothing(tmp_path: Path) -> None:
    manifest = read_claims([bundle().write(tmp_path / "x")]).manifest()

    assert [NullSink().kept(entry) for entry in manifest.named] == [""] * 3
