import base64
import hashlib
from typing import Any

import pytest

from airgap.core.anchors import Kind
from airgap.core.errors import FormatError
from airgap.evidence.bundles.trusted_root import TrustedRoot, find_root, read_pin
from tests.evidence.bench import anchor
from tests.evidence.sigstore_forge import b64, instance, spki
from tests.evidence.sigstoring import VECTORS, publisher, root, root_piece

LOG, CA = ("tlogs", 0), ("certificateAuthorities", 0)


def edited(*path: Any, to: Any) -> bytes:
    def edit(value: Any) -> None:
        for key in path[:-1]:
            value = value[key]
        value[path[-1]] = to

    return instance().trusted_root(edit)


def test_the_public_root_is_read() -> None:
    found = TrustedRoot.parse((VECTORS / "trusted_root.json").read_bytes())

    assert [log.url for log in found.logs] == ["https://rekor.sigstore.dev", "https://log2025-1.rekor.sigstore.dev"]
    assert [len(authority.chain) for authority in found.authorities] == [1, 2]
    assert (len(found.ct_logs), len(found.timestampers), len(found.certificates)) == (2, 1, 3)


@pytest.mark.parametrize(
    ("path", "to", "words"),
    [
        (["mediaType"], "text/plain", "expected media type"),
        (["mediaType"], ["text/plain"], "expected media type"),
        (["more"], 1, "expected known members only"),
        (["tlogs"], {}, "a list of at most 64"),
        ([*LOG, "publicKey", "validFor"], None, "expected validFor"),
        ([*LOG, "publicKey", "validFor"], {}, "expected start"),
        ([*LOG, "publicKey", "validFor", "start"], "soon", "expected a time"),
        ([*LOG, "publicKey", "rawBytes"], b64(b"no key"), "expected a SubjectPublicKeyInfo"),
        ([*LOG, "publicKey", "keyDetails"], ["x"], "expected text"),
        ([*CA, "certChain", "certificates"], [], "expected a certificate, got none"),
        ([*CA, "certChain", "certificates"], [{"rawBytes": "QQ=="}], "expected X.509 in DER"),
        ([*CA, "validFor"], {}, "expected start"),
    ],
)
def test_a_root_that_is_not_as_the_format_says_is_refused(path: Any, to: Any, words: str) -> None:
    with pytest.raises(FormatError, match=words):
        TrustedRoot.parse(edited(*path, to=to))


def test_a_log_of_a_kind_from_the_future_is_left_out_and_its_entries_with_it() -> None:
    for path, to in ((("publicKey", "keyDetails"), "ML_DSA_65"), (("hashAlgorithm",), "SHA2_512")):
        found = TrustedRoot.parse(edited(*LOG, *path, to=to))
        assert [log.url for log in found.logs] == ["https://log2.rekor.test"]


def test_a_log_without_an_id_has_that_of_its_key() -> None:
    found = TrustedRoot.parse(edited(*LOG, "logId", to=None))
    assert found.logs[0].log_id == hashlib.sha256(spki(instance().rekor.key)).digest()


def test_a_root_counts_only_when_it_is_the_pinned_one() -> None:
    other = instance().trusted_root(lambda value: value.pop("ctlogs"))

    assert find_root(publisher(), [root_piece(other), root_piece()]) == root()
    assert find_root(publisher(), [root_piece(other)]) is None
    assert find_root(publisher(), []) is None


def test_a_root_may_stand_in_the_anchor() -> None:
    small = instance().trusted_root()
    held = base64.b64encode(small).decode()
    assert find_root(publisher(small, material=held), []) == root()
    other = base64.b64encode(instance().trusted_root(lambda value: value.pop("ctlogs"))).decode()
    assert find_root(publisher(small, material=other), []) is None
    assert find_root(publisher(small, material=other), [root_piece()]) == root()
    assert find_root(publisher(small, material="!"), [root_piece()]) is None


def test_a_pinned_root_that_cannot_be_read_is_none() -> None:
    raw = b"no root"
    assert find_root(publisher(raw), [root_piece(raw)]) is None
    assert find_root(anchor(Kind.SIGSTORE, "no digest"), [root_piece()]) is None


def test_the_pin_of_a_root_is_its_digest() -> None:
    pinned = read_pin(instance().trusted_root())
    assert pinned.pin == root().digest
    assert pinned.fingerprint == f"sha256:{root().digest}"
    assert pinned.identity == "sigstore trusted root of 'https://fulcio.test'"
    with pytest.raises(FormatError):
        read_pin(b"{}")
