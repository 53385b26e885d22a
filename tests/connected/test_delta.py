"""Exports since a receipt: they carry what changed since the last state that the site confirmed, and nothing is lost."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from airgap.bundle.claims import read_claims
from airgap.connected.baseline import cut, read_receipts
from airgap.connected.gather import Gathered, gather
from airgap.core.errors import UsageError
from airgap.core.reasons import Reason
from airgap.core.statement import Base, Container
from airgap.core.verdict import Standing
from airgap.isolated.recheck import recheck
from tests.connected.exporting import plant, request
from tests.connected.gap import Gap, carried, left_out
from tests.forge.site import fault, look_at, tree
from tests.forge.text import NOW
from tests.forge.trust import trust_file
from tests.isolated.scene import faults, rot
from tests.second_reader.reader import read

BIG = {f"big{number}.bin": bytes([number]) * 200_000 for number in range(4)}
FIRST = {**BIG, "a.txt": b"alpha\n", "a.txt.asc": b"a signature", "dir/b.txt": b"beta\n"}


@pytest.fixture
def gap(tmp_path: Path) -> Gap:
    return Gap(tmp_path)


@pytest.mark.parametrize("container", Container)
def test_an_export_since_a_receipt_carries_what_changed_and_all_evidence(gap: Gap, container: Container) -> None:
    one = gap.export(FIRST)
    receipt = gap.confirm(one)
    two = gap.export({"dir/b.txt": b"gamma", "new": b"n"}, after=one, since=[receipt], container=container)

    assert carried(two) == ["dir/b.txt", "new"]
    assert left_out(two) == ["a.txt", *sorted(BIG)]
    assert [document.path for document in two.manifest.documents] == ["documents/files/a.txt.asc"]
    assert (two.statement.artifacts, two.statement.content) == (2, len(b"gamma") + len(b"n") + len(b"a signature"))
    gap.confirm(two)
    assert gap.shown() == {**FIRST, "dir/b.txt": b"gamma", "new": b"n"}
    assert faults(recheck(gap.store, at=NOW, run_id="check").findings) == []


def test_a_delta_names_the_receipt_that_it_stands_on(gap: Gap) -> None:
    one = gap.export(FIRST)
    receipt = gap.confirm(one)
    two = gap.export({"new": b"n"}, after=one, since=[receipt])
    wanted = request(gap.folder)
    baseline = gap.cut(wanted, _gathered(gap), [receipt], one)

    assert two.statement.base == baseline.base == Base(baseline.receipt.digest, 1)
    assert read_claims(two.paths).statement == two.statement


def test_the_short_form_gives_the_same_bundle_as_the_whole_receipt(gap: Gap) -> None:
    one = gap.export(FIRST)
    receipt = gap.confirm(one)
    whole = gap.cut(request(gap.folder), _gathered(gap), [receipt], one).receipt
    line = gap.root / "short"
    line.write_text(whole.short(gap.store.private_key()) + "\n")
    bundles = [gap.export({"new": b"n"}, after=one, since=[said]) for said in (receipt, str(line))]

    assert Path(bundles[0].paths[0]).read_bytes() == Path(bundles[1].paths[0]).read_bytes()
    assert carried(bundles[0]) == ["new"]


def test_a_file_of_the_same_size_is_compared_by_content_and_by_name(gap: Gap) -> None:
    one = gap.export({"a": b"one", "b": b"two"})
    receipt = gap.confirm(one)
    two = gap.export({"a": b"new", "c": b"two"}, after=one, since=[receipt])

    assert (carried(two), left_out(two)) == (["a", "c"], ["b"])


def test_a_delta_in_which_nothing_changed_carries_nothing_and_still_counts(gap: Gap) -> None:
    one = gap.export({"a": b"one", "b": b""})
    receipt = gap.confirm(one)
    two = gap.export({}, after=one, since=[receipt])
    gap.confirm(two)

    assert (carried(two), left_out(two)) == ([], ["a", "b"])
    assert (two.statement.artifacts, two.statement.content) == (0, 0)
    assert gap.shown() == {"a": b"one", "b": b""}


def test_stock_tools_open_a_delta(gap: Gap) -> None:
    one = gap.export(FIRST)
    two = gap.export({"new": b"n"}, after=one, since=[gap.confirm(one)])
    out = gap.root / "out"
    out.mkdir()
    subprocess.run(["tar", "--zstd", "-xf", two.paths[0], "-C", out], check=True)
    subprocess.run(["sha256sum", "-c", "--strict", "SHA256SUMS"], cwd=out, capture_output=True, check=True)

    assert sorted(str(path.relative_to(out)) for path in out.rglob("*") if path.is_file()) == [
        "SHA256SUMS",
        "artifacts/files/new",
        "documents/files/a.txt.asc",
    ]


@pytest.mark.parametrize("container", Container)
def test_a_reader_written_from_the_documentation_alone_agrees(gap: Gap, container: Container) -> None:
    one = gap.export(FIRST)
    two = gap.export({"new": b"n"}, after=one, since=[gap.confirm(one)], container=container)

    assert [entry.path for entry in read(list(two.paths), trust_file(), NOW)] == [e.path for e in two.manifest.entries]


def test_deltas_stand_on_deltas(gap: Gap) -> None:
    one = gap.export(FIRST)
    two = gap.export({"two": b"2"}, after=one, since=[gap.confirm(one)])
    gap.confirm(two)
    three = gap.export({"three": b"3", "two": b"22"}, after=two, since=gap.receipts)
    gap.confirm(three)
    four = gap.export({}, after=three, since=gap.receipts)
    gap.confirm(four)

    assert (carried(two), carried(three), carried(four)) == (["two"], ["three", "two"], [])
    assert left_out(three) == ["a.txt", *sorted(BIG), "dir/b.txt"]
    assert four.statement.base is not None
    assert four.statement.base.sequence == 3
    assert gap.shown() == {**FIRST, "two": b"22", "three": b"3"}
    assert faults(recheck(gap.store, at=NOW, run_id="check").findings) == []


def test_a_lost_delivery_loses_nothing(gap: Gap) -> None:
    one = gap.export(FIRST)
    receipt = gap.confirm(one)
    lost = gap.export({"two": b"2"}, after=one, since=[receipt])
    three = gap.export({"three": b"3"}, after=lost, since=[receipt], base=one)

    assert carried(three) == ["three", "two"]
    assert fault(gap.take(three).verdict).reason is Reason.GAP
    gap.confirm(three, allow_gap="the disk of number 2 was lost")
    assert gap.shown() == {**FIRST, "two": b"2", "three": b"3"}


def test_a_delta_whose_base_came_in_later_too_still_holds(gap: Gap) -> None:
    one = gap.export(FIRST)
    receipt = gap.confirm(one)
    two = gap.export({"a.txt": b"changed"}, after=one, since=[receipt])
    three = gap.export({"a.txt": FIRST["a.txt"]}, after=two, since=[receipt], base=one)
    gap.confirm(two)
    gap.confirm(three)

    assert left_out(three) == ["a.txt", *sorted(BIG), "dir/b.txt"]
    assert gap.shown() == FIRST


def test_a_site_that_never_had_the_base_refuses_the_delta_and_names_it(gap: Gap, tmp_path: Path) -> None:
    one = gap.export(FIRST)
    receipt = gap.confirm(one)
    two = gap.export({"new": b"n"}, after=one, since=[receipt])
    digest = gap.cut(request(gap.folder), _gathered(gap), [receipt], one).receipt.digest
    (tmp_path / "fresh").mkdir()
    fresh = Gap(tmp_path / "fresh")
    before = tree(fresh.store.layout.root)
    found = fault(fresh.take(two, allow_gap="a new site").verdict)

    assert found.reason is Reason.BASE_MISSING
    assert found.expected == f"bundle main 1 (receipt {digest.hex()[:16]}) here"
    assert found.got == "no artifacts/files/a.txt, or other bytes of it"
    assert tree(fresh.store.layout.root) == before


@pytest.mark.parametrize("damage", [rot, os.unlink])
def test_a_base_object_that_is_rotten_or_gone_refuses_the_delta_and_a_wish_brings_it_again(
    damage: Callable[[str], None], gap: Gap
) -> None:
    one = gap.export(FIRST)
    receipt = gap.confirm(one)
    two = gap.export({"new": b"n"}, after=one, since=[receipt])
    (known,) = (artifact for artifact in one.manifest.artifacts if artifact.path.endswith("big2.bin"))
    damage(gap.store.layout.object(known.sha256))
    before = tree(gap.store.layout.root)
    found = fault(gap.take(two).verdict)

    assert (found.reason, found.subject) == (Reason.BASE_MISSING, "artifacts/files/big2.bin")
    assert tree(gap.store.layout.root) == before
    recheck(gap.store, at=NOW, run_id="check")
    wish = gap.wish("pkg:pypi/absent@1")
    assert [(one.path, one.purl) for one in wish.damaged] == [("artifacts/files/big2.bin", "pkg:generic/big2.bin")]
    three = gap.export({}, after=two, since=[receipt], base=one, wish=wish)
    assert carried(three) == ["big2.bin", "new"]
    assert wish.unanswered(three.manifest.artifacts, three.manifest.documents) == ([], ["pkg:pypi/absent@1"])
    gap.confirm(three, allow_gap="number 2 stood on a lost object")
    assert gap.shown() == {**FIRST, "new": b"n"}
    assert faults(recheck(gap.store, at=NOW, run_id="again").findings) == []
    assert gap.wish().damaged == ()


def test_the_site_itself_may_have_imported_the_same_bundle_twice(gap: Gap) -> None:
    one = gap.export(FIRST)
    gap.confirm(one)
    recheck(gap.store, at=NOW, run_id="check")
    gap.confirm(one)
    two = gap.export({"new": b"n"}, after=one, since=gap.receipts)

    assert carried(two) == ["new"]
    gap.confirm(two)


def test_a_base_that_the_receipt_does_not_confirm_is_refused_by_name(gap: Gap) -> None:
    one = gap.export(FIRST)
    receipt = gap.confirm(one)
    two = gap.export({"two": b"2"}, after=one)
    with pytest.raises(UsageError) as caught:
        gap.export({"three": b"3"}, after=two, since=[receipt])

    assert caught.value.message == (
        f"--base: expected the bundle main 1, manifest {one.statement.manifest.hex()[:16]}, as the receipt says, "
        f"got main 2, manifest {two.statement.manifest.hex()[:16]}"
    )
    assert caught.value.hint == "give the bundle that was imported as main 1: --base BUNDLE"


def test_a_bundle_that_does_not_follow_the_confirmed_one_is_not_made(gap: Gap) -> None:
    one = gap.export(FIRST)
    gap.confirm(one)
    two = gap.export({"two": b"2"}, after=one)
    other = gap.export({"two": b"other"}, after=one)
    receipt = gap.confirm(two)
    for after, words in (
        (one, "--after: expected the channel's last bundle, main 2 or later, got main 1"),
        (other, f"--after: expected the bundle main 2, manifest {two.statement.manifest.hex()[:16]}, as the receipt says"),
    ):
        with pytest.raises(UsageError) as caught:
            gap.export({"three": b"3"}, after=after, since=[receipt], base=two)
        assert caught.value.message.startswith(words)
    assert len(list(gap.root.glob("*.airgap"))) == 3


def test_a_file_that_changes_after_it_was_compared_is_not_sealed_as_held(gap: Gap) -> None:
    one = gap.export(FIRST)
    receipt = gap.confirm(one)
    wanted = request(plant(gap.folder, {"new": b"n"}))
    gathered = _gathered(gap)
    (gap.folder / "big1.bin").write_bytes(b"\0" * 200_000)
    with pytest.raises(UsageError, match="got a file that changed meanwhile"):
        gap.cut(wanted, gathered, [receipt], one)


def test_nothing_of_a_delta_is_read_twice_or_needlessly(gap: Gap) -> None:
    one = gap.export(FIRST)
    receipt = gap.confirm(one)
    hashed: list[int] = []
    wanted = request(plant(gap.folder, {"a.txt": b"another length", "new": b"n"}))
    receipts = read_receipts([receipt], gap.key)
    cut(wanted, _gathered(gap).artifacts, receipts, base=one.paths, wish=None, progress=hashed.append)

    assert sum(hashed) == 4 * 200_000 + len(b"beta\n")


def test_a_delta_is_judged_again_by_the_site_when_it_is_verified_without_a_store(gap: Gap) -> None:
    one = gap.export(FIRST)
    two = gap.export({"new": b"n"}, after=one, since=[gap.confirm(one)])

    assert look_at(*two.paths).verdict.standing is Standing.ACCEPTED


def _gathered(gap: Gap) -> Gathered:
    return gather(request(gap.folder))
