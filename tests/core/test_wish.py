from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from airgap.core import canonical
from airgap.core.checkpoint import Checkpoint
from airgap.core.entries import Artifact, Document, Role
from airgap.core.envelope import STATEMENT_TYPE, Envelope
from airgap.core.errors import FormatError
from airgap.core.reasons import Reason
from airgap.core.wish import MAX_DAMAGED, MAX_NEEDED, WISH_TYPE, Confirmed, Damaged, Unanswered, Wish
from tests.forge.edit import Edit, drop, put
from tests.forge.keys import MALLORY, key

SITE = key("site")
LOST = Damaged("artifacts/files/a", "pkg:generic/a", b"\1" * 32, 7)
PROOF = Damaged("documents/files/a.sig", None, b"\2" * 32, 3)


@pytest.fixture
def wish(now: datetime) -> Wish:
    return Wish(
        site="lab",
        at=now,
        channels={"main": Confirmed(3, b"\3" * 32)},
        damaged=(LOST, PROOF),
        needed=("pkg:pypi/x@1", "pkg:pypi/y"),
        ledger=Checkpoint("lab", 9, b"\4" * 32),
    )


def sealed(wish: Wish, edit: Edit[Any] = lambda value: value) -> bytes:
    return Envelope(WISH_TYPE, canonical.encode(edit(wish.value())), ()).with_signatures([SITE]).encode()


def test_a_wish_says_what_there_is_and_what_is_lacking(wish: Wish) -> None:
    assert wish.value() == {
        "site": "lab",
        "time": "2026-11-23T08:00:00Z",
        "channels": {"main": {"sequence": 3, "manifest": "03" * 32}},
        "damaged": [
            {"path": "artifacts/files/a", "purl": "pkg:generic/a", "sha256": "01" * 32, "size": 7},
            {"path": "documents/files/a.sig", "purl": None, "sha256": "02" * 32, "size": 3},
        ],
        "needed": ["pkg:pypi/x@1", "pkg:pypi/y"],
        "ledger": {"size": 9, "root": "04" * 32},
    }


def test_a_signed_wish_is_read_back(wish: Wish) -> None:
    raw = wish.sign(SITE).encode()

    assert Wish.open(raw + b"\n", SITE.public) == Wish.open(raw, SITE.public) == wish


def test_a_wish_names_an_artifact_by_its_purl_and_a_document_by_its_path() -> None:
    artifact = Artifact(LOST.path, LOST.size, LOST.sha256, "pkg:generic/a")
    document = Document(PROOF.path, PROOF.size, PROOF.sha256, Role.SIGNATURE, "text/plain")

    assert (Damaged.of(artifact), Damaged.of(document)) == (LOST, PROOF)


def test_a_wish_is_written_sorted_and_each_thing_once(wish: Wish) -> None:
    other = replace(wish, damaged=[PROOF, LOST, PROOF], needed=("pkg:pypi/y", "pkg:pypi/x@1", "pkg:pypi/y"))

    assert other.encode() == wish.encode()


@pytest.mark.parametrize(
    ("edit", "got"),
    [
        (drop("ledger"), "wish: expected required"),
        (put("more", to=1), "wish: expected additionalProperties"),
        (put("site", to="a..b"), "wish: expected "),
        (put("channels", to={"a..b": {"sequence": 1, "manifest": "00" * 32}}), "wish: expected "),
        (put("channels", "main", "sequence", to=0), "wish: expected minimum 1"),
        (put("time", to="2026-02-30T00:00:00Z"), "time: expected "),
        (put("needed", 0, to="npm/x"), "purl: expected "),
        (put("needed", to=["pkg:pypi/y", "pkg:pypi/x"]), "wish: expected sorted lists without repetition, got others"),
        (put("needed", to=["pkg:pypi/x"] * 2), "wish: expected sorted lists without repetition, got others"),
        (put("needed", to=["pkg:pypi/x"] * (MAX_NEEDED + 1)), "wish: expected maxItems"),
        (put("damaged", 0, "path", to="../x"), "name '../x': expected "),
        (put("damaged", 0, "purl", to="x"), "purl: expected "),
        (put("damaged", 0, "size", to=-1), "wish: expected minimum 0"),
    ],
)
def test_a_signed_wish_that_breaks_a_rule_is_refused(wish: Wish, edit: Edit[Any], got: str) -> None:
    with pytest.raises(FormatError) as caught:
        Wish.open(sealed(wish, edit), SITE.public)

    assert caught.value.message.startswith(got)


def test_a_wish_that_would_be_too_long_is_not_signed(wish: Wish) -> None:
    many = [LOST._replace(path=f"artifacts/files/{n:06}") for n in range(MAX_DAMAGED + 1)]

    with pytest.raises(FormatError, match=r"^wish: expected maxItems 10000 at 'damaged'"):
        replace(wish, damaged=many).sign(SITE)


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (lambda wish: wish.sign(MALLORY), Reason.UNKNOWN_SIGNER),
        (lambda wish: Envelope(WISH_TYPE, wish.encode(), ()), Reason.UNSIGNED),
        (lambda wish: Envelope(STATEMENT_TYPE, wish.encode(), ()).with_signatures([SITE]), Reason.MALFORMED),
    ],
)
def test_a_wish_that_the_site_did_not_sign_as_one_is_refused(wish: Wish, raw: Any, reason: Reason) -> None:
    with pytest.raises(FormatError) as caught:
        Wish.open(raw(wish).encode(), SITE.public)

    assert caught.value.reason is reason


def test_what_a_bundle_leaves_open_is_what_it_does_not_carry(wish: Wish) -> None:
    artifact = Artifact("artifacts/files/b", 7, LOST.sha256, "pkg:pypi/y@2")
    document = Document("documents/files/b.sig", 3, PROOF.sha256, Role.SIGNATURE, "text/plain")

    assert wish.unanswered([artifact], [document]) == Unanswered([], ["pkg:pypi/x@1"])
    assert wish.unanswered([artifact._replace(stored=False)], []) == Unanswered([LOST, PROOF], ["pkg:pypi/x@1"])
    assert wish.unanswered([], []) == Unanswered([LOST, PROOF], ["pkg:pypi/x@1", "pkg:pypi/y"])


@pytest.mark.parametrize(
    ("there", "wanted", "is_answer"),
    [
        ("pkg:pypi/x@1", "pkg:pypi/x@1", True),
        ("pkg:pypi/x@1", "pkg:pypi/x", True),
        ("pkg:pypi/x?a=b", "pkg:pypi/x", True),
        ("pkg:pypi/x@10", "pkg:pypi/x@1", False),
        ("pkg:pypi/xy@1", "pkg:pypi/x", False),
        ("pkg:pypi/x", "pkg:pypi/x@1", False),
    ],
)
def test_a_purl_without_version_asks_for_any_version(wish: Wish, there: str, wanted: str, is_answer: bool) -> None:
    said = replace(wish, needed=(wanted,)).unanswered([Artifact("artifacts/files/x", 0, bytes(32), there)], [])

    assert (said.needed == []) is is_answer
