"""Threats 1e: digests and sizes that do not hold, are missing, or contradict each other."""

# ruff: noqa: N802 -- the number of the threat is part of a test's name

from pathlib import Path
from typing import Any

import pytest

from airgap.core.reasons import Reason
from airgap.core.verdict import Check
from tests.attacks.conftest import Refuse
from tests.forge.build import FILES, bundle
from tests.forge.caps import MIB, below, within
from tests.forge.edit import drop, put, swap
from tests.forge.site import fault, look_at, take

A, B = FILES
TWO = {"artifacts/files/a": b"one\n", "artifacts/files/b": b"two\n"}
SUBJECT = ("subject", 0, "digest")


@pytest.mark.parametrize("digest", [{}, None, []])
def test_T100_a_statement_without_a_digest_is_refused(refuse: Refuse, digest: Any) -> None:
    assert refuse(bundle(on_statement=put(*SUBJECT, to=digest))).reason is Reason.MALFORMED


def test_T100_an_entry_without_a_digest_is_refused(refuse: Refuse) -> None:
    assert refuse(bundle(on_manifest=drop("artifacts", 0, "sha256"))).reason is Reason.MALFORMED


def test_T100_a_subject_that_is_missing_or_twice_there_is_refused(refuse: Refuse) -> None:
    assert refuse(bundle(on_statement=put("subject", to=[]))).reason is Reason.MALFORMED
    twice = bundle(on_statement=lambda s: put("subject", 1, to=s["subject"][0])(s))
    assert refuse(twice).reason is Reason.MALFORMED


@pytest.mark.parametrize("name", ["sha1", "md5", "sha512", "SHA256", "Sha256", "sha-256", "sha2_256"])
def test_T101_T102_a_digest_of_another_algorithm_or_spelling_is_refused(refuse: Refuse, name: str) -> None:
    made = bundle(on_statement=lambda s: put(*SUBJECT, to={name: s["subject"][0]["digest"]["sha256"]})(s))
    assert refuse(made).reason is Reason.MALFORMED


@pytest.mark.parametrize("other", ["sha1", "sha512"])
def test_T103_several_digests_are_refused(refuse: Refuse, other: str) -> None:
    assert refuse(bundle(on_statement=put(*SUBJECT, other, to="0" * 64))).reason is Reason.MALFORMED


@pytest.mark.parametrize("size", [0, 2, 32, 40, 62, 63, 65])
def test_T104_a_digest_of_another_length_is_refused(refuse: Refuse, size: int) -> None:
    assert refuse(bundle(on_statement=put(*SUBJECT, "sha256", to="0" * size))).reason is Reason.MALFORMED
    assert refuse(bundle(on_manifest=put("documents", 0, "sha256", to="0" * size))).reason is Reason.MALFORMED
    frames = put("frames", 0, 2, to="0" * size)
    assert refuse(bundle(on_manifest=frames)).reason is Reason.MALFORMED


def test_T105_content_of_the_right_length_and_another_digest_is_refused(refuse: Refuse) -> None:
    found = refuse(bundle(on_tar=swap(b"alpha\n", b"Alpha\n")))

    assert (found.reason, found.check, found.subject) == (Reason.CONTENT_MISMATCH, "content", A)
    assert found.expected.startswith("sha256 ")
    assert found.got.startswith("sha256 ")


def test_T105_a_large_entry_is_compared_too(refuse: Refuse) -> None:
    content = b"0123456789abcdef" * (12 * MIB // 16)
    found = refuse(bundle({A: content}, frame_size=MIB, on_tar=swap(b"0123456789abcdef", b"0123456789abcdeF")))

    assert (found.reason, found.subject) == (Reason.CONTENT_MISMATCH, A)


def test_T105_another_digest_of_a_frame_is_refused(refuse: Refuse) -> None:
    found = refuse(bundle(on_manifest=put("frames", 0, 2, to="0" * 64)))

    assert (found.reason, found.subject) == (Reason.FRAME_DAMAGED, "x.airgap")


@pytest.mark.parametrize("step", [-1, 1, 512])
def test_T106_another_length_that_the_totals_contradict_is_refused(refuse: Refuse, step: int) -> None:
    found = refuse(bundle(on_manifest=put("artifacts", 0, "size", to=len(FILES[A]) + step)))

    assert (found.reason, found.expected) == (Reason.BAD_TOTALS, "the signed totals")


@pytest.mark.parametrize("step", [-1, 1])
def test_T106_another_length_that_the_totals_repeat_is_refused(tmp_path: Path, step: int) -> None:
    made = bundle(
        on_manifest=put("artifacts", 0, "size", to=len(FILES[A]) + step),
        on_statement=lambda s: put("predicate", "totals", "bytes", to=s["predicate"]["totals"]["bytes"] + step)(s),
    )
    verdict = look_at(made.write(tmp_path / "x")).verdict

    reasons = {finding.reason for finding in verdict.findings}
    assert {Reason.FILLER_MISMATCH, Reason.CONTENT_MISMATCH} <= reasons


def test_T107_two_entries_that_changed_places_are_both_named(tmp_path: Path) -> None:
    made = bundle(TWO, on_tar=lambda raw: swap(b"one\n", b"#")(swap(b"two\n", b"one\n")(raw)).replace(b"#", b"two\n"))
    verdict = look_at(made.write(tmp_path / "x")).verdict

    wrong = {finding.subject for finding in verdict.findings if finding.reason is Reason.CONTENT_MISMATCH}
    assert wrong == set(TWO)


def test_T108_an_entry_that_the_manifest_does_not_name_is_refused(refuse: Refuse) -> None:
    found = refuse(bundle(on_manifest=drop("artifacts", 1)))

    assert (found.reason, found.expected) == (Reason.BAD_TOTALS, "the signed totals")


def test_T108_an_entry_that_neither_manifest_nor_totals_name_is_refused(refuse: Refuse) -> None:
    totals = {"artifacts": 1, "bytes": len(FILES[A]) + 28}
    found = refuse(bundle(predicate={"totals": totals}, on_manifest=drop("artifacts", 1)))

    assert (found.reason, found.expected) == (Reason.BAD_TOTALS, "frames that add up to the archive")


def test_T109_an_entry_that_is_listed_and_absent_is_refused(refuse: Refuse) -> None:
    more = bundle().manifest["artifacts"][1]
    found = refuse(bundle({A: FILES[A]}, on_manifest=put("artifacts", 1, to=more)))

    assert found.reason is Reason.BAD_TOTALS


def test_T110_a_manifest_in_another_order_is_refused(refuse: Refuse) -> None:
    found = refuse(bundle(on_manifest=lambda m: put("artifacts", to=m["artifacts"][::-1])(m)))

    assert (found.reason, found.expected) == (Reason.MALFORMED, "entries sorted by path without repetition")


def test_T110_a_stream_in_another_order_is_refused(tmp_path: Path) -> None:
    def turn(raw: bytes) -> bytes:
        at = raw.index(b"artifacts/files/a\0")
        return raw[:at] + raw[at + 1024 : at + 2048] + raw[at : at + 1024] + raw[at + 2048 :]

    verdict = look_at(bundle(TWO, on_tar=turn).write(tmp_path / "x")).verdict

    assert verdict.reason is Reason.FILLER_MISMATCH
    assert {f.subject for f in verdict.findings if f.check == Check.CONTENT} == set(TWO)


@pytest.mark.parametrize("size", [2**53 - 1, 2**63 - 1, 2**64])
def test_T111_sizes_that_overflow_are_refused(refuse: Refuse, size: int) -> None:
    found = refuse(bundle(on_manifest=put("artifacts", 0, "size", to=size)))

    assert found.reason is (Reason.BAD_TOTALS if size < 2**53 else Reason.MALFORMED)


@pytest.mark.parametrize("step", [-1, 1, 2**32, -(2**32)])
def test_T111_a_size_of_the_archive_that_is_not_the_files_is_refused(refuse: Refuse, step: int) -> None:
    size = len(bundle().raw) + step
    found = refuse(bundle(predicate={"archiveSize": size}))

    if size < 0:
        assert found.reason is Reason.MALFORMED
    else:
        assert (found.reason, found.expected) == (Reason.WRONG_SIZE, f"{size} bytes")


@pytest.mark.parametrize(
    ("member", "value"), [(0, 10**8), (0, 1), (1, 65536), (1, 1), (0, 0), (1, 0), (0, 2**32), (0, 999_999_999)]
)
def test_T111_a_frame_of_another_size_is_refused(refuse: Refuse, member: int, value: int) -> None:
    found = refuse(bundle(on_manifest=put("frames", 0, member, to=value)))

    assert found.reason in {Reason.BAD_TOTALS, Reason.MALFORMED}


def test_T111_a_frame_in_the_middle_that_is_not_full_is_refused(refuse: Refuse) -> None:
    found = refuse(bundle(on_frames=lambda frames: frames * 2))

    assert (found.reason, found.expected) == (Reason.MALFORMED, "full frames and a last one that is not larger")


@pytest.mark.parametrize("size", [2**31 - 1, 2**31, 2**31 + 1, 2**32 - 1, 2**32, 2**32 + 1])
def test_T112_bytes_behind_two_or_four_gibibytes_are_not_overlooked(tmp_path: Path, size: int) -> None:
    made = bundle()
    path = tmp_path / "x"
    made.write(path)
    with path.open("r+b") as file:
        file.truncate(len(made.raw) + size)
    with within(seconds=5), below(8 * MIB):
        found = fault(look_at(str(path)).verdict)

    assert (found.reason, found.got) == (Reason.WRONG_SIZE, str(len(made.raw) + size))


@pytest.mark.parametrize("size", [2**31, 2**32])
def test_T112_a_file_of_a_directory_that_is_longer_by_a_power_of_two_is_refused(tmp_path: Path, size: int) -> None:
    folder = bundle(predicate={"container": "directory"}).write_directory(tmp_path / "x")
    with (tmp_path / "x" / A).open("r+b") as file:
        file.truncate(len(FILES[A]) + size)
    with within(seconds=5), below(8 * MIB):
        found = fault(look_at(folder).verdict)

    assert (found.reason, found.subject, found.got) == (Reason.WRONG_SIZE, A, str(len(FILES[A]) + size))


def test_a_bundle_whose_totals_hold_is_accepted_as_the_measure_of_these_tests(tmp_path: Path) -> None:
    from airgap.core.verdict import Standing
    from tests.forge.site import make_store

    assert take(make_store(tmp_path / "s"), bundle(TWO).write(tmp_path / "x")).verdict.standing is Standing.ACCEPTED
