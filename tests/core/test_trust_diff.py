from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from airgap.core.anchors import Kind
from airgap.core.digest import sha256
from airgap.core.envelope import Envelope
from airgap.core.keys import PrivateKey
from airgap.core.trust import Trust
from airgap.core.trust_diff import Change, Member, Part, Standing, anchor_members, changes, compare
from tests.forge.edit import flip, put
from tests.forge.keys import ALICE, BOB, MALLORY, ROOT, key
from tests.forge.text import base64_of, encode
from tests.forge.trust import SIGNERS, document, revoked, signer, trust_envelope

ANCHOR = {"name": "up", "kind": "pem", "pin": "QUJD", "artifacts": ["pkg:generic/*"], "settings": {"hash": "sha256"}}
NEXT = document(2)
OLD = Trust.parse(encode(document()))


def read(value: Mapping[str, Any]) -> Trust:
    return Trust.parse(encode(value))


def sealed(value: Mapping[str, Any], keys: Sequence[PrivateKey] = (ROOT,)) -> Envelope:
    return Envelope.from_value(trust_envelope(value, keys))


def differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[Change]:
    """All changes but the version."""
    return [change for change in changes(read(old), read(new)) if change.part is not Part.DOCUMENT]


def test_the_next_version_follows_and_the_same_one_is_identical() -> None:
    assert compare(OLD, sealed(NEXT)) == (Standing.FOLLOWS, None)
    assert compare(OLD, sealed(document())) == (Standing.IDENTICAL, None)
    assert changes(OLD, OLD) == []


@pytest.mark.parametrize(
    ("value", "keys", "why"),
    [
        (document(3), [ROOT], "trust update: expected version 2, got 3"),
        (NEXT, [ALICE], "trust document, version 1: expected signatures of 1 of root, got none of them"),
        (NEXT, [MALLORY], f"trust update: expected signatures by known keys, got one by key {MALLORY.public.key_id[:16]}"),
        (document(), [ALICE], "trust document, version 1: expected signatures of 1 of root, got none of them"),
    ],
    ids=["a version is missing", "not the root", "a stranger", "the same content, signed by others"],
)
def test_what_does_not_follow_says_why(value: Mapping[str, Any], keys: list[PrivateKey], why: str) -> None:
    assert compare(OLD, sealed(value, keys)) == (Standing.DOES_NOT_FOLLOW, why)


def test_a_broken_signature_over_the_same_content_is_not_identical() -> None:
    whole = sealed(document())
    (one,) = whole.signatures
    broken = Envelope.from_value(put("signatures", 0, "sig", to=base64_of(flip(one.value, 10)))(whole.value()))

    assert compare(OLD, broken)[0] is Standing.DOES_NOT_FOLLOW


def test_a_signer_with_another_key_is_named_with_both_key_ids() -> None:
    fresh = key("fresh")
    (change,) = differences(document(), put("signers", "bob", to=signer([fresh]))(NEXT))

    old, new = (f"{k.public.algorithm} {k.public.key_id}" for k in (BOB, fresh))
    assert change == Change(Part.SIGNER, "bob", "changed", (Member("keys", (old,), (new,)),))


def test_who_comes_and_who_goes_is_named_with_all_there_is_to_know() -> None:
    there = document(2, {**SIGNERS, "mallory": [MALLORY]})
    (come,) = differences(document(), there)
    (gone,) = differences(there, document())

    assert (come.part, come.name, come.change) == (Part.SIGNER, "mallory", "added")
    assert {member.name: member.old for member in come.members} == {"keys": None, "from": None, "until": None}
    assert gone.change == "removed"
    assert [member.new for member in gone.members] == [None, None, None]
    assert [member.old for member in gone.members] == [member.new for member in come.members]


@pytest.mark.parametrize(
    ("path", "to", "member"),
    [
        (("channels", "main", "threshold"), 1, Member("threshold", ("2",), ("1",))),
        (("channels", "main", "artifacts"), ["pkg:*"], Member("artifacts", ("pkg:generic/*",), ("pkg:*",))),
        (("channels", "main", "destinations"), [], Member("destinations", ("lab",), ())),
        (("channels", "main", "signers"), ["alice", "bob", "root"],
         Member("signers", ("alice", "bob"), ("alice", "bob", "root"))),
        (("anchors", 0, "pin"), "QUJE", Member("pin", ("QUJD",), ("QUJE",))),
        (("anchors", 0, "kind"), "cosign", Member("kind", ("pem",), ("cosign",))),
        (("anchors", 0, "settings"), {"hash": "sha512"}, Member("setting hash", ("sha256",), ("sha512",))),
        (("anchors", 0, "artifacts"), ["pkg:*"], Member("artifacts", ("pkg:generic/*",), ("pkg:*",))),
        (("revoked", "keys", 0, "reason"), "lost", Member("reason", ("stolen",), ("lost",))),
        (("revoked", "digests", 0, "date"), "2026-11-02T00:00:00Z",
         Member("date", ("2026-11-01T00:00:00Z",), ("2026-11-02T00:00:00Z",))),
    ],
)  # fmt: skip
def test_every_member_that_differs_is_told(path: tuple[str | int, ...], to: Any, member: Member) -> None:
    full = document(
        channels={
            "main": {"signers": ["alice", "bob"], "threshold": 2, "artifacts": ["pkg:generic/*"], "destinations": ["lab"]}
        },
        anchors=[ANCHOR],
        revoked=revoked(keys="ab" * 20, digests="cd" * 32, artifacts="pkg:generic/evil*"),
    )
    (change,) = differences(full, put(*path, to=to)(full))

    assert (change.change, change.members) == ("changed", (member,))


@pytest.mark.parametrize(
    ("part", "list_", "what"),
    [
        (Part.REVOKED_KEY, "keys", "ab" * 20),
        (Part.REVOKED_DIGEST, "digests", "cd" * 32),
        (Part.REVOKED_ARTIFACT, "artifacts", "pkg:generic/evil*"),
    ],
)
def test_a_revocation_that_disappears_is_told_like_one_that_comes(part: Part, list_: str, what: str) -> None:
    there = document(revoked=revoked(**{list_: what}))

    for old, new, word in ((document(), there, "added"), (there, document(), "removed")):
        (change,) = differences(old, new)
        assert (change.part, change.name, change.change) == (part, what, word)


def test_the_document_itself_comes_first_with_its_threshold_and_its_end() -> None:
    longer = {**document(2), "expires": "2028-11-01T00:00:00Z", "anchors": [ANCHOR]}
    first, second = changes(OLD, read(longer))

    assert (first.part, first.name) == (Part.DOCUMENT, "")
    assert {member.name for member in first.members} == {"version", "expires"}
    assert (second.part, second.name, second.change) == (Part.ANCHOR, "up", "added")


def test_material_is_told_by_its_digest() -> None:
    held = {**ANCHOR, "kind": Kind.OPENPGP, "settings": {"material": base64_of(b"certificate")}}

    assert anchor_members(held)["material"] == (f"11 bytes, sha256 {sha256(b'certificate').hex()}",)
    assert anchor_members({**held, "settings": {"material": "?"}})["material"] == ("text that is no base64",)
    assert "material" not in anchor_members(ANCHOR)


def test_a_change_is_plain_json() -> None:
    (change,) = differences(document(), {**NEXT, "anchors": [ANCHOR]})
    value = change.value()

    assert (value["part"], value["name"], value["change"]) == ("anchor", "up", "added")
    assert value["members"][0] == {"name": "kind", "old": None, "new": ["pem"]}
    assert value["members"][-1] == {"name": "setting hash", "old": None, "new": ["sha256"]}
