"""Receipts of one site: whoever holds them notices a ledger that was rewritten, rolled back or forked."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from airgap.connected.baseline import MAX_FILES, check_histories, check_wish, confirmed, read_receipts
from airgap.core.checkpoint import Checkpoint
from airgap.core.envelope import Envelope
from airgap.core.errors import AirgapError, FormatError, UsageError
from airgap.core.merkle import consistency_proof, leaf_hash, tree_hash
from airgap.core.reasons import Reason
from airgap.core.receipt import Earlier, Receipt, read_receipt, receipt_statement
from airgap.core.verdict import judge
from airgap.core.wish import Wish
from tests.connected.exporting import request
from tests.core.test_statement import FIRST
from tests.forge.keys import MALLORY, key
from tests.forge.text import NOW

SITE = key("site")
HONEST = [leaf_hash(b"record %d" % number) for number in range(20)]
FORKED = [*HONEST[:4], leaf_hash(b"another record"), *HONEST[5:]]


def envelope(size: int, since: Sequence[int] = (), *, leaves: Sequence[bytes] = HONEST, site: str = "lab") -> Envelope:
    """A receipt over the first ``size`` records that proves growth since earlier lengths."""
    own = leaves[:size]
    return receipt_statement(
        site=site,
        at=NOW + timedelta(hours=size),
        version="1",
        statement=replace(FIRST, sequence=size, previous=bytes(32)),
        trust=1,
        policy="",
        verdict=judge([], required=[]),
        generation=size,
        checkpoint=Checkpoint(site, size, tree_hash(own)),
        earlier=[Earlier(old, tree_hash(own[:old]), tuple(consistency_proof(own, old))) for old in since],
    ).with_signatures([SITE])


def receipt(size: int, since: Sequence[int] = (), **changes: Any) -> Receipt:
    return read_receipt(envelope(size, since, **changes).encode(), SITE.public)


def short(size: int) -> Receipt:
    return read_receipt(receipt(size).short(SITE).encode(), SITE.public)


def fault(*receipts: Receipt) -> AirgapError:
    with pytest.raises((FormatError, UsageError)) as caught:
        check_histories(receipts)
    return caught.value


@pytest.mark.parametrize(
    "receipts",
    [
        [receipt(3)],
        [receipt(3), receipt(7, [3])],
        [receipt(7, [3]), receipt(3)],
        [receipt(3), receipt(7, [3]), receipt(12, [7, 3])],
        [receipt(3), receipt(7, [3]), receipt(12, [7])],
        [receipt(3), receipt(7), receipt(12, [7, 3])],
        [receipt(1), receipt(2, [1]), receipt(4, [2, 1]), receipt(8, [4]), receipt(16, [8])],
        [receipt(7), short(7)],
        [short(3), receipt(7, [3])],
        [short(7)],
    ],
)
def test_a_ledger_that_only_grew_is_believed(receipts: list[Receipt]) -> None:
    check_histories(receipts)


@pytest.mark.parametrize("old", range(1, 20))
def test_every_length_can_be_proven_to_every_longer_one(old: int) -> None:
    check_histories([receipt(old), receipt(20, [old])])
    forked = receipt(20, [old], leaves=[leaf_hash(b"forged"), *HONEST[1:]])

    assert getattr(fault(receipt(old), forked), "reason", None) is Reason.RECEIPT_INCONSISTENT


@pytest.mark.parametrize(
    ("receipts", "words"),
    [
        # rewritten: the newer receipt shows other records where the older one had its own
        ([receipt(7), receipt(12, [7], leaves=FORKED)], "got a history without it in the receipt of main 12"),
        ([receipt(3), receipt(7, [3]), receipt(12, [7, 3], leaves=FORKED)], "expected 7 records with root"),
        # forked: two ledgers of one length
        ([receipt(7), receipt(7, leaves=FORKED)], "got another root of the same length in the receipt of main 7"),
        ([short(7), receipt(7, leaves=FORKED)], "got another root of the same length"),
        # a root that the proof does not lead to
        (
            [receipt(7), replace(receipt(12, [7]), earlier=(Earlier(7, tree_hash(HONEST[:7]), ()),))],
            "got a history without it",
        ),
        (
            [receipt(7), replace(receipt(12, [7]), earlier=(Earlier(7, bytes(32), receipt(12, [7]).earlier[0].proof),))],
            "got a history without it",
        ),
        # rolled back with the whole disk: later, the ledger was shorter
        (
            [replace(receipt(5, leaves=FORKED), at=NOW + timedelta(days=9)), receipt(7, [3])],
            "got a ledger that was 7 records long before, in the receipt of main 7",
        ),
    ],
)
def test_a_ledger_that_did_not_only_grow_is_noticed(receipts: list[Receipt], words: str) -> None:
    for order in (receipts, receipts[::-1]):
        found = fault(*order)

        assert isinstance(found, FormatError)
        assert found.reason is Reason.RECEIPT_INCONSISTENT
        assert found.message.startswith("ledger of site lab: expected ")
        assert words in found.message


def test_receipts_without_a_proof_in_between_are_not_believed_and_the_message_says_what_is_missing() -> None:
    found = fault(receipt(3), receipt(7), receipt(12, [7]))

    assert isinstance(found, UsageError)
    assert "from the 3 records of the receipt of main 3" in found.message
    assert "to the 7 of the receipt of main 7" in found.message
    assert found.message.endswith("got none")
    assert found.hint is not None
    assert "give those in between" in found.hint


def test_a_short_form_proves_no_growth_so_no_older_receipt_goes_with_it() -> None:
    found = fault(receipt(3), short(7))

    assert isinstance(found, UsageError)
    assert "expected one receipt when the latest is in its short form, which proves no growth" in found.message


def write(folder: Path, **files: bytes) -> list[str]:
    folder.mkdir(exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return [str(folder / name) for name in files]


def test_receipts_are_read_from_files_and_folders_each_once_and_whole_where_there_is_a_whole_one(tmp_path: Path) -> None:
    line = receipt(7, [3]).short(SITE).encode()
    files = write(tmp_path / "x", a=line, b=envelope(7, [3]).encode() + b"\n", c=line, d=envelope(3).encode())
    found = read_receipts([str(tmp_path / "x"), files[0]], SITE.public)

    assert sorted(found, key=lambda r: r.sequence) == [receipt(3), receipt(7, [3])]
    assert read_receipts(files[:1], SITE.public) == [read_receipt(line, SITE.public)]


def test_hidden_files_of_a_folder_are_left_alone(tmp_path: Path) -> None:
    write(tmp_path, **{".DS_Store": b"x", "a": envelope(3).encode()})

    assert read_receipts([str(tmp_path)], SITE.public) == [receipt(3)]


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"no receipt", Reason.MALFORMED),
        (b"airgap-receipt-1 no receipt", Reason.MALFORMED),
        (replace(envelope(3), signatures=()).encode(), Reason.UNSIGNED),
        (replace(envelope(3), signatures=()).with_signatures([MALLORY]).encode(), Reason.UNKNOWN_SIGNER),
        (replace(envelope(3), signatures=envelope(4).signatures).encode(), Reason.BAD_SIGNATURE),
        (receipt(3).short(MALLORY).encode(), Reason.BAD_SIGNATURE),
    ],
)
def test_a_forged_receipt_is_refused_by_its_name(tmp_path: Path, raw: bytes, reason: Reason) -> None:
    (path,) = write(tmp_path, a=raw)
    with pytest.raises(FormatError) as caught:
        read_receipts([path], SITE.public)

    assert caught.value.reason is reason
    assert caught.value.message.startswith(f"{path}: receipt: expected ")


@pytest.mark.parametrize(
    ("files", "words"),
    [
        (
            {"a": envelope(3).encode(), "b": envelope(4, site="plant").encode()},
            "expected receipts of one site, got lab and",
        ),
        ({}, "--since: expected receipts of one site, got none"),
        ({"a": b"x" * (1024 * 1024 + 1)}, "a: expected a receipt, got more than 1048576 bytes"),
    ],
)
def test_files_that_are_no_receipts_of_one_site_are_refused(tmp_path: Path, files: dict[str, bytes], words: str) -> None:
    write(tmp_path / "x", **files)
    with pytest.raises(UsageError) as caught:
        read_receipts([str(tmp_path / "x")], SITE.public)

    assert words in caught.value.message


def test_a_missing_file_and_a_folder_of_far_too_many_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match=r"none: expected to read it, got No such file or directory$"):
        read_receipts([str(tmp_path / "none")], SITE.public)
    monkeypatch.setattr("os.listdir", lambda _: ["x"] * (MAX_FILES + 1))
    with pytest.raises(UsageError, match=r": expected at most 10000 receipts, got 10001$"):
        read_receipts([str(tmp_path)], SITE.public)


def test_the_base_is_the_channels_latest_bundle_whatever_came_in_afterwards(tmp_path: Path) -> None:
    other = replace(receipt(9), channel="other", sequence=40)
    again = replace(receipt(8), sequence=7)
    older = replace(receipt(12), sequence=3)
    wanted = request(tmp_path)

    assert confirmed([receipt(7), other, again, older], wanted) == again
    assert confirmed([other, receipt(7)], request(tmp_path, channel="other")) == other


def test_receipts_of_other_channels_or_for_another_site_are_no_base(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"^--since: expected a receipt of channel other, got main$"):
        confirmed([receipt(7)], request(tmp_path, channel="other"))
    with pytest.raises(UsageError, match=r"^--since: expected site plant, which the request is for, got lab$"):
        confirmed([receipt(7)], request(tmp_path, destination="plant"))
    assert confirmed([receipt(7)], request(tmp_path, destination="lab")) == receipt(7)


def wish(size: int, *, leaves: Sequence[bytes] = HONEST, site: str = "lab") -> Wish:
    ledger = Checkpoint(site, size, tree_hash(leaves[:size]))
    return Wish(site=site, at=NOW, channels={}, damaged=[], needed=(), ledger=ledger)


def test_a_wish_is_a_witness_too() -> None:
    check_wish(wish(7), [receipt(3), receipt(7)])
    check_wish(wish(9, leaves=FORKED), [receipt(7)])  # of another length: nothing to compare
    with pytest.raises(FormatError, match="got another root of the same length in the wish") as caught:
        check_wish(wish(7, leaves=FORKED), [receipt(3), receipt(7)])
    assert caught.value.reason is Reason.RECEIPT_INCONSISTENT
    with pytest.raises(UsageError, match=r"^--answer: expected a wish of site lab, got one of plant$"):
        check_wish(wish(7, site="plant"), [receipt(7)])
